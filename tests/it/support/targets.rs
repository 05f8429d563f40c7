//! What reads files of others, each fed with any bytes: it may refuse them, and may do nothing else. The targets of
//! cargo-fuzz call these, and ordinary tests, which replay their seeds.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use tempfile::TempDir;
use voicesim::audio::decode;
use voicesim::call::spoken::Spoken;
use voicesim::compare::claims::{Calls, Claims};
#[cfg(feature = "openai")]
use voicesim::engine::read_stream;
use voicesim::event::StageName;
use voicesim::experiment::Simulation;
use voicesim::labelled::Needs;
use voicesim::measure::Totals;
use voicesim::measure::folder::{Folder, Results, header_and_scenario};
use voicesim::measure::labels::LabelTable;
use voicesim::measure::turns::Reader;
#[cfg(feature = "probe")]
use voicesim::protocol::read_messages;
use voicesim::record::store;
use voicesim::scenario;
use voicesim::trace::{How, Imported};
use voicesim::{endpoint, interrupt};

/// A reader, and where its seeds lie below `tests`.
pub(crate) struct Target {
    pub(crate) name: &'static str,
    pub(crate) seeds: &'static str,
    pub(crate) feed: fn(&[u8]),
}

#[cfg(feature = "retrieval")]
#[path = "targets/knowledge.rs"]
mod knowledge;
#[path = "targets/results.rs"]
mod results;

#[cfg(feature = "retrieval")]
pub(crate) use knowledge::documents;
pub(crate) use results::{compared, exported, merged};

macro_rules! targets {
    ($($(#[$condition:meta])* $name:ident: $seeds:literal,)*) => {
        pub(crate) const TARGETS: &[Target] = &[$($(#[$condition])* Target {
            name: stringify!($name),
            seeds: $seeds,
            feed: $name,
        }),*];
    };
}

targets! {
    decode: "it/data/formats",
    scenario: "fuzz/seeds/scenario",
    budget: "fuzz/seeds/budget",
    header: "fuzz/seeds/header",
    events: "fuzz/seeds/events",
    outputs: "fuzz/seeds/outputs",
    turns: "fuzz/seeds/turns",
    totals: "fuzz/seeds/totals",
    checksums: "fuzz/seeds/checksums",
    overlaps: "fuzz/seeds/overlaps",
    pauses: "fuzz/seeds/pauses",
    import: "it/data/traces",
    labels: "fuzz/seeds/labels",
    claims: "fuzz/seeds/claims",
    spoken: "fuzz/seeds/spoken",
    compared: "fuzz/seeds/events",
    exported: "fuzz/seeds/events",
    merged: "fuzz/seeds/merged",
    #[cfg(feature = "retrieval")]
    documents: "fuzz/seeds/documents",
    #[cfg(feature = "openai")]
    stream: "fuzz/seeds/stream",
    #[cfg(feature = "probe")]
    messages: "fuzz/seeds/messages",
}

const HEADER: &str = include_str!("../data/recorded/header.json");

/// A folder with one file of these bytes.
fn file(name: &str, bytes: &[u8]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(name);
    if let Some(around) = path.parent() {
        fs::create_dir_all(around).expect("made");
    }
    fs::write(&path, bytes).expect("written");
    (folder, path)
}

pub(crate) fn decode(bytes: &[u8]) {
    let (_folder, path) = file("call", bytes);
    if let Ok((rate, channels)) = decode::read_channels(&path) {
        assert!(rate > 0 && !channels.is_empty());
        assert!(
            channels
                .iter()
                .all(|channel| channel.len() == channels[0].len())
        );
    }
}

/// What can be parsed is simulated, if it can be, for a few conversations.
pub(crate) fn scenario(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let Ok(scenario) = scenario::parse(Path::new("s.toml"), text) else {
        return;
    };
    if scenario.file().load.is_some() {
        return;
    }
    let simulation = Simulation::of(scenario).worlds(3).threads(1);
    let _ = simulation.run(&AtomicBool::new(false), &|_, _| {});
}

pub(crate) fn budget(bytes: &[u8]) {
    let (_folder, path) = file("budget.toml", bytes);
    let _ = scenario::load_budget(&path);
}

pub(crate) fn header(bytes: &[u8]) {
    let (folder, _) = file("header.json", bytes);
    let _ = header_and_scenario(folder.path());
}

/// Hops of an answered turn add up to its latency, whatever the events are.
pub(crate) fn events(bytes: &[u8]) {
    let (folder, _) = file("events.jsonl", bytes);
    fs::write(folder.path().join("header.json"), HEADER).expect("written");
    let Ok(Folder::One(one)) = Folder::open(folder.path()) else {
        return;
    };
    let Results::Run(run) = *one else {
        return;
    };
    for row in &run.measured.rows {
        if let (Some(e2e), true) = (row.e2e_ns, row.hops.sum() > 0) {
            assert_eq!(row.hops.sum(), e2e, "row {}", row.number);
        }
    }
}

pub(crate) fn outputs(bytes: &[u8]) {
    let (folder, _) = file("outputs/answer.jsonl", bytes);
    let _ = store::read_outputs(folder.path(), StageName::Answer);
}

pub(crate) fn turns(bytes: &[u8]) {
    if let Ok(reader) = Reader::new(bytes, Path::new("turns.bin")) {
        let _ = reader.filter(Result::is_ok).count();
    }
}

pub(crate) fn totals(bytes: &[u8]) {
    let (folder, _) = file("totals.json", bytes);
    if let Ok((totals, sizes)) = Totals::read(folder.path()) {
        let json = totals.to_json(sizes).expect("what was read is written");
        fs::write(folder.path().join("totals.json"), json).expect("written");
        Totals::read(folder.path()).expect("what is written is read");
    }
}

pub(crate) fn checksums(bytes: &[u8]) {
    let (folder, _) = file("checksums.json", bytes);
    fs::write(folder.path().join("events.jsonl"), "").expect("written");
    let _ = store::verify_whole(folder.path());
}

pub(crate) fn overlaps(bytes: &[u8]) {
    let (_folder, path) = file("overlaps.jsonl", bytes);
    for needs in [Needs::Prediction, Needs::Truth] {
        let _ = interrupt::overlaps::read(&path, needs);
    }
}

pub(crate) fn pauses(bytes: &[u8]) {
    let (_folder, path) = file("pauses.jsonl", bytes);
    for needs in [Needs::Prediction, Needs::Truth] {
        let _ = endpoint::pauses::read(&path, needs);
    }
}

pub(crate) fn import(bytes: &[u8]) {
    let (_folder, path) = file("trace", bytes);
    let mut all = Imported::default();
    let _ = all.add(&path, &How::of(None), &mut |_, _| {});
}

pub(crate) fn labels(bytes: &[u8]) {
    let (_folder, path) = file("labels.csv", bytes);
    let _ = LabelTable::read(&path);
}

pub(crate) fn claims(bytes: &[u8]) {
    let (_folder, path) = file("claims.csv", bytes);
    let _ = Claims::read(&path, Calls::Many);
}

pub(crate) fn spoken(bytes: &[u8]) {
    let (_folder, path) = file("spoken", bytes);
    let _ = Spoken::read(&path, None);
}

/// What a language model streams is the same text however its bytes come.
#[cfg(feature = "openai")]
pub(crate) fn stream(bytes: &[u8]) {
    let whole = read_stream(vec![bytes.to_vec()]);
    let cut = bytes.chunks(7).map(<[u8]>::to_vec).collect();
    assert_eq!(read_stream(cut), whole);
}

/// Messages of a call, one a line, as every protocol reads them, on both of its sides.
#[cfg(feature = "probe")]
pub(crate) fn messages(bytes: &[u8]) {
    let messages: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').take(64).collect();
    read_messages(&messages);
}
