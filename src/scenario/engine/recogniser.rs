//! The engines that recognise speech.

use super::owner::{Given, Owner, refuse_foreign};
use super::server::ServerKeys;
use super::{
    Engine, EngineTable, Program, STT_MS, ServerRecogniser, SimulatedEngine, SpeechToTextTable,
    openai, unknown,
};
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
    Simulated(SimulatedEngine),
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
            "command" => Recogniser::Command(Program::bounded(
                self.command.as_deref(),
                self.timeout_ms,
                at,
            )?),
            "simulated" => Recogniser::Simulated(SimulatedEngine::parse(
                (&self.latency, STT_MS),
                self.compute,
                at,
            )?),
            other => return Err(unknown(other, &NAMES, at)),
        };
        let own = [
            Given::of(Owner::Command, "command", &self.command),
            Given::of(Owner::Simulated, "latency", &self.latency),
            Given::of(Owner::Simulated, "compute", &self.compute),
            Given::of(Owner::Language, "language", &self.language),
            Given::of(Owner::Patience, "timeout_ms", &self.timeout_ms),
        ];
        let owners: &[Owner] = match engine {
            Recogniser::Whisper { .. } => &[Owner::Language],
            Recogniser::Openai(_) => &[Owner::Openai, Owner::Patience, Owner::Language],
            Recogniser::Command(_) => &[Owner::Command, Owner::Patience],
            Recogniser::Simulated(_) => &[Owner::Simulated],
        };
        let given = ServerKeys::from(self).given().into_iter().chain(own);
        refuse_foreign(given, owners, engine.name(), at)?;
        Ok(engine)
    }
}
