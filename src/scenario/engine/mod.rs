//! The engine that does the work of a stage, and its settings.
//!
//! `tables` has the tables as they are written. The engines of a stage are known by name in one place, the
//! `match` in `recogniser`, `answerer` or `voice`; a new engine is a variant there, its settings in a file
//! beside it, and the arm in `engine::build` that the compiler then asks for.

mod answerer;
mod command;
mod compute;
mod documents;
mod openai;
mod owner;
mod realtime;
mod recogniser;
mod server;
mod simulated;
mod swap;
mod tables;
mod voice;

pub use answerer::Answerer;
pub use command::Program;
pub use compute::Compute;
pub use documents::Documents;
pub use openai::{LanguageModel, Passages, ServerRecogniser, ServerVoice};
pub(super) use realtime::NAMES as REALTIME_NAMES;
pub use realtime::{RealtimeModel, TurnDetection};
pub use recogniser::Recogniser;
pub use server::{Header, Limit, Server, ServerKind};
pub(crate) use simulated::LEADING_SILENCE_MS_MAX;
pub(super) use simulated::{ANSWER_MS, STT_MS, TTS_MS};
pub use simulated::{SimulatedAnswer, SimulatedEngine};
pub use swap::asks_otherwise;
pub use tables::{AnswerTable, Api, SpeechToTextTable, TextToSpeechTable};
pub use voice::Voice;

use super::problem::{Problem, Table};

/// What the engines of every stage have in common.
/// # Example
/// ```
/// use voicesim::scenario::engine::{Engine, Recogniser};
///
/// let recogniser = Recogniser::Whisper { model: None, language: None };
/// assert_eq!((recogniser.name(), recogniser.is_simulated()), ("whisper", false));
/// ```
pub trait Engine {
    /// The name in scenarios.
    fn name(&self) -> &'static str;

    /// Whether the engine is simulated: it only takes its time.
    fn is_simulated(&self) -> bool;

    /// Whether the engine computes on this machine's cores. The others wait for somebody else.
    fn computes_here(&self) -> bool;
}

/// A table that names an engine, and has its settings.
pub(super) trait EngineTable {
    /// The engine that the table means.
    type Engine: Engine;

    /// The engine, with settings that make sense. Whether files that it names exist is seen elsewhere.
    fn parse(&self, at: Table<'_>) -> Result<Self::Engine, Problem>;
}

fn unknown(name: &str, known: &[&str], at: Table<'_>) -> Problem {
    let fix = format!(
        "there is no engine {name:?} for this stage; choose one of {}",
        known.join(", ")
    );
    at.problem("engine", fix)
}
