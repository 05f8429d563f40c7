//! A run folder: what is written while a run goes on, and how it is read back.
//!
//! `header.json` says what was run, `events.jsonl` what happened, `conversation.wav` what was heard,
//! `outputs/` what every stage put out. Each is on disk as soon as it is known, so that a killed
//! run can still be read.

mod read;
mod shard;
mod simulated;
mod whole;
mod write;

pub use read::{KeptOutput, read_events, read_header, read_outputs, read_sessions};
pub use shard::Shard;
pub use simulated::{EVENTS, KeepEvents, SimulationFolder, Sizes, TURNS};
pub use whole::{stream_whole, write_whole};
pub use write::RunFolder;

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

/// What `header.json` holds. Everything needed to read the events, and to run the same again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Header {
    pub schema: String,
    pub version: String,
    pub name: String,
    pub seed: u64,
    /// `real` or `virtual`; [`Header::RECORDING`] if nothing was run.
    pub clock: String,
    pub cores: u32,
    /// One line about each engine, by stage.
    pub engines: BTreeMap<String, String>,
    /// The interruption policy.
    pub policy: String,
    /// Whether the folder has the sound of the run.
    pub keeps_audio: bool,
    /// What one row of the report stands for.
    pub rows_per: RowsPer,
    /// What a reader should know about this run before trusting its figures.
    pub notes: Vec<String>,
    /// Of a simulation: how many worlds the whole of it has; with `--until-ci` at most so many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worlds: Option<u32>,
    /// Of a simulation: which events are kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub events: Option<KeepEvents>,
    /// Which part of a simulation it is; the whole, unless it says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<Shard>,
    /// The scenario as it was run, defaults filled in.
    pub scenario: serde_json::Value,
    /// The machine: operating system, architecture, processor count.
    pub machine: String,
    /// When it began: RFC 3339, UTC.
    pub started: String,
}

/// What one row of a report stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RowsPer {
    /// A turn of the scenario, which may hold several utterances.
    Turn,
    Utterance,
}

impl Header {
    pub const SCHEMA: &'static str = "voicesim.header/1";
    /// The clock of a recording of somebody else's call.
    pub const RECORDING: &'static str = "recording";
}

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("cannot write {path}: {source}; choose another folder with --out, or make room", path = path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("cannot read {path}: {source}; is this a run folder, as `voicesim run --out` makes them?", path = path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("{path} is not a run header of this version: {reason}", path = path.display())]
    Header { path: PathBuf, reason: String },
    #[error("{path} line {line} is not an event: {reason}; the lines before it are fine, delete the rest to read them", path = path.display())]
    Event {
        path: PathBuf,
        line: usize,
        reason: String,
    },
    #[error("{path} exists already and is not empty; choose another folder with --out", path = path.display())]
    Exists { path: PathBuf },
}

/// Whether a run folder keeps sound. Sound holds voices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeepAudio {
    Yes,
    No,
}

/// Where a run folder keeps what was spoken for the caller in scenario turn `row` (from zero).
pub fn said_wav(folder: &Path, row: usize) -> PathBuf {
    folder.join("said").join(format!("{:05}.wav", row + 1))
}
