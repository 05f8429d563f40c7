//! What pushed a decision which way, from the onset of a sound on.

use super::eval::track::{STEPS, time_of};
use super::features::features;
use super::heard::Listening;
use super::model::{Weights, reasons};
use super::policy::{ClassifierRule, Policy};
use super::rows::Replay;
use crate::event::Verdict;
use serde::Serialize;

/// One decision about a sound.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Step {
    pub at_ms: u64,
    /// Words known by now.
    pub words: String,
    /// Probability of an interruption, in 0..1.
    pub probability: f64,
    pub verdict: Verdict,
    /// Why the policy decided so.
    pub decided_by: Vec<String>,
    /// What spoke most for an interruption, strongest first.
    pub speaks_for: Vec<String>,
    /// What spoke most against an interruption, strongest first.
    pub speaks_against: Vec<String>,
}

/// Every decision within 1.5 s, up to the one to stop.
pub fn explain(replay: &Replay<'_>, listening: Listening, weights: &Weights) -> Vec<Step> {
    let mut policy = ClassifierRule::new(weights);
    let mut activity = Vec::new();
    let mut steps = Vec::new();
    for step in 0..STEPS {
        let heard = replay.heard(time_of(step), listening, &mut activity);
        let values = features(&heard);
        let classifier = weights.classifier(heard.evidence());
        let contributions = classifier.contributions(&values);
        let decision = policy.decide(&heard);
        let words = heard.words.unwrap_or_default().iter();
        let words: Vec<&str> = words.map(|word| word.text.as_str()).collect();
        steps.push(Step {
            at_ms: time_of(step).as_millis() as u64,
            words: words.join(" "),
            probability: classifier.probability(&values),
            verdict: decision.verdict,
            decided_by: decision.reasons,
            speaks_for: reasons(&values, &contributions, 1.0),
            speaks_against: reasons(&values, &contributions, -1.0),
        });
        if decision.verdict == Verdict::Stop {
            break;
        }
    }
    steps
}
