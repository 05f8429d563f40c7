//! Files for other programs, as the command line writes them, and what it says to bad input.

use crate::support::{SIMULATED, stderr, stdout, voicesim};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

fn data(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/data");
    folder.join(name).to_string_lossy().into_owned()
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Folder {
        Folder(tempfile::tempdir().expect("a folder"))
    }

    fn at(&self, name: &str) -> String {
        self.path(name).to_string_lossy().into_owned()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).expect("a file")
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.path()).expect("a folder");
        let names = entries.map(|entry| entry.expect("an entry").file_name());
        names
            .map(|name| name.to_string_lossy().into_owned())
            .collect()
    }

    /// A simulation of the assistant: callers who hesitate, interrupt and lose patience.
    fn simulated(&self, name: &str, more: &[&str]) -> String {
        let scenario =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("audio/simulations/assistant.toml");
        let (scenario, out) = (scenario.to_string_lossy().into_owned(), self.at(name));
        let command = ["simulate", &scenario, "-q", "--out", &out];
        let output = voicesim(&[&command, more].concat());
        assert!(output.status.success(), "{}", stderr(&output));
        out
    }
}

fn refused(arguments: &[&str], says: &[&str]) {
    let output = voicesim(arguments);
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
    for says in says {
        assert!(said.contains(says), "{arguments:?}: {said}");
    }
    assert!(!said.contains("panicked"), "{said}");
    assert!(output.stdout.is_empty(), "{}", stdout(&output));
}

fn fine(arguments: &[&str]) -> Output {
    let output = voicesim(arguments);
    assert!(
        output.status.success(),
        "{arguments:?}: {}",
        stderr(&output)
    );
    output
}

/// Whole nanoseconds of a number in microseconds.
fn nanoseconds(value: &Value) -> u64 {
    (value.as_f64().expect("a number") * 1e3).round() as u64
}

/// Whether spans of a thread lie behind or inside one another, and all that names a turn inside its turn.
fn check_trace(trace: &Value) -> usize {
    let events = trace["traceEvents"].as_array().expect("events");
    let span = |event: &Value| {
        let start = nanoseconds(&event["ts"]);
        (
            start,
            start
                + event["dur"]
                    .as_f64()
                    .map_or(0, |_| nanoseconds(&event["dur"])),
        )
    };
    let key = |event: &Value| (event["pid"].as_u64(), event["args"]["turn"].as_u64());
    let is_turn = |event: &&Value| {
        event["ph"] == "X"
            && event["name"]
                .as_str()
                .is_some_and(|name| name.starts_with("turn "))
    };
    let turns: BTreeMap<_, _> = events
        .iter()
        .filter(is_turn)
        .map(|e| (key(e), span(e)))
        .collect();
    let mut threads: BTreeMap<_, Vec<(u64, u64)>> = BTreeMap::new();
    for event in events.iter().filter(|event| event["ph"] != "M") {
        let (start, end) = span(event);
        if event["args"]["turn"].is_u64() {
            let (from, to) = turns[&key(event)];
            assert!(from <= start && end <= to, "{event} leaves its turn");
        }
        if event["ph"] == "X" {
            let thread = (event["pid"].as_u64(), event["tid"].as_u64());
            threads.entry(thread).or_default().push((start, end));
        }
    }
    for (thread, mut spans) in threads {
        spans.sort_by_key(|(start, end)| (*start, std::cmp::Reverse(*end)));
        let mut open: Vec<u64> = Vec::new();
        for (start, end) in spans {
            open.retain(|until| *until > start);
            assert!(
                open.last().is_none_or(|until| end <= *until),
                "{thread:?} at {start}"
            );
            open.push(end);
        }
    }
    turns.len()
}

#[test]
fn several_files_are_written_beside_the_report() {
    let folder = Folder::new();
    let output = fine(&[
        "report",
        &data("recorded"),
        "--csv",
        &folder.at("t.csv"),
        "--parquet",
        &folder.at("t.parquet"),
        "--hgrm",
        &folder.at("e2e.hgrm"),
        "--perfetto",
        &folder.at("trace.json"),
        "--junit",
        &folder.at("j.xml"),
    ]);
    assert!(stdout(&output).contains("sum = e2e_latency"));
    assert!(
        stderr(&output).contains("t.csv: 8 turns"),
        "{}",
        stderr(&output)
    );
    let mut names = folder.names();
    names.sort();
    assert_eq!(
        names,
        ["e2e.hgrm", "j.xml", "t.csv", "t.parquet", "trace.json"]
    );
}

#[test]
fn a_file_on_standard_output_is_all_that_is_printed() {
    let output = fine(&["report", &data("recorded"), "--csv", "-"]);
    assert!(stdout(&output).starts_with("call,conversation,turn,expect,outcome,"));
    assert_eq!(stdout(&output).lines().count(), 9);
    refused(
        &["report", &data("recorded"), "--csv", "-", "--junit", "-"],
        &["one", "name files"],
    );
    refused(
        &["report", &data("recorded"), "--csv", "-", "--json"],
        &["--json"],
    );
    let folder = Folder::new();
    let same = folder.at("same");
    refused(
        &["report", &data("recorded"), "--csv", &same, "--hgrm", &same],
        &["named twice"],
    );
}

#[test]
fn several_runs_are_one_table_and_a_process_each() {
    let folder = Folder::new();
    fine(&[
        "report",
        &data("interruptions"),
        "--csv",
        &folder.at("t.csv"),
        "--perfetto",
        &folder.at("trace.json"),
    ]);
    let mut csv = csv::Reader::from_path(folder.path("t.csv")).expect("a file");
    let calls: std::collections::BTreeSet<String> = csv
        .records()
        .map(|row| row.expect("a row")[0].to_owned())
        .collect();
    let trace: Value = serde_json::from_str(&folder.text("trace.json")).expect("JSON");
    let events = trace["traceEvents"].as_array().expect("events");
    let processes = events
        .iter()
        .filter(|event| event["name"] == "process_name");
    let names: std::collections::BTreeSet<String> = processes
        .map(|event| event["args"]["name"].as_str().expect("a name").to_owned())
        .collect();
    assert_eq!(calls, names);
    assert!(check_trace(&trace) > 4);
}

#[test]
fn the_table_of_a_simulation_has_the_figures_of_its_report() {
    let folder = Folder::new();
    let out = folder.simulated("sim", &["--conversations", "40"]);
    fine(&["report", &out, "--csv", &folder.at("t.csv")]);
    let report = fine(&["report", &out, "--json"]);
    let report: Value = serde_json::from_slice(&report.stdout).expect("JSON");
    let mut csv = csv::Reader::from_path(folder.path("t.csv")).expect("a file");
    let names = csv.headers().expect("names").clone();
    let rows: Vec<csv::StringRecord> = csv.records().map(|row| row.expect("a row")).collect();
    assert_eq!(
        rows.len() as u64,
        report["turns"].as_u64().expect("a number")
    );
    let column = |name: &str| {
        let index = names.iter().position(|own| own == name).expect("a column");
        let cells = rows.iter().map(move |row| row[index].to_owned());
        let mut values: Vec<u64> = cells.filter_map(|cell| cell.parse().ok()).collect();
        values.sort();
        values
    };
    let check = |values: Vec<u64>, summary: &Value, name: &str| {
        assert_eq!(values.len() as u64, summary["count"], "{name}");
        let in_vain = summary["unanswered"]["count"].as_u64().unwrap_or(0) as usize;
        let rank = ((values.len() + in_vain) * 95).div_ceil(100);
        let Some(p95) = values.get(rank - 1).map(|ns| *ns as f64 / 1e6) else {
            assert!(summary["p95_ms"].is_null(), "{name}");
            return;
        };
        let own = summary["p95_ms"].as_f64().expect("a number");
        assert!(
            (own - p95).abs() <= 1e-3 * p95 + 1e-3,
            "{name}: {own} and {p95}"
        );
    };
    for (metric, summary) in report["metrics"].as_object().expect("metrics") {
        // These are of whole conversations, and of no turn.
        if !["playback_gap", "overlap", "talk_over", "dead_air"].contains(&metric.as_str()) {
            check(column(&format!("{metric}_ns")), summary, metric);
        }
    }
    for (hop, summary) in report["hops"].as_object().expect("hops") {
        check(column(&format!("hop_{hop}_ns")), summary, hop);
    }
}

#[test]
fn simulated_conversations_are_traces_in_which_everything_lies_in_its_turn() {
    let folder = Folder::new();
    let out = folder.simulated("sim", &["--conversations", "120"]);
    let output = fine(&["report", &out, "--perfetto", &folder.at("trace.json")]);
    let said = stderr(&output);
    assert!(
        said.contains("the first 100 conversations") && said.contains("other 20 are left out"),
        "{said}"
    );
    let trace: Value = serde_json::from_str(&folder.text("trace.json")).expect("JSON");
    assert!(check_trace(&trace) > 500);
    let none = folder.simulated("none", &["--conversations", "5", "--events", "none"]);
    refused(
        &["report", &none, "--perfetto", &folder.at("none.json")],
        &["--events sample", "none"],
    );
    assert!(!folder.path("none.json").exists());
}

#[test]
fn what_cannot_be_written_or_read_is_refused_with_the_cure() {
    let folder = Folder::new();
    let lost = folder.at("no/such/folder/t.csv");
    refused(
        &["report", &data("recorded"), "--csv", &lost],
        &["no/such/folder/t.csv", "name a file"],
    );
    refused(
        &["report", &data("recorded"), "--junit", &folder.at("")],
        &["name a file"],
    );
    refused(
        &[
            "report",
            &data("recorded"),
            "--hgrm",
            &folder.at("h"),
            "--metric",
            "e2e_latncy",
        ],
        &["e2e_latncy", "did you mean e2e_latency?", "hop.answer"],
    );
    refused(
        &[
            "report",
            &data("recorded"),
            "--hgrm",
            &folder.at("h"),
            "--metric",
            "hop.model_response",
        ],
        &["nothing was measured", "--metric can be"],
    );
    let metric = voicesim(&["report", &data("recorded"), "--metric", "ttfa"]);
    assert_eq!(metric.status.code(), Some(2));
    assert!(folder.names().is_empty(), "{:?}", folder.names());
}

#[test]
fn a_folder_without_events_or_with_damaged_turns_leaves_no_file() {
    let folder = Folder::new();
    let run = folder.path("run");
    fs::create_dir(&run).expect("made");
    fs::copy(
        Path::new(&data("recorded")).join("header.json"),
        run.join("header.json"),
    )
    .expect("copied");
    refused(
        &["report", &folder.at("run"), "--csv", &folder.at("t.csv")],
        &["events.jsonl"],
    );
    let out = folder.simulated("sim", &["--conversations", "20"]);
    // As an earlier version left it: what is found without checksums is found.
    fs::remove_file(Path::new(&out).join("checksums.json")).expect("removed");
    let turns = Path::new(&out).join("turns.bin");
    let mut bytes = fs::read(&turns).expect("turns");
    let whole = bytes.len();
    bytes.truncate(whole - 5);
    fs::write(&turns, &bytes).expect("written");
    let export_is_refused = |says: &str| {
        for export in ["--csv", "--parquet"] {
            let command = ["report", &out, export, &folder.at("t")];
            refused(&command, &["turns.bin", says]);
        }
    };
    export_is_refused("the folder is not whole");
    bytes.resize(whole, 0xff);
    fs::write(&turns, &bytes).expect("written");
    export_is_refused("ends in the middle");
    assert!(!folder.path("t").exists() && !folder.path("t.part").exists());
}

#[test]
fn a_run_without_an_answer_is_a_table_and_a_trace_but_no_distribution() {
    let folder = Folder::new();
    let scenario = format!(
        "[[turn]]\nspeech = {{ length = {{ fixed_ms = 900 }} }}\nexpect = \"ignore\"\n{SIMULATED}"
    );
    fs::write(folder.path("s.toml"), scenario).expect("written");
    let simulated = [
        "simulate",
        &folder.at("s.toml"),
        "--conversations",
        "1",
        "-q",
        "--out",
        &folder.at("sim"),
    ];
    let output = voicesim(&simulated);
    assert!(output.status.success(), "{}", stderr(&output));
    refused(
        &[
            "report",
            &folder.at("sim"),
            "--hgrm",
            &folder.at("h"),
            "--metric",
            "hop.answer",
        ],
        &["nothing was measured"],
    );
    fine(&[
        "report",
        &folder.at("sim"),
        "--csv",
        &folder.at("t.csv"),
        "--parquet",
        &folder.at("t.parquet"),
        "--junit",
        &folder.at("j.xml"),
        "--perfetto",
        &folder.at("trace.json"),
    ]);
}

#[test]
fn a_budget_file_takes_the_place_of_the_scenarios() {
    let folder = Folder::new();
    fs::write(
        folder.path("b.toml"),
        "[budget]\ne2e_latency_p75_ms = 1\nhop.answer_p99_9_ms = 9000\nhop.model_response_max_ms = 1\ncure.retried_max = 0\n",
    )
    .expect("written");
    let shown = fine(&[
        "report",
        &data("recorded"),
        "--budget",
        &folder.at("b.toml"),
        "--junit",
        &folder.at("j.xml"),
    ]);
    let shown = stdout(&shown);
    assert!(
        shown.contains("budget MISSED  e2e_latency_p75_ms"),
        "{shown}"
    );
    assert!(
        shown.contains("budget MISSED  hop.model_response_max_ms  nothing measured"),
        "{shown}"
    );
    assert!(shown.contains("budget kept    cure.retried_max"), "{shown}");
    assert!(
        folder.text("j.xml").contains("failures=\"2\""),
        "{}",
        folder.text("j.xml")
    );
    let scenario = Path::new(env!("CARGO_MANIFEST_DIR")).join("audio/simulations/assistant.toml");
    let budget = folder.at("b.toml");
    let simulated = voicesim(&[
        "simulate",
        &scenario.to_string_lossy(),
        "--conversations",
        "5",
        "-q",
        "--budget",
        &budget,
    ]);
    assert_eq!(simulated.status.code(), Some(1), "{}", stderr(&simulated));
    let repeated = voicesim(&[
        "run",
        "--recorded",
        &data("recorded"),
        "--out",
        &folder.at("again"),
        "--budget",
        &budget,
    ]);
    assert_eq!(repeated.status.code(), Some(1), "{}", stderr(&repeated));
    fs::write(folder.path("b.toml"), "[budget]\nhop.anser_p95_ms = 1\n").expect("written");
    for command in [
        &["report", &data("recorded")][..],
        &["simulate", &scenario.to_string_lossy()],
        &["run", "--recorded", &data("recorded")],
    ] {
        let says = [
            "b.toml line 2",
            "budget.hop.anser_p95_ms",
            "did you mean hop.answer_p95_ms?",
        ];
        refused(&[command, &["--budget", &budget]].concat(), &says);
    }
}
