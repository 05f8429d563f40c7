//! What the simulated engines of a conversation draw from, and which engines they share with other conversations.

use crate::clock::{Clock, ModelledWorker};
use crate::engine::pool::{Pools, Slot};
use crate::event::{Cost, StageName, Tick, TurnId, nanos};
use crate::rng::{Draw, Randomness, Source};
use crate::scenario::Disturbance;
use crate::scenario::engine::{Compute, SimulatedEngine};
use crate::scenario::latency::{Latency, Work as Amount};
use crate::stage::{Outlet, Recorded, StageError};
use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

/// What a conversation's latencies are drawn by.
#[derive(Clone)]
pub struct Occasion {
    pub(super) clock: Clock,
    conversation: u64,
    /// The question that the caller is at, counted from one, and how often it was begun again; zero where
    /// nobody counts them.
    said: Rc<Cell<(u32, u32)>>,
    pools: Rc<Pools>,
    /// Whether other programs disturbed the last job; `None` before the first one.
    disturbed: Rc<Cell<Option<bool>>>,
}

impl Occasion {
    /// The engines share `pools` with other conversations.
    pub fn new(clock: &Clock, conversation: u64, pools: Rc<Pools>) -> Occasion {
        Occasion {
            clock: clock.clone(),
            conversation,
            said: Rc::default(),
            pools,
            disturbed: Rc::default(),
        }
    }

    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    pub fn conversation(&self) -> u64 {
        self.conversation
    }

    /// The occasion for engines that stand in no pool, as fallbacks do.
    pub fn elsewhere(&self) -> Occasion {
        Occasion {
            pools: Rc::default(),
            ..self.clone()
        }
    }

    /// The cell in which a caller says which question it is at, and how often that was begun again.
    pub fn said(&self) -> Rc<Cell<(u32, u32)>> {
        self.said.clone()
    }

    /// The draw for `input` to a stage in `turn`. Equal work gives an equal draw.
    pub(super) fn draw(&self, source: Source, turn: TurnId, input: u32) -> Draw {
        let turn = match self.said.get() {
            (0, _) => turn.0,
            // Each restart of a question has draws of its own; there are few restarts.
            (asked, again) => asked | again << 24,
        };
        source.draw(self.conversation | u64::from(input) << 32, turn)
    }

    /// Which question of the conversation a turn is, counted from one.
    fn question(&self, turn: TurnId) -> u32 {
        match self.said.get() {
            (0, _) => turn.0,
            (asked, _) => asked,
        }
    }

    /// Whether the next job is disturbed, by whether the one before it was.
    fn is_next_disturbed(&self, of: &Disturbed, uniform: f64) -> bool {
        let share = match self.disturbed.get() {
            None => of.share,
            Some(true) => of.stays,
            Some(false) => of.begins,
        };
        let is_disturbed = uniform < share;
        self.disturbed.set(Some(is_disturbed));
        is_disturbed
    }

    pub(super) async fn pass(&self, since: Tick, span: Duration) {
        self.clock.sleep_until(since + span).await;
    }

    /// Waits for a place in the stage's pool, for work that takes `span`; `None` if the stage stands in no pool.
    pub(super) async fn slot(
        &self,
        stage: StageName,
        span: Duration,
    ) -> Result<Option<Slot>, StageError> {
        match self.pools.of_stage(stage) {
            Some(pool) => pool.slot(span).await.map(Some),
            None => Ok(None),
        }
    }
}

/// How long a piece of work takes on all of its threads.
#[derive(Clone, Copy)]
pub(super) struct Takes {
    pub(super) span: Duration,
    /// What such work mostly takes.
    typical: Duration,
}

impl From<Duration> for Takes {
    /// Work that takes as long as it mostly does.
    fn from(span: Duration) -> Takes {
        Takes {
            span,
            typical: span,
        }
    }
}

/// What a stage draws its latencies from.
pub(super) struct Drawn {
    latency: Latency,
    source: Source,
    /// What all stages of a turn share.
    turns: Source,
    compute: Option<Compute>,
    disturbed: Option<Disturbed>,
    /// How long its sound begins inaudibly, if it speaks.
    pub(super) head: Duration,
}

/// Jobs that other programs disturb.
struct Disturbed {
    begins: f64,
    stays: f64,
    /// The share of all jobs that are disturbed.
    share: f64,
    latency: Latency,
    source: Source,
}

impl Drawn {
    pub(super) fn of(
        latency: &Latency,
        compute: Option<Compute>,
        stage: StageName,
        random: Randomness,
    ) -> Drawn {
        Drawn {
            compute,
            latency: latency.clone(),
            source: random.source(stage.name(), "latency"),
            turns: random.source("turn", "latency"),
            disturbed: None,
            head: Duration::ZERO,
        }
    }

    /// What a recogniser or a voice draws from.
    pub(super) fn of_engine(
        engine: &SimulatedEngine,
        stage: StageName,
        random: Randomness,
    ) -> Drawn {
        Drawn {
            head: engine.leading_silence,
            ..Drawn::of(&engine.latency, engine.compute, stage, random)
        }
    }

    /// The engine's latencies on a machine that other programs use too, if there is such a disturbance.
    pub(super) fn disturbed_by(
        self,
        disturbance: Option<&Disturbance>,
        stage: StageName,
        random: Randomness,
    ) -> Drawn {
        let disturbed = disturbance.and_then(|disturbance| {
            Some(Disturbed {
                begins: disturbance.begins,
                stays: disturbance.stays,
                share: disturbance.share(),
                latency: disturbance.latencies.get(&stage)?.clone(),
                source: random.source(stage.name(), "disturbance"),
            })
        });
        Drawn { disturbed, ..self }
    }

    pub(super) fn sample(&self, at: &Occasion, turn: TurnId, input: u32, amount: Amount) -> Takes {
        let mut draw = at.draw(self.source, turn, input);
        let mut mood = self.source.mood(at.conversation);
        let mut shared = at.draw(self.turns, turn, 0);
        let amount = Amount {
            question: at.question(turn),
            ..amount
        };
        let disturbed = self.disturbed.as_ref().filter(|of| {
            let mut luck = at.draw(of.source, turn, input);
            at.is_next_disturbed(of, luck.uniform())
        });
        let latency = disturbed.map_or(&self.latency, |of| &of.latency);
        let span = latency.sample_in_turn(&mut draw, &mut mood, &mut shared, amount);
        match self.compute {
            Some(compute) if compute.spread != 1.0 => Takes {
                span,
                typical: latency.typical(amount),
            },
            _ => span.into(),
        }
    }
}

/// An engine in one conversation: where its jobs stand, one behind the other.
pub(super) struct Desk {
    pub(super) at: Occasion,
    worker: ModelledWorker,
}

impl Desk {
    pub(super) fn new(at: &Occasion) -> Desk {
        Desk {
            at: at.clone(),
            worker: at.clock.modelled(),
        }
    }

    /// Begins work: on cores if the engine computes. Returns how long it takes in the end.
    pub(super) async fn begin<T: Recorded>(
        &self,
        drawn: &Drawn,
        takes: Takes,
        out: &mut Outlet<T>,
        begun: fn(&mut Outlet<T>),
    ) -> Duration {
        let Some(compute) = drawn.compute else {
            begun(out);
            return takes.span;
        };
        let wanted = out.threads(compute.threads);
        let on_all = |cores| compute.evened(cores, takes.span, takes.typical);
        let taken = (self.worker)
            .begin(wanted, |cores| compute.on(cores, on_all(cores)))
            .await;
        begun(out);
        out.cost(Cost {
            wall_ns: nanos(taken.span),
            cpu_ns: nanos(compute.cpu(on_all(taken.cores))),
            threads: taken.cores,
            concurrent: taken.concurrent,
            // Others hold a core of a disturbed job all the time.
            others_ns: (drawn.disturbed.as_ref())
                .map(|_| self.at.disturbed.get() == Some(true))
                .map(|is_disturbed| if is_disturbed { nanos(taken.span) } else { 0 }),
            ..Cost::default()
        });
        taken.span
    }
}

/// Tells the tries of the same work apart; fewer than 256 samples are drawn for one.
pub(super) fn luck(input: u32, nth_try: u32) -> u32 {
    input ^ nth_try << 8
}
