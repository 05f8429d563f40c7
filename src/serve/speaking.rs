//! The speaker at the caller's end: sound is sent at once, ahead of the moment at which it is heard, and taken back when
//! the agent falls silent.

use super::voice::sentence;
use super::wire::Wire;
use crate::audio::resample::resample;
use crate::audio::{AudioError, SAMPLE_RATE, Samples, Speaker};
use crate::event::Tick;
use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

/// A speaker far away.
pub(crate) struct FarSpeaker {
    wire: Rc<Wire>,
    /// What simulated engines sound like, and how far it has come.
    sentence: Samples,
    said: Cell<usize>,
}

impl FarSpeaker {
    /// # Errors
    /// If the voice of simulated engines cannot be read.
    pub(crate) fn new(wire: Rc<Wire>) -> Result<FarSpeaker, AudioError> {
        Ok(FarSpeaker {
            wire,
            sentence: sentence()?,
            said: Cell::new(0),
        })
    }

    fn send(&self, samples: &[f32]) {
        let rate = self.wire.rate();
        match resample(samples, SAMPLE_RATE, rate) {
            // Many clients take no message that is longer than a few seconds of sound.
            Ok(samples) => samples
                .chunks(rate as usize)
                .for_each(|second| self.wire.sound(second)),
            Err(error) => tracing::error!("sound is lost: {error}"),
        }
    }
}

impl Speaker for FarSpeaker {
    fn latency(&self) -> Duration {
        Duration::ZERO
    }

    fn play(&self, _: Tick, samples: &Samples) {
        self.send(samples);
    }

    fn play_simulated(&self, _: Tick, length: Duration) {
        let samples = (length.as_secs_f64() * f64::from(SAMPLE_RATE)) as usize;
        let from = self.said.get();
        let sentence = self.sentence.iter().copied().cycle();
        let sound: Vec<f32> = sentence.skip(from).take(samples).collect();
        self.said.set((from + samples) % self.sentence.len().max(1));
        self.send(&sound);
    }

    fn silence(&self) -> Duration {
        self.wire.clear();
        // The next reply begins with the beginning of a sentence.
        self.said.set(0);
        Duration::ZERO
    }
}
