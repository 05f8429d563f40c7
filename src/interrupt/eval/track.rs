//! What a classifier or a policy makes of a sound, every 50 ms from its onset on.

use crate::event::Verdict;
use crate::interrupt::features::features;
use crate::interrupt::heard::Listening;
use crate::interrupt::model::{Classifier, Threshold, logit, threshold_at};
use crate::interrupt::overlaps::{Overlap, Truth};
use crate::interrupt::policy::{DECIDE_EVERY, Policy, at_once};
use crate::interrupt::rows::{Hearing, Replay};
use std::time::Duration;

/// How many decisions a sound is followed for: 1.5 s.
pub const STEPS: usize = 30;

/// The time of a decision since the onset, counted from zero.
pub fn time_of(step: usize) -> Duration {
    DECIDE_EVERY * (step as u32 + 1)
}

/// A sound with what a classifier made of it.
#[derive(Debug, Clone)]
pub struct Track<'a> {
    pub overlap: &'a Overlap,
    pub truth: &'a Truth,
    /// What the classifier made of the sound; `None` if it was not noticed.
    pub seen: Option<Seen>,
}

#[derive(Debug, Clone)]
pub struct Seen {
    /// The time from the true onset to the noticed one.
    pub noticed_after: Duration,
    /// The model's log-odds, before calibration, at each step.
    pub raw: [f64; STEPS],
    /// The first step at which a rule stops without asking the model.
    pub at_once: Option<usize>,
}

impl Seen {
    /// The step at which these thresholds stop, with log-odds mapped by `log_odds`; `None` if they never do.
    pub fn stop(&self, log_odds: impl Fn(f64) -> f64, thresholds: &[f64; STEPS]) -> Option<usize> {
        let above = |step: &usize| log_odds(self.raw[*step]) >= thresholds[*step];
        let by_model = (0..STEPS).find(above);
        match (by_model, self.at_once) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }
}

/// Thresholds in log-odds, one a step.
pub fn at_steps(thresholds: &[Threshold]) -> [f64; STEPS] {
    let at = |step| logit(threshold_at(thresholds, time_of(step).as_secs_f64()));
    std::array::from_fn(at)
}

/// Follows every sound whose truth is known.
pub fn tracks<'a>(
    overlaps: &'a [Overlap],
    hearing: Hearing,
    listening: Listening,
    classifier: &Classifier,
) -> Vec<Track<'a>> {
    let mut activity = Vec::new();
    let track = |overlap: &'a Overlap| {
        let seen = Replay::of(overlap, hearing).map(|replay| {
            let mut at_once_at = None;
            let raw = std::array::from_fn(|step| {
                let heard = replay.heard(time_of(step), listening, &mut activity);
                if at_once_at.is_none() && at_once(&heard).is_some() {
                    at_once_at = Some(step);
                }
                classifier.predictor.model().log_odds(&features(&heard))
            });
            Seen {
                noticed_after: replay.noticed_after,
                raw,
                at_once: at_once_at,
            }
        });
        let truth = overlap.truth.as_ref()?;
        Some(Track {
            overlap,
            truth,
            seen,
        })
    };
    overlaps.iter().filter_map(track).collect()
}

/// When a policy stops for a sound, since the onset as noticed; `None` if not within 1.5 s.
pub fn stops_after(
    policy: &mut dyn Policy,
    replay: &Replay<'_>,
    listening: Listening,
) -> Option<Duration> {
    let mut activity = Vec::new();
    let mut stops = |at: &Duration| {
        let heard = replay.heard(*at, listening, &mut activity);
        policy.decide(&heard).verdict == Verdict::Stop
    };
    (0..STEPS).map(time_of).find(|at| stops(at))
}
