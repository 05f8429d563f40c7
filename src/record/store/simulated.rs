//! The folder of a simulation: `header.json`, `turns.bin` (every turn), `events.jsonl` (some conversations).

use super::read::HEADER;
use super::{Header, StoreError};
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

/// The file of all turns. Only the folder of a simulation has one.
pub const TURNS: &str = "turns.bin";

/// The file of events, one a line.
pub const EVENTS: &str = "events.jsonl";

/// Which events are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeepEvents {
    /// No events.
    None,
    /// The events of the first 100 conversations.
    #[default]
    Sample,
    /// The events of every conversation.
    All,
}

impl KeepEvents {
    /// The name in headers and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            KeepEvents::None => "none",
            KeepEvents::Sample => "sample",
            KeepEvents::All => "all",
        }
    }
}

/// How many bytes the files of a simulation hold, to see whether one lost its end on the way from another
/// machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sizes {
    /// Bytes of [`TURNS`].
    pub turns: u64,
    /// Bytes of [`EVENTS`].
    pub events: u64,
}

/// A simulation on disk, while it goes on.
pub struct SimulationFolder {
    turns: BufWriter<File>,
    events: BufWriter<File>,
    sizes: Sizes,
}

impl SimulationFolder {
    /// Makes the folder, which must be new or empty. The file of turns begins with `turns_head`.
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
            .map_err(write(path.join(HEADER)))?;
        fs::write(path.join(HEADER), text + "\n").map_err(write(path.join(HEADER)))?;
        let create = |name: &str| -> Result<BufWriter<File>, StoreError> {
            let path = path.join(name);
            let file = File::create_new(&path).map_err(write(path))?;
            Ok(BufWriter::with_capacity(1 << 18, file))
        };
        let mut folder = SimulationFolder {
            turns: create(TURNS)?,
            events: create(EVENTS)?,
            sizes: Sizes::default(),
        };
        folder
            .add(turns_head, &[])
            .map_err(write(path.join(TURNS)))?;
        Ok(folder)
    }

    /// Adds encoded turns, and events as JSON lines.
    pub fn add(&mut self, turns: &[u8], events: &[u8]) -> io::Result<()> {
        self.turns.write_all(turns)?;
        self.events.write_all(events)?;
        self.sizes.turns += turns.len() as u64;
        self.sizes.events += events.len() as u64;
        Ok(())
    }

    /// Adds encoded turns, and events as JSON lines, to the end of both readers. Returns how many bytes
    /// there were.
    pub fn append(&mut self, turns: &mut impl Read, events: &mut impl Read) -> io::Result<Sizes> {
        let added = Sizes {
            turns: io::copy(turns, &mut self.turns)?,
            events: io::copy(events, &mut self.events)?,
        };
        self.sizes.turns += added.turns;
        self.sizes.events += added.events;
        Ok(added)
    }

    /// Hands everything to the operating system. Returns how many bytes the files hold.
    pub fn finish(&mut self) -> io::Result<Sizes> {
        self.turns.flush()?;
        self.events.flush()?;
        Ok(self.sizes)
    }
}
