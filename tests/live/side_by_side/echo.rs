//! The microphone hears the speaker.

use super::the_floor;
use crate::conversations::{MINUTE, silent_after_ms, understanding_ms, write};
use crate::daemon::Daemon;
use crate::recording::Recorder;
use crate::sound::{first_audible, peak, position};
use crate::talk::{Talk, fixture, on_a_quiet_machine};
use std::thread::sleep;
use std::time::Duration;

/// It is hung up before.
const AT_MOST_S: u32 = 180;

#[test]
fn its_own_echo_after_60_ms_never_interrupts_it_and_wait_stop_still_does() {
    on_a_quiet_machine(|| talks_over_its_echo(Duration::from_millis(60)));
}

#[test]
fn its_own_echo_after_120_ms_never_interrupts_it_and_wait_stop_still_does() {
    on_a_quiet_machine(|| talks_over_its_echo(Duration::from_millis(120)));
}

fn talks_over_its_echo(delay: Duration) {
    let floor = the_floor();
    let daemon = Daemon::start();
    daemon.echo(delay, -20.0);
    let (_folder, scenario) = write("long.toml", MINUTE);
    let talk = Talk::start(&daemon, AT_MOST_S, &[&scenario]);
    let recorder = Recorder::start(&daemon);
    daemon.speak(&fixture("piper-graphics"));
    talk.until_answer(1);
    drop(floor);
    // The first answer is heard to its end, the second is interrupted.
    talk.until_silent(1);
    let is_whole = |event: &serde_json::Value| event["end"] == "completed";
    assert!(talk.events().iter().any(is_whole), "{}", talk.stderr());
    let floor = the_floor();
    daemon.speak(&fixture("piper-graphics"));
    talk.until_answer(2);
    sleep(Duration::from_millis(2_500));
    let before = recorder.so_far().speaker.len();
    daemon.speak(&fixture("piper-wait-stop"));
    sleep(Duration::from_millis(2_500));
    let held = talk.hang_up();
    drop(floor);
    let recording = recorder.finish();
    let onset = before + voice_in(&recording.mic[before..]);
    let silent_ms = silent_after_ms(&recording, onset).expect("a silence");
    println!("echo after {delay:?}: silent {silent_ms:.0} ms after the onset");
    let understanding_ms = understanding_ms(&held);
    assert!(
        silent_ms < 600.0 + understanding_ms.max(300.0),
        "{silent_ms} ms, {understanding_ms} of them recognition\n{}",
        held.stderr
    );
    assert!(
        held.count("echo") >= 1,
        "the echo is told of: {}",
        held.stderr
    );
}

/// Where a caller who is much louder than the echo begins.
fn voice_in(microphone: &[f32]) -> usize {
    let loud = 0.2 * peak(microphone);
    let first = first_audible(microphone, 0, loud).expect("a voice");
    first.saturating_sub(position(Duration::from_millis(20)))
}
