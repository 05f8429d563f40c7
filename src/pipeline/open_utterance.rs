//! The utterance that is being heard, and when its recogniser is asked ahead of its end: arithmetic on
//! ticks.

use super::session::Settings;
use crate::event::{Tick, TurnId};
use crate::stage::Heard;
use crate::stage::queue;
use std::time::Duration;

pub(super) struct OpenUtterance {
    pub(super) turn: TurnId,
    pub(super) onset: Tick,
    pub(super) last_voiced: Option<Tick>,
    /// Whether there was a voice in the utterance, not just noise.
    pub(super) has_voice: bool,
    pub(super) feed: queue::Sender<Heard>,
    /// When the recogniser was last asked what was said so far, and whether it has answered.
    asked: (Tick, bool),
    /// Whether the recogniser was asked in the present pause.
    is_guessed: bool,
}

impl OpenUtterance {
    pub(super) fn new(turn: TurnId, onset: Tick, feed: queue::Sender<Heard>) -> OpenUtterance {
        OpenUtterance {
            turn,
            onset,
            last_voiced: None,
            has_voice: false,
            feed,
            asked: (onset, true),
            is_guessed: false,
        }
    }

    /// When to ask what was said so far: once in a pause, in case that was all, and now and then
    /// while the caller speaks if the settings say so. `for_endpoint`: the endpointing policy wants to know.
    pub(super) fn ask_at(&self, settings: &Settings, for_endpoint: bool) -> Option<Tick> {
        let in_pause = settings.speculate_after;
        let in_pause = in_pause.or(for_endpoint.then_some(Duration::ZERO));
        match (self.last_voiced, self.asked) {
            _ if self.is_guessed => None,
            (Some(at), _) => Some(at + in_pause?),
            (None, (asked, true)) => Some(asked + settings.ask_every?),
            (None, (_, false)) => None,
        }
    }

    /// The recogniser is asked; returns what to send to it.
    pub(super) fn ask(&mut self, now: Tick) -> Heard {
        self.is_guessed = self.last_voiced.is_some();
        if self.is_guessed {
            return Heard::Paused;
        }
        self.asked = (now, false);
        Heard::SoFar
    }

    /// The recogniser says what was said so far. Returns whether that answers a question about this pause:
    /// questions while the caller talked over the agent were for the interruption policy, and in a pause that
    /// the recogniser was not asked about its text holds less than was said.
    pub(super) fn answered(&mut self) -> bool {
        let was_asked = !std::mem::replace(&mut self.asked.1, true);
        self.is_guessed || (was_asked && self.last_voiced.is_none())
    }

    /// The caller goes on. Returns whether the recogniser was told of the pause.
    pub(super) fn resumed(&mut self, at: Tick) -> bool {
        self.last_voiced = None;
        let was_guessed = std::mem::take(&mut self.is_guessed);
        if was_guessed {
            self.asked = (at, true);
        }
        was_guessed
    }
}
