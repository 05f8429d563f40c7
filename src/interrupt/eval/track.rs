//! What a classifier or a policy makes of a sound, every 50 ms from its onset on.

use crate::event::Verdict;
use crate::interrupt::heard::{Evidence, Heard, Listening};
use crate::interrupt::model::Thresholds;
use crate::interrupt::overlaps::{Overlap, Truth};
use crate::interrupt::policy::{DECIDE_EVERY, Policy, at_once, listens};
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
    /// The log-odds of an interruption at each step.
    pub log_odds: [f64; STEPS],
    /// What there was to go by at each step.
    pub evidence: [Evidence; STEPS],
    /// The first step at which a rule stops without asking the model.
    pub at_once: Option<usize>,
    /// At which steps a rule goes on without asking the model.
    pub listens: [bool; STEPS],
}

impl Seen {
    /// How far the log-odds lie above the threshold at a step; infinitely far below where a rule goes on.
    pub fn margin(&self, step: usize, thresholds: &AtSteps) -> f64 {
        if self.listens[step] {
            return f64::NEG_INFINITY;
        }
        self.log_odds[step] - thresholds.of(self.evidence[step])[step]
    }

    /// The step at which these thresholds, moved up by `moved` log-odds, stop; `None` if they never do.
    pub fn stop(&self, thresholds: &AtSteps, moved: f64) -> Option<usize> {
        let by_model = (0..STEPS).find(|step| self.margin(*step, thresholds) >= moved);
        match (by_model, self.at_once) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }
}

/// Thresholds in log-odds, one a step, by what there is to go by.
#[derive(Debug, Clone)]
pub struct AtSteps {
    with_words: [f64; STEPS],
    before_words: [f64; STEPS],
    activity_only: [f64; STEPS],
}

impl AtSteps {
    pub fn new(thresholds: &Thresholds) -> AtSteps {
        let of = |evidence| {
            let at = |step| thresholds.log_odds(evidence, time_of(step).as_secs_f64());
            std::array::from_fn(at)
        };
        AtSteps {
            with_words: of(Evidence::Words),
            before_words: of(Evidence::SoundBeforeWords),
            activity_only: of(Evidence::Sound),
        }
    }

    fn of(&self, evidence: Evidence) -> &[f64; STEPS] {
        match evidence {
            Evidence::Words => &self.with_words,
            Evidence::SoundBeforeWords => &self.before_words,
            Evidence::Sound => &self.activity_only,
        }
    }
}

/// Follows a sound; `log_odds` says what is made of it at each step.
pub fn seen(
    replay: &Replay<'_>,
    listening: Listening,
    log_odds: impl Fn(&Heard<'_>) -> f64,
) -> Seen {
    let mut activity = Vec::new();
    let mut at_once_at = None;
    let mut evidence = [Evidence::Sound; STEPS];
    let mut listening_at = [false; STEPS];
    let log_odds = std::array::from_fn(|step| {
        let heard = replay.heard(time_of(step), listening, &mut activity);
        if at_once_at.is_none() && at_once(&heard).is_some() {
            at_once_at = Some(step);
        }
        evidence[step] = heard.evidence();
        listening_at[step] = listens(&heard).is_some();
        log_odds(&heard)
    });
    Seen {
        noticed_after: replay.noticed_after,
        log_odds,
        evidence,
        at_once: at_once_at,
        listens: listening_at,
    }
}

/// Follows every sound whose truth is known.
pub fn tracks<'a>(
    overlaps: &'a [Overlap],
    hearing: Hearing,
    listening: Listening,
    log_odds: impl Fn(&Heard<'_>) -> f64,
) -> Vec<Track<'a>> {
    let track = |overlap: &'a Overlap| {
        let replay = Replay::of(overlap, hearing);
        Some(Track {
            overlap,
            truth: overlap.truth.as_ref()?,
            seen: replay.map(|replay| seen(&replay, listening, &log_odds)),
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
