//! What pulled the classifier which way in one pause.

use super::classifier::Classifier;
use super::clues::Clues;
use super::pause::Pause;
use super::weights::Weights;
use serde::Serialize;
use std::time::Duration;

/// A decision about a pause.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Step {
    /// The words that are known, the last ones; empty if none are.
    pub words: String,
    /// The silence after which the classifier commits, in milliseconds.
    pub commit_ms: u64,
    /// The probability that the caller has finished, after that silence.
    pub probability: f64,
    /// What spoke most for the end, the strongest first.
    pub speaks_for: Vec<String>,
    /// What spoke most against the end, the strongest first.
    pub speaks_against: Vec<String>,
}

/// Words that are shown.
const WORDS_MAX: usize = 8;

/// The decision before words are known, and the one with them, if there are any.
pub fn explain(pause: &Pause, weights: &Weights, cut_offs: f64) -> Vec<Step> {
    let policy = Classifier::new(weights, cut_offs);
    let with = Clues::of(pause);
    let step = |clues: &Clues| {
        let scores = weights.scores(clues);
        let planned = policy.planned(clues, 0.0, Duration::ZERO);
        let words = pause.words.as_deref().filter(|_| clues.words.is_some());
        let words = words.unwrap_or_default();
        Step {
            words: words[words.len().saturating_sub(WORDS_MAX)..].join(" "),
            commit_ms: u64::try_from(planned.silence.as_millis()).unwrap_or(u64::MAX),
            probability: planned.probability(),
            speaks_for: scores.reasons(clues, 1.0, 1.0),
            speaks_against: scores.reasons(clues, -1.0, 1.0),
        }
    };
    let mut steps = vec![step(&with.clone().without_words())];
    if with.words.is_some() {
        steps.push(step(&with));
    }
    steps
}
