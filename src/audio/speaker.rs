//! Where replies sound.

use super::Samples;
use crate::event::Tick;
use std::time::Duration;

/// A loudspeaker, as far as a reply needs to know it. Sound is laid on the session's time axis ahead of
/// the moment at which it is heard.
pub trait Speaker {
    /// The least time from handing sound over to its being heard.
    fn latency(&self) -> Duration;

    /// The part of [`Speaker::latency`] that a simulated network to the caller takes.
    fn network(&self) -> Duration {
        Duration::ZERO
    }

    /// Has `samples` (at the pipeline's rate) sound from `start` on, which lies at least
    /// [`Speaker::latency`] ahead. Sounds that overlap are added.
    fn play(&self, start: Tick, samples: &Samples);

    /// Falls silent, and forgets what was still to sound. Returns for how long sound that cannot be
    /// taken back is still heard.
    fn silence(&self) -> Duration;
}

/// The speaker of a replay or a simulation: sound is heard as it is handed over, by nobody.
pub struct Imagined;

impl Speaker for Imagined {
    fn latency(&self) -> Duration {
        Duration::ZERO
    }

    fn play(&self, _: Tick, _: &Samples) {}

    fn silence(&self) -> Duration {
        Duration::ZERO
    }
}
