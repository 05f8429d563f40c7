//! Keys of a telephone, and what they sound like (DTMF, ITU-T Q.23).

use crate::audio::SAMPLE_RATE;
use crate::event::KEYS;
use std::f64::consts::TAU;

/// A key is held for so long, and let go for as long before the next: a tenth of a second.
const TONE_SAMPLES: usize = SAMPLE_RATE as usize / 10;
/// How loud each of a key's two tones is.
const AMPLITUDE: f64 = 0.1;
const ROWS_HZ: [f64; 4] = [697.0, 770.0, 852.0, 941.0];
const COLUMNS_HZ: [f64; 4] = [1_209.0, 1_336.0, 1_477.0, 1_633.0];

/// Keys that were pressed.
pub(super) struct Pressed {
    /// What they sound like, at 16 kHz.
    pub samples: Vec<f32>,
    /// Where the tone of each ends.
    pub ends: Vec<(usize, char)>,
}

/// The sound of `keys`, one behind the other; what is no key is not pressed.
pub(super) fn pressed(keys: &str) -> Pressed {
    let mut pressed = Pressed {
        samples: Vec::new(),
        ends: Vec::new(),
    };
    for key in keys.chars() {
        let Some(place) = KEYS.find(key) else {
            continue;
        };
        let tones = [ROWS_HZ[place / 4], COLUMNS_HZ[place % 4]];
        let sample = |at: usize| {
            let turn = |hz: f64| libm::sin(TAU * hz * at as f64 / f64::from(SAMPLE_RATE));
            (AMPLITUDE * tones.into_iter().map(turn).sum::<f64>()) as f32
        };
        pressed.samples.extend((0..TONE_SAMPLES).map(sample));
        pressed.ends.push((pressed.samples.len(), key));
        pressed.samples.extend([0.0; TONE_SAMPLES]);
    }
    pressed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_sounds_in_its_two_tones() {
        let pressed = pressed("8");
        let tone = &pressed.samples[..TONE_SAMPLES];
        let strength = |hz: f64| {
            let turn = |at: usize| TAU * hz * at as f64 / f64::from(SAMPLE_RATE);
            let part = |wave: fn(f64) -> f64| {
                let parts = tone.iter().enumerate();
                parts
                    .map(|(at, sample)| f64::from(*sample) * wave(turn(at)))
                    .sum::<f64>()
            };
            part(libm::sin).hypot(part(libm::cos)) / TONE_SAMPLES as f64
        };
        let strong: Vec<f64> = ROWS_HZ
            .into_iter()
            .chain(COLUMNS_HZ)
            .filter(|hz| strength(*hz) > 0.02)
            .collect();
        assert_eq!(strong, [852.0, 1_336.0]);
        assert_eq!(pressed.ends, [(TONE_SAMPLES, '8')]);
    }
}
