//! What a caller hears.

use super::daemon::Daemon;
use super::recording::{Recorder, Recording};
use super::sound::{first_audible, milliseconds, position, silences, sounds, threshold};
use super::talk::{Held, Talk, fixture, on_a_quiet_machine};
use serde_json::Value;
use std::ops::Range;
use std::thread::sleep;
use std::time::Duration;

/// A conversation is hung up as soon as it has shown what it is held for; it ends by itself after so many seconds.
const AT_MOST_S: u32 = 60;
/// Whoever was asked to stop is silent long before.
const STOPPED: Duration = Duration::from_millis(2_500);
/// Whoever was not goes on for so long at least.
const GOES_ON: Duration = Duration::from_secs(8);
/// A question that was split in two is answered the second time.
const ANSWERED_WITHIN: Duration = Duration::from_secs(20);
/// Pauses that do not end what somebody says.
const PAUSE: Duration = Duration::from_millis(700);

/// An answer of about a minute. It comes after a second: whoever says "wait, stop" is answered too, and the silence
/// before must be longer than one between two sentences.
pub const MINUTE: &str = "[answer]
engine = \"simulated\"
latency = { fixed_ms = 1000 }
text = \"This is a long answer. It is read aloud for about a minute, so that there is time to talk over it. The first part says very little, and says it slowly. The second part repeats the first, in other words and at no greater speed. The third part would be of interest if it had any content. It goes on to mention the weather, which was fine. It then mentions the harbour, the ships in the harbour, and the flags on the ships. Nobody counted the flags. The fourth part is about the flags. There were red ones and blue ones, and one that was green. The fifth part comes to the end of the story, which is that the ships left in the evening. After that the harbour was empty. The lights were turned off one by one. The last one stayed on for the rest of the night. In the morning the ships came back. That was the whole story, and now it is over.\"
";

/// What was said into the microphone, as stretches of the recording.
fn said(recording: &Recording) -> Vec<Range<usize>> {
    sounds(&recording.mic, threshold(&recording.mic), PAUSE)
}

/// From the end of what was said to the agent's first sound, in ms.
fn latency_ms(recording: &Recording, said: &Range<usize>) -> f64 {
    let answer = first_audible(&recording.speaker, said.end, threshold(&recording.speaker));
    milliseconds(said.end, answer.expect("an answer"))
}

/// From `onset` to when the speaker falls silent for longer than between two sentences. Nothing, if it goes
/// on for as long as the recording does.
pub fn silent_after_ms(recording: &Recording, onset: usize) -> Option<f64> {
    let speaker = &recording.speaker;
    let long = Duration::from_millis(600);
    let mut pauses = silences(speaker, threshold(speaker), long).into_iter();
    let pause = pauses.find(|pause| pause.end > onset)?;
    Some(milliseconds(onset, pause.start))
}

pub fn write(name: &str, text: &str) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(name);
    std::fs::write(&path, text).expect("a file");
    let path = path.display().to_string();
    (folder, path)
}

#[test]
fn questions_are_answered_and_the_latency_is_what_a_recorder_hears() {
    on_a_quiet_machine(|| {
        let daemon = Daemon::start();
        let talk = Talk::start(&daemon, AT_MOST_S, &[]);
        let recorder = Recorder::start(&daemon);
        for (index, question) in ["piper-graphics", "piper-finished", "piper-average"]
            .iter()
            .enumerate()
        {
            daemon.speak(&fixture(question));
            talk.until_answer(index + 1);
            talk.until_silent(index + 1);
        }
        let held = talk.hang_up();
        let answered = held.answered();
        assert_eq!(answered.len(), 3, "{}", held.stderr);
        let recording = recorder.finish();
        let said = said(&recording);
        assert_eq!(said.len(), 3);
        for (row, said) in answered.iter().zip(&said) {
            let own_ms = row["e2e_ns"].as_f64().expect("a latency") / 1e6;
            let heard_ms = latency_ms(&recording, said);
            println!("its own e2e {own_ms:.1} ms, on the recordings {heard_ms:.1} ms");
            assert!(
                (own_ms - heard_ms).abs() < 40.0,
                "{own_ms} ms, on the recordings {heard_ms} ms"
            );
            let hops = row["hops_ns"].as_object().expect("hops").values();
            let sum: u64 = hops.map(|hop| hop.as_u64().expect("nanoseconds")).sum();
            assert_eq!(Some(sum), row["e2e_ns"].as_u64());
        }
        assert_eq!(held.count("sound_lost"), 0, "{}", held.stderr);
    });
}

/// Asks something, says `over` two and a half seconds after the answer began, and listens on for so long; what became
/// of it, and the onset of `over` in the recording.
fn talk_over(over: &str, listening: Duration) -> (Held, Recording, usize) {
    let daemon = Daemon::start();
    let (_folder, scenario) = write("long.toml", MINUTE);
    let talk = Talk::start(&daemon, AT_MOST_S, &[&scenario]);
    let recorder = Recorder::start(&daemon);
    daemon.speak(&fixture("piper-graphics"));
    talk.until_answer(1);
    sleep(Duration::from_millis(2_500));
    daemon.speak(&fixture(over));
    sleep(listening);
    let held = talk.hang_up();
    let recording = recorder.finish();
    let said = said(&recording);
    assert_eq!(said.len(), 2, "{said:?}");
    let onset = said[1].start;
    (held, recording, onset)
}

/// The detector's lag, the way through two sound servers and the fade: all but hearing the word and recognising it.
const BESIDE_MS: f64 = 300.0;
/// "Wait".
const WORD_MS: f64 = 150.0;

/// How long the recogniser took to understand the first that was said over the agent: another machine takes another
/// time. Zero if it understood nothing.
pub fn understanding_ms(held: &Held) -> f64 {
    let of_turn = |event: &&Value| event["turn"].as_u64().is_some_and(|turn| turn > 1);
    let of_it = || held.events.iter().filter(of_turn);
    let asked = of_it().find(|event| event["mark"] == "asked_so_far");
    let is_text = |event: &Value| event["output"] == "partial" || event["output"] == "final";
    let understood = of_it().find(|event| is_text(event) && event["text"] != "");
    let tick = |event: &Value| event["tick"].as_u64().expect("a tick") as f64;
    let (Some(asked), Some(understood)) = (asked, understood) else {
        return 0.0;
    };
    (tick(understood) - tick(asked)) / 1e6
}

#[test]
fn wait_stop_silences_the_speaker_as_soon_as_wait_is_understood() {
    on_a_quiet_machine(|| {
        let (held, recording, onset) = talk_over("piper-wait-stop", STOPPED);
        let silent_ms = silent_after_ms(&recording, onset).expect("a silence");
        let understanding_ms = understanding_ms(&held);
        println!(
            "silent {silent_ms:.0} ms after the onset, {understanding_ms:.0} of them recognition"
        );
        assert!(
            silent_ms > 0.0 && silent_ms < WORD_MS + understanding_ms + BESIDE_MS,
            "{silent_ms} ms, {understanding_ms} of them recognition\n{}",
            held.stderr
        );
    });
}

/// Of these voices the recogniser prints nothing before they are through with "wait".
#[test]
fn wait_stop_silences_it_in_other_voices_too() {
    on_a_quiet_machine(|| {
        for voice in ["en-us", "en-gb", "en-gb-scotland"] {
            let said = format!("{voice}-wait-stop");
            let (held, recording, onset) = talk_over(&said, STOPPED);
            let silent_ms = silent_after_ms(&recording, onset).expect("a silence");
            println!("{voice}: silent {silent_ms:.0} ms after the onset");
            assert!(silent_ms < 1_500.0, "{silent_ms} ms\n{}", held.stderr);
        }
    });
}

#[test]
fn mm_hmm_and_a_cough_do_not_silence_it() {
    on_a_quiet_machine(|| {
        for sound in ["piper-mm-hmm", "cough"] {
            let (held, recording, onset) = talk_over(sound, GOES_ON);
            // The pauses between sentences are shorter than those of somebody who was stopped.
            assert_eq!(held.count("reply_ended"), 1, "{sound}: {}", held.stderr);
            let speaker = &recording.speaker[onset..onset + position(GOES_ON)];
            let pauses = silences(speaker, threshold(speaker), Duration::from_millis(1_200));
            assert!(pauses.is_empty(), "{sound}: {pauses:?}\n{}", held.stderr);
        }
    });
}

#[test]
fn a_question_over_the_agent_is_answered() {
    on_a_quiet_machine(|| {
        let daemon = Daemon::start();
        let talk = Talk::start(&daemon, AT_MOST_S, &[]);
        daemon.speak(&fixture("piper-finished"));
        talk.until_answer(1);
        sleep(Duration::from_millis(2_500));
        daemon.speak(&fixture("piper-graphics"));
        // What was said before the caller had finished is answered too, if the agent's own voice covers a word.
        talk.until("answer about graphics cards", ANSWERED_WITHIN, |events| {
            events.iter().any(|event| {
                let text = event["text"].as_str().unwrap_or_default();
                let is_audible =
                    |it: &Value| it["mark"] == "audible" && it["turn"] == event["turn"];
                text.contains("a graphics card") && events.iter().any(is_audible)
            })
        });
        talk.hang_up();
    });
}
