//! A day of virtual time, in a program that is watched from the outside: it needs no more memory and no more file
//! handles in the evening than in the morning. `make soak` takes more calls, and an hour of real time.

#![cfg(target_os = "linux")]

use crate::support::command;
use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::Duration;

/// How often the program is looked at.
const EVERY: Duration = Duration::from_millis(20);
/// What an allocator may hold back: 8 MiB.
const SLACK_KIB: u64 = 8 << 10;

/// What a process holds: memory in KiB, and file handles.
#[derive(Debug, Clone, Copy)]
struct Holds {
    kib: u64,
    handles: usize,
}

fn holds(process: &Child) -> Option<Holds> {
    let of = format!("/proc/{}", process.id());
    let status = fs::read_to_string(format!("{of}/status")).ok()?;
    let resident = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(Holds {
        kib: resident.trim().trim_end_matches(" kB").parse().ok()?,
        handles: fs::read_dir(format!("{of}/fd")).ok()?.count(),
    })
}

/// What the program held while it ran, in order.
fn watched(arguments: &[&str]) -> Vec<Holds> {
    let mut process = command(arguments)
        .env("VOICESIM_MODELS", "/nonexistent/models")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("voicesim runs");
    let mut seen = Vec::new();
    loop {
        seen.extend(holds(&process));
        if let Some(status) = process.try_wait().expect("a process") {
            assert!(status.success(), "{status}");
            return seen;
        }
        sleep(EVERY);
    }
}

fn scenario(folder: &Path, calls: u32) -> String {
    let path = folder.join("day.toml");
    let text = format!(
        "[load]\ncalls = {calls}\nwarm_up_s = 600\nduration_s = 86400\n[pool.answer]\nslots = 8\n[caller]\nquestions = 20\n[network]\npreset = \"webrtc\"\n[stt]\nengine = \"simulated\"\n[answer]\nengine = \"simulated\"\ntext = \"We open at ten on bank holidays, and we close at four.\"\n[tts]\nengine = \"simulated\"\n[[fault]]\nstage = \"answer\"\nerror = \"no\"\nprobability = 0.01\n[cure.answer]\nretries = 2\nback_off_ms = 100\n"
    );
    fs::write(&path, text).expect("written");
    path.to_string_lossy().into_owned()
}

#[test]
fn a_day_of_virtual_time_takes_no_more_memory_and_handles_than_its_morning() {
    let folder = tempfile::tempdir().expect("a folder");
    let calls = std::env::var("VOICESIM_SOAK_CALLS").ok();
    let calls = calls.and_then(|calls| calls.parse().ok()).unwrap_or(2);
    let day = scenario(folder.path(), calls);
    let out = folder.path().join("out").to_string_lossy().into_owned();
    let seen = watched(&[
        "simulate",
        &day,
        "--worlds",
        "1",
        "--threads",
        "1",
        "--events",
        "none",
        "--out",
        &out,
        "-q",
    ]);
    let quarter = seen.len() / 4;
    assert!(
        quarter > 2,
        "it took too little time to be watched: {seen:?}"
    );
    let most = |part: &[Holds]| {
        let kib = part.iter().map(|holds| holds.kib).max().unwrap_or(0);
        let handles = part.iter().map(|holds| holds.handles).max().unwrap_or(0);
        Holds { kib, handles }
    };
    let (morning, evening) = (
        most(&seen[quarter..2 * quarter]),
        most(&seen[3 * quarter..]),
    );
    // The report is made at the very end.
    let before_report = most(&seen[3 * quarter..seen.len() - seen.len() / 10]);
    println!(
        "{calls} calls at a time for a day: {morning:?} in the morning, {before_report:?} in the evening, {evening:?} with the report"
    );
    assert!(
        evening.kib <= morning.kib + morning.kib / 20 + SLACK_KIB,
        "{morning:?}, {evening:?}"
    );
    // At the end the figures are written, one file after the other.
    assert!(
        evening.handles <= morning.handles + 2,
        "{morning:?}, {evening:?}"
    );
}
