//! What virtual time costs: a timer, and a whole simulated turn through the real pipeline.

use divan::Bencher;
use divan::counter::ItemsCount;
use std::cell::Cell;
use voicesim::clock::Clock;
use voicesim::event::Tick;
use voicesim::run::{Run, Time};
use voicesim::scenario::latency::LatencyModel;
use voicesim::scenario::speech::Speech;
use voicesim::scenario::{ScenarioFile, TurnTable};

const TIMERS: u64 = 10_000;
const TURNS: usize = 100;

fn main() {
    divan::main();
}

/// Four sleepers who share the timers; items are timers.
#[divan::bench]
fn timers(bencher: Bencher) {
    bencher.counter(ItemsCount::new(TIMERS)).bench(|| {
        let clock = Clock::virtual_time(1);
        let fired = Cell::new(0);
        let sleeper = |first: u64| {
            let (clock, fired) = (&clock, &fired);
            async move {
                for count in 0..TIMERS / 4 {
                    clock.sleep_until(Tick(first + 7 * count)).await;
                    fired.set(fired.get() + 1);
                }
            }
        };
        let all = async { tokio::join!(biased; sleeper(1), sleeper(2), sleeper(3), sleeper(4)) };
        clock.block_on(all).expect("it ends");
        assert_eq!(fired.get(), TIMERS);
    });
}

/// A conversation with a simulated caller and engines, recorded and measured; items are turns.
#[divan::bench]
fn simulated_turns(bencher: Bencher) {
    let mut file = ScenarioFile::default();
    file.stt.swap("simulated");
    file.answer.swap("simulated");
    file.tts.swap("simulated");
    let turn = TurnTable {
        speech: Some(Speech {
            length: LatencyModel::Lognormal {
                median_ms: 1_800.0,
                p95_ms: 4_000.0,
            },
            pauses: Vec::new(),
        }),
        ..TurnTable::default()
    };
    file.turn = vec![turn; TURNS];
    let scenario = file.parse().expect("a scenario");
    bencher.counter(ItemsCount::new(TURNS)).bench(|| {
        let replay = Run::of(scenario.clone()).in_time(Time::Virtual);
        replay.run().expect("a run").measured
    });
}
