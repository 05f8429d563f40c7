//! What the pipeline adds between two stages: five stages that hand 20 ms of sound on, one chunk
//! under way at a time, on the real clock, every output stamped and recorded.
//!
//! Printed as percentiles, since the worst case counts: from one stage having the chunk to the next.

use hdrhistogram::Histogram;
use std::cell::RefCell;
use std::time::Instant;
use voicesim::clock::Clock;
use voicesim::event::{SessionId, StageName, TurnId};
use voicesim::record::input::InputHash;
use voicesim::record::tap::Tap;
use voicesim::stage::queue;
use voicesim::stage::{AudioChunk, OUTPUTS_WAITING_MAX, Outlet};

const STAGES: usize = 5;
const CHUNKS: usize = 20_000;

fn main() {
    // `cargo test --benches` only wants to know that it runs.
    let is_test = std::env::args().any(|argument| argument == "--test");
    let chunks = if is_test { 100 } else { CHUNKS };
    let clock = Clock::real(1);
    let runtime = clock.clone();
    let hops = runtime
        .block_on(hand_over(clock, chunks))
        .expect("a runtime");
    let us = |quantile| hops.value_at_quantile(quantile) as f64 / 1e3;
    println!(
        "hand-over, us per hop: p50 {:.2}, p99 {:.2}, max {:.0} ({} hops, {STAGES} stages)",
        us(0.5),
        us(0.99),
        hops.max() as f64 / 1e3,
        hops.len()
    );
}

async fn hand_over(clock: Clock, chunks: usize) -> Histogram<u64> {
    clock.start();
    let tap = Tap::new(clock, SessionId(0), None);
    let hops = RefCell::new(Histogram::new(3).expect("a histogram"));
    let had = RefCell::new(Instant::now());
    let (first, mut input) = queue::channel::<AudioChunk>(OUTPUTS_WAITING_MAX);
    let mut stages = Vec::new();
    for stage in 0..STAGES {
        let (sender, receiver) = queue::channel(OUTPUTS_WAITING_MAX);
        let mut from = std::mem::replace(&mut input, receiver);
        let visit = tap.visit(TurnId(1), StageName::TextToSpeech, InputHash::default());
        let mut outlet = Outlet::new(visit, sender);
        let (hops, had) = (&hops, &had);
        stages.push(async move {
            while let Some(chunk) = from.recv().await {
                let now = Instant::now();
                if stage > 0 {
                    let span = now - *had.borrow();
                    hops.borrow_mut()
                        .record(span.as_nanos() as u64)
                        .expect("in range");
                }
                *had.borrow_mut() = now;
                outlet.send(chunk).await.expect("somebody listens");
            }
            outlet.close(&Ok(()));
        });
    }
    let mut stages = stages.into_iter();
    let mut next = || stages.next().expect("a stage");
    let (a, b, c, d, e) = (next(), next(), next(), next(), next());
    let speak = async move {
        let chunk = AudioChunk::new(vec![0.0; 320].into(), "".into());
        for _ in 0..chunks {
            first.send(chunk.clone()).await.expect("somebody listens");
            input.recv().await;
        }
    };
    tokio::join!(biased; speak, a, b, c, d, e);
    hops.borrow().clone()
}
