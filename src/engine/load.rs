//! Loads the engines of a scenario: those that are asked first, and the spare ones that policies ask besides them.

use super::build::{Purpose, answerer, recogniser, voice};
use super::needs::hears_ends;
use super::resilience::{Breakers, Circumstances, Policies, Spare, Spares};
use super::{Built, EngineError, Engines, Reply, clauses, simulated};
use crate::clock::Clock;
use crate::event::{StageName, Tick};
use crate::record::tap::Watcher;
use crate::scenario::engine::{Engine, RealtimeModel, SimulatedEngine};
use crate::scenario::latency::Latency;
use crate::scenario::resilience::Service;
use crate::scenario::{Scenario, SimulatedModel, SpeechToSpeech, Topology};
use crate::stage;
use std::collections::BTreeMap;
use std::time::Duration;

/// Engines that the user of the crate makes, in place of the scenario's. `None` leaves that of the scenario.
#[derive(Default)]
pub struct Given {
    /// Recognises speech.
    pub stt: Option<Maker<stage::SpeechToText>>,
    /// Answers.
    pub answer: Option<Maker<stage::Answer>>,
    /// Speaks.
    pub tts: Option<Maker<stage::TextToSpeech>>,
    /// Says whether the caller has finished, if the scenario's endpointing policy asks.
    pub end_of_turn: Option<Maker<stage::EndOfTurn>>,
}

impl Given {
    /// Whether all engines are the scenario's.
    pub fn is_empty(&self) -> bool {
        let Given {
            stt,
            answer,
            tts,
            end_of_turn,
        } = self;
        stt.is_none() && answer.is_none() && tts.is_none() && end_of_turn.is_none()
    }
}

/// Makes what takes its time by a clock: an engine, or an endpointing policy.
pub type Maker<S> = Box<dyn Fn(&Clock) -> S>;

/// The engines of one conversation, warm, and what is to be said of them.
pub struct Loaded {
    /// The engines that are asked first.
    pub engines: Engines,
    /// One line about each, by stage.
    pub described: BTreeMap<String, String>,
    /// What a reader of the figures should know, for example that a voice was replaced.
    pub notes: Vec<String>,
    /// The version of the rules by which answers become spoken text.
    pub speak_rules: u32,
    /// What the endpointing policy asks about the latest sound; `None` for a policy that asks nobody.
    pub end_of_turn: Option<stage::EndOfTurn>,
    /// Wants to be told what happens in the conversation, as a server does of how much of its answer was heard; `None`
    /// if nobody does.
    pub listener: Option<Watcher>,
}

/// What the judge of endpoints is called in reports.
#[cfg(feature = "smart_turn")]
const SMART_TURN: &str = "Smart Turn 3.2 on rten";

/// What an engine of the user's is called in reports.
const GIVEN: &str = "an engine of the program that runs voicesim";

/// Whether the engine of a stage is, or was, the user's, by the lines about all engines.
pub(super) fn is_given(described: &BTreeMap<String, String>, stage: StageName) -> bool {
    let line = described.get(stage.name());
    line.is_some_and(|line| line.contains(GIVEN))
}

/// Loads the scenario's engines and warms them up, so that the first turn is like the others.
///
/// # Errors
/// If an engine is not available. A server need not be there if the stage has a fallback.
pub fn load(scenario: &Scenario, given: &Given, clock: &Clock) -> Result<Loaded, EngineError> {
    let make = Make {
        scenario,
        given,
        clock,
    };
    let end_of_turn = end_of_turn(make)?;
    match &scenario.topology {
        Topology::Cascade => {}
        Topology::SpeechToSpeech(SpeechToSpeech::Simulated(asked)) => {
            return Ok(direct(scenario, asked, clock).with_judge(end_of_turn));
        }
        Topology::SpeechToSpeech(SpeechToSpeech::Realtime(asked)) => {
            return Ok(on_a_server(asked, clock)?.with_judge(end_of_turn));
        }
    }
    let (stt, answer, tts) = (make.stt(None)?, make.answer(None)?, make.tts(None)?);
    let described = [
        (StageName::SpeechToText, &stt.described),
        (StageName::Answer, &answer.described),
        (StageName::TextToSpeech, &tts.described),
    ];
    let described = described.map(|(stage, line)| (stage.name().to_owned(), line.clone()));
    Ok(Loaded {
        described: described.into(),
        end_of_turn: None,
        listener: None,
        notes: [stt.note, answer.note, tts.note]
            .into_iter()
            .flatten()
            .collect(),
        speak_rules: crate::speak::VERSION,
        engines: Engines {
            stt: stt.stage,
            reply: Reply::Cascade {
                answer: answer.stage,
                clauses: match writes_clauses(scenario, given.answer.is_some()) {
                    true => simulated::clauses(),
                    false => Box::new(clauses::ClauseStage::of(
                        scenario.speak(),
                        scenario.clauses(),
                    )),
                },
                tts: tts.stage,
            },
        },
    }
    .with_judge(end_of_turn))
}

/// Whether the pieces of answers are clauses already: those of simulated engines are, if no engine `is_given`.
pub(super) fn writes_clauses(scenario: &Scenario, is_given: bool) -> bool {
    let service = &scenario.answer;
    !is_given
        && service.engine.is_simulated()
        && service.fallback().is_none_or(Engine::is_simulated)
}

/// What the endpointing policy of a scenario asks about sound.
fn end_of_turn(make: Make<'_>) -> Result<Option<JudgeOfEnds>, EngineError> {
    if !hears_ends(make.scenario) {
        return Ok(None);
    }
    if let Some(given) = &make.given.end_of_turn {
        return Ok(Some((given(make.clock), GIVEN)));
    }
    #[cfg(feature = "smart_turn")]
    return Ok(Some((super::smart_turn::build(make.clock)?, SMART_TURN)));
    #[cfg(not(feature = "smart_turn"))]
    Err(EngineError::Unavailable(
        "endpointing.policy: this voicesim was built without smart_turn; build it with `--features smart_turn`, or take another policy".into(),
    ))
}

/// A judge of endpoints, and a line about it.
type JudgeOfEnds = (stage::EndOfTurn, &'static str);

/// A speech-to-speech model in place of the other stages, which it has no use for.
fn direct(scenario: &Scenario, asked: &SimulatedModel, clock: &Clock) -> Loaded {
    let none = SimulatedEngine {
        latency: Latency::fixed_ms(0),
        compute: None,
        leading_silence: Duration::ZERO,
    };
    let stt = simulated::recogniser(&none, scenario.seed().into(), clock);
    let mut described = simulated::described_beside(scenario);
    described.insert(StageName::SpeechToText.name().to_owned(), stt.described);
    Loaded {
        engines: Engines {
            stt: stt.stage,
            reply: Reply::Direct(simulated::model(asked, scenario.seed().into(), clock)),
        },
        described,
        notes: Vec::new(),
        speak_rules: crate::speak::VERSION,
        end_of_turn: None,
        listener: None,
    }
}

/// A model on a server, in place of all stages.
#[cfg(feature = "probe")]
fn on_a_server(asked: &RealtimeModel, clock: &Clock) -> Result<Loaded, EngineError> {
    let realtime = super::realtime::build(asked, clock)?;
    Ok(Loaded {
        engines: Engines {
            stt: realtime.stt,
            reply: Reply::Direct(realtime.model),
        },
        described: BTreeMap::from([(
            StageName::SpeechToSpeech.name().to_owned(),
            realtime.described,
        )]),
        notes: Vec::new(),
        speak_rules: crate::speak::VERSION,
        end_of_turn: realtime.end_of_turn,
        listener: Some(realtime.listener),
    })
}

#[cfg(not(feature = "probe"))]
fn on_a_server(_: &RealtimeModel, _: &Clock) -> Result<Loaded, EngineError> {
    Err(EngineError::Unavailable(
        "this build of voicesim has no engine \"realtime\"; build it with: cargo build --release --features probe".into(),
    ))
}

impl Loaded {
    /// Whether the voice is the user's, or was in the run that is repeated.
    pub fn has_given_voice(&self) -> bool {
        is_given(&self.described, StageName::TextToSpeech)
    }

    /// With a judge of endpoints, if the policy asks one.
    fn with_judge(mut self, judge: Option<JudgeOfEnds>) -> Loaded {
        if let Some((judge, described)) = judge {
            let stage = StageName::EndOfTurn.name().to_owned();
            self.described.insert(stage, described.to_owned());
            self.end_of_turn = Some(judge);
        }
        self
    }

    /// The engines with the scenario's injected faults and resilience policies, from their next input on.
    /// Fallbacks and the second engines of hedged requests are loaded here.
    ///
    /// # Errors
    /// If such an engine is not available.
    pub fn with_policies(
        self,
        scenario: &Scenario,
        given: &Given,
        clock: &Clock,
    ) -> Result<Loaded, EngineError> {
        let Loaded {
            engines,
            mut described,
            mut notes,
            speak_rules,
            end_of_turn,
            listener,
        } = self;
        let breakers = Breakers::default();
        let at = Circumstances {
            conversation: 0,
            clock,
            since: Tick::ZERO,
            breakers: &breakers,
        };
        let mut spares = LoadedSpares {
            make: Make {
                scenario,
                given,
                clock,
            },
            described: &mut described,
            notes: &mut notes,
        };
        let engines = Policies::of(scenario).around(engines, at, &mut spares)?;
        Ok(Loaded {
            engines,
            described,
            notes,
            speak_rules,
            end_of_turn,
            listener,
        })
    }
}

/// Makes the engines of a scenario.
#[derive(Clone, Copy)]
struct Make<'a> {
    scenario: &'a Scenario,
    given: &'a Given,
    clock: &'a Clock,
}

impl Make<'_> {
    /// The first engine of a service, or a spare one.
    fn make<E, S>(
        &self,
        service: &Service<E>,
        given: Option<&Maker<S>>,
        spare: Option<Spare>,
        build: impl Fn(&E, Purpose<'_>) -> Result<Built<S>, EngineError>,
    ) -> Result<Built<S>, EngineError> {
        let fallback = service.fallback();
        let engine = match spare {
            Some(Spare::Fallback) => fallback.unwrap_or(&service.engine),
            None | Some(Spare::Second) => match given {
                Some(make) => return Ok(Built::new(make(self.clock), GIVEN)),
                None => &service.engine,
            },
        };
        let place = Purpose::of(self.scenario, self.clock, fallback.is_some());
        build(engine, place)
    }

    fn stt(&self, spare: Option<Spare>) -> Result<Built<stage::SpeechToText>, EngineError> {
        let given = self.given.stt.as_ref();
        self.make(&self.scenario.stt, given, spare, recogniser)
    }

    fn answer(&self, spare: Option<Spare>) -> Result<Built<stage::Answer>, EngineError> {
        let given = self.given.answer.as_ref();
        self.make(&self.scenario.answer, given, spare, answerer)
    }

    fn tts(&self, spare: Option<Spare>) -> Result<Built<stage::TextToSpeech>, EngineError> {
        let given = self.given.tts.as_ref();
        self.make(&self.scenario.tts, given, spare, voice)
    }
}

/// Loads the spare engines that policies ask besides the first ones, and notes that it did.
struct LoadedSpares<'a> {
    make: Make<'a>,
    described: &'a mut BTreeMap<String, String>,
    notes: &'a mut Vec<String>,
}

impl LoadedSpares<'_> {
    fn told<S>(&mut self, built: Built<S>, stage: StageName, spare: Spare) -> S {
        if let (Spare::Fallback, Some(line)) = (spare, self.described.get_mut(stage.name())) {
            *line += &format!("; if that fails, {}", built.described);
            self.notes.extend(built.note);
        }
        built.stage
    }
}

impl Spares for LoadedSpares<'_> {
    type Error = EngineError;

    fn speech_to_text(&mut self, spare: Spare) -> Result<stage::SpeechToText, EngineError> {
        let built = self.make.stt(Some(spare))?;
        Ok(self.told(built, StageName::SpeechToText, spare))
    }

    fn answer(&mut self, spare: Spare) -> Result<Option<stage::Answer>, EngineError> {
        let built = self.make.answer(Some(spare))?;
        Ok(Some(self.told(built, StageName::Answer, spare)))
    }

    fn text_to_speech(&mut self, spare: Spare) -> Result<Option<stage::TextToSpeech>, EngineError> {
        let built = self.make.tts(Some(spare))?;
        Ok(Some(self.told(built, StageName::TextToSpeech, spare)))
    }
}
