//! The agent's side of the recording.

use super::FRAME_SAMPLES;
use crate::audio::resample::StreamResampler;
use crate::audio::{AudioError, SAMPLE_RATE};

/// The agent's side of the recording: what was played, at the rate of the recording.
pub(super) struct AgentTrack {
    resampler: StreamResampler,
    /// Samples of the call that were pushed, at the rate of the recording.
    pub(super) samples: usize,
    /// What came out and was not written.
    pub(super) made: Vec<f32>,
    /// Samples that came out in all.
    out: usize,
}

impl AgentTrack {
    pub(super) fn new(rate: u32) -> Result<AgentTrack, AudioError> {
        Ok(AgentTrack {
            resampler: StreamResampler::new(rate, SAMPLE_RATE)?,
            samples: 0,
            made: Vec::new(),
            out: 0,
        })
    }

    /// Goes on with sound of another rate; so far there was only silence.
    pub(super) fn at_rate(&mut self, rate: u32) -> Result<(), AudioError> {
        self.made
            .resize(self.made.len() + self.samples - self.out, 0.0);
        self.out = self.samples;
        self.resampler = StreamResampler::new(rate, SAMPLE_RATE)?;
        Ok(())
    }

    /// Takes a frame; what came out of it.
    pub(super) fn push(&mut self, frame: &[f32]) -> Result<&[f32], AudioError> {
        let before = self.made.len();
        self.resampler.push(frame, &mut self.made)?;
        self.samples += FRAME_SAMPLES;
        self.out += self.made.len() - before;
        Ok(&self.made[before..])
    }

    pub(super) fn finish(mut self) -> Result<Vec<f32>, AudioError> {
        self.resampler.finish(&mut self.made)?;
        Ok(self.made)
    }
}
