//! What the ear costs: one 16 ms step, and the true boundaries of a recording.

use divan::Bencher;
use std::path::Path;
use voicesim::audio::{FRAME_SAMPLES, Samples, decode};
use voicesim::ear::truth::speech_in;
use voicesim::ear::{Ear, UtteranceOver};
use voicesim::event::{Hears, Tick};

fn main() {
    divan::main();
}

fn question() -> Vec<f32> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("audio/fixtures/piper-reply.wav");
    decode::read(&path).expect("a fixture")
}

/// One frame through voice detection and the state machine.
#[divan::bench]
fn step_of_16_ms(bencher: Bencher) {
    let speech = question();
    let frames: Vec<Samples> = speech
        .chunks_exact(FRAME_SAMPLES)
        .map(Samples::from)
        .collect();
    let mut ear = Ear::new(0.5, Hears::Caller, UtteranceOver::default());
    let mut next = 0;
    bencher.bench_local(|| {
        next += 1;
        let start = Tick::from_ms(16 * next as u64);
        ear.hear(start, frames[next % frames.len()].clone())
    });
}

/// The stretches of speech in a question of two and a half seconds.
#[divan::bench]
fn truth_of_a_question(bencher: Bencher) {
    let speech = question();
    bencher.bench_local(|| speech_in(&speech, 0.5, Hears::Caller));
}
