//! Sound inside the program: one format, and the ways in and out of it.
//!
//! Between the edges everything is mono `f32` in [-1, 1] at [`SAMPLE_RATE`], so that no stage asks what it was
//! handed. [`decode`] brings files in, [`stream`] those too long to hold, [`resample`] moves between rates, [`wav`] reads WAV headers and writes WAV
//! files. Nothing here knows of speech, turns or engines.

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

/// The lowest and highest rate that is read or resampled, in Hz. Beyond these a header is wrong, not unusual.
pub const RATE_MIN: u32 = 1_000;
/// See [`RATE_MIN`].
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

/// The index of the first sample whose magnitude exceeds `threshold_amplitude`.
pub fn first_audible(samples: &[f32], threshold_amplitude: f32) -> Option<usize> {
    samples
        .iter()
        .position(|sample| sample.abs() > threshold_amplitude)
}

/// The index of the last sample whose magnitude exceeds `threshold_amplitude`.
pub fn last_audible(samples: &[f32], threshold_amplitude: f32) -> Option<usize> {
    samples
        .iter()
        .rposition(|sample| sample.abs() > threshold_amplitude)
}

/// What simulated speech sounds like: a quiet hum. It is audible from its first sample on.
pub fn hum(length: Duration, pitch_hz: f64) -> Vec<f32> {
    let samples = length.as_secs_f64() * f64::from(SAMPLE_RATE);
    let turn = std::f64::consts::TAU * pitch_hz / f64::from(SAMPLE_RATE);
    (0..samples as u32)
        .map(|at| 0.1 * libm::cos(f64::from(at) * turn) as f32)
        .collect()
}

/// Why audio could not be read, written or resampled. Every text names the file (or the rate) and the cure.
#[derive(Debug, thiserror::Error)]
pub enum AudioError {
    #[error("{path}: no such file; check the path (it is looked up from the current folder)")]
    NotFound { path: PathBuf },
    #[error("{path}: is a folder, or another thing that is not a file; name one audio file in it")]
    NotAFile { path: PathBuf },
    #[error("{path}: cannot be read ({source}); check its permissions")]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("{path}: the file is empty (0 bytes); export it again")]
    Empty { path: PathBuf },
    #[error("{path}: not audio that can be read (WAV, FLAC, MP3, OGG Vorbis); {}", convert(.path))]
    NotAudio { path: PathBuf },
    #[error("{path}: {what}; {}", convert(.path))]
    Unsupported { path: PathBuf, what: String },
    #[error("{path}: damaged: {what}; export it again, or {}", convert(.path))]
    Damaged { path: PathBuf, what: String },
    #[error(
        "{path}: truncated: the header declares {declared} {unit} and the file holds {found}; copy or export it again"
    )]
    Truncated {
        path: PathBuf,
        declared: u64,
        found: u64,
        unit: &'static str,
    },
    #[error("{path}: holds no samples; export it again")]
    NoSamples { path: PathBuf },
    #[error("{path}: the header declares 0 channels; export it again")]
    NoChannels { path: PathBuf },
    #[error(
        "{path}: a sample rate of {rate} Hz; {RATE_MIN} to {RATE_MAX} Hz can be read and written: export it again"
    )]
    FileRate { path: PathBuf, rate: u32 },
    #[error(
        "{path}: the sample at {at_s:.3} s is {value}, and float samples lie in -1..1; export it again"
    )]
    SampleOutOfRange {
        path: PathBuf,
        at_s: f64,
        value: f32,
    },
    #[error("{path}: too large: {what}; cut it into shorter files, or {}", convert(.path))]
    TooLarge { path: PathBuf, what: String },
    #[error("{path}: the disk is full; free some space, or write to another one")]
    DiskFull { path: PathBuf },
    #[error("{path}: cannot be written ({source}); check that the folder exists and is writable")]
    Unwritable { path: PathBuf, source: io::Error },
    #[error("{path}: a WAV file ends at 4 GiB; write the rest to another file")]
    WavFull { path: PathBuf },
    #[error(
        "cannot resample {from} Hz to {to} Hz ({what}); give rates from {RATE_MIN} to {RATE_MAX} Hz"
    )]
    Resample { from: u32, to: u32, what: String },
}

/// The cure for a file in a format that is not read: what to type.
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
