//! What is heard on a channel when nobody speaks, and what stands out of it.

use super::bands::BANDS;
use super::segments::{Ear, UNDER_PEAK};
use super::track::{FRAME_MS, Level};
use std::ops::Range;

/// The noise is judged this far on either side of a stretch, in milliseconds.
const NOISE_WINDOW: usize = 10_000;
/// Noise is averaged over this many milliseconds.
pub(super) const NOISE_GRAIN: usize = 10;
/// The least number of grains from which the noise is known: 200 ms.
const NOISE_GRAINS_MIN: usize = 20;
/// What stands out of the noise by this factor (3 dB) is no noise: five standard deviations of its grains.
const OVER_NOISE: f32 = 1.4;
/// Soft sounds are told from noise over this many milliseconds.
pub(super) const COARSE: usize = 50;
/// The factor by which 50 ms have to stand out: 1.2 dB, four standard deviations of white noise. Low or high
/// sounds alone need more.
const OVER_NOISE_COARSE: f32 = 1.15;
const OVER_NOISE_BANDS: [f32; BANDS] = [1.35, 1.17];

/// What is heard on a channel when nobody speaks.
pub(super) struct Noise {
    /// Grains of 10 ms: when, and how loud.
    grains: Vec<(usize, f32)>,
}

impl Noise {
    /// What is heard outside of these frames; `ear` knows what is foreign.
    pub(super) fn outside(ear: &Ear<'_>, voiced: &[Range<usize>]) -> Noise {
        let mut rest = voiced.iter().peekable();
        let mut grains = Vec::new();
        for (index, grain) in ear.track.peaks.chunks_exact(NOISE_GRAIN).enumerate() {
            let at = index * NOISE_GRAIN;
            let frame = at / FRAME_MS;
            while rest.next_if(|stretch| stretch.end <= frame).is_some() {}
            let is_speech = rest.peek().is_some_and(|stretch| stretch.contains(&frame));
            if !is_speech && !ear.is_foreign(at) {
                grains.push((at, mean(grain)));
            }
        }
        Noise { grains }
    }

    /// The noise near `range` (milliseconds). Where all is called speech, what is quietest of it.
    pub(super) fn near(&self, range: &Range<usize>, ear: &Ear<'_>) -> NoiseFloor {
        let near = range.start.saturating_sub(NOISE_WINDOW)..range.end + NOISE_WINDOW;
        let from = self.grains.partition_point(|(at, _)| *at < near.start);
        let to = self.grains.partition_point(|(at, _)| *at < near.end);
        let outside: Vec<f32> = self.grains[from..to].iter().map(|(_, l)| *l).collect();
        if outside.len() >= NOISE_GRAINS_MIN {
            let coarse = outside.chunks_exact(COARSE / NOISE_GRAIN);
            let coarse = coarse
                .map(|five| five.iter().sum::<f32>() / five.len() as f32)
                .collect();
            let starts = self.grains[from..to].iter().step_by(COARSE / NOISE_GRAIN);
            let bands = [0, 1].map(|band| {
                let levels = starts
                    .clone()
                    .map(|(at, _)| ear.mean_of_band(band, *at..at + COARSE));
                let levels: Vec<f32> = levels.collect();
                (OVER_NOISE_BANDS[band] * quantile(levels.clone(), 0.5)).max(quantile(levels, 0.98))
            });
            let level = quantile(outside, 0.5);
            return NoiseFloor {
                fine: OVER_NOISE * level,
                coarse: (OVER_NOISE_COARSE * level).max(quantile(coarse, 0.98)),
                bands,
            };
        }
        let end = near.end.min(ear.track.peaks.len());
        let grains = (near.start..end)
            .step_by(NOISE_GRAIN)
            .filter(|at| !ear.is_foreign(*at));
        let grains = grains.map(|at| ear.mean(at..at + NOISE_GRAIN)).collect();
        let fine = OVER_NOISE * quantile(grains, 0.02);
        NoiseFloor {
            fine,
            coarse: fine,
            bands: [f32::MAX; BANDS],
        }
    }
}

/// Mean amplitudes from which on sound is no noise.
#[derive(Debug, Clone, Copy)]
pub(super) struct NoiseFloor {
    /// Threshold for means over 10 ms.
    pub(super) fine: f32,
    /// Threshold for means over 50 ms.
    pub(super) coarse: f32,
    /// Thresholds for means over 50 ms of low and of high sounds.
    pub(super) bands: [f32; BANDS],
}

impl NoiseFloor {
    /// Whether the noise hides the softer sounds of speech with this peak.
    pub(super) fn hides(&self, peak: Level) -> bool {
        self.fine > AMPLITUDES[usize::from(peak.saturating_sub(UNDER_PEAK))]
    }
}

fn quantile(mut values: Vec<f32>, share: f64) -> f32 {
    values.sort_by(f32::total_cmp);
    let at = (values.len() as f64 * share) as usize;
    values.get(at).copied().unwrap_or(0.0)
}

/// The mean amplitude of some levels.
pub(super) fn mean(levels: &[Level]) -> f32 {
    let sum: f32 = levels
        .iter()
        .map(|level| AMPLITUDES[usize::from(*level)])
        .sum();
    sum / levels.len().max(1) as f32
}

/// The amplitude of every level: a step is half a decibel, and 0 is silence.
const AMPLITUDES: [f32; 256] = {
    let mut all = [0.0; 256];
    let (mut level, mut amplitude) = (255, 1.0f64);
    while level > 0 {
        all[level] = amplitude as f32;
        // 10^(-0.5 / 20)
        amplitude *= 0.944_060_876_285_923_4;
        level -= 1;
    }
    all
};
