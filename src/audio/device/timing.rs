//! Where a device's sample count stands on the session's time axis: arithmetic.
//!
//! A device counts samples with a crystal of its own, and says when a block came with the jitter of a
//! thread. A delay-locked loop of second order follows both the offset and the rate (F. Adriaensen,
//! "Using a DLL to filter time", 2005): wide at first, so that it locks within a second, then narrow.

use crate::event::{Tick, nanos};
use std::f64::consts::{SQRT_2, TAU};
use std::time::Duration;

/// Bandwidth of the loop in Hz at first.
const WIDE_HZ: f64 = 1.0;
/// Bandwidth of the loop in Hz once it has settled.
const NARROW_HZ: f64 = 0.05;
/// A stamp that is further off is no jitter: the device stood still, or lost sound.
const JUMP: Duration = Duration::from_millis(100);
/// Crystals differ by less than this from what they say: 0.1 %.
const DRIFT_MAX: f64 = 1e-3;
/// A block that takes longer than this is not weighted more.
const STEP_S_MAX: f64 = 0.1;

/// Maps positions in a device's stream, in samples since it was opened, to ticks and back.
#[derive(Debug, Clone)]
pub(super) struct DeviceTime {
    rate: f64,
    locked: Option<Locked>,
}

#[derive(Debug, Clone)]
struct Locked {
    position: u64,
    /// When sample `position` sounds, in nanoseconds.
    at_ns: f64,
    /// Length of one sample in nanoseconds.
    period_ns: f64,
    /// How long the loop has followed the device without a jump.
    seconds: f64,
}

impl DeviceTime {
    /// The time of a device that says it runs at `rate` Hz.
    pub(super) fn new(rate: u32) -> DeviceTime {
        DeviceTime {
            rate: f64::from(rate.max(1)),
            locked: None,
        }
    }

    /// Takes note that sample `position` is said to sound, or to have been heard, at `at`.
    pub(super) fn observe(&mut self, position: u64, at: Tick) {
        let at_ns = at.0 as f64;
        let nominal_ns = 1e9 / self.rate;
        let Some(locked) = &mut self.locked else {
            self.locked = Some(Locked {
                position,
                at_ns,
                period_ns: nominal_ns,
                seconds: 0.0,
            });
            return;
        };
        let frames = position.saturating_sub(locked.position) as f64;
        let expected = locked.at_ns + frames * locked.period_ns;
        let error = at_ns - expected;
        if error.abs() > nanos(JUMP) as f64 {
            locked.position = position;
            locked.at_ns = at_ns;
            locked.seconds = 0.0;
            return;
        }
        let step_s = (frames / self.rate).min(STEP_S_MAX);
        locked.seconds += step_s;
        let bandwidth = (WIDE_HZ / locked.seconds.max(1.0)).max(NARROW_HZ);
        let omega = TAU * bandwidth * step_s;
        locked.position = position;
        locked.at_ns = expected + (SQRT_2 * omega).min(0.5) * error;
        if frames > 0.0 {
            let drift = DRIFT_MAX * nominal_ns;
            locked.period_ns = (locked.period_ns + omega * omega * error / frames)
                .clamp(nominal_ns - drift, nominal_ns + drift);
        }
    }

    /// When sample `position` sounds; `None` before the first observation.
    pub(super) fn tick_of(&self, position: u64) -> Option<Tick> {
        let locked = self.locked.as_ref()?;
        let frames = position as f64 - locked.position as f64;
        Some(Tick(
            (locked.at_ns + frames * locked.period_ns).max(0.0) as u64
        ))
    }

    /// The position of the sample that sounds at `at`, to the nearest one; `None` before the first
    /// observation.
    pub(super) fn position_of(&self, at: Tick) -> Option<u64> {
        let locked = self.locked.as_ref()?;
        let frames = (at.0 as f64 - locked.at_ns) / locked.period_ns;
        Some((locked.position as f64 + frames).round().max(0.0) as u64)
    }

    /// How much faster the device's crystal is than the session's clock, in parts per million.
    pub(super) fn drift_ppm(&self) -> f64 {
        let period = self.locked.as_ref().map(|locked| locked.period_ns);
        period.map_or(0.0, |period| (1e9 / self.rate / period - 1.0) * 1e6)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A minute of blocks of 20 ms from a device that is `ppm` too fast, with jitter up to 4 ms.
    fn minute(ppm: f64) -> (DeviceTime, f64) {
        let mut time = DeviceTime::new(16_000);
        let period_ns = 1e9 / 16_000.0 / (1.0 + ppm * 1e-6);
        let mut jitter = 1_u64;
        for block in 0..3_000_u64 {
            jitter = jitter
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let late_ns = (jitter >> 33) as f64 / (1_u64 << 31) as f64 * 4e6;
            let position = 320 * block;
            time.observe(
                position,
                Tick((5e9 + position as f64 * period_ns + late_ns) as u64),
            );
        }
        (time, period_ns)
    }

    #[test]
    fn a_crystal_that_is_off_is_followed_through_jitter() {
        for ppm in [-80.0, 0.0, 80.0] {
            let (time, period_ns) = minute(ppm);
            assert!(
                (time.drift_ppm() - ppm).abs() < 15.0,
                "{}",
                time.drift_ppm()
            );
            // Jitter only ever makes a stamp late: two milliseconds on average.
            let truly = 5e9 + 960_000.0 * period_ns + 2e6;
            let found = time.tick_of(960_000).expect("locked").0 as f64;
            assert!((found - truly).abs() < 0.7e6, "{}", found - truly);
        }
    }

    #[test]
    fn positions_and_ticks_are_inverse() {
        let (time, _) = minute(30.0);
        for position in [900_000, 960_123, 1_000_000] {
            let at = time.tick_of(position).expect("locked");
            assert_eq!(time.position_of(at), Some(position));
        }
        assert_eq!(DeviceTime::new(48_000).tick_of(3), None);
    }

    #[test]
    fn a_device_that_stood_still_is_found_again_at_once() {
        let mut time = DeviceTime::new(16_000);
        time.observe(0, Tick::from_ms(0));
        time.observe(1_600, Tick::from_ms(100));
        time.observe(3_200, Tick::from_ms(5_200));
        assert_eq!(time.tick_of(3_200), Some(Tick::from_ms(5_200)));
    }
}
