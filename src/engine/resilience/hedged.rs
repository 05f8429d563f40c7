//! The hedge: a second engine is asked if the first takes long (Dean and Barroso, "The tail at scale",
//! CACM 56(2), 2013). Whichever puts something out first is kept, the other one is given up.

use super::Boxed;
use crate::clock::Clock;
use crate::event::ResilienceStep;
use crate::stage::{Attempt, Outlet, Recorded, Stage, StageError, Work};
use std::time::Duration;

pub(super) struct Hedged<In, Out> {
    pub(super) clock: Clock,
    pub(super) after: Duration,
    pub(super) first: Boxed<In, Out>,
    /// An engine like the first one.
    pub(super) second: Boxed<In, Out>,
}

impl<In: Clone + 'static, Out: Recorded + 'static> Stage for Hedged<In, Out> {
    type In = In;
    type Out = Out;

    fn handle<'a>(&'a mut self, input: In, out: &'a mut Outlet<Out>) -> Work<'a> {
        Box::pin(async move {
            let mut first = Attempt::of(&mut *self.first, input.clone(), out);
            let deadline = self.clock.now() + self.after;
            tokio::select! {
                biased;
                // An output, an end or an error before that: there is nothing to hedge.
                output = first.next() => return keep(output, first, out).await,
                () = self.clock.sleep_until(deadline) => {}
            }
            out.cured(ResilienceStep::Hedged);
            let nth = out.nth_try();
            out.is_try(nth | 1);
            let mut second = Attempt::of(&mut *self.second, input, out);
            out.is_try(nth);
            tokio::select! {
                biased;
                // If both put something out at one moment, the first engine's counts.
                output = first.next() => match output {
                    Err(error) if error.is_failure() => {
                        drop(first);
                        let output = second.next().await;
                        win(&output, out);
                        keep(output, second, out).await
                    }
                    output => {
                        drop(second);
                        keep(output, first, out).await
                    }
                },
                output = second.next() => match output {
                    Err(error) if error.is_failure() => {
                        drop(second);
                        let output = first.next().await;
                        keep(output, first, out).await
                    }
                    output => {
                        drop(first);
                        win(&output, out);
                        keep(output, second, out).await
                    }
                },
            }
        })
    }
}

/// The second request has won, if anything came of it.
fn win<Out: Recorded>(output: &Result<Option<Out>, StageError>, out: &mut Outlet<Out>) {
    if output.is_ok() {
        out.cured(ResilienceStep::HedgeWon);
    }
}

/// Hands on what an attempt put out, and all that is still to come of it.
async fn keep<Out: Recorded + 'static>(
    output: Result<Option<Out>, StageError>,
    mut attempt: Attempt<'_, Out>,
    out: &mut Outlet<Out>,
) -> Result<(), StageError> {
    match output? {
        Some(output) => {
            attempt.pass(output, out).await?;
            attempt.finish(out).await
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::test_stages::{Does, Trial};

    fn hedged(first: Vec<Does>, second: Vec<Does>) -> Trial {
        let trial = Trial::new();
        let stage = Hedged {
            clock: trial.clock.clone(),
            after: Duration::from_millis(300),
            first: trial.stage("first", vec![first]),
            second: trial.stage("second", vec![second]),
        };
        trial.ask(Box::new(stage))
    }

    fn answer(after_ms: u64, text: &'static str) -> Vec<Does> {
        vec![
            Does::Take(after_ms),
            Does::Say(text),
            Does::Take(10),
            Does::Say("end"),
        ]
    }

    #[test]
    fn a_first_request_that_is_quick_has_no_second() {
        let trial = hedged(answer(200, "quick"), answer(0, "never"));
        assert_eq!(trial.said(), [(200, "quick"), (210, "end")]);
        assert_eq!(trial.cures(), []);
        assert_eq!(trial.log(), ["0 first begins", "210 first ends"]);
    }

    #[test]
    fn the_hedge_keeps_whichever_is_first_and_cancels_the_other() {
        let second_wins = hedged(answer(900, "slow"), answer(100, "second"));
        assert_eq!(second_wins.said(), [(400, "second"), (410, "end")]);
        assert_eq!(
            second_wins.cures(),
            [
                (300, ResilienceStep::Hedged),
                (400, ResilienceStep::HedgeWon)
            ]
        );
        assert_eq!(
            second_wins.log(),
            [
                "0 first begins",
                "300 second begins",
                "400 first is given up",
                "410 second ends"
            ]
        );
        let first_wins = hedged(answer(350, "first"), answer(100, "late"));
        assert_eq!(first_wins.said(), [(350, "first"), (360, "end")]);
        assert_eq!(first_wins.cures(), [(300, ResilienceStep::Hedged)]);
        assert_eq!(first_wins.log()[2], "350 second is given up");
    }

    #[test]
    fn an_error_of_one_leaves_the_other_and_of_both_the_last_is_told() {
        let fail = |ms, text| vec![Does::Take(ms), Does::Fail(text)];
        let first_fails = hedged(fail(350, "oops"), answer(100, "second"));
        assert_eq!(first_fails.said(), [(400, "second"), (410, "end")]);
        let second_fails = hedged(answer(500, "first"), fail(50, "oops"));
        assert_eq!(second_fails.said(), [(500, "first"), (510, "end")]);
        assert_eq!(second_fails.cures(), [(300, ResilienceStep::Hedged)]);
        let both = hedged(fail(350, "one"), fail(100, "other"));
        assert_eq!(both.error().as_deref(), Some("other"));
        assert_eq!(both.cures(), [(300, ResilienceStep::Hedged)]);
    }

    #[test]
    fn each_request_has_luck_of_its_own() {
        let trial = hedged(vec![Does::Take(900), Does::SayTry], vec![Does::SayTry]);
        assert_eq!(trial.said(), [(300, "try 1")]);
    }
}
