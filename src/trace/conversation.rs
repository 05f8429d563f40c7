//! A conversation as a trace tells it, whoever wrote the trace.

use crate::event::{Expect, Hop, Metric, TracedMetric};
use serde::{Deserialize, Serialize};

/// A conversation that was imported. Times are nanoseconds since 1970.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Call {
    pub name: String,
    pub platform: String,
    /// When it began, if the trace says so; else it begins with what comes first.
    pub start_ns: Option<u64>,
    pub end_ns: Option<u64>,
    pub turns: Vec<CallTurn>,
    /// Speech of the agent that answers nothing: a greeting.
    pub unasked: Vec<AgentSpeech>,
    pub pauses: Vec<Pause>,
}

/// One utterance of the caller, and the answer.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct CallTurn {
    pub caller_start: Option<u64>,
    pub caller_end: Option<u64>,
    /// When the platform took the caller to have finished.
    pub committed: Option<u64>,
    pub agent_start: Option<u64>,
    pub agent_end: Option<u64>,
    /// The latency, where the trace has it and not both of its ends.
    pub total_ns: Option<u64>,
    pub parts: Vec<Part>,
    pub metrics: Vec<TracedMetric>,
    /// What the utterance asks for; `None` for an answer.
    pub asks: Option<Expect>,
    pub heard: String,
    pub said: String,
    /// How the turn came out and why it was not answered, by the names of reports, where the trace says so.
    pub outcome: Option<Box<str>>,
    pub reason: Option<Box<str>>,
    /// Whether the agent was stopped by the caller.
    pub is_interrupted: bool,
    /// Whether an answer sounded, though nobody says when.
    pub is_answered: bool,
    /// Whether what the trace says of the turn contradicts itself.
    pub is_doubtful: bool,
}

/// A part of a turn's latency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Part {
    pub hop: Hop,
    pub start_ns: Option<u64>,
    pub span_ns: u64,
}

/// Speech of the agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct AgentSpeech {
    pub start: u64,
    pub end: u64,
}

/// A pause of the caller that the platform waited in, and what came of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pause {
    /// Milliseconds of the pause: until the turn was decided, or until the caller went on.
    pub pause_ms: f64,
    /// How it ended: `committed`, `user_resumed` or `dropped`.
    pub outcome: String,
}

impl CallTurn {
    pub(super) fn metric(&mut self, metric: Metric, seconds: Option<f64>) {
        if let Some(span_ns) = seconds.and_then(nanos) {
            self.metrics.push(TracedMetric { metric, span_ns });
        }
    }

    pub(super) fn part(&mut self, hop: Hop, start_ns: Option<u64>, span_ns: u64) {
        self.parts.push(Part {
            hop,
            start_ns,
            span_ns,
        });
    }

    /// Whether the agent is known to have answered.
    pub(super) fn has_answer(&self) -> bool {
        self.is_answered || self.agent_start.is_some() || self.total_ns.is_some()
    }

    /// The latency: by the two ends, or as the trace has it.
    pub(super) fn whole_ns(&self) -> Option<u64> {
        match (self.caller_end, self.agent_start) {
            (Some(end), Some(start)) => start.checked_sub(end),
            _ => self.total_ns,
        }
    }
}

/// Longer latencies are none: their unit is another one.
pub(super) const SECONDS_MAX: f64 = 600.0;

/// Whole nanoseconds of a latency in seconds; `None` if it is negative or longer than ten minutes.
pub(super) fn nanos(seconds: f64) -> Option<u64> {
    (0.0..=SECONDS_MAX)
        .contains(&seconds)
        .then(|| (seconds * 1e9).round() as u64)
}
