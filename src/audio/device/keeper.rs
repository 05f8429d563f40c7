//! Keeps a device open: watches it, and opens it anew when it was gone and is back.

use super::callbacks::{Played, Taken};
use super::open::{open_input, open_output};
use super::{DeviceError, OpenStream, Opened};
use crate::clock::Stopwatch;
use crate::event::Direction;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

/// News that may wait for the session.
const NEWS_WAITING_MAX: usize = 16;
/// How often a device is looked after.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// A device that has asked for nothing, or brought nothing, in this many looks is gone: one second.
const LOOKS_WITHOUT_SOUND: u32 = 10;
/// How long to wait before a device that is gone is looked for again, in looks: one second.
const LOOKS_BEFORE_RETRY: u32 = 10;

/// News of a keeper for the session.
pub(super) enum KeeperNews {
    Opened(OpenedLine),
    /// The device could not be opened in the first place; the keeper gives up.
    Failed(DeviceError),
    /// The device is gone, for this reason; the keeper looks for it.
    Lost(String),
}

pub(super) struct OpenedLine {
    pub(super) name: String,
    pub(super) rate: u32,
    pub(super) end: End,
}

/// The session's end of a device.
pub(super) enum End {
    Input(Taken),
    Output(Played),
}

/// Ends the thread that keeps a device, some time after it is dropped.
pub(super) struct Keeper {
    pub(super) news: Receiver<KeeperNews>,
    is_over: Arc<AtomicBool>,
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
    }
}

impl Keeper {
    /// Opens the device called `name`, or the default one, on a thread of its own: opening and closing
    /// may hang.
    pub(super) fn start(
        direction: Direction,
        name: Option<String>,
        stopwatch: Stopwatch,
    ) -> std::io::Result<Keeper> {
        let (tell, news) = sync_channel(NEWS_WAITING_MAX);
        let is_over = Arc::new(AtomicBool::new(false));
        let watch = Watch {
            direction,
            name,
            stopwatch,
            tell,
            is_over: is_over.clone(),
        };
        let thread = std::thread::Builder::new().name(direction.to_string());
        thread.spawn(move || watch.keep())?;
        Ok(Keeper { news, is_over })
    }
}

struct Watch {
    direction: Direction,
    name: Option<String>,
    stopwatch: Stopwatch,
    tell: SyncSender<KeeperNews>,
    is_over: Arc<AtomicBool>,
}

impl Watch {
    fn keep(self) {
        let mut was_open = false;
        loop {
            match self.open() {
                Ok((opened, line)) => {
                    was_open = true;
                    if self.tell.send(KeeperNews::Opened(opened)).is_err() {
                        return;
                    }
                    let lost = self.until_lost(&line);
                    self.close(line);
                    let Some(reason) = lost else { return };
                    if self.tell.send(KeeperNews::Lost(reason)).is_err() {
                        return;
                    }
                }
                // Before it was open once there is nothing to come back.
                Err(error) if !was_open => {
                    let _ = self.tell.send(KeeperNews::Failed(error));
                    return;
                }
                Err(_) => {}
            }
            for _ in 0..LOOKS_BEFORE_RETRY {
                std::thread::sleep(LOOK_EVERY);
                if self.is_over() {
                    return;
                }
            }
        }
    }

    fn open(&self) -> Result<(OpenedLine, OpenStream), DeviceError> {
        fn opened<T>(opened: Opened<T>, end: impl Fn(T) -> End) -> (OpenedLine, OpenStream) {
            let line = OpenedLine {
                name: opened.name,
                rate: opened.rate,
                end: end(opened.end),
            };
            (line, opened.line)
        }
        let name = self.name.as_deref();
        match self.direction {
            Direction::Input => open_input(name, self.stopwatch).map(|o| opened(o, End::Input)),
            Direction::Output => open_output(name, self.stopwatch).map(|o| opened(o, End::Output)),
        }
    }

    /// Looks after an open device until it is gone. Returns why, or `None` if nobody wants it any more.
    fn until_lost(&self, line: &OpenStream) -> Option<String> {
        let (mut blocks, mut looks) = (0, 0);
        loop {
            std::thread::sleep(LOOK_EVERY);
            if self.is_over() {
                return None;
            }
            if let Ok(fault) = line.faults.try_recv() {
                return Some(fault);
            }
            let seen = line.counts.blocks.load(Ordering::Relaxed);
            looks = if seen == blocks { looks + 1 } else { 0 };
            blocks = seen;
            if looks >= LOOKS_WITHOUT_SOUND {
                return Some("no sound came for a second".into());
            }
        }
    }

    /// Closes a stream on a thread that nobody waits for: some hosts hang in it.
    fn close(&self, line: OpenStream) {
        let thread = std::thread::Builder::new().name("closing a device".into());
        if let Err(error) = thread.spawn(move || drop(line.stream)) {
            tracing::debug!("the {} is closed in place: {error}", self.direction);
        }
    }

    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }
}
