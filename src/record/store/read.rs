//! Reads a run folder back, also one whose run was killed.

use super::{EVENTS, Header, StoreError};
use crate::event::{Event, StageName, VisitId};
use crate::files;
use serde::Deserialize;
use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

/// A header longer than this is neither written nor read: 16 MiB.
pub(super) const HEADER_BYTES_MAX: u64 = 16 << 20;
/// An event longer than this, with the end of its line, is neither written nor read: 1 MiB.
pub(super) const EVENT_BYTES_MAX: u64 = 1 << 20;
/// The events of one conversation that are read into memory: 1 GiB, a week of talk.
const EVENTS_BYTES_MAX: u64 = 1 << 30;
/// The events of all conversations of a simulation, of which a few are read: 1 TiB.
const ALL_EVENTS_BYTES_MAX: u64 = 1 << 40;

/// The file of a run folder that tells what was run.
pub(super) const HEADER: &str = "header.json";

/// Whether a folder is that of one run, measured call, imported conversation or simulation.
pub fn is_run_folder(folder: &Path) -> bool {
    folder.join(HEADER).is_file()
}

/// Reads the header of a run folder.
pub fn read_header(folder: &Path) -> Result<Header, StoreError> {
    let path = folder.join(HEADER);
    let read = |source| StoreError::Read {
        path: path.clone(),
        source,
    };
    let text = files::read_text(&path, HEADER_BYTES_MAX).map_err(read)?;
    let header: Header = serde_json::from_str(&text).map_err(|e| StoreError::Header {
        path: path.clone(),
        reason: e.to_string(),
    })?;
    if header.schema != Header::SCHEMA {
        return Err(StoreError::Header {
            path,
            reason: format!(
                "its schema is {:?}, this version reads {:?}",
                header.schema,
                Header::SCHEMA
            ),
        });
    }
    Ok(header)
}

/// One output of a stage, as `outputs/` has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptOutput {
    /// The hash of the input that led to it.
    pub input: String,
    /// The file of its sound; `None` if it has none, or none was kept.
    pub wav: Option<PathBuf>,
}

/// The outputs of a stage in a run folder, by visit, in the order they came. A stage that put nothing
/// out has none.
pub fn read_outputs(
    folder: &Path,
    stage: StageName,
) -> Result<BTreeMap<VisitId, VecDeque<KeptOutput>>, StoreError> {
    #[derive(Deserialize)]
    struct Line {
        input: String,
        visit: VisitId,
        wav: Option<String>,
    }
    let path = folder
        .join("outputs")
        .join(format!("{}.jsonl", stage.name()));
    let mut outputs: BTreeMap<VisitId, VecDeque<KeptOutput>> = BTreeMap::new();
    if !path.exists() {
        return Ok(outputs);
    }
    let mut lines = Lines::open(&path, EVENTS_BYTES_MAX)?;
    while let Some(line) = lines.next_line()? {
        let line: Line = serde_json::from_slice(&line).map_err(|error| lines.wrong(&error))?;
        // Only the name counts: a path in a file of others must not lead out of the folder.
        let wav = line
            .wav
            .as_deref()
            .and_then(|wav| Path::new(wav).file_name());
        let wav = wav.map(|name| folder.join("outputs").join(stage.name()).join(name));
        let output = KeptOutput {
            input: line.input,
            wav,
        };
        outputs.entry(line.visit).or_default().push_back(output);
    }
    Ok(outputs)
}

/// Reads the events of a run folder. A last line that was cut off in mid-writing is left out.
pub fn read_events(folder: &Path) -> Result<Vec<Event>, StoreError> {
    let mut lines = Lines::open(&folder.join(EVENTS), EVENTS_BYTES_MAX)?;
    let mut events = Vec::new();
    while let Some(event) = lines.next_event()? {
        events.push(event);
    }
    Ok(events)
}

/// Reads the events of the first `count` conversations in the folder of a simulation, one list each; where
/// there are more, the rest is not even looked at. A last line that was cut off is left out.
pub fn read_sessions(folder: &Path, count: usize) -> Result<Vec<Vec<Event>>, StoreError> {
    let mut sessions: Vec<Vec<Event>> = Vec::new();
    let mut lines = Lines::open(&folder.join(EVENTS), ALL_EVENTS_BYTES_MAX)?;
    while let Some(event) = lines.next_event()? {
        // Each conversation is written in one go.
        let is_of = |session: &&mut Vec<Event>| {
            let last = session.last();
            last.is_some_and(|own| own.session == event.session)
        };
        let has_room = sessions.len() < count;
        match sessions.last_mut().filter(is_of) {
            Some(session) => session.push(event),
            None if has_room => sessions.push(vec![event]),
            None => break,
        }
    }
    Ok(sessions)
}

/// The lines of a file, one after the other, each cut at the longest length an event may have.
pub(super) struct Lines {
    path: PathBuf,
    reader: BufReader<File>,
    /// Number of the last line that was read, from one.
    number: usize,
}

impl Lines {
    /// The lines of a file of outputs.
    pub(super) fn of_outputs(path: &Path) -> Result<Lines, StoreError> {
        Lines::open(path, EVENTS_BYTES_MAX)
    }

    fn open(path: &Path, bytes_max: u64) -> Result<Lines, StoreError> {
        let file = files::open(path, bytes_max).map_err(|source| StoreError::Read {
            path: path.to_owned(),
            source,
        })?;
        Ok(Lines {
            path: path.to_owned(),
            reader: BufReader::new(file),
            number: 0,
        })
    }

    pub(super) fn next_line(&mut self) -> Result<Option<Vec<u8>>, StoreError> {
        let mut line = Vec::new();
        let read = (&mut self.reader)
            .take(EVENT_BYTES_MAX)
            .read_until(b'\n', &mut line);
        let length = read.map_err(|source| StoreError::Read {
            path: self.path.clone(),
            source,
        })?;
        self.number += 1;
        Ok((length > 0).then_some(line))
    }

    /// The event of the next line; `None` at the end, also where the last line was cut off.
    fn next_event(&mut self) -> Result<Option<Event>, StoreError> {
        let Some(line) = self.next_line()? else {
            return Ok(None);
        };
        match serde_json::from_slice(&line) {
            Ok(event) => Ok(Some(event)),
            // Half a line is the last one, unless it was cut here.
            Err(_) if !line.ends_with(b"\n") && (line.len() as u64) < EVENT_BYTES_MAX => Ok(None),
            Err(error) => Err(self.wrong(&error)),
        }
    }

    fn wrong(&self, error: &serde_json::Error) -> StoreError {
        StoreError::Event {
            path: self.path.clone(),
            line: self.number,
            reason: error.to_string(),
        }
    }
}
