//! Writes a run folder while the run goes on.

use super::read::{EVENT_BYTES_MAX, HEADER, HEADER_BYTES_MAX};
use super::{EVENTS, Header, KeepAudio, StoreError, said_wav};
use crate::audio::wav;
use crate::event::{Event, OutputNote, StageName, Tick, VisitId};
use crate::files;
use crate::record::conversation::Conversation;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The file of what was heard.
const CONVERSATION: &str = "conversation.wav";
/// How much is kept of a text in an event that would be too long: 64 KiB.
const TEXT_BYTES_KEPT: usize = 64 << 10;

/// A run folder that is being written.
pub struct RunFolder {
    path: PathBuf,
    events: File,
    conversation: Option<Conversation>,
    keeps_audio: bool,
    outputs: BTreeMap<StageName, Outputs>,
    failure: Option<io::Error>,
    /// Locked for as long as somebody writes into the folder.
    _mark: File,
}

struct Outputs {
    lines: File,
    count: u32,
}

impl RunFolder {
    /// Makes the folder, which must be new or empty, and writes its header.
    pub fn create(path: &Path, header: &Header, audio: KeepAudio) -> Result<RunFolder, StoreError> {
        let mark = super::claim(path)?;
        RunFolder::begin(path, header, audio, mark)
    }

    /// Makes a folder of one that was claimed before the call, and in which nothing lies but `conversation.wav`.
    #[cfg(feature = "probe")]
    pub(crate) fn around_conversation(
        path: &Path,
        header: &Header,
    ) -> Result<RunFolder, StoreError> {
        let mark = files::reclaim(path).map_err(|error| super::claim_error(path, error))?;
        RunFolder::begin(path, header, KeepAudio::No, mark)
    }

    fn begin(
        path: &Path,
        header: &Header,
        audio: KeepAudio,
        mark: File,
    ) -> Result<RunFolder, StoreError> {
        let write = |at: &Path, source| StoreError::Write {
            path: at.to_owned(),
            source,
        };
        write_header(path, header)?;
        let events_path = path.join(EVENTS);
        let events = files::create_new(&events_path).map_err(|e| write(&events_path, e))?;
        let conversation = match audio {
            KeepAudio::No => None,
            KeepAudio::Yes => {
                let wav = path.join(CONVERSATION);
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
            _mark: mark,
        })
    }

    pub(in crate::record) fn keeps_audio(&self) -> bool {
        self.keeps_audio
    }

    /// Writes an event as one line, handed to the operating system at once: the line outlives a kill.
    pub(in crate::record) fn event(&mut self, event: &Event) {
        if self.failure.is_some() {
            // Behind half a line, whole ones could not be read any more.
            return;
        }
        let written = event_line(event).and_then(|line| self.events.write_all(&line));
        self.keep_first(EVENTS, written);
    }

    pub(in crate::record) fn caller_audio(&mut self, at: Tick, samples: &[f32]) {
        if let Some(conversation) = &mut self.conversation {
            let written = conversation.caller(at, samples).map_err(io::Error::other);
            self.keep_first(CONVERSATION, written);
        }
    }

    pub(in crate::record) fn agent_audio(&mut self, at: Tick, samples: &[f32]) {
        if let Some(conversation) = &mut self.conversation {
            conversation.agent(at, samples);
        }
    }

    pub(in crate::record) fn agent_silenced(&mut self, at: Tick) {
        if let Some(conversation) = &mut self.conversation {
            conversation.silence_agent(at);
        }
    }

    pub(in crate::record) fn output(
        &mut self,
        stage: StageName,
        visit: VisitId,
        input: &str,
        note: &OutputNote,
        samples: Option<&[f32]>,
    ) {
        let written = self.write_output(stage, visit, input, note, samples);
        self.keep_first("outputs", written);
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
                files::create_folder(&folder)?;
                let lines = files::create_new(&folder.join(format!("{}.jsonl", stage.name())))?;
                entry.insert(Outputs { lines, count: 0 })
            }
        };
        outputs.count += 1;
        let mut wav = None;
        if let (Some(samples), true) = (samples, self.keeps_audio) {
            let name = format!("{}/{:05}-{input}.wav", stage.name(), outputs.count);
            files::create_folder(&folder.join(stage.name()))?;
            wav::write_mono(&folder.join(&name), samples, crate::audio::SAMPLE_RATE)
                .map_err(io::Error::other)?;
            wav = Some(name);
        }
        outputs.lines.write_all(&bounded_line(&OutputLine {
            input,
            visit,
            note,
            wav,
        })?)
    }

    /// Keeps the words that a voice spoke for the caller in scenario turn `row` (from zero). Returns the
    /// file; `None` if the folder keeps no sound.
    pub fn said(&self, row: usize, samples: &[f32]) -> Result<Option<PathBuf>, StoreError> {
        if !self.keeps_audio {
            return Ok(None);
        }
        let path = said_wav(&self.path, row);
        let write = |source| StoreError::Write {
            path: path.clone(),
            source,
        };
        files::create_folder(&self.path.join("said")).map_err(write)?;
        wav::write_mono(&path, samples, crate::audio::SAMPLE_RATE)
            .map_err(|error| write(io::Error::other(error)))?;
        Ok(Some(path))
    }

    /// Writes what is left. Fails with the first thing that went wrong since the folder was made.
    pub(in crate::record) fn finish(&mut self) -> io::Result<()> {
        if let Some(conversation) = self.conversation.take() {
            let written = conversation.finish().map_err(io::Error::other);
            self.keep_first(CONVERSATION, written);
        }
        self.failure.take().map_or(Ok(()), Err)
    }

    fn keep_first(&mut self, what: &str, result: io::Result<()>) {
        if let (Err(error), None) = (result, &self.failure) {
            let path = self.path.join(what);
            tracing::error!("cannot write {}: {error}", path.display());
            let text = format!("{}: {error}", path.display());
            self.failure = Some(io::Error::new(error.kind(), text));
        }
    }
}

/// Writes the header of a folder.
pub(super) fn write_header(folder: &Path, header: &Header) -> Result<(), StoreError> {
    let path = folder.join(HEADER);
    let write = |source| StoreError::Write {
        path: path.clone(),
        source,
    };
    let text = header_text(header)?;
    let mut file = files::create_new(&path).map_err(write)?;
    file.write_all(text.as_bytes()).map_err(write)
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

/// A header as it is written.
///
/// # Errors
/// Fails if it would be longer than what is read.
pub(super) fn header_text(header: &Header) -> Result<String, StoreError> {
    let path = PathBuf::from(HEADER);
    let text = match serde_json::to_string_pretty(header) {
        Ok(text) => text + "\n",
        Err(error) => {
            let source = error.into();
            return Err(StoreError::Write { path, source });
        }
    };
    let bytes = text.len() as u64;
    match bytes > HEADER_BYTES_MAX {
        true => Err(StoreError::TooLong {
            path,
            bytes,
            bytes_max: HEADER_BYTES_MAX,
        }),
        false => Ok(text),
    }
}

/// An event as its line, with texts cut that would make it longer than what is read.
pub fn event_line(event: &Event) -> io::Result<Vec<u8>> {
    bounded_line(event)
}

pub(super) fn bounded_line<T: Serialize>(value: &T) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(value)?;
    if line.len() as u64 >= EVENT_BYTES_MAX {
        let mut value = serde_json::to_value(value)?;
        cut_texts(&mut value);
        line = serde_json::to_vec(&value)?;
    }
    if line.len() as u64 >= EVENT_BYTES_MAX {
        return Err(io::Error::other(format!(
            "an event would have {} bytes, and up to {EVENT_BYTES_MAX} are read",
            line.len()
        )));
    }
    line.push(b'\n');
    Ok(line)
}

/// Cuts long texts, and says so where they end.
fn cut_texts(value: &mut Value) {
    match value {
        Value::String(text) if text.len() > TEXT_BYTES_KEPT => {
            let whole = text.len();
            let end = text.floor_char_boundary(TEXT_BYTES_KEPT);
            text.truncate(end);
            text.push_str(&format!(" … (cut, {whole} bytes in all)"));
        }
        Value::Array(values) => values.iter_mut().for_each(cut_texts),
        Value::Object(values) => values.values_mut().for_each(cut_texts),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Mark, SessionId, TurnId, VisitEnd, VisitFailure};
    use crate::record::store::{RowsPer, read_events, read_header};
    use std::fs;

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
            worlds: None,
            events: None,
            shard: None,
            probe: None,
            rules: BTreeMap::new(),
            without_words: None,
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

    #[test]
    fn an_event_with_an_error_of_megabytes_can_be_read_back() {
        let failed = Event {
            mark: Mark::Exit {
                stage: StageName::Answer,
                visit: VisitId(1),
                end: VisitEnd::Failed(Box::new(VisitFailure {
                    error: "ü".repeat(1_500_000),
                    refused: false,
                })),
                cost: None,
                input: None,
            },
            ..event(2)
        };
        let folder = folder_with(&[event(1), failed, event(3)]);
        let events = read_events(folder.path()).expect("read");
        assert_eq!(events.len(), 3);
        let text = format!("{:?}", events[1]);
        assert!(text.contains("(cut, 3000000 bytes in all)"));
        assert_eq!(events[2], event(3));
    }

    #[test]
    fn a_header_that_could_not_be_read_is_not_written() {
        let folder = tempfile::tempdir().expect("a folder");
        let long = Header {
            scenario: serde_json::Value::String("x".repeat(17 << 20)),
            ..header()
        };
        let error = RunFolder::create(folder.path(), &long, KeepAudio::No).err();
        assert!(matches!(error, Some(StoreError::TooLong { .. })));
    }

    #[test]
    fn events_that_are_no_events_are_refused_without_reading_on() {
        let folder = folder_with(&[event(1)]);
        let file = File::options()
            .write(true)
            .open(folder.path().join(EVENTS))
            .expect("there");
        file.set_len(1 << 29).expect("sparse");
        let error = read_events(folder.path()).expect_err("zeros");
        assert!(
            error.to_string().contains("line 2 is not an event"),
            "{error}"
        );
    }
}
