//! Which simulated engines a scenario asks for, and which of its engines are none.

use super::described;
use crate::event::StageName;
use crate::scenario::engine::{
    Answerer, Engine, Recogniser, SimulatedAnswer, SimulatedEngine, Voice,
};
use crate::scenario::latency::Latency;
use crate::scenario::resilience::Service;
use crate::scenario::{Disturbance, Scenario, SimulatedModel, SpeechToSpeech, Topology};
use std::collections::BTreeMap;
use std::time::Duration;

/// The simulated engines that a scenario asks for, and those that it falls back on.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    pub(super) stt: (SimulatedEngine, Option<SimulatedEngine>),
    pub(super) reply: AskedReply,
    pub(super) disturbance: Option<Disturbance>,
}

/// What makes replies: an answer and a voice, or one model.
#[derive(Debug, Clone, PartialEq)]
#[expect(
    clippy::large_enum_variant,
    reason = "there is one for all conversations"
)]
pub(super) enum AskedReply {
    Cascade {
        answer: (SimulatedAnswer, Option<SimulatedAnswer>),
        tts: (SimulatedEngine, Option<SimulatedEngine>),
    },
    Direct(SimulatedModel),
}

impl Asked {
    /// What the scenario asks for.
    ///
    /// # Errors
    /// The table of an engine that is not simulated, and the name of that engine.
    pub fn of(scenario: &Scenario) -> Result<Asked, (String, &'static str)> {
        let recogniser = |engine: &Recogniser| match engine {
            Recogniser::Simulated(engine) => Some(engine.clone()),
            _ => None,
        };
        let direct = match &scenario.topology {
            Topology::Cascade => None,
            Topology::SpeechToSpeech(SpeechToSpeech::Simulated(model)) => Some(model.clone()),
            Topology::SpeechToSpeech(SpeechToSpeech::Realtime(_)) => {
                return Err(("speech_to_speech".to_owned(), "realtime"));
            }
        };
        let stt = asked("stt", &scenario.stt, recogniser)?;
        if let Some(model) = direct {
            let nothing = SimulatedEngine {
                latency: Latency::fixed_ms(0),
                compute: None,
                leading_silence: Duration::ZERO,
            };
            return Ok(Asked {
                // The model hears the utterance itself, and waits for no transcript.
                stt: (nothing, None),
                reply: AskedReply::Direct(model),
                disturbance: None,
            });
        }
        let answer = |engine: &Answerer| match engine {
            Answerer::Simulated(answer) => Some(answer.clone()),
            _ => None,
        };
        let voice = |engine: &Voice| match engine {
            Voice::Simulated(engine) => Some(engine.clone()),
            _ => None,
        };
        Ok(Asked {
            stt,
            reply: AskedReply::Cascade {
                answer: asked("answer", &scenario.answer, answer)?,
                tts: asked("tts", &scenario.tts, voice)?,
            },
            disturbance: scenario.disturbance.clone(),
        })
    }

    /// A line about each engine, by stage.
    pub fn described(&self) -> BTreeMap<String, String> {
        let line = |(first, fallback): (&Latency, Option<&Latency>)| match fallback {
            None => described(first),
            Some(fallback) => {
                format!(
                    "{}; if that fails, {}",
                    described(first),
                    described(fallback)
                )
            }
        };
        match &self.reply {
            AskedReply::Cascade { answer, tts } => [
                (
                    StageName::SpeechToText,
                    line((
                        &self.stt.0.latency,
                        self.stt.1.as_ref().map(|engine| &engine.latency),
                    )),
                ),
                (
                    StageName::Answer,
                    line((
                        &answer.0.latency,
                        answer.1.as_ref().map(|answer| &answer.latency),
                    )),
                ),
                (
                    StageName::TextToSpeech,
                    line((&tts.0.latency, tts.1.as_ref().map(|engine| &engine.latency))),
                ),
            ]
            .into_iter()
            .map(|(stage, line)| (stage.name().to_owned(), line))
            .collect(),
            AskedReply::Direct(model) => BTreeMap::from([(
                StageName::SpeechToSpeech.name().to_owned(),
                described(&model.latency),
            )]),
        }
    }
}

/// The simulated engine that a service asks for, and the one that it falls back on.
fn asked<E: Engine, T>(
    table: &str,
    service: &Service<E>,
    simulated: impl Fn(&E) -> Option<T>,
) -> Result<(T, Option<T>), (String, &'static str)> {
    let engine = &service.engine;
    let first = simulated(engine).ok_or_else(|| (table.to_owned(), engine.name()))?;
    let fallback = match service.fallback() {
        None => None,
        Some(engine) => Some(
            simulated(engine).ok_or_else(|| (format!("cure.{table}.fallback"), engine.name()))?,
        ),
    };
    Ok((first, fallback))
}
