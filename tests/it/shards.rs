//! Simulations past one machine: shards, and what they are merged to.

use crate::support::{stderr, stdout, voicesim};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::OnceLock;
use std::sync::atomic::AtomicBool;
use voicesim::experiment::{KeepEvents, Shard, Simulation};
use voicesim::scenario;

const WORLDS: u32 = 200;

/// What is the same to the byte in what shards are merged to and in the whole.
const FILES: [&str; 6] = [
    "turns.bin",
    "events.jsonl",
    "latency.hlog",
    "totals.json",
    "report.json",
    "report.txt",
];

fn assistant() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("audio/simulations/assistant.toml")
}

/// Simulates a part of callers who do everything that callers do, or all of it.
fn simulate(folder: &Path, shard: Option<&str>, threads: usize, events: KeepEvents) {
    // A threshold that has no exact value, and budgets, of which one is missed.
    let settings = [
        "ear.vad_threshold=0.3",
        "budget.e2e_latency_p95_ms=1.0000000000000002",
        "budget.wer_max=0.3",
    ];
    let scenario = scenario::load_with(&assistant(), &settings.map(String::from));
    let mut simulation = Simulation::of(scenario.expect("a scenario"))
        .worlds(WORLDS)
        .threads(threads)
        .keep_in(folder.to_owned(), events);
    if let Some(shard) = shard {
        simulation = simulation.shard(shard.parse::<Shard>().expect("a shard"));
    }
    let stop = AtomicBool::new(false);
    simulation.run(&stop, &|_, _| {}).expect("a simulation");
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn merge(folders: &[PathBuf], out: &Path) -> Output {
    let mut arguments = vec!["merge".to_owned()];
    arguments.extend(folders.iter().map(|folder| text(folder)));
    arguments.extend(["--out".to_owned(), text(out)]);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    voicesim(&arguments)
}

fn json(path: &Path) -> Value {
    let bytes = fs::read(path).expect("readable");
    serde_json::from_slice(&bytes).expect("JSON")
}

/// Merges four shards, given in another order, and compares them with the whole.
fn merged_is_whole(events: KeepEvents) {
    let temporary = tempfile::tempdir().expect("a folder");
    let at = |name: &str| temporary.path().join(name);
    simulate(&at("whole"), None, 2, events);
    for (index, threads) in [(1, 1), (2, 2), (3, 1), (4, 2)] {
        let shard = format!("{index}/4");
        simulate(&at(&index.to_string()), Some(&shard), threads, events);
    }
    let output = merge(&["3", "1", "4", "2"].map(at), &at("merged"));
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    for file in FILES {
        let read = |folder: &str| fs::read(at(folder).join(file)).expect(file);
        assert!(read("merged") == read("whole"), "{file} is different");
    }
    let (mut merged, whole) = (
        json(&at("merged").join("header.json")),
        json(&at("whole").join("header.json")),
    );
    let first = json(&at("1").join("header.json"));
    for key in ["machine", "started"] {
        assert_eq!(merged[key], first[key]);
        merged[key] = whole[key].clone();
    }
    assert_eq!(merged, whole);
    assert_eq!(first["shard"], "1/4");
    assert_eq!(first["worlds"], WORLDS);
    assert_eq!(whole.get("shard"), None);
    let report = fs::read_to_string(at("whole").join("report.txt")).expect("a report");
    assert_eq!(stdout(&output), report);
    assert!(report.contains("MISSED"), "{report}");
}

#[test]
fn four_shards_with_all_events_merge_to_the_whole_to_the_byte() {
    merged_is_whole(KeepEvents::All);
}

#[test]
fn four_shards_with_a_sample_of_events_merge_to_the_whole_to_the_byte() {
    merged_is_whole(KeepEvents::Sample);
}

#[test]
fn one_shard_of_one_is_the_whole() {
    let temporary = tempfile::tempdir().expect("a folder");
    let at = |name: &str| temporary.path().join(name);
    simulate(&at("whole"), None, 1, KeepEvents::None);
    simulate(&at("shard"), Some("1/1"), 1, KeepEvents::None);
    merge(&[at("shard")], &at("merged"));
    for file in FILES {
        let read = |folder: &str| fs::read(at(folder).join(file)).expect(file);
        assert!(read("merged") == read("whole"), "{file} is different");
    }
}

/// Two shards, made once.
fn shards() -> &'static [PathBuf; 2] {
    static SHARDS: OnceLock<(tempfile::TempDir, [PathBuf; 2])> = OnceLock::new();
    let (_, folders) = SHARDS.get_or_init(|| {
        let temporary = tempfile::tempdir().expect("a folder");
        let folders = ["1", "2"].map(|index| {
            let folder = temporary.path().join(index);
            simulate(&folder, Some(&format!("{index}/2")), 1, KeepEvents::Sample);
            folder
        });
        (temporary, folders)
    });
    folders
}

#[test]
fn the_report_of_a_shard_says_which_it_is_and_that_of_the_merged_does_not() {
    let temporary = tempfile::tempdir().expect("a folder");
    let merged = temporary.path().join("merged");
    assert_eq!(merge(shards(), &merged).status.code(), Some(0));
    let report = |folder: &Path, json: &[&str]| {
        let output = voicesim(&[&["report", &text(folder)], json].concat());
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        stdout(&output)
    };
    let document = |folder: &Path| -> Value {
        serde_json::from_str(&report(folder, &["--json"])).expect("JSON")
    };
    assert_eq!(document(&shards()[1])["shard"], "2/2");
    assert_eq!(document(&shards()[1])["conversations"], WORLDS / 2);
    assert!(report(&shards()[1], &[]).contains("shard          2/2"));
    assert_eq!(document(&merged).get("shard"), None);
    assert_eq!(document(&merged)["conversations"], WORLDS);
    assert!(!report(&merged, &[]).contains("shard"));
}

#[test]
fn the_documents_of_shards_and_of_merging_are_those_of_the_whole() {
    let temporary = tempfile::tempdir().expect("a folder");
    let at = |name: &str| text(&temporary.path().join(name));
    let scenario = text(&assistant());
    let simulate = |more: &[&str]| -> Value {
        let command = ["simulate", &scenario, "--worlds", "7", "-q", "--json"];
        let output = voicesim(&[&command, more].concat());
        serde_json::from_slice(&output.stdout).expect("JSON")
    };
    let whole = simulate(&["--out", &at("whole")]);
    let shard = simulate(&["--shard", "1/2", "--out", &at("1")]);
    assert_eq!(
        (&shard["shard"], &shard["conversations"]),
        (&"1/2".into(), &3.into())
    );
    assert_eq!(shard["out"], at("1"));
    simulate(&["--shard", "2/2", "--out", &at("2")]);
    let command = [
        "merge",
        &at("1"),
        &at("2"),
        "--out",
        &at("merged"),
        "--json",
    ];
    let output = voicesim(&command);
    let mut merged: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    for key in ["wall_s", "turns_per_second", "threads", "out"] {
        merged[key] = whole[key].clone();
    }
    assert_eq!(merged, whole);
}

#[test]
fn a_shard_that_cannot_be_simulated_is_exit_2_with_the_cure() {
    let temporary = tempfile::tempdir().expect("a folder");
    let (scenario, out) = (text(&assistant()), text(&temporary.path().join("out")));
    let kept = ["--out", &out];
    for (arguments, says) in [
        (["--shard", "0/3"].as_slice(), "the first one is 1/3"),
        (&["--shard", "4/3"], "the last one is 3/3"),
        (&["--shard", "1/0"], "at least one shard"),
        (&["--shard", "1"], "write I/N"),
        (&["--shard", "a/b"], "write I/N"),
        (
            &["--shard", "1/9", "--worlds", "8"],
            "cut them into 8 at most",
        ),
        (
            &["--shard", "1/3", "--until-ci", "5%"],
            "in place of --until-ci",
        ),
    ] {
        let output = voicesim(&[&["simulate", &scenario], arguments, &kept].concat());
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(stderr(&output).contains(says), "{}", stderr(&output));
    }
    let output = voicesim(&["simulate", &scenario, "--shard", "1/3"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("(--out)"), "{}", stderr(&output));
    assert!(!Path::new(&out).exists());
}

/// The two shards in a folder of their own, in which they can be changed.
struct Copy {
    temporary: tempfile::TempDir,
}

impl Copy {
    fn new() -> Copy {
        let temporary = tempfile::tempdir().expect("a folder");
        let copy = Copy { temporary };
        for (folder, name) in shards().iter().zip(["1", "2"]) {
            fs::create_dir(copy.at(name)).expect("a folder");
            for entry in fs::read_dir(folder).expect("a folder") {
                let path = entry.expect("an entry").path();
                let file = path.file_name().expect("a name");
                // As earlier versions left them: what is found without checksums is found.
                if file == "checksums.json" {
                    continue;
                }
                fs::copy(&path, copy.at(name).join(file)).expect("copied");
            }
        }
        copy
    }

    fn at(&self, name: &str) -> PathBuf {
        self.temporary.path().join(name)
    }

    /// Changes a file of the second shard.
    fn change(&self, name: &str, from: &str, to: &str) {
        let path = self.at("2").join(name);
        let text = fs::read_to_string(&path).expect("text");
        assert!(text.contains(from), "{from} is not in {name}");
        fs::write(&path, text.replacen(from, to, 1)).expect("written");
    }

    /// Merging these is refused with the name of the folder and the cure, and leaves nothing behind.
    fn refused(&self, folders: &[&str], says: &[&str]) {
        let folders: Vec<PathBuf> = folders.iter().map(|folder| self.at(folder)).collect();
        let output = merge(&folders, &self.at("out"));
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{said}");
        for says in says {
            assert!(said.contains(says), "{says:?} is not in: {said}");
        }
        assert!(
            !said.contains("panicked") && output.stdout.is_empty(),
            "{said}"
        );
        assert!(!self.at("out").exists(), "something was written");
    }
}

#[test]
fn what_is_no_shard_is_not_merged() {
    let copy = Copy::new();
    copy.refused(
        &["1", "nowhere"],
        &["nowhere is no folder of a simulation", "--shard I/N"],
    );
    fs::create_dir(copy.at("empty")).expect("a folder");
    copy.refused(&["empty", "2"], &["empty is no folder of a simulation"]);
    simulate(&copy.at("whole"), None, 1, KeepEvents::Sample);
    copy.refused(&["1", "whole"], &["whole is no shard", "needs no merging"]);
}

#[test]
fn a_missing_shard_is_named_and_so_is_one_given_twice() {
    let copy = Copy::new();
    copy.refused(&["2"], &["missing: 1/2;", "all 2 shards", "--shard 1/2"]);
    copy.refused(
        &["1", "1"],
        &["shard 1/2 is given twice", "leave one of them out"],
    );
    copy.change("header.json", "\"2/2\"", "\"1/2\"");
    let (one, two) = (text(&copy.at("1")), text(&copy.at("2")));
    copy.refused(&["1", "2"], &["given twice", &one, &two]);
    copy.change("header.json", "\"1/2\"", "\"8/9\"");
    copy.refused(&["2"], &["1/9, 2/9, 3/9, 4/9, 5/9 and 3 more"]);
}

#[test]
fn shards_of_different_simulations_are_not_merged() {
    for (from, to, says) in [
        ("\"2/2\"", "\"2/3\"", "number of shards 3 against 2"),
        ("\"seed\": 1", "\"seed\": 7", "seed 7 against 1"),
        (
            "\"worlds\": 200",
            "\"worlds\": 300",
            "worlds 300 against 200",
        ),
        (
            "\"events\": \"sample\"",
            "\"events\": \"all\"",
            "--events all against sample",
        ),
        (
            "\"silence_ms\": ",
            "\"silence_ms\": 9",
            "scenario.endpointing.silence_ms 9",
        ),
        ("\"policy\": \"", "\"policy\": \"un", "header.json"),
    ] {
        let copy = Copy::new();
        copy.change("header.json", from, to);
        let (one, two) = (text(&copy.at("1")), text(&copy.at("2")));
        let cure = "leave out what does not belong";
        copy.refused(
            &["1", "2"],
            &[says, &one, &two, "not shards of one simulation", cure],
        );
    }
    let copy = Copy::new();
    let version = format!("\"version\": \"{}\"", env!("CARGO_PKG_VERSION"));
    copy.change("header.json", &version, "\"version\": \"9.8.7\"");
    let says = "2 was simulated by voicesim \"9.8.7\"";
    copy.refused(
        &["1", "2"],
        &[says, "merge with the version that simulated"],
    );
    let copy = Copy::new();
    copy.change("header.json", "\"worlds\": 200", "\"worlds\": 1");
    copy.refused(&["1", "2"], &["of how many worlds", "simulate it again"]);
}

#[test]
fn a_shard_that_did_not_come_to_its_end_is_not_merged() {
    for file in ["totals.json", "report.json"] {
        let copy = Copy::new();
        fs::remove_file(copy.at("2").join(file)).expect("removed");
        copy.refused(
            &["1", "2"],
            &["2 has no report: it was killed", "--shard 2/2"],
        );
    }
    // Ctrl-C, before the first world is held.
    let copy = Copy::new();
    let scenario = scenario::load(&assistant()).expect("a scenario");
    let stopped = Simulation::of(scenario)
        .worlds(WORLDS)
        .shard("1/1".parse().expect("a shard"))
        .keep_in(copy.at("stopped"), KeepEvents::Sample);
    stopped
        .run(&AtomicBool::new(true), &|_, _| {})
        .expect("stopped");
    let says = "stopped holds 0 of the 200 worlds of its shard";
    copy.refused(&["stopped"], &[says, "simulate this shard again"]);
}

#[test]
fn a_shard_that_was_damaged_on_its_way_is_not_merged() {
    let copy = Copy::new();
    let turns = copy.at("2").join("turns.bin");
    let mut bytes = fs::read(&turns).expect("turns");
    fs::write(&turns, &bytes[..bytes.len() - 1]).expect("written");
    copy.refused(&["1", "2"], &["turns.bin has", "copy it again"]);
    bytes[0] = b'V';
    fs::write(&turns, &bytes).expect("written");
    copy.refused(
        &["1", "2"],
        &["turns.bin does not begin with", "simulate again"],
    );
    let copy = Copy::new();
    fs::remove_file(copy.at("2").join("events.jsonl")).expect("removed");
    copy.refused(&["1", "2"], &["events.jsonl", "copy it again"]);
    let copy = Copy::new();
    copy.change("totals.json", "\"barge_ins\":", "\"barge_ins\":9");
    copy.refused(
        &["1", "2"],
        &["totals.json", "do not add up", "simulate again"],
    );
    let copy = Copy::new();
    copy.change("header.json", "\"2/2\"", "\"3/2\"");
    copy.refused(&["1", "2"], &["header.json", "the last one is 2/2"]);
}

#[test]
fn a_folder_in_use_is_not_merged_into() {
    let copy = Copy::new();
    let output = merge(&["1", "2"].map(|name| copy.at(name)), &copy.at("1"));
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("choose another one (--out)"));
}
