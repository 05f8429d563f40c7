//! Any engine, with faults: what it puts out comes late, stops in mid-stream, or is an error.
//!
//! Which inputs a fault strikes comes from random streams named by the number of the input. Work
//! that is void in the end is an input too, so on the real clock speculation moves the numbers; so is
//! a request that a cure makes again, or beside another one. Whether a fault that is limited in time
//! strikes is decided when its output is due.

use crate::clock::Clock;
use crate::event::{StageName, Tick};
use crate::rng::Seed;
use crate::scenario::fault::{Fault, Window};
use crate::stage::{Gate, Outlet, Stage, StageError, Work};
use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

/// What goes wrong in a conversation.
pub struct Faults<'a> {
    pub faults: &'a [Fault],
    pub seed: Seed,
    pub conversation: u64,
    pub clock: &'a Clock,
    /// How long the world had been going when this conversation began.
    pub since: Tick,
}

/// The faults of one stage. Engines that share them count their inputs together.
#[derive(Clone, Default)]
pub(super) struct Struck(Option<Rc<Own>>);

struct Own {
    name: StageName,
    faults: Vec<Fault>,
    clock: Clock,
    seed: Seed,
    conversation: u64,
    since: Tick,
    inputs: Cell<u64>,
}

struct Faulty<S: ?Sized> {
    own: Rc<Own>,
    stage: Box<S>,
}

impl Faults<'_> {
    /// `stage` with those faults that are its own.
    pub fn strike<In: 'static, Out: crate::stage::Recorded + 'static>(
        &self,
        name: StageName,
        stage: Box<dyn Stage<In = In, Out = Out>>,
    ) -> Box<dyn Stage<In = In, Out = Out>> {
        self.of(name).strike(stage)
    }

    /// Those of a stage.
    pub(super) fn of(&self, name: StageName) -> Struck {
        let own = self
            .faults
            .iter()
            .filter(|fault| fault.stage.name() == Some(name));
        let faults: Vec<Fault> = own.cloned().collect();
        if faults.is_empty() {
            return Struck(None);
        }
        Struck(Some(Rc::new(Own {
            name,
            faults,
            clock: self.clock.clone(),
            seed: self.seed,
            conversation: self.conversation,
            since: self.since,
            inputs: Cell::new(0),
        })))
    }
}

impl Struck {
    pub(super) fn strike<In: 'static, Out: crate::stage::Recorded + 'static>(
        &self,
        stage: Box<dyn Stage<In = In, Out = Out>>,
    ) -> Box<dyn Stage<In = In, Out = Out>> {
        match &self.0 {
            Some(own) => Box::new(Faulty {
                own: own.clone(),
                stage,
            }),
            None => stage,
        }
    }
}

impl Own {
    /// What strikes the next input.
    fn strikes(&self) -> Vec<Strike> {
        let input = self.inputs.get() + 1;
        self.inputs.set(input);
        let numbered = self.faults.iter().enumerate();
        numbered
            .filter(|(index, fault)| {
                let purpose = format!("fault {index}");
                let mut stream =
                    self.seed
                        .stream(self.name.name(), self.conversation, input, &purpose);
                let is_meant = fault.inputs.as_ref().is_none_or(|of| of.contains(&input));
                is_meant && stream.uniform() < fault.probability
            })
            .map(|(_, fault)| Strike::of(fault))
            .collect()
    }

    /// Since the world began.
    fn now(&self) -> Tick {
        self.since + Duration::from_nanos(self.clock.now().0)
    }
}

/// What happens to the outputs of one input.
struct Strike {
    window: Window,
    after_outputs: u32,
    effect: Effect,
}

enum Effect {
    Wait(Duration),
    Fail(String),
}

impl Strike {
    fn of(fault: &Fault) -> Strike {
        let wait = |ms| Effect::Wait(Duration::from_millis(ms));
        let (usually_after, effect) = match (fault.delay_ms, fault.stall_ms, &fault.error) {
            (Some(ms), ..) => (0, wait(ms)),
            (None, Some(ms), _) => (1, wait(ms)),
            (None, None, error) => (0, Effect::Fail(error.clone().unwrap_or_default())),
        };
        Strike {
            window: fault.window(),
            after_outputs: fault.after_outputs.unwrap_or(usually_after),
            effect,
        }
    }
}

struct Strikes {
    own: Rc<Own>,
    strikes: Vec<Strike>,
    outputs: u32,
}

impl Gate for Strikes {
    fn pass(&mut self) -> Work<'_> {
        Box::pin(async move {
            let Strikes {
                own,
                strikes,
                outputs,
            } = self;
            for strike in strikes.iter().filter(|s| s.after_outputs == *outputs) {
                if !strike.window.contains(own.now()) {
                    continue;
                }
                match &strike.effect {
                    Effect::Wait(span) => own.clock.sleep_until(own.clock.now() + *span).await,
                    Effect::Fail(error) => {
                        return Err(StageError::Failed(format!("as the scenario asks: {error}")));
                    }
                }
            }
            *outputs += 1;
            Ok(())
        })
    }
}

impl<S: Stage + ?Sized> Stage for Faulty<S>
where
    S::Out: crate::stage::Recorded,
{
    type In = S::In;
    type Out = S::Out;

    fn handle<'a>(&'a mut self, input: S::In, out: &'a mut Outlet<S::Out>) -> Work<'a> {
        let strikes = self.own.strikes();
        if strikes.is_empty() {
            return self.stage.handle(input, out);
        }
        out.gated(Box::new(Strikes {
            own: self.own.clone(),
            strikes,
            outputs: 0,
        }));
        Box::pin(async move {
            let mut result = self.stage.handle(input, out).await;
            if result.is_ok() {
                result = out.pass_gate().await;
            }
            // Whoever is asked next in its place has faults of their own, or none.
            out.ungated();
            result
        })
    }
}
