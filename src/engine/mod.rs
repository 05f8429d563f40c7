//! The engines: everything that really recognises, answers and speaks, and the fakes that only take
//! their time. [`build`] is the one place that knows them by name.

pub mod clauses;
#[cfg(feature = "command")]
mod command;
mod faulty;
#[cfg(feature = "retrieval")]
pub mod knowledge;
mod phoneme_brackets;
pub mod pool;
pub mod recorded;
#[cfg(feature = "retrieval")]
mod retrieval;
pub mod simulated;
#[cfg(any(feature = "piper", feature = "espeak"))]
mod speech;
#[cfg(any(feature = "piper", feature = "espeak"))]
pub mod voice;
#[cfg(feature = "whisper")]
mod whisper;

use crate::clock::Clock;
use crate::event::StageName;
use crate::rng::Seed;
use crate::scenario::{Scenario, Topology};
use crate::stage;
pub use faulty::Faults;
use std::collections::BTreeMap;

/// The stages of a conversation, warm.
pub struct Engines {
    pub stt: stage::SpeechToText,
    pub answer: stage::Answer,
    pub clauses: stage::Clauses,
    pub tts: stage::TextToSpeech,
    /// In place of the three before, if the scenario has it so.
    pub speech_to_speech: Option<stage::SpeechToSpeech>,
    /// One line about each, by stage.
    pub described: BTreeMap<String, String>,
    /// What a reader of the figures should know, for example that a voice was replaced.
    pub notes: Vec<String>,
}

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

/// Checks what can be checked of the engines' input without loading a model.
pub fn check(scenario: &Scenario) -> Result<(), EngineError> {
    #[cfg(feature = "retrieval")]
    if let ("retrieval", Some(docs)) = (scenario.answer.engine.as_str(), &scenario.answer.docs) {
        knowledge::check(docs).map_err(|error| EngineError::Input(error.to_string()))?;
    }
    let _ = scenario;
    Ok(())
}

/// Loads the scenario's engines and warms them up, so that the first turn is like the others.
pub fn build(scenario: &Scenario, clock: &Clock) -> Result<Engines, EngineError> {
    let stt = recogniser(scenario, clock)?;
    let answer = answerer(scenario, clock)?;
    let tts = voice(scenario, clock)?;
    let described = [
        ("speech_to_text", &stt.described),
        ("answer", &answer.described),
        ("text_to_speech", &tts.described),
    ];
    Ok(Engines {
        described: described
            .map(|(stage, line)| (stage.to_owned(), line.clone()))
            .into(),
        notes: [stt.note, answer.note, tts.note]
            .into_iter()
            .flatten()
            .collect(),
        stt: stt.stage,
        answer: answer.stage,
        clauses: match scenario.answer.engine.as_str() {
            "simulated" => simulated::Fakes::clauses(),
            _ => Box::new(clauses::ClauseStage(scenario.clauses.clone())),
        },
        speech_to_speech: match scenario.topology {
            Topology::Cascade => None,
            Topology::SpeechToSpeech => Some(simulated::model(scenario, clock)),
        },
        tts: tts.stage,
    })
}

/// Loads only the scenario's recogniser; it, and a line about it.
pub fn speech_to_text(
    scenario: &Scenario,
    clock: &Clock,
) -> Result<(stage::SpeechToText, String), EngineError> {
    let built = recogniser(scenario, clock)?;
    Ok((built.stage, built.described))
}

impl Engines {
    /// The engines with the scenario's faults, from their next input on.
    pub fn with_faults(self, scenario: &Scenario, clock: &Clock) -> Engines {
        let faults = Faults {
            faults: &scenario.fault,
            seed: Seed(scenario.seed),
            conversation: 0,
            clock,
        };
        Engines {
            stt: faults.strike(StageName::SpeechToText, self.stt),
            answer: faults.strike(StageName::Answer, self.answer),
            tts: faults.strike(StageName::TextToSpeech, self.tts),
            ..self
        }
    }
}

fn recogniser(
    scenario: &Scenario,
    clock: &Clock,
) -> Result<Built<stage::SpeechToText>, EngineError> {
    let spec = &scenario.stt;
    match spec.engine.as_str() {
        #[cfg(feature = "whisper")]
        "whisper" => whisper::build(spec, clock),
        #[cfg(feature = "command")]
        "command" => command::recogniser(spec.command.as_deref(), clock),
        "simulated" => Ok(simulated::recogniser(scenario, clock)),
        other => Err(missing(other)),
    }
}

fn answerer(scenario: &Scenario, clock: &Clock) -> Result<Built<stage::Answer>, EngineError> {
    let spec = &scenario.answer;
    match spec.engine.as_str() {
        #[cfg(feature = "retrieval")]
        "retrieval" => retrieval::build(spec.docs.as_deref(), clock),
        #[cfg(feature = "command")]
        "command" => command::answerer(spec.command.as_deref(), clock),
        "simulated" => Ok(simulated::answerer(scenario, clock)),
        other => Err(missing(other)),
    }
}

fn voice(scenario: &Scenario, clock: &Clock) -> Result<Built<stage::TextToSpeech>, EngineError> {
    let spec = &scenario.tts;
    match spec.engine.as_str() {
        #[cfg(feature = "piper")]
        "piper" => speech::piper(spec.voice.as_deref(), clock),
        #[cfg(feature = "espeak")]
        "espeak" => speech::espeak(spec.voice.as_deref(), clock),
        #[cfg(feature = "command")]
        "command" => command::voice(spec.command.as_deref(), clock),
        "simulated" => Ok(simulated::voice(scenario, clock)),
        other => Err(missing(other)),
    }
}

/// The scenario was checked, so a name that is not known here was left out of the build.
fn missing(engine: &str) -> EngineError {
    EngineError::Unavailable(format!(
        "this build of voicesim has no engine {engine:?}; build it with: cargo build --release --features {engine}"
    ))
}

/// A worker for an engine's state.
#[cfg(any(
    feature = "whisper",
    feature = "retrieval",
    feature = "piper",
    feature = "espeak",
    feature = "command"
))]
fn worker<S: Send + 'static>(
    clock: &Clock,
    name: &str,
    state: S,
) -> Result<crate::clock::Worker<S>, EngineError> {
    clock.worker(name, state).map_err(|error| {
        EngineError::Unavailable(format!("no thread for the engine {name}: {error}"))
    })
}
