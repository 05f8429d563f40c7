//! What the conversations of a world share.

use crate::clock::Clock;
use crate::engine::pool::Pools;
use crate::engine::resilience::Breakers;
use crate::event::Tick;
use crate::scenario::Scenario;
use std::ops::Range;
use std::rc::Rc;

/// Time, engines that stand in pools, and what is known of engines that fail. Most worlds are one conversation.
pub(super) struct World {
    pub(super) clock: Clock,
    pub(super) pools: Rc<Pools>,
    pub(super) breakers: Breakers,
}

impl World {
    /// The world of a scenario, whose pools count what they are asked for within `window`.
    pub(super) fn new(scenario: &Scenario, window: &Range<Tick>) -> World {
        let clock = Clock::virtual_time(scenario.cores());
        World {
            pools: Rc::new(Pools::of(scenario.pools(), &clock, window)),
            breakers: Breakers::default(),
            clock,
        }
    }

    /// Runs what happens in the world to its end.
    ///
    /// # Errors
    /// If `what` waits for something that cannot come, which is a bug in voicesim.
    pub(super) fn run<F: Future>(&self, what: F) -> std::io::Result<F::Output> {
        if self.pools.is_empty() {
            return self.clock.block_on(what);
        }
        self.clock.block_on(async {
            tokio::select! {
                biased;
                output = what => output,
                never = self.pools.tend() => match never {},
            }
        })
    }
}
