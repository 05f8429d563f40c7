//! What people and programs read, made from the record of a demo that once ran (`tests/it/data`).

use crate::support::{stdout, voicesim};
use serde_json::Value;
use std::path::Path;

fn demo() -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/data/demo");
    folder.to_string_lossy().into_owned()
}

fn json() -> Value {
    let output = voicesim(&["report", &demo(), "--json"]);
    serde_json::from_slice(&output.stdout).expect("one JSON document")
}

#[test]
fn the_report_reads_like_this() {
    insta::assert_snapshot!(stdout(&voicesim(&["report", &demo()])));
}

#[test]
fn the_report_of_one_turn_as_json_is_this() {
    insta::assert_json_snapshot!(json()["detail"][0]);
}

#[test]
fn the_document_has_what_scripts_rely_on() {
    let document = json();
    assert_eq!(document["schema"], "voicesim.report/2");
    assert_eq!(document["turns"], 8);
    for statistic in [
        "count", "mean_ms", "p50_ms", "p90_ms", "p95_ms", "p99_ms", "max_ms",
    ] {
        assert!(
            document["metrics"]["e2e_latency"][statistic].is_number(),
            "{statistic}"
        );
        assert!(
            document["hops"]["transcription"][statistic].is_number(),
            "{statistic}"
        );
    }
    for key in ["interruptions", "wer", "budgets", "detail"] {
        assert!(!document[key].is_null(), "{key}");
    }
    for turn in document["detail"].as_array().expect("rows") {
        let Some(e2e) = turn["e2e_ns"].as_u64() else {
            assert_ne!(turn["outcome"], "answered");
            continue;
        };
        let hops = turn["hops_ns"].as_object().expect("hops");
        assert_eq!(hops.values().filter_map(Value::as_u64).sum::<u64>(), e2e);
        let of = |key: &str| turn[key].as_u64().expect("a tick");
        assert_eq!(of("agent_start_ns") - of("caller_end_ns"), e2e);
    }
}

#[test]
fn every_metric_of_a_report_can_be_limited() {
    let document = json();
    for metric in document["metrics"].as_object().expect("metrics").keys() {
        let known = voicesim::event::Metric::named(metric);
        assert!(known.is_some(), "{metric} is missing in event::Metric");
    }
}

#[test]
fn help_says_what_there_is() {
    insta::assert_snapshot!("help", stdout(&voicesim(&["--help"])));
    for command in [
        "measure",
        "run",
        "simulate",
        "fit",
        "validate",
        "init",
        "guide",
        "check",
        "report",
        "compare",
        "sweep",
        "plan",
        "merge",
        "presets",
        "schema",
        "classifier",
        "endpoint",
        "index",
        "models",
        "devices",
        "completions",
        "man",
    ] {
        let help = stdout(&voicesim(&[command, "--help"]));
        // What every command takes stands in the help of voicesim itself.
        let own = help.split("\nLogging:\n").next().unwrap_or_default();
        let examples = help.find("\nExamples:").map_or("", |at| &help[at..]);
        insta::assert_snapshot!(format!("help_{command}"), format!("{own}{examples}"));
    }
}
