//! Where sound is and where silence is, in mono samples at [`RATE`].
//!
//! Positions are indices of samples. A sample is audible when its magnitude is above a threshold; virtual devices
//! add no noise, so nothing cleverer is needed.

use std::ops::Range;
use std::time::Duration;

use super::recording::RATE;

/// Below this magnitude nothing is audible, however quiet the loudest sample is: -70 dB.
const FLOOR: f32 = 0.000_32;

/// The largest magnitude; 0 for no samples.
pub fn peak(samples: &[f32]) -> f32 {
    samples
        .iter()
        .fold(0.0, |peak, sample| sample.abs().max(peak))
}

/// A threshold 40 dB below the loudest sample.
pub fn threshold(samples: &[f32]) -> f32 {
    (peak(samples) * 0.01).max(FLOOR)
}

/// The first audible position that is not before `from`.
pub fn first_audible(samples: &[f32], from: usize, threshold: f32) -> Option<usize> {
    let rest = samples.get(from..)?;
    let position = rest.iter().position(|sample| sample.abs() > threshold)?;
    Some(from + position)
}

/// The stretches of sound, each from its first audible sample to just after its last. Pauses shorter than `pause`
/// do not part them.
pub fn sounds(samples: &[f32], threshold: f32, pause: Duration) -> Vec<Range<usize>> {
    let pause = position(pause);
    let mut sounds: Vec<Range<usize>> = Vec::new();
    let audible = samples
        .iter()
        .enumerate()
        .filter(|(_, sample)| sample.abs() > threshold);
    for (at, _) in audible {
        match sounds.last_mut() {
            Some(sound) if at - sound.end < pause => sound.end = at + 1,
            _ => sounds.push(at..at + 1),
        }
    }
    sounds
}

/// The stretches without an audible sample that last at least `shortest`.
pub fn silences(samples: &[f32], threshold: f32, shortest: Duration) -> Vec<Range<usize>> {
    let mut silences = Vec::new();
    let mut from = 0;
    for sound in sounds(samples, threshold, shortest) {
        silences.push(from..sound.start);
        from = sound.end;
    }
    silences.push(from..samples.len());
    silences.retain(|silence| !silence.is_empty() && silence.len() >= position(shortest));
    silences
}

/// The index of the sample at a time.
pub fn position(time: Duration) -> usize {
    (time.as_secs_f64() * f64::from(RATE)).round() as usize
}

/// The time from one position to another, in milliseconds; negative when `to` is before `from`.
pub fn milliseconds(from: usize, to: usize) -> f64 {
    (to as f64 - from as f64) * 1_000.0 / f64::from(RATE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words() -> Vec<f32> {
        let mut samples = vec![0.0; 16_000];
        samples[1_600..3_200].fill(0.5);
        samples[4_000..4_800].fill(-0.5);
        samples[8_000..8_800].fill(0.004);
        samples
    }

    #[test]
    fn a_pause_within_a_sound_does_not_part_it() {
        let pause = Duration::from_millis(100);
        assert_eq!(sounds(&words(), 0.005, pause), vec![1_600..4_800]);
    }

    #[test]
    fn sound_40_db_below_the_loudest_is_silence() {
        let samples = words();
        let threshold = threshold(&samples);
        assert_eq!(first_audible(&samples, 0, threshold), Some(1_600));
        assert_eq!(first_audible(&samples, 3_200, threshold), Some(4_000));
        assert_eq!(first_audible(&samples, 4_800, threshold), None);
    }

    #[test]
    fn silences_are_what_is_between_sounds() {
        let tenth = Duration::from_millis(100);
        assert_eq!(silences(&words(), 0.005, tenth), [0..1_600, 4_800..16_000]);
        assert!(silences(&[0.0; 10], 0.005, tenth).is_empty());
        assert_eq!(silences(&[0.0; 1_600], 0.005, tenth), vec![0..1_600]);
    }

    #[test]
    fn time_runs_at_16_samples_a_millisecond() {
        assert_eq!(position(Duration::from_millis(20)), 320);
        assert!((milliseconds(320, 160) + 10.0).abs() < 1e-9);
    }
}
