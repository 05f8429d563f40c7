//! The engines that recognise speech.

use super::command::Waits;
use super::owner::{Given, Owner, refuse_foreign};
use super::{
    Engine, EngineTable, Program, ServerRecogniser, SpeechToTextTable, openai, simulated, unknown,
};
use crate::scenario::latency::Latency;
use crate::scenario::problem::{Problem, Table};

/// Every engine of this stage, by its name in scenarios.
pub(super) const NAMES: [&str; 4] = ["whisper", "openai", "command", "simulated"];

/// What recognises speech.
#[derive(Debug, Clone, PartialEq)]
pub enum Recogniser {
    /// Whisper on this machine.
    Whisper {
        /// A name in the catalogue, or a ggml file; the smallest English model unless given.
        model: Option<String>,
        /// The language that is spoken, as ISO 639-1 has it; English unless given.
        language: Option<String>,
    },
    /// A server that speaks OpenAI's API.
    Openai(ServerRecogniser),
    /// A program.
    Command(Program),
    /// A simulated engine, which takes its time and hears what the caller's script says.
    Simulated(Latency),
}

impl Engine for Recogniser {
    fn name(&self) -> &'static str {
        match self {
            Recogniser::Whisper { .. } => "whisper",
            Recogniser::Openai(_) => "openai",
            Recogniser::Command(_) => "command",
            Recogniser::Simulated(_) => "simulated",
        }
    }

    fn is_simulated(&self) -> bool {
        matches!(self, Recogniser::Simulated(_))
    }

    fn computes_here(&self) -> bool {
        matches!(self, Recogniser::Whisper { .. })
    }
}

impl EngineTable for SpeechToTextTable {
    type Engine = Recogniser;

    fn parse(&self, at: Table<'_>) -> Result<Recogniser, Problem> {
        let engine = match self.engine.as_str() {
            "whisper" => Recogniser::Whisper {
                model: self.model.clone(),
                language: openai::language(self, at)?,
            },
            "openai" => Recogniser::Openai(openai::recogniser(self, at)?),
            "command" => Recogniser::Command(Program::parse(
                self.command.as_deref(),
                &Waits {
                    first_token_timeout_ms: self.timeout_ms,
                    between_tokens_timeout_ms: self.timeout_ms,
                    timeout_ms: self.timeout_ms,
                    between_otherwise_ms: 30_000,
                    otherwise_ms: 30_000,
                },
                at,
            )?),
            "simulated" => Recogniser::Simulated(simulated::latency(&self.latency, 250, at)?),
            other => return Err(unknown(other, &NAMES, at)),
        };
        let given = [
            Given::of(Owner::Command, "command", &self.command),
            Given::of(Owner::Simulated, "latency", &self.latency),
            Given::of(Owner::Openai, "server", &self.server),
            Given::of(Owner::Openai, "url", &self.url),
            Given::if_so(Owner::Openai, "headers", !self.headers.is_empty()),
            Given::if_so(Owner::Openai, "body", !self.body.is_empty()),
            Given::of(Owner::Openai, "key_env", &self.key_env),
            Given::of(Owner::Language, "language", &self.language),
            Given::of(Owner::Patience, "timeout_ms", &self.timeout_ms),
        ];
        let owners: &[Owner] = match engine {
            Recogniser::Whisper { .. } => &[Owner::Language],
            Recogniser::Openai(_) => &[Owner::Openai, Owner::Patience, Owner::Language],
            Recogniser::Command(_) => &[Owner::Command, Owner::Patience],
            Recogniser::Simulated(_) => &[Owner::Simulated],
        };
        refuse_foreign(&given, owners.iter().copied(), engine.name(), at)?;
        Ok(engine)
    }
}
