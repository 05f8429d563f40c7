//! Reads a run folder back, also one whose run was killed.

use super::{Header, StoreError};
use crate::event::{Event, StageName, VisitId};
use serde::Deserialize;
use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

/// A header longer than this is refused: 16 MiB.
const HEADER_BYTES_MAX: u64 = 16 << 20;
/// An event longer than this is refused: 1 MiB.
const EVENT_BYTES_MAX: u64 = 1 << 20;

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
    let mut text = String::new();
    File::open(&path)
        .map_err(read)?
        .take(HEADER_BYTES_MAX)
        .read_to_string(&mut text)
        .map_err(read)?;
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
    for (index, line) in read_lines(&path)?.iter().enumerate() {
        let line: Line = serde_json::from_slice(line).map_err(|error| StoreError::Event {
            path: path.clone(),
            line: index + 1,
            reason: error.to_string(),
        })?;
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
    let path = folder.join("events.jsonl");
    let lines = read_lines(&path)?;
    let mut events = Vec::with_capacity(lines.len());
    for (index, line) in lines.iter().enumerate() {
        match serde_json::from_slice(line) {
            Ok(event) => events.push(event),
            Err(_) if index + 1 == lines.len() && !line.ends_with(b"\n") => {}
            Err(error) => {
                return Err(StoreError::Event {
                    path,
                    line: index + 1,
                    reason: error.to_string(),
                });
            }
        }
    }
    Ok(events)
}

/// Reads the events of the first `count` conversations in the folder of a simulation, one list each; where
/// there are more, the rest is not even looked at. A last line that was cut off is left out.
pub fn read_sessions(folder: &Path, count: usize) -> Result<Vec<Vec<Event>>, StoreError> {
    let path = folder.join("events.jsonl");
    let mut sessions: Vec<Vec<Event>> = Vec::new();
    let mut lines = Lines::open(&path)?;
    while let Some(line) = lines.next_line()? {
        let event: Event = match serde_json::from_slice(&line) {
            Ok(event) => event,
            Err(_) if !line.ends_with(b"\n") => break,
            Err(error) => {
                return Err(StoreError::Event {
                    path,
                    line: lines.number,
                    reason: error.to_string(),
                });
            }
        };
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
struct Lines {
    path: PathBuf,
    reader: BufReader<File>,
    /// Number of the last line that was read, from one.
    number: usize,
}

impl Lines {
    fn open(path: &Path) -> Result<Lines, StoreError> {
        let file = File::open(path).map_err(|source| StoreError::Read {
            path: path.to_owned(),
            source,
        })?;
        Ok(Lines {
            path: path.to_owned(),
            reader: BufReader::new(file),
            number: 0,
        })
    }

    fn next_line(&mut self) -> Result<Option<Vec<u8>>, StoreError> {
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
}

/// The lines of a file, each cut at the longest length an event may have.
fn read_lines(path: &Path) -> Result<Vec<Vec<u8>>, StoreError> {
    let mut reader = Lines::open(path)?;
    let mut lines = Vec::new();
    while let Some(line) = reader.next_line()? {
        lines.push(line);
    }
    Ok(lines)
}
