//! What to do about a sound over the agent: rules, behind one small trait.

use super::features::{Values, features};
use super::heard::Heard;
use super::lexicon::{self, Class};
use super::model::{Classifier, Thresholds, Weights, WeightsError, reasons, shipped, sigmoid};
use crate::event::{InterruptionPolicy, Verdict};
use std::borrow::Cow;
use std::time::Duration;

/// The version of the rules by which interruptions are decided: 1 took a recogniser without words for evidence, and to
/// 2 "I see" was as much as any other words.
pub const RULES: u32 = 3;

/// A policy is usually asked this often while the caller makes sound over the agent.
pub const DECIDE_EVERY: Duration = Duration::from_millis(50);

#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    pub verdict: Verdict,
    /// Probability of an interruption, in 0..1; `None` if the policy computes none.
    pub probability: Option<f64>,
    /// What spoke for the verdict, strongest first: at most three.
    pub reasons: Vec<String>,
}

/// Decides again and again while the caller makes sound over the agent.
pub trait Policy {
    fn name(&self) -> &'static str;
    fn decide(&mut self, heard: &Heard<'_>) -> Decision;

    /// When the policy is to be asked next, counted from the onset of the sound, if it was last asked at
    /// `since_onset`; `None` if it has made up its mind.
    fn next(&self, since_onset: Duration) -> Option<Duration> {
        let looks = since_onset.as_nanos() / DECIDE_EVERY.as_nanos() + 1;
        Some(DECIDE_EVERY * u32::try_from(looks).unwrap_or(u32::MAX))
    }

    /// Whether the policy makes use of words that are known while the caller still speaks.
    fn reads_words(&self) -> bool {
        true
    }
}

/// A policy where nobody tells words while the caller speaks: it is asked by the sound alone.
pub struct WithoutWords(pub Box<dyn Policy>);

impl Policy for WithoutWords {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn decide(&mut self, heard: &Heard<'_>) -> Decision {
        self.0.decide(heard)
    }

    fn next(&self, since_onset: Duration) -> Option<Duration> {
        self.0.next(since_onset)
    }

    fn reads_words(&self) -> bool {
        false
    }
}

/// Makes a policy by its name; the classifier gets the weights that ship.
///
/// # Errors
/// If the weights in this program cannot be read.
pub fn policy(policy: InterruptionPolicy) -> Result<Box<dyn Policy>, WeightsError> {
    Ok(match policy {
        InterruptionPolicy::Classifier => Box::new(ClassifierRule::new(shipped()?)),
        InterruptionPolicy::Vad500Ms => Box::new(VadRule),
        InterruptionPolicy::MinWords => Box::new(WordsRule),
        InterruptionPolicy::Never => Box::new(Never),
        InterruptionPolicy::Always => Box::new(Always),
    })
}

/// Stop once the probability of an interruption reaches the threshold of its moment. Stop at once at words
/// that ask for silence, and at answers to the agent's question.
pub struct ClassifierRule<'a> {
    weights: &'a Weights,
    thresholds: Cow<'a, Thresholds>,
}

/// How far below the threshold to stop log-odds may be for the agent to be unsure whether to go on.
const UNSURE_MARGIN: f64 = 1.0;

impl<'a> ClassifierRule<'a> {
    /// The classifier with the thresholds of its weights.
    pub fn new(weights: &'a Weights) -> ClassifierRule<'a> {
        ClassifierRule {
            weights,
            thresholds: Cow::Borrowed(&weights.thresholds),
        }
    }

    /// The classifier with other thresholds.
    pub fn with(weights: &'a Weights, thresholds: Thresholds) -> ClassifierRule<'a> {
        ClassifierRule {
            weights,
            thresholds: Cow::Owned(thresholds),
        }
    }
}

impl Policy for ClassifierRule<'_> {
    fn name(&self) -> &'static str {
        InterruptionPolicy::Classifier.name()
    }

    fn decide(&mut self, heard: &Heard<'_>) -> Decision {
        let evidence = heard.evidence();
        let classifier = self.weights.classifier(evidence);
        let values = features(heard);
        let log_odds = classifier.log_odds(&values);
        let probability = Some(in_four_digits(sigmoid(log_odds)));
        if let Some(reason) = at_once(heard) {
            return Decision {
                verdict: Verdict::Stop,
                probability,
                reasons: vec![reason.to_owned()],
            };
        }
        if let Some(reason) = listens(heard) {
            return Decision {
                verdict: Verdict::KeepTalking,
                probability,
                reasons: vec![reason.to_owned()],
            };
        }
        let threshold = self
            .thresholds
            .log_odds(evidence, heard.since_onset.as_secs_f64());
        let verdict = verdict(log_odds, threshold);
        Decision {
            verdict,
            probability,
            reasons: spoke_for(verdict, classifier, &values),
        }
    }
}

/// Rounds a probability: more digits say nothing, and a record repeats them all.
fn in_four_digits(probability: f64) -> f64 {
    (probability * 1e4).round() / 1e4
}

/// What the threshold of the moment makes of these calibrated log-odds.
fn verdict(log_odds: f64, threshold: f64) -> Verdict {
    if log_odds >= threshold {
        Verdict::Stop
    } else if log_odds >= threshold - UNSURE_MARGIN {
        Verdict::Unsure
    } else {
        Verdict::KeepTalking
    }
}

fn spoke_for(verdict: Verdict, classifier: &Classifier, values: &Values) -> Vec<String> {
    let sign = match verdict {
        Verdict::KeepTalking => -1.0,
        Verdict::Unsure | Verdict::Stop => 1.0,
    };
    reasons(values, &classifier.contributions(values), sign)
}

/// Why to stop without asking a model, if there is a reason.
pub(super) fn at_once(heard: &Heard<'_>) -> Option<&'static str> {
    let all = heard.words.unwrap_or_default();
    let known = || {
        let known = all.iter().filter(|word| word.known_at <= heard.since_onset);
        known.map(|word| word.text.as_str())
    };
    if lexicon::asks_for_silence(known()) {
        return Some("the caller asks for silence");
    }
    let has_asked = heard.context.sentence_is_question && heard.context.sentence_done;
    let answers = |word| matches!(lexicon::class(word), Class::Agreement | Class::Negation);
    (has_asked && known().next().is_some_and(answers)).then_some("the caller answers the question")
}

/// How long the voice goes on behind "I see" before more than that is expected of it: the recogniser hears words some
/// 200 ms after their end.
const LISTENS_FOR: Duration = Duration::from_millis(200);

/// Why to go on without asking a model, if there is a reason.
pub(super) fn listens(heard: &Heard<'_>) -> Option<&'static str> {
    let all = heard.words.unwrap_or_default();
    let known = || all.iter().filter(|word| word.known_at <= heard.since_onset);
    let last = known().next_back()?;
    let is_fresh = heard.since_onset.saturating_sub(last.known_at) < LISTENS_FOR;
    let listens = is_fresh && lexicon::acknowledges(known().map(|word| word.text.as_str()));
    listens.then_some("the caller says nothing but that they listen")
}

/// Stop after half a second of voice: the minimum interruption duration that LiveKit Agents
/// defaults to. It stops for a long "mm-hmm" and lets a short "stop" pass.
struct VadRule;

const VOICED_MIN: Duration = Duration::from_millis(500);

impl Policy for VadRule {
    fn name(&self) -> &'static str {
        InterruptionPolicy::Vad500Ms.name()
    }

    fn decide(&mut self, heard: &Heard<'_>) -> Decision {
        let voiced = heard.voiced();
        Decision {
            reasons: vec![format!("voiced for {} ms", voiced.as_millis())],
            ..stop_if(voiced >= VOICED_MIN)
        }
    }
}

/// Stop at the second word, as frameworks do that count words. "Mm-hmm, yeah" stops it; without a
/// recogniser nothing does.
struct WordsRule;

const WORDS_MIN: usize = 2;

impl Policy for WordsRule {
    fn name(&self) -> &'static str {
        InterruptionPolicy::MinWords.name()
    }

    fn decide(&mut self, heard: &Heard<'_>) -> Decision {
        let all = heard.words.unwrap_or_default().iter();
        let known = all
            .filter(|word| word.known_at <= heard.since_onset)
            .count();
        Decision {
            reasons: vec![format!("words known: {known}")],
            ..stop_if(known >= WORDS_MIN)
        }
    }
}

/// Talk to the end, whatever the caller does.
struct Never;

impl Policy for Never {
    fn name(&self) -> &'static str {
        InterruptionPolicy::Never.name()
    }

    fn decide(&mut self, _: &Heard<'_>) -> Decision {
        stop_if(false)
    }
}

/// Stop for any sound.
struct Always;

impl Policy for Always {
    fn name(&self) -> &'static str {
        InterruptionPolicy::Always.name()
    }

    fn decide(&mut self, _: &Heard<'_>) -> Decision {
        stop_if(true)
    }
}

fn stop_if(is_enough: bool) -> Decision {
    Decision {
        verdict: if is_enough {
            Verdict::Stop
        } else {
            Verdict::KeepTalking
        },
        probability: None,
        reasons: Vec::new(),
    }
}

#[cfg(test)]
#[path = "test_policy.rs"]
mod tests;
