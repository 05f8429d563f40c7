//! What costs the most callers: `costliest.json` in a folder of results. It holds no words, and no figure is made from it.

use super::StoreError;
use super::document::{self, Document};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The name of the document in its folder.
const NAME: &str = "costliest.json";
/// A longer document is refused.
const BYTES_MAX: u64 = 1 << 16;

/// The hop, setting or segment in which the most questions or sounds came out wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Costliest {
    /// [`Costliest::SCHEMA`].
    pub schema: String,
    /// What it is.
    pub what: CostlyPart,
    /// How many questions, or sounds over the agent, came out wrong there.
    pub lost: u64,
    /// How many there were.
    pub of: u64,
}

/// A part of an agent, or of its callers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "part")]
pub enum CostlyPart {
    /// Questions that got no answer stood in this hop.
    Hop {
        /// The key of the hop.
        hop: String,
    },
    /// Questions were cut off: endpointing.
    Endpointing,
    /// The agent stopped for nothing, or not when it was asked to: the interruption policy.
    Interruption,
    /// Questions that got no answer have this label.
    Segment {
        /// The label.
        by: String,
        /// Its value.
        name: String,
    },
}

impl Document for Costliest {
    const NAME: &str = NAME;
    const BYTES_MAX: u64 = BYTES_MAX;
    const KNOWN: &str = Costliest::SCHEMA;

    fn schema(&self) -> &str {
        &self.schema
    }
}

impl Costliest {
    /// The schema that this version writes and reads.
    pub const SCHEMA: &'static str = "voicesim.costliest/1";

    /// Writes the document into a folder of results.
    ///
    /// # Errors
    /// Fails if it cannot be written.
    pub fn write(&self, folder: &Path) -> Result<(), StoreError> {
        document::write(folder, self)
    }

    /// Reads the document of a folder; `None` if the folder has none.
    ///
    /// # Errors
    /// Fails if it cannot be read, or is none that this version knows.
    pub fn read(folder: &Path) -> Result<Option<Costliest>, StoreError> {
        document::read(folder)
    }
}
