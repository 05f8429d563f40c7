//! The slices of a turn's latency.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The slices of a turn's latency, in the order of its critical path. They lie end to end between
/// the true end of the caller's speech and the first audible sample of the reply, and add up to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hop {
    /// The caller's audio on its way to the ear.
    NetworkIn,
    /// Waiting for enough silence to be sure that the caller has finished.
    EndpointingWait,
    /// Speech to text, from the moment work begins to the final transcript.
    Transcription,
    /// Waiting for a busy engine: the sum of the waits before transcription, answer and synthesis.
    QueueWait,
    /// Time from the transcript to the first piece of the answer's text.
    Answer,
    /// Collecting pieces of text until there is a clause to speak.
    SentenceAggregation,
    /// Time from the first clause to the first audio of it.
    SpeechSynthesis,
    /// The inaudible head of the synthesised audio.
    LeadingSilence,
    /// The agent's audio on its way to the caller.
    NetworkOut,
    /// Time from audio in hand to sound at the speaker.
    OutputTransport,
    /// Speech to speech: one model in place of transcription to synthesis.
    ModelResponse,
    /// In imported traces alone: what the trace leaves unexplained between the end of speech and the first audio.
    Unattributed,
}

impl Hop {
    /// Every hop, in path order.
    pub const ALL: [Hop; 12] = [
        Hop::NetworkIn,
        Hop::EndpointingWait,
        Hop::Transcription,
        Hop::QueueWait,
        Hop::Answer,
        Hop::SentenceAggregation,
        Hop::SpeechSynthesis,
        Hop::LeadingSilence,
        Hop::NetworkOut,
        Hop::OutputTransport,
        Hop::ModelResponse,
        Hop::Unattributed,
    ];

    /// The name in events, files and reports.
    pub fn name(self) -> &'static str {
        match self {
            Hop::NetworkIn => "network_in",
            Hop::EndpointingWait => "endpointing_wait",
            Hop::Transcription => "transcription",
            Hop::QueueWait => "queue_wait",
            Hop::Answer => "answer",
            Hop::SentenceAggregation => "sentence_aggregation",
            Hop::SpeechSynthesis => "speech_synthesis",
            Hop::LeadingSilence => "leading_silence",
            Hop::NetworkOut => "network_out",
            Hop::OutputTransport => "output_transport",
            Hop::ModelResponse => "model_response",
            Hop::Unattributed => "unattributed",
        }
    }

    /// The hop called `name`; `None` if there is none.
    pub fn named(name: &str) -> Option<Hop> {
        Hop::ALL.into_iter().find(|hop| hop.name() == name)
    }
}

impl fmt::Display for Hop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
