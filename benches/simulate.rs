//! What simulated turns cost: a bare turn of eight events on the virtual clock, as a general simulator would
//! have it, the same with fifty callers on eight slots of a language model, and whole conversations through the
//! pipeline, on one thread and on two.
//!
//!     cargo bench --bench simulate

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use std::cell::RefCell;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::{Duration, Instant};
use voicesim::clock::Clock;
use voicesim::engine::pool::Pools;
use voicesim::event::{StageName, Tick, nanos};
use voicesim::experiment::Simulation;
use voicesim::measure::Histogram;
use voicesim::rng::Seed;
use voicesim::scenario;
use voicesim::scenario::latency::{Latency, LatencyModel, Work};
use voicesim::scenario::pool;

const BARE_TURNS: u32 = 1_000_000;
const CONVERSATIONS: u32 = 100_000;
const REPEATS: usize = 5;
const POOLED_TURNS: u32 = 500_000;
const CALLERS: u32 = 50;
const SLOTS: u32 = 8;

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
    let mut all = Histogram::default();
    let rate = median((0..REPEATS).map(|_| {
        let (histogram, rate) = pooled();
        all = histogram;
        rate
    }));
    let summary = all.summary().expect("turns");
    println!(
        "the same of {CALLERS} callers on {SLOTS} slots, 1 thread: {rate:.0} turns/s (latency p50/p95/p99 {:.0}/{:.0}/{:.0} ms)",
        summary.p50_ms, summary.p95_ms, summary.p99_ms
    );
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

fn stages() -> Vec<Latency> {
    let stages = STAGES.iter().map(|(median_s, sigma)| {
        let median_ms = 1e3 * median_s;
        let p95_ms = median_ms * (1.644_853_626_951_472_7 * sigma).exp();
        let model = LatencyModel::Lognormal { median_ms, p95_ms };
        model.parse().expect("a latency")
    });
    stages.collect()
}

/// The latency of every turn of callers who share a language model, and turns per second. A slot is theirs
/// from the first token to the first sentence.
fn pooled() -> (Histogram, f64) {
    let start = Instant::now();
    let stages = stages();
    let source = Seed(1).source("turn", "stages");
    let clock = Clock::virtual_time(1);
    let pools = pool::Pools {
        answer: Some(pool::Pool {
            slots: SLOTS,
            ..pool::Pool::default()
        }),
        ..pool::Pools::default()
    };
    let pools = Pools::of(&pools, &clock, &(Tick::ZERO..Tick(u64::MAX)));
    let model = pools.of_stage(StageName::Answer).expect("a pool");
    let latencies = RefCell::new(Histogram::default());
    let caller = async |conversation: u32| {
        for turn in 0..POOLED_TURNS / CALLERS {
            let mut draw = source.draw(conversation.into(), turn);
            let mut mood = source.mood(conversation.into());
            let spans: Vec<Duration> = stages
                .iter()
                .map(|stage| stage.sample(&mut draw, &mut mood, Work::default()))
                .collect();
            let pass = async |span: Duration| clock.sleep_until(clock.now() + span).await;
            pass(spans[0]).await;
            let asked = clock.now();
            pass(spans[1]).await;
            pass(spans[2]).await;
            let slot = model.slot(spans[3] + spans[4]).await.expect("room");
            pass(spans[3]).await;
            pass(spans[4]).await;
            drop(slot);
            pass(spans[5]).await;
            pass(spans[6]).await;
            let latency = clock.now().since(asked);
            latencies.borrow_mut().record(nanos(latency));
            pass(spans[7]).await;
        }
    };
    let all = async {
        let mut callers: FuturesUnordered<_> = (0..CALLERS).map(caller).collect();
        while callers.next().await.is_some() {}
    };
    clock.block_on(all).expect("it ends");
    let rate = f64::from(POOLED_TURNS) / start.elapsed().as_secs_f64();
    (latencies.into_inner(), rate)
}

fn turns(conversation: u64, count: u32) -> Histogram {
    let stages = stages();
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
                    6 => latencies.record(nanos(clock.now().since(asked))),
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
