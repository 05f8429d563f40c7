//! What makes a reply of what was heard.

use super::latency::{Latency, LatencyModel};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `topology` as it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TopologyName {
    /// An engine that answers in text, and one that speaks it: `[answer]`, `[clauses]`, `[tts]`.
    #[default]
    Cascade,
    /// One model that hears and speaks, which is only simulated: `[speech_to_speech]`.
    SpeechToSpeech,
}

/// `[speech_to_speech]` as it is written: a model in place of answer, clauses and voice. It hears the
/// utterance itself, so there is no waiting for a transcript either.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SpeechToSpeechTable {
    /// The time from the end of the utterance, as endpointing decides it, to the first sound.
    pub latency: LatencyModel,
}

/// What makes a reply of what was heard.
#[derive(Debug, Clone, PartialEq)]
pub enum Topology {
    /// An engine that answers in text, and one that speaks it.
    Cascade,
    /// One model that hears and speaks.
    SpeechToSpeech(SpeechToSpeech),
}

/// A simulated model that hears and speaks.
#[derive(Debug, Clone, PartialEq)]
pub struct SpeechToSpeech {
    /// The time from the end of the utterance, as endpointing decides it, to the first sound.
    pub latency: Latency,
    /// What the model says, of which only the length matters: the text of `[answer]`.
    pub text: Option<String>,
}

impl Default for SpeechToSpeechTable {
    fn default() -> SpeechToSpeechTable {
        SpeechToSpeechTable {
            latency: LatencyModel::FixedMs(800.0),
        }
    }
}
