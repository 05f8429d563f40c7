//! Latencies over time and by label: in the terminal, as JSON and on the page.

use crate::support::{stderr, stdout, voicesim};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

const ENGINES: &str = "[stt]
engine = \"simulated\"
latency = { fixed_ms = 100 }
[tts]
engine = \"simulated\"
latency = { fixed_ms = 100 }
[answer]
engine = \"simulated\"
text = \"Yes.\"
";

fn written(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    fs::write(&path, text).expect("written");
    path.to_string_lossy().into_owned()
}

fn fine(command: &[&str]) -> String {
    let output = voicesim(command);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    stdout(&output)
}

#[test]
fn a_load_that_grows_is_slower_in_its_later_windows() {
    let folder = tempfile::tempdir().expect("a folder");
    let scenario = written(
        folder.path(),
        "ramp.toml",
        &format!(
            "{ENGINES}latency = {{ fixed_ms = 900 }}\n[caller]\nquestions = 2\npatience = {{ fixed_ms = 0 }}\n[pool.answer]\nslots = 2\nqueue = 1000\n[load]\narrivals = {{ ramp = {{ from_per_minute = 2, to_per_minute = 60 }} }}\nwarm_up_s = 0\nduration_s = 600\n"
        ),
    );
    let out = folder.path().join("out").to_string_lossy().into_owned();
    fine(&["simulate", &scenario, "--worlds", "8", "--out", &out]);
    let document = fine(&["report", &out, "--by", "time", "--json"]);
    let document: Value = serde_json::from_str(&document).expect("JSON");
    let segments = &document["segments"];
    assert_eq!(segments["by"], "time");
    let windows = segments["segments"].as_array().expect("windows");
    assert!((6..=13).contains(&windows.len()), "{}", windows.len());
    let p95 = |window: &Value| window["e2e_latency"]["p95_ms"].as_f64().expect("answered");
    let (first, last) = (&windows[0], &windows[windows.len() - 1]);
    assert!(
        p95(last) > 1.2 * p95(first),
        "{} and {}",
        p95(first),
        p95(last)
    );
    assert!(segments["worst"].is_string(), "{segments}");
    let turns: u64 = windows.iter().filter_map(|w| w["turns"].as_u64()).sum();
    let e2e = &document["metrics"]["e2e_latency"];
    let unanswered = e2e["unanswered"]["count"].as_u64().unwrap_or(0);
    assert_eq!(turns, e2e["count"].as_u64().expect("a count") + unanswered);

    let page = folder.path().join("page.html");
    fine(&["report", &out, "--html", &page.to_string_lossy()]);
    let page = fs::read_to_string(page).expect("a page");
    assert!(
        page.contains("The slowest time beyond chance is"),
        "no window"
    );
    assert!(page.contains("Turns by turn"));
}

/// A folder of runs with a scenario each, half of them with a slow answer.
fn calls(folder: &Path) -> PathBuf {
    let all = folder.join("calls");
    for number in 0..6 {
        let ms = if number % 2 == 0 { 150 } else { 900 };
        let platform = if number % 2 == 0 { "one" } else { "other" };
        let topics = ["hours", "prices", "hours"];
        let turns = topics.map(|topic| {
            format!("[[turn]]\nlabels = {{ topic = \"{topic}\" }}\nspeech = {{ length = {{ fixed_ms = 900 }} }}\n")
        });
        let text = format!(
            "labels = {{ platform = \"{platform}\" }}\n{ENGINES}latency = {{ fixed_ms = {ms} }}\n{}",
            turns.concat()
        );
        let scenario = written(folder, &format!("{number}.toml"), &text);
        let out = all.join(format!("call-{number}"));
        fine(&[
            "run",
            &scenario,
            "--clock",
            "virtual",
            "--no-audio",
            "--out",
            &out.to_string_lossy(),
        ]);
    }
    all
}

#[test]
fn labels_of_scenarios_turns_and_tables_tell_turns_apart() {
    let folder = tempfile::tempdir().expect("a folder");
    let calls = calls(folder.path());
    let calls = calls.to_string_lossy();
    let by = |label: &str, more: &[&str]| -> Value {
        let text = fine(&[&["report", &calls, "--by", label, "--json"], more].concat());
        let document: Value = serde_json::from_str(&text).expect("JSON");
        document["segments"].clone()
    };
    let platforms = by("platform", &[]);
    assert_eq!(platforms["worst"], "other");
    assert_eq!(platforms["segments"][1]["turns"], 9);
    let names = |of: &Value| -> Vec<String> {
        let segments = of["segments"].as_array().expect("segments");
        segments
            .iter()
            .filter_map(|s| s["name"].as_str())
            .map(str::to_owned)
            .collect()
    };
    let topics = by("topic", &[]);
    assert_eq!(names(&topics), ["hours", "prices"]);
    assert_eq!(topics["worst"], Value::Null);
    assert_eq!(names(&by("turn", &[])), ["first", "later"]);
    assert_eq!(names(&by("call", &[])).len(), 6);
    let table = written(
        folder.path(),
        "labels.csv",
        "call,region\ncall-0.wav,north\ncall-1,south\n",
    );
    let regions = by("region", &["--labels", &table]);
    assert_eq!(names(&regions), ["(none)", "north", "south"]);
    let text = fine(&["report", &calls, "--by", "platform"]);
    assert!(
        text.contains("The slowest platform beyond chance is other: p95 "),
        "{text}"
    );
}

#[test]
fn what_no_turn_has_or_no_table_is_told_with_what_there_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/data/recorded");
    let kept = kept.to_string_lossy();
    let refused = |more: &[&str], expected: &[&str]| {
        let output = voicesim(&[&["report", &kept], more].concat());
        assert_eq!(output.status.code(), Some(2));
        let said = stderr(&output);
        for part in expected {
            assert!(said.contains(part), "{said}");
        }
    };
    refused(
        &["--by", "topic"],
        &["--by topic", "time, turn", "labels ="],
    );
    let without = written(folder.path(), "a.csv", "name,region\nx,y\n");
    refused(
        &["--by", "region", "--labels", &without],
        &["no column \"call\""],
    );
    let ragged = written(folder.path(), "b.csv", "call,region\nx\n");
    refused(&["--by", "region", "--labels", &ragged], &["b.csv"]);
    refused(
        &["--by", "time", "--labels", "nowhere.csv"],
        &["nowhere.csv"],
    );
}

#[test]
fn the_last_sentence_of_a_simulation_names_the_segment_that_loses_most_callers() {
    let folder = tempfile::tempdir().expect("a folder");
    let turns: String = ["hours", "prices", "hours", "prices"]
        .iter()
        .map(|topic| {
            format!(
                "[[turn]]\nspeech = {{ length = {{ fixed_ms = 1200 }} }}\nlabels = {{ topic = \"{topic}\" }}\n"
            )
        })
        .collect();
    let scenario = written(
        folder.path(),
        "topics.toml",
        &format!(
            "{ENGINES}latency = {{ fixed_ms = 300 }}\n[[fault]]\nstage = \"answer\"\nerror = \"no price list\"\ninputs = [2, 4]\n{turns}"
        ),
    );
    let out = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let whole = out("whole");
    fine(&[
        "simulate",
        &scenario,
        "--conversations",
        "20",
        "--out",
        &whole,
    ]);
    let last = |folder: &str| fine(&["report", folder]).trim_end().to_owned();
    let expected = format!(
        "most callers are lost where topic is prices, in 40 of 40 questions (voicesim report {whole} --by topic)."
    );
    let said = last(&whole)
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    assert!(said.ends_with(&expected), "{said}");

    // Shards that were simulated elsewhere say the same.
    let shards = [out("one"), out("two")];
    for (index, shard) in shards.iter().enumerate() {
        let number = format!("{}/2", index + 1);
        let of = ["--conversations", "20", "--shard", &number, "--out", shard];
        fine(&[&["simulate", &scenario], &of[..]].concat());
    }
    let merged = out("merged");
    fine(&["merge", &shards[0], &shards[1], "--out", &merged]);
    let said = last(&merged);
    assert!(said.contains("where topic is prices"), "{said}");
}
