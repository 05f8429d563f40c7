//! Spans of pipecat, its own and OpenInference's.
//!
//! A turn has the latency from the caller's silence to the agent's sound as a number, and no time at which either is: parts
//! of it have lengths, and no places between the two.

use super::conversation::{Call, CallTurn, SECONDS_MAX, nanos};
use super::problems::{Problem, Problems};
use super::spans::{Conversation, Span};
use crate::event::{Hop, Metric};

/// Spans of turns.
const TURNS: &[&str] = &["turn", "pipecat.conversation.turn"];
const LATENCY: &[&str] = &[
    "turn.user_bot_latency_seconds",
    "conversation.user_to_bot_latency",
    "conversation.user_to_bot_latency_seconds",
];
const TTFB: &[&str] = &[
    "metrics.ttfb",
    "service.ttfb_seconds",
    "gen_ai.response.time_to_first_chunk",
];

/// What a service does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Service {
    Recogniser,
    Model,
    Voice,
}

/// Whether a span says something of latency.
pub(super) fn is_kept(span: &Span) -> bool {
    span.name == "conversation" || TURNS.contains(&span.name.as_str()) || service(span).is_some()
}

pub(super) fn is_one(conversation: &Conversation) -> bool {
    let mut spans = conversation.spans.iter();
    spans.any(|span| TURNS.contains(&span.name.as_str()) && is_of_pipecat(span))
}

fn is_of_pipecat(span: &Span) -> bool {
    span.name != "turn"
        || span.get("turn.number").is_some()
        || span.get("turn.duration_seconds").is_some()
        || span.number(LATENCY).is_some()
}

/// Services by what they say that they do, else by the last word of their names.
fn service(span: &Span) -> Option<Service> {
    let told = span.text(&["service.type"]);
    let last = span.name.rsplit('.').next().unwrap_or_default();
    match told.as_deref().unwrap_or(last) {
        "stt" | "speech_to_text" => Some(Service::Recogniser),
        "llm" => Some(Service::Model),
        "tts" | "text_to_speech" => Some(Service::Voice),
        _ => None,
    }
}

pub(super) fn call(conversation: &Conversation, problems: &mut Problems) -> Call {
    let whole = conversation.named("conversation").next();
    let inside = conversation.within(|span| TURNS.contains(&span.name.as_str()));
    let mut call = Call {
        name: conversation.name.clone(),
        platform: "pipecat".into(),
        start_ns: whole.map(|span| span.start_ns),
        end_ns: whole.map(|span| span.end_ns).filter(|end| *end > 0),
        ..Call::default()
    };
    let is_turn = |span: &&Span| TURNS.contains(&span.name.as_str());
    for span in conversation.spans.iter().filter(is_turn) {
        let services = inside.get(&span.id).map_or(&[][..], Vec::as_slice);
        call.turns.push(turn(span, services, problems));
    }
    call
}

fn turn(span: &Span, services: &[&Span], problems: &mut Problems) -> CallTurn {
    let number = span.number(&["turn.number", "conversation.turn_number"]);
    let named = number.map_or_else(|| span.start_ns.to_string(), |number| number.to_string());
    let mut turn = CallTurn {
        is_interrupted: span.is_true(&["turn.was_interrupted", "conversation.was_interrupted"]),
        heard: span.text(&["input.value"]).unwrap_or_default(),
        said: span.text(&["output.value"]).unwrap_or_default(),
        ..CallTurn::default()
    };
    let latency = span.number(LATENCY);
    turn.total_ns = match latency {
        Some(seconds) if nanos(seconds).is_none() => {
            let problem = match seconds < 0.0 {
                true => Problem::Negative,
                false => Problem::TooLong,
            };
            problems.add(problem, || {
                format!(
                    "turn {named}: a latency of {seconds} in seconds (at most {SECONDS_MAX} are taken)"
                )
            });
            None
        }
        seconds => seconds.and_then(nanos),
    };
    let first = |of: Service| {
        let mut found = services.iter().filter(|it| service(it) == Some(of));
        found.find_map(|it| Some((*it, it.number(TTFB)?)))
    };
    let voice = first(Service::Voice);
    for (of, hop, metric) in [
        (Service::Recogniser, Hop::Transcription, None),
        (Service::Model, Hop::Answer, Some(Metric::LlmTtft)),
        (Service::Voice, Hop::SpeechSynthesis, Some(Metric::TtsTtfb)),
    ] {
        let Some((_, seconds)) = first(of) else {
            continue;
        };
        let Some(span_ns) = nanos(seconds) else {
            problems.add(Problem::TooLong, || {
                format!("turn {named}: {hop} of {seconds} in seconds")
            });
            continue;
        };
        turn.part(hop, None, span_ns);
        if let Some(metric) = metric {
            turn.metric(metric, Some(seconds));
        }
    }
    for service in services {
        let text = |of: Service, names: &[&str]| match self::service(service) == Some(of) {
            true => service.text(names).unwrap_or_default(),
            false => String::new(),
        };
        join(&mut turn.heard, &text(Service::Recogniser, &["transcript"]));
        join(&mut turn.said, &text(Service::Voice, &["text"]));
    }
    if turn.total_ns.is_none() {
        problems.add(Problem::NoEndOfSpeech, || {
            format!("turn {named} has no latency from the caller to the agent")
        });
        turn.is_answered = voice.is_some() && !turn.is_interrupted;
    }
    // The turn begins with the caller's speech. Where the answer began is known by the voice's first sound.
    turn.caller_start = Some(span.start_ns);
    if let (Some((voice, seconds)), Some(total)) = (voice, turn.total_ns) {
        let sounds = nanos(seconds).map(|first| voice.start_ns.saturating_add(first));
        turn.agent_start = sounds;
        turn.caller_end = sounds.and_then(|sounds| sounds.checked_sub(total));
        turn.agent_end = Some(span.end_ns).filter(|end| sounds.is_some_and(|at| *end > at));
    }
    if let (Some(start), Some(end)) = (turn.caller_start, turn.caller_end)
        && start > end
    {
        // The turn was opened after its own end of speech: its beginning is no speech of the caller.
        turn.caller_start = Some(end);
    }
    turn
}

/// Adds words to others.
pub(super) fn join(words: &mut String, more: &str) {
    if !more.is_empty() && words.len() < 10_000 {
        if !words.is_empty() {
            words.push(' ');
        }
        words.push_str(more);
    }
}
