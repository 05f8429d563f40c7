//! What waits would be if everybody had waited, against the truth: the estimate from callers who left, and shadow
//! answers. For each latency and patience 400 simulations of 320 conversations; the truth is that of 100,000
//! conversations with callers who wait for ever. A cell says how often the 95 % interval holds the truth, of those
//! repetitions in which the figure is known; `over` is how often it is not, and says so.
//!
//!     cargo bench --bench unanswered

use std::path::Path;
use std::sync::atomic::AtomicBool;
use voicesim::event::Metric;
use voicesim::experiment::Simulation;
use voicesim::measure::{Interval, Known, Percentile, Totals};
use voicesim::scenario::{self, Scenario};

const REPETITIONS: u64 = 400;
const CONVERSATIONS: u32 = 320;
const TRUE_CONVERSATIONS: u32 = 100_000;

/// Latencies of the answer, which is what waits differ by.
const LATENCIES: [(&str, &str); 10] = [
    (
        "lognormal 300/600",
        "{ lognormal = { median_ms = 300, p95_ms = 600 } }",
    ),
    (
        "lognormal 620/1100",
        "{ lognormal = { median_ms = 620, p95_ms = 1100 } }",
    ),
    (
        "lognormal 900/4000",
        "{ lognormal = { median_ms = 900, p95_ms = 4000 } }",
    ),
    (
        "gamma 600/1500",
        "{ gamma = { mean_ms = 600, p95_ms = 1500 } }",
    ),
    (
        "weibull 400/2400",
        "{ weibull = { median_ms = 400, p95_ms = 2400 } }",
    ),
    (
        "weibull 700/900",
        "{ weibull = { median_ms = 700, p95_ms = 900 } }",
    ),
    (
        "two kinds",
        "{ mixture = [{ weight = 0.8, model = { lognormal = { median_ms = 300, p95_ms = 500 } } }, { weight = 0.2, model = { lognormal = { median_ms = 1500, p95_ms = 2500 } } }] }",
    ),
    (
        "rarely stuck",
        "{ mixture = [{ weight = 0.97, model = { lognormal = { median_ms = 400, p95_ms = 700 } } }, { weight = 0.03, model = { lognormal = { median_ms = 6000, p95_ms = 9000 } } }] }",
    ),
    ("preset google-stt", "{ preset = \"google-stt\" }"),
    ("preset gradium-tts", "{ preset = \"gradium-tts\" }"),
];

/// How long callers wait; lognormal by median and p95, or always the same.
const PATIENCE: [(&str, &str); 5] = [
    ("0.3 s", "{ fixed_ms = 300 }"),
    ("1.2 s", "{ fixed_ms = 1200 }"),
    (
        "1.2/4 s",
        "{ lognormal = { median_ms = 1200, p95_ms = 4000 } }",
    ),
    (
        "2.5/9 s",
        "{ lognormal = { median_ms = 2500, p95_ms = 9000 } }",
    ),
    (
        "8/30 s",
        "{ lognormal = { median_ms = 8000, p95_ms = 30000 } }",
    ),
];

fn scenario(latency: &str, patience: &str, seed: u64) -> Scenario {
    let text = format!(
        "seed = {seed}\n[caller]\nquestions = 4\npatience = {patience}\npause_every_s = 0\nspeech = {{ fixed_ms = 800 }}\nbackchannels_per_minute = 0\ninterruptions_per_minute = 0\nnoises_per_minute = 0\n[stt]\nengine = \"simulated\"\nlatency = {{ fixed_ms = 100 }}\n[answer]\nengine = \"simulated\"\ntext = \"Yes.\"\nlatency = {latency}\n[tts]\nengine = \"simulated\"\nlatency = {{ fixed_ms = 100 }}\n"
    );
    scenario::parse(Path::new("bench.toml"), &text).expect("a scenario")
}

fn simulated(scenario: Scenario, conversations: u32, has_shadows: bool) -> Totals {
    let simulation = Simulation::of(scenario)
        .worlds(conversations)
        .threads(2)
        .shadows(has_shadows);
    let stop = AtomicBool::new(false);
    simulation
        .run(&stop, &|_, _| {})
        .expect("a simulation")
        .totals
}

/// How often a figure was known, and how often its interval held the truth.
#[derive(Default)]
struct Held {
    known: u32,
    held: u32,
    over: u32,
    /// How often a figure was said to lie over something that it does not lie over.
    wrong: u32,
}

impl Held {
    fn add(&mut self, known: Option<Known>, interval: Option<Interval>, truth: f64) {
        match (known, interval) {
            (Some(Known::Is(_)), Some(interval)) => {
                self.known += 1;
                self.held += u32::from((interval.low..=interval.high).contains(&truth));
            }
            (Some(Known::Over(bound)), _) => {
                self.over += 1;
                self.wrong += u32::from(bound > truth * 1.001);
            }
            _ => {}
        }
    }

    fn told(&self) -> String {
        let share = |count: u32, of: u32| 100.0 * f64::from(count) / f64::from(of.max(1));
        let held = match self.known {
            0..40 => "    -".to_owned(),
            known => format!("{:4.1}%", share(self.held, known)),
        };
        let all = self.known + self.over;
        let wrong = match self.wrong {
            0 => String::new(),
            wrong => format!(", {wrong} WRONG"),
        };
        format!("{held} over {:3.0}%{wrong}", share(self.over, all))
    }
}

fn main() {
    println!(
        "{:<20} {:<8} {:>4}  {:<18} {:<18}",
        "answer", "patience", "", "by estimate", "by shadows"
    );
    for (name, latency) in LATENCIES {
        let truth = simulated(
            scenario(latency, "{ fixed_ms = 0 }", 1_000_000),
            TRUE_CONVERSATIONS,
            false,
        );
        let truth = &truth.measured.metrics[&Metric::E2eLatency];
        for (told, patience) in PATIENCE {
            let mut cells: [[Held; 2]; 2] = Default::default();
            for seed in 0..REPETITIONS {
                let totals = simulated(scenario(latency, patience, seed), CONVERSATIONS, true);
                let asks = &totals.measured.first_asks;
                for (cells, percent) in cells.iter_mut().zip([50, 95]) {
                    let percentile = Percentile::whole(percent);
                    let truly = truth
                        .percentile(percentile)
                        .and_then(Known::exact)
                        .expect("all waited");
                    cells[0].add(
                        asks.estimate(percentile),
                        totals.estimate_interval(percentile),
                        truly,
                    );
                    cells[1].add(
                        asks.by_shadows(percentile),
                        totals.shadows_interval(percentile),
                        truly,
                    );
                }
            }
            for (cells, percent) in cells.iter().zip([50, 95]) {
                let [estimate, shadows] = cells.each_ref().map(Held::told);
                println!("{name:<20} {told:<8} p{percent:<3}  {estimate:<18} {shadows:<18}");
            }
        }
    }
}
