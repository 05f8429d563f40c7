//! What becomes of a conversation when devices misbehave.

use super::daemon::Daemon;
use super::talk::{Talk, fixture};
use std::process::Command;
use std::time::Duration;

/// A conversation is hung up when what it is held for has come; it ends by itself after so many seconds.
const AT_MOST_S: u32 = 60;

/// Runs the program without a sound server.
fn without_devices(arguments: &[&str]) -> std::process::Output {
    Command::new(env!("CARGO_BIN_EXE_voicesim"))
        .args(arguments)
        .env("PULSE_SERVER", "unix:/nowhere")
        .env("ALSA_CONFIG_PATH", "/dev/null")
        .output()
        .expect("it runs")
}

#[test]
fn no_device_is_exit_3_with_the_cure() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("run").display().to_string();
    let output = without_devices(&["run", "--mic", "--for", "2", "--out", &out]);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{stderr}");
    assert!(stderr.contains("voicesim devices"), "{stderr}");
}

#[test]
fn a_device_that_does_not_exist_is_exit_2_with_those_that_do() {
    let daemon = Daemon::start();
    let folder = tempfile::tempdir().expect("a folder");
    let output = daemon
        .command(env!("CARGO_BIN_EXE_voicesim"))
        .args(["run", "--mic", "--input", "the good one", "--out"])
        .arg(folder.path().join("run"))
        .output()
        .expect("it runs");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(
        stderr.contains("the good one") && stderr.contains("pulseaudio:mic"),
        "{stderr}"
    );
}

#[test]
fn devices_are_listed_with_their_rates() {
    let daemon = Daemon::start();
    let output = daemon
        .command(env!("CARGO_BIN_EXE_voicesim"))
        .args(["devices", "--json"])
        .output()
        .expect("it runs");
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let devices = document["devices"].as_array().expect("a list");
    let is_default = |direction: &str, id: &str| {
        devices.iter().any(|device| {
            device["direction"] == direction
                && device["id"] == id
                && device["is_default"] == true
                && device["fault"].is_null()
        })
    };
    assert!(is_default("input", "pulseaudio:mic") && is_default("output", "pulseaudio:spk"));
}

#[test]
fn a_sound_server_that_crashes_and_comes_back_is_used_again() {
    let mut daemon = Daemon::start();
    let talk = Talk::start(&daemon, AT_MOST_S, &[]);
    daemon.crash();
    talk.until("loss", Duration::from_secs(10), |events| {
        events.iter().filter(|e| e["mark"] == "device_lost").count() == 2
    });
    daemon.revive();
    talk.until("return", Duration::from_secs(10), |events| {
        events
            .iter()
            .filter(|e| e["mark"] == "device_opened")
            .count()
            == 4
    });
    daemon.speak(&fixture("piper-graphics"));
    talk.until_answer(1);
    talk.until_silent(1);
    let held = talk.hang_up();
    assert_eq!(held.answered().len(), 1, "{}", held.stderr);
    assert!(held.folder.path().join("run/conversation.wav").exists());
}

#[test]
fn a_server_that_hangs_for_good_ends_with_everything_saved() {
    let mut daemon = Daemon::start();
    let talk = Talk::start(&daemon, 8, &[]);
    daemon.freeze(true);
    let held = talk.finish(Duration::from_secs(10));
    daemon.freeze(false);
    assert_eq!(held.count("device_lost"), 2, "{}", held.stderr);
    assert_eq!(held.report["turns"], 0);
}

#[test]
fn control_c_ends_it_like_the_end_of_its_time() {
    let daemon = Daemon::start();
    let talk = Talk::start(&daemon, 600, &["--no-audio"]);
    let held = talk.hang_up();
    assert_eq!(held.count("session_ended"), 1);
    assert!(!held.folder.path().join("run/conversation.wav").exists());
}

#[test]
fn a_speaker_that_is_unplugged_for_a_while_ends_nothing() {
    let daemon = Daemon::start();
    let talk = Talk::start(&daemon, AT_MOST_S, &[]);
    daemon.speak(&fixture("piper-graphics"));
    talk.until_answer(1);
    daemon.remove_speaker();
    talk.until_silent(1);
    daemon.restore_speaker();
    daemon.speak(&fixture("piper-average"));
    talk.until_answer(2);
    talk.until_silent(2);
    let held = talk.hang_up();
    assert_eq!(held.answered().len(), 2, "{}", held.stderr);
}

#[test]
fn a_stream_that_the_server_ends_is_opened_again() {
    let daemon = Daemon::start();
    let talk = Talk::start(&daemon, AT_MOST_S, &[]);
    assert_eq!(daemon.kill_playback(), 1);
    talk.until("return", Duration::from_secs(10), |events| {
        events
            .iter()
            .filter(|e| e["mark"] == "device_opened")
            .count()
            == 3
    });
    daemon.speak(&fixture("piper-graphics"));
    talk.until_answer(1);
    talk.until_silent(1);
    let held = talk.hang_up();
    assert_eq!(held.count("device_lost"), 1, "{}", held.stderr);
    assert_eq!(held.answered().len(), 1, "{}", held.stderr);
}
