//! The folder of a simulation: `header.json`, `turns.bin` (every turn), `events.jsonl` (some conversations).

use super::{Header, StoreError};
use crate::files;
use serde::{Deserialize, Serialize};
use std::fs::File;
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
    /// Locked for as long as somebody writes into the folder.
    _mark: File,
}

impl SimulationFolder {
    /// Makes the folder, which must be new or empty. The file of turns begins with `turns_head`.
    pub fn create(path: &Path, header: &Header, turns_head: &[u8]) -> Result<Self, StoreError> {
        let write = |path: PathBuf| move |source| StoreError::Write { path, source };
        let mark = super::claim(path)?;
        super::write::write_header(path, header)?;
        let create = |name: &str| -> Result<BufWriter<File>, StoreError> {
            let path = path.join(name);
            let file = files::create_new(&path).map_err(write(path))?;
            Ok(BufWriter::with_capacity(1 << 18, file))
        };
        let mut folder = SimulationFolder {
            turns: create(TURNS)?,
            events: create(EVENTS)?,
            sizes: Sizes::default(),
            _mark: mark,
        };
        folder
            .add(turns_head, &[])
            .map_err(write(path.join(TURNS)))?;
        Ok(folder)
    }

    /// Goes on with a folder that was begun earlier: behind the first `kept` bytes of its files, or from their
    /// beginning. What was made of all of it is taken away.
    ///
    /// # Errors
    /// Fails if somebody else writes into it, a file is shorter than that, or it cannot be written.
    pub fn resume(path: &Path, kept: Option<Sizes>, turns_head: &[u8]) -> Result<Self, StoreError> {
        let write = |path: PathBuf| move |source| StoreError::Write { path, source };
        let mark = files::reclaim(path).map_err(|error| super::claim_error(path, error))?;
        for name in [
            "checksums.json",
            "report.json",
            "report.txt",
            "latency.hlog",
        ] {
            let path = path.join(name);
            match std::fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(write(path)(error));
                }
                _ => {}
            }
        }
        let sizes = kept.unwrap_or_default();
        let open = |name: &str, bytes: u64| -> Result<BufWriter<File>, StoreError> {
            let path = path.join(name);
            let file = files::append(&path).map_err(write(path.clone()))?;
            let found = file.metadata().map_err(write(path.clone()))?.len();
            if found < bytes {
                return Err(StoreError::Damaged {
                    path,
                    what: format!("it has {found} bytes, and {bytes} were written"),
                });
            }
            file.set_len(bytes).map_err(write(path))?;
            Ok(BufWriter::with_capacity(1 << 18, file))
        };
        let mut folder = SimulationFolder {
            turns: open(TURNS, sizes.turns)?,
            events: open(EVENTS, sizes.events)?,
            sizes,
            _mark: mark,
        };
        if kept.is_none() {
            folder
                .add(turns_head, &[])
                .map_err(write(path.join(TURNS)))?;
        }
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

    /// Puts everything on disk. Returns how many bytes the files hold.
    pub fn finish(&mut self) -> io::Result<Sizes> {
        self.turns.flush()?;
        self.events.flush()?;
        self.turns.get_ref().sync_data()?;
        self.events.get_ref().sync_data()?;
        Ok(self.sizes)
    }
}
