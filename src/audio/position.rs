//! Between positions in sound and positions in time.

use super::{FRAME_SAMPLES, SAMPLE_RATE};
use crate::event::Tick;
use std::time::Duration;

/// The length of one frame: 16 ms.
pub const FRAME: Duration =
    Duration::from_nanos(FRAME_SAMPLES as u64 * 1_000_000_000 / SAMPLE_RATE as u64);

/// How long this many samples last at [`SAMPLE_RATE`].
pub fn length_of(samples: usize) -> Duration {
    Duration::from_nanos((samples as u64).saturating_mul(1_000_000_000) / u64::from(SAMPLE_RATE))
}

/// How many samples at [`SAMPLE_RATE`] lie before `at`, to the nearest one.
pub fn position_of(at: Tick) -> u64 {
    let samples = u128::from(at.0) * u128::from(SAMPLE_RATE);
    u64::try_from((samples + 500_000_000) / 1_000_000_000).unwrap_or(u64::MAX)
}
