//! The engines that speak.

use super::owner::{Given, Owner, refuse_foreign};
use super::server::ServerKeys;
use super::{
    Engine, EngineTable, Program, ServerVoice, SimulatedEngine, TTS_MS, TextToSpeechTable, openai,
    unknown,
};
use crate::scenario::problem::{Problem, Table};
use std::time::Duration;

/// Every engine of this stage, by its name in scenarios.
pub(super) const NAMES: [&str; 5] = ["piper", "espeak", "openai", "command", "simulated"];

/// What speaks.
#[derive(Debug, Clone, PartialEq)]
pub enum Voice {
    /// Piper on this machine.
    Piper {
        /// A name in the catalogue, or an ONNX file; the voice that is installed unless given.
        voice: Option<String>,
    },
    /// espeak-ng, run as a program.
    Espeak {
        /// One of its voices; `en-us` unless given.
        voice: Option<String>,
    },
    /// A server that speaks OpenAI's API.
    Openai(ServerVoice),
    /// A program.
    Command(Program),
    /// A simulated engine, which takes its time and makes no sound.
    Simulated(SimulatedEngine),
}

impl Engine for Voice {
    fn name(&self) -> &'static str {
        match self {
            Voice::Piper { .. } => "piper",
            Voice::Espeak { .. } => "espeak",
            Voice::Openai(_) => "openai",
            Voice::Command(_) => "command",
            Voice::Simulated(_) => "simulated",
        }
    }

    fn is_simulated(&self) -> bool {
        matches!(self, Voice::Simulated(_))
    }

    fn computes_here(&self) -> bool {
        matches!(self, Voice::Piper { .. } | Voice::Espeak { .. })
    }
}

impl Voice {
    /// How long the sound of a simulated voice begins inaudibly; zero of others, whose samples tell.
    pub fn leading_silence(&self) -> Duration {
        match self {
            Voice::Simulated(engine) => engine.leading_silence,
            Voice::Piper { .. } | Voice::Espeak { .. } | Voice::Openai(_) | Voice::Command(_) => {
                Duration::ZERO
            }
        }
    }
}

impl EngineTable for TextToSpeechTable {
    type Engine = Voice;

    fn parse(&self, at: Table<'_>) -> Result<Voice, Problem> {
        let voice = self.voice.clone();
        let engine = match self.engine.as_str() {
            "piper" => Voice::Piper { voice },
            "espeak" => Voice::Espeak { voice },
            "openai" => Voice::Openai(openai::voice(self, at)?),
            "command" => Voice::Command(Program::bounded(
                self.command.as_deref(),
                self.timeout_ms,
                at,
            )?),
            "simulated" => {
                let engine = SimulatedEngine::parse((&self.latency, TTS_MS), self.compute, at)?;
                Voice::Simulated(engine.beginning_after(self.leading_silence_ms, at)?)
            }
            other => return Err(unknown(other, &NAMES, at)),
        };
        let own = [
            Given::of(Owner::Command, "command", &self.command),
            Given::of(Owner::Simulated, "latency", &self.latency),
            Given::of(Owner::Simulated, "compute", &self.compute),
            Given::of(
                Owner::Simulated,
                "leading_silence_ms",
                &self.leading_silence_ms,
            ),
            Given::of(Owner::Openai, "model", &self.model),
            Given::of(Owner::Openai, "rate", &self.rate),
            Given::of(Owner::Patience, "timeout_ms", &self.timeout_ms),
        ];
        let owners: &[Owner] = match engine {
            Voice::Piper { .. } | Voice::Espeak { .. } => &[],
            Voice::Openai(_) => &[Owner::Openai, Owner::Patience],
            Voice::Command(_) => &[Owner::Command, Owner::Patience],
            Voice::Simulated(_) => &[Owner::Simulated],
        };
        let given = ServerKeys::from(self).given().into_iter().chain(own);
        refuse_foreign(given, owners, engine.name(), at)?;
        Ok(engine)
    }
}
