//! Any engine, with injected faults: what it puts out comes late, stops in mid-stream, or is an error.
//!
//! Which inputs an injected fault strikes comes from random streams named by the number of the input.
//! Work that is void in the end is an input too, so on the real clock speculation moves the numbers; a
//! retried or hedged request is another input. Whether an injected fault that is limited in time strikes is
//! decided when its output is due.

use super::resilience::Circumstances;
use crate::clock::Clock;
use crate::event::{StageName, Tick};
use crate::rng::Seed;
use crate::scenario::injected_fault::{Effect, Fault, InjectedFault};
use crate::stage::{Gate, Outlet, Stage, StageError, Work};
use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

/// The faults that a scenario injects into its stages, ready for any number of conversations.
pub(super) struct InjectedFaults {
    by_stage: Vec<(StageName, Rc<[InjectedFault]>)>,
    seed: Seed,
}

/// The injected faults of one stage in one conversation. Engines that share them count their inputs together.
#[derive(Clone, Default)]
pub(super) struct Struck(Option<Rc<Own>>);

struct Own {
    name: StageName,
    faults: Rc<[InjectedFault]>,
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

impl InjectedFaults {
    /// The injected faults of a scenario.
    pub(super) fn of(faults: &[Fault], seed: Seed) -> InjectedFaults {
        let stages = [
            StageName::SpeechToText,
            StageName::Answer,
            StageName::TextToSpeech,
        ];
        let own = |stage| -> Rc<[InjectedFault]> {
            let own = faults.iter().filter_map(|fault| match fault {
                Fault::Stage(fault) if fault.stage == stage => Some(fault.clone()),
                _ => None,
            });
            own.collect()
        };
        let by_stage = stages.map(|stage| (stage, own(stage)));
        InjectedFaults {
            by_stage: (by_stage.into_iter())
                .filter(|(_, faults)| !faults.is_empty())
                .collect(),
            seed,
        }
    }

    /// The injected faults of a stage, in one conversation.
    pub(super) fn of_stage(&self, name: StageName, at: Circumstances<'_>) -> Struck {
        let own = self.by_stage.iter().find(|(stage, _)| *stage == name);
        Struck(own.map(|(_, faults)| {
            Rc::new(Own {
                name,
                faults: faults.clone(),
                clock: at.clock.clone(),
                seed: self.seed,
                conversation: at.conversation,
                since: at.since,
                inputs: Cell::new(0),
            })
        }))
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
    /// The injected faults that strike the next input, as indices.
    fn strikes(&self) -> Vec<usize> {
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
            .map(|(index, _)| index)
            .collect()
    }

    /// The time since the world began.
    fn now(&self) -> Tick {
        self.since + Duration::from_nanos(self.clock.now().0)
    }
}

struct Strikes {
    own: Rc<Own>,
    /// The injected faults that strike this input, as indices into those of the stage.
    strikes: Vec<usize>,
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
            let faults = strikes.iter().filter_map(|index| own.faults.get(*index));
            for strike in faults.filter(|fault| fault.after_outputs == *outputs) {
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
            // An engine that is asked next in its place has injected faults of its own, or none.
            out.ungated();
            result
        })
    }
}
