//! When policies stop, by kind of sound: what a simulation draws from.

use super::SEED;
use super::policies::policy;
use super::track::{STEPS, stops_after, time_of};
use crate::interrupt::heard::Listening;
use crate::interrupt::model::Weights;
use crate::interrupt::overlaps::{Label, Overlap, Truth};
use crate::interrupt::policy::{DECIDE_EVERY, NAMES};
use crate::interrupt::rows::{Hearing, Replay};
use serde::Serialize;

/// The probability that the agent has stopped so long after the onset, by policy and kind of
/// sound: what a simulation draws from.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OperatingCurve {
    pub schema: &'static str,
    /// The first value is for this time since the onset; each next one for so much more.
    pub step_ms: u64,
    pub curves: Vec<Curve>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Curve {
    pub policy: &'static str,
    /// `with words` or `activity only`.
    pub listening: &'static str,
    /// A label of the data: what the sound turned out to be.
    pub kind: &'static str,
    pub sounds: usize,
    /// In 0..1, never falling.
    pub stopped: Vec<f64>,
}

/// Follows every policy over the sounds as they would be heard in life. Times count from the
/// onset as noticed; a sound that is not noticed counts as one that stops nothing.
pub fn operating_curve(overlaps: &[Overlap], weights: &Weights) -> OperatingCurve {
    let mut curves = Vec::new();
    for name in NAMES {
        for listening in Listening::BOTH {
            for kind in Label::ALL {
                curves.extend(curve(overlaps, weights, name, listening, kind));
            }
        }
    }
    OperatingCurve {
        schema: "voicesim.operating_curve/1",
        step_ms: DECIDE_EVERY.as_millis() as u64,
        curves,
    }
}

fn curve(
    overlaps: &[Overlap],
    weights: &Weights,
    name: &'static str,
    listening: Listening,
    kind: Label,
) -> Option<Curve> {
    let mut stopped = [0.0; STEPS];
    let mut sounds = 0;
    for overlap in overlaps {
        let counts = |truth: &Truth| truth.label == kind && truth.is_two_party;
        if !overlap.truth.as_ref().is_some_and(counts) {
            continue;
        }
        sounds += 1;
        let Some(replay) = Replay::of(overlap, Hearing::Augmented { seed: SEED }) else {
            continue;
        };
        let mut policy = policy(name, weights).ok()?;
        if let Some(after) = stops_after(policy.as_mut(), &replay, listening) {
            let from = (0..STEPS)
                .find(|step| time_of(*step) >= after)
                .unwrap_or(STEPS);
            stopped[from..].iter_mut().for_each(|count| *count += 1.0);
        }
    }
    let share = |count: f64| (count / sounds as f64 * 1e4).round() / 1e4;
    (sounds > 0).then(|| Curve {
        policy: name,
        listening: listening.name(),
        kind: kind.name(),
        sounds,
        stopped: stopped.map(share).to_vec(),
    })
}
