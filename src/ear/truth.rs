//! Where speech truly begins and ends in a recording, by its energy.
//!
//! A voice detector is some tens of milliseconds late, and lets the last consonant go. So the end
//! of speech of a recording is the last sample above a threshold, within 200 ms of the end that
//! the detector found. The threshold is the greater of -40 dB of the utterance's peak and 6 dB over
//! the noise floor (the median of 10 ms peaks outside speech; -40 dB alone if there is no outside).

use super::vad::VoiceDetector;
use crate::audio::{FRAME_SAMPLES, SAMPLE_RATE, peak};
use std::ops::Range;

/// Speech further apart than this is two utterances: 200 ms.
const GAP_FRAMES: usize = 13;
/// How far from the detector's boundary the true one is looked for: 200 ms.
pub(super) const WINDOW_SAMPLES: usize = SAMPLE_RATE as usize / 5;
/// Length of the pieces whose peaks make the noise floor: 10 ms.
const FLOOR_SAMPLES: usize = SAMPLE_RATE as usize / 100;
/// Voiced frames that make speech, as for the ear.
const SPEECH_FRAMES: usize = 3;

/// The stretches of speech in 16 kHz mono audio, as sample positions, in order. Two stretches are
/// at least 200 ms of silence apart. Audio with no speech in it has none.
pub fn speech_in(samples: &[f32], threshold: f32) -> Vec<Range<usize>> {
    let voiced = voiced_stretches(samples, threshold);
    let floor = noise_floor(samples, &voiced);
    voiced
        .iter()
        .enumerate()
        .map(|(index, stretch)| {
            let before = if index == 0 { 0 } else { voiced[index - 1].end };
            let after = voiced
                .get(index + 1)
                .map_or(samples.len(), |next| next.start);
            by_energy(samples, stretch, before..after, floor)
        })
        .collect()
}

/// Stretches of speech as the detector sees them.
fn voiced_stretches(samples: &[f32], threshold: f32) -> Vec<Range<usize>> {
    let mut detector = VoiceDetector::new(threshold);
    // What follows the recording in a call is silence; the detector needs some to let go.
    let silence = [0.0; FRAME_SAMPLES];
    let mut stretches: Vec<(Range<usize>, usize)> = Vec::new();
    for (index, frame) in samples.chunks(FRAME_SAMPLES).enumerate() {
        let mut whole = silence;
        whole[..frame.len()].copy_from_slice(frame);
        if !detector.is_voiced(&whole) {
            continue;
        }
        let here = index * FRAME_SAMPLES..index * FRAME_SAMPLES + frame.len();
        match stretches.last_mut() {
            Some((last, frames)) if here.start - last.end <= GAP_FRAMES * FRAME_SAMPLES => {
                last.end = here.end;
                *frames += 1;
            }
            _ => stretches.push((here, 1)),
        }
    }
    stretches
        .into_iter()
        .filter(|(_, frames)| *frames >= SPEECH_FRAMES)
        .map(|(stretch, _)| stretch)
        .collect()
}

/// The median 10 ms peak outside speech; zero if there is no outside.
fn noise_floor(samples: &[f32], speech: &[Range<usize>]) -> f32 {
    let is_outside = |at: usize| !speech.iter().any(|stretch| stretch.contains(&at));
    let mut peaks: Vec<f32> = samples
        .chunks(FLOOR_SAMPLES)
        .enumerate()
        .filter(|(index, _)| is_outside(index * FLOOR_SAMPLES))
        .map(|(_, piece)| peak(piece))
        .collect();
    peaks.sort_by(f32::total_cmp);
    peaks.get(peaks.len() / 2).copied().unwrap_or(0.0)
}

/// What stands out of an utterance with this peak, over this noise.
pub(super) fn threshold(peak: f32, floor: f32) -> f32 {
    (0.01 * peak).max(2.0 * floor)
}

/// Moves the detector's boundaries to the first and the last sample above the threshold.
fn by_energy(
    samples: &[f32],
    stretch: &Range<usize>,
    free: Range<usize>,
    floor: f32,
) -> Range<usize> {
    let threshold = threshold(peak(&samples[stretch.clone()]), floor);
    let window = |boundary: usize| {
        boundary.saturating_sub(WINDOW_SAMPLES).max(free.start)
            ..(boundary + WINDOW_SAMPLES).min(free.end)
    };
    let is_loud = |at: &usize| samples[*at].abs() > threshold;
    let start = window(stretch.start).find(is_loud);
    let end = window(stretch.end).rev().find(is_loud);
    let (start, end) = (
        start.unwrap_or(stretch.start),
        end.map_or(stretch.end, |e| e + 1),
    );
    if start < end {
        start..end
    } else {
        stretch.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_and_noise_hold_no_speech() {
        assert!(speech_in(&[], 0.5).is_empty());
        assert!(speech_in(&[0.0; 16_000], 0.5).is_empty());
    }

    #[test]
    fn the_end_is_the_last_sample_that_stands_out() {
        let mut samples = vec![0.0; 16_000];
        samples[4_000..9_100].fill(0.5);
        samples[9_100..9_500].fill(0.004);
        assert_eq!(
            by_energy(&samples, &(4_096..8_960), 0..16_000, 0.0),
            4_000..9_100
        );
    }

    #[test]
    fn the_noise_floor_lifts_the_threshold() {
        let mut samples = vec![0.01; 16_000];
        samples[4_000..9_000].fill(0.5);
        let speech = 4_096..8_960;
        let floor = noise_floor(&samples, std::slice::from_ref(&speech));
        assert_eq!(floor, 0.01);
        assert_eq!(by_energy(&samples, &speech, 0..16_000, floor), 4_000..9_000);
    }
}
