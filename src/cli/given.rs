//! What a path that was given is, where another kind of thing was asked for; and the command that takes it.
//!
//! Only what is known for sure is refused here. All else goes on, to an error that says what is wrong in it.

use super::Failure;
use super::recordings::{holds_recording, is_recording};
use crate::audio::decode;
use crate::files::quoted;
use crate::record::store::is_run_folder;
use crate::scenario::{self, ScenarioFile};
use std::io::Read;
use std::path::{Path, PathBuf};

/// How much of a file is looked at.
const BYTES_MAX: u64 = 64 << 10;

/// What a path leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Thing {
    /// Nothing is there.
    Nothing,
    /// A file without a byte in it.
    Empty,
    Recording,
    /// A scenario that is spoken to an assistant.
    Scenario,
    /// A scenario whose caller is made up.
    Simulation,
    /// TOML with a `[budget]` and nothing else.
    Budget,
    Json,
    Csv,
    Text,
    /// A file of a run folder that is no recording.
    Results,
    /// The folder of one run, call or simulation.
    RunFolder,
    /// A folder of such folders.
    RunFolders,
    /// A folder with recordings in it.
    Recordings,
    EmptyFolder,
    Folder,
    /// Not to be told.
    Other,
}

/// What a scenario says, or an empty one if none was given.
pub(super) fn scenario_or_none(path: Option<&Path>) -> Result<ScenarioFile, Failure> {
    let Some(path) = path else {
        return Ok(ScenarioFile::default());
    };
    as_scenario(path)?;
    Ok(scenario::load(path).map_err(Failure::input)?.file().clone())
}

/// Refuses what is no scenario.
pub(super) fn as_scenario(path: &Path) -> Result<(), Failure> {
    let it = quoted(path);
    told(path, match thing(path) {
        Thing::Recording => format!(
            "is a recording, not a scenario; speak it to an assistant: voicesim run --wav {it}; or measure it as a call: voicesim measure {it}"
        ),
        Thing::Budget => format!(
            "is a budget, not a scenario; name a scenario and give the budget with it: --budget {it}"
        ),
        // An empty scenario has its defaults, and speaks the recordings of --wav.
        Thing::Empty if path.extension() == Some("toml".as_ref()) => return Ok(()),
        what @ (Thing::Json | Thing::Csv | Thing::Empty) => format!(
            "is {}, and a scenario is TOML; `voicesim init` writes one to start from",
            what.name()
        ),
        Thing::Text => "is text, and a scenario is TOML; `voicesim init` writes one to start from, and documents to answer from go with it: --docs FOLDER".into(),
        Thing::Results => return results_file(path),
        Thing::RunFolder | Thing::RunFolders => format!(
            "is a folder of results, not a scenario; see them again: voicesim report {it}"
        ),
        Thing::Recordings => format!(
            "is a folder of recordings, not a scenario; measure them as calls: voicesim measure {it}; or speak one to an assistant: voicesim run --wav FILE"
        ),
        Thing::EmptyFolder => "is an empty folder, and a scenario is a TOML file; `voicesim init` writes one to start from".into(),
        Thing::Folder => match scenario_in(path) {
            Some(inside) => format!("is a folder; name the scenario in it: {}", quoted(&inside)),
            None => "is a folder, and a scenario is a TOML file; `voicesim init` writes one to start from".into(),
        },
        Thing::Nothing | Thing::Scenario | Thing::Simulation | Thing::Other => return Ok(()),
    })
}

/// Refuses what is no recording of a call, nor a folder of such.
pub(super) fn as_call(path: &Path) -> Result<(), Failure> {
    let it = quoted(path);
    told(path, match thing(path) {
        what @ (Thing::Scenario | Thing::Simulation) => {
            format!("is a scenario, not a recording; {} {it}", what.command())
        }
        Thing::Budget => format!(
            "is a budget, not a recording; name a recording and give the budget with it: voicesim measure RECORDING --budget {it}"
        ),
        Thing::Json => format!(
            "is JSON, not a recording; if it is a trace or a call log: voicesim import {it} --out imported; if it says who speaks when in a recording: voicesim measure RECORDING --spoken {it}"
        ),
        Thing::Csv => format!(
            "is CSV, not a recording; if it says who speaks when in one: voicesim measure RECORDING --spoken {it}; if it has a platform's own latencies: voicesim measure RECORDING --claimed {it}, or, without a recording: voicesim import {it} --out imported"
        ),
        Thing::Text => "is text, not a recording; name a recording of a call (WAV, FLAC, MP3, Ogg), or a folder of them".into(),
        Thing::Results => return results_file(path),
        Thing::RunFolder => {
            let own = path.join("conversation.wav");
            let own = match own.is_file() {
                true => format!("; its own recording can be measured: voicesim measure {}", quoted(&own)),
                false => String::new(),
            };
            format!("is a run folder, which is measured already; see its report: voicesim report {it}{own}")
        }
        // Beside results there may be recordings.
        Thing::RunFolders if holds_recording(path) => return Ok(()),
        Thing::RunFolders => format!(
            "is a folder of results, which are measured already; see their report: voicesim report {it}"
        ),
        Thing::EmptyFolder => "is an empty folder, so it holds no recordings; name a recording of a call (WAV, FLAC, MP3, Ogg), or a folder of them".into(),
        Thing::Nothing
        | Thing::Empty
        | Thing::Recording
        | Thing::Recordings
        | Thing::Other => return Ok(()),
        Thing::Folder => match scenario_in(path) {
            Some(inside) => format!(
                "is a folder with a scenario in it, and without recordings; hold its conversation: voicesim run {}",
                quoted(&inside)
            ),
            None => return Ok(()),
        },
    })
}

/// Refuses what is no recording to speak.
pub(super) fn as_wav(path: &Path) -> Result<(), Failure> {
    let it = quoted(path);
    match thing(path) {
        what @ (Thing::Scenario | Thing::Simulation) => told(
            path,
            format!(
                "is a scenario, not a recording; {} {it}; to speak recordings in it, name it before them: voicesim run {it} --wav FILE",
                what.command()
            ),
        ),
        Thing::RunFolder | Thing::RunFolders | Thing::Recordings | Thing::Folder => told(
            path,
            "is a folder, and --wav takes recordings; name the files".into(),
        ),
        _ => as_call(path),
    }
}

/// Refuses what is no folder of results.
pub(super) fn as_results(path: &Path) -> Result<(), Failure> {
    let it = quoted(path);
    told(path, match thing(path) {
        Thing::Nothing => "no such run folder; check the path (it is looked up from the current folder)".into(),
        Thing::Recording => format!(
            "is a recording, not a folder of results; measure it and keep the results: voicesim measure {it} --out DIR"
        ),
        Thing::Recordings => format!(
            "is a folder of recordings, not of results; measure them and keep the results: voicesim measure {it} --out DIR"
        ),
        what @ (Thing::Scenario | Thing::Simulation) => format!(
            "is a scenario, not a folder of results; {} {it} --out DIR",
            what.command()
        ),
        Thing::Results => return results_file(path),
        Thing::Budget => format!(
            "is a budget, not a folder of results; name a folder and give the budget with it: voicesim report DIR --budget {it}"
        ),
        what @ (Thing::Json | Thing::Csv) => format!(
            "is {}, not a folder of results; if it is a trace or a call log: voicesim import {it} --out imported; else name a folder that `voicesim run`, `measure` or `simulate` wrote with --out",
            what.name()
        ),
        what @ (Thing::Empty | Thing::Text) => format!(
            "is {}, not a folder of results; name a folder that `voicesim run`, `measure` or `simulate` wrote with --out",
            what.name()
        ),
        Thing::EmptyFolder => "is an empty folder; name one that `voicesim run`, `measure` or `simulate` wrote with --out".into(),
        Thing::RunFolder | Thing::RunFolders | Thing::Folder | Thing::Other => return Ok(()),
    })
}

fn told(path: &Path, what: String) -> Result<(), Failure> {
    let joint = if what.starts_with("is ") { " " } else { ": " };
    Err(Failure::Input(format!("{}{joint}{what}", path.display())))
}

fn results_file(path: &Path) -> Result<(), Failure> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => quoted(folder),
        _ => ".".to_owned(),
    };
    told(
        path,
        format!("is a file of a run folder; see its report: voicesim report {folder}"),
    )
}

impl Thing {
    /// What to do with a scenario.
    fn command(self) -> &'static str {
        match self {
            Thing::Simulation => "simulate it: voicesim simulate",
            _ => "hold its conversation: voicesim run",
        }
    }

    fn name(self) -> &'static str {
        match self {
            Thing::Json => "JSON",
            Thing::Csv => "CSV",
            Thing::Text => "text",
            Thing::Empty => "an empty file",
            _ => "another thing",
        }
    }
}

fn thing(path: &Path) -> Thing {
    match path.metadata() {
        Err(_) if !path.exists() => Thing::Nothing,
        Err(_) => Thing::Other,
        Ok(found) if found.is_dir() => folder(path),
        // A pipe could block, and a device never end.
        Ok(found) if !found.is_file() => Thing::Other,
        Ok(found) => file(path, found.len()),
    }
}

fn folder(path: &Path) -> Thing {
    if is_run_folder(path) {
        return Thing::RunFolder;
    }
    let Ok(entries) = path.read_dir() else {
        return Thing::Other;
    };
    let inside: Vec<_> = entries.flatten().take(1_000).collect();
    if inside.is_empty() {
        return Thing::EmptyFolder;
    }
    if inside.iter().any(|entry| is_run_folder(&entry.path())) {
        return Thing::RunFolders;
    }
    match holds_recording(path) {
        true => Thing::Recordings,
        false => Thing::Folder,
    }
}

fn file(path: &Path, bytes: u64) -> Thing {
    let extension = path.extension().unwrap_or_default();
    let extension = extension.to_string_lossy().to_lowercase();
    let is_named_sound = is_recording(path);
    if decode::is_audio(path) {
        return Thing::Recording;
    }
    let is_inside = path.parent().is_some_and(is_run_folder);
    match (bytes, start(path)) {
        // Somebody may have put a scenario there.
        _ if is_inside && !is_named_sound && extension != "toml" => Thing::Results,
        (0, _) => Thing::Empty,
        (_, Some(text)) if !is_named_sound => of_text(&extension, &text),
        // Text in a file that is named like a recording, or sound of a kind that is not read.
        (_, Some(_)) => Thing::Other,
        (_, None) if is_named_sound => Thing::Recording,
        (_, None) => Thing::Other,
    }
}

/// The beginning of a file, if it is text.
fn start(path: &Path) -> Option<String> {
    let mut bytes = Vec::new();
    let file = crate::files::open(path, u64::MAX).ok()?;
    file.take(BYTES_MAX).read_to_end(&mut bytes).ok()?;
    let text = match std::str::from_utf8(&bytes) {
        Ok(text) => text,
        // A letter that was cut in two at the end of what was read.
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(&bytes[..error.valid_up_to()]).ok()?
        }
        Err(_) => return None,
    };
    (!text.contains('\0')).then(|| text.to_owned())
}

fn of_text(extension: &str, text: &str) -> Thing {
    let table = toml::from_str::<toml::Table>(text).ok();
    match (extension, table) {
        ("json" | "jsonl", _) => Thing::Json,
        ("csv" | "tsv", _) => Thing::Csv,
        ("md" | "txt" | "rttm" | "html", None) => Thing::Text,
        (_, Some(table)) if !table.is_empty() => {
            let has = |key| table.contains_key(key);
            match (
                has("budget") && table.len() == 1,
                has("caller") || has("load"),
            ) {
                (true, _) => Thing::Budget,
                (false, true) => Thing::Simulation,
                (false, false) => Thing::Scenario,
            }
        }
        // With a mistake in it, or nothing but remarks.
        ("toml", _) => Thing::Scenario,
        _ if ["{", "[{", "[\""]
            .iter()
            .any(|start| text.trim_start().starts_with(start)) =>
        {
            Thing::Json
        }
        // A table of TOML with a mistake in it: the error says where.
        _ if text.trim_start().starts_with('[') => Thing::Other,
        _ => Thing::Text,
    }
}

/// The only scenario in a folder.
fn scenario_in(folder: &Path) -> Option<PathBuf> {
    let entries = folder.read_dir().ok()?.flatten().take(1_000);
    let mut found = entries.map(|entry| entry.path()).filter(|path| {
        let is_toml = path.extension() == Some("toml".as_ref());
        is_toml && matches!(thing(path), Thing::Scenario | Thing::Simulation)
    });
    found.next().filter(|_| found.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// A folder with one thing of each kind.
    fn things() -> tempfile::TempDir {
        let place = tempfile::tempdir().expect("a folder");
        let write = |name: &str, content: &[u8]| {
            let path = place.path().join(name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            fs::write(path, content).expect("written");
        };
        let wav = b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0";
        write("call.wav", wav);
        write("it's one.mp3", b"\xFF\xFB\x90\0");
        write("phone.gsm", b"\xD0\xFF\0\x01");
        write("talk.toml", b"[[turn]]\nsay = \"Hi\"\n");
        write("wrong.toml", b"[[turn\n");
        write("office.toml", b"[caller]\n");
        write("budget.toml", b"[budget]\ne2e_latency_p95_ms = 900\n");
        write("turns.json", b"[{\"speaker\": \"agent\"}]");
        write("claims.csv", b"call,e2e_ms\na,300\n");
        write("notes.md", "Caf\u{e9}s open at nine.\n".as_bytes());
        write("empty.json", b"");
        write("run/header.json", b"{}");
        write("run/conversation.wav", wav);
        write("run/events.jsonl", b"{}\n");
        write("runs/first/header.json", b"{}");
        write("both/first/header.json", b"{}");
        write("both/b.wav", wav);
        write("calls/a.wav", wav);
        write("agent/scenario.toml", b"[[turn]]\nsay = \"Hi\"\n");
        fs::create_dir(place.path().join("nothing")).expect("made");
        place
    }

    /// What each of the things is told to be where something else was asked for.
    fn said(asked_for: impl Fn(&Path) -> Result<(), Failure>) -> String {
        let place = things();
        let names = [
            "call.wav",
            "it's one.mp3",
            "phone.gsm",
            "talk.toml",
            "wrong.toml",
            "office.toml",
            "budget.toml",
            "turns.json",
            "claims.csv",
            "notes.md",
            "empty.json",
            "run",
            "run/conversation.wav",
            "run/events.jsonl",
            "runs",
            "both",
            "calls",
            "agent",
            "nothing",
            "nowhere",
        ];
        let of = |name: &&str| match asked_for(&place.path().join(name)) {
            Ok(()) => format!("{name}: goes on"),
            Err(error) => error
                .to_string()
                .replace(&format!("{}/", place.path().display()), ""),
        };
        names.iter().map(of).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn what_is_no_scenario_is_named() {
        insta::assert_snapshot!(said(as_scenario));
    }

    #[test]
    fn what_is_no_call_is_named() {
        insta::assert_snapshot!(said(as_call));
    }

    #[test]
    fn what_is_no_folder_of_results_is_named() {
        insta::assert_snapshot!(said(as_results));
    }
}
