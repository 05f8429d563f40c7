//! The one place where time is read, waited for and spent.
//!
//! A [`Clock`] is a cheap handle that is passed to whoever needs time. The code that uses it
//! cannot tell which half is behind it; today there is the real one.

mod real;
mod worker;

pub use worker::{Charge, Emitter, Progress, Worker};

use crate::event::Tick;
use real::RealClock;
use std::rc::Rc;
use std::sync::Arc;

/// A handle on time: what it is now, waiting for a deadline, and workers to spend it on.
#[derive(Clone)]
pub struct Clock(Rc<RealClock>);

impl Clock {
    /// A clock that follows the wall clock, with `cores` for the engines to compute on. It stands
    /// at tick zero until [`Clock::start`]. Waiting on it needs a tokio runtime with timers.
    pub fn real(cores: u32) -> Clock {
        Clock(Rc::new(RealClock::new(cores)))
    }

    /// Sets tick zero to this moment. Loading and warming up lie before it.
    pub fn start(&self) {
        self.0.start();
    }

    pub fn now(&self) -> Tick {
        self.0.now()
    }

    /// Waits for an absolute deadline, so that pacing does not drift. Returns at once if it has
    /// passed. The real clock wakes up to about two milliseconds late; it is never early.
    pub async fn sleep_until(&self, deadline: Tick) {
        self.0.sleep_until(deadline).await;
    }

    /// A worker that owns `state` and computes on it, one job at a time.
    pub fn worker<S: Send + 'static>(&self, name: &str, state: S) -> std::io::Result<Worker<S>> {
        Worker::start(name, state, Arc::clone(self.0.cores()))
    }

    /// The date and time of day, for headers and folder names, as RFC 3339 in UTC.
    pub fn date_and_time() -> String {
        real::date_and_time()
    }
}
