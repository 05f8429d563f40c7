//! What was measured, in files for other programs: one file of code for each format. Data goes in, bytes
//! come out; where they go, the command line decides.

pub mod csv;
pub mod hgrm;
pub mod junit;
pub mod otlp;
pub mod parquet;
pub mod perfetto;
pub mod prometheus;
#[cfg(test)]
mod test_recorded;
pub mod turn_table;

use crate::measure::turns::TurnsError;
use crate::record::store::StoreError;
use std::io;
use std::path::PathBuf;

/// Why an export was not written to its end.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// What was to be exported cannot be read. The text names the file.
    #[error(transparent)]
    Turns(#[from] TurnsError),
    #[error(transparent)]
    Events(#[from] StoreError),
    #[error("{path} keeps no events to show; simulate again with --events sample", path = path.display())]
    Nothing { path: PathBuf },
    /// The export cannot be written. The caller knows where to.
    #[error(transparent)]
    Write(#[from] io::Error),
}
