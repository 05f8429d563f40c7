//! A file of a call, piece by piece.

use super::CallError;
use super::source::Progress;
use crate::audio::SAMPLE_RATE;
use crate::audio::resample::StreamResampler;
use crate::audio::stream::{self, Piece};
use std::path::Path;

/// Takes away what does not move: an offset, and rumbling under 15 Hz.
#[derive(Default)]
pub(super) struct HighPass {
    before: Option<f32>,
    passed: f32,
}

impl HighPass {
    /// How much of an offset is left a sample later, for a corner at 15 Hz.
    const HOLD: f32 = 1.0 - std::f32::consts::TAU * 15.0 / SAMPLE_RATE as f32;

    pub(super) fn pass(&mut self, samples: &[f32]) -> Vec<f32> {
        let each = samples.iter().map(|sample| {
            let before = self.before.replace(*sample).unwrap_or(*sample);
            self.passed = Self::HOLD * (self.passed + sample - before);
            // Numbers too small for the processor to be fast with are silence.
            if self.passed.abs() < 1e-12 {
                self.passed = 0.0;
            }
            self.passed
        });
        each.collect()
    }
}

/// Hands a file on, if it has as many channels as expected, stretched by a factor; returns what a reader should know
/// of it.
pub(super) fn go_through(
    path: &Path,
    mut take: impl FnMut(&Piece<'_>),
    (expected, factor): (usize, f64),
    progress: Progress<'_>,
) -> Result<Vec<String>, CallError> {
    let mut refused = None;
    let mut samples = 0;
    let stretch = (factor != 1.0).then(|| StreamResampler::stretching(factor));
    let mut stretch = stretch.transpose()?;
    let result = stream::stream(path, |piece| {
        let channels = piece.channels.len();
        if channels != expected {
            refused = Some(channels);
            // Any error ends it; this one is not shown.
            return Err(crate::audio::AudioError::NoSamples {
                path: path.to_owned(),
            });
        }
        samples += piece.channels[0].len();
        let raw = piece.raw;
        if let Some(own) = &mut stretch {
            let mut made = Vec::new();
            own.push(&piece.channels[0], &mut made)?;
            if raw.channels.is_empty()
                && let Some(own) = stretch.take()
            {
                own.finish(&mut made)?;
            }
            take(&Piece {
                raw,
                channels: &[made],
            });
        } else {
            take(&piece);
        }
        let rate = f64::from(raw.rate);
        let whole = raw.frames_declared.map(|frames| frames as f64 / rate);
        progress(samples as f64 / f64::from(SAMPLE_RATE), whole);
        Ok(())
    });
    let path = path.to_owned();
    match (refused, expected) {
        (None, _) => Ok(result?),
        (Some(1), 2) => Err(CallError::OneChannel { path }),
        (Some(channels), 2) => Err(CallError::ManyChannels { path, channels }),
        (Some(channels), _) => Err(CallError::NotMono { path, channels }),
    }
}
