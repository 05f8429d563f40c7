//! One engine in place of another: what a table keeps, and what a server was asked.

use super::{AnswerTable, SpeechToTextTable, TextToSpeechTable};
use crate::scenario::{ScenarioFile, TopologyName};
use serde_json::Value;

/// The prefix of a command line in place of an engine's name.
const COMMAND: &str = "command:";

/// An engine by name, or `command:PROGRAM ARGUMENT…`: the name, and the program with its arguments.
fn named(engine: &str) -> (String, Option<Vec<String>>) {
    match engine.strip_prefix(COMMAND) {
        Some(line) => {
            let command = line.split_whitespace().map(str::to_owned).collect();
            (COMMAND.trim_end_matches(':').to_owned(), Some(command))
        }
        None => (engine.to_owned(), None),
    }
}

impl SpeechToTextTable {
    /// Asks for another engine, by name or as `command:PROGRAM ARGUMENT…`. The settings of
    /// another engine before it are forgotten.
    pub fn swap(&mut self, engine: &str) {
        let (engine, command) = named(engine);
        match self.engine == engine {
            true => self.command = command,
            false => {
                *self = SpeechToTextTable {
                    engine,
                    command,
                    ..SpeechToTextTable::default()
                }
            }
        }
    }
}

impl AnswerTable {
    /// Asks for another engine, by name or as `command:PROGRAM ARGUMENT…`. Of the settings of
    /// another engine before it only documents, votes and what a simulated answer says are kept.
    pub fn swap(&mut self, engine: &str) {
        let (engine, command) = named(engine);
        if self.engine == engine {
            self.command = command;
            return;
        }
        let before = std::mem::take(self);
        *self = AnswerTable {
            engine,
            command,
            docs: before.docs,
            index: before.index,
            text: before.text,
            token_ms: before.token_ms,
            best_of: before.best_of,
            accuracy: before.accuracy,
            ..AnswerTable::default()
        };
    }
}

impl TextToSpeechTable {
    /// Asks for another engine, by name or as `command:PROGRAM ARGUMENT…`. The settings of
    /// another engine before it are forgotten.
    pub fn swap(&mut self, engine: &str) {
        let (engine, command) = named(engine);
        match self.engine == engine {
            true => self.command = command,
            false => {
                *self = TextToSpeechTable {
                    engine,
                    command,
                    ..TextToSpeechTable::default()
                }
            }
        }
    }
}

/// The key of a server's table (`answer.model`) that asks for something else in `now` than in `then`, if one
/// does: what was answered then is no answer to this.
pub fn asks_otherwise(now: &ScenarioFile, then: &ScenarioFile) -> Option<String> {
    let tables = |file: &ScenarioFile| -> [Option<Value>; 4] {
        [
            serde_json::to_value(&file.stt).ok(),
            serde_json::to_value(&file.answer).ok(),
            serde_json::to_value(&file.tts).ok(),
            serde_json::to_value(&file.speech_to_speech).ok(),
        ]
    };
    let is_server = |file: &ScenarioFile| {
        let (stt, answer, tts) = (&file.stt, &file.answer, &file.tts);
        [
            stt.url.is_some() || stt.server.is_some(),
            answer.url.is_some() || answer.server.is_some(),
            tts.url.is_some() || tts.server.is_some(),
            file.topology == TopologyName::SpeechToSpeech && file.speech_to_speech.model.is_some(),
        ]
    };
    let names = ["stt", "answer", "tts", "speech_to_speech"];
    let stages = names.into_iter().zip(is_server(now));
    let mut pairs = stages.zip(tables(now).into_iter().zip(tables(then)));
    pairs.find_map(|((table, is_server), (now, then))| {
        let key = differing(&now.filter(|_| is_server)?, &then?)?;
        Some(format!("{table}.{key}"))
    })
}

/// The key that says something else. Where the server is, who may ask it and how long it may take makes no
/// difference to what it says.
fn differing(now: &Value, then: &Value) -> Option<String> {
    const ELSEWHERE: [&str; 10] = [
        "server",
        "url",
        "headers",
        "key_env",
        "first_token_timeout_ms",
        "between_tokens_timeout_ms",
        "first_sound_timeout_ms",
        "between_sounds_timeout_ms",
        "timeout_ms",
        "retries",
    ];
    let (now, then) = (now.as_object()?, then.as_object()?);
    let mut keys = now.keys().chain(then.keys());
    let differs =
        |key: &&String| !ELSEWHERE.contains(&key.as_str()) && now.get(*key) != then.get(*key);
    keys.find(differs).cloned()
}
