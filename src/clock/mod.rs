//! The one place where time is read, waited for and spent.
//!
//! A [`Clock`] is a cheap handle that is passed to whoever needs time. The code that uses it
//! cannot tell whether the time behind it is real or virtual.

mod alarm;
mod branch;
mod in_place;
mod lane;
mod machine;
mod modelled;
mod queue;
mod real;
#[cfg(feature = "openai")]
mod remote;
mod room;
mod thread;
mod timeline;
mod timers;
mod usage;
#[cfg(feature = "command")]
mod waited;
#[cfg(any(feature = "openai", feature = "probe"))]
mod within;
mod worker;

pub use alarm::Alarm;
pub use branch::Branch;
pub use modelled::{ModelledWorker, Taken};
#[cfg(feature = "openai")]
pub(crate) use real::now_utc;
#[cfg(feature = "openai")]
pub use remote::{Answered, Patience, Remote, Request, Silence};
#[cfg(feature = "command")]
pub(crate) use waited::Waited;
#[cfg(any(feature = "openai", feature = "probe"))]
pub use within::within;
pub use worker::{Charge, Emitter, Job, Progress, Worker};

use crate::event::Tick;
use in_place::InPlaceWorker;
use lane::Lane;
use real::RealClock;
use std::future::Future;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use thread::ThreadWorker;
use timeline::Timeline;
use worker::Place;

/// A handle on time: what it is now, waiting for a deadline, and workers to spend it on.
#[derive(Clone)]
pub struct Clock(Kind);

#[derive(Clone)]
enum Kind {
    Real(Rc<RealClock>),
    Virtual(Rc<Lane>),
}

/// A real clock that runs, as other threads see it.
#[derive(Debug, Clone, Copy)]
pub struct Stopwatch(std::time::Instant);

impl Stopwatch {
    /// The time since the clock was started.
    pub fn now(&self) -> Tick {
        Tick(crate::event::nanos(self.0.elapsed()))
    }
}

impl Clock {
    /// A clock that follows the wall clock, with `cores` for the engines to compute on. It stands
    /// at tick zero until [`Clock::start`]. Waiting on it needs a tokio runtime with timers.
    pub fn real(cores: u32) -> Clock {
        Clock(Kind::Real(Rc::new(RealClock::new(cores))))
    }

    /// A clock on which waiting takes no time, and computing as much as it is measured to take, on
    /// `cores` that jobs contend for. Futures that wait on it run under [`Clock::block_on`].
    pub fn virtual_time(cores: u32) -> Clock {
        let timeline = Rc::new(Timeline::new(cores));
        Clock(Kind::Virtual(Rc::new(Lane::new(timeline))))
    }

    /// A clock on this one's time that counts from its own start, for another conversation: what happens
    /// in either happens in order. In real time both share the cores.
    pub fn alongside(&self) -> Clock {
        Clock(match &self.0 {
            Kind::Real(clock) => Kind::Real(Rc::new(clock.alongside())),
            Kind::Virtual(lane) => Kind::Virtual(Rc::new(Lane::new(Rc::clone(lane.timeline())))),
        })
    }

    /// Runs a future to its end.
    ///
    /// # Errors
    /// Fails in virtual time if the future waits for something that no timer will bring; in real time if there
    /// is no runtime to be had, which includes being called inside of one.
    pub fn block_on<F: Future>(&self, future: F) -> io::Result<F::Output> {
        match &self.0 {
            Kind::Real(_) => real::block_on(future),
            Kind::Virtual(lane) => lane.timeline().block_on(future).ok_or_else(|| {
                io::Error::other("the conversation waits for something that cannot come")
            }),
        }
    }

    /// Sets tick zero to this moment. Loading and warming up lie before it.
    pub fn start(&self) {
        match &self.0 {
            Kind::Real(clock) => clock.start(),
            Kind::Virtual(lane) => lane.start(),
        }
    }

    /// The time now, counted from [`Clock::start`].
    pub fn now(&self) -> Tick {
        match &self.0 {
            Kind::Real(clock) => clock.now(),
            Kind::Virtual(lane) => lane.now(),
        }
    }

    /// Waits for an absolute deadline, so that pacing does not drift. Returns at once if it has
    /// passed. The real clock wakes up to about two milliseconds late, the virtual one exactly
    /// then; neither is early.
    pub async fn sleep_until(&self, deadline: Tick) {
        match &self.0 {
            Kind::Real(clock) => clock.sleep_until(deadline).await,
            Kind::Virtual(lane) => lane.sleep_until(deadline).await,
        }
    }

    /// A wait for `deadline` as a value, to be kept for a while.
    fn sleep(&self, deadline: Tick) -> alarm::Sleep {
        match &self.0 {
            Kind::Real(clock) => {
                let clock = Rc::clone(clock);
                alarm::Sleep::Real(Box::pin(async move { clock.sleep_until(deadline).await }))
            }
            Kind::Virtual(lane) => alarm::Sleep::Virtual(lane.sleep_until(deadline)),
        }
    }

    /// A wait until everything else that is due at this tick has happened; `None` in real time, where
    /// nothing else is due.
    fn behind(&self) -> Option<alarm::Sleep> {
        match &self.0 {
            Kind::Real(_) => None,
            Kind::Virtual(lane) => Some(alarm::Sleep::Virtual(lane.timeline().behind())),
        }
    }

    /// A worker that owns `state` and computes on it, one job at a time. Fails if there is no thread to be
    /// had.
    pub fn worker<S: Send + 'static>(&self, name: &str, state: S) -> io::Result<Worker<S>> {
        Ok(Worker(match &self.0 {
            Kind::Real(clock) => {
                Place::Thread(ThreadWorker::start(name, state, Arc::clone(clock.cores()))?)
            }
            Kind::Virtual(lane) => {
                Place::InPlace(InPlaceWorker::new(Rc::clone(lane.timeline()), state))
            }
        }))
    }

    /// A worker whose jobs take cores for as long as a model says, and compute nothing.
    pub fn modelled(&self) -> ModelledWorker {
        ModelledWorker::new(self.clone())
    }

    /// A stopwatch that reads this clock on other threads, such as a sound card's; `None` in virtual time,
    /// and before the start.
    pub fn stopwatch(&self) -> Option<Stopwatch> {
        match &self.0 {
            Kind::Real(clock) => clock.origin().map(Stopwatch),
            Kind::Virtual(_) => None,
        }
    }

    /// The kind of clock: `real` or `virtual`.
    pub fn name(&self) -> &'static str {
        match self.0 {
            Kind::Real(_) => "real",
            Kind::Virtual(_) => "virtual",
        }
    }

    /// The date and time of day, for headers and folder names, as RFC 3339 in UTC.
    pub fn date_and_time() -> String {
        real::date_and_time()
    }
}
