//! Visits of stages, as spans have them.

use super::{number, text, whole};
use crate::event::{Event, Mark, OutputNote, ReplyEnd, StageName, Tick, Tokens, VisitEnd, VisitId};
use opentelemetry_proto::tonic::common::v1::KeyValue;
use std::collections::BTreeMap;

/// One input handed to one stage.
#[derive(Debug, Clone)]
pub(super) struct Visit {
    pub number: u32,
    stage: StageName,
    pub start: Tick,
    pub end: Tick,
    first_output: Option<Tick>,
    pub has_failed: bool,
    was_cancelled: bool,
    tokens: Option<Tokens>,
    characters: u64,
}

/// The visits that events tell of, in the order of their numbers.
pub(super) fn visits(events: &[&Event]) -> Vec<Visit> {
    let mut all: BTreeMap<VisitId, Visit> = BTreeMap::new();
    for event in events {
        let now = event.tick;
        match &event.mark {
            Mark::Enter { stage, visit } => {
                let new = Visit {
                    number: visit.0,
                    stage: *stage,
                    start: now,
                    end: now,
                    first_output: None,
                    has_failed: false,
                    was_cancelled: false,
                    tokens: None,
                    characters: 0,
                };
                all.insert(*visit, new);
            }
            Mark::Output { visit, note, .. } => {
                if let Some(of) = all.get_mut(visit) {
                    if !matches!(note, OutputNote::Partial { .. }) {
                        of.first_output.get_or_insert(now);
                    }
                    if let OutputNote::Audio { characters, .. } = note {
                        of.characters += u64::from(*characters);
                    }
                    of.end = of.end.max(now);
                }
            }
            Mark::Exit {
                visit, end, cost, ..
            } => {
                if let Some(of) = all.get_mut(visit) {
                    of.end = now;
                    of.has_failed = matches!(end, VisitEnd::Failed(_));
                    of.was_cancelled = matches!(end, VisitEnd::Cancelled);
                    of.tokens = cost.as_ref().and_then(|cost| cost.tokens);
                }
            }
            _ => {}
        }
    }
    all.into_values().collect()
}

/// When the reply of a turn ended, and how.
pub(super) fn ended(events: &[&Event]) -> Option<(Tick, ReplyEnd)> {
    events.iter().rev().find_map(|event| match &event.mark {
        Mark::ReplyEnded { end, at, .. } => Some((*at, *end)),
        _ => None,
    })
}

impl Visit {
    /// The name that pipecat's spans have, where there is one.
    pub(super) fn name(&self) -> &'static str {
        match self.stage {
            StageName::SpeechToText => "stt",
            StageName::Answer => "llm",
            StageName::TextToSpeech => "tts",
            stage => stage.name(),
        }
    }

    pub(super) fn attributes(&self) -> Vec<KeyValue> {
        let mut all = vec![text("voicesim.stage", self.stage.name())];
        let operation = match self.stage {
            StageName::Answer => Some("chat"),
            StageName::TextToSpeech => Some("text_to_speech"),
            StageName::SpeechToText => Some("speech_to_text"),
            _ => None,
        };
        if let Some(operation) = operation {
            all.push(text("gen_ai.operation.name", operation));
        }
        if let Some(first) = self.first_output {
            let seconds = first.since(self.start).as_secs_f64();
            all.push(number("metrics.ttfb", seconds));
            if self.stage == StageName::Answer {
                all.push(number("gen_ai.response.time_to_first_chunk", seconds));
            }
        }
        if let Some(tokens) = self.tokens {
            all.push(whole("gen_ai.usage.output_tokens", tokens.written.into()));
            if let Some(read) = tokens.read {
                all.push(whole("gen_ai.usage.input_tokens", read.into()));
            }
        }
        if self.characters > 0 {
            all.push(whole("metrics.character_count", self.characters));
        }
        if self.was_cancelled {
            all.push(text("voicesim.end", "cancelled"));
        }
        all
    }
}
