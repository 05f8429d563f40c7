//! Where logs go: to stderr, or, while a screen is up that they would tear, to it as notices.

use super::feed::{Feed, Update};
use crate::files::plain;
use std::io::{self, Write};
use std::sync::mpsc::{SyncSender, TrySendError};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The screen of this process, if one is up: there is one terminal, as there is one stderr.
static SCREEN: Mutex<Option<SyncSender<Update>>> = Mutex::new(None);

/// A writer for a log subscriber: each write is one line or several whole ones. What a name of others holds does nothing
/// to a terminal; what cannot be written is lost, since there is nobody to tell.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ScreenLog;

impl ScreenLog {
    /// Logs are notices on the screen that `feed` feeds.
    pub(crate) fn to_screen(feed: &Feed) {
        *screen() = Some(feed.sender());
    }

    /// Logs go to stderr.
    pub(crate) fn to_stderr() {
        *screen() = None;
    }
}

impl Write for ScreenLog {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        let Some(screen) = screen().clone() else {
            let _ = io::stderr().write_all(plain(&String::from_utf8_lossy(text)).as_bytes());
            return Ok(text.len());
        };
        for line in String::from_utf8_lossy(text).lines() {
            // A notice too many for the screen is one that nobody could read.
            let told = screen.try_send(Update::Notice(line.to_owned()));
            if let Err(TrySendError::Disconnected(_)) = told {
                let _ = io::stderr().write_all(plain(line).as_bytes());
            }
        }
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let _ = io::stderr().flush();
        Ok(())
    }
}

/// A writer that panicked has left nothing half done.
fn screen() -> MutexGuard<'static, Option<SyncSender<Update>>> {
    SCREEN.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::super::feed::channel;
    use super::*;

    #[test]
    fn logs_are_notices_while_a_screen_is_up() {
        let (feed, updates) = channel();
        ScreenLog::to_screen(&feed);
        let written = ScreenLog.write_all(b"the clock was late\n");
        ScreenLog::to_stderr();
        assert!(written.is_ok());
        let notice = Update::Notice("the clock was late".into());
        assert_eq!(updates.try_recv(), Ok(notice));
    }
}
