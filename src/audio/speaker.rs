//! Where replies sound.

use super::Samples;
use crate::event::Tick;
use std::time::Duration;

/// A loudspeaker, as far as a reply needs to know it. Sound is laid on the session's time axis ahead of
/// the moment at which it is heard.
/// # Example
/// ```
/// use std::cell::RefCell;
/// use std::time::Duration;
/// use voicesim::audio::{Samples, Speaker};
/// use voicesim::event::Tick;
///
/// /// Remembers when sound was to be heard.
/// #[derive(Default)]
/// struct Remembers(RefCell<Vec<Tick>>);
///
/// impl Speaker for Remembers {
///     fn latency(&self) -> Duration {
///         Duration::from_millis(20)
///     }
///
///     fn play(&self, start: Tick, _: &Samples) {
///         self.0.borrow_mut().push(start);
///     }
///
///     fn silence(&self) -> Duration {
///         self.0.borrow_mut().clear();
///         self.latency()
///     }
/// }
///
/// let speaker = Remembers::default();
/// speaker.play(Tick::from_ms(20), &Samples::from(vec![0.1; 160]));
/// assert_eq!(speaker.0.borrow().as_slice(), [Tick::from_ms(20)]);
/// ```
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

    /// Has simulated sound, which has a length and no samples, sound from `start` on. Nobody hears it unless told.
    fn play_simulated(&self, _start: Tick, _length: Duration) {}

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
