//! Traces in and traces out: what a file of another program's agent becomes, and what ours become again.

use crate::support::{command, stderr, stdout, voicesim};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/it/data/traces")
        .join(name)
}

fn text(path: &Path) -> &str {
    path.to_str().expect("text")
}

/// Imports a file into a fresh folder. Returns what was said, and the folder.
fn imported(file: &Path) -> (String, tempfile::TempDir, PathBuf) {
    let place = tempfile::tempdir().expect("a folder");
    let out = place.path().join("out");
    let output = voicesim(&["import", text(file), "--out", text(&out)]);
    assert!(output.status.success(), "{}", stderr(&output));
    (stdout(&output), place, out)
}

fn document(out: &Path) -> Value {
    let output = voicesim(&["report", text(out), "--json"]);
    serde_json::from_str(&stdout(&output)).expect("JSON")
}

fn record(out: &Path) -> Value {
    let text = fs::read_to_string(out.join("import.json")).expect("import.json");
    serde_json::from_str(&text).expect("JSON")
}

fn problems(out: &Path) -> BTreeMap<String, u64> {
    let record = record(out);
    let problems = record["problems"].as_object().expect("problems").iter();
    let counts =
        problems.map(|(name, cases)| (name.clone(), cases["count"].as_u64().expect("a count")));
    counts.collect()
}

/// Milliseconds of each turn's latency and hops.
fn turns(document: &Value) -> Vec<(Option<f64>, BTreeMap<String, f64>)> {
    let rows = document["detail"].as_array().expect("turns").iter();
    rows.map(|row| {
        let hops = row["hops_ns"].as_object().expect("hops").iter();
        let hops = hops.map(|(name, ns)| (name.clone(), ns.as_u64().expect("ns") as f64 / 1e6));
        (
            row["e2e_ns"].as_u64().map(|ns| ns as f64 / 1e6),
            hops.collect(),
        )
    })
    .collect()
}

#[test]
fn livekit_spans_become_turns_whose_hops_add_up() {
    let (said, _place, out) = imported(&example("livekit.json"));
    let turns = turns(&document(&out));
    let e2e: Vec<f64> = turns.iter().filter_map(|(e2e, _)| *e2e).collect();
    assert_eq!(e2e, [1_100.0, 1_720.0, 1_180.0]);
    for (e2e, hops) in &turns {
        let sum: f64 = hops.values().sum();
        assert!((sum - e2e.expect("answered")).abs() < 1e-6, "{hops:?}");
    }
    let first = &turns[0].1;
    assert_eq!(first["endpointing_wait"], 560.0);
    assert_eq!(first["answer"], 310.0);
    assert_eq!(first["speech_synthesis"], 180.0);
    // Between the decision and the model 15 ms, of which the queue says 4; behind the voice 35.
    assert_eq!(first["unattributed"], 40.0 + 6.0);
    let record = record(&out);
    assert_eq!(record["pauses"].as_array().map(Vec::len), Some(4));
    assert_eq!(record["passed_over"]["session_start"], 1);
    insta::assert_snapshot!(said);
}

#[test]
fn pipecat_spans_have_the_whole_and_lengths() {
    let (said, _place, out) = imported(&example("pipecat.json"));
    let turns = turns(&document(&out));
    let e2e: Vec<f64> = turns.iter().filter_map(|(e2e, _)| *e2e).collect();
    assert_eq!(e2e, [1_180.0, 1_420.0, 970.0]);
    assert_eq!(turns[0].1["unattributed"], 1_180.0 - 310.0 - 360.0 - 190.0);
    insta::assert_snapshot!(said);
}

#[test]
fn pipecats_breakdown_adds_up_and_what_it_calls_pipeline_is_unattributed() {
    let (_, _place, out) = imported(&example("pipecat-breakdown.jsonl"));
    let turns = turns(&document(&out));
    assert_eq!(turns.len(), 3, "the greeting is no turn");
    for (e2e, hops) in &turns {
        let sum: f64 = hops.values().sum();
        assert!((sum - e2e.expect("answered")).abs() < 1e-6);
    }
    assert!((turns[0].1["endpointing_wait"] - 250.0).abs() < 1e-3);
    assert!((turns[0].1["unattributed"] - 20.0).abs() < 1e-3);
}

#[test]
fn a_chat_history_joins_question_and_answer() {
    let (_, _place, out) = imported(&example("livekit-history.json"));
    let document = document(&out);
    let turns = turns(&document);
    assert_eq!(turns.len(), 2);
    assert!((turns[0].0.expect("answered") - 1_100.0).abs() < 1e-2);
    assert_eq!(document["detail"][0]["heard"], "When do you open?");
    assert_eq!(document["detail"][1]["said"], "We are closed on");
}

#[test]
fn every_shape_is_recognised_and_tells_what_it_has() {
    for (name, count, e2e_ms) in [
        ("openinference.jsonl", 2, Some(1_050.0)),
        ("jaeger-genai.json", 2, None),
        ("retell.json", 4, Some(900.0)),
        ("vapi.json", 2, Some(1_380.0)),
        ("deepgram.jsonl", 2, Some(810.0)),
        ("elevenlabs.json", 1, None),
        ("table.csv", 5, Some(1_100.0)),
        ("microseconds.json", 1, Some(1_200.0)),
    ] {
        let (_, _place, out) = imported(&example(name));
        let several = fs::read_dir(&out).expect("a folder").count();
        let first = match out.join("header.json").is_file() {
            true => out.clone(),
            false => {
                let inside = fs::read_dir(&out).expect("a folder");
                let mut inside: Vec<PathBuf> = inside.map(|it| it.expect("one").path()).collect();
                inside.retain(|path| path.is_dir());
                inside.sort();
                inside[0].clone()
            }
        };
        assert_eq!(record(&out)["turns"], count, "{name}, {several} entries");
        let turns = turns(&document(&first));
        assert_eq!(turns[0].0, e2e_ms, "{name}");
    }
}

#[test]
fn parts_that_are_longer_than_the_whole_are_shown_as_they_are() {
    let (said, _place, out) = imported(&example("vapi.json"));
    let turns = turns(&document(&out));
    assert!(!turns[1].1.contains_key("unattributed"));
    assert_eq!(
        turns[1].1.values().sum::<f64>(),
        1_480.0,
        "in a whole of 1,450"
    );
    assert_eq!(problems(&out)["more_than_whole"], 1);
    insta::assert_snapshot!(said);
}

#[test]
fn percentiles_without_turns_are_a_table_marked_as_such() {
    let (said, _place, out) = imported(&example("retell.json"));
    assert!(said.contains("no turns stand behind them"), "{said}");
    let tables = record(&out)["tables"].as_array().expect("tables").len();
    assert_eq!(tables, 4 + 2);
    assert!(said.contains("from published field names"));
}

#[test]
fn what_is_wrong_is_found_counted_and_named() {
    let (said, _place, out) = imported(&example("broken.json"));
    let expected = [
        ("clocks", 1),
        ("disagree", 1),
        ("dropped", 1),
        ("missing_span", 1),
        ("negative", 1),
        ("too_long", 1),
    ];
    let expected = expected.map(|(name, count)| (name.to_owned(), count));
    assert_eq!(problems(&out), BTreeMap::from(expected));
    let document = document(&out);
    assert_eq!(document["detail"][3]["doubtful"], "trace");
    insta::assert_snapshot!(said);
}

#[test]
fn times_in_another_unit_and_latencies_of_minutes_are_named() {
    let (said, _place, out) = imported(&example("microseconds.json"));
    assert_eq!(problems(&out)["unit"], 4);
    assert!(said.contains("by a factor of 1000"), "{said}");
    let (said, _place, out) = imported(&example("table.csv"));
    assert_eq!(problems(&out)["too_long"], 1);
    assert!(said.contains("is its unit right?"), "{said}");
}

#[test]
fn a_mapping_of_ones_own_reads_a_log_of_ones_own() {
    let place = tempfile::tempdir().expect("a folder");
    let map = place.path().join("own.toml");
    fs::write(
        &map,
        "platform = \"own\"\nunit = \"s\"\ncall = [\"session\"]\nturns = \"turns[]\"\ntotal = \"wait\"\n\n[hops]\nanswer = { path = \"model\", unit = \"ms\" }\n",
    )
    .expect("written");
    let log = place.path().join("log.json");
    fs::write(
        &log,
        r#"{"session":"s1","turns":[{"wait":1.2,"model":400},{"wait":0.9}]}"#,
    )
    .expect("written");
    let out = place.path().join("out");
    let output = voicesim(&[
        "import",
        text(&log),
        "--map",
        text(&map),
        "--out",
        text(&out),
    ]);
    assert!(output.status.success(), "{}", stderr(&output));
    let turns = turns(&document(&out));
    assert_eq!(
        turns[0].1,
        BTreeMap::from([("answer".into(), 400.0), ("unattributed".into(), 800.0)])
    );
    assert_eq!(
        turns[1],
        (Some(900.0), BTreeMap::new()),
        "only the whole is known"
    );
}

#[test]
fn what_is_no_trace_says_what_to_do() {
    let place = tempfile::tempdir().expect("a folder");
    let said = |name: &str, content: &[u8]| {
        let path = place.path().join(name);
        fs::write(&path, content).expect("written");
        let output = voicesim(&[
            "import",
            text(&path),
            "--out",
            text(&place.path().join("out")),
        ]);
        assert_eq!(output.status.code(), Some(2), "{name}");
        stderr(&output).replace(text(place.path()), "FOLDER")
    };
    let all = [
        said("empty.json", b""),
        said("cut.json", b"{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"name\":\"turn\""),
        said("other.json", b"{\"hello\":1}"),
        said("other.csv", b"name,age\nx,3\n"),
        said("noise.bin", &[0x9C, 0, 1, 2, 3, 0xFF]),
        said("web.json", b"{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"name\":\"GET /\",\"startTimeUnixNano\":\"1764000000000000000\"}]}]}]}"),
    ];
    insta::assert_snapshot!(all.concat());
}

/// A run of every kind of turn, from the recorded demo.
fn recorded() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/data/recorded")
}

#[test]
fn what_is_exported_comes_back_with_the_same_turns_and_hops() {
    let of = |document: &Value| -> Vec<Value> {
        let rows = document["detail"].as_array().expect("turns").iter();
        let answered = rows.filter(|row| !row["e2e_ns"].is_null());
        answered
            .map(|row| {
                serde_json::json!([
                    row["e2e_ns"],
                    row["hops_ns"],
                    row["caller_end_ns"],
                    row["agent_start_ns"]
                ])
            })
            .collect()
    };
    let before = document(&recorded());
    for name in ["spans.jsonl", "spans.pb"] {
        let place = tempfile::tempdir().expect("a folder");
        let (spans, out) = (place.path().join(name), place.path().join("again"));
        let output = voicesim(&["report", text(&recorded()), "--otlp", text(&spans)]);
        assert!(output.status.success(), "{}", stderr(&output));
        let output = voicesim(&["import", text(&spans), "--out", text(&out)]);
        assert!(output.status.success(), "{}", stderr(&output));
        let after = document(&out);
        assert!(!of(&before).is_empty());
        assert_eq!(of(&before), of(&after), "{name}");
        for metric in ["e2e_latency", "llm_ttft", "tts_ttfb"] {
            assert_eq!(
                before["metrics"][metric], after["metrics"][metric],
                "{metric}"
            );
        }
    }
    // And once more, from what was imported.
    let (_, _place, first) = imported(&example("livekit.json"));
    let place = tempfile::tempdir().expect("a folder");
    let (spans, out) = (place.path().join("spans.json"), place.path().join("again"));
    voicesim(&["report", text(&first), "--otlp", text(&spans)]);
    let output = voicesim(&["import", text(&spans), "--out", text(&out)]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(of(&document(&first)), of(&document(&out)));
}

#[test]
fn an_imported_folder_is_like_any_other() {
    let (_, place, out) = imported(&example("livekit.json"));
    let file = |name: &str| place.path().join(name);
    let budget = file("budget.toml");
    fs::write(
        &budget,
        "[budget]\ne2e_latency_p95_ms = 900\nhop.unattributed_p95_ms = 500\n",
    )
    .expect("written");
    let exports = [
        "--csv",
        "--parquet",
        "--hgrm",
        "--perfetto",
        "--junit",
        "--prometheus",
        "--html",
    ];
    let mut arguments = vec![
        "report".to_owned(),
        text(&out).to_owned(),
        "--budget".into(),
        text(&budget).into(),
    ];
    for flag in exports {
        arguments.extend([flag.to_owned(), text(&file(&flag[2..])).to_owned()]);
    }
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let output = voicesim(&arguments);
    assert!(output.status.success(), "{}", stderr(&output));
    for flag in exports {
        assert!(
            file(&flag[2..]).metadata().expect("written").len() > 100,
            "{flag}"
        );
    }
    // A table of ours comes back, too.
    for name in ["csv", "parquet"] {
        let again = file(&format!("again-{name}"));
        let path = file(&format!("turns.{name}"));
        fs::copy(file(name), &path).expect("copied");
        let output = voicesim(&["import", text(&path), "--out", text(&again)]);
        assert!(output.status.success(), "{name}: {}", stderr(&output));
        assert_eq!(turns(&document(&again)), turns(&document(&out)), "{name}");
    }
    let other = imported(&example("pipecat.json"));
    let output = voicesim(&["compare", text(&out), text(&other.2)]);
    assert!(
        matches!(output.status.code(), Some(0 | 1)),
        "{}",
        stderr(&output)
    );
    assert!(
        stdout(&output).contains("unattributed"),
        "{}",
        stdout(&output)
    );
}

#[test]
fn a_run_shows_no_unattributed_hop() {
    let output = voicesim(&["report", text(&recorded()), "--json"]);
    assert!(!stdout(&output).contains("unattributed"));
}

#[test]
fn packed_files_and_folders_are_read() {
    let place = tempfile::tempdir().expect("a folder");
    let folder = place.path().join("traces");
    fs::create_dir(&folder).expect("made");
    let packed = fs::File::create(folder.join("livekit.json.gz")).expect("made");
    let mut packed = flate2::write::GzEncoder::new(packed, flate2::Compression::fast());
    let plain = fs::read(example("livekit.json")).expect("read");
    std::io::Write::write_all(&mut packed, &plain).expect("written");
    packed.finish().expect("written");
    fs::copy(example("vapi.json"), folder.join("vapi.json")).expect("copied");
    fs::write(folder.join("notes.txt"), "nothing here\n").expect("written");
    let out = place.path().join("out");
    let output = command(&["import", text(&folder), "--out", text(&out)])
        .output()
        .expect("it runs");
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(
        stdout(&output).contains("not read: "),
        "{}",
        stdout(&output)
    );
    assert_eq!(record(&out)["conversations"], 2);
    assert_eq!(document(&out)["turns"], 5);
}

#[test]
fn a_simulation_is_made_from_what_was_imported() {
    let (_, place, out) = imported(&example("livekit.json"));
    let agent = place.path().join("agent");
    let output = voicesim(&["init", text(&agent), "--from", text(&out)]);
    assert!(output.status.success(), "{}", stderr(&output));
    let scenario = agent.join("scenario.toml");
    insta::assert_snapshot!(
        fs::read_to_string(&scenario)
            .expect("written")
            .replace(text(place.path()), "FOLDER")
    );
    let output = voicesim(&["simulate", text(&scenario), "--conversations", "50"]);
    assert!(
        matches!(output.status.code(), Some(0 | 1)),
        "{}",
        stderr(&output)
    );
    // Without a part of an engine there is nothing to make one of.
    let (_, _place, retell) = imported(&example("retell.json"));
    let output = voicesim(&[
        "init",
        text(&place.path().join("other")),
        "--from",
        text(&retell),
    ]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr(&output).contains("nothing to make a scenario of"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn a_recording_is_held_beside_what_the_trace_of_the_call_says() {
    let place = tempfile::tempdir().expect("a folder");
    let file = |name: &str| place.path().join(name);
    let demo = file("demo");
    let output = voicesim(&[
        "run",
        "audio/demo.toml",
        "--recorded",
        text(&recorded()),
        "--out",
        text(&demo),
    ]);
    assert!(output.status.success(), "{}", stderr(&output));
    voicesim(&["report", text(&demo), "--otlp", text(&file("spans.pb"))]);
    voicesim(&[
        "import",
        text(&file("spans.pb")),
        "--out",
        text(&file("claimed")),
    ]);
    let wav = demo.join("conversation.wav");
    let output = voicesim(&[
        "measure",
        text(&wav),
        "--no-transcribe",
        "--claimed",
        text(&file("claimed")),
        "--json",
    ]);
    let document: Value = serde_json::from_str(&stdout(&output)).expect("JSON");
    let platforms = document["claimed"]["platforms"]
        .as_array()
        .expect("platforms");
    assert_eq!(platforms.len(), 1, "{}", document["claimed"]);
    let bias = &platforms[0]["columns"][0];
    assert!(
        bias["joined"].as_u64().is_some_and(|turns| turns >= 5),
        "{bias}"
    );
}

#[test]
fn conversations_in_one_trace_are_told_apart() {
    let (said, _place, out) = imported(&example("mixed.json"));
    assert_eq!(problems(&out)["mixed"], 1, "{said}");
    for (name, e2e_ms) in [("first", 1_000.0), ("second", 2_000.0)] {
        assert_eq!(
            turns(&document(&out.join(name)))[0].0,
            Some(e2e_ms),
            "{name}"
        );
    }
}
