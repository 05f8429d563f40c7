//! What all conversations of a simulation share, and how one of them is held.

use super::load::{self, Fold};
use super::world::World;
use crate::audio::{Imagined, Speaker};
use crate::caller::{
    Between, Caller, Distant, Fate, FatedEndpoint, FatedPolicy, Habits, Improvised, Mind, Scripted,
    Texts, Voice, lines,
};
use crate::clock::Branch;
use crate::conversation::{
    self, Parts, simulated_disclosure, simulated_filler, simulated_openings,
};
use crate::ear::UtteranceOver;
use crate::endpoint::{Endpointing, Silence, SmartTurn};
use crate::engine::resilience::{Circumstances, Policies};
use crate::engine::simulated::{self, Occasion, SimulatedEngines};
use crate::event::{Event, Mark, SessionEnd, SessionId, Tick, TurnId};
use crate::measure::LoadFigures;
use crate::pipeline::AgentState;
use crate::record::tap::Tap;
use crate::rng::Source;
use crate::scenario::latency::Latency;
use crate::scenario::load::Load;
use crate::scenario::network::Bursts;
use crate::scenario::{EndpointPolicy, Says, Scenario};
use crate::stage::Watched;
use crate::stage::queue;
use std::collections::BTreeMap;
use std::io;
use std::rc::Rc;
use std::sync::Arc;

/// Reports of the ear that may wait for the session: more than come in one tick.
const ACTIVITY_WAITING_MAX: usize = 16;

/// A scenario that can be simulated: nothing in it makes a sound, and all its engines are simulated.
#[derive(Debug, Clone)]
pub struct Simulable {
    scenario: Scenario,
    engines: simulated::Asked,
}

impl Simulable {
    /// The scenario, if it can be simulated.
    ///
    /// # Errors
    /// What in the scenario cannot be simulated, and how to mend it.
    pub fn of(scenario: Scenario) -> Result<Simulable, String> {
        let engines = simulated::Asked::of(&scenario).map_err(|(table, engine)| {
            format!(
                "{table}.engine: a simulation runs no engines, this stage has {engine:?}; set engine = \"simulated\" and a latency, or hold the conversation once with `voicesim run --clock virtual`"
            )
        })?;
        if scenario.caller.is_none() && scenario.turns.is_empty() {
            return Err(
                "caller: nobody says anything; add a [caller], or turns with speech = { … }".into(),
            );
        }
        if let EndpointPolicy::SmartTurn { .. } = scenario.endpointing.policy {
            return Err(
                "endpointing.policy: smart_turn hears sound, and a simulation has none; take \"silence\" or another policy, or hold the conversation with `voicesim run --clock virtual`".into(),
            );
        }
        if scenario
            .speculation
            .as_ref()
            .is_some_and(|it| it.probability.is_some())
        {
            return Err(
                "speculation.probability: callers of a simulation say no words, so nothing is probable; leave it out, which prepares in every pause, or hold the conversation with `voicesim run --clock virtual`".into(),
            );
        }
        let makes_sound = |turn: &crate::scenario::Turn| !matches!(turn.says, Says::Speech(_));
        match scenario.turns.iter().position(makes_sound) {
            None => Ok(Simulable { scenario, engines }),
            Some(index) => Err(format!(
                "turn {} speech: a simulation plays no sound; give the turn speech = {{ … }} in place of a recording or words",
                index + 1
            )),
        }
    }

    /// The scenario.
    pub fn scenario(&self) -> &Scenario {
        &self.scenario
    }

    /// A line about each engine, by stage.
    pub fn described(&self) -> BTreeMap<String, String> {
        self.engines.described()
    }

    /// This scenario with callers who wait for ever: each question gets the answer that an impatient caller did not wait
    /// for. `None` if what an answer takes depends on more than the question: on calls that share engines, or on times at
    /// which something fails or gets lost.
    pub fn patient(&self) -> Option<Simulable> {
        let scenario = &self.scenario;
        let has_fixed_times = scenario.load.is_none() && scenario.faults.is_empty();
        let caller = scenario.caller.as_ref().filter(|_| has_fixed_times)?;
        if caller.patience.is_zero() {
            return None;
        }
        let mut patient = self.clone();
        if let Some(caller) = &mut patient.scenario.caller {
            caller.patience = Latency::fixed_ms(0);
        }
        Some(patient)
    }

    /// The scenario with another load.
    pub fn with_load(&self, load: Load) -> Simulable {
        let mut with = self.clone();
        with.scenario.load = Some(load);
        with
    }
}

/// What all conversations of a simulation share on one thread.
pub struct Setting {
    scenario: Scenario,
    engines: SimulatedEngines,
    policies: Policies,
    habits: Option<Arc<Habits>>,
    between: Arc<Between>,
    texts: Texts,
    bursts: Bursts,
    way_out: Source,
}

impl Setting {
    /// Makes ready to hold conversations of the scenario.
    pub fn new(of: &Simulable) -> Setting {
        let Simulable { scenario, engines } = of;
        let random = scenario.randomness();
        let caller = scenario.caller.as_ref();
        Setting {
            engines: SimulatedEngines::new(engines, scenario.clauses(), random),
            policies: Policies::of(scenario),
            habits: caller.map(|caller| Arc::new(Habits::new(caller, random))),
            between: Arc::new(Between::new(scenario)),
            texts: Texts::default(),
            bursts: Bursts::of(&scenario.faults),
            way_out: random.source("network", "out"),
            scenario: scenario.clone(),
        }
    }

    /// Holds one conversation; returns what happened, in place of what `events` held before.
    ///
    /// # Errors
    /// If the conversation waits for something that cannot come, which is a bug in voicesim.
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
        let circumstances = Circumstances {
            conversation: conversation.into(),
            clock: &clock,
            since,
            breakers: &world.breakers,
        };
        let engines = self.engines.of_conversation(&at);
        let mut spares = self.engines.spares(&at);
        let Ok(engines) = self.policies.around(engines, circumstances, &mut spares);
        let parts = Parts {
            clock,
            tap: tap.clone(),
            engines,
            filler: simulated_filler(&self.scenario),
            disclosure: simulated_disclosure(&self.scenario),
            openings: simulated_openings(&self.scenario),
            endpointing: self.endpointing(&fate),
            interruption: Box::new(FatedPolicy {
                policy: self.scenario.interruption.policy.name(),
                fate,
            }),
            over,
            speaker: self.speaker(conversation.into(), &at, bursts),
            agent: shown,
            control: None,
        };
        let session = conversation::session(&self.scenario, parts);
        let (caller, session) = (Branch::new(caller.speak()), Branch::new(session.run(heard)));
        tokio::join!(biased; caller, session);
        let cause = SessionEnd::Finished;
        tap.mark(TurnId(0), Mark::SessionEnded { cause });
        tap.take_events()
    }

    /// What decides that the caller has finished: the policy itself, if silence is all that it needs.
    fn endpointing(&self, fate: &Fate) -> Endpointing {
        let policy = &self.scenario.endpointing.policy;
        Endpointing {
            policy: match policy {
                EndpointPolicy::Silence(silence) => Box::new(Silence::new(*silence)),
                EndpointPolicy::Classifier(_) | EndpointPolicy::Eot(_) => {
                    Box::new(FatedEndpoint::new(policy.name(), fate.clone()))
                }
                // Refused before: a simulation has no sound that it could hear.
                EndpointPolicy::SmartTurn {
                    threshold,
                    patience,
                } => Box::new(SmartTurn::new(*threshold, *patience)),
            },
            judge: None,
        }
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

    fn speaker(&self, conversation: u64, at: &Occasion, bursts: Bursts) -> Rc<dyn Speaker> {
        let network = &self.scenario.network;
        if !network.is_there && bursts.is_empty() {
            return Rc::new(Imagined);
        }
        Rc::new(Distant::new(
            at.clock().clone(),
            (network.outbound.clone(), bursts),
            self.way_out,
            conversation,
            at.said(),
        ))
    }
}
