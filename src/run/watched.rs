//! Whoever watches a run: is shown every event, is told the time, and may end it.

use super::{Run, Time};
use crate::clock::Clock;
use crate::event::{Event, Tick};
use crate::record::tap::{Tap, Watcher};
use std::future::{pending, poll_fn};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;
use tokio::sync::oneshot;

/// How often a watcher is told the time: ten times a second, as often as a screen is drawn.
const TOLD_EVERY: Duration = Duration::from_millis(100);

/// Whoever watches.
#[derive(Default)]
pub(super) struct Watching {
    pub(super) events: Option<Watcher>,
    pub(super) time: Option<Box<dyn Fn(Tick)>>,
    pub(super) stop: Option<oneshot::Receiver<()>>,
    pub(super) flag: Option<Arc<AtomicBool>>,
}

impl Run {
    /// Shows every event to `watcher` when it is recorded.
    pub fn watched_by(mut self, watcher: Watcher) -> Run {
        self.watching.events = Some(watcher);
        self
    }

    /// Tells `watcher` the time of the conversation ten times a second, in real time.
    pub fn telling_the_time(mut self, watcher: impl Fn(Tick) + 'static) -> Run {
        self.watching.time = Some(Box::new(watcher));
        self
    }

    /// Has the caller hang up after `length`, whatever is still to be said.
    pub fn hanging_up_after(mut self, length: Duration) -> Run {
        self.hang_up = Some(length);
        self
    }

    /// Ends a replay in real time when `stop` is told to, or its sender is dropped, as Ctrl-C
    /// does.
    pub fn stopped_by(mut self, stop: oneshot::Receiver<()>) -> Run {
        self.watching.stop = Some(stop);
        self
    }

    /// Ends a replay in virtual time once the flag is set.
    pub(crate) fn ended_by(mut self, flag: Arc<AtomicBool>) -> Run {
        self.watching.flag = Some(flag);
        self
    }
}

/// Waits until a flag is set, which is looked at whenever anything else happens in the conversation.
pub(super) async fn is_set(flag: &AtomicBool) {
    poll_fn(|_| match flag.load(Ordering::Relaxed) {
        true => Poll::Ready(()),
        false => Poll::Pending,
    })
    .await;
}

/// Shows every event to those who want to see them.
pub(super) fn watch_by<const N: usize>(tap: &Tap, watchers: [Option<Watcher>; N]) {
    let watchers: Vec<Watcher> = watchers.into_iter().flatten().collect();
    if !watchers.is_empty() {
        let all = move |event: &Event| watchers.iter().for_each(|watcher| watcher(event));
        tap.watched_by(Box::new(all));
    }
}

/// Tells the time for as long as this is polled. In virtual time nobody watches a clock.
pub(super) async fn tell_time((time, clock): (Time, &Clock), watcher: Option<Box<dyn Fn(Tick)>>) {
    match (time, watcher) {
        (Time::Real, Some(watcher)) => loop {
            let now = clock.now();
            watcher(now);
            clock.sleep_until(now + TOLD_EVERY).await;
        },
        _ => pending().await,
    }
}

/// Waits for a word, if there is anybody to give it.
pub(super) async fn told(by: Option<oneshot::Receiver<()>>) {
    match by {
        Some(by) => _ = by.await,
        None => pending().await,
    }
}
