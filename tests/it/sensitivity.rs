//! What a simulation hangs on: inputs that are moved by a tenth, with the same luck.

use crate::support::{stderr, stdout, voicesim};
use serde_json::Value;
use std::fs;
use std::path::Path;

/// An agent whose callers ask and wait; what it takes is known to the millisecond.
const AGENT: &str = "cores = 2
[caller]
questions = 4
pause_every_s = 0.0
patience = { fixed_ms = 0 }
backchannels_per_minute = 0.0
interruptions_per_minute = 0.0
noises_per_minute = 0.0
[speculation]
enabled = false
[endpointing]
silence_ms = 320
[stt]
engine = \"simulated\"
latency = { fixed_ms = 100 }
[answer]
engine = \"simulated\"
latency = { lognormal = { median_ms = 400, p95_ms = 800 } }
[tts]
engine = \"simulated\"
latency = { fixed_ms = 50 }
compute = { threads = 1 }
";

fn agent(folder: &Path) -> String {
    let path = folder.join("agent.toml");
    fs::write(&path, AGENT).expect("written");
    path.to_string_lossy().into_owned()
}

fn moved(arguments: &[&str]) -> Value {
    let few = ["--sensitivity", "--conversations", "400", "-q", "--json"];
    let output = voicesim(&[&["simulate"], arguments, &few].concat());
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    serde_json::from_str(&stdout(&output)).expect("one JSON document")
}

fn input<'a>(document: &'a Value, key: &str) -> &'a Value {
    let inputs = document["inputs"].as_array().expect("inputs");
    let found = inputs.iter().find(|input| input["key"] == key);
    found.unwrap_or_else(|| panic!("{key} is no input: {inputs:?}"))
}

#[test]
fn every_input_moves_p95_by_what_a_tenth_of_it_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let document = moved(&[&agent(folder.path())]);
    assert_eq!(document["schema"], "voicesim.sensitivity/2");
    assert_eq!(document["headline"], "e2e_latency_p95_ms");
    let by = |key: &str, way: &str| {
        let change = &input(&document, key)[way]["e2e_latency_p95_ms"];
        assert_eq!(change["is_told"], true, "{key}: {change}");
        change["by"].as_f64().expect("a change")
    };
    // All of it adds up, so that p95 moves by a tenth of what is fixed; it is known to a thousandth.
    for (key, ms) in [
        ("stt.latency", 10.0),
        ("tts.latency", 5.0),
        ("endpointing.silence_ms", 32.0),
    ] {
        assert!(
            (by(key, "more") - ms).abs() <= 2.1,
            "{key}: {}",
            by(key, "more")
        );
        assert!(
            (by(key, "less") + ms).abs() <= 2.1,
            "{key}: {}",
            by(key, "less")
        );
    }
    assert!(
        (70.0..90.0).contains(&by("answer.latency", "more")),
        "of 800 ms"
    );
    let first = &document["inputs"][0]["key"];
    assert_eq!(first, "answer.latency", "what moves it most comes first");
    for key in ["caller.reaction", "cores"] {
        let change = &input(&document, key)["more"]["e2e_latency_p95_ms"];
        assert_eq!(
            (&change["by"], &change["is_told"]),
            (&0.0.into(), &false.into()),
            "{key}"
        );
    }
}

#[test]
fn what_cannot_be_moved_says_why_and_figures_are_the_same_at_any_number_of_threads() {
    let folder = tempfile::tempdir().expect("a folder");
    let agent = agent(folder.path());
    let set = ["--set", "cores=1", "--set", "endpointing.silence_ms=10000"];
    let one = moved(&[&[agent.as_str(), "--threads", "1"], &set[..]].concat());
    let refused = |key: &str, which: &str| {
        let why = &input(&one, key)[which];
        why.as_str().unwrap_or_default().to_owned()
    };
    assert!(refused("cores", "less_refused").contains("as low as it can be"));
    let silence = refused("endpointing.silence_ms", "more_refused");
    assert!(silence.contains("10000"), "{silence}");
    let three = moved(&[&[agent.as_str(), "--threads", "3"], &set[..]].concat());
    assert_eq!(one, three);
}

#[test]
fn what_a_profile_hangs_on_reads_like_this() {
    let folder = tempfile::tempdir().expect("a folder");
    let profile = folder.path().join("profile.toml");
    let profile = profile.to_string_lossy();
    let recorded = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/data/recorded");
    let fit = voicesim(&["fit", recorded, "--out", &profile, "-q"]);
    assert_eq!(fit.status.code(), Some(0), "{}", stderr(&fit));
    let output = voicesim(&[
        "simulate",
        "--profile",
        &profile,
        "--sensitivity",
        "--conversations",
        "300",
        "-q",
    ]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let text = stdout(&output);
    let day = regex::Regex::new(r"\d{4}-\d\d-\d\d").expect("a pattern");
    insta::assert_snapshot!(day.replace_all(&text, "DAY"));
}

#[test]
fn it_is_asked_for_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let agent = agent(folder.path());
    for other in [["--until-ci", "1%"], ["--shard", "1/2"], ["--out", "kept"]] {
        let output =
            voicesim(&[&["simulate", agent.as_str(), "--sensitivity"], &other[..]].concat());
        assert_eq!(output.status.code(), Some(2), "{other:?}");
        assert!(stderr(&output).contains(other[0]), "{}", stderr(&output));
    }
}
