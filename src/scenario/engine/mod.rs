//! The engine that does the work of a stage, and its settings.
//!
//! [`tables`] has the tables as they are written. Their engines are known by name in one place each, the
//! `match` in `parse` below; a new engine is a variant here, its settings in a file beside this one, and
//! the arm in `engine::build` that the compiler then asks for.

mod command;
mod documents;
mod openai;
mod owner;
mod simulated;
mod swap;
mod tables;

pub use command::Program;
pub use documents::Documents;
pub use openai::{LanguageModel, Passages, Server, ServerRecogniser, ServerVoice};
pub use simulated::SimulatedAnswer;
pub use swap::asks_otherwise;
pub use tables::{AnswerTable, Api, SpeechToTextTable, TextToSpeechTable};

use super::latency::Latency;
use super::problem::{Problem, Table};
use owner::{Given, Owner, refuse_foreign};

/// What recognises speech.
#[derive(Debug, Clone, PartialEq)]
pub enum Recogniser {
    /// Whisper on this machine.
    Whisper {
        /// A name in the catalogue, or a ggml file; the smallest English model unless given.
        model: Option<String>,
    },
    /// A server that speaks OpenAI's API.
    Openai(ServerRecogniser),
    /// A program.
    Command(Program),
    /// A simulated engine, which takes its time and hears what the caller's script says.
    Simulated(Latency),
}

/// What answers.
#[derive(Debug, Clone, PartialEq)]
pub enum Answerer {
    /// The passage of some documents that fits the question.
    Retrieval(Documents),
    /// A language model on a server that speaks OpenAI's API, which is asked `votes` times at once.
    Openai {
        /// The model and how it is asked.
        model: Box<LanguageModel>,
        /// How many answers are made at once, an odd number; 1 for no vote.
        votes: u32,
    },
    /// A program, of which `votes` run at once.
    Command {
        /// The program.
        program: Program,
        /// How many answers are made at once, an odd number; 1 for no vote.
        votes: u32,
    },
    /// A simulated engine, which takes its time and says what the scenario has it say.
    Simulated(SimulatedAnswer),
}

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
    Simulated(Latency),
}

/// What the engines of every stage have in common.
pub trait Engine {
    /// The name in scenarios.
    fn name(&self) -> &'static str;

    /// Whether the engine is simulated: it only takes its time.
    fn is_simulated(&self) -> bool;

    /// Whether the engine computes on this machine's cores. The others wait for somebody else.
    fn computes_here(&self) -> bool;
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

impl Engine for Answerer {
    fn name(&self) -> &'static str {
        match self {
            Answerer::Retrieval(_) => "retrieval",
            Answerer::Openai { .. } => "openai",
            Answerer::Command { .. } => "command",
            Answerer::Simulated(_) => "simulated",
        }
    }

    fn is_simulated(&self) -> bool {
        matches!(self, Answerer::Simulated(_))
    }

    fn computes_here(&self) -> bool {
        matches!(self, Answerer::Retrieval(_))
    }
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

/// A table that names an engine, and has its settings.
pub(super) trait EngineTable {
    /// The engine that the table means.
    type Engine: Engine;

    /// The engine, with settings that make sense. Whether files that it names exist is seen elsewhere.
    fn parse(&self, at: Table<'_>) -> Result<Self::Engine, Problem>;
}

impl EngineTable for SpeechToTextTable {
    type Engine = Recogniser;

    fn parse(&self, at: Table<'_>) -> Result<Recogniser, Problem> {
        let engine = match self.engine.as_str() {
            "whisper" => Recogniser::Whisper {
                model: self.model.clone(),
            },
            "openai" => Recogniser::Openai(openai::recogniser(self, at)?),
            "command" => Recogniser::Command(Program::parse(self.command.as_deref(), at)?),
            "simulated" => Recogniser::Simulated(simulated::latency(&self.latency, 250, at)?),
            other => {
                let known = ["whisper", "openai", "command", "simulated"];
                return Err(unknown(other, &known, at));
            }
        };
        let given = [
            Given::of(Owner::Command, "command", &self.command),
            Given::of(Owner::Simulated, "latency", &self.latency),
            Given::of(Owner::Openai, "url", &self.url),
            Given::of(Owner::Openai, "key_env", &self.key_env),
            Given::of(Owner::Openai, "language", &self.language),
            Given::of(Owner::Openai, "timeout_ms", &self.timeout_ms),
        ];
        let owner = match engine {
            Recogniser::Whisper { .. } => None,
            Recogniser::Openai(_) => Some(Owner::Openai),
            Recogniser::Command(_) => Some(Owner::Command),
            Recogniser::Simulated(_) => Some(Owner::Simulated),
        };
        refuse_foreign(&given, owner, engine.name(), at)?;
        Ok(engine)
    }
}

impl EngineTable for AnswerTable {
    type Engine = Answerer;

    fn parse(&self, at: Table<'_>) -> Result<Answerer, Problem> {
        let documents = Documents::parse(self, at)?;
        let engine = match self.engine.as_str() {
            "retrieval" => Answerer::Retrieval(documents),
            "openai" => Answerer::Openai {
                model: Box::new(openai::language_model(self, documents, at)?),
                votes: self.best_of,
            },
            "command" => Answerer::Command {
                program: Program::parse(self.command.as_deref(), at)?,
                votes: self.best_of,
            },
            "simulated" => Answerer::Simulated(SimulatedAnswer::parse(self, at)?),
            other => {
                let known = ["retrieval", "openai", "command", "simulated"];
                return Err(unknown(other, &known, at));
            }
        };
        let given = [
            Given::of(Owner::Command, "command", &self.command),
            Given::of(Owner::Simulated, "latency", &self.latency),
            Given::of(Owner::Openai, "url", &self.url),
            Given::of(Owner::Openai, "key_env", &self.key_env),
            Given::of(Owner::Openai, "model", &self.model),
            Given::of(Owner::Openai, "api", &self.api),
            Given::of(Owner::Openai, "system", &self.system),
            Given::of(Owner::Openai, "temperature", &self.temperature),
            Given::of(Owner::Openai, "top_p", &self.top_p),
            Given::of(Owner::Openai, "max_tokens", &self.max_tokens),
            Given::of(Owner::Openai, "stop", &self.stop),
            Given::of(Owner::Openai, "passages", &self.passages),
            Given::of(Owner::Openai, "history_turns_max", &self.history_turns_max),
            Given::of(
                Owner::Openai,
                "first_token_timeout_ms",
                &self.first_token_timeout_ms,
            ),
            Given::of(
                Owner::Openai,
                "between_tokens_timeout_ms",
                &self.between_tokens_timeout_ms,
            ),
            Given::of(Owner::Openai, "timeout_ms", &self.timeout_ms),
            Given::if_so(Owner::Luck, "accuracy", self.accuracy != 1.0),
            Given::if_so(Owner::Luck, "token_ms", self.token_ms != 0.0),
        ];
        let owners: &[Owner] = match engine {
            Answerer::Retrieval(_) => &[],
            Answerer::Openai { .. } => &[Owner::Openai],
            Answerer::Command { .. } => &[Owner::Command],
            Answerer::Simulated(_) => &[Owner::Simulated, Owner::Luck],
        };
        refuse_foreign(&given, owners.iter().copied(), engine.name(), at)?;
        if let Answerer::Retrieval(_) = engine
            && self.best_of != 1
        {
            let fix = "the engine \"retrieval\" answers the same every time, so there is nothing to vote on; take the key away";
            return Err(at.problem("best_of", fix));
        }
        if !(1..=VOTES_MAX).contains(&self.best_of) || self.best_of.is_multiple_of(2) {
            let fix = format!(
                "{}; give an odd number up to {VOTES_MAX}, so that every vote has a majority",
                self.best_of
            );
            return Err(at.problem("best_of", fix));
        }
        Ok(engine)
    }
}

/// More samples make no vote better.
const VOTES_MAX: u32 = 99;

impl EngineTable for TextToSpeechTable {
    type Engine = Voice;

    fn parse(&self, at: Table<'_>) -> Result<Voice, Problem> {
        let voice = self.voice.clone();
        let engine = match self.engine.as_str() {
            "piper" => Voice::Piper { voice },
            "espeak" => Voice::Espeak { voice },
            "openai" => Voice::Openai(openai::voice(self, at)?),
            "command" => Voice::Command(Program::parse(self.command.as_deref(), at)?),
            "simulated" => Voice::Simulated(simulated::latency(&self.latency, 150, at)?),
            other => {
                let known = ["piper", "espeak", "openai", "command", "simulated"];
                return Err(unknown(other, &known, at));
            }
        };
        let given = [
            Given::of(Owner::Command, "command", &self.command),
            Given::of(Owner::Simulated, "latency", &self.latency),
            Given::of(Owner::Openai, "url", &self.url),
            Given::of(Owner::Openai, "key_env", &self.key_env),
            Given::of(Owner::Openai, "model", &self.model),
            Given::of(Owner::Openai, "rate", &self.rate),
            Given::of(Owner::Openai, "timeout_ms", &self.timeout_ms),
        ];
        let owner = match engine {
            Voice::Piper { .. } | Voice::Espeak { .. } => None,
            Voice::Openai(_) => Some(Owner::Openai),
            Voice::Command(_) => Some(Owner::Command),
            Voice::Simulated(_) => Some(Owner::Simulated),
        };
        refuse_foreign(&given, owner, engine.name(), at)?;
        Ok(engine)
    }
}

fn unknown(name: &str, known: &[&str], at: Table<'_>) -> Problem {
    let fix = format!(
        "there is no engine {name:?} for this stage; choose one of {}",
        known.join(", ")
    );
    at.problem("engine", fix)
}
