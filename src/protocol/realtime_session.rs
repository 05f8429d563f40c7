//! What a client of OpenAI's Realtime API asks a session to be.

use super::realtime::RATE;
use serde_json::{Map, Value, json};

/// What a client asks a session to be.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Session {
    /// Whether the server finds the ends of turns; else the client says when.
    pub(crate) server_ends_turns: bool,
    pub(crate) voice: Option<String>,
    pub(crate) instructions: Option<String>,
    /// The model that writes down what the caller said.
    pub(crate) transcription: Option<String>,
    /// Keys that go in besides these, or in their place.
    pub(crate) more: Map<String, Value>,
}

impl Default for Session {
    fn default() -> Session {
        Session {
            server_ends_turns: true,
            voice: None,
            instructions: None,
            transcription: None,
            more: Map::new(),
        }
    }
}

impl Session {
    /// The session, as the API has it.
    pub(super) fn asked(&self) -> Value {
        let format = json!({ "type": "audio/pcm", "rate": RATE });
        let detection = match self.server_ends_turns {
            true => json!({ "type": "server_vad" }),
            false => Value::Null,
        };
        let mut session = json!({
            "type": "realtime",
            "output_modalities": ["audio"],
            "audio": {
                "input": { "format": format, "turn_detection": detection },
                "output": { "format": format },
            },
        });
        if let Some(voice) = &self.voice {
            session["audio"]["output"]["voice"] = voice.as_str().into();
        }
        if let Some(instructions) = &self.instructions {
            session["instructions"] = instructions.as_str().into();
        }
        if let Some(model) = &self.transcription {
            session["audio"]["input"]["transcription"] = json!({ "model": model });
        }
        put(&mut session, &self.more);
        session
    }
}

/// Puts keys into an object, those of tables one by one.
fn put(into: &mut Value, more: &Map<String, Value>) {
    for (key, value) in more {
        match (value.as_object(), into.get_mut(key)) {
            (Some(inner), Some(own)) if own.is_object() => put(own, inner),
            _ => into[key] = value.clone(),
        }
    }
}
