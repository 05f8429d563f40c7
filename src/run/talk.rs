//! Somebody talks with the agent.

use crate::audio::device::{self, Devices};
use crate::clock::Clock;
use crate::ear::Ear;
use crate::live::{Level, Listener};
use crate::pipeline::AgentState;
use crate::record::tap::Tap;
use crate::stage::SpeechActivity;
use crate::stage::Watched;
use crate::stage::queue;
use std::cell::Cell;
use std::rc::Rc;
use tokio::sync::oneshot;

/// How to talk with the agent.
#[derive(Default)]
pub struct Talk {
    /// The devices to talk through.
    pub devices: device::Choice,
    /// Whether the agent hears nothing while it speaks: for rooms whose echo is past cancelling.
    pub is_half_duplex: bool,
    /// Whether the microphone is taken for silent; may be set at any time.
    pub is_muted: Rc<Cell<bool>>,
    /// Hangs up when its sender sends, or is dropped; `None` if only Ctrl-C ends the talk.
    pub hang_up: Option<oneshot::Receiver<()>>,
    /// Told of every 16 ms of the microphone when they began, and their peak in dB of full scale.
    pub level: Option<Level>,
}

impl Talk {
    pub(super) fn listener(
        self,
        (clock, tap): (&Clock, &Tap),
        devices: Devices,
        ear: Ear,
        agent: Rc<Watched<AgentState>>,
        activity: queue::Sender<SpeechActivity>,
    ) -> Listener {
        Listener {
            clock: clock.clone(),
            tap: tap.clone(),
            ear,
            devices,
            is_half_duplex: self.is_half_duplex,
            is_muted: self.is_muted,
            agent,
            activity,
            level: self.level,
        }
    }
}
