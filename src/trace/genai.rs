//! Spans of the GenAI conventions alone: what a language model took, without a word of the voice around it.

use super::conversation::{Call, CallTurn, nanos};
use super::problems::{Problem, Problems};
use super::spans::{Conversation, Span};
use crate::event::{Hop, Metric};

/// The time to the first piece of an answer, by its names over the years, in seconds.
const TTFT: &[&str] = &[
    "gen_ai.response.time_to_first_chunk",
    "gen_ai.response.time_to_first_token",
    "gen_ai.server.time_to_first_token",
    "gen_ai.client.time_to_first_token",
    "llm.time_to_first_token",
];

/// Whether a span says something of latency.
pub(super) fn is_kept(span: &Span) -> bool {
    span.number(TTFT).is_some()
}

pub(super) fn is_one(conversation: &Conversation) -> bool {
    conversation.spans.iter().any(is_kept)
}

pub(super) fn call(conversation: &Conversation, problems: &mut Problems) -> Call {
    let mut call = Call {
        name: conversation.name.clone(),
        platform: "gen_ai".into(),
        ..Call::default()
    };
    for span in conversation.spans.iter().filter(|span| is_kept(span)) {
        let seconds = span.number(TTFT);
        let Some(first) = seconds.and_then(nanos) else {
            problems.add(Problem::TooLong, || {
                format!("span {}: a first piece after {seconds:?} s", span.name)
            });
            continue;
        };
        let mut turn = CallTurn {
            is_answered: !span.has_failed,
            caller_start: None,
            ..CallTurn::default()
        };
        turn.part(Hop::Answer, Some(span.start_ns), first);
        turn.metric(Metric::LlmTtft, seconds);
        problems.add(Problem::NoEndOfSpeech, || {
            format!(
                "span {} tells of a model alone, and of no speech",
                span.name
            )
        });
        call.turns.push(turn);
    }
    call
}
