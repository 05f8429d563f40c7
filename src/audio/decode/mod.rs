//! Audio files in: what people have, decoded, checked and bounded.
//!
//! What a file is, is decided by its first bytes, not by its name. Nothing is allocated on the word of a header.
//!
//! | container | read by | coding |
//! |---|---|---|
//! | WAV (RIFF, RIFX, RF64, BW64, Wave64), AIFF and AIFF-C, AU, CAF | here | 8 to 32 bits, floats, µ-law, A-law, ADPCM; in WAV also GSM 06.10 and MP3 |
//! | FLAC, Ogg, MP3, ADTS, MP4, Matroska and WebM, CAF | symphonia | FLAC, Vorbis, Opus, MP3, AAC (LC), ALAC |

mod aiff;
mod au;
mod blocks;
mod caf;
mod chunks;
mod decoded;
mod gsm;
mod kind;
mod layout;
mod mp4;
mod packets;
mod riff;
mod source;

pub use decoded::Packet;
pub(crate) use layout::{Coding, Layout};

use crate::audio::{AudioError, SAMPLE_RATE, resample};
use crate::files;
use decoded::{DecodedSound, Keep, Sink};
use kind::{Container, Kind};
use packets::Stream;
use source::Source;
use std::fs::File;
use std::io::{Seek, SeekFrom};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use symphonia::core::errors::Error;

/// The largest file that is read whole, in bytes: 2 GiB.
pub const FILE_BYTES_MAX: u64 = 2 << 30;

/// The largest file that [`stream`] goes through, in bytes: 16 GiB, of which nothing is held.
pub const STREAM_FILE_BYTES_MAX: u64 = 16 << 30;

/// The longest recording that is read, in seconds: 4 hours.
pub const DURATION_S_MAX: u64 = 4 * 3_600;

/// The longest recording that [`stream`] goes through, in seconds: a day.
pub const STREAM_DURATION_S_MAX: u64 = 24 * 3_600;

/// The most channels of a file that is read. Each takes filters, detectors and frames of its own.
pub const CHANNELS_MAX: usize = 32;

/// Reads an audio file as mono `f32` at [`SAMPLE_RATE`], sample n being the sound at n / 16,000 s; several channels
/// become their mean.
///
/// Fails on what is missing, empty, damaged, silent in the sense of no samples at all, not audio, larger than
/// [`FILE_BYTES_MAX`], longer than [`DURATION_S_MAX`], or holds floats that are not finite or far from -1..1. A file
/// that holds less than its header declares is read to its end, with a warning in the log. Floats a little over 1
/// stay as they are.
pub fn read(path: &Path) -> Result<Vec<f32>, AudioError> {
    let (rate, mut channels) = warned(collect(path, Keep::Mean)?);
    let mono = channels.pop().unwrap_or_default();
    if rate == SAMPLE_RATE {
        return Ok(mono);
    }
    resample::to_pipeline_rate(&mono, rate).map(|resampled| resampled.into_owned())
}

/// Reads an audio file as it is: its rate in Hz, and the samples of each channel, all equally long. Errors as
/// for [`read`].
pub fn read_channels(path: &Path) -> Result<(u32, Vec<Vec<f32>>), AudioError> {
    Ok(warned(collect(path, Keep::Every)?))
}

/// Hands the sound of a file to `take` as it is decoded, and keeps nothing of it; returns what a reader of figures
/// should know of the file, such as that it holds less than its header declares. Errors as for [`read`], but up to
/// [`STREAM_FILE_BYTES_MAX`] and [`STREAM_DURATION_S_MAX`]; an error of `take` ends it.
pub fn stream<'a>(path: &'a Path, take: &'a mut Sink<'a>) -> Result<Vec<String>, AudioError> {
    collect(path, Keep::Nothing(take)).map(|kept| kept.notes)
}

/// Whether a file begins like audio of a kind that is read.
pub(crate) fn is_audio(path: &Path) -> bool {
    let source = Source::open(path, u64::MAX);
    source.is_ok_and(|mut source| Kind::of(&mut source).is_ok())
}

/// Where the samples of a WAV file are, and how they are coded.
pub(crate) fn wav_layout(path: &Path) -> Result<Layout, AudioError> {
    riff::layout(&mut Source::open(path, STREAM_FILE_BYTES_MAX)?)
}

/// Opens the sound of a run, 16 bits and stereo at [`SAMPLE_RATE`]: the file at its first sample, and how many bytes of
/// samples follow. A run that was killed has written less than it said, and is read as far as it goes.
pub(crate) fn open_conversation(path: &Path) -> Result<(File, u64), AudioError> {
    let layout = wav_layout(path)?;
    let format = layout.format;
    if (format.coding, format.channels, format.rate) != (Coding::Integer(2), 2, SAMPLE_RATE) {
        return Err(AudioError::Unsupported {
            path: path.to_owned(),
            what: format!("not the sound of a run, which is {SAMPLE_RATE} Hz stereo of 16 bits"),
        });
    }
    let part = layout.parts.first();
    let (start, bytes) = part.map_or((0, 0), |part| (part.start, part.bytes));
    let unreadable = |source| AudioError::Unreadable {
        path: path.to_owned(),
        source,
    };
    let mut file = files::open(path, u64::MAX).map_err(unreadable)?;
    file.seek(SeekFrom::Start(start)).map_err(unreadable)?;
    Ok((file, bytes))
}

fn warned(kept: DecodedSound) -> (u32, Vec<Vec<f32>>) {
    for note in &kept.notes {
        tracing::warn!("{note}");
    }
    (kept.rate, kept.channels)
}

fn collect<'a>(path: &'a Path, keep: Keep<'a>) -> Result<DecodedSound<'a>, AudioError> {
    let bytes_max = match keep {
        Keep::Nothing(_) => STREAM_FILE_BYTES_MAX,
        _ => FILE_BYTES_MAX,
    };
    let mut source = Source::open(path, bytes_max)?;
    let kind = Kind::of(&mut source)?;
    let mut kept = DecodedSound::new(path, keep);
    let layout = match kind {
        Kind::Wav => Some(riff::layout(&mut source)?),
        Kind::Aiff => Some(aiff::layout(&mut source)?),
        Kind::Au => Some(au::layout(&mut source)?),
        Kind::Caf => caf::layout(&mut source)?,
        Kind::Packets(..) => None,
    };
    match layout {
        Some(mut layout) => {
            kept.notes.append(&mut layout.notes);
            match layout.stream() {
                Some(stream) => decode_packets(source, &stream, &mut kept)?,
                None => blocks::decode(&mut source, &layout, &mut kept)?,
            }
        }
        None => {
            let (container, start) = match kind {
                Kind::Packets(container, start) => (container, start),
                _ => (Container::Caf, 0),
            };
            let stream = Stream {
                container,
                start,
                bytes: None,
                delay: 0,
            };
            decode_packets(source, &stream, &mut kept)?;
        }
    }
    if kept.frames == 0 {
        return Err(AudioError::NoSamples {
            path: path.to_owned(),
        });
    }
    Ok(kept)
}

/// The decoders of symphonia 0.6 assert, divide by zero and overflow on some damaged streams, too deep inside to guard
/// against. What they leave half done is dropped, and of what is kept only the position is read.
fn decode_packets(
    source: Source,
    stream: &Stream,
    kept: &mut DecodedSound,
) -> Result<(), AudioError> {
    catch_unwind(AssertUnwindSafe(|| packets::decode(source, stream, kept)))
        .unwrap_or_else(|_| Err(kept.failed(Error::DecodeError("the decoder gave up"))))
}

#[cfg(test)]
mod test_containers;
#[cfg(test)]
mod test_decode;
