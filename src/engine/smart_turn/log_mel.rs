//! The spectrum that Smart Turn hears: eight seconds in 800 steps of 10 ms and 80 bands, as Whisper takes it.
//!
//! The sound is brought to a mean of zero and a variance of one. Each step is a window of 25 ms (Hann) around it, past
//! the ends of the sound mirrored; its power in each band is taken as a logarithm, no further than eight powers of ten
//! under the greatest, and scaled to about -1..1.

use crate::models::{SPECTRUM_BINS, slaney_filter_bank};
use realfft::num_complex::Complex;
use realfft::{RealFftPlanner, RealToComplex};
use std::f64::consts::PI;
use std::sync::Arc;

/// Bands and steps of the spectrum.
pub(super) const BANDS: usize = 80;
pub(super) const STEPS: usize = 800;
/// Samples of a window and of a step.
const WINDOW: usize = 400;
const STEP: usize = 160;
/// The samples that are heard: the last eight seconds.
const HEARD_SAMPLES: usize = STEPS * STEP;
/// What keeps silence from being divided by nothing, and from a logarithm of nothing.
const VARIANCE_MIN: f64 = 1e-7;
const POWER_MIN: f64 = 1e-10;
/// Powers of ten under the greatest that are told apart.
const RANGE: f64 = 8.0;

/// Computes spectra.
pub(super) struct LogMel {
    fourier: Arc<dyn RealToComplex<f64>>,
    window: Vec<f64>,
    bands: Vec<Band>,
}

/// What a band hears of a spectrum: the weights of the few bins that it has.
struct Band {
    first: usize,
    weights: Vec<f64>,
}

impl Band {
    /// The band of these weights of every bin.
    fn of(weights: &[f32]) -> Band {
        let is_heard = |weight: &f32| *weight > 0.0;
        let first = weights.iter().position(is_heard).unwrap_or(0);
        let end = weights.iter().rposition(is_heard).map_or(0, |at| at + 1);
        let weights = weights.iter().take(end).skip(first);
        Band {
            first,
            weights: weights.map(|weight| f64::from(*weight)).collect(),
        }
    }

    fn power(&self, spectrum: &[Complex<f64>]) -> f64 {
        let bins = spectrum.iter().skip(self.first).zip(&self.weights);
        bins.map(|(bin, weight)| weight * bin.norm_sqr()).sum()
    }
}

impl LogMel {
    pub(super) fn new() -> LogMel {
        let hann = |at: usize| 0.5 - 0.5 * (2.0 * PI * at as f64 / WINDOW as f64).cos();
        LogMel {
            fourier: RealFftPlanner::new().plan_fft_forward(WINDOW),
            window: (0..WINDOW).map(hann).collect(),
            bands: slaney_filter_bank(BANDS)
                .chunks_exact(SPECTRUM_BINS)
                .map(Band::of)
                .collect(),
        }
    }

    /// The spectrum of the last eight seconds of 16 kHz sound, band by band; what is shorter begins with silence.
    pub(super) fn of(&self, sound: &[f32]) -> Vec<f32> {
        let padded = mirrored(&normal(sound));
        let mut spectrum = vec![0.0; BANDS * STEPS];
        let mut input = vec![0.0; WINDOW];
        let mut output = vec![Complex::default(); SPECTRUM_BINS];
        let mut scratch = self.fourier.make_scratch_vec();
        for step in 0..STEPS {
            let heard = padded.iter().skip(step * STEP);
            let windowed = heard.zip(&self.window).zip(&mut input);
            windowed.for_each(|((sample, weight), input)| *input = sample * weight);
            // The lengths are those of the plan, so this cannot fail.
            let _ = self
                .fourier
                .process_with_scratch(&mut input, &mut output, &mut scratch);
            for (place, band) in self.bands.iter().enumerate() {
                let power = band.power(&output);
                spectrum[place * STEPS + step] = power.max(POWER_MIN).log10();
            }
        }
        let greatest = spectrum.iter().copied().fold(f64::MIN, f64::max);
        let scaled = |value: &f64| ((value.max(greatest - RANGE) + 4.0) / 4.0) as f32;
        spectrum.iter().map(scaled).collect()
    }
}

/// The last eight seconds, with a mean of zero and a variance of one.
fn normal(sound: &[f32]) -> Vec<f64> {
    let heard = &sound[sound.len().saturating_sub(HEARD_SAMPLES)..];
    let mut all = vec![0.0; HEARD_SAMPLES - heard.len()];
    all.extend(heard.iter().map(|sample| f64::from(*sample)));
    let mean = all.iter().sum::<f64>() / HEARD_SAMPLES as f64;
    let squares: f64 = all.iter().map(|sample| (sample - mean).powi(2)).sum();
    let deviation = (squares / HEARD_SAMPLES as f64 + VARIANCE_MIN).sqrt();
    all.iter()
        .map(|sample| (sample - mean) / deviation)
        .collect()
}

/// The sound with half a window before and behind it, in which it is mirrored.
fn mirrored(sound: &[f64]) -> Vec<f64> {
    const HALF: usize = WINDOW / 2;
    let before = sound[1..=HALF].iter().rev();
    let behind = sound[sound.len() - 1 - HALF..sound.len() - 1].iter().rev();
    before.chain(sound).chain(behind).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::SAMPLE_RATE;

    /// Band, step, and the value there.
    const EXPECTED: [(usize, usize, f32); 8] = [
        (0, 0, -0.097945),
        (3, 699, 0.814221),
        (5, 700, 1.727206),
        (10, 705, 1.001925),
        (12, 730, 0.455146),
        (40, 750, -0.097945),
        (25, 799, 0.577865),
        (79, 799, 0.134828),
    ];

    /// A second of a tone that rises.
    fn rising() -> Vec<f32> {
        let rate = f64::from(SAMPLE_RATE);
        let at = |index: usize| {
            let seconds = index as f64 / rate;
            0.3 * (2.0 * PI * (200.0 + 900.0 * seconds) * seconds).sin()
        };
        (0..SAMPLE_RATE as usize)
            .map(|index| at(index) as f32)
            .collect()
    }

    #[test]
    fn the_spectrum_is_that_of_whispers_own_front_end() {
        let spectrum = LogMel::new().of(&rising());
        assert_eq!(spectrum.len(), BANDS * STEPS);
        // As pipecat's own front end computes it.
        for (band, step, expected) in EXPECTED {
            let found = spectrum[band * STEPS + step];
            assert!(
                (found - expected).abs() < 2e-4,
                "{band}, {step}: {found}, not {expected}"
            );
        }
    }

    #[test]
    fn silence_and_no_sound_at_all_are_the_same() {
        let mel = LogMel::new();
        let silence = mel.of(&vec![0.0; 2 * HEARD_SAMPLES]);
        assert_eq!(silence, mel.of(&[]));
        assert!(silence.iter().all(|value| value.is_finite()));
    }
}
