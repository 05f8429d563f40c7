//! The retry: a stage is asked again if it fails before it has put anything out, since what was put out
//! cannot be taken back. An error that says that asking again is of no use, or not so soon, is heeded.

use super::Boxed;
use crate::clock::Clock;
use crate::event::ResilienceStep;
use crate::rng::Source;
use crate::stage::{Again, Outlet, Recorded, Stage, StageError, Work};
use std::time::Duration;

/// How long to wait before asking again: uniform between nothing and a span that doubles each time ("full
/// jitter"; Brooker, "Exponential backoff and jitter", AWS Architecture Blog, 2015), so that those who
/// failed together do not come back together.
#[derive(Debug, Clone, Copy)]
pub(super) struct BackOff {
    pub(super) first: Duration,
    pub(super) most: Duration,
    pub(super) source: Source,
}

pub(super) struct Retried<In, Out> {
    pub(super) clock: Clock,
    /// How many further tries there may be.
    pub(super) retries: u32,
    pub(super) back_off: BackOff,
    pub(super) conversation: u64,
    /// Inputs so far.
    pub(super) inputs: u32,
    pub(super) stage: Boxed<In, Out>,
}

impl BackOff {
    /// The longest wait before try `nth`, counted from one.
    fn most_before(&self, nth: u32) -> Duration {
        let doubled = 1u32.checked_shl(nth.saturating_sub(1)).unwrap_or(u32::MAX);
        self.first.saturating_mul(doubled).min(self.most)
    }

    /// Whether to ask again. A provider that does not want to be asked before the longest wait is over is not asked.
    fn allows(&self, again: Again) -> bool {
        match again {
            Again::Never => false,
            Again::NotBefore(earliest) => earliest <= self.most,
        }
    }

    fn wait(&self, (conversation, input): (u64, u32), nth: u32) -> Duration {
        let mut draw = self.source.draw(conversation | u64::from(nth) << 32, input);
        self.most_before(nth).mul_f64(draw.uniform())
    }
}

impl<In: Clone + 'static, Out: Recorded + 'static> Stage for Retried<In, Out> {
    type In = In;
    type Out = Out;

    fn handle<'a>(&'a mut self, input: In, out: &'a mut Outlet<Out>) -> Work<'a> {
        self.inputs += 1;
        let at = (self.conversation, self.inputs);
        Box::pin(async move {
            for nth in 1..=self.retries {
                let result = self.stage.handle(input.clone(), out).await;
                let is_over = match &result {
                    Ok(()) | Err(StageError::Unwanted) => true,
                    Err(StageError::Failed(_)) => false,
                    Err(StageError::Refused { again, .. }) => !self.back_off.allows(*again),
                };
                if is_over || out.outputs() > 0 {
                    return result;
                }
                let mut wait = self.back_off.wait(at, nth);
                if let Err(StageError::Refused {
                    again: Again::NotBefore(earliest),
                    ..
                }) = result
                {
                    wait = wait.max(earliest);
                }
                self.clock.sleep_until(self.clock.now() + wait).await;
                out.cured(ResilienceStep::Retried);
                // The second request of a hedge takes the number after that.
                out.is_try(2 * nth);
            }
            self.stage.handle(input, out).await
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::test_stages::{Does, Trial};
    use crate::rng::Seed;

    fn back_off(first_ms: u64, most_ms: u64) -> BackOff {
        BackOff {
            first: Duration::from_millis(first_ms),
            most: Duration::from_millis(most_ms),
            source: Seed(1).source("answer", "back-off"),
        }
    }

    fn retried(retries: u32, tries: Vec<Vec<Does>>) -> Trial {
        let trial = Trial::new();
        let stage = Retried {
            clock: trial.clock.clone(),
            retries,
            back_off: back_off(0, 0),
            conversation: 0,
            inputs: 0,
            stage: trial.stage("engine", tries),
        };
        trial.ask(Box::new(stage))
    }

    #[test]
    fn what_fails_is_tried_again_and_again_until_it_works() {
        let fail = || vec![Does::Take(100), Does::Fail("oops")];
        let trial = retried(2, vec![fail(), fail(), vec![Does::SayTry]]);
        assert_eq!(trial.said(), [(200, "try 4")]);
        assert_eq!(
            trial.cures(),
            [
                (100, ResilienceStep::Retried),
                (200, ResilienceStep::Retried)
            ]
        );
        assert_eq!(trial.error(), None);
    }

    #[test]
    fn who_refuses_is_asked_again_when_they_say_so() {
        let later = |ms| Again::NotBefore(Duration::from_millis(ms));
        let trial = |again| {
            let trial = Trial::new();
            let stage = Retried {
                clock: trial.clock.clone(),
                retries: 1,
                back_off: back_off(10, 5_000),
                conversation: 0,
                inputs: 0,
                stage: trial.stage(
                    "engine",
                    vec![vec![Does::Refuse(again)], vec![Does::SayTry]],
                ),
            };
            trial.ask(Box::new(stage))
        };
        assert_eq!(trial(later(3_000)).said(), [(3_000, "try 2")]);
        for hopeless in [Again::Never, later(5_001)] {
            let trial = trial(hopeless);
            assert_eq!((trial.said(), trial.cures()), (vec![], vec![]));
            assert_eq!(trial.error().as_deref(), Some("refused"));
        }
    }

    #[test]
    fn after_the_last_try_the_last_error_is_told() {
        let fail = |text| vec![Does::Fail(text)];
        let trial = retried(1, vec![fail("first"), fail("last"), vec![Does::SayTry]]);
        assert_eq!(trial.error().as_deref(), Some("last"));
        assert_eq!(trial.cures(), [(0, ResilienceStep::Retried)]);
    }

    #[test]
    fn what_has_been_put_out_is_not_repeated() {
        let cut = vec![Does::Say("half"), Does::Fail("oops")];
        let trial = retried(3, vec![cut, vec![Does::Say("half"), Does::Say("whole")]]);
        assert_eq!(trial.said(), [(0, "half")]);
        assert_eq!(trial.error().as_deref(), Some("oops"));
        assert_eq!(trial.cures(), []);
    }

    #[test]
    fn a_retry_backs_off_longer_each_time() {
        let back_off = back_off(100, 1_000);
        let most = [1, 2, 3, 4, 5, 40].map(|nth| back_off.most_before(nth).as_millis());
        assert_eq!(most, [100, 200, 400, 800, 1_000, 1_000]);
        for (nth, most) in [(1, 100.0), (2, 200.0), (5, 1_000.0)] {
            let waits: Vec<f64> = (0..4_000)
                .map(|input| back_off.wait((7, input), nth).as_secs_f64() * 1e3)
                .collect();
            let mean = waits.iter().sum::<f64>() / 4_000.0;
            assert!(waits.iter().all(|wait| *wait <= most));
            assert!((mean / most - 0.5).abs() < 0.02, "{mean} of {most}");
        }
    }

    #[test]
    fn the_wait_is_the_same_for_the_same_seed() {
        let wait = |conversation, input, nth| back_off(100, 100).wait((conversation, input), nth);
        assert_eq!(wait(1, 2, 1), wait(1, 2, 1));
        for other in [wait(2, 2, 1), wait(1, 3, 1), wait(1, 2, 2)] {
            assert_ne!(wait(1, 2, 1), other);
        }
    }
}
