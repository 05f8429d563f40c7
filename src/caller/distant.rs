//! A speaker at the far end of a network.

use crate::audio::{Samples, Speaker};
use crate::clock::Clock;
use crate::event::Tick;
use crate::rng::Source;
use crate::scenario::network::{Bursts, Path};
use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

/// A speaker whose sound is heard once it has crossed the network. The network's latency is drawn anew whenever
/// the caller asks something, and stays until then.
pub(crate) struct Distant {
    clock: Clock,
    path: Path,
    bursts: Bursts,
    source: Source,
    conversation: u64,
    /// The question that the caller is at, and how often that was begun again.
    said: Rc<Cell<(u32, u32)>>,
    /// The network's latency for the answer to that question; `None` until it is drawn.
    way: Cell<Option<((u32, u32), Duration)>>,
}

impl Distant {
    /// `said` tells which question the caller is at.
    pub(crate) fn new(
        clock: Clock,
        (path, bursts): (Path, Bursts),
        source: Source,
        conversation: u64,
        said: Rc<Cell<(u32, u32)>>,
    ) -> Distant {
        Distant {
            clock,
            path,
            bursts,
            source,
            conversation,
            said,
            way: Cell::new(None),
        }
    }
}

impl Speaker for Distant {
    fn latency(&self) -> Duration {
        let said = self.said.get();
        if let Some((question, way)) = self.way.get()
            && question == said
        {
            return way;
        }
        let mut draw = self.source.draw(self.conversation, said.0 | said.1 << 24);
        let crossing = self
            .path
            .cross(&mut draw, &mut self.source.mood(self.conversation));
        let way = crossing.takes(self.bursts.at(self.clock.now()));
        self.way.set(Some((said, way)));
        way
    }

    fn network(&self) -> Duration {
        self.latency()
    }

    fn play(&self, _: Tick, _: &Samples) {}

    fn silence(&self) -> Duration {
        // Sound that is on its way is heard.
        self.latency()
    }
}
