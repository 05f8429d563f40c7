//! Fits the two numbers that make log-odds calibrated (Platt, 1999).

use super::{is_interruption, rounded};
use crate::interrupt::eval::track::Track;
use crate::interrupt::model::{Calibration, sigmoid};

const STEPS: usize = 20;

/// Fits slope and intercept by Newton's method to what a model said of these sounds, at all steps.
pub(super) fn fit(tracks: &[Track<'_>]) -> Calibration {
    let looks: Vec<(f64, f64)> = tracks
        .iter()
        .filter_map(|track| Some((track.seen.as_ref()?, is_interruption(track.overlap)?)))
        .flat_map(|(seen, is)| seen.log_odds.map(|raw| (raw, f64::from(u8::from(is)))))
        .collect();
    let (mut slope, mut intercept) = (1.0, 0.0);
    for _ in 0..STEPS {
        let (mut g0, mut g1, mut h00, mut h01, mut h11) = (0.0, 0.0, 1e-9, 0.0, 1e-9);
        for (raw, label) in &looks {
            let p = sigmoid(slope * raw + intercept);
            let weight = p * (1.0 - p);
            g0 += p - label;
            g1 += (p - label) * raw;
            h00 += weight;
            h01 += weight * raw;
            h11 += weight * raw * raw;
        }
        let determinant = h00 * h11 - h01 * h01;
        intercept -= (h11 * g0 - h01 * g1) / determinant;
        slope -= (h00 * g1 - h01 * g0) / determinant;
    }
    Calibration {
        slope: rounded(slope),
        intercept: rounded(intercept),
    }
}
