//! A speaker at the far end of a network.

use crate::audio::{Samples, Speaker};
use crate::event::Tick;
use crate::rng::Source;
use crate::scenario::network::Path;
use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

/// What is handed to it is heard when it has crossed the network. The way is as long for all that is
/// said to one question.
pub(super) struct Distant {
    pub(super) path: Path,
    pub(super) source: Source,
    pub(super) conversation: u64,
    /// The question that the caller is at.
    pub(super) asked: Rc<Cell<u32>>,
}

impl Speaker for Distant {
    fn latency(&self) -> Duration {
        let mut draw = self.source.draw(self.conversation, self.asked.get());
        let mut mood = self.source.draw(self.conversation, u32::MAX);
        self.path.cross(&mut draw, &mut mood)
    }

    fn network(&self) -> Duration {
        self.latency()
    }

    fn play(&self, _: Tick, _: &Samples) {}

    fn silence(&self) -> Duration {
        // What is on its way is heard.
        self.latency()
    }
}
