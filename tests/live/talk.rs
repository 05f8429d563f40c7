//! The program under test, in a conversation.

use super::daemon::Daemon;
use super::process::{Guard, wait_until};
use serde_json::Value;
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

/// Loading the models takes a moment, on a busy machine many.
const READY: Duration = Duration::from_secs(60);
/// After the end of a conversation, to write the report.
const END: Duration = Duration::from_secs(30);
/// Until a signal has come to it.
const ORDER: Duration = Duration::from_secs(5);

/// What is measured in real time is measured again, up to twice, if it went wrong: a machine may have been busy.
pub fn on_a_quiet_machine(measure: impl Fn()) {
    for _ in 0..2 {
        if catch_unwind(AssertUnwindSafe(&measure)).is_ok() {
            return;
        }
    }
    measure();
}

/// A recording of the fixtures.
pub fn fixture(name: &str) -> PathBuf {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("audio/fixtures");
    fixtures.join(format!("{name}.wav"))
}

/// `voicesim run --mic`, listening.
pub struct Talk {
    program: Guard,
    folder: tempfile::TempDir,
}

/// What is left of a conversation.
pub struct Held {
    pub report: Value,
    pub events: Vec<Value>,
    pub stderr: String,
    pub folder: tempfile::TempDir,
}

impl Talk {
    /// Starts it for at most so many seconds, and waits until it listens.
    pub fn start(daemon: &Daemon, seconds: u32, arguments: &[&str]) -> Talk {
        let folder = tempfile::tempdir().expect("a folder");
        let file = |name: &str| File::create(folder.path().join(name)).expect("a file");
        let run = folder.path().join("run");
        let mut command = daemon.command(env!("CARGO_BIN_EXE_voicesim"));
        command
            .args(["run", "--mic", "--json", "--for", &seconds.to_string()])
            .arg("--out")
            .arg(&run)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(file("report"))
            .stderr(file("stderr"));
        let mut program = Guard::spawn(&mut command);
        let listens = || events(&run).iter().any(|e| e["mark"] == "device_opened");
        let is_ready = wait_until(READY, || listens() || program.ended().is_some());
        let talk = Talk { program, folder };
        assert!(is_ready && listens(), "{}", talk.stderr());
        talk
    }

    pub fn stderr(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("stderr")).unwrap_or_default()
    }

    /// What has happened so far.
    pub fn events(&self) -> Vec<Value> {
        events(&self.folder.path().join("run"))
    }

    /// Waits until something has happened.
    pub fn until(&self, what: &str, limit: Duration, has: impl Fn(&[Value]) -> bool) {
        // Reading all of them over and over would take the processor from the program under test.
        let came = wait_until(limit, || {
            sleep(Duration::from_millis(100));
            has(&self.events())
        });
        assert!(came, "no {what} within {limit:?}:\n{}", self.stderr());
    }

    /// Waits until the agent speaks for the `count`th time.
    pub fn until_answer(&self, count: usize) {
        self.until("answer", Duration::from_secs(15), |events| {
            events.iter().filter(|e| e["mark"] == "audible").count() >= count
        });
    }

    /// Waits until the agent has ended its `count`th reply.
    pub fn until_silent(&self, count: usize) {
        self.until("end of the answer", Duration::from_secs(60), |events| {
            events.iter().filter(|e| e["mark"] == "reply_ended").count() >= count
        });
    }

    pub fn process(&mut self) -> &mut Guard {
        &mut self.program
    }

    /// Ends it now, as Ctrl-C does: what is asked has been answered, and to wait for the end of its time shows nothing more.
    pub fn hang_up(mut self) -> Held {
        let order = format!("kill -INT {}", self.program.child().id());
        Guard::spawn(Command::new("sh").args(["-c", &order])).finish(ORDER);
        self.finish(ORDER)
    }

    /// Waits for its end, which must be a good one.
    pub fn finish(mut self, limit: Duration) -> Held {
        let status = self.program.wait(limit + END);
        let stderr = self.stderr();
        let status = status.unwrap_or_else(|| panic!("it did not end:\n{stderr}"));
        assert!(status.success(), "{status}\n{stderr}");
        let report = std::fs::read(self.folder.path().join("report")).expect("a report");
        Held {
            report: serde_json::from_slice(&report).expect("a JSON document"),
            events: self.events(),
            stderr,
            folder: self.folder,
        }
    }
}

fn events(run: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(run.join("events.jsonl")).unwrap_or_default();
    // The last line may not be whole yet.
    text.lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect()
}

impl Held {
    pub fn count(&self, mark: &str) -> usize {
        self.events.iter().filter(|e| e["mark"] == mark).count()
    }

    /// Rows of answered turns.
    pub fn answered(&self) -> Vec<&Value> {
        let rows = self.report["detail"].as_array().expect("rows").iter();
        rows.filter(|row| row["outcome"] == "answered").collect()
    }
}
