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
}

impl AgentTrack {
    pub(super) fn new(rate: u32) -> Result<AgentTrack, AudioError> {
        Ok(AgentTrack {
            resampler: StreamResampler::new(rate, SAMPLE_RATE)?,
            samples: 0,
            made: Vec::new(),
        })
    }

    /// Goes on with sound of another rate; what was still to come out of the sound so far.
    pub(super) fn at_rate(&mut self, rate: u32) -> Result<&[f32], AudioError> {
        let before = self.made.len();
        let next = StreamResampler::new(rate, SAMPLE_RATE)?;
        std::mem::replace(&mut self.resampler, next).finish(&mut self.made)?;
        Ok(&self.made[before..])
    }

    /// Takes a frame; what came out of it.
    pub(super) fn push(&mut self, frame: &[f32]) -> Result<&[f32], AudioError> {
        let before = self.made.len();
        self.resampler.push(frame, &mut self.made)?;
        self.samples += FRAME_SAMPLES;
        Ok(&self.made[before..])
    }

    pub(super) fn finish(mut self) -> Result<Vec<f32>, AudioError> {
        self.resampler.finish(&mut self.made)?;
        Ok(self.made)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sound_stays_where_it_was_when_the_rate_changes() {
        let mut track = AgentTrack::new(24_000).expect("a track");
        let mut heard = 0;
        for _ in 0..50 {
            heard += track.push(&[0.5; 480]).expect("taken").len();
        }
        heard += track.at_rate(8_000).expect("changed").len();
        assert_eq!((heard, track.made.len()), (16_000, 16_000));
        for _ in 0..50 {
            track.push(&[-0.5; 160]).expect("taken");
        }
        let made = track.finish().expect("finished");
        assert_eq!(made.len(), 32_000);
        assert!((made[15_800] - 0.5).abs() < 0.01, "{}", made[15_800]);
        assert!((made[16_200] + 0.5).abs() < 0.01, "{}", made[16_200]);
    }
}
