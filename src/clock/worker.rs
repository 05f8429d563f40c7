//! Work that takes a processor, on either clock.

use super::in_place::{InPlaceCharge, InPlaceWorker};
use super::thread::{ThreadCharge, ThreadWorker};
use crate::event::Cost;

/// The progress of a charge, in this order: `Begun`, any number of `Item`s, `Done`.
#[derive(Debug, Clone, PartialEq)]
pub enum Progress<T> {
    /// The worker took the job up.
    Begun,
    /// The job put something out.
    Item(T),
    /// The job is over; what it took.
    Done(Cost),
}

/// A piece of work on an engine's state. It is told how many threads it got, and hands its outputs to an
/// [`Emitter`].
/// # Example
/// ```
/// use voicesim::clock::{Clock, Progress};
///
/// # fn main() -> std::io::Result<()> {
/// let clock = Clock::virtual_time(1);
/// let worker = clock.worker("adder", 40)?;
/// let sum = clock.block_on(async {
///     let mut charge = worker.charge(1, |state: &mut i32, _, out: &voicesim::clock::Emitter<i32>| {
///         out.send(*state + 2);
///     });
///     let mut items = Vec::new();
///     while let Some(progress) = charge.next().await {
///         if let Progress::Item(item) = progress {
///             items.push(item);
///         }
///     }
///     items
/// })?;
/// assert_eq!(sum, [42]);
/// # Ok(())
/// # }
/// ```
pub trait Job<S, T>: FnOnce(&mut S, u32, &Emitter<T>) + Send + 'static {}

impl<S, T, F: FnOnce(&mut S, u32, &Emitter<T>) + Send + 'static> Job<S, T> for F {}

/// Where a running job puts its outputs.
pub struct Emitter<'a, T>(&'a dyn Fn(T) -> bool);

impl<'a, T> Emitter<'a, T> {
    pub(super) fn new(emit: &'a dyn Fn(T) -> bool) -> Emitter<'a, T> {
        Emitter(emit)
    }

    /// Hands an output over the moment it exists. Returns false if nobody wants outputs any more: the job
    /// may stop.
    pub fn send(&self, item: T) -> bool {
        (self.0)(item)
    }
}

/// Owns an engine's state and computes on it, one job at a time.
pub struct Worker<S>(pub(super) Place<S>);

pub(super) enum Place<S> {
    Thread(ThreadWorker<S>),
    InPlace(InPlaceWorker<S>),
}

impl<S: Send + 'static> Worker<S> {
    /// A worker of brief jobs. A longer job, such as a recogniser's, waits for them if it would have half of its threads or
    /// fewer beside them, and they wait for it.
    #[must_use]
    pub fn brief(self) -> Worker<S> {
        Worker(match self.0 {
            Place::Thread(worker) => Place::Thread(worker.brief()),
            Place::InPlace(worker) => Place::InPlace(worker.brief()),
        })
    }

    /// Has the worker run `job` with at most `threads` threads.
    pub fn charge<T: Send + 'static>(&self, threads: u32, job: impl Job<S, T>) -> Charge<T> {
        Charge(match &self.0 {
            Place::Thread(worker) => UnderWay::Thread(worker.charge(threads, job)),
            Place::InPlace(worker) => UnderWay::InPlace(worker.charge(threads, job)),
        })
    }
}

/// A job under way. Dropping it gives the job up.
pub struct Charge<T>(UnderWay<T>);

enum UnderWay<T> {
    Thread(ThreadCharge<T>),
    InPlace(InPlaceCharge<T>),
}

impl<T> Charge<T> {
    /// What comes next; `None` after `Done`, or if the worker died over the job.
    pub async fn next(&mut self) -> Option<Progress<T>> {
        match &mut self.0 {
            UnderWay::Thread(charge) => charge.next().await,
            UnderWay::InPlace(charge) => charge.next().await,
        }
    }
}

/// Whether a job that gets `granted` of `total` cores now, and wants `wanted`, does better to wait for a brief one: if it has
/// half of its threads or fewer, of which work that is shared takes twice as long and more.
pub(super) fn is_worth_waiting(granted: u32, total: u32, wanted: u32) -> bool {
    2 * granted <= wanted.min(total)
}

/// How many of `total` cores a job gets that wants `wanted`, while `busy` are taken; possibly none.
pub(super) fn share(total: u32, busy: u32, wanted: u32) -> u32 {
    total.saturating_sub(busy).min(wanted.max(1))
}
