//! Resilience policies: what is done about engines that fail or take too long. Each policy wraps a stage in the trait
//! of stages.
//!
//! From the inside out: the engine with its injected faults, time-outs (`timed`), a second request beside the first
//! (`hedged`), retries (`retried`), the circuit breaker (`breaker`), and another engine (`fallback`). What a policy
//! does is part of the one visit to the stage, so time lost to failed tries lies in that stage's own hop; each
//! thing done leaves a mark.
//!
//! [`Policies::around`] is the one place that wraps engines, for a run and for a simulation alike.

mod breaker;
mod fallback;
mod hedged;
mod requests;
mod retried;
mod timed;

use super::injected_faults::{InjectedFaults, Struck};
use super::{Engines, Reply};
use crate::clock::Clock;
use crate::event::{StageName, Tick};
use crate::rng::Seed;
use crate::scenario::Scenario;
use crate::scenario::resilience::{Breaker as Limit, Service};
use crate::stage::{Answer, Piece, Recorded, SpeechToText, Stage, TextToSpeech};
use breaker::{Breaker, Broken};
use fallback::FallingBack;
use hedged::Hedged;
use requests::{Requested, Requesting};
use retried::{BackOff, Retried};
use std::rc::Rc;
use std::time::Duration;
use timed::{Patience, Timed};

type Boxed<In, Out> = Box<dyn Stage<In = In, Out = Out>>;

/// The injected faults and resilience policies of a scenario, ready to be put around the engines of any number of
/// conversations.
pub struct Policies {
    faults: InjectedFaults,
    stt: Option<Policy>,
    answer: Option<Policy>,
    tts: Option<Policy>,
}

/// The resilience policies of one stage.
struct Policy {
    patience: Patience,
    hedge_after: Option<Duration>,
    retries: u32,
    back_off: BackOff,
    breaker: Option<Limit>,
    falls_back: bool,
    apology: Option<String>,
}

/// The circuit breakers of all providers, closed at first. A world has one set: conversations that share providers
/// share their breakers.
#[derive(Clone, Default)]
pub struct Breakers {
    stt: Rc<Breaker>,
    answer: Rc<Breaker>,
    tts: Rc<Breaker>,
}

/// The conversation whose engines are wrapped.
#[derive(Clone, Copy)]
pub struct Circumstances<'a> {
    /// The conversation's number, which its random draws come from.
    pub conversation: u64,
    /// The conversation's clock.
    pub clock: &'a Clock,
    /// How long the world had been going when the conversation began.
    pub since: Tick,
    /// The circuit breakers of the conversation's world.
    pub breakers: &'a Breakers,
}

/// Which spare engine of a stage a policy asks besides the first one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spare {
    /// An engine like the first, for a second request beside it.
    Second,
    /// The fallback, which is asked when all else failed.
    Fallback,
}

/// Makes spare engines. `None` stands for a stage that the scenario's topology has not.
pub trait Spares {
    /// Why a spare engine cannot be made.
    type Error;
    /// Makes a recogniser.
    fn speech_to_text(&mut self, spare: Spare) -> Result<SpeechToText, Self::Error>;
    /// Makes an answering engine.
    fn answer(&mut self, spare: Spare) -> Result<Option<Answer>, Self::Error>;
    /// Makes a voice.
    fn text_to_speech(&mut self, spare: Spare) -> Result<Option<TextToSpeech>, Self::Error>;
}

/// The engines of one stage.
struct Providers<S> {
    engine: S,
    second: Option<S>,
    fallback: Option<S>,
}

impl Policies {
    /// The injected faults and resilience policies of a scenario.
    pub fn of(scenario: &Scenario) -> Policies {
        let seed = scenario.seed();
        Policies {
            faults: InjectedFaults::of(&scenario.faults, seed),
            stt: Policy::of(&scenario.stt, StageName::SpeechToText, seed),
            answer: Policy::of(&scenario.answer, StageName::Answer, seed),
            tts: Policy::of(&scenario.tts, StageName::TextToSpeech, seed),
        }
    }

    /// The engines with injected faults and resilience policies around them, from their next input on.
    ///
    /// # Errors
    /// If a spare engine cannot be made.
    pub fn around<S: Spares>(
        &self,
        engines: Engines,
        at: Circumstances<'_>,
        spares: &mut S,
    ) -> Result<Engines, S::Error> {
        let stt = Policy::providers(engines.stt, self.stt.as_ref(), |spare| {
            spares.speech_to_text(spare).map(Some)
        })?;
        let reply = match engines.reply {
            Reply::Direct(model) => Reply::Direct(model),
            Reply::Cascade {
                answer,
                clauses,
                tts,
            } => {
                let answer =
                    Policy::providers(answer, self.answer.as_ref(), |spare| spares.answer(spare))?;
                let tts = Policy::providers(tts, self.tts.as_ref(), |spare| {
                    spares.text_to_speech(spare)
                })?;
                Reply::Cascade {
                    answer: self.answer(answer, at),
                    clauses,
                    tts: self.text_to_speech(tts, at),
                }
            }
        };
        Ok(Engines {
            stt: self.speech_to_text(stt, at),
            reply,
        })
    }

    fn speech_to_text(&self, of: Providers<SpeechToText>, at: Circumstances<'_>) -> SpeechToText {
        let faults = self.faults.of_stage(StageName::SpeechToText, at);
        let Some(policy) = &self.stt else {
            return faults.strike(of.engine);
        };
        let requested = |stage| -> Boxed<_, _> { Box::new(Requested(stage)) };
        let of = Providers {
            engine: requested(faults.strike(of.engine)),
            second: of.second.map(|second| requested(faults.strike(second))),
            fallback: of.fallback.map(requested),
        };
        // The injected faults are inside already.
        let none = Struck::default();
        let around = policy.around((at, &at.breakers.stt), &none, of, None);
        Box::new(Requesting(around))
    }

    fn answer(&self, of: Providers<Answer>, at: Circumstances<'_>) -> Answer {
        let faults = self.faults.of_stage(StageName::Answer, at);
        match &self.answer {
            Some(policy) => {
                // A blank, since whatever follows the apology is a sentence of its own.
                let apology = policy.apology.as_ref();
                let apology = apology.map(|words| Piece(format!("{} ", words.trim()).into()));
                policy.around((at, &at.breakers.answer), &faults, of, apology)
            }
            None => faults.strike(of.engine),
        }
    }

    fn text_to_speech(&self, of: Providers<TextToSpeech>, at: Circumstances<'_>) -> TextToSpeech {
        let faults = self.faults.of_stage(StageName::TextToSpeech, at);
        match &self.tts {
            Some(policy) => policy.around((at, &at.breakers.tts), &faults, of, None),
            None => faults.strike(of.engine),
        }
    }
}

impl Policy {
    /// The policies of a stage; `None` if it has none.
    fn of<E>(service: &Service<E>, stage: StageName, seed: Seed) -> Option<Policy> {
        let asked = service.resilience.as_ref()?;
        Some(Policy {
            patience: Patience {
                first_output: asked.first_output_timeout,
                output: asked.output_timeout,
            },
            hedge_after: asked.hedge_after,
            retries: asked.retries,
            back_off: BackOff {
                first: asked.back_off,
                most: asked.back_off_max,
                source: seed.source(stage.name(), "back-off"),
            },
            breaker: asked.breaker,
            falls_back: asked.fallback.is_some(),
            apology: asked.apology.clone(),
        })
    }

    /// The first engine of a stage, with the spare ones that its policies ask.
    fn providers<S, E>(
        engine: S,
        policy: Option<&Policy>,
        mut spare: impl FnMut(Spare) -> Result<Option<S>, E>,
    ) -> Result<Providers<S>, E> {
        let is_hedged = policy.is_some_and(|policy| policy.hedge_after.is_some());
        let falls_back = policy.is_some_and(|policy| policy.falls_back);
        Ok(Providers {
            engine,
            second: match is_hedged {
                true => spare(Spare::Second)?,
                false => None,
            },
            fallback: match falls_back {
                true => spare(Spare::Fallback)?,
                false => None,
            },
        })
    }

    fn around<In: Clone + 'static, Out: Recorded + Clone + 'static>(
        &self,
        (at, breaker): (Circumstances<'_>, &Rc<Breaker>),
        faults: &Struck,
        of: Providers<Boxed<In, Out>>,
        apology: Option<Out>,
    ) -> Boxed<In, Out> {
        let clock = || at.clock.clone();
        let timed = |stage| -> Boxed<In, Out> {
            let stage = faults.strike(stage);
            match self.patience.is_endless() {
                true => stage,
                false => Box::new(Timed {
                    clock: clock(),
                    patience: self.patience,
                    stage,
                }),
            }
        };
        let mut stage = timed(of.engine);
        if let Some((after, second)) = self.hedge_after.zip(of.second) {
            stage = Box::new(Hedged {
                clock: clock(),
                after,
                first: stage,
                second: timed(second),
            });
        }
        if self.retries > 0 {
            stage = Box::new(Retried {
                clock: clock(),
                retries: self.retries,
                back_off: self.back_off,
                conversation: at.conversation,
                inputs: 0,
                stage,
            });
        }
        if let Some(limit) = self.breaker {
            stage = Box::new(Broken {
                clock: clock(),
                since: at.since,
                limit,
                breaker: breaker.clone(),
                stage,
            });
        }
        match of.fallback {
            Some(fallback) => Box::new(FallingBack {
                stage,
                fallback,
                apology,
            }),
            None => stage,
        }
    }
}
