//! The level of the microphone.

/// The quietest level shown, in dB below full scale.
pub(super) const QUIETEST_DB: f32 = -60.0;

/// Level in dB from which on samples are likely to be cut off.
const CLIPPING_DB: f32 = -1.0;

/// The bar falls by at most this much an update, as needles do, so that it can be read.
const FALL_DB: f32 = 3.0;

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Meter {
    /// Level in dB below full scale, within `QUIETEST_DB..=0`.
    pub db: f32,
    pub is_muted: bool,
}

impl Default for Meter {
    fn default() -> Meter {
        Meter {
            db: QUIETEST_DB,
            is_muted: false,
        }
    }
}

impl Meter {
    /// The level is now `db`; what is no number is silence.
    pub(super) fn update(&mut self, db: f32, is_muted: bool) {
        self.is_muted = is_muted;
        self.db = match is_muted || db.is_nan() {
            true => QUIETEST_DB,
            false => db.clamp(QUIETEST_DB, 0.0).max(self.db - FALL_DB),
        };
    }

    /// The share of a bar to fill, in 0..=1.
    pub(super) fn share(self) -> f32 {
        (1.0 - self.db / QUIETEST_DB).clamp(0.0, 1.0)
    }

    pub(super) fn is_clipping(self) -> bool {
        self.db >= CLIPPING_DB
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_rises_at_once_and_falls_slowly() {
        let mut meter = Meter::default();
        meter.update(-10.0, false);
        assert_eq!(meter.db, -10.0);
        meter.update(-50.0, false);
        assert_eq!(meter.db, -13.0);
    }

    #[test]
    fn silence_mute_and_nonsense_are_an_empty_bar() {
        for (db, is_muted) in [(f32::NEG_INFINITY, false), (f32::NAN, false), (-3.0, true)] {
            let mut meter = Meter::default();
            meter.update(db, is_muted);
            assert_eq!(meter.share(), 0.0);
        }
        let mut meter = Meter::default();
        meter.update(f32::INFINITY, false);
        assert!(meter.is_clipping() && meter.share() == 1.0);
    }
}
