//! What an import found besides turns: `import.json` in the folder that it writes.

use super::{Cases, Imported, Pause, Problem, Problems, Table};
use crate::record::store::StoreError;
use crate::record::store::document::{self, Document};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// The most pauses that are kept.
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

impl Document for ImportRecord {
    const NAME: &str = "import.json";
    const BYTES_MAX: u64 = 64 << 20;
    const KNOWN: &str = ImportRecord::SCHEMA;

    fn schema(&self) -> &str {
        &self.schema
    }
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

    /// Writes the record into a folder.
    ///
    /// # Errors
    /// Fails if it cannot be written.
    pub fn write(&self, folder: &Path) -> Result<(), StoreError> {
        document::write(folder, self)
    }

    /// Reads the record of a folder; `None` if the folder has none.
    ///
    /// # Errors
    /// Fails if it cannot be read, or is none that this version knows.
    pub fn read(folder: &Path) -> Result<Option<ImportRecord>, StoreError> {
        document::read(folder)
    }
}
