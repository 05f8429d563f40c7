//! What happened as spans of OpenTelemetry: a span for each conversation, turn, hop and visit of a stage.
//!
//! Names and attributes are those that people's dashboards know (pipecat's `turn.…`, the GenAI conventions, LiveKit's
//! `lk.e2e_latency`), and beside them ours, from which `voicesim import` makes the same turns and hops again, to the
//! nanosecond.

mod visits;
mod wire;

pub use wire::{json_line, protobuf};

use super::ExportError;
use super::perfetto::{CONVERSATIONS_MAX, Written};
use crate::event::{Event, Hop, ReplyEnd, Tick, TurnId};
use crate::measure::folder::{Folder, Results};
use crate::measure::{Outcome, Plan, Row, rows, turns_by_row};
use crate::record::store::Header;
use crate::report::calls::folder_name;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::trace::v1::{Span, Status};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::ops::Range;

/// A text of an attribute is no longer.
const TEXT_CHARS_MAX: usize = 2_000;

/// A conversation whose spans are made.
#[derive(Debug, Clone)]
pub struct SpansOf {
    trace_id: Vec<u8>,
    name: String,
    platform: String,
    /// When its tick zero was, in nanoseconds since 1970.
    origin_ns: u64,
}

/// Tells the spans of each conversation of a folder, one conversation after the other; of a simulation those of the first
/// whose events were kept.
///
/// # Errors
/// Fails if the events cannot be read or none were kept, or what is told fails.
pub fn conversations(
    folder: &Folder,
    mut told: impl FnMut(Vec<Span>) -> Result<(), ExportError>,
) -> Result<Written, ExportError> {
    let is_one = matches!(folder, Folder::One(_));
    let mut written = Written::default();
    for kept in folder.all() {
        let name = match is_one {
            true => kept.header().name.clone(),
            false => folder_name(kept.path()),
        };
        match kept {
            Results::Run(run) => {
                let of = SpansOf::new(&run.header, name);
                told(of.all(&run.events()?, &run.plan()))?;
                written.conversations += 1;
            }
            Results::Simulation(simulation) => {
                let all = simulation.conversations(CONVERSATIONS_MAX)?;
                if all.is_empty() {
                    let path = simulation.path.clone();
                    return Err(ExportError::Nothing { path });
                }
                let shown = all.len() as u64;
                written.conversations += shown;
                written.left_out += simulation.totals.conversations.saturating_sub(shown);
                for events in all {
                    let number = events.first().map_or(0, |event| event.session.0);
                    let name = format!("{name}-{number}");
                    let of = SpansOf::new(&simulation.header, name);
                    told(of.all(&events, &simulation.plan()))?;
                }
            }
        }
    }
    Ok(written)
}

impl SpansOf {
    /// A conversation with the header of its run.
    pub fn new(header: &Header, name: String) -> SpansOf {
        let began: Option<jiff::Timestamp> = header.started.parse().ok();
        let origin = began.and_then(|began| u64::try_from(began.as_nanosecond()).ok());
        let mut digest = Sha256::new();
        digest.update(&name);
        digest.update([0]);
        digest.update(&header.started);
        let platform = header.engines.get("platform");
        SpansOf {
            trace_id: digest.finalize()[..16].to_vec(),
            name,
            platform: platform.cloned().unwrap_or_else(|| "voicesim".into()),
            origin_ns: origin.unwrap_or_default(),
        }
    }

    /// All spans of the conversation.
    pub fn all(&self, events: &[Event], plan: &Plan) -> Vec<Span> {
        let rows = rows(events, plan);
        let mut spans = vec![self.whole(events.last().map_or(Tick::ZERO, |last| last.tick))];
        spans.extend(self.turns(&rows, 0..rows.len(), events, plan));
        spans
    }

    /// The span of the whole conversation, which ends at `end`.
    pub fn whole(&self, end: Tick) -> Span {
        let mut span = self.span("conversation", "conversation", None, [Tick::ZERO, end]);
        span.attributes = vec![
            text("voicesim.name", &self.name),
            text("voicesim.platform", &self.platform),
            text("conversation.id", &self.name),
            text("conversation.type", "voice"),
            text("gen_ai.conversation.id", &self.name),
        ];
        span
    }

    /// The spans of the rows `wanted` of a conversation: of each itself, its hops, and the visits of stages in it.
    pub fn turns(
        &self,
        rows: &[Row],
        wanted: Range<usize>,
        events: &[Event],
        plan: &Plan,
    ) -> Vec<Span> {
        let mut by_turn: HashMap<TurnId, Vec<&Event>> = HashMap::new();
        for event in events {
            by_turn.entry(event.turn).or_default().push(event);
        }
        let utterances = turns_by_row(events, plan);
        let last = events.last().map_or(Tick::ZERO, |last| last.tick);
        let mut spans = Vec::new();
        for (row, turns) in rows
            .iter()
            .zip(&utterances)
            .take(wanted.end)
            .skip(wanted.start)
        {
            let of_row = turns.iter().filter_map(|turn| by_turn.get(turn));
            let mut of_row: Vec<&Event> = of_row.flatten().copied().collect();
            of_row.sort_by_key(|event| event.tick);
            spans.extend(self.turn(row, &of_row, last));
        }
        spans
    }

    /// The spans of a turn with these events. One that was never asked lies at the end of the conversation, `last`.
    fn turn(&self, row: &Row, events: &[&Event], last: Tick) -> Vec<Span> {
        let visits = visits::visits(events);
        let ended = visits::ended(events);
        let began = row.began.or(row.caller_end).or(row.agent_start);
        let began = began.unwrap_or(last);
        let id = format!("turn {}", row.number);
        let ends = [row.caller_end, row.agent_start, ended.map(|(at, _)| at)];
        let end = ends.into_iter().flatten().max().unwrap_or(began);
        let parent = self.id("conversation");
        let mut span = self.span("turn", &id, Some(parent), [began, end]);
        span.attributes = self.about(row, ended);
        if matches!(row.outcome, Outcome::Failed) {
            span.status = Some(failed());
        }
        let mut all = vec![span];
        all.extend(self.hops(row, &id));
        for visit in visits {
            let own = format!("{id} visit {}", visit.number);
            let mut span = self.span(
                visit.name(),
                &own,
                Some(self.id(&id)),
                [visit.start, visit.end],
            );
            span.attributes = visit.attributes();
            if visit.has_failed {
                span.status = Some(failed());
            }
            all.push(span);
        }
        all
    }

    fn about(&self, row: &Row, ended: Option<(Tick, ReplyEnd)>) -> Vec<KeyValue> {
        let mut about = vec![
            whole("voicesim.turn", row.number.into()),
            whole("turn.number", row.number.into()),
            text("voicesim.outcome", row.outcome.name()),
            flag(
                "turn.was_interrupted",
                ended.is_some_and(|(_, end)| end == ReplyEnd::Stopped),
            ),
        ];
        if let Some(reason) = row.unanswered {
            about.push(text("voicesim.reason", reason.name()));
        }
        if let Some(expect) = row.expect {
            about.push(text("voicesim.expect", expect.name()));
        }
        let ticks = [
            ("voicesim.caller_start_ns", row.began),
            ("voicesim.caller_end_ns", row.caller_end),
            ("voicesim.agent_start_ns", row.agent_start),
            ("voicesim.agent_end_ns", ended.map(|(at, _)| at)),
        ];
        about.extend(
            ticks
                .into_iter()
                .filter_map(|(name, at)| Some(whole(name, at?.0))),
        );
        if let Some(e2e_ns) = row.e2e_ns {
            let seconds = e2e_ns as f64 / 1e9;
            about.push(whole("voicesim.e2e_ns", e2e_ns));
            about.push(number("turn.user_bot_latency_seconds", seconds));
            about.push(number("lk.e2e_latency", seconds));
        }
        let metrics: Vec<String> = row
            .metrics
            .iter()
            .map(|(metric, span)| format!("{metric}={span}"))
            .collect();
        if !metrics.is_empty() {
            about.push(text("voicesim.metrics", &metrics.join(" ")));
        }
        for (metric, span) in &row.metrics {
            about.push(whole(&format!("voicesim.metric.{metric}_ns"), *span));
        }
        if let Some(doubt) = row.doubtful {
            about.push(text("voicesim.doubtful", doubt.name()));
        }
        if !row.heard.is_empty() {
            about.push(text("input.value", &row.heard));
        }
        if !row.said.is_empty() {
            about.push(text("output.value", &row.said));
        }
        about
    }

    /// The hops of a turn, where they lie; where nobody knows that, from its end of speech on.
    fn hops(&self, row: &Row, turn: &str) -> Vec<Span> {
        let hop = |place: usize, hop: Hop, [start, end]: [Tick; 2]| {
            let id = format!("{turn} hop {place}");
            let mut span = self.span(hop.name(), &id, Some(self.id(turn)), [start, end]);
            span.attributes = vec![
                text("voicesim.hop", hop.name()),
                whole("voicesim.span_ns", end.0.saturating_sub(start.0)),
            ];
            span
        };
        if row.slices.is_empty() {
            let from = row.caller_end.or(row.agent_start).unwrap_or_default();
            let lengths = row.hops.iter().enumerate();
            let spans = lengths.map(|(place, (name, span_ns))| {
                let mut span = hop(place, name, [from, Tick(from.0.saturating_add(span_ns))]);
                span.attributes.push(flag("voicesim.unplaced", true));
                span
            });
            return spans.collect();
        }
        let slices = row.slices.iter().enumerate();
        slices
            .map(|(place, slice)| hop(place, slice.hop, [slice.start, slice.end]))
            .collect()
    }

    /// The id of a span: the same for the same conversation, so that a second export does not double it.
    fn id(&self, of: &str) -> Vec<u8> {
        let mut digest = Sha256::new();
        digest.update(&self.trace_id);
        digest.update(of);
        digest.finalize()[..8].to_vec()
    }

    fn span(&self, name: &str, id: &str, parent: Option<Vec<u8>>, at: [Tick; 2]) -> Span {
        let [start, end] = at.map(|tick| self.origin_ns.saturating_add(tick.0));
        Span {
            trace_id: self.trace_id.clone(),
            span_id: self.id(id),
            parent_span_id: parent.unwrap_or_default(),
            name: name.to_owned(),
            kind: 1,
            start_time_unix_nano: start,
            end_time_unix_nano: end,
            ..Span::default()
        }
    }
}

fn failed() -> Status {
    Status {
        code: 2,
        ..Status::default()
    }
}

fn pair(key: &str, value: any_value::Value) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    }
}

fn text(key: &str, value: &str) -> KeyValue {
    let value = value.chars().take(TEXT_CHARS_MAX).collect();
    pair(key, any_value::Value::StringValue(value))
}

fn whole(key: &str, value: u64) -> KeyValue {
    let value = i64::try_from(value).unwrap_or(i64::MAX);
    pair(key, any_value::Value::IntValue(value))
}

fn number(key: &str, value: f64) -> KeyValue {
    pair(key, any_value::Value::DoubleValue(value))
}

fn flag(key: &str, value: bool) -> KeyValue {
    pair(key, any_value::Value::BoolValue(value))
}
