//! What goes into a program and what comes out of it: threads of their own, so that reading, writing and the program's
//! own log never wait for each other.
//!
//! A line that comes while nothing is asked belongs to a request that is answered, or to none: it is dropped, and a
//! note of it is in the log. So is one that names another request.

use super::line::Line;
use crate::engine::words::one_line;
use crate::files::plain;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::process::{ChildStderr, ChildStdin, ChildStdout};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The longest line that is read: 16 MiB, six minutes of audio.
const LINE_BYTES_MAX: u64 = 16 << 20;
/// Lines that may wait to be taken.
const LINES_WAITING_MAX: usize = 16;
/// As much of a program's log is kept, to tell of it when the program ends.
const LOG_BYTES_MAX: usize = 2 << 10;
/// Late lines that are told of, a program's life long.
const LATE_TOLD_MAX: u32 = 5;

/// What a program wrote.
#[derive(Debug)]
pub(super) enum Wrote {
    Line(Line),
    /// The line of this number, counted from one, is no answer.
    NoAnswer(u64, String),
    /// A line longer than 16 MiB.
    TooLong,
    Broken(io::Error),
}

/// The ends of a program's pipes.
pub(super) struct Pipes {
    requests: SyncSender<String>,
    lines: Receiver<Wrote>,
    state: Arc<Mutex<State>>,
    log: Arc<Mutex<Vec<u8>>>,
    /// Ends when the program's log does.
    log_end: Receiver<()>,
}

#[derive(Default)]
struct State {
    /// The number of the latest request; 0 before the first.
    asked: u64,
    is_answered: bool,
    /// Whether the program's output is at its end.
    is_over: bool,
    /// Lines that came late since the latest request.
    late: u32,
    late_told: u32,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Pipes {
    /// The threads end with the program.
    ///
    /// # Errors
    /// If no thread can be had.
    pub(super) fn of(
        name: &str,
        input: ChildStdin,
        output: ChildStdout,
        log: ChildStderr,
    ) -> io::Result<Pipes> {
        let (requests, waiting) = sync_channel(1);
        let (sender, lines) = sync_channel(LINES_WAITING_MAX);
        let (log_ends, log_end) = sync_channel(1);
        let state = Arc::new(Mutex::new(State::default()));
        let kept = Arc::default();
        let pipes = Pipes {
            requests,
            lines,
            state: Arc::clone(&state),
            log: Arc::clone(&kept),
            log_end,
        };
        let name = name.to_owned();
        spawn(move || write_requests(input, &waiting))?;
        spawn(move || {
            read_lines(&name, output, &state, &sender);
            lock(&state).is_over = true;
        })?;
        spawn(move || {
            pass_on(log, &kept);
            drop(log_ends);
        })?;
        Ok(pipes)
    }

    /// Sends a request; returns whether lines came late before it.
    ///
    /// # Errors
    /// If the program takes none.
    pub(super) fn ask(&self, number: u64, request: String) -> Result<bool, ()> {
        let mut state = lock(&self.state);
        state.asked = number;
        state.is_answered = false;
        let was_late = std::mem::take(&mut state.late) > 0;
        drop(state);
        // A program that has not even taken the request before takes no other.
        self.requests.try_send(request).map_err(|_| ())?;
        Ok(was_late)
    }

    /// What the program writes.
    pub(super) fn lines(&self) -> &Receiver<Wrote> {
        &self.lines
    }

    /// Whether the program's output is at its end.
    pub(super) fn are_over(&self) -> bool {
        lock(&self.state).is_over
    }

    /// The last that the program wrote to its log, as one line, when all of it is there or after `longest`.
    pub(super) fn last_log(&self, longest: std::time::Duration) -> String {
        // Nothing is ever sent: the wait ends with the thread.
        let _ = self.log_end.recv_timeout(longest);
        let log = lock(&self.log);
        let text = String::from_utf8_lossy(&log);
        let last = text.lines().rev().find(|line| !line.trim().is_empty());
        one_line(last.unwrap_or_default())
    }
}

fn write_requests(mut input: ChildStdin, requests: &Receiver<String>) {
    while let Ok(request) = requests.recv() {
        if input.write_all(request.as_bytes()).is_err() || input.flush().is_err() {
            return;
        }
    }
}

fn read_lines(name: &str, output: ChildStdout, state: &Mutex<State>, lines: &SyncSender<Wrote>) {
    let mut output = BufReader::new(output);
    for number in 1.. {
        let mut line = Vec::new();
        let read = (&mut output)
            .take(LINE_BYTES_MAX)
            .read_until(b'\n', &mut line);
        let wrote = match read {
            Ok(0) => return,
            Ok(_) if line.len() as u64 >= LINE_BYTES_MAX => Wrote::TooLong,
            Ok(_) => {
                let text = String::from_utf8_lossy(&line);
                let text = text.trim_start_matches('\u{feff}').trim();
                if text.is_empty() {
                    continue;
                }
                let parsed = Line::parse(text);
                if is_late(name, text, parsed.as_ref(), &mut lock(state)) {
                    continue;
                }
                parsed.map_or_else(|| Wrote::NoAnswer(number, one_line(text)), Wrote::Line)
            }
            Err(error) => Wrote::Broken(error),
        };
        let is_end = !matches!(wrote, Wrote::Line(_) | Wrote::NoAnswer(..));
        if lines.send(wrote).is_err() || is_end {
            return;
        }
    }
}

/// Whether a line belongs to no request that is still to be answered.
fn is_late(name: &str, text: &str, line: Option<&Line>, state: &mut State) -> bool {
    let is_others = line.is_some_and(|line| !line.answers(state.asked));
    // Before the first request nothing is an answer; what is no JSON either is an error, so that it is seen.
    let is_early = state.asked == 0 && line.is_some();
    let is_late = is_early || state.asked > 0 && (state.is_answered || is_others);
    if is_late {
        state.late = state.late.saturating_add(1);
        if state.late_told < LATE_TOLD_MAX {
            state.late_told += 1;
            tracing::warn!(
                "the command {name} wrote a line when nothing was asked that it answers, which is left out: {}",
                one_line(text)
            );
        }
        return true;
    }
    state.is_answered |= line.is_some_and(Line::is_last) && state.asked > 0;
    false
}

/// A thread for one of a program's pipes.
fn spawn(work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let thread = std::thread::Builder::new().name("pipe".into());
    thread.spawn(work).map(drop)
}

/// Shows a program's log as it comes, and keeps the end of it.
fn pass_on(mut log: ChildStderr, kept: &Mutex<Vec<u8>>) {
    let mut buffer = [0; 4 << 10];
    loop {
        let read = match log.read(&mut buffer) {
            Ok(0) => return,
            Ok(read) => &buffer[..read],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(_) => return,
        };
        // Nobody may be there to see it.
        let shown = plain(&String::from_utf8_lossy(read));
        let _ = io::stderr().write_all(shown.as_bytes());
        let mut kept = lock(kept);
        kept.extend_from_slice(read);
        let over = kept.len().saturating_sub(LOG_BYTES_MAX);
        kept.drain(..over);
    }
}
