//! Targets of what is made of results: comparisons, shards that are joined, and exports, which are read again.

use super::{HEADER, file};
use ::parquet::file::reader::{FileReader, SerializedFileReader};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::AtomicBool;
use tempfile::TempDir;
use voicesim::compare::{Effort, Settings, Verdict, compare};
use voicesim::experiment::{KeepEvents, Simulation, merge};
use voicesim::measure::folder::{Folder, Results};
use voicesim::report;
use voicesim::report::export::turn_table::turns;
use voicesim::report::export::{csv, hgrm, junit, otlp, parquet, perfetto, prometheus};
use voicesim::scenario;

/// A message of Protocol Buffers is the same when it is read.
fn is_read_again<M: prost::Message + Default + PartialEq>(message: &M) {
    let bytes = message.encode_to_vec();
    assert!(M::decode(bytes.as_slice()).expect("a message") == *message);
}

const EVENTS: &[u8] = include_bytes!("../../data/recorded/events.jsonl");

/// What simulations keep, by the number with which a seed begins.
const OF_A_SHARD: [&str; 4] = ["header.json", "turns.bin", "events.jsonl", "totals.json"];

/// A run folder with these events, if they are any.
fn run(bytes: &[u8]) -> Option<(TempDir, Folder)> {
    let (folder, _) = file("events.jsonl", bytes);
    fs::write(folder.path().join("header.json"), HEADER).expect("written");
    let read = Folder::open(folder.path()).ok()?;
    Some((folder, read))
}

/// A comparison of two runs has its text, its Markdown and its JSON, and names no difference between a run and itself.
pub(crate) fn compared(bytes: &[u8]) {
    let Some((folder, one)) = run(bytes) else {
        return;
    };
    let (recorded, other) = run(EVENTS).expect("a recorded run");
    let effort = Effort {
        shuffles: 19,
        has_intervals: false,
        seed: 1,
    };
    let settings = Settings {
        effort,
        ..Settings::default()
    };
    let (path, recorded, mut all) = (folder.path(), recorded.path(), Vec::new());
    all.extend(compare((path, &one), (recorded, &other), &settings).ok());
    all.extend(compare((recorded, &other), (path, &one), &settings).ok());
    let same = compare((path, &one), (path, &one), &settings).ok();
    if let Some(same) = &same {
        assert_ne!(same.verdict, Verdict::Worse, "a run is worse than itself");
    }
    for of in all.iter().chain(&same) {
        report::compare::text(of);
        report::compare::markdown(of);
        report::compare::headline(of);
        serde_json::to_string(&report::compare::json::document(of)).expect("JSON");
    }
}

/// The folders of two shards of one simulation, which were made once.
fn shards() -> &'static [PathBuf; 2] {
    static SHARDS: OnceLock<[PathBuf; 2]> = OnceLock::new();
    SHARDS.get_or_init(|| {
        let around = tempfile::tempdir().expect("a folder").keep();
        ["1/2", "2/2"].map(|shard| {
            let scenario = "[caller]\nquestions = 2\n[stt]\nengine = \"simulated\"\n[answer]\nengine = \"simulated\"\ntext = \"Yes.\"\n[tts]\nengine = \"simulated\"\n";
            let scenario = scenario::parse(Path::new("s.toml"), scenario).expect("a scenario");
            let out = around.join(shard.replace('/', "-"));
            Simulation::of(scenario)
                .worlds(4)
                .threads(1)
                .shard(shard.parse().expect("a shard"))
                .keep_in(out.clone(), KeepEvents::All)
                .run(&AtomicBool::new(false), &|_, _| {})
                .expect("a simulation");
            out
        })
    })
}

/// What shards can be joined to can be read, to its last turn.
pub(crate) fn merged(bytes: &[u8]) {
    let Some((which, content)) = bytes.split_first() else {
        return;
    };
    let [one, two] = shards();
    let folder = tempfile::tempdir().expect("a folder");
    let damaged = folder.path().join("1");
    fs::create_dir(&damaged).expect("made");
    let which = OF_A_SHARD[usize::from(*which) % OF_A_SHARD.len()];
    for name in OF_A_SHARD {
        let kept = fs::read(one.join(name)).expect("there");
        let bytes = if name == which { content } else { &kept };
        fs::write(damaged.join(name), bytes).expect("written");
    }
    let out = folder.path().join("all");
    let Ok(whole) = merge(&[damaged, two.clone()], &out) else {
        return;
    };
    let read = Folder::open(&out).expect("what was joined is read");
    let Folder::One(one) = &read else {
        panic!("one simulation is several");
    };
    assert!(matches!(**one, Results::Simulation(_)));
    let rows = turns(&read)
        .inspect(|row| assert!(row.is_ok(), "a turn"))
        .count() as u64;
    assert_eq!(rows, whole.totals.measured.turns);
}

/// Exports are what they say that they are: each is read again by a reader that is not its writer.
pub(crate) fn exported(bytes: &[u8]) {
    let Some((_folder, read)) = run(bytes) else {
        return;
    };
    let [results] = read.all() else {
        panic!("one run is several");
    };
    let measured = results.measured();
    let mut table = Vec::new();
    let rows = csv::write(turns(&read), &mut table).expect("a table");
    let mut lines = ::csv::Reader::from_reader(table.as_slice());
    let lines = lines
        .records()
        .inspect(|line| assert!(line.is_ok(), "a line"))
        .count() as u64;
    assert_eq!(lines, rows, "lines of the CSV");
    let mut columns = Vec::new();
    parquet::write(turns(&read), &mut columns).expect("columns");
    let (_kept, path) = file("turns.parquet", &columns);
    let columns = SerializedFileReader::new(fs::File::open(path).expect("there")).expect("Parquet");
    let count = columns.metadata().file_metadata().num_rows();
    assert_eq!(count, rows as i64, "rows of Parquet");
    let mut trace = Vec::new();
    perfetto::write(&read, &mut trace).expect("a trace");
    let trace: serde_json::Value = serde_json::from_slice(&trace).expect("JSON");
    assert!(trace["traceEvents"].is_array());
    let mut tests = Vec::new();
    junit::write(&read, measured, "run", &mut tests).expect("a report of tests");
    let tests = std::str::from_utf8(&tests).expect("UTF-8");
    quick_junit::Report::deserialize_from_str(tests).expect("JUnit");
    if let Ok(histogram) = hgrm::histogram(measured, hgrm::METRIC) {
        hgrm::write(histogram, &mut Vec::new()).expect("a distribution");
    }
    let exposed = prometheus::text("run", measured);
    let is_line = |line: &str| {
        let value = line.rsplit(' ').next().map(str::parse::<f64>);
        line.starts_with('#') || matches!(value, Some(Ok(_)))
    };
    assert!(exposed.lines().all(is_line), "{exposed}");
    let told = otlp::conversations(&read, |spans| {
        spans.iter().for_each(is_read_again);
        Ok(())
    });
    told.expect("spans");
    if let Results::Run(run) = results {
        let document = report::document::document(&run.header, &run.measured);
        serde_json::to_string(&document).expect("JSON");
        report::text::report(&run.header, &run.measured, run.header.rows_per);
        report::answer::sentence(&run.measured, run.measured.cut_off_share());
    }
}
