//! What stays of results: when they are redacted, and when a simulation is cut short and goes on.

use crate::robust::{refused, run_into, simulate_into, text};
use crate::support::{command, stderr, voicesim};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

const ASSISTANT: &str = "audio/simulations/assistant.toml";

fn figures(folder: &Path) -> Value {
    let output = voicesim(&["report", &text(folder), "--json"]);
    let mut document: Value = serde_json::from_slice(&output.stdout).expect("a document");
    let top = document.as_object_mut().expect("an object");
    top.remove("notes");
    without_words(&mut top["detail"]);
    document
}

/// Takes out what is, or rests on, words.
fn without_words(value: &mut Value) {
    match value {
        Value::Array(values) => values.iter_mut().for_each(without_words),
        Value::Object(values) => {
            for words in ["heard", "said", "reasons"] {
                values.remove(words);
            }
            values.values_mut().for_each(without_words);
        }
        _ => {}
    }
}

#[test]
fn words_and_sound_are_taken_out_and_the_figures_stay() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = folder.path().join("run");
    assert!(
        run_into(&run, &["--html", &text(&folder.path().join("page.html"))])
            .status
            .success()
    );
    let (before, page) = (figures(&run), run.join("page.html"));
    assert!(
        voicesim(&["report", &text(&run), "--html", &text(&page)])
            .status
            .success()
    );
    let words = before_words(&run);
    assert!(!words.is_empty());
    let holds = |path: &Path, word: &str| {
        let bytes = fs::read(path).expect("there");
        String::from_utf8_lossy(&bytes).contains(word)
    };
    let elsewhere = text(&folder.path().join("page.html"));
    let output = voicesim(&["redact", &text(&run), "--html", &elsewhere]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(figures(&run), before);
    for name in ["events.jsonl", "header.json", "page.html", "../page.html"] {
        for word in &words {
            assert!(!holds(&run.join(name), word), "{name} holds {word:?}");
        }
    }
    assert!(!run.join("conversation.wav").exists());
    // Once more it changes nothing, and nothing can be repeated from it.
    assert!(voicesim(&["redact", &text(&run)]).status.success());
    assert_eq!(figures(&run), before);
    refused(
        &voicesim(&["run", "--recorded", &text(&run)]),
        &["taken out"],
    );
    let simulation = folder.path().join("sim");
    assert!(simulate_into(&simulation, &[]).status.success());
    refused(
        &voicesim(&["redact", &text(&simulation)]),
        &["nobody spoke"],
    );
}

/// Longer texts that were heard or said.
fn before_words(run: &Path) -> Vec<String> {
    let output = voicesim(&["report", &text(run), "--json"]);
    let document: Value = serde_json::from_slice(&output.stdout).expect("a document");
    let rows = document["detail"].as_array().expect("rows").clone();
    let texts = rows
        .iter()
        .flat_map(|row| [row["heard"].clone(), row["said"].clone()]);
    let texts = texts.filter_map(|text| text.as_str().map(str::to_owned));
    texts.filter(|text| text.len() > 12).collect()
}

#[test]
fn a_simulation_goes_on_where_it_was_cut_short_to_the_same_bytes() {
    let folder = tempfile::tempdir().expect("a folder");
    let (whole, cut) = (folder.path().join("whole"), folder.path().join("cut"));
    assert!(simulate_into(&whole, &[]).status.success());
    assert!(simulate_into(&cut, &["--resume"]).status.success());
    let is_same = |name: &str| {
        let [a, b] = [&whole, &cut].map(|folder| fs::read(folder.join(name)).expect("there"));
        assert!(a == b, "{name} differs");
    };
    for name in ["turns.bin", "events.jsonl", "totals.json"] {
        is_same(name);
    }
    // Killed before it had any figures, with half a block at the end of the turns.
    for name in [
        "totals.json",
        "report.json",
        "report.txt",
        "checksums.json",
        "latency.hlog",
    ] {
        fs::remove_file(cut.join(name)).expect("there");
    }
    let turns = fs::read(cut.join("turns.bin")).expect("there");
    fs::write(cut.join("turns.bin"), &turns[..turns.len() / 2]).expect("written");
    fs::write(cut.join("unfinished"), "").expect("written");
    refused(&simulate_into(&cut, &[]), &["exists already"]);
    refused(
        &simulate_into(&cut, &["--resume", "--seed", "9"]),
        &["its seed is another one"],
    );
    assert!(simulate_into(&cut, &["--resume"]).status.success());
    for name in ["turns.bin", "events.jsonl", "totals.json"] {
        is_same(name);
    }
    assert!(!cut.join("unfinished").exists() && cut.join("checksums.json").exists());
    // A whole one is reported again.
    assert!(simulate_into(&cut, &["--resume"]).status.success());
}

#[cfg(unix)]
#[test]
fn a_simulation_that_a_signal_ends_keeps_what_it_had_and_goes_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let (whole, cut) = (folder.path().join("whole"), folder.path().join("cut"));
    let simulate = |out: &Path, more: &[&str]| {
        let out = text(out);
        let mut arguments = vec![
            "simulate",
            ASSISTANT,
            "--conversations",
            "30000",
            "--threads",
            "1",
            "--events",
            "none",
            "--out",
            &out,
            "-q",
        ];
        arguments.extend(more);
        let mut command = command(&arguments);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command
    };
    let mut child = simulate(&cut, &[]).spawn().expect("voicesim runs");
    let turns = cut.join("turns.bin");
    while turns.metadata().map_or(0, |about| about.len()) < 1_000 {
        std::thread::sleep(std::time::Duration::from_millis(5));
        assert!(
            child.try_wait().expect("asked").is_none(),
            "it ended too soon"
        );
    }
    let told = Command::new("kill")
        .args(["-TERM", &child.id().to_string()])
        .status();
    assert!(told.expect("kill runs").success());
    assert_eq!(child.wait().expect("it ends").code(), Some(143));
    let output = voicesim(&["report", &text(&cut), "--json"]);
    let document: Value = serde_json::from_slice(&output.stdout).expect("a document");
    assert_eq!(document["is_cut_short"], true);
    assert!(
        simulate(&cut, &["--resume"])
            .status()
            .expect("voicesim runs")
            .success()
    );
    assert!(
        simulate(&whole, &[])
            .status()
            .expect("voicesim runs")
            .success()
    );
    for name in ["turns.bin", "totals.json"] {
        let [a, b] = [&whole, &cut].map(|folder| fs::read(folder.join(name)).expect("there"));
        assert!(a == b, "{name} differs");
    }
}

#[cfg(unix)]
#[test]
fn a_run_in_virtual_time_that_a_signal_ends_is_finished_in_order() {
    let folder = tempfile::tempdir().expect("a folder");
    let scenario = folder.path().join("s.toml");
    let turns = "[[turn]]\nspeech = { length = { fixed_ms = 900 } }\n".repeat(2_000);
    let slow = "while read -r line; do sleep 0.02; echo '{\"text\":\"Yes.\"}'; echo '{\"done\":true}'; done";
    let toml = format!(
        "[stt]\nengine = \"simulated\"\n[answer]\nengine = \"command\"\ncommand = [\"sh\", \"-c\", '''{slow}''']\n[tts]\nengine = \"simulated\"\n{turns}"
    );
    fs::write(&scenario, toml).expect("written");
    for (signal, code) in [("-TERM", 143), ("-HUP", 129), ("-INT", 130)] {
        let out = folder.path().join(signal);
        let arguments = [
            "run",
            &text(&scenario),
            "--clock",
            "virtual",
            "--out",
            &text(&out),
            "-q",
        ];
        let mut command = command(&arguments);
        let mut child = command
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("voicesim runs");
        let events = out.join("events.jsonl");
        while events.metadata().map_or(0, |about| about.len()) < 1_000 {
            std::thread::sleep(std::time::Duration::from_millis(5));
            assert!(
                child.try_wait().expect("asked").is_none(),
                "it ended too soon"
            );
        }
        let told = Command::new("kill")
            .args([signal, &child.id().to_string()])
            .status();
        assert!(told.expect("kill runs").success());
        assert_eq!(child.wait().expect("it ends").code(), Some(code));
        assert!(!out.join("unfinished").exists() && out.join("checksums.json").exists());
        let report = voicesim(&["report", &text(&out), "--json"]);
        let document: Value = serde_json::from_slice(&report.stdout).expect("a document");
        assert_eq!(document["is_cut_short"], true);
    }
}
