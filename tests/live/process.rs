//! Children with a time limit: nothing a test starts may outlive it or keep it waiting.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// How often a condition that is waited for is looked at.
const GLANCE: Duration = Duration::from_millis(5);

/// Looks at `condition` until it holds; false when it does not within `limit`.
pub fn wait_until(limit: Duration, mut condition: impl FnMut() -> bool) -> bool {
    let started = Instant::now();
    loop {
        if condition() {
            return true;
        }
        if started.elapsed() >= limit {
            return false;
        }
        thread::sleep(GLANCE);
    }
}

/// A child process that is killed when it is let go.
pub struct Guard {
    name: String,
    child: Child,
}

impl Guard {
    /// Starts `command` without standard input.
    ///
    /// # Panics
    ///
    /// When the program cannot be started, for instance because it is not installed.
    pub fn spawn(command: &mut Command) -> Self {
        let name = command.get_program().to_string_lossy().into_owned();
        let child = command
            .stdin(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| {
                panic!(
                    "{name}: {error}; live tests need the packages pulseaudio, pulseaudio-utils and \
                     libasound2-plugins"
                )
            });
        Self { name, child }
    }

    /// The child itself: to take its pipes or to ask for its number.
    pub fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// How the child ended; none while it runs.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child
            .try_wait()
            .expect("a child can be asked how it is")
    }

    /// Waits for the end of the child; none when it still runs after `limit`.
    pub fn wait(&mut self, limit: Duration) -> Option<ExitStatus> {
        let mut status = None;
        wait_until(limit, || {
            status = self.ended();
            status.is_some()
        });
        status
    }

    /// Waits for the end of the child.
    ///
    /// # Panics
    ///
    /// When it still runs after `limit`, or ends with an error.
    pub fn finish(mut self, limit: Duration) {
        match self.wait(limit) {
            Some(status) if status.success() => {}
            Some(status) => panic!("{}: {status}", self.name),
            None => panic!("{}: still running after {limit:?}", self.name),
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        // Fails only for a child that is gone already. SIGKILL ends a stopped process too.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs `command` to its end and hands back what it wrote to standard output.
///
/// # Errors
///
/// A text naming the command, when it still runs after `limit` or ends with an error.
pub fn output_of(command: &mut Command, limit: Duration) -> Result<String, String> {
    // Into files, not pipes: a pipe nobody reads would stop a talkative child.
    let mut out = tempfile::tempfile().expect("a temporary file");
    let mut err = tempfile::tempfile().expect("a temporary file");
    command
        .stdout(out.try_clone().expect("a file can be shared"))
        .stderr(err.try_clone().expect("a file can be shared"));
    let told = format!("{command:?}");
    let status = Guard::spawn(command).wait(limit);
    match status {
        Some(status) if status.success() => Ok(contents(&mut out)),
        Some(status) => Err(format!("{told}: {status}: {}", contents(&mut err))),
        None => Err(format!("{told}: no answer within {limit:?}")),
    }
}

fn contents(file: &mut File) -> String {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(0))
        .expect("a file can be rewound");
    file.read_to_end(&mut bytes)
        .expect("a temporary file can be read");
    String::from_utf8_lossy(&bytes).into_owned()
}
