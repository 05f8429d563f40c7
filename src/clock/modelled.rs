//! A worker whose jobs are simulated: they take cores of the clock for as long as a model says, as jobs that compute do.
//!
//! Jobs come one after the other. A job begins when the worker and at least one core are free; given up before that, it
//! never begins; given up later, its worker and its cores stay busy to its end. What other programs do on the machine
//! makes no difference, so the same work takes the same time everywhere.

use super::timeline::{Busy, Timeline};
use super::{Clock, Kind};
use crate::event::Tick;
use std::cell::Cell;
use std::time::Duration;

/// Takes jobs that are simulated.
pub struct ModelledWorker {
    clock: Clock,
    /// On the clock's timeline.
    busy_until: Cell<Tick>,
}

/// The cores that a job got, and how long it takes on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    /// Cores that it got.
    pub cores: u32,
    /// Cores that were busy with other jobs when it began.
    pub concurrent: u32,
    /// How long it takes from now on.
    pub span: Duration,
}

impl ModelledWorker {
    pub(super) fn new(clock: Clock) -> ModelledWorker {
        ModelledWorker {
            clock,
            busy_until: Cell::new(Tick::ZERO),
        }
    }

    /// Begins a job on up to `wanted` cores, as soon as the worker and a core are free. `span` tells how long it takes on
    /// as many as it gets. On a real clock it gets all that it wants: nothing is computed there.
    pub async fn begin(&self, wanted: u32, span: impl FnOnce(u32) -> Duration) -> Taken {
        let lane = match &self.clock.0 {
            Kind::Virtual(lane) => lane,
            Kind::Real(_) => {
                let cores = wanted.max(1);
                return Taken {
                    cores,
                    concurrent: 0,
                    span: span(cores),
                };
            }
        };
        let timeline = lane.timeline();
        let take = |timeline: &Timeline| timeline.free_cores(wanted);
        let (cores, concurrent) = timeline.wait_for_cores(&self.busy_until, take).await;
        let span = span(cores);
        let end = timeline.now() + span;
        self.busy_until.set(end);
        timeline.keep_cores(Busy {
            until: end,
            cores,
            is_brief: false,
        });
        Taken {
            cores,
            concurrent,
            span,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// Work that takes as many milliseconds as `work` on one core, and shares them evenly among more.
    fn shared(work: u32) -> impl Fn(u32) -> Duration {
        move |cores| MS * work / cores
    }

    fn at(ms: u64) -> Tick {
        Tick::from_ms(ms)
    }

    /// When a job begins that waited for one that ended then.
    fn behind(ms: u64) -> Tick {
        at(ms) + Duration::from_nanos(1)
    }

    #[test]
    fn a_job_gets_the_cores_that_are_free_and_waits_for_one() {
        let clock = Clock::virtual_time(2);
        let (first, second, third) = (clock.modelled(), clock.modelled(), clock.modelled());
        clock
            .block_on(async {
                assert_eq!(first.begin(1, shared(100)).await.cores, 1);
                // One core is left, which makes the job longer.
                let taken = second.begin(2, shared(100)).await;
                assert_eq!(
                    (taken.cores, taken.concurrent, taken.span),
                    (1, 1, MS * 100)
                );
                assert_eq!(clock.now(), at(0));
                // Both are free again after 100 ms.
                let taken = third.begin(2, shared(100)).await;
                assert_eq!(
                    (clock.now(), taken.cores, taken.span),
                    (behind(100), 2, MS * 50)
                );
            })
            .expect("it ends");
    }

    #[test]
    fn a_worker_takes_one_job_at_a_time_though_nobody_waits_for_it() {
        let clock = Clock::virtual_time(4);
        let worker = clock.modelled();
        clock
            .block_on(async {
                worker.begin(1, shared(80)).await;
                // The job was given up at once, and is done at 80 ms all the same.
                worker.begin(1, shared(10)).await;
                assert_eq!(clock.now(), behind(80));
            })
            .expect("it ends");
    }

    #[test]
    fn a_job_that_is_given_up_before_it_begins_takes_nothing() {
        let clock = Clock::virtual_time(1);
        let (first, second) = (clock.modelled(), clock.modelled());
        clock
            .block_on(async {
                first.begin(1, shared(80)).await;
                tokio::select! {
                    biased;
                    _ = second.begin(1, shared(500)) => panic!("there is no core"),
                    () = clock.sleep_until(at(30)) => {}
                }
                clock.sleep_until(at(80)).await;
                assert_eq!(second.begin(1, shared(10)).await.span, MS * 10);
                assert_eq!(clock.now(), at(80));
            })
            .expect("it ends");
    }
}
