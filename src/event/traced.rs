//! What a trace of another agent tells of one turn.

use super::{Hop, Metric, Tick};
use serde::{Deserialize, Serialize};

/// What a trace of another agent tells of one turn, as it tells it: parts need not add up to the whole.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traced {
    /// Parts of the way from the end of speech to the first audio; none if the trace has only the whole.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub spans: Vec<TracedSpan>,
    /// Latencies that the trace gives by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub metrics: Vec<TracedMetric>,
    /// How the turn came out, by the name that reports have for it; `None` if the trace does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Box<str>>,
    /// Why the turn was not answered, by the name that reports have for it, if the trace tells the outcome.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Box<str>>,
}

/// A part of a turn's latency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TracedSpan {
    /// The hop that the trace's own name stands for.
    pub hop: Hop,
    /// When it begins; `None` if the trace has its length alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<Tick>,
    /// Its length in nanoseconds.
    pub span_ns: u64,
}

/// A latency that the trace gives by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TracedMetric {
    /// The metric that the trace's own name stands for.
    pub metric: Metric,
    /// Nanoseconds of it.
    pub span_ns: u64,
}
