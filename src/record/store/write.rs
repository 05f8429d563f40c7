//! Writes a run folder while the run goes on.

use super::read::HEADER;
use super::{Header, KeepAudio, StoreError, said_wav};
use crate::audio::wav;
use crate::event::{Event, OutputNote, StageName, Tick, VisitId};
use crate::record::conversation::Conversation;
use serde::Serialize;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The file of a run folder in which both sides are heard.
const CONVERSATION: &str = "conversation.wav";

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
        RunFolder::begin(path, header, audio)
    }

    /// Makes a folder of one in which `conversation.wav` lies already, and nothing else.
    pub fn around_conversation(path: &Path, header: &Header) -> Result<RunFolder, StoreError> {
        let write = |source| StoreError::Write {
            path: path.to_owned(),
            source,
        };
        for entry in fs::read_dir(path).map_err(write)? {
            if entry.map_err(write)?.file_name() != CONVERSATION {
                return Err(StoreError::Exists {
                    path: path.to_owned(),
                });
            }
        }
        RunFolder::begin(path, header, KeepAudio::No)
    }

    fn begin(path: &Path, header: &Header, audio: KeepAudio) -> Result<RunFolder, StoreError> {
        let write = |at: &Path, source| StoreError::Write {
            path: at.to_owned(),
            source,
        };
        let header_path = path.join(HEADER);
        let text =
            serde_json::to_string_pretty(header).map_err(|e| write(&header_path, e.into()))?;
        fs::write(&header_path, text + "\n").map_err(|e| write(&header_path, e))?;
        let events_path = path.join("events.jsonl");
        let events = File::create(&events_path).map_err(|e| write(&events_path, e))?;
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
        let written = line(event).and_then(|line| self.events.write_all(&line));
        self.keep_first(written);
    }

    pub(in crate::record) fn caller_audio(&mut self, at: Tick, samples: &[f32]) {
        if let Some(conversation) = &mut self.conversation {
            let written = conversation.caller(at, samples).map_err(io::Error::other);
            self.keep_first(written);
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
        fs::create_dir_all(self.path.join("said")).map_err(write)?;
        wav::write_mono(&path, samples, crate::audio::SAMPLE_RATE)
            .map_err(|error| write(io::Error::other(error)))?;
        Ok(Some(path))
    }

    /// Writes what is left. Fails with the first thing that went wrong since the folder was made.
    pub(in crate::record) fn finish(&mut self) -> io::Result<()> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Mark, SessionId, TurnId};
    use crate::record::store::{RowsPer, read_events, read_header};

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
