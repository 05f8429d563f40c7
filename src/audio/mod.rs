//! Sound inside the program: one format, and the ways in and out of it.
//!
//! Between the edges everything is mono `f32` in [-1, 1] at [`SAMPLE_RATE`], so that no stage asks what it was
//! handed. [`decode`] brings files in, [`stream`] those too long to hold, [`resample`] moves between rates,
//! [`wav`] writes WAV files. Nothing here knows of speech, turns or engines.

pub mod decode;
#[cfg_attr(
    not(feature = "mic"),
    allow(dead_code, reason = "only a device that is opened needs all of it")
)]
pub mod device;
mod error;
pub(crate) mod mu_law;
#[cfg(feature = "opus")]
pub mod opus;
mod position;
pub mod resample;
mod speaker;
pub mod stream;
pub mod wav;

pub use decode::Packet;
pub use error::AudioError;
pub use position::{FRAME, length_of, position_of};
pub use speaker::{Imagined, Speaker};

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
}
