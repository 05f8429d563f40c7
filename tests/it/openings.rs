//! Answers that begin as the scenario says that they like to begin: nobody waits for the sound of that.

use crate::support::{conversation, onset_ms, stderr, stdout, voicesim};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::Output;

/// Nothing is prepared before the endpoint.
const UNPREPARED: &str = "[speculation]\nenabled = false\n";

const OPENINGS: &str = "[clauses]\nopenings = [\"Sure,\", \"Let me see.\"]\n";

const TURN: &str = "
[[turn]]
speech = { length = { fixed_ms = 1200 } }
text = \"When do you open?\"
";

/// An agent that answers so, a token every 40 ms.
fn agent(answer: &str, voice: &str) -> String {
    format!(
        "[stt]\nengine = \"simulated\"\nlatency = {{ fixed_ms = 100 }}
[answer]\nengine = \"simulated\"\nlatency = {{ fixed_ms = 200 }}\ntoken_ms = 40\ntext = \"{answer}\"
[tts]\n{voice}"
    )
}

const SIMULATED_VOICE: &str = "engine = \"simulated\"\nlatency = { fixed_ms = 150 }\n";

/// The same, with a beginning that nobody hears.
const SOFT_VOICE: &str =
    "engine = \"simulated\"\nlatency = { fixed_ms = 150 }\nleading_silence_ms = 30\n";

fn asked(folder: &Path, name: &str, settings: &str, arguments: &[&str]) -> Output {
    let path = folder.join(format!("{name}.toml"));
    fs::write(&path, format!("name = \"openings\"\n{settings}")).expect("written");
    let path = path.display().to_string();
    voicesim(&[&["run", &path, "--clock", "virtual", "--json"], arguments].concat())
}

fn first_row(output: &Output) -> Value {
    let document: Value =
        serde_json::from_str(&stdout(output)).unwrap_or_else(|_| panic!("{}", stderr(output)));
    document["detail"][0].clone()
}

fn hop_ms(row: &Value, hop: &str) -> f64 {
    row["hops_ns"][hop].as_f64().unwrap_or(0.0) / 1e6
}

#[test]
fn an_opening_needs_no_synthesis_and_the_rest_of_the_answer_follows_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let answer = "Sure, we open at nine in the morning on all days of the week.";
    let settings = format!("{UNPREPARED}{}{TURN}", agent(answer, SIMULATED_VOICE));
    let row = |name, openings: &str| {
        let output = asked(folder.path(), name, &format!("{openings}{settings}"), &[]);
        first_row(&output)
    };
    let (with, without) = (row("with", OPENINGS), row("without", ""));
    let e2e_ms = |row: &Value| row["e2e_ns"].as_f64().expect("an answer") / 1e6;
    assert_eq!(hop_ms(&with, "speech_synthesis"), 0.0, "{with}");
    assert_eq!(hop_ms(&without, "speech_synthesis"), 150.0, "{without}");
    // "Sure," is 200 ms and a token and a quarter away, and there at once.
    let gained = e2e_ms(&without) - e2e_ms(&with);
    assert!(gained > 150.0, "{gained} ms");
    for row in [&with, &without] {
        assert_eq!(row["said"], answer);
    }
}

/// The clause behind an opening was once made only when the reply was heard.
#[test]
fn what_follows_an_opening_is_prepared_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let answer = "Sure, at nine.";
    let patient = "[endpointing]\nsilence_ms = 1500\n";
    let settings = format!("{patient}{}{TURN}", agent(answer, SIMULATED_VOICE));
    // The row, and how many sounds there were before the endpoint.
    let prepared = |name: &str, openings: &str| -> (Value, usize) {
        let place = folder.path().join(format!("{name}-out"));
        let out = ["--out", &place.display().to_string()];
        let output = asked(folder.path(), name, &format!("{openings}{settings}"), &out);
        let events = fs::read_to_string(place.join("events.jsonl")).expect("events");
        let mut marks = events
            .lines()
            .map(|line| -> Value { serde_json::from_str(line).expect("an event") });
        let before: Vec<Value> = marks
            .by_ref()
            .take_while(|event| event["mark"] != "endpoint_committed")
            .collect();
        assert!(marks.next().is_some(), "{name}: an endpoint");
        let is_sound =
            |event: &&Value| event["mark"] == "output" && event["stage"] == "text_to_speech";
        (first_row(&output), before.iter().filter(is_sound).count())
    };
    let ((with, sounds), (without, one)) = (prepared("with", OPENINGS), prepared("without", ""));
    assert_eq!((sounds, one), (2, 1), "the opening, and what follows it");
    assert_eq!(with["e2e_ns"], without["e2e_ns"], "all of it was there");
    assert_eq!(with["said"], answer);
}

#[test]
fn an_answer_that_begins_otherwise_is_spoken_as_before() {
    let folder = tempfile::tempdir().expect("a folder");
    let settings = agent("Surely, we open at nine.", SIMULATED_VOICE);
    let figures = |name, openings: &str| {
        let output = asked(
            folder.path(),
            name,
            &format!("{openings}{settings}{TURN}"),
            &[],
        );
        let row = first_row(&output);
        (row["e2e_ns"].clone(), row["hops_ns"].clone())
    };
    assert_eq!(figures("with", OPENINGS), figures("without", ""));
}

#[test]
fn a_voice_speaks_openings_before_the_conversation_which_repeats_to_the_byte() {
    let folder = tempfile::tempdir().expect("a folder");
    let voice = "engine = \"espeak\"\n";
    let settings = format!(
        "{UNPREPARED}{OPENINGS}{}{TURN}",
        agent("Sure, at 9.", voice)
    );
    let place = |name: &str| folder.path().join(name);
    let [first, again] = ["first", "again"].map(place);
    let shown = |path: &Path| path.display().to_string();
    let output = asked(
        folder.path(),
        "asked",
        &settings,
        &["--out", &shown(&first)],
    );
    let row = first_row(&output);
    assert_eq!(hop_ms(&row, "speech_synthesis"), 0.0, "{row}");
    // It is heard when it is said to be.
    let (_, agent) = conversation(&first);
    let begins_ms = row["agent_start_ns"].as_f64().expect("an answer") / 1e6;
    let heard_ms = onset_ms(&agent);
    assert!(
        (heard_ms - begins_ms).abs() < 60.0,
        "{heard_ms} {begins_ms}"
    );

    let repeated = voicesim(&[
        "run",
        "--recorded",
        &shown(&first),
        "--out",
        &shown(&again),
        "--json",
    ]);
    assert!(repeated.status.success(), "{}", stderr(&repeated));
    let events = |folder: &Path| fs::read(folder.join("events.jsonl")).expect("events");
    assert!(events(&first) == events(&again));

    // With others it would say one and sound like another.
    let others = settings.replace("\"Sure,\", \"Let me see.\"", "\"Let me see.\", \"Sure,\"");
    let output = asked(
        folder.path(),
        "others",
        &others,
        &["--recorded", &shown(&first)],
    );
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr(&output).contains("clauses.openings"),
        "{}",
        stderr(&output)
    );

    let output = voicesim(&["redact", &shown(&first)]);
    assert!(output.status.success(), "{}", stderr(&output));
    let header = fs::read_to_string(first.join("header.json")).expect("a header");
    assert!(
        !header.contains("Sure") && !header.contains("Let me"),
        "{header}"
    );
}

/// Repeated simulated voices once began to be heard at once, and answers with figures were cut otherwise.
#[test]
fn a_simulated_voice_repeats_to_the_byte_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let overlapping = OPENINGS.replace("\"Sure,\"", "\"Sure,\", \"Sure, no problem.\"");
    for (name, answer) in [
        ("without", "We open at 9, and the cake is $4.50."),
        ("with", "Sure, at 9."),
    ] {
        let settings = format!("{overlapping}{}{TURN}", agent(answer, SOFT_VOICE));
        let place = |which: &str| folder.path().join(format!("{name}-{which}"));
        let [first, again] = ["first", "again"].map(|which| place(which).display().to_string());
        let output = asked(folder.path(), name, &settings, &["--out", &first]);
        assert_eq!(hop_ms(&first_row(&output), "leading_silence"), 30.0);
        let repeated = voicesim(&["run", "--recorded", &first, "--out", &again, "--json"]);
        assert!(repeated.status.success(), "{name}: {}", stderr(&repeated));
        let events =
            |folder: &str| fs::read(Path::new(folder).join("events.jsonl")).expect("events");
        assert!(events(&first) == events(&again), "{name}");
    }
}

#[test]
fn what_a_profile_has_of_the_voice_leaves_out_sound_that_was_ready() {
    let folder = tempfile::tempdir().expect("a folder");
    let answer = "Sure, we open at nine in the morning on all days of the week.";
    let settings = format!("{OPENINGS}{}", agent(answer, SIMULATED_VOICE)) + &TURN.repeat(12);
    let run = folder.path().join("run").display().to_string();
    let output = asked(folder.path(), "asked", &settings, &["--out", &run]);
    assert!(output.status.success(), "{}", stderr(&output));
    let profile = folder.path().join("profile.toml").display().to_string();
    let output = voicesim(&["fit", &run, "--out", &profile]);
    assert!(output.status.success(), "{}", stderr(&output));
    let written = fs::read_to_string(&profile).expect("a profile");
    assert!(
        written.contains("openings = [\"Sure,\", \"Let me see.\"]"),
        "{written}"
    );
    assert!(written.contains("\"Sure, xx xxxx at xxxx in "), "{written}");
    let output = voicesim(&["simulate", "--profile", &profile, "--json"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let document: Value = serde_json::from_str(&stdout(&output)).expect("a document");
    let fastest = &document["metrics"]["tts_ttfb"]["max_ms"];
    assert_eq!(
        fastest.as_f64(),
        Some(0.0),
        "{}",
        document["metrics"]["tts_ttfb"]
    );
    let voice = written.split("[tts]").nth(1).expect("a voice");
    let voice = voice.split("\n[").next().unwrap_or_default();
    assert!(voice.contains("latency = { fixed_ms = 150.0 }"), "{voice}");
    assert!(voice.contains("12 measured"), "{voice}");
}

#[test]
fn openings_that_would_not_be_spoken_as_they_stand_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let long = "a".repeat(61);
    let many = format!("openings = [{}]", "\"Sure,\",".repeat(21));
    for (wrong, cure) in [
        ("openings = [\"\"]".to_owned(), "begin with a letter"),
        ("openings = [\" Sure,\"]".to_owned(), "begin with a letter"),
        ("openings = [\"Sure,  sir.\"]".to_owned(), "one blank"),
        (
            "openings = [\"At 9.\"]".to_owned(),
            "letters, blanks and marks",
        ),
        ("openings = [\"e.g. this\"]".to_owned(), "only at the end"),
        (
            "openings = [\"Sure\\n\"]".to_owned(),
            "letters, blanks and marks",
        ),
        (
            "openings = [\"<b>Sure</b>\"]".to_owned(),
            "begin with a letter",
        ),
        (format!("openings = [\"{long}\"]"), "at most 60 characters"),
        (many, "give at most 20"),
        ("openings = \"Sure,\"".to_owned(), "openings"),
    ] {
        let settings = format!(
            "[clauses]\n{wrong}\n{}{TURN}",
            agent("Yes.", SIMULATED_VOICE)
        );
        let output = asked(folder.path(), "wrong", &settings, &[]);
        assert_eq!(output.status.code(), Some(2), "{wrong}");
        let said = stderr(&output);
        assert!(said.contains(cure), "{wrong}: {said}");
    }
}
