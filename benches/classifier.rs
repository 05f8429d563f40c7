//! What the interruption classifier costs: loading its weights, and one decision.

use divan::Bencher;
use std::time::Duration;
use voicesim::event::InterruptionPolicy;
use voicesim::interrupt::heard::{Context, Heard, Interval};
use voicesim::interrupt::model::{Weights, shipped};
use voicesim::interrupt::policy::policy;

fn main() {
    divan::main();
}

#[divan::bench]
fn load_weights() -> Weights {
    Weights::of_text(include_str!("../src/interrupt/weights.json")).expect("weights")
}

/// Features, probability, verdict and reasons, as every 50 ms over the agent.
#[divan::bench]
fn decide(bencher: Bencher) {
    shipped().expect("weights");
    let mut policy = policy(InterruptionPolicy::Classifier).expect("a policy");
    let context = Context::default();
    let activity = [Interval {
        on: Duration::ZERO,
        off: None,
    }];
    let heard = Heard {
        since_onset: Duration::from_millis(400),
        activity: &activity,
        words: None,
        context: &context,
    };
    bencher.bench_local(|| policy.decide(&heard));
}
