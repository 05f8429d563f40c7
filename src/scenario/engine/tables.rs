//! The tables `[stt]`, `[answer]` and `[tts]` as they are written.
//!
//! The keys of the engine `openai` are about a server that speaks OpenAI's API. No key holds a secret:
//! `key_env` only names where it is, and so does a header.

use super::{Compute, ServerKind};
use crate::scenario::latency::LatencyModel;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// `[stt]` as it is written: which engine recognises what the caller says, and how.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SpeechToTextTable {
    /// `whisper`, `openai`, `command` or `simulated`.
    #[schemars(extend("enum" = super::recogniser::NAMES))]
    pub engine: String,
    /// Whisper: a model's name in the catalogue, or a ggml file. `openai`: its name on the server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// `command`: the program and its arguments.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<Vec<String>>,
    /// `simulated`: the time from the end of the utterance to its transcript.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency: Option<LatencyModel>,
    /// `simulated`: computes on the scenario's cores, as in `{ threads = 2, serial = 0.4 }`; elsewhere unless given, so
    /// that `cores` makes no difference to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compute: Option<Compute>,
    /// `openai`: the address of a server, as far as what comes before `/audio/transcriptions`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// `openai`: the environment variable that holds the key; none is sent unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_env: Option<String>,
    /// `whisper`, `openai`: the language that is spoken, as ISO 639-1 has it ("de"). Unless given, Whisper takes it for
    /// English, and a server finds out. Whisper needs a model of many languages for any but English.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// `openai`, `command`: the longest time from the request to the transcript in milliseconds, 1 to 600,000;
    /// 30,000 unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
    /// `openai`: which program serves: `ollama`, `llama.cpp`, `vllm` or `openai`. It tells where the server is and what
    /// it wants, as far as the other keys do not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server: Option<ServerKind>,
    /// `openai`: headers that go along with a request, by their names: the environment variable that holds each one's
    /// value.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// `openai`: keys that go into a request besides those that are sent anyway, or in their place. `false` leaves one
    /// of those out.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub body: Map<String, Value>,
}

impl Default for SpeechToTextTable {
    fn default() -> SpeechToTextTable {
        SpeechToTextTable {
            engine: "whisper".into(),
            model: None,
            command: None,
            latency: None,
            compute: None,
            url: None,
            key_env: None,
            language: None,
            timeout_ms: None,
            server: None,
            headers: BTreeMap::new(),
            body: Map::new(),
        }
    }
}

/// `[answer]` as it is written: which engine answers, and how.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AnswerTable {
    /// `retrieval`, `openai`, `command` or `simulated`.
    #[schemars(extend("enum" = super::answerer::NAMES))]
    pub engine: String,
    /// `retrieval`, and `openai` with `passages`: a folder of Markdown or text, looked up from the
    /// scenario's folder. The built-in knowledge unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub docs: Option<PathBuf>,
    /// `retrieval`, and `openai` with `passages`: an index folder that `voicesim index build` made, in place
    /// of `docs`; looked up from the scenario's folder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index: Option<PathBuf>,
    /// `command`: the program and its arguments.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<Vec<String>>,
    /// `simulated`: the time from the question to the first piece.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency: Option<LatencyModel>,
    /// `simulated`: computes on the scenario's cores, as in `{ threads = 2, serial = 0.4 }`; elsewhere unless given, so
    /// that `cores` makes no difference to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compute: Option<Compute>,
    /// `simulated`: what is answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// `simulated`: answers of which each question is given one at random, in place of `text`; up to 1,000.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub texts: Vec<String>,
    /// `simulated`: milliseconds that each further token takes, at most 10,000.
    pub token_ms: f64,
    /// `simulated`, `openai`, `command`: how many answers are made at once, of which the majority's is given:
    /// an odd number up to 99. The vote is over when it can no longer change.
    pub best_of: u32,
    /// `simulated`: the share of single answers that are right, in 0..=1.
    pub accuracy: f64,
    /// `openai`: the address of a server, as far as what comes before `/chat/completions`: for example
    /// `http://localhost:11434/v1`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// `openai`: the model's name on that server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// `openai`: the environment variable that holds the key; none is sent unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_env: Option<String>,
    /// `openai`: how the model is asked; `chat` unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api: Option<Api>,
    /// `openai`: what the model is told to be, up to 8,000 characters. Unless given, to answer a caller in
    /// one or two short sentences that are read aloud.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// `openai`: the sampling temperature, 0..=2; the server's own unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// `openai`: the share of likely tokens that is sampled from, above 0, up to 1; the server's own unless
    /// given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f64>,
    /// `openai`: the longest answer in tokens, 1 to 4,096; 150 unless given, a minute of speech.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u32>,
    /// `openai`: texts that an answer ends before, up to four. The end of a line for `completions`, else
    /// nothing unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop: Option<Vec<String>>,
    /// `openai`: how many passages of `docs` that have to do with the question go along, up to 10; none
    /// unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub passages: Option<u32>,
    /// `openai`: how many earlier exchanges go along, as far as they were heard, up to 16; 8 unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub history_turns_max: Option<u32>,
    /// `openai`, `command`: the longest time from the request to the first token in milliseconds, 1 to 600,000;
    /// unless given 10,000 for a server and 30,000 for a program.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_token_timeout_ms: Option<u64>,
    /// `openai`, `command`: the longest time from one token to the next in milliseconds, 1 to 600,000; 5,000
    /// unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub between_tokens_timeout_ms: Option<u64>,
    /// `openai`, `command`: the longest time from the request to its end in milliseconds, 1 to 600,000; 60,000
    /// unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
    /// `openai`: which program serves: `ollama`, `llama.cpp`, `vllm` or `openai`. It tells where the server is and what
    /// it wants, as far as the other keys do not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server: Option<ServerKind>,
    /// `openai`: headers that go along with a request, by their names: the environment variable that holds each one's
    /// value.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// `openai`: keys that go into a request besides those that are sent anyway, or in their place. `false` leaves one
    /// of those out.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub body: Map<String, Value>,
}

impl Default for AnswerTable {
    fn default() -> AnswerTable {
        AnswerTable {
            engine: "retrieval".into(),
            docs: None,
            index: None,
            command: None,
            latency: None,
            compute: None,
            text: None,
            texts: Vec::new(),
            token_ms: 0.0,
            best_of: 1,
            accuracy: 1.0,
            url: None,
            model: None,
            key_env: None,
            api: None,
            system: None,
            temperature: None,
            top_p: None,
            max_tokens: None,
            stop: None,
            passages: None,
            history_turns_max: None,
            first_token_timeout_ms: None,
            between_tokens_timeout_ms: None,
            timeout_ms: None,
            server: None,
            headers: BTreeMap::new(),
            body: Map::new(),
        }
    }
}

/// How a language model is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Api {
    /// The model is asked as one that was taught to converse: `/chat/completions`.
    #[default]
    Chat,
    /// The model is asked as one that only continues a text, behind a few examples: `/completions`.
    Completions,
}

/// `[tts]` as it is written: which engine speaks, and how.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TextToSpeechTable {
    /// `piper`, `espeak`, `openai`, `command` or `simulated`.
    #[schemars(extend("enum" = super::voice::NAMES))]
    pub engine: String,
    /// Piper: a voice's name in the catalogue, or an ONNX file. espeak: a voice of espeak-ng. `openai`: a
    /// voice of the model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub voice: Option<String>,
    /// `command`: the program and its arguments.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<Vec<String>>,
    /// `simulated`: the time from the clause to its first audio.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency: Option<LatencyModel>,
    /// `simulated`: computes on the scenario's cores, as in `{ threads = 2, serial = 0.4 }`; elsewhere unless given, so
    /// that `cores` makes no difference to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compute: Option<Compute>,
    /// `simulated`: milliseconds for which each sound begins inaudibly, 0 to 1,000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leading_silence_ms: Option<f64>,
    /// `openai`: the address of a server, as far as what comes before `/audio/speech`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// `openai`: the model's name on that server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// `openai`: the environment variable that holds the key; none is sent unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_env: Option<String>,
    /// `openai`: samples a second of what the server sends, 8,000 to 48,000; 24,000 unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<u32>,
    /// `openai`, `command`: the longest time from the request to its end in milliseconds, 1 to 600,000; 30,000
    /// unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
    /// `openai`: which program serves: `ollama`, `llama.cpp`, `vllm` or `openai`. It tells where the server is and what
    /// it wants, as far as the other keys do not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server: Option<ServerKind>,
    /// `openai`: headers that go along with a request, by their names: the environment variable that holds each one's
    /// value.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// `openai`: keys that go into a request besides those that are sent anyway, or in their place. `false` leaves one
    /// of those out.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub body: Map<String, Value>,
}

impl Default for TextToSpeechTable {
    fn default() -> TextToSpeechTable {
        TextToSpeechTable {
            engine: "piper".into(),
            voice: None,
            command: None,
            latency: None,
            compute: None,
            leading_silence_ms: None,
            url: None,
            model: None,
            key_env: None,
            rate: None,
            timeout_ms: None,
            server: None,
            headers: BTreeMap::new(),
            body: Map::new(),
        }
    }
}
