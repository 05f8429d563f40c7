//! A run folder: what is written while a run goes on, and how it is read back.
//!
//! `header.json` says what was run, `events.jsonl` what happened, `conversation.wav` what was heard,
//! `outputs/` what every stage put out. Each is on disk as soon as it is known, so that a killed
//! run can still be read.

use super::conversation::Conversation;
use crate::audio::wav;
use crate::event::{Event, OutputNote, StageName, Tick, VisitId};
use serde::{Deserialize, Serialize};
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, VecDeque};
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};

/// What `header.json` holds. Everything needed to read the events, and to run the same again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Header {
    pub schema: String,
    pub version: String,
    pub name: String,
    pub seed: u64,
    /// `real` or `virtual`; [`Header::RECORDING`] if nothing was run.
    pub clock: String,
    pub cores: u32,
    /// One line about each engine, by stage.
    pub engines: BTreeMap<String, String>,
    /// The interruption policy.
    pub policy: String,
    /// Whether the folder has the sound of the run.
    pub keeps_audio: bool,
    /// What one row of the report stands for.
    pub rows_per: RowsPer,
    /// What a reader should know about this run before trusting its figures.
    pub notes: Vec<String>,
    /// The scenario as it was run, defaults filled in.
    pub scenario: serde_json::Value,
    /// The machine: operating system, architecture, processor count.
    pub machine: String,
    /// When it began: RFC 3339, UTC.
    pub started: String,
}

/// What one row of a report stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RowsPer {
    /// A turn of the scenario, which may hold several utterances.
    Turn,
    Utterance,
}

impl Header {
    pub const SCHEMA: &'static str = "voicesim.header/1";
    /// The clock of a recording of somebody else's call.
    pub const RECORDING: &'static str = "recording";
}

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("cannot write {path}: {source}; choose another folder with --out, or make room", path = path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("cannot read {path}: {source}; is this a run folder, as `voicesim run --out` makes them?", path = path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("{path} is not a run header of this version: {reason}", path = path.display())]
    Header { path: PathBuf, reason: String },
    #[error("{path} line {line} is not an event: {reason}; the lines before it are fine, delete the rest to read them", path = path.display())]
    Event {
        path: PathBuf,
        line: usize,
        reason: String,
    },
    #[error("{path} exists already and is not empty; choose another folder with --out", path = path.display())]
    Exists { path: PathBuf },
}

/// A header longer than this is refused: 16 MiB.
const HEADER_BYTES_MAX: u64 = 16 << 20;
/// An event longer than this is refused: 1 MiB.
const EVENT_BYTES_MAX: u64 = 1 << 20;

/// A run folder that is being written.
pub struct RunFolder {
    path: PathBuf,
    events: File,
    conversation: Option<Conversation>,
    keeps_audio: bool,
    outputs: BTreeMap<StageName, Outputs>,
    failure: Option<io::Error>,
}

struct Outputs {
    lines: File,
    count: u32,
}

/// Whether a run folder keeps sound. Sound holds voices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeepAudio {
    Yes,
    No,
}

impl RunFolder {
    /// Makes the folder, which must be new or empty, and writes its header.
    pub fn create(path: &Path, header: &Header, audio: KeepAudio) -> Result<RunFolder, StoreError> {
        let write = |at: &Path, source| StoreError::Write {
            path: at.to_owned(),
            source,
        };
        fs::create_dir_all(path).map_err(|e| write(path, e))?;
        let mut entries = fs::read_dir(path).map_err(|e| write(path, e))?;
        if entries.next().is_some() {
            return Err(StoreError::Exists {
                path: path.to_owned(),
            });
        }
        let header_path = path.join("header.json");
        let text =
            serde_json::to_string_pretty(header).map_err(|e| write(&header_path, e.into()))?;
        fs::write(&header_path, text + "\n").map_err(|e| write(&header_path, e))?;
        let events_path = path.join("events.jsonl");
        let events = File::create(&events_path).map_err(|e| write(&events_path, e))?;
        let conversation = match audio {
            KeepAudio::No => None,
            KeepAudio::Yes => {
                let wav = path.join("conversation.wav");
                let created = Conversation::create(&wav);
                Some(created.map_err(|e| write(&wav, io::Error::other(e)))?)
            }
        };
        Ok(RunFolder {
            path: path.to_owned(),
            events,
            conversation,
            keeps_audio: audio == KeepAudio::Yes,
            outputs: BTreeMap::new(),
            failure: None,
        })
    }

    pub(super) fn keeps_audio(&self) -> bool {
        self.keeps_audio
    }

    /// One line, handed to the operating system at once: it outlives a kill.
    pub(super) fn event(&mut self, event: &Event) {
        if self.failure.is_some() {
            // Behind half a line, whole ones could not be read any more.
            return;
        }
        let written = line(event).and_then(|line| self.events.write_all(&line));
        self.keep_first(written);
    }

    pub(super) fn caller_audio(&mut self, at: Tick, samples: &[f32]) {
        if let Some(conversation) = &mut self.conversation {
            let written = conversation.caller(at, samples).map_err(io::Error::other);
            self.keep_first(written);
        }
    }

    pub(super) fn agent_audio(&mut self, at: Tick, samples: &[f32]) {
        if let Some(conversation) = &mut self.conversation {
            conversation.agent(at, samples);
        }
    }

    pub(super) fn agent_silenced(&mut self, at: Tick) {
        if let Some(conversation) = &mut self.conversation {
            conversation.silence_agent(at);
        }
    }

    pub(super) fn output(
        &mut self,
        stage: StageName,
        visit: VisitId,
        input: &str,
        note: &OutputNote,
        samples: Option<&[f32]>,
    ) {
        let written = self.write_output(stage, visit, input, note, samples);
        self.keep_first(written);
    }

    fn write_output(
        &mut self,
        stage: StageName,
        visit: VisitId,
        input: &str,
        note: &OutputNote,
        samples: Option<&[f32]>,
    ) -> io::Result<()> {
        let folder = self.path.join("outputs");
        let outputs = match self.outputs.entry(stage) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => {
                fs::create_dir_all(&folder)?;
                let lines = File::create(folder.join(format!("{}.jsonl", stage.name())))?;
                entry.insert(Outputs { lines, count: 0 })
            }
        };
        outputs.count += 1;
        let mut wav = None;
        if let (Some(samples), true) = (samples, self.keeps_audio) {
            let name = format!("{}/{:05}-{input}.wav", stage.name(), outputs.count);
            fs::create_dir_all(folder.join(stage.name()))?;
            wav::write_mono(&folder.join(&name), samples, crate::audio::SAMPLE_RATE)
                .map_err(io::Error::other)?;
            wav = Some(name);
        }
        outputs.lines.write_all(&line(&OutputLine {
            input,
            visit,
            note,
            wav,
        })?)
    }

    /// Keeps the words that a voice spoke for the caller in scenario turn `row` (from zero); where.
    /// `None` if the folder keeps no sound.
    pub fn said(&self, row: usize, samples: &[f32]) -> Result<Option<PathBuf>, StoreError> {
        if !self.keeps_audio {
            return Ok(None);
        }
        let path = said_wav(&self.path, row);
        let write = |source| StoreError::Write {
            path: path.clone(),
            source,
        };
        fs::create_dir_all(self.path.join("said")).map_err(write)?;
        wav::write_mono(&path, samples, crate::audio::SAMPLE_RATE)
            .map_err(|error| write(io::Error::other(error)))?;
        Ok(Some(path))
    }

    /// Writes what is left. The first thing that went wrong since the folder was made is returned.
    pub(super) fn finish(&mut self) -> io::Result<()> {
        if let Some(conversation) = self.conversation.take() {
            let written = conversation.finish().map_err(io::Error::other);
            self.keep_first(written);
        }
        self.failure.take().map_or(Ok(()), Err)
    }

    fn keep_first(&mut self, result: io::Result<()>) {
        if let (Err(error), None) = (result, &self.failure) {
            tracing::error!(
                "cannot write the run folder {}: {error}",
                self.path.display()
            );
            self.failure = Some(error);
        }
    }
}

/// A line of `outputs/STAGE.jsonl`.
#[derive(Serialize)]
struct OutputLine<'a> {
    input: &'a str,
    visit: VisitId,
    #[serde(flatten)]
    note: &'a OutputNote,
    #[serde(skip_serializing_if = "Option::is_none")]
    wav: Option<String>,
}

fn line<T: Serialize>(value: &T) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(value)?;
    line.push(b'\n');
    Ok(line)
}

/// Where a run folder keeps what was spoken for the caller in scenario turn `row` (from zero).
pub fn said_wav(folder: &Path, row: usize) -> PathBuf {
    folder.join("said").join(format!("{:05}.wav", row + 1))
}

/// Reads the header of a run folder.
pub fn read_header(folder: &Path) -> Result<Header, StoreError> {
    let path = folder.join("header.json");
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

/// What `outputs/` says of an output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptOutput {
    /// The hash of what had gone in.
    pub input: String,
    /// The sound, if it has any.
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

/// The lines of a file, each cut at the longest length an event may have.
fn read_lines(path: &Path) -> Result<Vec<Vec<u8>>, StoreError> {
    let read = |source| StoreError::Read {
        path: path.to_owned(),
        source,
    };
    let mut reader = BufReader::new(File::open(path).map_err(read)?);
    let mut lines = Vec::new();
    loop {
        let mut line = Vec::new();
        let length = (&mut reader)
            .take(EVENT_BYTES_MAX)
            .read_until(b'\n', &mut line)
            .map_err(read)?;
        if length == 0 {
            return Ok(lines);
        }
        lines.push(line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Mark, SessionId, TurnId};

    fn header() -> Header {
        Header {
            schema: Header::SCHEMA.into(),
            version: "0".into(),
            name: "test".into(),
            seed: 1,
            clock: "real".into(),
            cores: 1,
            engines: BTreeMap::new(),
            policy: "never".into(),
            keeps_audio: true,
            rows_per: RowsPer::Turn,
            notes: Vec::new(),
            scenario: serde_json::Value::Null,
            machine: String::new(),
            started: String::new(),
        }
    }

    fn event(ms: u64) -> Event {
        Event {
            tick: Tick::from_ms(ms),
            session: SessionId(0),
            turn: TurnId(1),
            mark: Mark::Audible {
                at: Tick::from_ms(ms),
            },
        }
    }

    fn folder_with(events: &[Event]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        let mut run = RunFolder::create(folder.path(), &header(), KeepAudio::Yes).expect("made");
        for event in events {
            run.event(event);
        }
        // Not finished: as if it had been killed.
        folder
    }

    #[test]
    fn a_killed_run_is_read_to_its_last_whole_event() {
        let folder = folder_with(&[event(1), event(2)]);
        let path = folder.path().join("events.jsonl");
        let mut text = fs::read(&path).expect("written at once");
        text.extend_from_slice(b"{\"tick\":3000,\"sess");
        fs::write(&path, text).expect("written");
        assert_eq!(
            read_events(folder.path()).expect("read"),
            [event(1), event(2)]
        );
        assert_eq!(read_header(folder.path()).expect("read"), header());
    }

    #[test]
    fn a_line_that_is_no_event_is_named() {
        let folder = folder_with(&[event(1)]);
        let path = folder.path().join("events.jsonl");
        let text = fs::read_to_string(&path).expect("written") + "{\"tick\":\"soon\"}\n";
        fs::write(&path, text).expect("written");
        let error = read_events(folder.path()).expect_err("no event");
        assert!(
            error.to_string().contains("line 2 is not an event"),
            "{error}"
        );
    }

    #[test]
    fn a_folder_in_use_is_left_alone() {
        let folder = folder_with(&[event(1)]);
        let again = RunFolder::create(folder.path(), &header(), KeepAudio::No);
        assert!(matches!(again, Err(StoreError::Exists { .. })));
        assert_eq!(read_events(folder.path()).expect("read"), [event(1)]);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_an_error_at_the_end_not_a_silent_loss() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut run = RunFolder::create(folder.path(), &header(), KeepAudio::No).expect("made");
        let full = File::options().write(true).open("/dev/full");
        run.events = full.expect("a device that is always full");
        run.event(&event(1));
        let error = run.finish().expect_err("nothing was written");
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    }

    #[test]
    fn without_audio_no_sound_is_kept() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut run = RunFolder::create(folder.path(), &header(), KeepAudio::No).expect("made");
        let note = OutputNote::Audio {
            audio_ns: 1,
            characters: 1,
        };
        run.caller_audio(Tick::ZERO, &[0.5; 256]);
        run.output(
            StageName::TextToSpeech,
            VisitId(1),
            "hash",
            &note,
            Some(&[0.5]),
        );
        run.finish().expect("written");
        assert!(!folder.path().join("conversation.wav").exists());
        assert!(folder.path().join("outputs/text_to_speech.jsonl").exists());
        assert!(!folder.path().join("outputs/text_to_speech").exists());
    }
}
