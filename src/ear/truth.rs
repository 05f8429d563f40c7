//! Where speech truly begins and ends, by its energy: in recordings, and live.
//!
//! A voice detector is some tens of milliseconds late, and lets the last consonant go. So the end of speech is the
//! last sample above a threshold, within 200 ms of the end that the detector found. The threshold is the greater of
//! -40 dB of the utterance's peak and 3 dB over the background of that moment: what nine tenths of the 10 ms peaks
//! behind the speech (100 to 600 ms) stay under. The same holds for the beginning, with what is heard before it.
//!
//! Where the background hides soft sounds, the end that is found is no later than the detector's less 64 ms, by which
//! it lags in the median, so that noise makes no answer look faster; and where it is within 10 dB of the speech, the
//! end is in doubt.

use super::gate::CallerGate;
use super::vad::VoiceDetector;
use crate::audio::{FRAME_SAMPLES, SAMPLE_RATE, peak};
use crate::event::{Doubt, Hears};
use std::ops::Range;

/// Speech further apart than this is two utterances: 200 ms.
const GAP_FRAMES: usize = 13;
/// How far from the detector's boundary the true one is looked for: 200 ms.
const WINDOW_SAMPLES: usize = SAMPLE_RATE as usize / 5;
/// How far before the detector's end the true one is looked for in noise, in which it holds on: 450 ms.
pub(super) const BACK_SAMPLES: usize = 450 * SAMPLE_RATE as usize / 1_000;
/// Where the background is listened to, away from the detector's boundary: 100 to 600 ms.
pub(super) const BACKGROUND: Range<usize> =
    SAMPLE_RATE as usize / 10..6 * SAMPLE_RATE as usize / 10;
/// Length of the pieces whose peaks make the background: 10 ms. Fewer than five of them tell nothing.
const PIECE_SAMPLES: usize = SAMPLE_RATE as usize / 100;
const PIECES_MIN: usize = 5;
const BACKGROUND_SHARE: f32 = 0.9;
/// What is louder than the background by this factor, 3 dB, is none of it.
pub(super) const OVER_BACKGROUND: f32 = 1.4;
/// What is softer than this share of the utterance's peak, -40 dB, is no speech; a background that stays under twice
/// of it hides nothing that matters.
pub(super) const UNDER_PEAK: f32 = 0.01;
/// A threshold above this share of the peak, -10 dB, leaves the end in doubt.
const DOUBTFUL_SHARE: f32 = 0.316;
/// The detector's lag, in the median: 64 ms.
const LAG_SAMPLES: usize = 64 * SAMPLE_RATE as usize / 1_000;
/// Voiced frames that make speech, as for the ear.
const SPEECH_FRAMES: usize = 3;

/// A stretch of speech in a recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Speech {
    /// From the first to the last sample that stands out.
    pub at: Range<usize>,
    /// Why the end may be another one.
    pub doubt: Option<Doubt>,
}

/// The stretches of the caller's speech in 16 kHz mono audio, as sample positions, in order. Two stretches are
/// at least 200 ms of silence apart. Audio with no speech in it has none.
pub fn speech_in(samples: &[f32], threshold: f32, hears: Hears) -> Vec<Speech> {
    let voiced = voiced_stretches(samples, threshold, hears);
    voiced
        .iter()
        .enumerate()
        .map(|(index, stretch)| {
            let before = if index == 0 { 0 } else { voiced[index - 1].end };
            let after = voiced
                .get(index + 1)
                .map_or(samples.len(), |next| next.start);
            by_energy(samples, stretch, before..after)
        })
        .collect()
}

/// Stretches of speech as the detector and the gate have them.
fn voiced_stretches(samples: &[f32], threshold: f32, hears: Hears) -> Vec<Range<usize>> {
    let mut detector = VoiceDetector::new(threshold);
    let mut gate = CallerGate::new(hears);
    // What follows the recording in a call is silence; the detector needs some to let go.
    let silence = [0.0; FRAME_SAMPLES];
    let mut stretches: Vec<(Range<usize>, usize)> = Vec::new();
    for (index, frame) in samples.chunks(FRAME_SAMPLES).enumerate() {
        let mut whole = silence;
        whole[..frame.len()].copy_from_slice(frame);
        let is_voice = detector.is_voiced(&whole);
        if !gate.is_caller(&whole, is_voice) {
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

/// What stands out of an utterance with this peak, over this background.
fn threshold(peak: f32, background: &[f32]) -> f32 {
    let mut peaks: Vec<f32> = background
        .chunks_exact(PIECE_SAMPLES)
        .map(crate::audio::peak)
        .collect();
    let least = UNDER_PEAK * peak;
    if peaks.len() < PIECES_MIN {
        return least;
    }
    let at = (peaks.len() as f32 * BACKGROUND_SHARE) as usize;
    let (_, loud, _) = peaks.select_nth_unstable_by(at, f32::total_cmp);
    least.max(OVER_BACKGROUND * *loud)
}

/// Moves the detector's boundaries to the first and the last sample that stands out; `free` is where they may lie.
fn by_energy(samples: &[f32], stretch: &Range<usize>, free: Range<usize>) -> Speech {
    let peak = peak(&samples[stretch.clone()]);
    let before = stretch.start.saturating_sub(BACKGROUND.end).max(free.start)
        ..stretch
            .start
            .saturating_sub(BACKGROUND.start)
            .max(free.start);
    let threshold = threshold(peak, &samples[before]);
    let window = stretch.start.saturating_sub(WINDOW_SAMPLES).max(free.start)
        ..(stretch.start + WINDOW_SAMPLES).min(free.end);
    let is_loud = |at: &usize| samples[*at].abs() > threshold;
    let start = window.clone().find(is_loud).unwrap_or(stretch.start);
    let from = stretch.end.saturating_sub(BACK_SAMPLES).max(stretch.start);
    let sound = &samples[from..free.end.min(stretch.end + BACKGROUND.end)];
    let (end, doubt) = true_end(sound, stretch.end - from, peak);
    let end = from + end;
    Speech {
        at: if start < end {
            start..end
        } else {
            stretch.clone()
        },
        doubt,
    }
}

/// The end of an utterance with this peak, and why it is in doubt: a position in `sound`, which begins up to
/// [`BACK_SAMPLES`] before the detector's end, at `last_voiced`, and goes on behind it.
pub(super) fn true_end(sound: &[f32], last_voiced: usize, peak: f32) -> (usize, Option<Doubt>) {
    let behind = (last_voiced + BACKGROUND.start).min(sound.len())
        ..(last_voiced + BACKGROUND.end).min(sound.len());
    let threshold = threshold(peak, &sound[behind]);
    let hides = threshold > 2.0 * UNDER_PEAK * peak;
    let from = match hides {
        true => last_voiced.saturating_sub(BACK_SAMPLES),
        false => last_voiced.saturating_sub(WINDOW_SAMPLES),
    };
    let to = (last_voiced + WINDOW_SAMPLES).min(sound.len());
    let loud = (from..to).rev().find(|at| sound[*at].abs() > threshold);
    let end = loud.map_or(last_voiced, |at| at + 1);
    match hides {
        true => {
            let doubt = (threshold > DOUBTFUL_SHARE * peak).then_some(Doubt::Noise);
            (end.min(last_voiced.saturating_sub(LAG_SAMPLES)), doubt)
        }
        false => (end, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends(samples: &[f32], stretch: Range<usize>) -> Speech {
        by_energy(samples, &stretch, 0..samples.len())
    }

    #[test]
    fn silence_and_noise_hold_no_speech() {
        assert!(speech_in(&[], 0.5, Hears::Caller).is_empty());
        assert!(speech_in(&[0.0; 16_000], 0.5, Hears::Caller).is_empty());
    }

    #[test]
    fn the_end_is_the_last_sample_that_stands_out() {
        let mut samples = vec![0.0; 24_000];
        samples[4_000..9_100].fill(0.5);
        samples[9_100..9_500].fill(0.004);
        let speech = ends(&samples, 4_096..8_960);
        assert_eq!((speech.at, speech.doubt), (4_000..9_100, None));
    }

    #[test]
    fn noise_makes_no_end_later_than_the_detectors_less_its_lag() {
        let mut samples = vec![0.02; 32_000];
        samples[4_000..9_000].fill(0.5);
        let speech = ends(&samples, 4_096..11_000);
        assert_eq!((speech.at, speech.doubt), (4_000..9_000, None));
        // What is said softly at the end is lost in it.
        samples[9_000..11_000].fill(0.1);
        assert_eq!(ends(&samples, 4_096..11_000).at.end, 11_000 - LAG_SAMPLES);
    }

    #[test]
    fn an_end_in_a_background_nearly_as_loud_is_in_doubt() {
        let mut samples = vec![0.15; 32_000];
        samples[4_000..9_000].fill(0.5);
        assert_eq!(ends(&samples, 4_096..10_000).doubt, Some(Doubt::Noise));
    }

    #[test]
    fn a_recording_that_ends_with_its_last_word_has_no_background() {
        let speech = ends(&[0.5; 8_000], 0..8_000);
        assert_eq!((speech.at, speech.doubt), (0..8_000, None));
    }
}
