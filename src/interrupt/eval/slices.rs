//! Where the classifier fails: an average hides the kinds of sounds that it fails on.

use super::Sounds;
use super::track::{AtSteps, Track, time_of};
use crate::interrupt::lexicon::{Class, class};
use crate::interrupt::model::sigmoid;
use crate::interrupt::overlaps::Task;
use serde::Serialize;
use std::collections::BTreeMap;

/// What the classifier does about one kind of sounds; a share is `None` where there are none.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Slice {
    pub corpus: String,
    pub listening: &'static str,
    /// What the sounds of the slice have in common, as `label: floor`.
    pub of: String,
    pub interruptions: usize,
    pub others: usize,
    pub recall: Option<f64>,
    pub false_stops: Option<f64>,
}

/// What became of the sounds that were given a probability in a tenth of 0..1.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Bin {
    pub sounds: usize,
    /// The mean probability that was given.
    pub said: f64,
    /// The share that were interruptions.
    pub were: f64,
}

/// Whether probabilities mean what they say.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Reliability {
    pub corpus: String,
    pub listening: &'static str,
    pub at_ms: u64,
    pub bins: Vec<Bin>,
}

/// The step that the reliability is quoted for: 600 ms.
const STEP: usize = 11;

impl Sounds<'_> {
    pub(super) fn slices(&self) -> Vec<Slice> {
        let thresholds = AtSteps::new(&self.weights.thresholds);
        let stops = |track: &Track<'_>| {
            let seen = track.seen.as_ref();
            seen.is_some_and(|seen| seen.stop(&thresholds, 0.0).is_some())
        };
        // Interruptions, those stopped for, others, those stopped for.
        let mut counts: BTreeMap<String, [usize; 4]> = BTreeMap::new();
        for (track, is_interruption) in self.of_task(Task::Strict) {
            let first = if is_interruption { 0 } else { 2 };
            for name in names(track) {
                let count = counts.entry(name).or_default();
                count[first] += 1;
                count[first + 1] += usize::from(stops(track));
            }
        }
        let share = |part: usize, all: usize| (all > 0).then(|| part as f64 / all as f64);
        let slice = |(of, [positive, hits, negative, alarms]): (String, [usize; 4])| Slice {
            corpus: self.corpus.to_owned(),
            listening: self.listening.name(),
            of,
            interruptions: positive,
            others: negative,
            recall: share(hits, positive),
            false_stops: share(alarms, negative),
        };
        counts.into_iter().map(slice).collect()
    }

    pub(super) fn reliability(&self) -> Reliability {
        let mut bins = [(0_usize, 0.0, 0.0); 10];
        for (track, is_interruption) in self.of_task(Task::Strict) {
            let Some(seen) = &track.seen else { continue };
            let p = sigmoid(seen.log_odds[STEP]);
            let bin = &mut bins[((p * 10.0) as usize).min(9)];
            bin.0 += 1;
            bin.1 += p;
            bin.2 += f64::from(u8::from(is_interruption));
        }
        let bin = |(sounds, said, were): (usize, f64, f64)| Bin {
            sounds,
            said: said / sounds.max(1) as f64,
            were: were / sounds.max(1) as f64,
        };
        Reliability {
            corpus: self.corpus.to_owned(),
            listening: self.listening.name(),
            at_ms: time_of(STEP).as_millis() as u64,
            bins: bins.into_iter().map(bin).collect(),
        }
    }
}

/// The slices that a sound belongs to.
fn names(track: &Track<'_>) -> [String; 4] {
    let context = &track.overlap.context;
    let asks = match (context.sentence_is_question, context.sentence_done) {
        (true, true) => "asked",
        (true, false) => "asks",
        (false, _) => "tells",
    };
    let first = match track.overlap.tokens.first() {
        Some(token) if token.is_word() => match class(&token.text) {
            Class::BackChannel | Class::Agreement => token.text.clone(),
            class => format!("{class:?}").to_lowercase(),
        },
        _ => "no word".to_owned(),
    };
    let first = match first.as_str() {
        "yeah" | "okay" | "mm-hmm" | "mm" | "right" | "yes" | "yep" => format!("\"{first}\""),
        other if class(other) == Class::Agreement => "other agreement".to_owned(),
        other if class(other) == Class::BackChannel => "other back-channel".to_owned(),
        other => other.to_owned(),
    };
    let elapsed = match context.agent_elapsed_s {
        ..2.0 => "under 2 s",
        ..5.0 => "2 to 5 s",
        ..15.0 => "5 to 15 s",
        _ => "15 s and more",
    };
    [
        format!("label: {}", track.truth.label.name()),
        format!("the agent {asks}"),
        format!("first word: {first}"),
        format!("the agent has talked {elapsed}"),
    ]
}
