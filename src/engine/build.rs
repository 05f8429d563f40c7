//! Makes one engine of a stage: the one place that knows all engines.

#[cfg(feature = "command")]
use super::command;
#[cfg(feature = "openai")]
use super::openai;
#[cfg(feature = "retrieval")]
use super::retrieval;
#[cfg(any(feature = "piper", feature = "espeak"))]
use super::speech;
#[cfg(feature = "whisper")]
use super::whisper;
use super::{Built, EngineError, simulated, vote};
use crate::clock::Clock;
#[cfg(feature = "retrieval")]
use crate::knowledge;
use crate::rng::Seed;
use crate::scenario::engine::{Answerer, Recogniser, Voice};
use crate::scenario::{Clauses, Scenario};
use crate::stage;

/// What an engine is made for.
#[derive(Clone, Copy)]
pub(super) struct Purpose<'a> {
    pub(super) clock: &'a Clock,
    /// What simulated engines draw from.
    pub(super) seed: Seed,
    /// How simulated answers are cut.
    pub(super) clauses: &'a Clauses,
    /// Whether a fallback is asked where the engine fails, so that the engine need not be there. Only a server
    /// may be absent.
    #[cfg_attr(not(feature = "openai"), expect(dead_code))]
    pub(super) has_fallback: bool,
}

impl<'a> Purpose<'a> {
    pub(super) fn of(scenario: &'a Scenario, clock: &'a Clock, has_fallback: bool) -> Purpose<'a> {
        Purpose {
            clock,
            seed: scenario.seed(),
            clauses: scenario.clauses(),
            has_fallback,
        }
    }
}

pub(super) fn recogniser(
    engine: &Recogniser,
    at: Purpose<'_>,
) -> Result<Built<stage::SpeechToText>, EngineError> {
    match engine {
        #[cfg(feature = "whisper")]
        Recogniser::Whisper { model, language } => {
            whisper::build(model.as_deref(), language.as_deref(), at.clock)
        }
        #[cfg(feature = "command")]
        Recogniser::Command(program) => command::recogniser(program, at.clock),
        #[cfg(feature = "openai")]
        Recogniser::Openai(asked) => openai::recogniser(asked, at),
        Recogniser::Simulated(engine) => {
            Ok(simulated::recogniser(engine, at.seed.into(), at.clock))
        }
        #[cfg(not(all(feature = "whisper", feature = "command", feature = "openai")))]
        other => Err(missing(other)),
    }
}

/// The engine that answers, or as many of it as vote on an answer. A simulated one votes by itself.
pub(super) fn answerer(
    engine: &Answerer,
    at: Purpose<'_>,
) -> Result<Built<stage::Answer>, EngineError> {
    let votes = match engine {
        Answerer::Openai { votes, .. } | Answerer::Command { votes, .. } => *votes,
        Answerer::Retrieval(_) | Answerer::Simulated(_) => 1,
    };
    if votes == 1 {
        return one_answerer(engine, at);
    }
    let engines = (0..votes).map(|_| one_answerer(engine, at));
    let engines: Vec<_> = engines.collect::<Result<_, _>>()?;
    let described = engines.first().map_or("", |built| &built.described);
    Ok(Built {
        described: format!("the majority of {votes} answers of {described}"),
        note: engines.iter().find_map(|built| built.note.clone()),
        stage: Box::new(vote::Voted(
            engines.into_iter().map(|built| built.stage).collect(),
        )),
    })
}

fn one_answerer(engine: &Answerer, at: Purpose<'_>) -> Result<Built<stage::Answer>, EngineError> {
    match engine {
        #[cfg(feature = "retrieval")]
        Answerer::Retrieval(documents) => retrieval::build(documents, at.clock),
        #[cfg(feature = "command")]
        Answerer::Command { program, votes } => command::answerer(program, *votes, at.clock),
        #[cfg(feature = "openai")]
        Answerer::Openai { model, .. } => openai::answerer(model, at),
        Answerer::Simulated(answer) => Ok(simulated::answerer(
            answer,
            at.clauses,
            at.seed.into(),
            at.clock,
        )),
        #[cfg(not(all(feature = "retrieval", feature = "command", feature = "openai")))]
        other => Err(missing(other)),
    }
}

pub(super) fn voice(
    engine: &Voice,
    at: Purpose<'_>,
) -> Result<Built<stage::TextToSpeech>, EngineError> {
    match engine {
        #[cfg(feature = "piper")]
        Voice::Piper { voice } => speech::piper(voice.as_deref(), at.clock),
        #[cfg(feature = "espeak")]
        Voice::Espeak { voice } => speech::espeak(voice.as_deref(), at.clock),
        #[cfg(feature = "command")]
        Voice::Command(program) => command::voice(program, at.clock),
        #[cfg(feature = "openai")]
        Voice::Openai(asked) => openai::voice(asked, at),
        Voice::Simulated(engine) => Ok(simulated::voice(engine, at.seed.into(), at.clock)),
        #[cfg(not(all(
            feature = "piper",
            feature = "espeak",
            feature = "command",
            feature = "openai"
        )))]
        other => Err(missing(other)),
    }
}

#[cfg(not(all(
    feature = "whisper",
    feature = "retrieval",
    feature = "piper",
    feature = "espeak",
    feature = "command",
    feature = "openai"
)))]
fn missing(engine: &dyn crate::scenario::engine::Engine) -> EngineError {
    let engine = engine.name();
    EngineError::Unavailable(format!(
        "this build of voicesim has no engine {engine:?}; build it with: cargo build --release --features {engine}"
    ))
}

/// Loads the scenario's recogniser alone; returns it with a line about it.
pub fn speech_to_text(
    scenario: &Scenario,
    clock: &Clock,
) -> Result<(stage::SpeechToText, String), EngineError> {
    let built = recogniser(&scenario.stt.engine, Purpose::of(scenario, clock, false))?;
    Ok((built.stage, built.described))
}

/// Loads the scenario's answering engine alone.
pub fn answer(scenario: &Scenario, clock: &Clock) -> Result<stage::Answer, EngineError> {
    let built = answerer(&scenario.answer.engine, Purpose::of(scenario, clock, false))?;
    Ok(built.stage)
}

/// Loads the scenario's voice alone.
pub fn text_to_speech(
    scenario: &Scenario,
    clock: &Clock,
) -> Result<stage::TextToSpeech, EngineError> {
    let built = voice(&scenario.tts.engine, Purpose::of(scenario, clock, false))?;
    Ok(built.stage)
}

/// Checks what can be checked of the engines' input without loading a model.
pub fn check(scenario: &Scenario) -> Result<(), EngineError> {
    let answer = &scenario.answer;
    for engine in std::iter::once(&answer.engine).chain(answer.fallback()) {
        check_documents(engine)?;
    }
    Ok(())
}

/// Whether the documents or the index can be answered from.
#[cfg(feature = "retrieval")]
fn check_documents(engine: &Answerer) -> Result<(), EngineError> {
    use crate::scenario::engine::Documents;
    let documents = match engine {
        Answerer::Retrieval(documents) => documents,
        Answerer::Openai { model, .. } => match &model.passages {
            Some(passages) => &passages.documents,
            None => return Ok(()),
        },
        Answerer::Command { .. } | Answerer::Simulated(_) => return Ok(()),
    };
    let checked = match documents {
        Documents::BuiltIn => Ok(()),
        Documents::Folder(folder) => knowledge::check(folder),
        Documents::Index(folder) => knowledge::check_index(folder),
    };
    checked.map_err(|error| EngineError::Input(error.to_string()))
}

#[cfg(not(feature = "retrieval"))]
fn check_documents(_: &Answerer) -> Result<(), EngineError> {
    Ok(())
}
