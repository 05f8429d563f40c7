//! The circuit breaker (Nygard, "Release It!", 2007): a stage that has failed too often is not asked for a
//! while, and requests to it fail at once.

use super::Boxed;
use crate::clock::Clock;
use crate::event::{ResilienceStep, Tick};
use crate::scenario::resilience::Breaker as Limit;
use crate::stage::{Outlet, Recorded, Stage, StageError, Work};
use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

/// Counts the failures of one provider. All conversations that ask the provider share one breaker.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    /// Failures in a row.
    failures: Cell<u32>,
    /// While the breaker is open: the time until which no request is let through.
    open_until: Cell<Option<Tick>>,
    /// Whether a request has been let through to see whether the provider works again.
    is_probed: Cell<bool>,
}

pub(super) struct Broken<In, Out> {
    pub(super) clock: Clock,
    /// How long the world had been going when this conversation began.
    pub(super) since: Tick,
    pub(super) limit: Limit,
    pub(super) breaker: Rc<Breaker>,
    pub(super) stage: Boxed<In, Out>,
}

/// A request that was let through. A request that is given up tells nothing of the provider.
struct Pass<'a> {
    breaker: &'a Breaker,
    is_probe: bool,
}

impl Breaker {
    fn pass(&self, now: Tick) -> Option<Pass<'_>> {
        let is_probe = match self.open_until.get() {
            None => false,
            Some(until) if now < until || self.is_probed.get() => return None,
            Some(_) => true,
        };
        if is_probe {
            self.is_probed.set(true);
        }
        Some(Pass {
            breaker: self,
            is_probe,
        })
    }
}

impl Pass<'_> {
    /// Whether the request began before the breaker opened: it tells nothing new then.
    fn is_stale(&self) -> bool {
        !self.is_probe && self.breaker.open_until.get().is_some()
    }

    fn worked(&self) {
        if self.is_stale() {
            return;
        }
        self.breaker.failures.set(0);
        self.breaker.open_until.set(None);
    }

    fn failed(&self, now: Tick, limit: Limit) {
        if self.is_stale() {
            return;
        }
        let failures = self.breaker.failures.get().saturating_add(1);
        self.breaker.failures.set(failures);
        if self.is_probe || failures >= limit.failures {
            self.breaker.open_until.set(Some(now + limit.open));
        }
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        if self.is_probe {
            self.breaker.is_probed.set(false);
        }
    }
}

impl<In: 'static, Out: Recorded + 'static> Broken<In, Out> {
    fn now(&self) -> Tick {
        self.since + Duration::from_nanos(self.clock.now().0)
    }
}

impl<In: 'static, Out: Recorded + 'static> Stage for Broken<In, Out> {
    type In = In;
    type Out = Out;

    fn handle<'a>(&'a mut self, input: In, out: &'a mut Outlet<Out>) -> Work<'a> {
        Box::pin(async move {
            let breaker = self.breaker.clone();
            let Some(pass) = breaker.pass(self.now()) else {
                out.cured(ResilienceStep::Refused);
                return Err(StageError::Failed(
                    "it failed too often, and is not asked for a while".into(),
                ));
            };
            let result = self.stage.handle(input, out).await;
            match &result {
                Ok(()) => pass.worked(),
                Err(StageError::Unwanted) => {}
                Err(_) => pass.failed(self.now(), self.limit),
            }
            result
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::test_stages::{Does, Trial};

    /// Asks at these times, in milliseconds, with one second of patience after two failures.
    fn asked(at_ms: &[u64], tries: Vec<Vec<Does>>) -> Trial {
        let trial = Trial::new();
        let stage = Broken {
            clock: trial.clock.clone(),
            since: Tick::ZERO,
            limit: Limit {
                failures: 2,
                open: Duration::from_millis(1_000),
            },
            breaker: Rc::default(),
            stage: trial.stage("engine", tries),
        };
        trial.ask_at(at_ms, Box::new(stage))
    }

    fn fail() -> Vec<Does> {
        vec![Does::Fail("oops")]
    }

    #[test]
    fn an_open_breaker_refuses_at_once_and_lets_a_probe_through() {
        let works = || vec![Does::Say("fine")];
        let tries = vec![fail(), fail(), works(), works()];
        let trial = asked(&[0, 100, 200, 1_050, 1_100, 1_200], tries);
        assert_eq!(
            trial.cures(),
            [
                (200, ResilienceStep::Refused),
                (1_050, ResilienceStep::Refused)
            ]
        );
        assert_eq!(trial.said(), [(1_100, "fine"), (1_200, "fine")]);
        assert_eq!(
            trial.error().as_deref(),
            Some("it failed too often, and is not asked for a while")
        );
    }

    #[test]
    fn a_probe_that_fails_opens_it_again() {
        let tries = vec![fail(), fail(), fail(), vec![Does::Say("fine")]];
        let trial = asked(&[0, 100, 1_100, 1_500, 2_100], tries);
        assert_eq!(trial.cures(), [(1_500, ResilienceStep::Refused)]);
        assert_eq!(trial.said(), [(2_100, "fine")]);
    }

    #[test]
    fn only_failures_in_a_row_count() {
        let works = || vec![Does::Say("fine")];
        let tries = vec![fail(), works(), fail(), works()];
        let trial = asked(&[0, 1, 2, 3], tries);
        assert_eq!((trial.cures(), trial.said().len()), (vec![], 2));
    }

    #[test]
    fn what_began_before_it_opened_neither_closes_it_nor_keeps_it_open() {
        let limit = Limit {
            failures: 1,
            open: Duration::from_nanos(10),
        };
        let breaker = Breaker::default();
        let [works, fails, opens] =
            [0; 3].map(|tick| breaker.pass(Tick(tick)).expect("let through"));
        opens.failed(Tick(1), limit);
        works.worked();
        fails.failed(Tick(5), limit);
        assert_eq!(breaker.open_until.get(), Some(Tick(11)));
    }

    #[test]
    fn others_are_refused_while_one_probes_and_a_probe_that_is_given_up_tells_nothing() {
        let breaker = Breaker::default();
        breaker.open_until.set(Some(Tick(10)));
        assert!(breaker.pass(Tick(9)).is_none());
        let probe = breaker.pass(Tick(10)).expect("let through");
        assert!(breaker.pass(Tick(11)).is_none());
        drop(probe);
        let again = breaker.pass(Tick(12)).expect("let through");
        again.worked();
        assert!(breaker.pass(Tick(13)).is_some_and(|pass| !pass.is_probe));
    }
}
