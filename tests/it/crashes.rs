//! Programs that are killed, and disks that are full, at every step of what they write: what is left is whole, or says
//! that it is not, or is refused. A library that is loaded before the program's own counts the steps; where there is no
//! compiler for it, nothing is tried.

use crate::support::{command, fixture, stderr, stdout, voicesim};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Steps that are tried of a command: as many as these, evenly, or all if `VOICESIM_STEPS` says so.
const STEPS_MAX: usize = 24;

/// The library; `None` if it cannot be made here.
fn preload(folder: &Path) -> Option<PathBuf> {
    if !cfg!(target_os = "linux") {
        return None;
    }
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/data/preload.c");
    let library = folder.join("preload.so");
    let made = Command::new("cc")
        .args(["-shared", "-fPIC", "-O1", "-o"])
        .arg(&library)
        .arg(&source)
        .arg("-ldl")
        .output();
    made.is_ok_and(|made| made.status.success())
        .then_some(library)
}

struct Tried<'a> {
    library: &'a Path,
    arguments: Vec<String>,
    out: PathBuf,
    /// Reads what was written.
    reads: &'a dyn Fn(&Path) -> Output,
}

impl Tried<'_> {
    fn run(&self, variables: &[(&str, &str)]) -> Output {
        let _ = fs::remove_dir_all(&self.out);
        let arguments: Vec<&str> = self.arguments.iter().map(String::as_str).collect();
        command(&arguments)
            .env("VOICESIM_MODELS", "/nonexistent/models")
            .env("LD_PRELOAD", self.library)
            .envs(variables.iter().copied())
            .output()
            .expect("voicesim runs")
    }

    /// The steps to try, counted from one.
    fn steps(&self, counted: &Path) -> Vec<usize> {
        let whole = self.run(&[("COUNT_FILE", &counted.to_string_lossy())]);
        assert!(whole.status.success(), "{}", stderr(&whole));
        let count = fs::read_to_string(counted).expect("counted");
        let count: usize = count.trim().parse().expect("a number");
        assert!(count > 5, "only {count} steps");
        let apart = match std::env::var("VOICESIM_STEPS").as_deref() {
            Ok("all") => 1,
            _ => count.div_ceil(STEPS_MAX),
        };
        // The first and the last ones are all tried: there the folder begins and ends.
        let is_tried =
            |step: &usize| *step <= 8 || *step + 12 > count || step.is_multiple_of(apart);
        (1..=count).filter(is_tried).collect()
    }

    fn check(&self, folder: &Path) {
        let steps = self.steps(&folder.join("counted"));
        let whole = stdout(&(self.reads)(&self.out));
        for step in steps {
            let number = step.to_string();
            self.run(&[("KILL_N", &number)]);
            self.check_left(&format!("killed at {step}"), &whole);
            let failed = self.run(&[("FAIL_N", &number)]);
            let said = stderr(&failed);
            assert!(
                [Some(0), Some(2), Some(3)].contains(&failed.status.code()),
                "full from {step}: {:?} {said}",
                failed.status
            );
            if failed.status.success() {
                assert_eq!(stdout(&(self.reads)(&self.out)), whole, "full from {step}");
            } else {
                self.check_left(&format!("full from {step}"), &whole);
            }
        }
    }

    /// What is left is whole, flagged or refused.
    fn check_left(&self, when: &str, whole: &str) {
        let read = (self.reads)(&self.out);
        let said = stdout(&read);
        let is_flagged = ["not whole", "stopped or killed"]
            .iter()
            .any(|flag| said.contains(flag));
        match read.status.code() {
            Some(2) => {}
            Some(0) => assert!(said == whole || is_flagged, "{when}: {said}"),
            code => panic!("{when}: {code:?} {}", stderr(&read)),
        }
    }
}

fn report(out: &Path) -> Output {
    voicesim(&["report", &out.to_string_lossy(), "-q"])
}

fn words(line: &str) -> Vec<String> {
    line.split(' ').map(str::to_owned).collect()
}

fn check(command: &str, reads: &dyn Fn(&Path) -> Output) {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(library) = preload(folder.path()) else {
        eprintln!("no compiler: nothing was tried");
        return;
    };
    let out = folder.path().join("out");
    let mut arguments = words(command);
    arguments.extend([
        "--out".into(),
        out.to_string_lossy().into_owned(),
        "-q".into(),
    ]);
    let tried = Tried {
        library: &library,
        arguments,
        out,
        reads,
    };
    tried.check(folder.path());
}

#[test]
fn a_run_is_whole_flagged_or_refused_wherever_it_is_killed() {
    check(
        "run audio/simulations/scripted.toml --clock virtual",
        &report,
    );
}

#[test]
fn a_measured_call_is_whole_flagged_or_refused_wherever_it_is_killed() {
    let side = |name| fixture(name).to_string_lossy().into_owned();
    let (caller, agent) = (side("en-us-average.wav"), side("en-us-reply.wav"));
    check(
        &format!("measure --caller {caller} --agent {agent} --no-transcribe"),
        &report,
    );
}

#[test]
fn a_simulation_is_whole_flagged_or_refused_wherever_it_is_killed() {
    check(
        "simulate audio/simulations/assistant.toml --conversations 40 --threads 1",
        &report,
    );
}

#[test]
fn an_index_is_whole_or_not_there_wherever_it_is_killed() {
    check("index build audio/knowledge", &|out| {
        voicesim(&[
            "index",
            "search",
            &out.to_string_lossy(),
            "how long is a turn",
        ])
    });
}
