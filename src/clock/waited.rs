//! Wall time that blocking work takes.

use std::time::{Duration, Instant};

/// Runs from when it is made, on either clock: for work that waits for another program, off the timeline.
pub(crate) struct Waited(Instant);

impl Waited {
    pub(crate) fn since_now() -> Waited {
        Waited(Instant::now())
    }

    /// Wall time since the start.
    pub(crate) fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}
