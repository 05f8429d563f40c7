//! What somebody claims of the latency of calls, beside what is heard in their recordings.
//!
//! `table` reads claims from a CSV, `runs` from folders of runs; `names` finds the call that a claim is of, `join` the
//! turn; `bias` says by how much the two differ, and how sure that is; `claimed` is the outcome.

mod bias;
mod claimed;
mod join;
mod names;
mod runs;
mod table;

pub use bias::Independent;
pub use claimed::{
    Claimed, ClaimedColumn, ClaimedPlatform, Listed, SHOWN_MAX, UnclaimedTurn, UnheardClaim,
};
pub use join::{HeardCall, JOIN_WITHIN_MS, join};

use crate::measure::folder::FolderError;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Claims of the latencies of turns.
#[derive(Debug, Clone, PartialEq)]
pub struct Claims {
    /// Where they were read from.
    path: PathBuf,
    /// The names of the latencies, each with its unit taken for milliseconds: `e2e_ms` of `e2e_s`.
    columns: Vec<String>,
    rows: Vec<Claim>,
}

/// What is claimed of one turn.
#[derive(Debug, Clone, PartialEq)]
struct Claim {
    /// The line of the CSV, or the number of the turn in its run, from one.
    line: u64,
    /// The name of the call; `None` if only one call is measured.
    call: Option<Arc<str>>,
    platform: Option<Arc<str>>,
    /// The number of the turn, from one.
    turn: Option<u32>,
    at: Option<At>,
    /// The order among the answered turns of the call, from zero, where times may be of another clock.
    place: Option<usize>,
    /// A latency in milliseconds for each column; `None` if the column claims nothing of this turn.
    claimed_ms: Vec<Option<f64>>,
}

/// A moment of a turn, in milliseconds since the call began.
#[derive(Debug, Clone, Copy, PartialEq)]
struct At {
    ms: f64,
    of: Moment,
}

/// Which moment of a turn is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    /// The end of what the caller says, or the beginning of the answer, or any time between them.
    Either,
    CallerEnd,
    AgentStart,
}

/// Why claims cannot be read, or belong to nothing. The text names the file, the line and the column, and says what
/// to do.
#[derive(Debug, thiserror::Error)]
pub enum ClaimError {
    /// The table cannot be read.
    #[error("--claimed {path}: {reason}", path = path.display())]
    Table {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and the cure.
        reason: String,
    },
    /// A cell of the table cannot be read.
    #[error("--claimed {path} line {line}, column {column}: {reason}", path = path.display())]
    Cell {
        /// The file.
        path: PathBuf,
        /// The line, from one.
        line: u64,
        /// The name of the column.
        column: String,
        /// What is wrong with the cell, and the cure.
        reason: String,
    },
    /// The folder of runs cannot be read.
    #[error("--claimed: {0}")]
    Folder(#[from] FolderError),
    /// The folder holds a simulation, which is of no call.
    #[error("--claimed {path}: holds a simulation, and simulated calls have no recordings; name a folder of runs, or a CSV", path = path.display())]
    Simulation {
        /// The folder.
        path: PathBuf,
    },
    /// No claim is of a call that was measured.
    #[error("--claimed {path}: none of its calls ({claimed}, …) was measured here ({measured}, …); write the names of the recordings in its column \"call\"", path = path.display())]
    NoCall {
        /// Where the claims were read from.
        path: PathBuf,
        /// Some calls of the claims.
        claimed: String,
        /// Some calls that were measured.
        measured: String,
    },
}

impl Claims {
    /// Reads claims: of a CSV, or of the runs in a folder. `calls` says whether one call is measured, so that claims
    /// need not name it, or several.
    ///
    /// # Errors
    /// A file that cannot be read, is too long or has no column that is needed, and a cell that is no number.
    pub fn read(path: &Path, calls: Calls) -> Result<Claims, ClaimError> {
        match path.is_dir() {
            true => runs::read(path, calls),
            false => table::read(path, calls),
        }
    }

    /// Where the claims were read from.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// How many calls are measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Calls {
    /// One: claims need not say of which call they are.
    One,
    /// Those of a folder: every claim names its call.
    Many,
}
