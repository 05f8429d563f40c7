//! Spans of a trace, one after the other, whatever file they come from.

mod conversations;
mod json;
mod protobuf;
mod value;

pub(super) use conversations::{Conversation, conversations};
pub(super) use value::Value;

use super::TraceError;
use super::problems::{Problem, Problems};
use std::collections::BTreeMap;
use std::io::Read;

/// More spans than this are not kept: a trace of them takes about a gigabyte of memory.
const SPANS_MAX: usize = 4_000_000;
/// Names of spans that say nothing of latency are counted up to so many.
const NAMES_MAX: usize = 200;
/// A longer text of an attribute is cut here.
const TEXT_BYTES_MAX: usize = 4_096;

/// What is kept of one span.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Span {
    pub trace: u128,
    pub id: u64,
    /// Zero if it has none.
    pub parent: u64,
    pub name: String,
    /// Nanoseconds since 1970.
    pub start_ns: u64,
    pub end_ns: u64,
    /// The attributes that [`ATTRIBUTES`] names, by name.
    pub attributes: Vec<(&'static str, Value)>,
    pub has_failed: bool,
}

impl Span {
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        let found = self.attributes.iter().find(|(own, _)| *own == name);
        found.map(|(_, value)| value)
    }

    /// The first of these attributes that is a number.
    pub(super) fn number(&self, names: &[&str]) -> Option<f64> {
        names.iter().find_map(|name| self.get(name)?.number())
    }

    pub(super) fn text(&self, names: &[&str]) -> Option<String> {
        names.iter().find_map(|name| self.get(name)?.text())
    }

    pub(super) fn is_true(&self, names: &[&str]) -> bool {
        names
            .iter()
            .any(|name| matches!(self.get(name), Some(Value::Flag(true))))
    }

    /// Keeps an attribute if it says anything of latency.
    fn keep(&mut self, name: &str, value: Value) {
        let Some(own) = ATTRIBUTES.iter().find(|own| **own == name) else {
            return;
        };
        if self.get(own).is_none() {
            self.attributes.push((own, value.cut(TEXT_BYTES_MAX)));
        }
    }
}

/// The attributes that are kept: those of LiveKit, pipecat, OpenInference, the GenAI conventions, and ours.
pub(super) const ATTRIBUTES: &[&str] = &[
    "lk.e2e_latency",
    "lk.end_of_turn_delay",
    "lk.transcription_delay",
    "lk.on_user_turn_completed_delay",
    "lk.interrupted",
    "lk.speech.queue_wait",
    "lk.response.ttft",
    "lk.response.ttfb",
    "lk.eou.outcome",
    "lk.eou.wait_duration",
    "lk.pii.user_transcript",
    "lk.user_transcript",
    "lk.pii.response.text",
    "lk.response.text",
    "turn.number",
    "turn.duration_seconds",
    "turn.was_interrupted",
    "turn.user_bot_latency_seconds",
    "conversation.id",
    "conversation.was_interrupted",
    "conversation.user_to_bot_latency",
    "conversation.user_to_bot_latency_seconds",
    "conversation.turn_number",
    "metrics.ttfb",
    "transcript",
    "text",
    "service.ttfb_seconds",
    "service.type",
    "session.id",
    "input.value",
    "output.value",
    "gen_ai.conversation.id",
    "gen_ai.response.time_to_first_chunk",
    "gen_ai.response.time_to_first_token",
    "gen_ai.server.time_to_first_token",
    "gen_ai.client.time_to_first_token",
    "llm.time_to_first_token",
    "voicesim.name",
    "voicesim.turn",
    "voicesim.hop",
    "voicesim.outcome",
    "voicesim.reason",
    "voicesim.expect",
    "voicesim.doubtful",
    "voicesim.caller_start_ns",
    "voicesim.caller_end_ns",
    "voicesim.agent_start_ns",
    "voicesim.agent_end_ns",
    "voicesim.span_ns",
    "voicesim.platform",
    "voicesim.metrics",
    "voicesim.unplaced",
];

/// The spans of a file, and what was wrong with them.
#[derive(Debug, Default)]
pub(super) struct Spans {
    pub kept: Vec<Span>,
    /// How many spans of each name were passed over, since they say nothing of latency.
    pub passed_over: BTreeMap<String, u64>,
    pub problems: Problems,
}

impl Spans {
    /// Takes a span in, or counts it among those that say nothing of latency.
    fn take(&mut self, mut span: Span, is_kept: &dyn Fn(&Span) -> bool) -> Result<(), TraceError> {
        self.mend_times(&mut span);
        if !is_kept(&span) {
            let is_known = self.passed_over.contains_key(&span.name);
            let name = match is_known || self.passed_over.len() < NAMES_MAX {
                true => span.name,
                false => "(others)".to_owned(),
            };
            *self.passed_over.entry(name).or_default() += 1;
            return Ok(());
        }
        if self.kept.len() >= SPANS_MAX {
            return Err(TraceError::TooMany { max: SPANS_MAX });
        }
        self.kept.push(span);
        Ok(())
    }

    /// Times that are microseconds or milliseconds where nanoseconds are asked for are read as what they must be, and
    /// counted: a trace of 1970 is none.
    fn mend_times(&mut self, span: &mut Span) {
        for time in [&mut span.start_ns, &mut span.end_ns] {
            let factor = match *time {
                1_000_000_000..10_000_000_000 => 1_000_000_000,
                1_000_000_000_000..10_000_000_000_000 => 1_000_000,
                1_000_000_000_000_000..10_000_000_000_000_000 => 1_000,
                _ => continue,
            };
            *time = time.saturating_mul(factor);
            let name = span.name.clone();
            self.problems.add(Problem::Unit, || {
                format!("span {name}: its times are no nanoseconds by a factor of {factor}, and were read with it")
            });
        }
        if span.end_ns < span.start_ns && span.end_ns > 0 {
            let (name, by) = (span.name.clone(), span.start_ns - span.end_ns);
            self.problems.add(Problem::Negative, || {
                format!(
                    "span {name} ends {:.1} ms before it begins",
                    by as f64 / 1e6
                )
            });
        }
    }
}

/// Reads spans as JSON: OTLP, Jaeger, Tempo, Phoenix, Langfuse, or what an exporter printed, as one document or one a line.
///
/// # Errors
/// Fails if it is no JSON, or a span of it is longer than 16 MiB.
pub(super) fn from_json(
    input: impl Read,
    is_kept: &dyn Fn(&Span) -> bool,
) -> Result<Spans, TraceError> {
    json::read(input, is_kept)
}

/// Reads spans as OTLP's protobuf: one message, or many of which each has its length before it.
///
/// # Errors
/// Fails if it is none.
pub(super) fn from_protobuf(
    input: impl Read,
    is_kept: &dyn Fn(&Span) -> bool,
) -> Result<Spans, TraceError> {
    protobuf::read(input, is_kept)
}
