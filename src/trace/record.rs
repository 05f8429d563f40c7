//! What an import found besides turns: `import.json` in the folder that it writes.

use super::{Cases, Imported, Pause, Problem, Problems, Table};
use crate::record::store::{StoreError, write_whole};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// The name of the file in its folder.
const NAME: &str = "import.json";
/// A longer one is refused.
const BYTES_MAX: u64 = 64 << 20;
/// More pauses are not kept; they are counted.
const PAUSES_MAX: usize = 100_000;

/// What an import found besides turns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ImportRecord {
    /// [`ImportRecord::SCHEMA`].
    pub schema: String,
    /// The files that were read.
    pub files: Vec<String>,
    /// What they were taken for, and on what that rests.
    pub formats: BTreeMap<String, String>,
    /// Conversations.
    pub conversations: u64,
    /// Turns of all conversations.
    pub turns: u64,
    /// What is wrong, counted and named.
    pub problems: Problems,
    /// What says nothing of latency, by name, and how often it occurred.
    pub passed_over: BTreeMap<String, u64>,
    /// Percentiles of calls whose turns nobody knows.
    pub tables: Vec<Table>,
    /// How long callers paused, and whether they had finished.
    pub pauses: Vec<Pause>,
}

impl ImportRecord {
    /// The schema that this version writes and reads.
    pub const SCHEMA: &'static str = "voicesim.import/1";

    /// What was found in `files`.
    pub fn of(imported: &Imported, files: Vec<String>) -> ImportRecord {
        let mut pauses = imported.pauses();
        pauses.truncate(PAUSES_MAX);
        ImportRecord {
            schema: ImportRecord::SCHEMA.into(),
            files,
            formats: imported.formats.clone(),
            conversations: imported.len() as u64,
            turns: imported.turns() as u64,
            problems: imported.problems.clone(),
            passed_over: imported.passed_over.clone(),
            tables: imported.tables.clone(),
            pauses,
        }
    }

    /// Every kind of problem, with its cases.
    pub fn problems(&self) -> impl Iterator<Item = (Problem, &Cases)> {
        self.problems.iter()
    }

    /// Writes it into a folder.
    ///
    /// # Errors
    /// Fails if it cannot be written.
    pub fn write(&self, folder: &Path) -> Result<(), StoreError> {
        let path = folder.join(NAME);
        let text = serde_json::to_string_pretty(self).map_err(io::Error::from);
        text.and_then(|text| write_whole(&path, (text + "\n").as_bytes()))
            .map_err(|source| StoreError::Write { path, source })
    }

    /// Reads that of a folder; `None` if the folder has none.
    ///
    /// # Errors
    /// Fails if it cannot be read, or is none that this version knows.
    pub fn read(folder: &Path) -> Result<Option<ImportRecord>, StoreError> {
        let path = folder.join(NAME);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(StoreError::Read { path, source }),
        };
        let record: Result<ImportRecord, _> = serde_json::from_reader(file.take(BYTES_MAX));
        match record {
            Ok(record) if record.schema == ImportRecord::SCHEMA => Ok(Some(record)),
            Ok(record) => Err(StoreError::Header {
                path,
                reason: format!("its schema is {:?}", record.schema),
            }),
            Err(error) => Err(StoreError::Header {
                path,
                reason: error.to_string(),
            }),
        }
    }
}
