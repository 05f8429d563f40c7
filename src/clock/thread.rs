//! A worker of the real clock: one thread per engine, with a one-slot mailbox.
//!
//! A blocking job cannot be dropped once it runs, nor may it borrow a stage that can be. So an
//! engine's state lives on a thread of its own. Giving a charge up takes a job that has not started
//! out of the mailbox; one that runs finishes, and its output goes nowhere. The next job waits for
//! it, which the record shows as `queue_wait`.

use super::machine::{Given, LOOKS_EVERY, Machine};
use super::worker::{Emitter, Job, Progress, is_worth_waiting, share};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc;

/// Outputs that may wait between the worker and the pipeline. A job that is further ahead blocks.
const OUTPUTS_WAITING_MAX: usize = 32;

/// The longest wait for a brief job, and of one for a core: who keeps cores for longer would be waited for in vain.
const WAIT_MAX: Duration = Duration::from_millis(500);

/// The processor cores that engines share, and what computes right now.
pub(super) struct Cores {
    total: u32,
    busy: Mutex<Busy>,
    /// A job is over.
    over: Condvar,
    machine: Machine,
}

#[derive(Debug, Default)]
struct Busy {
    cores: u32,
    brief_jobs: u32,
}

impl Cores {
    pub(super) fn new(total: u32, machine: Machine) -> Cores {
        Cores {
            total: total.max(1),
            busy: Mutex::default(),
            over: Condvar::new(),
            machine,
        }
    }

    fn busy(&self) -> MutexGuard<'_, Busy> {
        self.busy.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes as many cores as are free, also of other programs, at least one and at most `wanted`. A brief job waits for a
    /// core that is free, and others for a brief job if that is worth it.
    fn grant(&self, wanted: u32, is_brief: bool) -> Granted<'_> {
        let total = match wanted {
            0 | 1 => self.total,
            _ => self.machine.room(self.total),
        };
        let free = |busy: &Busy| share(total, busy.cores, wanted);
        let waits = |busy: &mut Busy| {
            let is_worth_it = busy.brief_jobs > 0 && is_worth_waiting(free(busy), total, wanted);
            is_worth_it || (is_brief && free(busy) == 0)
        };
        let (mut busy, _) = self
            .over
            .wait_timeout_while(self.busy(), WAIT_MAX, waits)
            .unwrap_or_else(PoisonError::into_inner);
        let (cores, concurrent) = (free(&busy).max(1), busy.cores);
        busy.cores += cores;
        busy.brief_jobs += u32::from(is_brief);
        Granted {
            of: self,
            cores,
            concurrent,
            is_brief,
        }
    }
}

/// Cores that a job has, beside others that were busy when it got them. They are given back even if the job panics.
struct Granted<'a> {
    of: &'a Cores,
    cores: u32,
    concurrent: u32,
    is_brief: bool,
}

impl Drop for Granted<'_> {
    fn drop(&mut self) {
        let mut busy = self.of.busy();
        busy.cores -= self.cores;
        busy.brief_jobs -= u32::from(self.is_brief);
        drop(busy);
        self.of.over.notify_all();
    }
}

type Posted<S> = Box<dyn FnOnce(&mut S) + Send>;

struct Mailbox<S> {
    waiting: Option<(u64, Posted<S>)>,
    last_number: u64,
    closed: bool,
}

struct Shared<S> {
    mailbox: Mutex<Mailbox<S>>,
    posted: Condvar,
}

impl<S> Shared<S> {
    /// A panicking job poisons nothing here: jobs run with the mailbox unlocked.
    fn mailbox(&self) -> MutexGuard<'_, Mailbox<S>> {
        self.mailbox.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A thread that owns an engine's state. Dropping the worker lets a running job finish and ends
/// the thread.
pub(super) struct ThreadWorker<S> {
    shared: Arc<Shared<S>>,
    cores: Arc<Cores>,
    is_brief: bool,
}

impl<S: Send + 'static> ThreadWorker<S> {
    pub(super) fn start(name: &str, mut state: S, cores: Arc<Cores>) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            mailbox: Mutex::new(Mailbox {
                waiting: None,
                last_number: 0,
                closed: false,
            }),
            posted: Condvar::new(),
        });
        let inbox = Arc::clone(&shared);
        let machine = Arc::clone(&cores);
        std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || {
                let inbox = CloseOnExit(inbox);
                while let Some(job) = next_job(&inbox.0, || machine.machine.look()) {
                    // A job that panics is a failed visit; the next one finds the worker where it was.
                    let _ = catch_unwind(AssertUnwindSafe(|| job(&mut state)));
                }
            })?;
        Ok(ThreadWorker {
            shared,
            cores,
            is_brief: false,
        })
    }

    pub(super) fn brief(mut self) -> ThreadWorker<S> {
        self.is_brief = true;
        self
    }

    /// Posts the job. A job that still waits in the mailbox is superseded.
    pub(super) fn charge<T: Send + 'static>(
        &self,
        threads: u32,
        job: impl Job<S, T>,
    ) -> ThreadCharge<T> {
        let (outputs, inbox) = mpsc::channel(OUTPUTS_WAITING_MAX);
        let (cores, is_brief) = (Arc::clone(&self.cores), self.is_brief);
        let run = move |state: &mut S| {
            let cores = cores.grant(threads, is_brief);
            if outputs.blocking_send(Progress::Begun).is_err() {
                return;
            }
            let emit = |item| outputs.blocking_send(Progress::Item(item)).is_ok();
            let given = Given {
                wanted: threads.min(cores.of.total),
                granted: cores.cores,
                concurrent: cores.concurrent,
            };
            let cost = cores.of.machine.timed(given, || {
                job(state, given.granted, &Emitter::new(&emit));
            });
            drop(cores);
            // Nobody listens to a job that was given up.
            let _ = outputs.blocking_send(Progress::Done(cost));
        };
        let mut mailbox = self.shared.mailbox();
        mailbox.last_number += 1;
        let number = mailbox.last_number;
        if !mailbox.closed {
            mailbox.waiting = Some((number, Box::new(run)));
        }
        drop(mailbox);
        self.shared.posted.notify_one();
        let shared = Arc::clone(&self.shared);
        ThreadCharge {
            progress: inbox,
            withdraw: Some(Box::new(move || {
                let mut mailbox = shared.mailbox();
                if mailbox.waiting.as_ref().is_some_and(|(n, _)| *n == number) {
                    mailbox.waiting = None;
                }
            })),
        }
    }
}

impl<S> Drop for ThreadWorker<S> {
    fn drop(&mut self) {
        self.shared.mailbox().closed = true;
        self.shared.posted.notify_one();
    }
}

/// A thread that ends must not leave later jobs waiting for ever.
struct CloseOnExit<S>(Arc<Shared<S>>);

impl<S> Drop for CloseOnExit<S> {
    fn drop(&mut self) {
        let mut mailbox = self.0.mailbox();
        mailbox.closed = true;
        mailbox.waiting = None;
    }
}

/// Waits for a job; while there is none, `look` is called now and then.
fn next_job<S>(shared: &Shared<S>, look: impl Fn()) -> Option<Posted<S>> {
    let mut mailbox = shared.mailbox();
    loop {
        if let Some((_, job)) = mailbox.waiting.take() {
            return Some(job);
        }
        if mailbox.closed {
            return None;
        }
        let (posted, waited) = shared
            .posted
            .wait_timeout(mailbox, LOOKS_EVERY)
            .unwrap_or_else(PoisonError::into_inner);
        mailbox = posted;
        if waited.timed_out() {
            // A job is posted at any time, and must not wait for this.
            drop(mailbox);
            look();
            mailbox = shared.mailbox();
        }
    }
}

/// A job under way. Dropping it gives the job up.
pub(super) struct ThreadCharge<T> {
    progress: mpsc::Receiver<Progress<T>>,
    withdraw: Option<Box<dyn FnOnce()>>,
}

impl<T> ThreadCharge<T> {
    /// What comes next; `None` after `Done`, or if the worker died over the job.
    pub(super) async fn next(&mut self) -> Option<Progress<T>> {
        self.progress.recv().await
    }
}

impl<T> Drop for ThreadCharge<T> {
    fn drop(&mut self) {
        if let Some(withdraw) = self.withdraw.take() {
            withdraw();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc as blocking;

    fn worker<S: Send + 'static>(state: S, cores: u32) -> ThreadWorker<S> {
        ThreadWorker::start("test", state, Arc::new(Cores::new(cores, Machine::idle())))
            .expect("a thread")
    }

    fn block_on<F: Future>(future: F) -> F::Output {
        tokio::runtime::Builder::new_current_thread()
            .build()
            .expect("a runtime")
            .block_on(future)
    }

    async fn items<T>(mut charge: ThreadCharge<T>) -> Vec<T> {
        let mut items = Vec::new();
        while let Some(progress) = charge.next().await {
            if let Progress::Item(item) = progress {
                items.push(item);
            }
        }
        items
    }

    #[test]
    fn a_charge_begins_then_emits_then_is_done() {
        let worker = worker(vec![1, 2, 3], 2);
        let mut charge = worker.charge(4, |state: &mut Vec<i32>, threads, out| {
            for value in state.iter() {
                out.send((*value, threads));
            }
        });
        block_on(async {
            assert!(matches!(charge.next().await, Some(Progress::Begun)));
            for expected in 1..=3 {
                match charge.next().await {
                    Some(Progress::Item((value, 2))) => assert_eq!(value, expected),
                    _ => panic!("an item with both cores was due"),
                }
            }
            assert!(matches!(charge.next().await, Some(Progress::Done(cost)) if cost.threads == 2));
            assert!(charge.next().await.is_none());
        });
    }

    #[test]
    fn a_charge_given_up_before_it_starts_never_runs() {
        let worker = worker(Vec::<&str>::new(), 1);
        let (go, wait) = blocking::channel::<()>();
        let mut first = worker.charge(1, move |ran, _, _: &Emitter<()>| {
            let _ = wait.recv();
            ran.push("first");
        });
        assert!(matches!(block_on(first.next()), Some(Progress::Begun)));
        let second = worker.charge(1, |ran, _, _: &Emitter<()>| ran.push("second"));
        drop(second);
        drop(first);
        let last = worker.charge(1, |ran: &mut Vec<&str>, _, out| {
            ran.push("last");
            out.send(ran.clone());
        });
        go.send(()).expect("the first job waits");
        let ran = block_on(items(last)).pop().expect("the last job ran");
        assert_eq!(ran, ["first", "last"]);
    }

    #[test]
    fn a_job_that_panics_ends_its_charge_without_done() {
        let worker = worker((), 1);
        let mut charge = worker.charge(1, |(), _, _: &Emitter<()>| panic!("on purpose"));
        block_on(async {
            assert!(matches!(charge.next().await, Some(Progress::Begun)));
            assert!(charge.next().await.is_none());
            // The next job finds the worker where it was.
            let next = worker.charge(1, |(), _, out| _ = out.send(1));
            assert_eq!(items(next).await, [1]);
        });
    }

    fn got(granted: &Granted<'_>) -> (u32, u32) {
        (granted.cores, granted.concurrent)
    }

    #[test]
    fn threads_are_granted_from_what_is_free() {
        let cores = Cores::new(2, Machine::idle());
        let one = cores.grant(1, false);
        let two = cores.grant(2, false);
        assert_eq!([got(&one), got(&two)], [(1, 0), (1, 1)]);
        drop((one, two));
        assert_eq!(got(&cores.grant(8, false)), (2, 0));
    }

    /// What a job of two threads gets once another is over, which it waits for.
    fn waits_for(cores: &Cores, other: Granted<'_>, is_brief: bool) -> (u32, u32) {
        std::thread::scope(|scope| {
            let (told, hears) = blocking::channel();
            scope.spawn(move || told.send(got(&cores.grant(2, is_brief))));
            assert!(hears.recv_timeout(Duration::from_millis(50)).is_err());
            drop(other);
            hears.recv().expect("it has its turn")
        })
    }

    #[test]
    fn a_job_waits_for_a_brief_one_and_then_has_all_cores() {
        let cores = Cores::new(2, Machine::idle());
        let brief = cores.grant(1, true);
        // A job of one thread has its core at once.
        assert_eq!(got(&cores.grant(1, false)), (1, 1));
        assert_eq!(waits_for(&cores, brief, false), (2, 0));
    }

    #[test]
    fn a_brief_job_waits_for_a_core() {
        let cores = Cores::new(2, Machine::idle());
        let long = cores.grant(2, false);
        assert_eq!(waits_for(&cores, long, true), (2, 0));
    }

    #[test]
    fn who_keeps_a_core_for_long_is_not_waited_for() {
        let cores = Cores::new(2, Machine::idle());
        let _brief = cores.grant(1, true);
        let long = cores.grant(2, false);
        assert_eq!(got(&long), (1, 1));
        assert_eq!(got(&cores.grant(1, true)), (1, 2));
    }
}
