//! What all conversations of a simulation share, and how one of them is held.

use super::between::Between;
use super::caller::{Caller, Mind, Scripted};
use super::distant::Distant;
use super::improvised::{Improvised, Texts};
use super::judge::{Fate, Judge};
use super::lines::lines;
use super::load::{self, Fold};
use super::manner::Habits;
use super::voice::Voice;
use super::world::World;
use crate::audio::{Imagined, Speaker};
use crate::clock::Branch;
use crate::ear::UtteranceOver;
use crate::engine::Faults;
use crate::engine::cure::{Cures, Providers, Treatment};
use crate::engine::simulated::{self, Fakes, Occasion};
use crate::event::{Event, Mark, SessionEnd, SessionId, Tick, TurnId};
use crate::interrupt::policy::NAMES;
use crate::measure::LoadFigures;
use crate::pipeline::endpoint::Endpointing;
use crate::pipeline::{AgentState, Filler, Replying, Session, Settings, Stages};
use crate::record::tap::Tap;
use crate::rng::{Seed, Source};
use crate::scenario::cure::{Cure, fallback};
use crate::scenario::network::{Bursts, Path};
use crate::scenario::{Scenario, Topology};
use crate::stage::Watched;
use crate::stage::queue;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

/// Reports of the ear that may wait for the session: more than come in one tick.
const ACTIVITY_WAITING_MAX: usize = 16;

/// A scenario, ready to be simulated on one thread.
pub struct Setting {
    scenario: Scenario,
    fakes: Rc<Fakes>,
    /// What is fallen back on.
    reserve: Rc<Fakes>,
    cures: Cures,
    habits: Option<Arc<Habits>>,
    between: Arc<Between>,
    texts: Texts,
    outbound: Path,
    bursts: Bursts,
    way_out: Source,
    policy: &'static str,
}

impl Setting {
    /// The scenario must have been checked.
    pub fn new(scenario: &Scenario) -> Setting {
        let seed = Seed(scenario.seed);
        let caller = scenario.caller.as_ref();
        let named = |name: &&&str| **name == scenario.interruption.policy;
        let fakes = Rc::new(Fakes::of(scenario));
        Setting {
            reserve: match scenario.cure.is_none() {
                true => fakes.clone(),
                false => Rc::new(Fakes::of(&scenario.in_reserve())),
            },
            fakes,
            cures: Cures::of(scenario),
            habits: caller.map(|caller| Arc::new(Habits::new(caller, seed))),
            between: Arc::new(Between::new(scenario)),
            texts: Texts::default(),
            outbound: scenario.network.paths().outbound,
            bursts: Bursts::of(&scenario.fault),
            way_out: seed.source("network", "out"),
            policy: NAMES.iter().find(named).copied().unwrap_or_default(),
            scenario: scenario.clone(),
        }
    }

    /// Holds one conversation; what happened, in place of what `events` held before.
    ///
    /// # Errors
    /// If it waits for something that cannot come, which is a fault of voicesim's.
    pub fn hold(&self, conversation: u32, events: Vec<Event>) -> io::Result<Vec<Event>> {
        let world = World::new(&self.scenario, &(Tick::ZERO..Tick(u64::MAX)));
        world.run(self.converse(&world, conversation, events))
    }

    /// Holds the calls of world `number` of a load, if the scenario has one; `None` if it has not. `fold` is
    /// handed the number and the events of each conversation that is measured, and gives back room for others.
    ///
    /// # Errors
    /// If more calls come than a world has room for: of kind `QuotaExceeded` at once, of kind `InvalidInput`
    /// in all.
    pub fn hold_load(&self, number: u32, fold: &mut Fold<'_>) -> io::Result<Option<LoadFigures>> {
        let load = self.scenario.load.as_ref();
        load.map(|load| load::hold(self, load, number, fold))
            .transpose()
    }

    pub(super) fn scenario(&self) -> &Scenario {
        &self.scenario
    }

    /// A conversation of a world, from now on.
    pub(super) async fn converse(
        &self,
        world: &World,
        conversation: u32,
        events: Vec<Event>,
    ) -> Vec<Event> {
        let since = world.clock.now();
        let clock = world.clock.alongside();
        let bursts = self.bursts.since(since);
        let tap = Tap::of_figures(clock.clone(), SessionId(conversation), events);
        let at = Occasion::new(&clock, conversation.into(), world.pools.clone());
        let fate = Fate::default();
        let over = UtteranceOver::default();
        let (activity, heard) = queue::channel(ACTIVITY_WAITING_MAX);
        let shown = Rc::new(Watched::<AgentState>::default());
        let caller = Caller {
            clock: clock.clone(),
            tap: tap.clone(),
            agent: shown.clone(),
            voice: Voice::new(
                clock.clone(),
                tap.clone(),
                over.clone(),
                activity,
                fate.clone(),
                bursts.clone(),
            ),
            mind: self.mind(conversation.into(), &at),
        };
        let session = Session {
            clock,
            tap: tap.clone(),
            stages: self.stages(&at, (world, since)),
            policy: Box::new(Judge {
                policy: self.policy,
                fate,
            }),
            settings: settings(&self.scenario),
            over,
            speaker: self.speaker(conversation.into(), &at, bursts),
            agent: shown,
        };
        let (caller, session) = (Branch::new(caller.speak()), Branch::new(session.run(heard)));
        tokio::join!(biased; caller, session);
        let cause = SessionEnd::Finished;
        tap.mark(TurnId(0), Mark::SessionEnded { cause });
        tap.take_events()
    }

    fn mind(&self, conversation: u64, at: &Occasion) -> Mind {
        match &self.habits {
            Some(habits) => Mind::Improvised(Improvised::new(
                habits.clone(),
                self.between.clone(),
                self.texts.clone(),
                conversation,
                at.said(),
            )),
            None => {
                let lines = lines(&self.scenario, &self.between, conversation);
                Mind::Scripted(Scripted::new(lines.unwrap_or_default()))
            }
        }
    }

    fn stages(&self, at: &Occasion, (world, since): (&World, Tick)) -> Stages {
        let treatment = Treatment {
            faults: Faults {
                faults: &self.scenario.fault,
                seed: Seed(self.scenario.seed),
                conversation: at.conversation(),
                clock: at.clock(),
                since,
            },
            cures: &self.cures,
            breakers: &world.breakers,
        };
        let cure = &self.scenario.cure;
        Stages {
            stt: treatment
                .speech_to_text(self.providers(at, &cure.stt, Fakes::speech_to_text))
                .into(),
            reply: match self.scenario.topology {
                Topology::Cascade => Replying::Cascade {
                    answer: treatment
                        .answer(self.providers(at, &cure.answer, Fakes::answer))
                        .into(),
                    clauses: Fakes::clauses().into(),
                    tts: treatment
                        .text_to_speech(self.providers(at, &cure.tts, Fakes::text_to_speech))
                        .into(),
                },
                Topology::SpeechToSpeech => {
                    Replying::Direct(self.fakes.speech_to_speech(at).into())
                }
            },
            filler: filler(&self.scenario),
        }
    }

    /// The fakes of one stage that its cures ask.
    fn providers<S, T>(
        &self,
        at: &Occasion,
        cure: &Option<Cure<T>>,
        make: impl Fn(&Rc<Fakes>, &Occasion) -> S,
    ) -> Providers<S> {
        let is_hedged = cure.as_ref().is_some_and(|c| c.hedge_after_ms.is_some());
        Providers {
            engine: make(&self.fakes, at),
            second: is_hedged.then(|| make(&self.fakes, at)),
            fallback: fallback(cure).map(|_| make(&self.reserve, &at.elsewhere())),
        }
    }

    fn speaker(&self, conversation: u64, at: &Occasion, bursts: Bursts) -> Rc<dyn Speaker> {
        if self.scenario.network.is_none() && bursts.is_empty() {
            return Rc::new(Imagined);
        }
        Rc::new(Distant::new(
            at.clock().clone(),
            (self.outbound.clone(), bursts),
            self.way_out,
            conversation,
            at.said(),
        ))
    }
}

/// What a fake voice says when an answer takes long.
pub fn filler(scenario: &Scenario) -> Option<Filler> {
    let filler = scenario.filler.as_ref()?;
    Some(Filler {
        after: Duration::from_millis(filler.after_ms),
        sound: simulated::sound(filler.text.as_str().into()),
    })
}

/// The settings of a session.
pub fn settings(scenario: &Scenario) -> Settings {
    let speculation = &scenario.speculation;
    let resume_after = Duration::from_millis(scenario.interruption.resume_after_ms);
    Settings {
        endpointing: Endpointing {
            silence: Duration::from_millis(scenario.endpointing.silence_ms),
            longest: Duration::from_millis(scenario.endpointing.longest_utterance_ms),
        },
        speculate_after: (speculation.enabled).then(|| Duration::from_millis(speculation.after_ms)),
        ask_every: (speculation.while_speaking_ms)
            .filter(|_| speculation.enabled)
            .map(Duration::from_millis),
        resume_after: Some(resume_after).filter(|patience| !patience.is_zero()),
    }
}
