//! What makes a reply of what was heard.

use super::engine::{RealtimeModel, TurnDetection};
use super::latency::{Latency, LatencyModel};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// `topology` as it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TopologyName {
    /// An engine that answers in text, and one that speaks it: `[answer]`, `[clauses]`, `[tts]`.
    #[default]
    Cascade,
    /// One model that hears and speaks: `[speech_to_speech]`.
    SpeechToSpeech,
}

/// `[speech_to_speech]` as it is written: a model in place of recogniser, answer, clauses and voice. It hears the
/// utterance itself, so there is no waiting for a transcript either.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SpeechToSpeechTable {
    /// `realtime`, on a server that speaks OpenAI's Realtime API, or `simulated`.
    #[schemars(extend("enum" = super::engine::REALTIME_NAMES))]
    #[serde(skip_serializing_if = "is_simulated")]
    pub engine: String,
    /// `simulated`: the time from the end of the utterance, as endpointing decides it, to the first sound.
    pub latency: LatencyModel,
    /// `realtime`: the address of the server, `ws://` or `wss://`; OpenAI's own unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// `realtime`: the model's name on that server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// `realtime`: a voice of the model; the server's own unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub voice: Option<String>,
    /// `realtime`: what the model is told to be, up to 8,000 characters; nothing unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instructions: Option<String>,
    /// `realtime`: who finds the end of the caller's turns: `ours`, which is `[endpointing]`, or `server`.
    #[serde(skip_serializing_if = "TurnDetection::is_usual")]
    pub turn_detection: TurnDetection,
    /// `realtime`: the model of the server that writes down what the caller said; nobody does unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transcription: Option<String>,
    /// `realtime`: the environment variable that holds the key. OPENAI_API_KEY for OpenAI's own server; none is sent to
    /// others unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_env: Option<String>,
    /// `realtime`: headers that go along with the call, by their names: the environment variable that holds each one's
    /// value.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// `realtime`: keys that go into the session that the server is asked for, besides those that are sent anyway, or in
    /// their place.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub body: Map<String, Value>,
    /// `realtime`: the longest time from the end of the caller's turn to the first sound in milliseconds, 1 to 600,000;
    /// 10,000 unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_sound_timeout_ms: Option<u64>,
    /// `realtime`: the longest time from one piece of sound to the next in milliseconds, 1 to 600,000; 5,000 unless
    /// given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub between_sounds_timeout_ms: Option<u64>,
    /// `realtime`: the longest time from the end of the caller's turn to the end of the response in milliseconds, 1 to
    /// 600,000; 60,000 unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
    /// `realtime`: how often a response that failed before its first sound is asked for once more, on a new connection
    /// if the old one is gone; up to 5.
    #[serde(skip_serializing_if = "is_zero")]
    pub retries: u32,
}

fn is_simulated(engine: &str) -> bool {
    engine == SIMULATED
}

fn is_zero(count: &u32) -> bool {
    *count == 0
}

/// What the engine is called that only takes its time.
const SIMULATED: &str = "simulated";

/// What makes a reply of what was heard.
#[derive(Debug, Clone, PartialEq)]
pub enum Topology {
    /// An engine that answers in text, and one that speaks it.
    Cascade,
    /// One model that hears and speaks.
    SpeechToSpeech(SpeechToSpeech),
}

impl Topology {
    /// The model on a server that hears and speaks, if there is one.
    pub fn realtime(&self) -> Option<&RealtimeModel> {
        match self {
            Topology::SpeechToSpeech(SpeechToSpeech::Realtime(model)) => Some(model),
            Topology::SpeechToSpeech(SpeechToSpeech::Simulated(_)) | Topology::Cascade => None,
        }
    }

    /// Whether a server finds the end of the caller's turns.
    pub fn server_ends_turns(&self) -> bool {
        let model = self.realtime();
        model.is_some_and(|model| model.turn_detection == TurnDetection::Server)
    }
}

/// A model that hears and speaks.
#[derive(Debug, Clone, PartialEq)]
pub enum SpeechToSpeech {
    /// A model on a server.
    Realtime(Box<RealtimeModel>),
    /// A simulated model, which takes its time and makes no sound.
    Simulated(SimulatedModel),
}

/// A simulated model that hears and speaks.
#[derive(Debug, Clone, PartialEq)]
pub struct SimulatedModel {
    /// The time from the end of the utterance, as endpointing decides it, to the first sound.
    pub latency: Latency,
    /// What the model says, of which only the length matters: the text of `[answer]`.
    pub text: Option<String>,
}

impl Default for SpeechToSpeechTable {
    fn default() -> SpeechToSpeechTable {
        SpeechToSpeechTable {
            engine: SIMULATED.into(),
            latency: LatencyModel::FixedMs(800.0),
            url: None,
            model: None,
            voice: None,
            instructions: None,
            turn_detection: TurnDetection::default(),
            transcription: None,
            key_env: None,
            headers: BTreeMap::new(),
            body: Map::new(),
            first_sound_timeout_ms: None,
            between_sounds_timeout_ms: None,
            timeout_ms: None,
            retries: 0,
        }
    }
}
