//! How often `voicesim compare` sees a difference where there is none, and where there is one; and what a comparison
//! takes. 1,000 pairs of each shape, none with a least effect; the last two columns are pairs whose new side is 5 %
//! slower.
//!
//!     cargo bench --bench compare

#[path = "../tests/it/support/made_up_calls.rs"]
mod made_up_calls;

use made_up_calls::{CALLS, Shape, compared, verdicts};
use std::time::Instant;
use voicesim::compare::Settings;

const PAIRS: u64 = 1_000;

fn main() {
    let alone = Shape {
        is_paired: false,
        is_same_luck: false,
        ..CALLS
    };
    let own_luck = Shape {
        is_same_luck: false,
        ..CALLS
    };
    let shapes = [
        ("25 calls of 8, paired", CALLS),
        (
            "the same, calls resemble themselves (0.4)",
            Shape {
                effect: 0.4,
                ..CALLS
            },
        ),
        (
            "the same, and not each other",
            Shape {
                effect: 0.4,
                ..own_luck
            },
        ),
        ("25 calls of 8, not paired", alone),
        (
            "the same, calls resemble themselves (0.4)",
            Shape {
                effect: 0.4,
                ..alone
            },
        ),
        (
            "150 calls of 8, not paired",
            Shape {
                conversations: 150,
                ..alone
            },
        ),
        (
            "heavy tails (1.2), paired",
            Shape {
                answer_sigma: 1.2,
                ..CALLS
            },
        ),
        (
            "heavy tails (1.2), not paired",
            Shape {
                answer_sigma: 1.2,
                ..alone
            },
        ),
        (
            "100 sounds, 2 % stop, paired",
            Shape {
                sounds: 4,
                stops: 0.02,
                ..CALLS
            },
        ),
        (
            "100 sounds, 2 % stop, not paired",
            Shape {
                sounds: 4,
                stops: 0.02,
                ..alone
            },
        ),
        (
            "3 calls of 8, paired",
            Shape {
                conversations: 3,
                ..CALLS
            },
        ),
        (
            "3 calls of 8, paired, resemble themselves (0.4)",
            Shape {
                conversations: 3,
                effect: 0.4,
                ..own_luck
            },
        ),
        (
            "3 calls of 8, not paired",
            Shape {
                conversations: 3,
                ..alone
            },
        ),
        (
            "3 calls of 8, not paired, resemble themselves (0.4)",
            Shape {
                conversations: 3,
                effect: 0.4,
                ..alone
            },
        ),
        (
            "7 calls of 8, paired",
            Shape {
                conversations: 7,
                ..own_luck
            },
        ),
        (
            "5 calls of 8, not paired",
            Shape {
                conversations: 5,
                ..alone
            },
        ),
        (
            "1 call of 24, paired",
            Shape {
                conversations: 1,
                questions: 24,
                effect: 0.0,
                ..CALLS
            },
        ),
        (
            "1 call of 200, paired",
            Shape {
                conversations: 1,
                questions: 200,
                effect: 0.0,
                ..CALLS
            },
        ),
        (
            "1 call of 200, not paired",
            Shape {
                conversations: 1,
                questions: 200,
                effect: 0.0,
                ..alone
            },
        ),
    ];
    println!("{:<52} {:>12} {:>10}", "shape", "false alarms", "5 % found");
    for (name, shape) in shapes {
        let share =
            |found: u64, pairs: u64| format!("{:.1} %", 100.0 * found as f64 / pairs as f64);
        let alarms = share(verdicts(&shape, PAIRS, 1.0, 0.0), PAIRS);
        let found = share(verdicts(&shape, PAIRS / 5, 1.05, 0.02), PAIRS / 5);
        println!("{name:<52} {alarms:>12} {found:>10}");
    }
    let start = Instant::now();
    compared(&CALLS, 1, 1.05, &Settings::default());
    println!(
        "a comparison of 25 calls of 8: {:.0} ms",
        start.elapsed().as_secs_f64() * 1e3
    );
}
