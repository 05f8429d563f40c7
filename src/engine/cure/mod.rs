//! What is done about engines that fail or take too long: each cure wraps a stage in the same trait.
//!
//! From the inside out: the engine with its faults, time-outs (`timed`), a second request beside it
//! (`hedged`), further tries (`retried`), the `breaker`, and another engine (`fallback`). What a cure
//! does is part of the one visit to the stage, so what was lost to failed tries lies in that stage's own
//! hop; each thing done leaves a mark.

mod breaker;
mod fallback;
mod hedged;
mod requests;
mod retried;
mod timed;

use super::Faults;
use super::faulty::Struck;
use crate::event::StageName;
use crate::rng::Seed;
use crate::scenario::Scenario;
use crate::scenario::cure::Cure as Asked;
use crate::stage::{Answer, Piece, Recorded, SpeechToText, Stage, TextToSpeech};
use breaker::{Breaker, Broken, Limit};
use fallback::FallingBack;
use hedged::Hedged;
use requests::{Requested, Requesting};
use retried::{BackOff, Retried};
use std::rc::Rc;
use std::time::Duration;
use timed::{Patience, Timed};

type Boxed<In, Out> = Box<dyn Stage<In = In, Out = Out>>;

/// The cures of a scenario, ready to be put around the engines of one conversation after the other.
#[derive(Default)]
pub struct Cures {
    stt: Option<Cure>,
    answer: Option<Cure>,
    tts: Option<Cure>,
}

/// Those of one stage.
struct Cure {
    patience: Patience,
    hedge_after: Option<Duration>,
    retries: u32,
    back_off: BackOff,
    breaker: Option<Limit>,
    apology: Option<String>,
}

/// What is counted of each provider, all of it closed at first. One for a world: conversations that
/// share the providers share it.
#[derive(Clone, Default)]
pub struct Breakers {
    stt: Rc<Breaker>,
    answer: Rc<Breaker>,
    tts: Rc<Breaker>,
}

/// Who does the work of one stage.
pub struct Providers<S> {
    pub engine: S,
    /// Another one like it, if a second request may run beside the first.
    pub second: Option<S>,
    /// Is asked when all else failed.
    pub fallback: Option<S>,
}

/// What happens to the engines of one conversation.
pub struct Treatment<'a> {
    pub faults: Faults<'a>,
    pub cures: &'a Cures,
    pub breakers: &'a Breakers,
}

impl Cures {
    /// The scenario must have been checked.
    pub fn of(scenario: &Scenario) -> Cures {
        let (cures, seed) = (&scenario.cure, Seed(scenario.seed));
        Cures {
            stt: Cure::of(&cures.stt, StageName::SpeechToText, seed),
            answer: Cure::of(&cures.answer, StageName::Answer, seed),
            tts: Cure::of(&cures.tts, StageName::TextToSpeech, seed),
        }
    }
}

impl Cure {
    /// `None` if nothing is to be done.
    fn of<S: PartialEq>(asked: &Option<Asked<S>>, stage: StageName, seed: Seed) -> Option<Cure> {
        let asked = asked.as_ref().filter(|asked| **asked != Asked::default())?;
        let ms = |ms: Option<u64>| ms.map(Duration::from_millis);
        let (first, most) = asked.back_off_ms();
        Some(Cure {
            patience: Patience {
                first_output: ms(asked.first_output_timeout_ms),
                output: ms(asked.output_timeout_ms),
            },
            hedge_after: ms(asked.hedge_after_ms),
            retries: asked.retries,
            back_off: BackOff {
                first: Duration::from_millis(first),
                most: Duration::from_millis(most),
                source: seed.source(stage.name(), "back-off"),
            },
            breaker: asked.breaker.map(|breaker| Limit {
                failures: breaker.failures,
                open: Duration::from_secs_f64(breaker.open_s),
            }),
            apology: asked.apology.clone(),
        })
    }
}

impl Treatment<'_> {
    pub fn speech_to_text(&self, of: Providers<SpeechToText>) -> SpeechToText {
        let faults = self.faults.of(StageName::SpeechToText);
        let Some(cure) = &self.cures.stt else {
            return faults.strike(of.engine);
        };
        let requested = |stage| -> Boxed<_, _> { Box::new(Requested(stage)) };
        let of = Providers {
            engine: requested(faults.strike(of.engine)),
            second: of.second.map(|second| requested(faults.strike(second))),
            fallback: of.fallback.map(requested),
        };
        // The faults are inside already.
        let none = Struck::default();
        let around = self.around((cure, &self.breakers.stt), &none, of, None);
        Box::new(Requesting(around))
    }

    pub fn answer(&self, of: Providers<Answer>) -> Answer {
        let faults = self.faults.of(StageName::Answer);
        match &self.cures.answer {
            Some(cure) => {
                // Whatever comes behind it is a sentence of its own.
                let apology = cure.apology.as_ref();
                let apology = apology.map(|words| Piece(format!("{} ", words.trim()).into()));
                self.around((cure, &self.breakers.answer), &faults, of, apology)
            }
            None => faults.strike(of.engine),
        }
    }

    pub fn text_to_speech(&self, of: Providers<TextToSpeech>) -> TextToSpeech {
        let faults = self.faults.of(StageName::TextToSpeech);
        match &self.cures.tts {
            Some(cure) => self.around((cure, &self.breakers.tts), &faults, of, None),
            None => faults.strike(of.engine),
        }
    }

    fn around<In: Clone + 'static, Out: Recorded + Clone + 'static>(
        &self,
        (cure, breaker): (&Cure, &Rc<Breaker>),
        faults: &Struck,
        of: Providers<Boxed<In, Out>>,
        apology: Option<Out>,
    ) -> Boxed<In, Out> {
        let clock = || self.faults.clock.clone();
        let timed = |stage| -> Boxed<In, Out> {
            let stage = faults.strike(stage);
            match cure.patience.is_endless() {
                true => stage,
                false => Box::new(Timed {
                    clock: clock(),
                    patience: cure.patience,
                    stage,
                }),
            }
        };
        let mut stage = timed(of.engine);
        if let Some((after, second)) = cure.hedge_after.zip(of.second) {
            stage = Box::new(Hedged {
                clock: clock(),
                after,
                first: stage,
                second: timed(second),
            });
        }
        if cure.retries > 0 {
            stage = Box::new(Retried {
                clock: clock(),
                retries: cure.retries,
                back_off: cure.back_off,
                conversation: self.faults.conversation,
                inputs: 0,
                stage,
            });
        }
        if let Some(limit) = cure.breaker {
            stage = Box::new(Broken {
                clock: clock(),
                since: self.faults.since,
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
