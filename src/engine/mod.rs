//! The engines: everything that really recognises, answers and speaks, and the fakes that only take
//! their time. [`build`] is the one place that knows them by name.

pub mod clauses;
#[cfg(feature = "command")]
mod command;
pub mod cure;
mod faulty;
#[cfg(feature = "openai")]
mod openai;
mod phoneme_brackets;
pub mod pool;
#[cfg(any(feature = "retrieval", feature = "openai"))]
mod quiet;
pub mod recorded;
#[cfg(feature = "retrieval")]
mod retrieval;
pub mod simulated;
#[cfg(any(feature = "piper", feature = "espeak"))]
mod speech;
#[cfg(test)]
mod test_stages;
#[cfg(any(feature = "piper", feature = "espeak"))]
pub mod voice;
mod vote;
#[cfg(feature = "whisper")]
mod whisper;

use crate::clock::Clock;
use crate::event::Tick;
#[cfg(feature = "retrieval")]
use crate::knowledge;
use crate::rng::Seed;
use crate::scenario::cure::{Cure, Cures as CureTable, fallback};
use crate::scenario::{self, Scenario, Topology};
use crate::stage;
use cure::{Breakers, Cures, Providers, Treatment};
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
    {
        check_knowledge(&scenario.answer)?;
        fallback(&scenario.cure.answer).map_or(Ok(()), check_knowledge)?;
    }
    let _ = scenario;
    Ok(())
}

/// Whether the documents or the index can be answered from.
#[cfg(feature = "retrieval")]
fn check_knowledge(answer: &scenario::Answer) -> Result<(), EngineError> {
    if !["retrieval", "openai"].contains(&answer.engine.as_str()) {
        return Ok(());
    }
    let docs = answer.docs.as_deref().map(knowledge::check);
    let index = answer.index.as_deref().map(knowledge::check_index);
    let checked = docs.or(index).unwrap_or(Ok(()));
    checked.map_err(|error| EngineError::Input(error.to_string()))
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
        clauses: match is_fake(&scenario.answer)
            && fallback(&scenario.cure.answer).is_none_or(is_fake)
        {
            true => simulated::Fakes::clauses(),
            false => Box::new(clauses::ClauseStage(scenario.clauses.clone())),
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

/// Its pieces are clauses already.
fn is_fake(answer: &scenario::Answer) -> bool {
    answer.engine == "simulated"
}

impl Engines {
    /// The engines with the scenario's faults and cures, from their next input on. What is fallen back
    /// on, or asked beside another one, is loaded here.
    pub fn treated(self, scenario: &Scenario, clock: &Clock) -> Result<Engines, EngineError> {
        let (cures, breakers) = (Cures::of(scenario), Breakers::default());
        let treatment = Treatment {
            faults: Faults {
                faults: &scenario.fault,
                seed: Seed(scenario.seed),
                conversation: 0,
                clock,
                since: Tick::ZERO,
            },
            cures: &cures,
            breakers: &breakers,
        };
        let CureTable { stt, answer, tts } = &scenario.cure;
        let (mut described, mut notes) = (self.described, self.notes);
        let mut spare = Spare {
            scenario,
            reserve: &scenario.in_reserve(),
            clock,
            described: &mut described,
            notes: &mut notes,
        };
        Ok(Engines {
            stt: treatment.speech_to_text(spare.of(
                ("speech_to_text", self.stt),
                stt,
                recogniser,
            )?),
            answer: treatment.answer(spare.of(("answer", self.answer), answer, answerer)?),
            tts: treatment.text_to_speech(spare.of(("text_to_speech", self.tts), tts, voice)?),
            clauses: self.clauses,
            speech_to_speech: self.speech_to_speech,
            described,
            notes,
        })
    }
}

/// Loads what is asked besides the engines that are asked first.
struct Spare<'a> {
    scenario: &'a Scenario,
    /// The same with what is fallen back on.
    reserve: &'a Scenario,
    clock: &'a Clock,
    described: &'a mut BTreeMap<String, String>,
    notes: &'a mut Vec<String>,
}

impl Spare<'_> {
    fn of<S, T>(
        &mut self,
        (stage, engine): (&str, S),
        cure: &Option<Cure<T>>,
        build: impl Fn(&Scenario, &Clock) -> Result<Built<S>, EngineError>,
    ) -> Result<Providers<S>, EngineError> {
        let is_hedged = cure
            .as_ref()
            .is_some_and(|cure| cure.hedge_after_ms.is_some());
        let second = match is_hedged {
            true => Some(build(self.scenario, self.clock)?.stage),
            false => None,
        };
        let fallback = match fallback(cure) {
            Some(_) => Some(build(self.reserve, self.clock)?),
            None => None,
        };
        if let (Some(built), Some(line)) = (&fallback, self.described.get_mut(stage)) {
            *line += &format!("; if that fails, {}", built.described);
            self.notes.extend(built.note.clone());
        }
        Ok(Providers {
            engine,
            second,
            fallback: fallback.map(|built| built.stage),
        })
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
        #[cfg(feature = "openai")]
        "openai" => openai::recogniser(scenario, clock),
        "simulated" => Ok(simulated::recogniser(scenario, clock)),
        other => Err(missing(other)),
    }
}

fn one_answerer(scenario: &Scenario, clock: &Clock) -> Result<Built<stage::Answer>, EngineError> {
    let spec = &scenario.answer;
    match spec.engine.as_str() {
        #[cfg(feature = "retrieval")]
        "retrieval" => retrieval::build(spec, clock),
        #[cfg(feature = "command")]
        "command" => command::answerer(spec.command.as_deref(), clock),
        #[cfg(feature = "openai")]
        "openai" => openai::answerer(scenario, clock),
        "simulated" => Ok(simulated::answerer(scenario, clock)),
        other => Err(missing(other)),
    }
}

/// The engine that answers, or as many of it as vote on an answer. A fake votes by itself.
fn answerer(scenario: &Scenario, clock: &Clock) -> Result<Built<stage::Answer>, EngineError> {
    let samples = scenario.answer.best_of;
    if samples == 1 || is_fake(&scenario.answer) {
        return one_answerer(scenario, clock);
    }
    let engines = (0..samples).map(|_| one_answerer(scenario, clock));
    let engines: Vec<_> = engines.collect::<Result<_, _>>()?;
    let described = engines.first().map_or("", |built| &built.described);
    Ok(Built {
        described: format!("the majority of {samples} answers of {described}"),
        note: engines.iter().find_map(|built| built.note.clone()),
        stage: Box::new(vote::Voted(
            engines.into_iter().map(|built| built.stage).collect(),
        )),
    })
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
        #[cfg(feature = "openai")]
        "openai" => openai::voice(scenario, clock),
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
