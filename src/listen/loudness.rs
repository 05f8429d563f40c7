//! Speakers as loud as each other: people prefer the louder of two sounds, whatever is said in it.

use crate::audio::SAMPLE_RATE;

/// Loudness is that of frames of 20 ms.
const FRAME: usize = SAMPLE_RATE as usize / 50;
/// A frame below this mean square is silence: 70 dB below the loudest that there can be.
const SILENCE: f64 = 1e-7;
/// A frame is a pause of the speaker if its mean square is so much below that of all frames that are not silent: 10 dB.
const PAUSE: f64 = 0.1;

/// The mean square of a speaker's sound without silence and pauses, 1 for the loudest that there can be; `None` for nothing
/// but silence. The two gates are those of ITU-R BS.1770, whose weighting of frequencies is left out.
fn power(samples: &[i16]) -> Option<f64> {
    let frames = samples.chunks(FRAME).map(|frame| {
        let squares = frame.iter().map(|sample| {
            let sample = f64::from(*sample) / 32_768.0;
            sample * sample
        });
        squares.sum::<f64>() / frame.len() as f64
    });
    let sounding: Vec<f64> = frames.filter(|power| *power > SILENCE).collect();
    let all = mean(&sounding)?;
    let spoken: Vec<f64> = sounding
        .into_iter()
        .filter(|power| *power > PAUSE * all)
        .collect();
    mean(&spoken)
}

fn mean(powers: &[f64]) -> Option<f64> {
    (!powers.is_empty()).then(|| powers.iter().sum::<f64>() / powers.len() as f64)
}

/// By what a speaker's sound is to be multiplied so that it is no louder than the `other` one: at most by 1, so nothing is
/// clipped.
pub(super) fn softened(own: &[i16], other: &[i16]) -> f64 {
    match (power(own), power(other)) {
        (Some(own), Some(other)) if own > other => (other / own).sqrt(),
        _ => 1.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tone of one second with this amplitude, then a second of silence, over a hum that nobody minds.
    fn sound(amplitude: f64) -> Vec<i16> {
        let tone = |at: usize| {
            let amplitude = if at < 16_000 { amplitude } else { 0.001 };
            (32_767.0 * amplitude * (at as f64 / 8.0).sin()) as i16
        };
        (0..32_000).map(tone).collect()
    }

    #[test]
    fn the_louder_one_is_made_as_soft_as_the_other_and_the_other_is_left() {
        let (loud, soft) = (sound(0.8), sound(0.2));
        assert!((softened(&loud, &soft) - 0.25).abs() < 0.001);
        assert_eq!(softened(&soft, &loud), 1.0);
        assert_eq!(softened(&loud, &loud), 1.0);
    }

    #[test]
    fn how_long_a_speaker_is_silent_makes_nobody_softer() {
        let mut long = sound(0.5);
        long.resize(320_000, 0);
        assert_eq!(softened(&sound(0.5), &long), 1.0);
    }

    #[test]
    fn nobody_is_as_soft_as_silence() {
        assert_eq!(softened(&sound(0.5), &[0; 16_000]), 1.0);
        assert_eq!(softened(&[], &sound(0.5)), 1.0);
    }
}
