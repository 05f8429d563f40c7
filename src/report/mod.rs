//! Showing what was measured: as text for people, as JSON for programs, as files for other tools.

pub mod answer;
mod busy;
pub mod calls;
pub mod chart;
pub mod claimed;
pub mod compare;
pub mod document;
pub mod eval;
pub mod export;
pub mod find;
pub mod fit;
pub mod hlog;
pub mod html;
pub mod imported;
mod literal;
mod money;
pub mod plan;
pub mod rederived;
mod resilience;
pub mod segments;
pub mod sensitivity;
pub mod simulation;
pub mod subject;
pub mod sweep;
pub mod table;
pub mod text;
pub mod validate;
mod word_rates;

use crate::event::Tick;

/// The wait from which on an answer is called slow where no budget says otherwise, in milliseconds.
const SLOW_MS: f64 = 800.0;

/// A count of something, in the plural unless it is one.
fn several(count: u64, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        _ => format!("{count} {what}s"),
    }
}

/// Where in a recording something is: minutes, seconds and a tenth, as players show it.
fn clock_time(at: Tick) -> String {
    let tenths = at.0 / 100_000_000;
    format!("{}:{:02}.{}", tenths / 600, tenths / 10 % 60, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_in_a_recording_is_told_as_players_do() {
        for (ms, told) in [
            (0, "0:00.0"),
            (9_960, "0:09.9"),
            (83_400, "1:23.4"),
            (3_661_000, "61:01.0"),
        ] {
            assert_eq!(clock_time(Tick::from_ms(ms)), told);
        }
    }
}
