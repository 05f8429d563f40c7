//! The samples of a file while it is decoded: checked as they come, and kept in bounds or handed on.

use super::source::refuse_channels;
use super::{DURATION_S_MAX, STREAM_DURATION_S_MAX};
use crate::audio::{AudioError, RATE_MAX, RATE_MIN};
use std::path::Path;
use symphonia::core::errors::Error;

/// Samples held in memory at once: as many as the longest recording has in one channel at 48 kHz (2.8 GB).
const SAMPLES_MAX: u64 = DURATION_S_MAX * 48_000;

/// The largest magnitude of a float sample, 24 dB over full scale. Beyond it the file is not scaled to -1..1.
const AMPLITUDE_MAX: f32 = 16.0;

/// What becomes of the channels while decoding.
pub(super) enum Keep<'a> {
    /// The mean of the channels is kept, as one channel.
    Mean,
    /// Every channel is kept.
    Every,
    /// The channels are handed on, packet by packet, and forgotten.
    Nothing(&'a mut Sink<'a>),
}

/// Takes decoded packets, in order.
pub(super) type Sink<'a> = dyn FnMut(Packet<'_>) -> Result<(), AudioError> + 'a;

/// A stretch of a file's sound, as it was decoded.
#[derive(Clone, Copy)]
pub struct Packet<'a> {
    /// The file's sample rate in Hz.
    pub rate: u32,
    /// A vector for each channel of the file, all equally long.
    pub channels: &'a [Vec<f32>],
    /// Samples of one channel in the whole file; `None` if the header does not say.
    pub frames_declared: Option<u64>,
}

/// What has been decoded, checked as it comes.
pub(super) struct DecodedSound<'a> {
    pub(super) path: &'a Path,
    keep: Keep<'a>,
    pub(super) rate: u32,
    /// Channels in the file.
    file_channels: usize,
    /// Samples of each channel so far.
    pub(super) frames: u64,
    /// Samples of each channel in all, as far as the header says.
    pub(super) frames_declared: Option<u64>,
    pub(super) channels: Vec<Vec<f32>>,
    /// What a reader of figures should know of the file.
    pub(super) notes: Vec<String>,
}

impl<'a> DecodedSound<'a> {
    pub(super) fn new(path: &'a Path, keep: Keep<'a>) -> Self {
        Self {
            path,
            keep,
            rate: 0,
            file_channels: 0,
            frames: 0,
            frames_declared: None,
            channels: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// Takes a stretch of sound, a vector for each channel in the file.
    pub(super) fn push(&mut self, rate: u32, sound: &[Vec<f32>]) -> Result<(), AudioError> {
        let (file_channels, frames) = (sound.len(), sound.first().map_or(0, Vec::len));
        if self.file_channels == 0 {
            refuse_channels(self.path, file_channels)?;
            self.rate = rate;
            self.file_channels = file_channels;
            self.channels = match self.keep {
                Keep::Mean => vec![Vec::new()],
                Keep::Every => vec![Vec::new(); file_channels],
                Keep::Nothing(_) => Vec::new(),
            };
        }
        if (rate, file_channels) != (self.rate, self.file_channels) {
            return Err(AudioError::Unsupported {
                path: self.path.to_owned(),
                what: "its rate or number of channels changes on the way".to_owned(),
            });
        }
        self.check_length(rate, self.frames.saturating_add(frames as u64))?;
        self.check_samples(sound)?;
        self.frames += frames as u64;
        match &mut self.keep {
            Keep::Nothing(sink) => sink(Packet {
                rate,
                channels: sound,
                frames_declared: self.frames_declared,
            })?,
            Keep::Mean => mix_down(sound, &mut self.channels[0]),
            Keep::Every => {
                for (channel, samples) in self.channels.iter_mut().zip(sound) {
                    channel.extend_from_slice(samples);
                }
            }
        }
        Ok(())
    }

    /// Takes so many samples of silence, a second at a time.
    pub(super) fn push_silence(
        &mut self,
        rate: u32,
        channels: usize,
        frames: u64,
    ) -> Result<(), AudioError> {
        self.check_length(rate, self.frames.saturating_add(frames))?;
        let mut left = frames;
        while left > 0 {
            let now = left.min(u64::from(rate));
            left -= now;
            self.push(rate, &vec![vec![0.0; now as usize]; channels])?;
        }
        Ok(())
    }

    /// Remembers what a reader of figures should know of the file.
    pub(super) fn note(&mut self, what: &str) {
        self.notes.push(format!("{}: {what}", self.path.display()));
    }

    /// Refuses absurd rates, and what is longer than can be held.
    pub(super) fn check_length(&self, rate: u32, frames: u64) -> Result<(), AudioError> {
        let path = || self.path.to_owned();
        if !(RATE_MIN..=RATE_MAX).contains(&rate) {
            return Err(AudioError::FileRate { path: path(), rate });
        }
        let longest_s = match self.keep {
            Keep::Nothing(_) => STREAM_DURATION_S_MAX,
            Keep::Mean | Keep::Every => DURATION_S_MAX,
        };
        if frames > longest_s * u64::from(rate) {
            return Err(AudioError::TooLarge {
                path: path(),
                what: format!(
                    "{} s of audio, and up to {longest_s} are read",
                    frames / u64::from(rate)
                ),
            });
        }
        let samples = frames.saturating_mul(self.channels.len() as u64);
        if samples > SAMPLES_MAX {
            return Err(AudioError::TooLarge {
                path: path(),
                what: format!("{samples} samples, and up to {SAMPLES_MAX} are read"),
            });
        }
        Ok(())
    }

    fn check_samples(&self, sound: &[Vec<f32>]) -> Result<(), AudioError> {
        for samples in sound {
            // Looks for samples outside the range, since NaN is in no range, and compares as false.
            let scaled = -AMPLITUDE_MAX..=AMPLITUDE_MAX;
            let bad = samples.iter().position(|sample| !scaled.contains(sample));
            if let Some(at) = bad {
                return Err(AudioError::SampleOutOfRange {
                    path: self.path.to_owned(),
                    at_s: (self.frames + at as u64) as f64 / f64::from(self.rate),
                    value: samples[at],
                });
            }
        }
        Ok(())
    }

    /// What symphonia found wrong, in our words.
    pub(super) fn failed(&self, error: Error) -> AudioError {
        let path = self.path.to_owned();
        let at = match self.rate {
            0 => "at its start".to_owned(),
            rate => format!("after {:.3} s", self.frames as f64 / f64::from(rate)),
        };
        match error {
            Error::IoError(source) if source.raw_os_error().is_some() => {
                AudioError::Unreadable { path, source }
            }
            // symphonia's own: the end of the file, or of a packet, where more was to come.
            Error::IoError(_) => AudioError::Damaged {
                path,
                what: format!("the file breaks off {at}"),
            },
            Error::Unsupported(feature) => AudioError::Unsupported {
                path,
                what: format!("a coding that is not read ({feature})"),
            },
            Error::ResetRequired => AudioError::Unsupported {
                path,
                what: "several recordings in one file".to_owned(),
            },
            other => AudioError::Damaged {
                path,
                what: format!("{other}, {at}"),
            },
        }
    }
}

/// Appends the mean of the channels of `packet` to `mono`.
fn mix_down(packet: &[Vec<f32>], mono: &mut Vec<f32>) {
    let start = mono.len();
    let scale = 1.0 / packet.len() as f32;
    for (index, samples) in packet.iter().enumerate() {
        if index == 0 {
            mono.extend(samples.iter().map(|sample| sample * scale));
        } else {
            for (sum, sample) in mono[start..].iter_mut().zip(samples) {
                *sum += sample * scale;
            }
        }
    }
}
