//! Calls that are made once more, callers who make up what to say, and keys for a pipeline of our own.

use crate::support::agents::{
    Called, DOUBLE, Served, document, outcomes, probe, questions, voice, written,
};
use crate::support::{command, stderr, voicesim};
use serde_json::Value;
use std::net::TcpListener;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

const AGAIN: &str = "[agent]\nretries = 1\nback_off_ms = 200\n";

#[test]
fn a_call_that_breaks_is_made_once_more_and_goes_on_with_the_next_turn() {
    let folder = TempDir::new().expect("a folder");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("ws://{}", listener.local_addr().expect("an address"));
    thread::spawn(move || {
        let mut first = Called::next(&listener);
        first.hear_a_question(15);
        first.say(&voice(3_000));
        thread::sleep(Duration::from_millis(500));
        first.break_off();
        let mut second = Called::next(&listener);
        second.hear_a_question(15);
        second.say(&voice(800));
        second.hear_out();
    });
    let scenario = questions(folder.path(), AGAIN);
    let out = folder.path().join("probed");
    let out = out.to_str().expect("a path");
    let output = probe(&scenario, &address, &["--out", out]);
    assert_eq!(output.status.code(), Some(1));
    let report = document(&output);
    assert_eq!(outcomes(&report), ["failed", "answered"]);
    let reason = report["detail"][0]["error"].as_str().unwrap_or_default();
    assert!(
        reason.contains("broke off") || reason.contains("closed"),
        "{reason}"
    );
    let facts = &report["probe"];
    assert_eq!(facts["redialled"], 1);
    assert_eq!(facts["broke_off"], reason);
    assert_eq!(facts["ended"], "the caller hung up");
    let heard = report["detail"][1]["e2e_ns"].as_f64().expect("answered") / 1e6;
    assert!((250.0..700.0).contains(&heard), "{heard}");
    let again = document(&voicesim(&["report", out, "--json"]));
    assert_eq!(again["metrics"], report["metrics"]);
}

#[test]
fn an_agent_that_does_not_take_the_call_is_called_again_and_not_for_ever() {
    let folder = TempDir::new().expect("a folder");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("ws://{}", listener.local_addr().expect("an address"));
    let calls = thread::spawn(move || {
        // It hangs up before the call has begun.
        drop(listener.accept().expect("a caller"));
        let mut second = Called::next(&listener);
        second.hear_a_question(15);
        second.say(&voice(800));
        second.hear_a_question(15);
        second.say(&voice(800));
        second.hear_out();
        drop(listener.accept().expect("a caller"));
        drop(listener.accept().expect("a caller"));
    });
    let scenario = questions(folder.path(), AGAIN);
    let report = document(&probe(&scenario, &address, &[]));
    assert_eq!(outcomes(&report), ["answered"; 2]);
    assert_eq!(report["probe"]["redialled"], 1);
    let output = probe(&scenario, &address, &[]);
    assert_eq!(output.status.code(), Some(3));
    let said = stderr(&output);
    assert!(said.contains("it hung up before the call began"), "{said}");
    calls.join().expect("both were called");
}

#[test]
fn calls_that_were_to_begin_later_are_stopped_at_once() {
    let folder = TempDir::new().expect("a folder");
    let double = written(folder.path(), "double.toml", DOUBLE);
    let served = Served::start(&[&double]);
    let scenario = questions(folder.path(), "");
    let more = ["--calls", "2", "--ramp", "600", "--no-transcribe", "--json"];
    let mut calling = command(&["probe", &scenario, "--agent", &served.address])
        .args(more)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("voicesim runs");
    thread::sleep(Duration::from_secs(3));
    let began = Instant::now();
    let id = calling.id().to_string();
    let stopped = std::process::Command::new("kill")
        .args(["-INT", &id])
        .status();
    assert!(stopped.expect("kill runs").success());
    calling.wait().expect("it ends");
    assert!(began.elapsed() < Duration::from_secs(30), "it waits on");
}

#[test]
fn a_pipeline_of_ones_own_takes_keys_for_what_they_say() {
    let folder = TempDir::new().expect("a folder");
    let double = written(folder.path(), "double.toml", DOUBLE);
    let out = folder.path().join("served");
    let out = out.to_str().expect("a path");
    let served = Served::for_one_call(&double, out, "twilio");
    let scenario = written(
        folder.path(),
        "keys.toml",
        // The answer to the first is over on both sides before the second, however busy the machine is.
        "[[turn]]\ndigits = \"42#\"\n[[turn]]\ndigits = \"7\"\ndelay_ms = 2000\n",
    );
    let report = document(&probe(
        &scenario,
        &served.address,
        &["--protocol", "twilio"],
    ));
    served.ends();
    assert_eq!(outcomes(&report), ["answered"; 2]);
    let told = document(&voicesim(&["report", &format!("{out}/call-001"), "--json"]));
    let heard = |row: usize| {
        told["detail"][row]["heard"]
            .as_str()
            .expect("words")
            .to_owned()
    };
    assert_eq!((heard(0), heard(1)), ("42#".to_owned(), "7".to_owned()));
}

/// Calls a served pipeline with a caller who makes up what to say.
fn made_up(caller: &str, double: &str) -> (Option<i32>, Value) {
    let folder = TempDir::new().expect("a folder");
    let double = written(folder.path(), "double.toml", double);
    let served = Served::start(&[&double]);
    let text = format!("seed = 3\n[tts]\nengine = \"espeak\"\n[caller]\n{caller}");
    let scenario = written(folder.path(), "made-up.toml", &text);
    let output = probe(&scenario, &served.address, &[]);
    (output.status.code(), document(&output))
}

#[test]
fn a_made_up_caller_asks_aloud_and_hesitates() {
    let caller = "questions = 2\nsays = [\"When do you open on a Sunday in the winter?\"]\npatience = { fixed_ms = 0.0 }\npause_every_s = 1.0\npause = { fixed_ms = 200.0 }\nbackchannels_per_minute = 0.0\ninterruptions_per_minute = 0.0\nnoises_per_minute = 0.0\n";
    let double = DOUBLE.replace("silence_ms = 300", "silence_ms = 1500");
    let (code, report) = made_up(caller, &double);
    assert_eq!(outcomes(&report), ["answered"; 2]);
    assert_eq!(code, Some(0), "{report}");
}

#[test]
fn a_made_up_caller_who_gets_no_answer_asks_again_and_hangs_up() {
    let caller = "questions = 3\nsays = [\"Hello?\"]\npatience = { fixed_ms = 700.0 }\nrestarts_max = 1\npause_every_s = 0.0\n";
    let double = DOUBLE.replace("fixed_ms = 300", "fixed_ms = 20000");
    let (code, report) = made_up(caller, &double);
    assert_eq!(code, Some(1));
    assert_eq!(
        report["probe"]["ended"],
        "the caller lost patience and hung up"
    );
    // What was never asked stands there too.
    let asked = outcomes(&report);
    assert_eq!(asked[asked.len() - 2..], ["not_asked"; 2], "{asked:?}");
    assert!(asked.len() >= 4, "{asked:?}");
}

#[test]
fn a_made_up_caller_makes_sounds_over_the_agent_and_interrupts_it() {
    let caller = "questions = 2\npatience = { fixed_ms = 0.0 }\npause_every_s = 0.0\nbackchannels_per_minute = 25.0\ninterruptions_per_minute = 25.0\nnoises_per_minute = 0.0\n";
    let long = "This is what the agent answers, and it goes on for a while, so that one can talk over it, and then it goes on for a while more.";
    let double = DOUBLE.replace("We are open until eight.", long);
    let (_, report) = made_up(caller, &(double + "[interruption]\npolicy = \"always\"\n"));
    let rows = report["detail"].as_array().expect("turns");
    let asks = |expect: &str| rows.iter().filter(|row| row["expect"] == expect).count();
    assert_eq!(asks("respond"), 2, "{report}");
    assert!(asks("stop") > 0 && asks("ignore") > 0, "{report}");
    let stopped = outcomes(&report).into_iter().filter(|o| *o == "stopped");
    assert!(stopped.count() > 0, "{report}");
}

#[test]
fn an_agent_that_greets_is_let_finish() {
    let folder = TempDir::new().expect("a folder");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("ws://{}", listener.local_addr().expect("an address"));
    thread::spawn(move || {
        let mut agent = Called::next(&listener);
        agent.say(&voice(2_000));
        for _ in 0..2 {
            agent.hear_a_question(15);
            agent.say(&voice(800));
        }
        agent.hear_out();
    });
    let scenario = questions(folder.path(), "[agent]\ngreets = true\n");
    let report = document(&probe(&scenario, &address, &[]));
    assert_eq!(outcomes(&report), ["answered"; 2]);
    let first_end = report["detail"][0]["caller_end_ns"].as_u64();
    assert!(first_end.expect("asked") > 2_500_000_000);
}

#[test]
fn a_made_up_caller_needs_a_voice() {
    let folder = TempDir::new().expect("a folder");
    let text = "[tts]\nengine = \"simulated\"\n[caller]\nquestions = 2\n";
    let scenario = written(folder.path(), "silent.toml", text);
    let output = probe(&scenario, "ws://127.0.0.1:9", &[]);
    assert_eq!(output.status.code(), Some(2));
    let said = stderr(&output);
    assert!(said.contains("the [caller] speaks with it"), "{said}");
}
