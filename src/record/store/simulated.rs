//! The folder of a simulation: `header.json`, `turns.bin` (every turn), `events.jsonl` (some conversations).

use super::{Header, StoreError};
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// The file of all turns. Only the folder of a simulation has one.
pub const TURNS: &str = "turns.bin";

/// A simulation on disk, while it goes on.
pub struct SimulationFolder {
    turns: BufWriter<File>,
    events: BufWriter<File>,
}

impl SimulationFolder {
    /// Makes the folder, which must be new or empty. `turns_head` is what its file of turns begins with.
    pub fn create(path: &Path, header: &Header, turns_head: &[u8]) -> Result<Self, StoreError> {
        let write = |path: PathBuf| move |source| StoreError::Write { path, source };
        fs::create_dir_all(path).map_err(write(path.to_owned()))?;
        let is_used = fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_some());
        if is_used {
            return Err(StoreError::Exists {
                path: path.to_owned(),
            });
        }
        let text = serde_json::to_string_pretty(header)
            .map_err(io::Error::other)
            .map_err(write(path.join("header.json")))?;
        fs::write(path.join("header.json"), text + "\n")
            .map_err(write(path.join("header.json")))?;
        let create = |name: &str| -> Result<BufWriter<File>, StoreError> {
            let path = path.join(name);
            let file = File::create_new(&path).map_err(write(path))?;
            Ok(BufWriter::with_capacity(1 << 18, file))
        };
        let mut folder = SimulationFolder {
            turns: create(TURNS)?,
            events: create("events.jsonl")?,
        };
        folder
            .turns
            .write_all(turns_head)
            .map_err(write(path.join(TURNS)))?;
        Ok(folder)
    }

    /// Adds encoded turns, and events as JSON lines.
    pub fn add(&mut self, turns: &[u8], events: &[u8]) -> io::Result<()> {
        self.turns.write_all(turns)?;
        self.events.write_all(events)
    }

    /// Hands everything to the operating system.
    pub fn finish(&mut self) -> io::Result<()> {
        self.turns.flush()?;
        self.events.flush()
    }
}
