//! A program that is kept open, asked, and started again after it failed or ended.

use super::line::Line;
use super::pipes::{Pipes, Wrote};
use crate::clock::Waited;
use crate::engine::words::one_line;
use crate::event::{Remark, Remarks};
use crate::scenario::engine::Program as Asked;
use crate::stage::StageError;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use serde_json::{Value, json};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::RecvTimeoutError;
use std::thread::sleep;
use std::time::Duration;

/// How long a program may take to end: of itself when its output is at its end, or when it is asked to.
const END_MAX: Duration = Duration::from_millis(200);
const LOOKS_EVERY: Duration = Duration::from_millis(5);

/// What is done with the rest of an answer.
pub(super) enum Then {
    GoOn,
    /// Nobody wants it.
    Enough,
}

/// Why there is no answer, or half of one.
enum Fault {
    /// The program says so, in these words.
    Reported(String),
    /// The program does not do what it should.
    Broken(String),
    /// The program has ended behind the answer before, and was not seen to.
    Over,
}

impl From<String> for Fault {
    fn from(reason: String) -> Fault {
        Fault::Broken(reason)
    }
}

/// A program by its command line, and the process if it runs.
pub(super) struct Program {
    asked: Asked,
    running: Option<Running>,
    /// How many requests were made so far.
    requests: u64,
}

struct Running {
    child: Child,
    pipes: Pipes,
    has_answered: bool,
}

impl Program {
    pub(super) fn of(asked: &Asked) -> Program {
        Program {
            asked: asked.clone(),
            running: None,
            requests: 0,
        }
    }

    /// The command line, for people.
    pub(super) fn described(&self) -> String {
        let command = std::iter::once(&self.asked.program).chain(&self.asked.arguments);
        let command: Vec<&str> = command.map(String::as_str).collect();
        format!("command: {}", command.join(" "))
    }

    /// Starts the program, and looks whether it ends at once.
    ///
    /// # Errors
    /// In words for people, if it cannot be started, or ends within `longest`.
    pub(super) fn start_and_look(&mut self, longest: Duration) -> Result<(), String> {
        let mut running = self.start()?;
        let waited = Waited::since_now();
        while waited.elapsed() < longest {
            if running.pipes.are_over() {
                return Err(format!(
                    "the command {}: {} before anything was asked",
                    self.asked.program,
                    running.end()
                ));
            }
            sleep(LOOKS_EVERY);
        }
        self.running = Some(running);
        Ok(())
    }

    /// Sends a request, and hands each line of the answer to `each`; what was odd about it comes back.
    ///
    /// After an error, and where `each` has enough, the program is started again for the next request, so that half
    /// an answer is not taken for the next one.
    pub(super) fn exchange(
        &mut self,
        request: Value,
        mut each: impl FnMut(Line) -> Result<Then, String>,
    ) -> Result<Remarks, StageError> {
        let name = self.asked.program.clone();
        let failed = |reason: String| StageError::Failed(format!("the command {name}: {reason}"));
        let mut exchanged = self.try_exchange(request.clone(), &mut each);
        if matches!(exchanged, Err(Fault::Over)) {
            self.running = None;
            exchanged = self.try_exchange(request, &mut each);
        }
        match exchanged {
            Ok((remarks, Then::GoOn)) => Ok(remarks),
            Ok((remarks, Then::Enough)) => {
                self.running = None;
                Ok(remarks)
            }
            // Its answer is at its end, and it goes on.
            Err(Fault::Reported(error)) => Err(failed(format!("it reports: {error}"))),
            // A program that has only been started has answered nothing.
            Err(Fault::Over) => Err(failed("it ended".to_owned())),
            Err(Fault::Broken(reason)) => {
                self.running = None;
                let again = "it is started again for the next request";
                Err(failed(format!("{reason}; {again}")))
            }
        }
    }

    fn try_exchange(
        &mut self,
        mut request: Value,
        mut each: impl FnMut(Line) -> Result<Then, String>,
    ) -> Result<(Remarks, Then), Fault> {
        self.requests += 1;
        request["id"] = json!(self.requests);
        // A program that has ended since its last answer has said all of that.
        if self.running.as_ref().is_some_and(|it| it.pipes.are_over()) {
            self.running = None;
        }
        let running = match &mut self.running {
            Some(running) => running,
            none => none.insert(Self::started(&self.asked)?),
        };
        let was_late = running
            .pipes
            .ask(self.requests, format!("{request}\n"))
            .map_err(|()| "it takes no more requests".to_owned())?;
        let mut remarks = Remarks::default();
        if was_late {
            remarks.add(Remark::Late);
        }
        let mut patience = self.asked.first_timeout;
        // Only waiting counts: how fast the lines are taken is not up to the program.
        let mut left = self.asked.timeout;
        let mut has_begun = false;
        loop {
            let waited = Waited::since_now();
            let wrote = running.pipes.lines().recv_timeout(patience.min(left));
            left = left.saturating_sub(waited.elapsed());
            let line = match wrote {
                Ok(Wrote::Line(line)) => line,
                Ok(Wrote::NoAnswer(number, line)) => {
                    let why = "only answers belong on standard output, and logs on standard error";
                    return Err(Fault::Broken(format!(
                        "line {number} of its output is no answer, which is a JSON object: {line}; {why}"
                    )));
                }
                Ok(Wrote::TooLong) => return Err("a line is longer than 16 MiB".to_owned().into()),
                Ok(Wrote::Broken(error)) => {
                    return Err(format!("its output cannot be read: {error}").into());
                }
                Err(RecvTimeoutError::Disconnected) if running.has_answered && !has_begun => {
                    return Err(Fault::Over);
                }
                Err(RecvTimeoutError::Disconnected) => return Err(running.end().into()),
                Err(RecvTimeoutError::Timeout) if left.is_zero() => {
                    return Err(too_long(&self.asked));
                }
                Err(RecvTimeoutError::Timeout) => {
                    let ms = patience.as_millis();
                    return Err(Fault::Broken(match has_begun {
                        false => format!("no line came within {ms} ms (first_token_timeout_ms)"),
                        true => format!(
                            "no line came for {ms} ms in mid-answer (between_tokens_timeout_ms); the last line has \"done\": true in it"
                        ),
                    }));
                }
            };
            has_begun = true;
            if let Some(error) = &line.error {
                running.has_answered = true;
                return Err(Fault::Reported(one_line(error)));
            }
            let is_last = line.is_last();
            match each(line)? {
                Then::Enough => return Ok((remarks, Then::Enough)),
                Then::GoOn if is_last => {
                    running.has_answered = true;
                    return Ok((remarks, Then::GoOn));
                }
                Then::GoOn if left.is_zero() => return Err(too_long(&self.asked)),
                Then::GoOn => patience = self.asked.next_timeout,
            }
        }
    }

    fn start(&mut self) -> Result<Running, String> {
        self.running = None;
        Self::started(&self.asked)
    }

    fn started(asked: &Asked) -> Result<Running, String> {
        let name = &asked.program;
        let mut child = Command::new(name)
            .args(&asked.arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // A group of its own, so that whatever it starts ends with it.
            .process_group(0)
            .spawn()
            .map_err(|error| {
                format!(
                    "the command {name} cannot be started: {error}; check that the program is installed and its path is right"
                )
            })?;
        match (child.stdin.take(), child.stdout.take(), child.stderr.take()) {
            (Some(input), Some(output), Some(log)) => {
                let pipes = Pipes::of(name, input, output, log).map_err(|error| {
                    // Nobody listens to it.
                    let _ = child.kill();
                    let _ = child.wait();
                    format!(
                        "no thread can be had for the command {name}: {error}; end other programs"
                    )
                })?;
                Ok(Running {
                    child,
                    pipes,
                    has_answered: false,
                })
            }
            _ => Err("its pipes cannot be had".into()),
        }
    }
}

fn too_long(asked: &Asked) -> Fault {
    let ms = asked.timeout.as_millis();
    Fault::Broken(format!(
        "its answer was not done within {ms} ms (timeout_ms)"
    ))
}

impl Running {
    /// How a program ended whose output is at its end.
    fn end(&mut self) -> String {
        let status = self.status_within(END_MAX);
        let mut words = match status {
            Some(status) => format!("it ended ({status})"),
            None => "it closed its standard output and goes on".to_owned(),
        };
        let log = self.pipes.last_log(END_MAX);
        if !log.is_empty() {
            words += ", its last words on standard error: ";
            words += &log;
        }
        words
    }

    fn status_within(&mut self, longest: Duration) -> Option<std::process::ExitStatus> {
        let waited = Waited::since_now();
        loop {
            match self.child.try_wait() {
                Ok(Some(status)) => return Some(status),
                Ok(None) if waited.elapsed() < longest => sleep(LOOKS_EVERY),
                _ => return None,
            }
        }
    }
}

impl Drop for Running {
    /// Ends the program and all that it started: asked first, then without being asked.
    fn drop(&mut self) {
        let group = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        if let Some(group) = group {
            // Each fails only where nobody is left.
            let _ = kill_process_group(group, Signal::TERM);
            let waited = Waited::since_now();
            // Left to be waited for, so that its number stays its own until the rest of its group is ended.
            let has_ended = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
            while waited.elapsed() < END_MAX
                && matches!(waitid(WaitId::Pid(group), has_ended), Ok(None))
            {
                sleep(LOOKS_EVERY);
            }
            let _ = kill_process_group(group, Signal::KILL);
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
