//! What is wrong with what was imported: found, counted and named.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Examples of a problem that are kept; the rest is counted.
const EXAMPLES_MAX: usize = 10;
/// A longer example is cut.
const EXAMPLE_CHARS_MAX: usize = 300;

/// A kind of problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Problem {
    /// A span ends before it begins, or an answer before its question.
    Negative,
    /// A time is off by a factor of a thousand or a million.
    Unit,
    /// A latency is so long that its unit must be another one.
    TooLong,
    /// Spans of one turn contradict each other, as clocks of two machines do.
    Clocks,
    /// Spans and attributes of one turn give two latencies.
    Disagree,
    /// Parts are longer together than the whole.
    MoreThanWhole,
    /// A turn has no end of speech, so no latency can be told.
    NoEndOfSpeech,
    /// A turn lacks the span of the agent's speech, and has its latency as an attribute.
    MissingSpan,
    /// A turn has no first audio of the agent.
    NoAnswer,
    /// One trace holds several conversations.
    Mixed,
    /// What the caller said was dropped by the platform.
    Dropped,
    /// The agent began without being asked: a greeting, or what follows an answer.
    Unasked,
    /// A record that could not be understood.
    Unreadable,
    /// The file ends in the middle.
    Cut,
}

impl Problem {
    /// The kind for people, of `count` cases.
    pub fn told(self, count: u64) -> String {
        let (one, many) = match self {
            Problem::Negative => (
                "span or turn ends before it begins",
                "spans or turns end before they begin",
            ),
            Problem::Unit => ("time in another unit", "times in another unit"),
            Problem::TooLong => (
                "latency of more than ten minutes, which was left out: is its unit right?",
                "latencies of more than ten minutes, which were left out: is their unit right?",
            ),
            Problem::Clocks => (
                "turn whose spans contradict each other; it is doubtful",
                "turns whose spans contradict each other; they are doubtful",
            ),
            Problem::Disagree => (
                "turn with two latencies, by its spans and by an attribute; the spans count",
                "turns with two latencies, by their spans and by an attribute; the spans count",
            ),
            Problem::MoreThanWhole => (
                "turn with parts longer than the whole",
                "turns with parts longer than the whole",
            ),
            Problem::NoEndOfSpeech => ("turn without a latency", "turns without a latency"),
            Problem::MissingSpan => (
                "turn without the span of the agent's speech; its latency is an attribute's",
                "turns without the span of the agent's speech; their latencies are attributes'",
            ),
            Problem::NoAnswer => (
                "turn without an answer that sounded",
                "turns without an answer that sounded",
            ),
            Problem::Mixed => (
                "trace with several conversations",
                "traces with several conversations",
            ),
            Problem::Dropped => (
                "utterance that the platform dropped",
                "utterances that the platform dropped",
            ),
            Problem::Unasked => (
                "speech of the agent that answers nothing",
                "speeches of the agent that answer nothing",
            ),
            Problem::Unreadable => (
                "record that could not be understood",
                "records that could not be understood",
            ),
            Problem::Cut => (
                "file that ends in the middle",
                "files that end in the middle",
            ),
        };
        match count {
            1 => format!("1 {one}"),
            _ => format!("{count} {many}"),
        }
    }
}

/// Problems by their kind.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Problems(BTreeMap<Problem, Cases>);

/// Cases of one kind of problem.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cases {
    /// How many there are.
    pub count: u64,
    /// The first of them, a line each.
    pub examples: Vec<String>,
}

impl Problems {
    pub(super) fn add(&mut self, problem: Problem, example: impl FnOnce() -> String) {
        let cases = self.0.entry(problem).or_default();
        cases.count += 1;
        if cases.examples.len() < EXAMPLES_MAX {
            let example = example();
            cases
                .examples
                .push(example.chars().take(EXAMPLE_CHARS_MAX).collect());
        }
    }

    pub(super) fn merge(&mut self, other: &Problems) {
        for (problem, cases) in &other.0 {
            let own = self.0.entry(*problem).or_default();
            own.count += cases.count;
            let room = EXAMPLES_MAX - own.examples.len();
            own.examples
                .extend(cases.examples.iter().take(room).cloned());
        }
    }

    /// Every kind that occurred, with its cases.
    pub fn iter(&self) -> impl Iterator<Item = (Problem, &Cases)> {
        self.0.iter().map(|(problem, cases)| (*problem, cases))
    }

    /// How many cases of one kind there are.
    pub fn count(&self, problem: Problem) -> u64 {
        self.0.get(&problem).map_or(0, |cases| cases.count)
    }
}
