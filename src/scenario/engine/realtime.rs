//! A model that hears and speaks, on a server that speaks OpenAI's Realtime API.

use super::openai::timeout;
use super::owner::{Given, Owner, refuse_foreign};
use super::server::{NAME_CHARACTERS_MAX, Server, ServerKeys};
use super::unknown;
use crate::scenario::SpeechToSpeechTable;
use crate::scenario::problem::{Problem, Table};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Every engine that hears and speaks, by its name in scenarios.
pub(in crate::scenario) const NAMES: [&str; 2] = ["realtime", "simulated"];

/// Where OpenAI's own server is, and the variable that holds its key.
const OPENAI_URL: &str = "wss://api.openai.com/v1/realtime";
const OPENAI_KEY: &str = "OPENAI_API_KEY";

const INSTRUCTIONS_CHARACTERS_MAX: usize = 8_000;
/// Who is asked so often in vain is not there.
const RETRIES_MAX: u32 = 5;

/// A model that hears and speaks, on a server.
#[derive(Debug, Clone, PartialEq)]
pub struct RealtimeModel {
    /// The server, and the model on it. What [`Server::body`] holds goes into the session that the server is asked for.
    pub server: Server,
    /// The voice that the model speaks with; the server's own unless given.
    pub voice: Option<String>,
    /// What the model is told to be; nothing unless given.
    pub instructions: Option<String>,
    /// Who finds the end of the caller's turns.
    pub turn_detection: TurnDetection,
    /// The model that writes down what the caller said; nobody does unless given.
    pub transcription: Option<String>,
    /// The longest time from the end of the caller's turn to the first sound.
    pub first_sound_timeout: Duration,
    /// The longest time from one piece of sound to the next.
    pub between_sounds_timeout: Duration,
    /// The longest time from the end of the caller's turn to the end of the response.
    pub timeout: Duration,
    /// How often a response that failed before its first sound is asked for once more.
    pub retries: u32,
}

/// Who finds the end of the caller's turns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TurnDetection {
    /// `[endpointing]` does, as in a cascade; the server is told, and asked for a response.
    #[default]
    Ours,
    /// The server does (`server_vad`), and responds by itself.
    Server,
}

impl TurnDetection {
    /// Whether this is the one that need not be written.
    pub(in crate::scenario) fn is_usual(&self) -> bool {
        *self == TurnDetection::default()
    }
}

impl SpeechToSpeechTable {
    /// The model on a server that the table asks for; `None` if it asks for a simulated one.
    pub(in crate::scenario) fn realtime(
        &self,
        at: Table<'_>,
    ) -> Result<Option<RealtimeModel>, Problem> {
        let own: &[Owner] = match self.engine.as_str() {
            "realtime" => &[Owner::Realtime],
            "simulated" => &[],
            other => return Err(unknown(other, &NAMES, at)),
        };
        let keys = [
            ("url", self.url.is_some()),
            ("model", self.model.is_some()),
            ("key_env", self.key_env.is_some()),
            ("headers", !self.headers.is_empty()),
            ("body", !self.body.is_empty()),
            ("voice", self.voice.is_some()),
            ("instructions", self.instructions.is_some()),
            ("turn_detection", !self.turn_detection.is_usual()),
            ("transcription", self.transcription.is_some()),
            (
                "first_sound_timeout_ms",
                self.first_sound_timeout_ms.is_some(),
            ),
            (
                "between_sounds_timeout_ms",
                self.between_sounds_timeout_ms.is_some(),
            ),
            ("timeout_ms", self.timeout_ms.is_some()),
            ("retries", self.retries != 0),
        ];
        let given = keys.map(|(key, is_given)| Given::if_so(Owner::Realtime, key, is_given));
        refuse_foreign(given, own, &self.engine, at)?;
        match own.is_empty() {
            true => Ok(None),
            false => self.on_a_server(at).map(Some),
        }
    }

    fn on_a_server(&self, at: Table<'_>) -> Result<RealtimeModel, Problem> {
        let named = |key: &str, name: &Option<String>| {
            let is_name = |c: char| c.is_ascii_alphanumeric() || "._:/-".contains(c);
            match name.as_deref() {
                Some(name) if name.is_empty() || !name.chars().all(is_name) => {
                    let fix = "a name has letters, digits and . _ : / - in it: gpt-realtime";
                    Err(at.problem(key, fix))
                }
                Some(name) if name.len() > NAME_CHARACTERS_MAX => {
                    let fix = format!("give up to {NAME_CHARACTERS_MAX} characters");
                    Err(at.problem(key, fix))
                }
                given => Ok(given.map(str::to_owned)),
            }
        };
        named("model", &self.model)?;
        // Whoever gives another address need not have the key for the usual one.
        let usual = self.url.is_none().then(|| SpeechToSpeechTable {
            url: Some(OPENAI_URL.to_owned()),
            key_env: self.key_env.clone().or(Some(OPENAI_KEY.to_owned())),
            ..self.clone()
        });
        let server = ServerKeys::from(usual.as_ref().unwrap_or(self)).parse(at)?;
        let instructions = self.instructions.as_deref().unwrap_or_default();
        if instructions.chars().count() > INSTRUCTIONS_CHARACTERS_MAX {
            let fix = format!("give up to {INSTRUCTIONS_CHARACTERS_MAX} characters");
            return Err(at.problem("instructions", fix));
        }
        if self.retries > RETRIES_MAX {
            let fix = format!("{} retries; give up to {RETRIES_MAX}", self.retries);
            return Err(at.problem("retries", fix));
        }
        let wait = |key, given, otherwise_ms| timeout(key, given, otherwise_ms, at);
        Ok(RealtimeModel {
            server,
            voice: named("voice", &self.voice)?,
            instructions: self.instructions.clone(),
            turn_detection: self.turn_detection,
            transcription: named("transcription", &self.transcription)?,
            first_sound_timeout: wait(
                "first_sound_timeout_ms",
                self.first_sound_timeout_ms,
                10_000,
            )?,
            between_sounds_timeout: wait(
                "between_sounds_timeout_ms",
                self.between_sounds_timeout_ms,
                5_000,
            )?,
            timeout: wait("timeout_ms", self.timeout_ms, 60_000)?,
            retries: self.retries,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{SpeechToSpeech, Topology, parse};
    use std::path::Path;

    /// The model of a scenario whose `[speech_to_speech]` has these lines, or what is said about them.
    fn model(lines: &str) -> Result<RealtimeModel, String> {
        let text = format!(
            "topology = \"speech_to_speech\"\n[[turn]]\nsay = \"Why?\"\n[speech_to_speech]\n{lines}"
        );
        match parse(Path::new("a.toml"), &text) {
            Ok(scenario) => match scenario.topology {
                Topology::SpeechToSpeech(SpeechToSpeech::Realtime(model)) => Ok(*model),
                other => panic!("{other:?}"),
            },
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn a_model_is_on_openais_server_with_its_key_unless_the_scenario_says_otherwise() {
        let usual = model("engine = \"realtime\"\nmodel = \"gpt-realtime\"").expect("a model");
        assert_eq!(usual.server.url, OPENAI_URL);
        assert_eq!(usual.server.key_env.as_deref(), Some(OPENAI_KEY));
        assert_eq!(usual.turn_detection, TurnDetection::Ours);
        let own = "engine = \"realtime\"\nmodel = \"m\"\nurl = \"ws://localhost:8765\"\nturn_detection = \"server\"";
        let own = model(own).expect("a model");
        assert_eq!((own.server.key_env, own.retries), (None, 0));
        assert_eq!(own.turn_detection, TurnDetection::Server);
    }

    #[test]
    fn what_cannot_be_meant_is_refused_with_its_key_and_secrets_are_not_repeated() {
        let with = |more: &str| {
            let lines = format!("engine = \"realtime\"\nmodel = \"m\"\n{more}");
            model(&lines).expect_err("refused")
        };
        for (more, says) in [
            (
                "url = \"http://a/SECRET\"",
                "speech_to_speech.url: the engine \"realtime\" needs",
            ),
            (
                "url = \"ws://a/?key=SECRET\"",
                "speech_to_speech.url: an address is kept",
            ),
            ("voice = \"a b\"", "speech_to_speech.voice: a name has"),
            ("retries = 9", "speech_to_speech.retries: 9 retries"),
            (
                "key_env = \"sk-SECRET\"",
                "speech_to_speech.key_env: this is no name",
            ),
            ("timeout_ms = 0", "speech_to_speech.timeout_ms: 0 ms"),
            (
                "[endpointing]\npolicy = \"classifier\"",
                "endpointing.policy: it reads words",
            ),
            (
                "turn_detection = \"server\"\n[endpointing]\npolicy = \"smart_turn\"",
                "endpointing.policy: the server finds",
            ),
        ] {
            let said = with(more);
            assert!(said.contains(says), "{said}");
            assert!(!said.contains("SECRET"), "{said}");
        }
        let said = model("engine = \"realtime\"").expect_err("no model");
        assert!(said.contains("model = \"gpt-realtime\""), "{said}");
        let said = model("voice = \"alloy\"").expect_err("simulated");
        assert!(said.contains("only the engine \"realtime\""), "{said}");
        let said = model("engine = \"moshi\"").expect_err("none");
        assert!(said.contains("choose one of realtime, simulated"), "{said}");
    }
}
