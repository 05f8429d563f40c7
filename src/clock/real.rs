//! The real half of the clock: the machine's monotonic time and tokio's timers.

use super::machine::Machine;
use super::thread::Cores;
use crate::event::{Tick, nanos};
use std::cell::Cell;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub(super) struct RealClock {
    origin: Cell<Option<Instant>>,
    cores: Arc<Cores>,
}

impl RealClock {
    pub(super) fn new(cores: u32) -> RealClock {
        RealClock {
            origin: Cell::new(None),
            cores: Arc::new(Cores::new(cores, Machine::new())),
        }
    }

    /// Another clock, not started, on the same cores.
    pub(super) fn alongside(&self) -> RealClock {
        RealClock {
            origin: Cell::new(None),
            cores: Arc::clone(&self.cores),
        }
    }

    pub(super) fn start(&self) {
        self.origin.set(Some(Instant::now()));
    }

    pub(super) fn origin(&self) -> Option<Instant> {
        self.origin.get()
    }

    pub(super) fn now(&self) -> Tick {
        Tick(
            self.origin
                .get()
                .map_or(0, |origin| nanos(origin.elapsed())),
        )
    }

    pub(super) async fn sleep_until(&self, deadline: Tick) {
        if let Some(origin) = self.origin.get() {
            let at = origin + Duration::from_nanos(deadline.0);
            tokio::time::sleep_until(at.into()).await;
        }
    }

    pub(super) fn cores(&self) -> &Arc<Cores> {
        &self.cores
    }
}

/// Runs a future on a tokio runtime of its own.
pub(super) fn block_on<F: Future>(future: F) -> std::io::Result<F::Output> {
    if tokio::runtime::Handle::try_current().is_ok() {
        return Err(std::io::Error::other(
            "a conversation brings its own runtime: call it outside of async code, or through tokio::task::spawn_blocking",
        ));
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    // One task is all there is, so nobody gains when it yields to others.
    Ok(runtime.block_on(tokio::task::unconstrained(future)))
}

/// The time of day, which others may set.
#[cfg(feature = "openai")]
pub(crate) fn now_utc() -> jiff::Timestamp {
    jiff::Timestamp::now()
}

pub(super) fn date_and_time() -> String {
    jiff::Timestamp::now()
        .round(jiff::Unit::Second)
        .map_or_else(|_| String::new(), |now| now.to_string())
}
