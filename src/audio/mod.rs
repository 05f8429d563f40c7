//! Sound inside the program: one format, and the ways in and out of it.
//!
//! Between the edges everything is mono `f32` in [-1, 1] at [`SAMPLE_RATE`], so that no stage asks what it was
//! handed. [`decode`] brings files in, [`stream`] those too long to hold, [`resample`] moves between rates,
//! [`wav`] reads WAV headers and writes WAV files. Nothing here knows of speech, turns or engines.

pub mod decode;
mod decoded;
#[cfg_attr(
    not(feature = "mic"),
    allow(dead_code, reason = "only a device that is opened needs all of it")
)]
pub mod device;
mod position;
pub mod resample;
mod speaker;
pub mod stream;
pub mod wav;

pub use decoded::Packet;
pub use position::{FRAME, length_of, position_of};
pub use speaker::{Imagined, Speaker};

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Samples per second of all audio between the edges, in Hz: what Whisper and the voice activity detector take.
pub const SAMPLE_RATE: u32 = 16_000;

/// Samples of one step of the voice activity detector: 16 ms.
pub const FRAME_SAMPLES: usize = 256;

/// The lowest sample rate that is read or resampled, in Hz. Below it a header is wrong, not unusual.
pub const RATE_MIN: u32 = 1_000;
/// The highest sample rate that is read or resampled, in Hz. Above it a header is wrong, not unusual.
pub const RATE_MAX: u32 = 768_000;

/// A finished piece of audio: mono at [`SAMPLE_RATE`], shared without copying.
pub type Samples = Arc<[f32]>;

/// The largest magnitude in `samples`; 0 for none.
pub fn peak(samples: &[f32]) -> f32 {
    samples
        .iter()
        .fold(0.0, |peak, sample| sample.abs().max(peak))
}

/// The amplitude of a level in decibels, relative to the amplitude 1: 10^(dB/20). 0 dB is 1, -40 dB is 0.01.
///
/// Computed by `libm`, so that thresholds are the same on every machine.
pub fn amplitude_from_db(level_db: f32) -> f32 {
    libm::pow(10.0, f64::from(level_db) / 20.0) as f32
}

/// The level of an amplitude in decibels, relative to the amplitude 1; negative infinity for silence.
pub fn db_from_amplitude(amplitude: f32) -> f32 {
    (20.0 * libm::log10(f64::from(amplitude.abs()))) as f32
}

/// The index of the first sample whose magnitude exceeds `threshold_amplitude`; `None` if none does.
pub fn first_audible(samples: &[f32], threshold_amplitude: f32) -> Option<usize> {
    samples
        .iter()
        .position(|sample| sample.abs() > threshold_amplitude)
}

/// The index of the last sample whose magnitude exceeds `threshold_amplitude`; `None` if none does.
pub fn last_audible(samples: &[f32], threshold_amplitude: f32) -> Option<usize> {
    samples
        .iter()
        .rposition(|sample| sample.abs() > threshold_amplitude)
}

/// The sound of simulated speech: a quiet hum at [`SAMPLE_RATE`], audible from its first sample on.
pub fn hum(length: Duration, pitch_hz: f64) -> Vec<f32> {
    let samples = length.as_secs_f64() * f64::from(SAMPLE_RATE);
    let turn = std::f64::consts::TAU * pitch_hz / f64::from(SAMPLE_RATE);
    (0..samples as u32)
        .map(|at| 0.1 * libm::cos(f64::from(at) * turn) as f32)
        .collect()
}

/// Why audio could not be read, written or resampled. Every text names the file (or the rate) and what to do.
#[derive(Debug, thiserror::Error)]
pub enum AudioError {
    /// There is no file at `path`.
    #[error("{path}: no such file; check the path (it is looked up from the current folder)")]
    NotFound {
        /// The file.
        path: PathBuf,
    },
    /// There is a folder, a pipe or a device at `path`.
    #[error("{path}: is a folder, or another thing that is not a file; name one audio file in it")]
    NotAFile {
        /// The file.
        path: PathBuf,
    },
    /// The operating system cannot read the file.
    #[error("{path}: cannot be read ({source}); check its permissions")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The file has no bytes.
    #[error("{path}: the file is empty (0 bytes); export it again")]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// The file is not in a format that is read.
    #[error("{path}: not audio that can be read (WAV, FLAC, MP3, OGG Vorbis); {}", convert(.path))]
    NotAudio {
        /// The file.
        path: PathBuf,
    },
    /// The file is audio of a kind that is not read.
    #[error("{path}: {what}; {}", convert(.path))]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// What is not read, in words.
        what: String,
    },
    /// The file is broken.
    #[error("{path}: damaged: {what}; export it again, or {}", convert(.path))]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is broken, in words.
        what: String,
    },
    /// The file holds less than its header declares.
    #[error(
        "{path}: truncated: the header declares {declared} {unit} and the file holds {found}; copy or export it again"
    )]
    Truncated {
        /// The file.
        path: PathBuf,
        /// What the header declares, in `unit`.
        declared: u64,
        /// What the file holds, in `unit`.
        found: u64,
        /// What is counted, such as `samples`.
        unit: &'static str,
    },
    /// The file is whole and holds no sound.
    #[error("{path}: holds no samples; export it again")]
    NoSamples {
        /// The file.
        path: PathBuf,
    },
    /// The header declares no channel.
    #[error("{path}: the header declares 0 channels; export it again")]
    NoChannels {
        /// The file.
        path: PathBuf,
    },
    /// The sample rate is outside [`RATE_MIN`]..=[`RATE_MAX`].
    #[error(
        "{path}: a sample rate of {rate} Hz; {RATE_MIN} to {RATE_MAX} Hz can be read and written: export it again"
    )]
    FileRate {
        /// The file.
        path: PathBuf,
        /// The rate in Hz.
        rate: u32,
    },
    /// A float sample is not finite, or far outside -1..1.
    #[error(
        "{path}: the sample at {at_s:.3} s is {value}, and float samples lie in -1..1; export it again"
    )]
    SampleOutOfRange {
        /// The file.
        path: PathBuf,
        /// Where the sample is, in seconds from the start.
        at_s: f64,
        /// The sample.
        value: f32,
    },
    /// The file is larger or longer than is read.
    #[error("{path}: too large: {what}; cut it into shorter files, or {}", convert(.path))]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// What is too large, in words, with the bound.
        what: String,
    },
    /// There is no room on the disk for the file.
    #[error("{path}: the disk is full; free some space, or write to another one")]
    DiskFull {
        /// The file.
        path: PathBuf,
    },
    /// The operating system cannot write the file.
    #[error("{path}: cannot be written ({source}); check that the folder exists and is writable")]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The file has reached the size at which WAV ends, 4 GiB.
    #[error("{path}: a WAV file ends at 4 GiB; write the rest to another file")]
    WavFull {
        /// The file.
        path: PathBuf,
    },
    /// Sound cannot be brought from one rate to another.
    #[error(
        "cannot resample {from} Hz to {to} Hz ({what}); give rates from {RATE_MIN} to {RATE_MAX} Hz"
    )]
    Resample {
        /// The rate of the sound in Hz.
        from: u32,
        /// The wanted rate in Hz.
        to: u32,
        /// Why not, in words.
        what: String,
    },
}

/// What to type for a file in a format that is not read.
fn convert(path: &Path) -> String {
    format!(
        "convert it with: ffmpeg -i '{}' -ar {SAMPLE_RATE} converted.wav",
        path.display()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decibels_and_amplitudes_are_inverse() {
        assert_eq!(amplitude_from_db(0.0), 1.0);
        assert!((amplitude_from_db(-40.0) - 0.01).abs() < 1e-9);
        assert!((amplitude_from_db(6.0) - 1.995_262_3).abs() < 1e-6);
        for level_db in [-90.0, -40.0, -3.0, 0.0, 12.0] {
            assert!((db_from_amplitude(amplitude_from_db(level_db)) - level_db).abs() < 1e-4);
        }
        assert_eq!(db_from_amplitude(0.0), f32::NEG_INFINITY);
        assert_eq!(db_from_amplitude(-1.0), 0.0);
    }

    #[test]
    fn the_peak_is_the_largest_magnitude() {
        assert_eq!(peak(&[0.1, -0.7, 0.3]), 0.7);
        assert_eq!(peak(&[]), 0.0);
    }

    #[test]
    fn audible_is_strictly_above_the_threshold() {
        let samples = [0.0, 0.01, -0.02, 0.5, 0.02, 0.01];
        assert_eq!(first_audible(&samples, 0.01), Some(2));
        assert_eq!(last_audible(&samples, 0.01), Some(4));
        assert_eq!(first_audible(&samples, 0.5), None);
        assert_eq!(last_audible(&samples, 0.5), None);
        assert_eq!(first_audible(&[], 0.0), None);
    }

    #[test]
    fn the_text_of_an_error_names_the_file_and_the_cure() {
        let text = AudioError::NotAudio {
            path: "clips/notes.txt".into(),
        }
        .to_string();
        assert!(text.starts_with("clips/notes.txt: "), "{text}");
        assert!(text.contains("ffmpeg -i 'clips/notes.txt'"), "{text}");
    }
}
