//! Suites: spoken in conditions, reported by segment, compared, and grown from runs.

use crate::support::{SIMULATED, command, fixture, stderr, stdout, voicesim};
use serde_json::Value;
use std::fs;
use std::path::Path;

/// A folder with an agent of simulated engines, and a suite of two voices in two conditions.
fn suite(folder: &Path, more: &str) -> String {
    fs::write(folder.join("agent.toml"), SIMULATED).expect("written");
    let mut text = format!(
        "name = \"two\"\nscenario = \"agent.toml\"\naugment = [\"quiet\", \"noise=20\"]\n{more}"
    );
    for voice in ["piper", "en-us"] {
        for (recording, rest) in [
            ("reply", "answer_has = [\"This\"]"),
            (
                "wait-stop",
                "expect = \"stop\"\nafter = \"agent_speech_start\"\ndelay_ms = 600",
            ),
            ("pause", "answer_refuses = true"),
        ] {
            let wav = fixture(&format!("{voice}-{recording}.wav"));
            text += &format!(
                "[[turn]]\nwav = {wav:?}\ntext = \"one two three\"\n{rest}\nlabels = {{ voice = \"{voice}\" }}\n"
            );
        }
    }
    let path = folder.join("suite.toml");
    fs::write(&path, text).expect("written");
    path.to_string_lossy().into_owned()
}

fn ended(arguments: &[&str], code: i32) -> String {
    let output = voicesim(arguments);
    assert_eq!(
        output.status.code(),
        Some(code),
        "{arguments:?}: {}{}",
        stdout(&output),
        stderr(&output)
    );
    stdout(&output) + &stderr(&output)
}

#[test]
fn a_suite_is_spoken_in_every_condition_and_each_step_is_told_by_segment() {
    let folder = tempfile::tempdir().expect("a folder");
    let suite = suite(folder.path(), "");
    let file = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let (out, page, markdown, junit) =
        (file("out"), file("page.html"), file("a.md"), file("a.xml"));
    let told = ended(
        &[
            "eval",
            "run",
            &suite,
            "--out",
            &out,
            "--no-round-trip",
            "--json",
            "--html",
            &page,
            "--markdown",
            &markdown,
            "--junit",
            &junit,
        ],
        0,
    );
    let document: Value = serde_json::from_str(&told).expect("JSON");
    assert_eq!(
        (&document["turns"], &document["recordings"]),
        (&12.into(), &6.into())
    );
    let columns = document["table"]["columns"].as_array().expect("columns");
    let quiet = columns
        .iter()
        .position(|column| column["segment"]["value"] == "quiet")
        .expect("a column");
    let cell = |figure: &str, column: usize| {
        let rows = document["table"]["rows"].as_array().expect("rows");
        rows.iter()
            .find(|row| row[0] == figure)
            .unwrap_or_else(|| panic!("no {figure}"))[1][column]
            .clone()
    };
    // One of two questions should have been refused and was not.
    let wrong = cell("wrong_share", quiet);
    assert_eq!((&wrong["value"], &wrong["turns"]), (&0.5.into(), &4.into()));
    assert_eq!(cell("wrong_share", 0)["turns"], 8);
    assert_eq!(cell("missed_stop_share", 0)["turns"], 4);
    assert_eq!(cell("unanswered_share", quiet)["value"], 0.0);
    for (path, has) in [
        (&page, "sound noise=20"),
        (&markdown, "| answer | wrong answers |"),
        (&junit, "<testsuites"),
    ] {
        assert!(
            fs::read_to_string(path).expect("written").contains(has),
            "{path}"
        );
    }
    // The folder is reported again without another word spoken, and is no worse than itself.
    let again = ended(&["eval", "run", &suite, "--out", &out, "--json"], 0);
    assert_eq!(again, told);
    assert!(ended(&["eval", "compare", &out, &out], 0).contains("No difference is beyond chance"));
    let other = ended(
        &["eval", "run", &suite, "--out", &out, "--augment", "quiet"],
        2,
    );
    assert!(other.contains("other turns or other conditions"), "{other}");
    // Each conversation is a run folder like any other.
    assert!(ended(&["report", &format!("{out}/runs/02-01")], 0).contains("endpointing_wait"));
}

#[test]
fn a_limit_of_a_segment_that_is_missed_is_exit_1() {
    let folder = tempfile::tempdir().expect("a folder");
    let missed = "by = [\"voice\"]\n";
    let path = suite(folder.path(), missed);
    let text = fs::read_to_string(&path).expect("read");
    fs::write(
        &path,
        text + "[budget]\n\"wrong_share voice=piper\" = 0.4\n",
    )
    .expect("written");
    let told = ended(
        &[
            "eval",
            "run",
            &path,
            "--augment",
            "quiet",
            "--no-round-trip",
        ],
        1,
    );
    assert!(
        told.contains("MISSED  wrong answers voice piper: 50.0 %, limit 40.0 %"),
        "{told}"
    );
}

#[test]
fn answers_are_heard_again_by_the_agents_own_recogniser() {
    let folder = tempfile::tempdir().expect("a folder");
    let agent = SIMULATED
        .replace(
            "[stt]\nengine = \"simulated\"\nlatency = { fixed_ms = 120 }",
            "[stt]\nengine = \"whisper\"",
        )
        .replace(
            "[tts]\nengine = \"simulated\"\nlatency = { fixed_ms = 60 }",
            "[tts]\nengine = \"espeak\"",
        );
    let path = suite(folder.path(), "");
    fs::write(folder.path().join("agent.toml"), agent).expect("written");
    let output = command(&["eval", "run", &path, "--augment", "mu-law", "--json"])
        .output()
        .expect("voicesim runs");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let document: Value = serde_json::from_str(&stdout(&output)).expect("JSON");
    let rows = document["table"]["rows"].as_array().expect("rows");
    let value = |figure: &str| {
        let row = rows
            .iter()
            .find(|row| row[0] == figure)
            .unwrap_or_else(|| panic!("no {figure}"));
        row[1][0]["value"].as_f64().expect("a value")
    };
    // The references are not what is said, and the voice says what it means to.
    assert!(value("word_error_rate") > 0.5);
    assert!(
        value("speech_error_rate") < 0.2,
        "{}",
        value("speech_error_rate")
    );
    assert_eq!(value("broken_sound_share"), 0.0);
}

/// A suite of recorded questions to an agent that looks its answers up in two sections.
fn suite_of_documents(folder: &Path, questions: &[(&str, &str)]) -> String {
    let docs = folder.join("docs");
    fs::create_dir_all(&docs).expect("a folder");
    fs::write(
        docs.join("talk.md"),
        "# Assistants\n\n## Speed\n\nA voice assistant should reply within a second.\n\n\
         ## Recordings\n\nThe recording of a conversation is kept in a run folder.\n",
    )
    .expect("written");
    let voice = SIMULATED.find("[tts]").expect("a table");
    let agent = format!(
        "[stt]\nengine = \"whisper\"\n[answer]\nengine = \"retrieval\"\ndocs = \"docs\"\n{}",
        &SIMULATED[voice..]
    );
    fs::write(folder.join("agent.toml"), agent).expect("written");
    let mut text = "scenario = \"agent.toml\"\n".to_owned();
    for (recording, right) in questions {
        let wav = fixture(&format!("piper-{recording}.wav"));
        text += &format!("[[turn]]\nwav = {wav:?}\n{right}\n");
    }
    let path = folder.join("suite.toml");
    fs::write(&path, text).expect("written");
    path.to_string_lossy().into_owned()
}

#[test]
fn a_place_that_the_documents_do_not_have_is_refused_before_anything_is_spoken() {
    let folder = tempfile::tempdir().expect("a folder");
    for (right, told) in [
        (
            "answer_in = [\"talk.md#Cats\"]",
            "no text stands in \"talk.md#Cats\"",
        ),
        (
            "answer_in = [\"talk.md#Speed\"]\nanswer_refuses = true",
            "take answer_in or answer_refuses away",
        ),
        (
            "answer_in = [\"talk.md#Speed\"]\nexpect = \"ignore\"",
            "there is no answer unless",
        ),
    ] {
        let suite = suite_of_documents(folder.path(), &[("reply", right)]);
        let said = ended(&["eval", "run", &suite], 2);
        assert!(said.contains(told), "{said}");
    }
}

#[test]
fn a_turn_of_a_run_becomes_a_turn_of_a_suite() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = suite(folder.path(), "");
    let out = folder.path().join("out").to_string_lossy().into_owned();
    ended(
        &[
            "eval",
            "run",
            &path,
            "--out",
            &out,
            "--no-round-trip",
            "--augment",
            "quiet",
        ],
        0,
    );
    let grown = folder
        .path()
        .join("grown.toml")
        .to_string_lossy()
        .into_owned();
    let run = format!("{out}/runs/01-01");
    let told = ended(
        &[
            "eval",
            "add",
            &grown,
            &run,
            "1",
            "--answer-has",
            "a while",
            "--answer-in",
            "hours.md#Sundays",
            "--label",
            "topic=x",
        ],
        0,
    );
    assert!(told.contains("01-01-1.wav"), "{told}");
    let text = fs::read_to_string(&grown).expect("written");
    assert!(
        [
            "text = \"one two three\"",
            "topic = \"x\"",
            "answer_in = [\"hours.md#Sundays\"]",
        ]
        .iter()
        .all(|line| text.contains(line)),
        "{text}"
    );
    fs::write(&grown, format!("scenario = \"agent.toml\"\n{text}")).expect("written");
    let told = ended(&["eval", "run", &grown, "--no-round-trip"], 0);
    assert!(told.contains("1 turns of 1 recordings"), "{told}");
    let refused = ended(&["eval", "add", &grown, &run, "99"], 2);
    assert!(refused.contains("has no turn 99"), "{refused}");
}

#[test]
fn what_is_no_suite_and_no_evaluation_is_refused_with_the_cure() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = suite(folder.path(), "");
    let nowhere = folder.path().join("nowhere").to_string_lossy().into_owned();
    let taken = folder.path().to_string_lossy().into_owned();
    for (arguments, told) in [
        (vec!["eval", "run", &nowhere], "name a suite"),
        (
            vec!["eval", "run", &path, "--augment", "loud"],
            "no condition",
        ),
        (
            vec!["eval", "run", &path, "--labels", &nowhere],
            "give a CSV",
        ),
        (
            vec!["eval", "run", &path, "--out", &taken],
            "choose another",
        ),
        (vec!["eval", "compare", &nowhere, &nowhere], "eval run"),
        (vec!["eval", "add", &path, &taken, "1"], "voicesim run"),
    ] {
        let said = ended(&arguments, 2);
        assert!(said.contains(told), "{arguments:?}: {said}");
    }
}
