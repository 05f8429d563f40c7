//! Any engine, with faults: what it puts out comes late, stops in mid-stream, or is an error.
//!
//! Which inputs a fault strikes comes from random streams named by the number of the input. Work
//! that is void in the end is an input too, so on the real clock speculation moves the numbers.

use crate::clock::Clock;
use crate::event::StageName;
use crate::rng::Seed;
use crate::scenario::fault::Fault;
use crate::stage::{Gate, Outlet, Stage, StageError, Work};
use std::time::Duration;

/// What goes wrong in a conversation.
pub struct Faults<'a> {
    pub faults: &'a [Fault],
    pub seed: Seed,
    pub conversation: u64,
    pub clock: &'a Clock,
}

struct Faulty<S: ?Sized> {
    name: StageName,
    faults: Vec<Fault>,
    clock: Clock,
    seed: Seed,
    conversation: u64,
    inputs: u64,
    stage: Box<S>,
}

impl Faults<'_> {
    /// `stage` with those faults that are its own.
    pub fn strike<In: 'static, Out: crate::stage::Recorded + 'static>(
        &self,
        name: StageName,
        stage: Box<dyn Stage<In = In, Out = Out>>,
    ) -> Box<dyn Stage<In = In, Out = Out>> {
        let own = self
            .faults
            .iter()
            .filter(|fault| fault.stage.name() == name);
        let faults: Vec<Fault> = own.cloned().collect();
        if faults.is_empty() {
            return stage;
        }
        Box::new(Faulty {
            name,
            faults,
            clock: self.clock.clone(),
            seed: self.seed,
            conversation: self.conversation,
            inputs: 0,
            stage,
        })
    }
}

impl<S: ?Sized> Faulty<S> {
    /// What strikes the next input.
    fn strike(&mut self) -> Vec<Strike> {
        self.inputs += 1;
        let numbered = self.faults.iter().enumerate();
        numbered
            .filter(|(index, fault)| {
                let purpose = format!("fault {index}");
                let mut stream =
                    self.seed
                        .stream(self.name.name(), self.conversation, self.inputs, &purpose);
                let is_meant = fault
                    .inputs
                    .as_ref()
                    .is_none_or(|of| of.contains(&self.inputs));
                is_meant && stream.uniform() < fault.probability
            })
            .map(|(_, fault)| Strike::of(fault))
            .collect()
    }
}

/// What happens to the outputs of one input.
struct Strike {
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
            after_outputs: fault.after_outputs.unwrap_or(usually_after),
            effect,
        }
    }
}

struct Strikes {
    clock: Clock,
    strikes: Vec<Strike>,
    outputs: u32,
}

impl Gate for Strikes {
    fn pass(&mut self) -> Work<'_> {
        Box::pin(async move {
            let due = self
                .strikes
                .iter()
                .filter(|s| s.after_outputs == self.outputs);
            for strike in due {
                match &strike.effect {
                    Effect::Wait(span) => self.clock.sleep_until(self.clock.now() + *span).await,
                    Effect::Fail(error) => {
                        return Err(StageError::Failed(format!("as the scenario asks: {error}")));
                    }
                }
            }
            self.outputs += 1;
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
        let strikes = self.strike();
        if !strikes.is_empty() {
            out.gated(Box::new(Strikes {
                clock: self.clock.clone(),
                strikes,
                outputs: 0,
            }));
        }
        Box::pin(async move {
            self.stage.handle(input, out).await?;
            out.pass_gate().await
        })
    }
}
