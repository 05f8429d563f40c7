//! `conversation.wav`: both speakers on one time axis, as they were heard.

use crate::audio::wav::StereoWriter;
use crate::audio::{AudioError, position_of};
use crate::event::Tick;
use std::path::Path;

/// How often sound is put on disk, so that a killed run loses little: every second.
const FLUSH_EVERY_SAMPLES: u64 = crate::audio::SAMPLE_RATE as u64;

/// Sound that may lie ahead of what is written: ten minutes. Nothing plays that far ahead.
const AHEAD_SAMPLES_MAX: usize = 600 * crate::audio::SAMPLE_RATE as usize;

/// Writes the caller on the left and the agent on the right. The caller's sound comes in order and
/// moves the time on; the agent's is laid ahead of it and may be taken back until its time comes.
pub(super) struct Conversation {
    writer: StereoWriter,
    /// Samples that are on their way to the disk, as a position on the time axis.
    written: u64,
    flushed: u64,
    left: Vec<f32>,
    right: Vec<f32>,
}

impl Conversation {
    pub(super) fn create(path: &Path) -> Result<Conversation, AudioError> {
        Ok(Conversation {
            writer: StereoWriter::create(path)?,
            written: 0,
            flushed: 0,
            left: Vec::new(),
            right: Vec::new(),
        })
    }

    pub(super) fn caller(&mut self, at: Tick, samples: &[f32]) -> Result<(), AudioError> {
        let start = self.ahead(at);
        lay(&mut self.left, start, samples);
        self.advance(start + samples.len())
    }

    pub(super) fn agent(&mut self, at: Tick, samples: &[f32]) {
        let start = self.ahead(at);
        lay(&mut self.right, start, samples);
    }

    pub(super) fn silence_agent(&mut self, at: Tick) {
        let start = self.ahead(at);
        self.right.truncate(start);
    }

    pub(super) fn finish(mut self) -> Result<(), AudioError> {
        let rest = self.left.len().max(self.right.len());
        self.advance(rest)?;
        self.writer.finish()
    }

    /// The index of `at` in the sound that lies ahead.
    fn ahead(&self, at: Tick) -> usize {
        usize::try_from(position_of(at).saturating_sub(self.written))
            .unwrap_or(usize::MAX)
            .min(AHEAD_SAMPLES_MAX)
    }

    /// Writes the next `count` samples of both channels.
    fn advance(&mut self, count: usize) -> Result<(), AudioError> {
        for channel in [&mut self.left, &mut self.right] {
            if channel.len() < count {
                channel.resize(count, 0.0);
            }
        }
        self.writer
            .push(&self.left[..count], &self.right[..count])?;
        self.left.drain(..count);
        self.right.drain(..count);
        self.written += count as u64;
        if self.written - self.flushed >= FLUSH_EVERY_SAMPLES {
            self.flushed = self.written;
            self.writer.flush()?;
        }
        Ok(())
    }
}

/// Adds `samples` to `channel` from index `start` on.
fn lay(channel: &mut Vec<f32>, start: usize, samples: &[f32]) {
    let end = start + samples.len();
    if channel.len() < end {
        channel.resize(end, 0.0);
    }
    for (to, from) in channel[start..end].iter_mut().zip(samples) {
        *to += from;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn right_of(steps: impl FnOnce(&mut Conversation)) -> Vec<i16> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("conversation.wav");
        let mut conversation = Conversation::create(&path).expect("a file");
        steps(&mut conversation);
        conversation.finish().expect("written");
        let mut reader = hound::WavReader::open(&path).expect("a WAV");
        let samples: Vec<i16> = reader.samples().map(|s| s.expect("a sample")).collect();
        samples.chunks(2).map(|pair| pair[1]).collect()
    }

    #[test]
    fn the_agent_is_heard_where_its_sound_was_laid() {
        let right = right_of(|conversation| {
            conversation.agent(Tick::from_ms(1), &[0.5; 16]);
            conversation
                .caller(Tick::ZERO, &[0.1; 256])
                .expect("written");
        });
        assert_eq!(right.len(), 256);
        assert!(right[..16].iter().all(|s| *s == 0));
        assert!(right[16..32].iter().all(|s| *s > 16_000));
        assert!(right[32..].iter().all(|s| *s == 0));
    }

    #[test]
    fn sound_taken_back_before_its_time_is_not_heard() {
        let right = right_of(|conversation| {
            conversation.agent(Tick::ZERO, &[0.5; 160]);
            conversation.silence_agent(Tick::from_ms(5));
        });
        assert_eq!(right.len(), 80);
        assert!(right.iter().all(|s| *s > 16_000));
    }
}
