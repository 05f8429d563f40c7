//! The time-out: a stage is given up when it is silent for too long.

use super::Boxed;
use crate::clock::Clock;
use crate::event::ResilienceStep;
use crate::stage::{Attempt, Outlet, Recorded, Stage, StageError, Work};
use std::future::pending;
use std::time::Duration;

/// How long to wait for a stage; for ever where a limit is `None`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Patience {
    pub(super) first_output: Option<Duration>,
    /// The longest wait from one output to the next, or to the end. Waiting for the next stage does not count.
    pub(super) output: Option<Duration>,
}

pub(super) struct Timed<In, Out> {
    pub(super) clock: Clock,
    pub(super) patience: Patience,
    pub(super) stage: Boxed<In, Out>,
}

impl Patience {
    pub(super) fn is_endless(self) -> bool {
        self == Patience::default()
    }
}

impl<In: 'static, Out: Recorded + 'static> Stage for Timed<In, Out> {
    type In = In;
    type Out = Out;

    fn handle<'a>(&'a mut self, input: In, out: &'a mut Outlet<Out>) -> Work<'a> {
        Box::pin(async move {
            let mut attempt = Attempt::of(&mut *self.stage, input, out);
            let mut patience = self.patience.first_output;
            loop {
                tokio::select! {
                    biased;
                    // An output at the very deadline is in time.
                    output = attempt.next() => match output? {
                        Some(output) => attempt.pass(output, out).await?,
                        None => return Ok(()),
                    },
                    span = passes(&self.clock, patience) => {
                        out.cured(ResilienceStep::TimedOut);
                        return Err(StageError::Failed(format!(
                            "nothing came for {} ms",
                            span.as_millis()
                        )));
                    }
                }
                patience = self.patience.output;
            }
        })
    }
}

/// Waits for `span`; for ever if it is `None`.
async fn passes(clock: &Clock, span: Option<Duration>) -> Duration {
    match span {
        Some(span) => {
            clock.sleep_until(clock.now() + span).await;
            span
        }
        None => pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::test_stages::{Does, Trial};

    fn timed(first_ms: u64, then_ms: u64, does: Vec<Does>) -> Trial {
        let trial = Trial::new();
        let stage = trial.stage("engine", vec![does]);
        let patience = Patience {
            first_output: Some(Duration::from_millis(first_ms)),
            output: Some(Duration::from_millis(then_ms)),
        };
        let clock = trial.clock.clone();
        trial.ask(Box::new(Timed {
            clock,
            patience,
            stage,
        }))
    }

    #[test]
    fn a_first_output_that_comes_too_late_is_given_up() {
        let trial = timed(500, 500, vec![Does::Take(600), Does::Say("late")]);
        assert_eq!(trial.said(), []);
        assert_eq!(trial.error().as_deref(), Some("nothing came for 500 ms"));
        assert_eq!(trial.cures(), [(500, ResilienceStep::TimedOut)]);
        assert_eq!(trial.log(), ["0 engine begins", "500 engine is given up"]);
    }

    #[test]
    fn an_output_at_the_last_moment_is_in_time() {
        let trial = timed(500, 500, vec![Does::Take(500), Does::Say("just")]);
        assert_eq!(trial.said(), [(500, "just")]);
        assert_eq!((trial.error(), trial.cures()), (None, vec![]));
    }

    #[test]
    fn silence_in_mid_stream_is_given_up_and_what_was_put_out_stays() {
        let does = vec![Does::Say("one"), Does::Take(300), Does::Say("two")];
        let trial = timed(100, 200, does);
        assert_eq!(trial.said(), [(0, "one")]);
        assert_eq!(trial.error().as_deref(), Some("nothing came for 200 ms"));
    }

    #[test]
    fn waiting_for_the_next_stage_is_not_the_engines_silence() {
        let does = (0..8).map(|_| Does::Say("again")).collect();
        let trial = Trial::new().taking_ms(1_000);
        let stage = trial.stage("engine", vec![does]);
        let patience = Patience {
            first_output: None,
            output: Some(Duration::from_millis(200)),
        };
        let clock = trial.clock.clone();
        let trial = trial.ask(Box::new(Timed {
            clock,
            patience,
            stage,
        }));
        assert_eq!((trial.said().len(), trial.error()), (8, None));
    }
}
