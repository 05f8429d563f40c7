//! What simulated turns cost: a bare turn of eight events on the virtual clock, as a general simulator would
//! have it, and whole conversations through the pipeline, on one thread and on two.
//!
//!     cargo bench --bench simulate

use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::Instant;
use voicesim::clock::Clock;
use voicesim::measure::Histogram;
use voicesim::rng::Seed;
use voicesim::run::Simulation;
use voicesim::scenario;
use voicesim::scenario::latency::{LatencyModel, Sampler, Work};

const BARE_TURNS: u32 = 1_000_000;
const CONVERSATIONS: u32 = 100_000;
const REPEATS: usize = 5;

/// Of a turn: from the caller's speech over endpoint, transcript, first token, first sentence, first audio
/// and network to playback; median in seconds and sigma of a lognormal each.
const STAGES: [(f64, f64); 8] = [
    (1.5, 0.5),
    (0.5, 0.15),
    (0.12, 0.3),
    (0.35, 0.4),
    (0.15, 0.3),
    (0.15, 0.35),
    (0.05, 0.3),
    (2.5, 0.5),
];

fn main() {
    for threads in [1, 2] {
        let mut all = Histogram::default();
        let rate = median((0..REPEATS).map(|_| {
            let (histogram, rate) = bare(threads);
            all = histogram;
            rate
        }));
        let summary = all.summary().expect("turns");
        println!(
            "bare turns of eight events, {threads} threads: {rate:.0} turns/s (latency p50/p95/p99 {:.0}/{:.0}/{:.0} ms)",
            summary.p50_ms, summary.p95_ms, summary.p99_ms
        );
    }
    for threads in [1, 2] {
        let rate = median((0..REPEATS).map(|_| whole(threads)));
        println!("turns of audio/simulations/assistant.toml, {threads} threads: {rate:.0} turns/s");
    }
}

fn median(rates: impl Iterator<Item = f64>) -> f64 {
    let mut rates: Vec<f64> = rates.collect();
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}

/// The latency of every turn, and turns per second.
fn bare(threads: usize) -> (Histogram, f64) {
    let start = Instant::now();
    let mut all = Histogram::default();
    thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|thread| scope.spawn(move || turns(thread as u64, BARE_TURNS / threads as u32)))
            .collect();
        for worker in workers {
            all.add(&worker.join().expect("a thread"));
        }
    });
    (all, f64::from(BARE_TURNS) / start.elapsed().as_secs_f64())
}

fn turns(conversation: u64, count: u32) -> Histogram {
    let stages: Vec<Sampler> = STAGES
        .iter()
        .map(|(median_s, sigma)| {
            let median_ms = 1e3 * median_s;
            let p95_ms = median_ms * (1.644_853_626_951_472_7 * sigma).exp();
            LatencyModel::Lognormal { median_ms, p95_ms }.sampler()
        })
        .collect();
    let source = Seed(1).source("turn", "stages");
    let clock = Clock::virtual_time(1);
    let mut latencies = Histogram::default();
    let session = async {
        for turn in 0..count {
            let (mut draw, mut mood) = (source.draw(conversation, turn), source.mood(conversation));
            let mut asked = clock.now();
            for (index, stage) in stages.iter().enumerate() {
                let span = stage.sample(&mut draw, &mut mood, Work::default());
                clock.sleep_until(clock.now() + span).await;
                match index {
                    0 => asked = clock.now(),
                    6 => latencies.record(voicesim::event::nanos(clock.now().since(asked))),
                    _ => {}
                }
            }
        }
    };
    clock.block_on(session).expect("it ends");
    latencies
}

/// Turns per second of the whole pipeline: a caller who hesitates, interrupts and loses patience, the
/// classifier's curve, a network, every event, and the fold.
fn whole(threads: usize) -> f64 {
    let scenario =
        scenario::load(Path::new("audio/simulations/assistant.toml")).expect("a scenario");
    let simulation = Simulation::of(scenario)
        .worlds(CONVERSATIONS)
        .threads(threads);
    let start = Instant::now();
    let stop = AtomicBool::new(false);
    let simulated = simulation.run(&stop, &|_, _| {}).expect("a simulation");
    simulated.totals.measured.turns as f64 / start.elapsed().as_secs_f64()
}
