//! The sending half of the view. It never waits for the screen: a conversation must not stutter
//! because a terminal is slow.

use super::open_turns::push;
use crate::event::{Event, Tick};
use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};

/// Updates on their way: several seconds of them.
const UPDATES_MAX: usize = 256;

/// Events that wait for room. A busy second has fewer than a hundred.
const EVENTS_MAX: usize = 10_000;

/// Something new to show.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Update {
    Events(Vec<Event>),
    /// The microphone's level in dB below full scale.
    Level {
        db: f32,
        is_muted: bool,
    },
    /// Something to tell that is no event.
    Notice(String),
    Now(Tick),
    /// The end: no update comes after it.
    End,
}

/// Hands updates to the screen.
#[derive(Debug)]
pub(crate) struct Feed {
    sender: SyncSender<Update>,
    waiting: VecDeque<Event>,
    is_watched: bool,
}

/// A feed, and what the screen receives of it.
pub(super) fn channel() -> (Feed, Receiver<Update>) {
    let (sender, receiver) = sync_channel(UPDATES_MAX);
    let feed = Feed {
        sender,
        waiting: VecDeque::new(),
        is_watched: true,
    };
    (feed, receiver)
}

impl Feed {
    /// Keeps an event for the next [`Feed::now`].
    pub(crate) fn event(&mut self, event: Event) {
        push(&mut self.waiting, event, EVENTS_MAX);
    }

    /// Time has passed; hands over the events that wait. To be called ten times a second: the
    /// screen is drawn as often.
    pub(crate) fn now(&mut self, now: Tick) {
        if !self.waiting.is_empty() {
            let events = Update::Events(std::mem::take(&mut self.waiting).into());
            if let Some(Update::Events(events)) = self.send(events) {
                self.waiting = events.into();
            }
        }
        self.send(Update::Now(now));
    }

    /// Hands over the microphone's level in dB below full scale. To be called as often as [`Feed::now`].
    pub(crate) fn level(&mut self, db: f32, is_muted: bool) {
        self.send(Update::Level { db, is_muted });
    }

    /// Whether there still is a screen. Without one it is time for plain lines.
    pub(crate) fn is_watched(&self) -> bool {
        self.is_watched
    }

    /// Hands over what waits, and has the screen closed. Waits until there is room for that.
    pub(crate) fn end(self) {
        // A screen that is gone has been closed.
        let events = Update::Events(self.waiting.into());
        let _ = self.sender.send(events);
        let _ = self.sender.send(Update::End);
    }

    /// Events that no screen was told of.
    pub(crate) fn untold(self) -> impl Iterator<Item = Event> {
        self.waiting.into_iter()
    }

    /// A sender for notices from elsewhere.
    pub(super) fn sender(&self) -> SyncSender<Update> {
        self.sender.clone()
    }

    /// What could not be sent because there is no room.
    fn send(&mut self, update: Update) -> Option<Update> {
        match self.sender.try_send(update) {
            Ok(()) => None,
            Err(TrySendError::Full(update)) => Some(update),
            Err(TrySendError::Disconnected(update)) => {
                self.is_watched = false;
                Some(update)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Mark, SessionId, TurnId};

    fn event(ms: u64) -> Event {
        Event {
            tick: Tick::from_ms(ms),
            session: SessionId(0),
            turn: TurnId(1),
            mark: Mark::AskedSoFar,
        }
    }

    #[test]
    fn a_screen_that_sleeps_loses_no_events_and_keeps_nobody_waiting() {
        let (mut feed, updates) = channel();
        for ms in 0..2_000 {
            feed.event(event(ms));
            feed.now(Tick::from_ms(ms));
        }
        let mut ticks = Vec::new();
        let mut take = |updates: &Receiver<Update>| {
            while let Ok(update) = updates.try_recv() {
                if let Update::Events(events) = update {
                    ticks.extend(events.iter().map(|event| event.tick));
                }
            }
        };
        take(&updates);
        feed.now(Tick::from_ms(2_000));
        take(&updates);
        assert!(ticks.iter().copied().eq((0..2_000).map(Tick::from_ms)));
        assert!(feed.is_watched());
    }

    #[test]
    fn a_screen_that_is_gone_is_noticed() {
        let (mut feed, updates) = channel();
        drop(updates);
        feed.event(event(1));
        feed.now(Tick::ZERO);
        assert!(!feed.is_watched());
        assert_eq!(feed.untold().count(), 1, "and nothing is lost");
    }
}
