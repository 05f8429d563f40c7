//! A run folder: what is written while a run goes on, and how it is read back.
//!
//! `header.json` says what was run, `events.jsonl` what happened, `conversation.wav` what was heard,
//! `outputs/` what every stage put out. Each is on disk as soon as it is known, so that a killed
//! run can still be read.

mod costliest;
pub(crate) mod document;
mod moments;
mod probe;
mod read;
mod recording;
mod redact;
mod seal;
mod shard;
mod simulated;
mod write;

pub use costliest::{Costliest, CostlyPart};
pub use moments::{Moments, Span};
pub use probe::Probe;
pub use read::{KeptOutput, is_run_folder, read_events, read_header, read_outputs, read_sessions};
pub use recording::{FileClocks, Recording, SoundFile, SoundSide, sha256};
pub use redact::{FiguresOfWords, Taken, WithoutWords, is_without_words, redact};
pub use seal::{seal, verify, verify_whole};
pub use shard::Shard;
pub use simulated::{EVENTS, KeepEvents, SimulationFolder, Sizes, TURNS};
pub use write::{RunFolder, event_line};

use crate::files::{self, ClaimError};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

/// The content of `header.json`: everything needed to read the events, and to repeat the run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// [`Header::SCHEMA`]; a folder with another one is not read.
    pub schema: String,
    /// The version of voicesim that wrote the folder.
    pub version: String,
    /// The scenario's name.
    pub name: String,
    /// Seed of everything random in the run.
    pub seed: u64,
    /// `real` or `virtual`; [`Header::RECORDING`], [`Header::PROBE`] or [`Header::TRACE`] if nothing was run.
    pub clock: String,
    /// How many processor cores the engines compute on.
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
    /// How many worlds the whole of a simulation has, with `--until-ci` at most; `None` for a run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worlds: Option<u32>,
    /// Which events a simulation keeps; `None` for a run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub events: Option<KeepEvents>,
    /// Which part of a simulation the folder holds; `None` for the whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<Shard>,
    /// The call to somebody else's agent; `None` if there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probe: Option<Probe>,
    /// The version of the rules of each part that has some: `ear`, `speak`, `interruption`. A part that is not named
    /// went by its first.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub rules: BTreeMap<String, u32>,
    /// What is left of the words, if they were taken out; `None` if they were not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub without_words: Option<WithoutWords>,
    /// The scenario as it was run, defaults filled in.
    pub scenario: serde_json::Value,
    /// The machine: operating system, architecture, processor count.
    pub machine: String,
    /// When the run began: RFC 3339, UTC.
    pub started: String,
}

/// What one row of a report stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RowsPer {
    /// A turn of the scenario, which may hold several utterances.
    Turn,
    /// An utterance of the caller.
    Utterance,
}

impl Header {
    /// The schema that this version writes and reads.
    pub const SCHEMA: &'static str = "voicesim.header/1";
    /// The value of [`Header::clock`] for a recording of somebody else's call.
    pub const RECORDING: &'static str = "recording";
    /// The value of [`Header::clock`] for a conversation that was imported from a trace or a log.
    pub const TRACE: &'static str = "trace";

    /// The value of [`Header::clock`] for a call to somebody else's agent.
    pub const PROBE: &'static str = "probe";

    /// What [`Header::engines`] says of the times of a log that has lengths and no times.
    pub const LENGTHS_ALONE: &'static str = "lengths alone";

    /// The version of the rules of a part.
    pub fn rules_of(&self, part: &str) -> u32 {
        self.rules.get(part).copied().unwrap_or(1)
    }

    /// Whether nothing was run: somebody else's agent was called, or a call to it was measured, or imported.
    pub fn is_of_others(&self) -> bool {
        [Header::RECORDING, Header::PROBE, Header::TRACE].contains(&self.clock.as_str())
    }
}

/// Why a run folder cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A file or folder cannot be written.
    #[error("cannot write {path}: {source}; choose another folder with --out, or make room", path = path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A file or folder cannot be read.
    #[error("cannot read {path}: {source}; is this a run folder, as `voicesim run --out` makes them?", path = path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// `header.json` is not a header of this version.
    #[error("{path} is not a run header of this version: {reason}", path = path.display())]
    Header {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A line of a file in the folder cannot be read, and is not just cut off at the end.
    #[error("{path} line {line} is not an event: {reason}; the lines before it are fine, delete the rest to read them", path = path.display())]
    Event {
        /// The file.
        path: PathBuf,
        /// The line's number, from one.
        line: usize,
        /// What is wrong with the line.
        reason: String,
    },
    /// What was to be written is longer than what is read.
    #[error("{path} would have {bytes} bytes, and up to {bytes_max} are read; make the scenario smaller", path = path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
        /// How many bytes it would have.
        bytes: u64,
        /// How many are read.
        bytes_max: u64,
    },
    /// A file is not as it was written.
    #[error("{path} is not as it was written: {what}; copy the folder again from where it was written, or record it again", path = path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// How it differs.
        what: String,
    },
    /// The run in the folder was killed, or goes on.
    #[error("{path} is not whole: the run in it was killed before its end, or goes on; record it again, or see what is there: voicesim report {}", files::quoted(path), path = path.display())]
    Unfinished {
        /// The folder.
        path: PathBuf,
    },
    /// The folder to be written holds something already.
    #[error("{path} exists already and is not empty, or another run is writing into it; choose another folder with --out", path = path.display())]
    Exists {
        /// The folder.
        path: PathBuf,
    },
}

impl StoreError {
    /// Whether another name, or a smaller scenario, would help.
    pub fn is_wrong_input(&self) -> bool {
        !matches!(self, StoreError::Write { .. })
    }
}

/// Claims a folder for one run. While the file is open, nobody goes on with it.
///
/// # Errors
/// Fails if the folder is not new or empty, or cannot be made.
pub(crate) fn claim(folder: &Path) -> Result<File, StoreError> {
    files::claim(folder).map_err(|error| claim_error(folder, error))
}

fn claim_error(folder: &Path, error: ClaimError) -> StoreError {
    let path = folder.to_owned();
    match error {
        ClaimError::Taken => StoreError::Exists { path },
        ClaimError::Write(source) => StoreError::Write { path, source },
    }
}

/// Whether a run folder keeps sound. Sound holds voices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeepAudio {
    /// The conversation and the sound of every output are kept.
    Yes,
    /// No sound is kept.
    No,
}

/// Where a run folder keeps what was spoken for the caller in scenario turn `row` (from zero).
pub fn said_wav(folder: &Path, row: usize) -> PathBuf {
    folder.join("said").join(format!("{:05}.wav", row + 1))
}
