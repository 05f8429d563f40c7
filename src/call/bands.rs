//! Low and high sounds of a channel apart: in noise, what is left of a voice stands out in one of them.
//!
//! Noise spreads over all frequencies, vowels lie under 1 kHz and hissing consonants above 3.5 kHz.

use super::track::{Level, MS_SAMPLES, level};
use crate::audio::SAMPLE_RATE;

/// Milliseconds of which the mean amplitude of a band is remembered.
pub(super) const BAND_MS: usize = 4;
const GRAIN: usize = BAND_MS * MS_SAMPLES;

/// How many bands there are: low and high.
pub(super) const BANDS: usize = 2;
const LOW_HZ: f64 = 1_000.0;
const HIGH_HZ: f64 = 3_500.0;

/// Splits a channel, from its beginning on.
pub(super) struct Bands([Filter; BANDS]);

impl Default for Bands {
    fn default() -> Bands {
        Bands([Filter::low(LOW_HZ), Filter::high(HIGH_HZ)])
    }
}

impl Bands {
    /// Appends the levels of the next samples, a whole number of grains unless they are the last.
    pub(super) fn hear(&mut self, samples: &[f32], levels: &mut [Vec<Level>; BANDS]) {
        for (filter, levels) in self.0.iter_mut().zip(levels) {
            for grain in samples.chunks(GRAIN) {
                let sum: f32 = grain.iter().map(|sample| filter.pass(*sample).abs()).sum();
                levels.push(level(sum / grain.len() as f32));
            }
        }
    }
}

/// A Butterworth filter of the second order (bilinear transform).
struct Filter {
    b: [f32; 3],
    a: [f32; 2],
    state: [f32; 2],
}

impl Filter {
    fn low(corner_hz: f64) -> Filter {
        Filter::new(corner_hz, 1.0)
    }

    fn high(corner_hz: f64) -> Filter {
        Filter::new(corner_hz, -1.0)
    }

    /// `sign` is 1 for what lies under the corner, -1 for what lies above.
    fn new(corner_hz: f64, sign: f64) -> Filter {
        let turn = std::f64::consts::TAU * corner_hz / f64::from(SAMPLE_RATE);
        let (sin, cos) = (libm::sin(turn), libm::cos(turn));
        let alpha = sin * std::f64::consts::FRAC_1_SQRT_2;
        let scale = 1.0 + alpha;
        let edge = ((1.0 - sign * cos) / 2.0 / scale) as f32;
        Filter {
            b: [edge, sign as f32 * 2.0 * edge, edge],
            a: [(-2.0 * cos / scale) as f32, ((1.0 - alpha) / scale) as f32],
            state: [0.0; 2],
        }
    }

    fn pass(&mut self, sample: f32) -> f32 {
        let out = self.b[0] * sample + self.state[0];
        self.state[0] = self.b[1] * sample - self.a[0] * out + self.state[1];
        self.state[1] = self.b[2] * sample - self.a[1] * out;
        // Numbers too small for the processor to be fast with are silence.
        if out.abs() < 1e-12 { 0.0 } else { out }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn low_and_high_sounds_are_told_apart() {
        let heard = |pitch_hz: f32| {
            let turn = std::f32::consts::TAU * pitch_hz / 16_000.0;
            let tone: Vec<f32> = (0..3_200).map(|n| (turn * n as f32).sin()).collect();
            let mut levels = [Vec::new(), Vec::new()];
            Bands::default().hear(&tone, &mut levels);
            assert_eq!(levels[0].len(), 50);
            levels.map(|levels| levels[30])
        };
        let [low, high] = heard(300.0);
        assert!(low > 240 && high < 200, "{low} {high}");
        let [low, high] = heard(6_000.0);
        assert!(low < 200 && high > 240, "{low} {high}");
    }
}
