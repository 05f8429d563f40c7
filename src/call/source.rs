//! A recording, gone through once.

use super::CallError;
use super::track::{Listener, MS_SAMPLES, Track};
use crate::audio::SAMPLE_RATE;
use crate::audio::stream::{self, Piece};
use std::path::{Path, PathBuf};

/// Where the two sides of a call are.
#[derive(Debug, Clone, PartialEq)]
pub enum CallSource {
    /// One file with both: the caller left and the agent right, or the other way round.
    Stereo { path: PathBuf, is_swapped: bool },
    /// A file for each side.
    Two { caller: PathBuf, agent: PathBuf },
}

/// One side of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Caller,
    Agent,
}

/// Is told the progress: seconds of sound gone through, and seconds in all if the file says so.
pub type Progress<'a> = &'a mut dyn FnMut(f64, Option<f64>);

/// What is remembered of both sides: about 12 MB an hour.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tracks {
    pub caller: Track,
    pub agent: Track,
    /// Milliseconds by which the caller's file is longer (or, negative, shorter) than the agent's.
    pub difference_ms: i64,
}

impl Tracks {
    pub fn length_ms(&self) -> usize {
        self.caller.length_ms()
    }
}

impl CallSource {
    /// The name of the recording in messages.
    pub fn name(&self) -> String {
        match self {
            CallSource::Stereo { path, .. } => path.display().to_string(),
            CallSource::Two { caller, agent } => {
                format!("{} and {}", caller.display(), agent.display())
            }
        }
    }

    /// Listens to both sides.
    pub fn listen(&self, progress: Progress<'_>) -> Result<Tracks, CallError> {
        let mut listeners = [Listener::default(), Listener::default()];
        self.each_piece(
            |side, piece, channel| {
                let listener = &mut listeners[side as usize];
                if let Some(raw) = piece.raw.channels.get(channel) {
                    listener.raw(raw, piece.raw.rate);
                }
                listener.hear(&piece.channels[channel]);
            },
            progress,
        )?;
        let [caller, agent] = listeners.map(Listener::finish);
        let mut tracks = Tracks {
            difference_ms: caller.length_ms() as i64 - agent.length_ms() as i64,
            caller,
            agent,
        };
        let length = tracks.caller.length_ms().max(tracks.agent.length_ms());
        tracks.caller.extend_to(length);
        tracks.agent.extend_to(length);
        Ok(tracks)
    }

    /// The sound of both sides at 16 kHz, in pieces; those of one side come in order.
    pub(super) fn each_side(
        &self,
        mut take: impl FnMut(Side, &[f32]),
        progress: Progress<'_>,
    ) -> Result<(), CallError> {
        self.each_piece(
            |side, piece, channel| take(side, &piece.channels[channel]),
            progress,
        )
    }

    fn each_piece(
        &self,
        mut take: impl FnMut(Side, &Piece<'_>, usize),
        progress: Progress<'_>,
    ) -> Result<(), CallError> {
        match self {
            CallSource::Stereo { path, is_swapped } => {
                let sides = match is_swapped {
                    false => [Side::Caller, Side::Agent],
                    true => [Side::Agent, Side::Caller],
                };
                go_through(
                    path,
                    |piece| {
                        for (channel, side) in sides.into_iter().enumerate() {
                            take(side, piece, channel);
                        }
                    },
                    (2, progress),
                )
            }
            CallSource::Two { caller, agent } => {
                for (side, path) in [(Side::Caller, caller), (Side::Agent, agent)] {
                    go_through(path, |piece| take(side, piece, 0), (1, &mut *progress))?;
                }
                Ok(())
            }
        }
    }
}

/// Hands a file on, if it has as many channels as expected.
fn go_through(
    path: &Path,
    mut take: impl FnMut(&Piece<'_>),
    (expected, progress): (usize, Progress<'_>),
) -> Result<(), CallError> {
    let mut refused = None;
    let mut samples = 0;
    let result = stream::stream(path, |piece| {
        let channels = piece.channels.len();
        if channels != expected {
            refused = Some(channels);
            // Any error ends it; this one is not shown.
            return Err(crate::audio::AudioError::NoSamples {
                path: path.to_owned(),
            });
        }
        take(&piece);
        samples += piece.channels[0].len();
        let rate = f64::from(piece.raw.rate);
        let whole = piece.raw.frames_declared.map(|frames| frames as f64 / rate);
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

/// Samples before a position in milliseconds.
pub(super) fn samples_before(ms: usize) -> usize {
    ms * MS_SAMPLES
}
