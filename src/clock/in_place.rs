//! A worker of virtual time: a job runs in place, once, and its outputs come at the ticks at which
//! it would have made them.
//!
//! The job is measured while time stands still. Begun at tick s and measured to take d, it is done
//! at s + d; timers in between still fire, so a caller goes on talking while it computes. It begins
//! when the worker and at least one core are free, and waits for a brief job that has the other cores.
//! Given up before that, it never runs; given up later, its worker and its cores stay busy until
//! s + d, as in life.

use super::machine::Given;
use super::timeline::{Busy, Timeline};
use super::worker::{Emitter, Job, Progress};
use crate::event::{Cost, Tick};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::{Duration, Instant};

pub(super) struct InPlaceWorker<S> {
    timeline: Rc<Timeline>,
    state: Rc<RefCell<S>>,
    busy_until: Rc<Cell<Tick>>,
    is_brief: bool,
}

/// The items of a job, each with the time from the start after which it was there, and the cost of the job;
/// `None` if the job panicked.
type Ran<T> = Option<(VecDeque<(Duration, T)>, Cost)>;

pub(super) struct InPlaceCharge<T> {
    timeline: Rc<Timeline>,
    busy_until: Rc<Cell<Tick>>,
    threads: u32,
    is_brief: bool,
    step: Step<T>,
}

enum Step<T> {
    Waiting(Box<dyn FnOnce(u32, u32) -> Ran<T>>),
    Delivering {
        start: Tick,
        items: VecDeque<(Duration, T)>,
        cost: Cost,
    },
    Over,
}

impl<S: 'static> InPlaceWorker<S> {
    pub(super) fn new(timeline: Rc<Timeline>, state: S) -> InPlaceWorker<S> {
        timeline.machine().look();
        InPlaceWorker {
            timeline,
            state: Rc::new(RefCell::new(state)),
            busy_until: Rc::default(),
            is_brief: false,
        }
    }

    pub(super) fn brief(self) -> InPlaceWorker<S> {
        InPlaceWorker {
            is_brief: true,
            ..self
        }
    }

    pub(super) fn charge<T: 'static>(&self, threads: u32, job: impl Job<S, T>) -> InPlaceCharge<T> {
        let state = Rc::clone(&self.state);
        let timeline = Rc::clone(&self.timeline);
        let run = move |granted: u32, concurrent: u32| {
            let items = RefCell::new(VecDeque::new());
            let given = Given {
                wanted: threads.min(timeline.cores()),
                granted,
                concurrent,
            };
            let work = || {
                timeline.machine().timed(given, || {
                    let begun = Instant::now();
                    let emit = |item| {
                        items.borrow_mut().push_back((begun.elapsed(), item));
                        true
                    };
                    job(&mut state.borrow_mut(), granted, &Emitter::new(&emit));
                })
            };
            // As on a thread, a job that panics is a failed visit and not the end of the program.
            let cost = catch_unwind(AssertUnwindSafe(work)).ok()?;
            Some((items.into_inner(), cost))
        };
        InPlaceCharge {
            timeline: Rc::clone(&self.timeline),
            busy_until: Rc::clone(&self.busy_until),
            threads,
            is_brief: self.is_brief,
            step: Step::Waiting(Box::new(run)),
        }
    }
}

impl<T> InPlaceCharge<T> {
    pub(super) async fn next(&mut self) -> Option<Progress<T>> {
        match &mut self.step {
            Step::Waiting(_) => self.begin().await,
            Step::Delivering { start, items, cost } => {
                let (start, cost) = (*start, *cost);
                if let Some((after, _)) = items.front() {
                    self.timeline.sleep_until(start + *after).await;
                    return items.pop_front().map(|(_, item)| Progress::Item(item));
                }
                let end = start + Duration::from_nanos(cost.wall_ns);
                self.timeline.sleep_until(end).await;
                self.step = Step::Over;
                Some(Progress::Done(cost))
            }
            Step::Over => None,
        }
    }

    /// Waits for the worker and a core, and runs the job.
    async fn begin(&mut self) -> Option<Progress<T>> {
        let take = |timeline: &Timeline| timeline.take_cores(self.threads);
        let (granted, concurrent) = self.timeline.wait_for_cores(&self.busy_until, take).await;
        let Step::Waiting(run) = std::mem::replace(&mut self.step, Step::Over) else {
            return None;
        };
        let start = self.timeline.now();
        let (items, cost) = run(granted, concurrent)?;
        let end = start + Duration::from_nanos(cost.wall_ns);
        self.busy_until.set(end);
        self.timeline.keep_cores(Busy {
            until: end,
            cores: granted,
            is_brief: self.is_brief,
        });
        self.step = Step::Delivering { start, items, cost };
        Some(Progress::Begun)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    /// A job that keeps its thread for `ms` milliseconds.
    fn work(ms: u64) -> impl Job<(), ()> {
        move |(): &mut (), _, out: &Emitter<()>| {
            std::thread::sleep(Duration::from_millis(ms));
            out.send(());
        }
    }

    /// When the charge began, and when it was done.
    async fn span(clock: &Clock, mut charge: crate::clock::Charge<()>) -> (Tick, Tick) {
        let mut begun = Tick::ZERO;
        while let Some(progress) = charge.next().await {
            if progress == Progress::Begun {
                begun = clock.now();
            }
        }
        (begun, clock.now())
    }

    fn on_virtual_time<F: AsyncFnOnce(Clock)>(cores: u32, test: F) {
        let clock = Clock::virtual_time(cores);
        clock.start();
        clock.block_on(test(clock.clone())).expect("it ends");
    }

    #[test]
    fn a_caller_and_a_barge_in_go_on_inside_one_charge() {
        on_virtual_time(1, async |clock| {
            let worker = clock.worker("test", ()).expect("a worker");
            let frames = async {
                let mut ticks = Vec::new();
                for frame in 1..=20 {
                    clock.sleep_until(Tick(frame * 16_000)).await;
                    ticks.push(clock.now().0);
                }
                ticks
            };
            let barge_in = async {
                clock.sleep_until(Tick(100_001)).await;
                clock.now()
            };
            let charge = span(&clock, worker.charge(1, work(5)));
            let (ticks, barge_in, (begun, done)) = tokio::join!(biased; frames, barge_in, charge);
            // Time advanced to the end of the charge only after the frames had their own ticks.
            assert!(
                ticks
                    .iter()
                    .enumerate()
                    .all(|(at, tick)| *tick == (at as u64 + 1) * 16_000)
            );
            assert_eq!(barge_in, Tick(100_001));
            assert_eq!(begun, Tick::ZERO);
            assert!(done >= Tick::from_ms(5));
        });
    }

    #[test]
    fn two_charges_share_one_core_one_after_the_other() {
        on_virtual_time(1, async |clock| {
            let (one, two) = (clock.worker("one", ()), clock.worker("two", ()));
            let (one, two) = (one.expect("a worker"), two.expect("a worker"));
            let first = span(&clock, one.charge(1, work(4)));
            let second = span(&clock, two.charge(1, work(4)));
            let ((_, first_done), (second_begun, _)) = tokio::join!(biased; first, second);
            assert_eq!(second_begun, first_done + Duration::from_nanos(1));
        });
        on_virtual_time(2, async |clock| {
            let (one, two) = (clock.worker("one", ()), clock.worker("two", ()));
            let (one, two) = (one.expect("a worker"), two.expect("a worker"));
            let first = span(&clock, one.charge(1, work(4)));
            let second = span(&clock, two.charge(1, work(4)));
            let ((first_begun, _), (second_begun, _)) = tokio::join!(biased; first, second);
            assert_eq!((first_begun, second_begun), (Tick::ZERO, Tick::ZERO));
        });
    }

    #[test]
    fn who_waits_for_a_core_has_it_before_who_comes_as_it_is_free() {
        on_virtual_time(1, async |clock| {
            let [one, waits, comes] =
                ["one", "waits", "comes"].map(|name| clock.worker(name, ()).expect("a worker"));
            let first = async {
                let (_, done) = span(&clock, one.charge(1, work(4))).await;
                (done, span(&clock, comes.charge(1, work(1))).await)
            };
            let second = span(&clock, waits.charge(1, work(4)));
            let ((first_done, (came_begun, _)), (begun, done)) =
                tokio::join!(biased; first, second);
            assert_eq!(begun, first_done + Duration::from_nanos(1));
            assert_eq!(came_begun, done + Duration::from_nanos(1));
        });
    }

    #[test]
    fn a_job_waits_for_a_brief_one_and_then_has_all_cores() {
        on_virtual_time(2, async |clock| {
            let judge = clock.worker("judge", ()).expect("a worker").brief();
            let words = clock.worker("words", ()).expect("a worker");
            let mut brief = judge.charge(1, work(4));
            assert_eq!(brief.next().await, Some(Progress::Begun));
            // A job of one thread has its core at once.
            let one = clock.worker("one", ()).expect("a worker");
            assert_eq!(span(&clock, one.charge(1, work(1))).await.0, Tick::ZERO);
            let told = |(): &mut (), threads, out: &Emitter<u32>| {
                out.send(threads);
            };
            let mut job = words.charge(2, told);
            assert_eq!(job.next().await, Some(Progress::Begun));
            assert!(clock.now() >= Tick::from_ms(4), "{:?}", clock.now());
            assert_eq!(job.next().await, Some(Progress::Item(2)));
        });
    }

    #[test]
    fn a_job_that_was_given_up_delays_the_next_one() {
        on_virtual_time(2, async |clock| {
            let worker = clock.worker("test", ()).expect("a worker");
            let mut given_up = worker.charge(1, work(4));
            assert_eq!(given_up.next().await, Some(Progress::Begun));
            drop(given_up);
            assert_eq!(clock.now(), Tick::ZERO);
            let (begun, _) = span(&clock, worker.charge(1, work(1))).await;
            assert!(begun >= Tick::from_ms(4), "{begun:?}");
        });
    }

    #[test]
    fn a_job_given_up_before_it_begins_never_runs() {
        on_virtual_time(1, async |clock| {
            let worker = clock.worker("test", 0).expect("a worker");
            let add = |count: &mut i32, _: u32, out: &Emitter<i32>| {
                *count += 1;
                out.send(*count);
            };
            drop(worker.charge(1, add));
            let mut charge = worker.charge(1, add);
            assert_eq!(charge.next().await, Some(Progress::Begun));
            assert_eq!(charge.next().await, Some(Progress::Item(1)));
        });
    }

    #[test]
    fn a_job_that_panics_ends_its_charge_and_nothing_else() {
        on_virtual_time(1, async |clock| {
            let worker = clock.worker("test", ()).expect("a worker");
            let mut charge = worker.charge(1, |(): &mut (), _: u32, _: &Emitter<()>| {
                panic!("on purpose")
            });
            assert_eq!(charge.next().await, None);
            assert_eq!(clock.now(), Tick::ZERO);
        });
    }
}
