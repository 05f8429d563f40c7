//! Signals that ask the program to end: what goes on is ended in order, and the exit code says by which signal.

use std::future::pending;
use std::sync::atomic::{AtomicU8, Ordering};

/// A signal that asks the program to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// SIGINT: Ctrl-C.
    Interrupt,
    /// SIGTERM: the system, a scheduler or a container wants it to end.
    Terminate,
    /// SIGHUP: the terminal is gone.
    HangUp,
}

/// The exit code of the first signal that cut something short; 0 for none. A process has one exit code.
static CUT_SHORT: AtomicU8 = AtomicU8::new(0);

impl Ending {
    /// The exit code, as shells have it: 128 and the number of the signal.
    pub(crate) fn exit_code(self) -> u8 {
        match self {
            Ending::Interrupt => 130,
            Ending::Terminate => 143,
            Ending::HangUp => 129,
        }
    }

    /// Remembers that this signal cut short what was going on.
    pub(crate) fn cuts_short(self) {
        let _ =
            CUT_SHORT.compare_exchange(0, self.exit_code(), Ordering::Relaxed, Ordering::Relaxed);
    }
}

/// The exit code of the signal that cut something short; `None` if nothing was.
pub(crate) fn cut_short() -> Option<u8> {
    match CUT_SHORT.load(Ordering::Relaxed) {
        0 => None,
        code => Some(code),
    }
}

/// Listens for signals, in a runtime of tokio's. While there is one, signals do not end the program by themselves.
#[cfg(unix)]
pub(crate) struct Signals {
    streams: [(Ending, Option<tokio::signal::unix::Signal>); 3],
}

#[cfg(unix)]
impl Signals {
    /// Listens from now on. A hang-up that whoever started the program has it ignore, as nohup does, stays ignored.
    pub(crate) fn listen() -> Signals {
        use tokio::signal::unix::{SignalKind, signal};
        let listen = |ending: Ending, kind: SignalKind| {
            let is_ignored = ending == Ending::HangUp && is_ignored(kind.as_raw_value());
            (ending, (!is_ignored).then(|| signal(kind).ok()).flatten())
        };
        Signals {
            streams: [
                listen(Ending::Interrupt, SignalKind::interrupt()),
                listen(Ending::Terminate, SignalKind::terminate()),
                listen(Ending::HangUp, SignalKind::hangup()),
            ],
        }
    }

    /// The next signal.
    pub(crate) async fn next(&mut self) -> Ending {
        let [(first, a), (second, b), (third, c)] = &mut self.streams;
        // Any order will do: one is enough.
        tokio::select! {
            biased;
            () = came(a) => *first,
            () = came(b) => *second,
            () = came(c) => *third,
        }
    }
}

#[cfg(unix)]
async fn came(stream: &mut Option<tokio::signal::unix::Signal>) {
    let came = match stream {
        Some(stream) => stream.recv().await.is_some(),
        None => false,
    };
    if !came {
        pending::<()>().await;
    }
}

/// Whether a signal was ignored when the program began, as far as the system tells.
#[cfg(unix)]
fn is_ignored(signal: i32) -> bool {
    let status = crate::files::read_text(std::path::Path::new("/proc/self/status"), 1 << 16);
    status.is_ok_and(|status| ignores(&status, signal))
}

#[cfg(unix)]
fn ignores(status: &str, signal: i32) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}

/// Listens for Ctrl-C, which is all that there is here.
#[cfg(not(unix))]
pub(crate) struct Signals;

#[cfg(not(unix))]
impl Signals {
    /// Listens from now on.
    pub(crate) fn listen() -> Signals {
        Signals
    }

    /// The next signal.
    pub(crate) async fn next(&mut self) -> Ending {
        match tokio::signal::ctrl_c().await {
            Ok(()) => Ending::Interrupt,
            Err(_) => pending().await,
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_hang_up_that_nohup_has_ignored_is_known() {
        assert!(ignores("Name:\tx\nSigIgn:\t0000000000000001\n", 1));
        assert!(!ignores("SigIgn:\t0000000000001000\n", 1));
        assert!(!ignores("SigCgt:\t0000000000000001\n", 1));
    }

    #[test]
    fn exit_codes_are_those_of_shells() {
        let codes = [Ending::Interrupt, Ending::Terminate, Ending::HangUp].map(Ending::exit_code);
        assert_eq!(codes, [130, 143, 129]);
    }
}
