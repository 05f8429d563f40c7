//! Spans that voicesim wrote itself: what comes back is what went out, to the nanosecond.

use super::conversation::{Call, CallTurn};
use super::spans::{Conversation, Span, Value};
use crate::event::{Expect, Hop, Metric, TracedMetric};

/// Spans of a turn's parts.
pub(crate) const HOP: &str = "voicesim.hop";
pub(crate) const TURN: &str = "voicesim.turn";

pub(super) fn is_kept(span: &Span) -> bool {
    span.get("voicesim.name").is_some() || span.get(TURN).is_some() || span.get(HOP).is_some()
}

pub(super) fn is_one(conversation: &Conversation) -> bool {
    let mut spans = conversation.spans.iter();
    spans.any(|span| span.get("voicesim.name").is_some())
}

pub(super) fn call(conversation: &Conversation) -> Call {
    let whole = conversation
        .spans
        .iter()
        .find(|span| span.get("voicesim.name").is_some());
    let origin = whole.map_or(0, |span| span.start_ns);
    let mut call = Call {
        name: conversation.name.clone(),
        platform: whole
            .and_then(|span| span.text(&["voicesim.platform"]))
            .unwrap_or_else(|| "voicesim".into()),
        start_ns: Some(origin),
        end_ns: whole.map(|span| span.end_ns),
        ..Call::default()
    };
    let inside = conversation.within(|span| span.get(TURN).is_some());
    let turns = conversation.spans.iter();
    let mut turns: Vec<&Span> = turns.filter(|span| span.get(TURN).is_some()).collect();
    turns.sort_by_key(|span| span.get(TURN).and_then(Value::whole));
    for span in turns {
        let hops = inside.get(&span.id).map_or(&[][..], Vec::as_slice);
        call.turns.push(turn(span, hops, origin));
    }
    call
}

fn turn(span: &Span, hops: &[&Span], origin: u64) -> CallTurn {
    // Ticks are whole nanoseconds since the conversation began.
    let at = |name: &str| {
        let tick = span.get(name)?.whole()?;
        origin.checked_add(tick)
    };
    let mut turn = CallTurn {
        caller_start: at("voicesim.caller_start_ns"),
        caller_end: at("voicesim.caller_end_ns"),
        agent_start: at("voicesim.agent_start_ns"),
        agent_end: at("voicesim.agent_end_ns"),
        heard: span.text(&["input.value"]).unwrap_or_default(),
        said: span.text(&["output.value"]).unwrap_or_default(),
        asks: span.text(&["voicesim.expect"]).and_then(|name| asks(&name)),
        outcome: span.text(&["voicesim.outcome"]).map(Into::into),
        reason: span.text(&["voicesim.reason"]).map(Into::into),
        is_interrupted: span.is_true(&["turn.was_interrupted"]),
        is_doubtful: span.get("voicesim.doubtful").is_some(),
        ..CallTurn::default()
    };
    for part in hops {
        let Some(hop) = part.text(&[HOP]).and_then(|name| Hop::named(&name)) else {
            continue;
        };
        // What is left over is found again.
        if hop != Hop::Unattributed {
            let length = part.end_ns.saturating_sub(part.start_ns);
            let told = part.get("voicesim.span_ns").and_then(Value::whole);
            let is_placed = !part.is_true(&["voicesim.unplaced"]);
            let start = is_placed.then_some(part.start_ns);
            turn.part(hop, start, told.unwrap_or(length));
        }
    }
    // `llm_ttft=250000000 tts_ttfb=…`
    let metrics = span.text(&["voicesim.metrics"]).unwrap_or_default();
    for pair in metrics.split_whitespace() {
        if let Some((name, value)) = pair.split_once('=')
            && let (Some(metric), Ok(span_ns)) = (Metric::named(name), value.parse())
        {
            turn.metrics.push(TracedMetric { metric, span_ns });
        }
    }
    turn
}

fn asks(name: &str) -> Option<Expect> {
    let all = [Expect::Respond, Expect::Stop, Expect::Ignore];
    all.into_iter().find(|asks| asks.name() == name)
}
