//! The engines: everything that really recognises, answers and speaks, and the simulated ones that only take
//! their time. `load` makes those of a scenario; `build` has the one `match` for each stage.

mod build;
pub mod clauses;
#[cfg(feature = "command")]
mod command;
mod injected_faults;
mod load;
pub mod needs;
#[cfg(feature = "openai")]
mod openai;
pub mod pool;
#[cfg(any(feature = "retrieval", feature = "openai"))]
mod quiet;
#[cfg(feature = "probe")]
mod realtime;
pub mod recorded;
pub mod resilience;
#[cfg(feature = "retrieval")]
pub mod retrieval;
pub mod simulated;
#[cfg(feature = "smart_turn")]
mod smart_turn;
#[cfg(any(feature = "piper", feature = "espeak"))]
mod speech;
#[cfg(test)]
mod test_stages;
#[cfg(any(feature = "piper", feature = "espeak"))]
pub mod voice;
mod vote;
#[cfg(feature = "whisper")]
mod whisper;
#[cfg(any(feature = "command", feature = "openai"))]
mod words;

pub use build::{answer, check, speech_to_text, text_to_speech};
pub use load::{Given, Loaded, Maker, load};
#[cfg(feature = "openai")]
pub use openai::read_stream;

use crate::stage;

/// The stages of a conversation, warm.
pub struct Engines {
    /// What recognises speech.
    pub stt: stage::SpeechToText,
    /// What makes a reply.
    pub reply: Reply,
}

/// What makes a reply of what was heard.
pub enum Reply {
    /// A text, cut into clauses, which are spoken.
    Cascade {
        /// What answers.
        answer: stage::Answer,
        /// What cuts an answer.
        clauses: stage::Clauses,
        /// What speaks.
        tts: stage::TextToSpeech,
    },
    /// One model that hears and speaks.
    Direct(stage::SpeechToSpeech),
}

/// Why an engine cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The user's input is wrong.
    #[error("{0}")]
    Input(String),
    /// A model, program or feature is missing. The text says how to get it.
    #[error("{0}")]
    Unavailable(String),
}

/// One stage and a line about it.
struct Built<S> {
    stage: S,
    described: String,
    note: Option<String>,
}

impl<S> Built<S> {
    fn new(stage: S, described: impl Into<String>) -> Built<S> {
        Built {
            stage,
            described: described.into(),
            note: None,
        }
    }
}

/// A worker for an engine's state.
#[cfg(any(
    feature = "whisper",
    feature = "retrieval",
    feature = "piper",
    feature = "espeak",
    feature = "command",
    feature = "smart_turn"
))]
fn worker<S: Send + 'static>(
    clock: &crate::clock::Clock,
    name: &str,
    state: S,
) -> Result<crate::clock::Worker<S>, EngineError> {
    clock.worker(name, state).map_err(|error| {
        EngineError::Unavailable(format!("no thread for the engine {name}: {error}"))
    })
}
