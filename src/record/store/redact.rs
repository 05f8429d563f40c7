//! Takes what people said out of a run folder, as sound, as words or both, while its figures stay.

use super::read::{Lines, read_events};
use super::seal::CHECKSUMS;
use super::write::{bounded_line, header_text};
use super::{EVENTS, Header, Moments, StoreError, read_header, seal};
use crate::event::{Event, Mark, OutputNote, VisitEnd};
use crate::files;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// What is taken out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    /// All sound.
    pub sound: bool,
    /// All words: every letter and digit of them becomes an x.
    pub words: bool,
}

/// What a folder says of the words that were taken out of it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct WithoutWords {
    /// What of the figures of each row was made of words, in the order of the rows.
    pub rows: Vec<FiguresOfWords>,
    /// Whether the agent said that it is a machine, as reports keep it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub disclosures: Option<Value>,
}

/// The figures of a row that are made of words.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct FiguresOfWords {
    /// Word errors, as reports keep them.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub wer: Option<Value>,
    /// Whether the answer was right.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub is_right: Option<bool>,
}

/// Values of a scenario that are words.
const WORDS_OF_SCENARIO: [&str; 11] = [
    "text",
    "openings",
    "texts",
    "say",
    "says",
    "instructions",
    "answer_has",
    "answer_has_not",
    "system",
    "apology",
    "body",
];

/// What stands in place of an error's words, which may repeat what was said.
const ERROR: &str = "(taken out)";

/// Takes sound, words or both out of the folder of a run or a measured call. `rows` are the figures that are made of
/// words. If it is stopped on the way, the folder is unfinished, and this can be done again.
///
/// # Errors
/// Fails if somebody writes into the folder, or a file of it cannot be read or written.
pub fn redact(folder: &Path, taken: Taken, rows: WithoutWords) -> Result<(), StoreError> {
    let mut header = read_header(folder)?;
    let events = read_events(folder)?;
    let _mark = files::reclaim(folder).map_err(|error| super::claim_error(folder, error))?;
    remove(&folder.join(CHECKSUMS))?;
    if taken.sound {
        header.keeps_audio = false;
    }
    if taken.words {
        without_words_of(&mut header.scenario, false);
        header.without_words.get_or_insert(rows);
        if let Some(probe) = &mut header.probe {
            probe.broke_off = probe.broke_off.take().map(|_| ERROR.into());
        }
    }
    // First of all: it has the figures that cannot be made again.
    write(
        &folder.join("header.json"),
        header_text(&header)?.as_bytes(),
    )?;
    if taken.words {
        let mut lines = Vec::new();
        for mut event in events {
            take_words_out(&mut event);
            lines.extend(bounded_line(&event).map_err(|source| StoreError::Write {
                path: folder.join(EVENTS),
                source,
            })?);
        }
        write(&folder.join(EVENTS), &lines)?;
    }
    for path in files_below(&folder.join("outputs"))? {
        if path.extension().is_some_and(|end| end == "jsonl") {
            redact_outputs(&path, taken)?;
        }
    }
    if taken.sound {
        take_sound_out(folder)?;
    }
    seal(folder)
}

fn take_sound_out(folder: &Path) -> Result<(), StoreError> {
    if let Some(moments) = Moments::read(folder)? {
        let silent = Moments {
            spans: Vec::new(),
            ..moments
        };
        silent.write(folder)?;
    }
    let mut sounds = vec![folder.join("conversation.wav"), Moments::wav(folder)];
    for inside in ["outputs", "said"] {
        let all = files_below(&folder.join(inside))?;
        sounds.extend(
            all.into_iter()
                .filter(|path| path.extension().is_some_and(|end| end == "wav")),
        );
    }
    sounds.iter().try_for_each(|path| remove(path))
}

fn redact_outputs(path: &Path, taken: Taken) -> Result<(), StoreError> {
    let mut lines = Lines::of_outputs(path)?;
    let mut written = Vec::new();
    while let Some(line) = lines.next_line()? {
        let Ok(mut value) = serde_json::from_slice::<Value>(&line) else {
            // Half a line, as a killed run leaves it.
            continue;
        };
        if let Some(output) = value.as_object_mut() {
            if taken.sound {
                output.remove("wav");
            }
            if taken.words {
                output.get_mut("text").into_iter().for_each(mask_all);
                // Whoever guesses a text could tell by its hash that it was said.
                output.insert("input".into(), Value::String(String::new()));
            }
        }
        let line = bounded_line(&value).map_err(|source| StoreError::Write {
            path: path.to_owned(),
            source,
        })?;
        written.extend(line);
    }
    drop(lines);
    write(path, &written)
}

/// Takes the words out of an event.
fn take_words_out(event: &mut Event) {
    let mask = |text: &mut std::sync::Arc<str>| *text = masked(text).into();
    match &mut event.mark {
        Mark::Output { note, .. } => match note {
            OutputNote::Partial { text, .. }
            | OutputNote::Final { text, .. }
            | OutputNote::Piece { text }
            | OutputNote::Clause { text } => mask(text),
            OutputNote::Audio { .. } | OutputNote::Finished { .. } => {}
        },
        Mark::Exit { end, input, .. } => {
            if let VisitEnd::Failed(why) = end {
                why.error = ERROR.into();
            }
            // Whoever guesses a text could tell by its hash that it was said.
            *input = None;
        }
        Mark::Speculated { question } | Mark::ReplyStarted { question } => mask(question),
        Mark::ReplyEnded { heard, .. } => mask(heard),
        Mark::DisclosureDue { text, .. } => mask(text),
        Mark::Decision(decision) => decision.reasons.clear(),
        Mark::EndpointCommitted {
            decision: Some(decision),
            ..
        } => decision.reasons.clear(),
        _ => {}
    }
}

/// `text` with an x for every letter and digit: as long as before, and empty if it was.
fn masked(text: &str) -> String {
    let mask = |c: char| if c.is_alphanumeric() { 'x' } else { c };
    text.chars().map(mask).collect()
}

/// Masks the words in a scenario; all texts in it if they are words themselves.
fn without_words_of(value: &mut Value, are_words: bool) {
    match value {
        Value::String(_) if are_words => mask_all(value),
        Value::Array(values) => {
            for value in values {
                without_words_of(value, are_words);
            }
        }
        Value::Object(values) => {
            for (key, value) in values {
                if key == "digits"
                    && let Value::String(keys) = value
                {
                    // They stay keys of a telephone, or the scenario could not be read again.
                    *keys = "0".repeat(keys.chars().count());
                    continue;
                }
                let is_one = WORDS_OF_SCENARIO.contains(&key.as_str());
                without_words_of(value, are_words || is_one);
            }
        }
        _ => {}
    }
}

fn mask_all(value: &mut Value) {
    if let Value::String(text) = value {
        *text = masked(text);
    }
}

/// The files below a folder, two folders deep; none if it is not there. Links are passed over.
fn files_below(folder: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let mut all = Vec::new();
    let mut folders = vec![(folder.to_owned(), 1)];
    while let Some((folder, depth_left)) = folders.pop() {
        let unreadable = |source| StoreError::Read {
            path: folder.clone(),
            source,
        };
        let entries = match folder.read_dir() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            entries => entries.map_err(unreadable)?,
        };
        for entry in entries {
            let entry = entry.map_err(unreadable)?;
            let kind = entry.file_type().map_err(unreadable)?;
            if kind.is_file() {
                all.push(entry.path());
            } else if kind.is_dir() && depth_left > 0 {
                folders.push((entry.path(), depth_left - 1));
            }
        }
    }
    all.sort();
    Ok(all)
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    files::write_whole(path, bytes).map_err(|source| StoreError::Write {
        path: path.to_owned(),
        source,
    })
}

fn remove(path: &Path) -> Result<(), StoreError> {
    match fs::remove_file(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => Err(StoreError::Write {
            path: path.to_owned(),
            source,
        }),
        _ => Ok(()),
    }
}

/// Whether the words of a folder were taken out.
pub fn is_without_words(header: &Header) -> bool {
    header.without_words.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{SessionId, StageName, Tick, TurnId, VisitId};
    use serde_json::json;

    #[test]
    fn every_letter_and_digit_becomes_an_x() {
        assert_eq!(masked("We open at 9:30, Zoë."), "xx xxxx xx x:xx, xxx.");
        assert_eq!(masked(""), "");
    }

    #[test]
    fn no_hash_is_left_by_which_a_guess_could_be_checked() {
        let mut event = Event {
            tick: Tick::ZERO,
            session: SessionId(0),
            turn: TurnId(1),
            mark: Mark::Exit {
                stage: StageName::Answer,
                visit: VisitId(1),
                end: VisitEnd::Done,
                cost: None,
                input: Some("5f2c".into()),
            },
        };
        take_words_out(&mut event);
        let line = serde_json::to_string(&event).expect("JSON");
        assert!(!line.contains("5f2c"), "{line}");
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("answer.jsonl");
        let line = r#"{"input":"5f2c","visit":1,"output":"piece","text":"At nine."}"#;
        fs::write(&path, format!("{line}\n")).expect("written");
        let both = Taken {
            sound: true,
            words: true,
        };
        redact_outputs(&path, both).expect("redacted");
        let kept = fs::read_to_string(&path).expect("there");
        assert!(
            !kept.contains("5f2c") && kept.contains("xx xxxx."),
            "{kept}"
        );
    }

    #[test]
    fn a_scenario_keeps_its_settings_and_loses_its_words() {
        let mut scenario = json!({
            "name": "shop",
            "turn": [{ "say": "Hi 5", "text": "Hi", "wav": "hi.wav", "answer_has": ["nine"] }, { "digits": "1234#" }],
            "answer": { "engine": "openai", "system": "Be kind", "body": { "a": ["b"] } },
            "caller": { "says": ["Hi?"] },
            "speech_to_speech": { "instructions": "Be kind", "model": "m" },
        });
        without_words_of(&mut scenario, false);
        let expected = json!({
            "name": "shop",
            "turn": [{ "say": "xx x", "text": "xx", "wav": "hi.wav", "answer_has": ["xxxx"] }, { "digits": "00000" }],
            "answer": { "engine": "openai", "system": "xx xxxx", "body": { "a": ["x"] } },
            "caller": { "says": ["xx?"] },
            "speech_to_speech": { "instructions": "xx xxxx", "model": "m" },
        });
        assert_eq!(scenario, expected);
    }
}
