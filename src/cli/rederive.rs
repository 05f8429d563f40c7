//! `voicesim measure --rederive`: measures again what was measured earlier, and compares every figure.

use super::measure::{Work, settings};
use super::{Failure, Verdict, clocks, print_json, print_plain};
use crate::call::CallSource;
use crate::measure::folder::header_and_scenario;
use crate::measure::{Measurement, Plan, measure};
use crate::record::store::{self, Header, Recording, SoundFile, SoundSide, is_run_folder, sha256};
use crate::report::rederived::{self, Rederived, Verdict as Outcome};
use crate::scenario::Scenario;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Component, Path, PathBuf};

/// More entries than this in a folder and those in it are refused.
const ENTRIES_MAX: usize = 1_000_000;
/// Folders within folders beyond this are passed over.
const DEPTH_MAX: usize = 16;

/// What was asked for.
pub(super) struct Asked<'a> {
    /// The folder that `measure --out` wrote, or one of several.
    pub(super) folder: &'a Path,
    /// Where to look for the recordings by their sha256; `None` to take them from where they were.
    pub(super) audio: Option<&'a Path>,
    pub(super) is_json: bool,
    pub(super) is_quiet: bool,
}

/// Measures again, and tells what differs.
///
/// # Errors
/// A call that cannot be measured again, unless another one differs: that is told first.
pub(super) fn rederive(asked: &Asked<'_>) -> Result<Verdict, Failure> {
    let records = records(asked.folder)?;
    let mut sound = Sound::of(asked.audio)?;
    let mut work = None;
    let mut calls = Vec::with_capacity(records.len());
    for folder in &records {
        let name = name(folder, asked.folder);
        let call = match one(folder, &name, &mut sound, (&mut work, asked.is_quiet)) {
            Ok(call) => call,
            Err(Stop::Other(reason)) => Rederived::without(name, Outcome::OtherAudio, reason),
            Err(Stop::NotDone(reason)) => Rederived::without(name, Outcome::NotDone, reason),
            Err(Stop::Unavailable(failure)) => return Err(failure),
        };
        calls.push(call);
    }
    match asked.is_json {
        true => print_json(&rederived::rederived(&calls))?,
        false => print_plain(&rederived::text(&calls)),
    }
    match rederived::counts(&calls) {
        (_, 0, 0) => Ok(Verdict::Fine),
        (_, 0, not_done) => {
            let first = calls.iter().find_map(|call| call.reason.as_deref());
            Err(Failure::Input(format!(
                "{not_done} of {} calls could not be measured again: {}",
                calls.len(),
                first.unwrap_or_default()
            )))
        }
        _ => Ok(Verdict::NotAsAsked),
    }
}

/// Why a call was not measured again.
enum Stop {
    /// Its audio is there, and not the one on record.
    Other(String),
    NotDone(String),
    /// A model is missing, which the next call needs too.
    Unavailable(Failure),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Stop {
        match failure {
            Failure::Input(reason) => Stop::NotDone(reason),
            unavailable => Stop::Unavailable(unavailable),
        }
    }
}

fn not_done(error: impl ToString) -> Stop {
    Stop::NotDone(error.to_string())
}

/// What is on record of a call.
struct Kept {
    header: Header,
    scenario: Scenario,
    recording: Recording,
    measured: Measurement,
}

impl Kept {
    fn read(folder: &Path) -> Result<Kept, Stop> {
        let shown = folder.display();
        let (header, scenario) = header_and_scenario(folder).map_err(not_done)?;
        if header.clock != Header::RECORDING {
            return Err(Stop::NotDone(format!(
                "{shown} holds a run, not a measured call; `voicesim run --recorded {}` repeats it",
                crate::files::quoted(folder)
            )));
        }
        let recording = Recording::read(folder).map_err(not_done)?;
        let recording = recording.ok_or_else(|| {
            Stop::NotDone(format!(
                "{shown} does not say what it was measured from, since an older version wrote it; measure the recording anew with --out"
            ))
        })?;
        let events = store::read_events(folder).map_err(not_done)?;
        let measured = measure(&events, &Plan::of(&scenario, header.rows_per));
        if measured.is_cut_short {
            return Err(Stop::NotDone(format!(
                "{shown} is not whole: its record ends before the call does; measure the recording anew with --out"
            )));
        }
        Ok(Kept {
            header,
            scenario,
            recording,
            measured,
        })
    }
}

fn one(
    folder: &Path,
    name: &str,
    sound: &mut Sound,
    (work, is_quiet): (&mut Option<Work>, bool),
) -> Result<Rederived, Stop> {
    let kept = Kept::read(folder)?;
    let source = source(&kept.recording, folder, sound)?;
    // A scenario on record may come from others and must not start programs, so only the settings that a measurement
    // needs are taken from it.
    let settings = settings(kept.scenario.ear.vad_threshold)?;
    let work = match work {
        Some(work) => work,
        None => work.insert(Work::new(settings.clone(), is_quiet)),
    };
    work.go_by(settings, kept.recording.transcribes, kept.recording.silero)?;
    let (mut call, _) = work.measure(&source, kept.header.name.clone(), None)?;
    let plan = Plan::of(&kept.scenario, kept.header.rows_per);
    call.measured.judge(&plan.budgets);
    Rederived::of(
        name.to_owned(),
        (&kept.header, &kept.measured),
        (&call.header, &call.measured),
    )
    .map_err(not_done)
}

/// The recording on record, where it is now.
fn source(recording: &Recording, folder: &Path, sound: &mut Sound) -> Result<CallSource, Stop> {
    let mut paths = Vec::new();
    for file in &recording.files {
        paths.push(sound.find(file, folder)?);
    }
    match paths.as_slice() {
        [path] => Ok(CallSource::Stereo {
            path: path.clone(),
            is_swapped: recording.is_swapped,
        }),
        [caller, agent] => clocks::source(caller.clone(), agent.clone(), recording.clocks)
            .map_err(|error| Stop::NotDone(error.to_string())),
        _ => Err(Stop::NotDone("its record names no file".into())),
    }
}

/// What is on record of the files of a recording, as they are seen from `folder`.
///
/// # Errors
/// A file that cannot be read.
pub(super) fn files(source: &CallSource, folder: &Path) -> Result<Vec<SoundFile>, Failure> {
    let of = |side, path: &Path| {
        SoundFile::of(side, path, folder)
            .map_err(|error| Failure::Input(format!("{}: {error}", path.display())))
    };
    match source {
        CallSource::Stereo { path, .. } | CallSource::Mixed { path, .. } => {
            Ok(vec![of(SoundSide::Both, path)?])
        }
        CallSource::Two { caller, agent, .. } => Ok(vec![
            of(SoundSide::Caller, caller)?,
            of(SoundSide::Agent, agent)?,
        ]),
    }
}

/// Where recordings are looked for.
enum Sound {
    WhereItWas,
    /// The files of a folder by their length, each with its sha256 once it is known.
    In {
        folder: PathBuf,
        by_bytes: BTreeMap<u64, Vec<(PathBuf, Option<String>)>>,
    },
}

impl Sound {
    fn of(folder: Option<&Path>) -> Result<Sound, Failure> {
        let Some(folder) = folder else {
            return Ok(Sound::WhereItWas);
        };
        let mut by_bytes: BTreeMap<u64, Vec<(PathBuf, Option<String>)>> = BTreeMap::new();
        walk(folder, |path| {
            if let Ok(file) = path.metadata()
                && file.is_file()
            {
                by_bytes.entry(file.len()).or_default().push((path, None));
            }
            Go::In
        })
        .map_err(|reason| Failure::Input(format!("--audio {reason}")))?;
        let folder = folder.to_owned();
        Ok(Sound::In { folder, by_bytes })
    }

    fn find(&mut self, file: &SoundFile, record: &Path) -> Result<PathBuf, Stop> {
        let name = file.path.file_name().unwrap_or_default();
        match self {
            Sound::WhereItWas => {
                let path = seen_from(record, &file.path);
                if !path.exists() {
                    return Err(Stop::NotDone(format!(
                        "{} is not there any more; name the folder in which it is now: --audio DIR",
                        path.display()
                    )));
                }
                let (_, found) = sha256(&path)
                    .map_err(|error| not_done(format!("{}: {error}", path.display())))?;
                match found == file.sha256 {
                    true => Ok(path),
                    false => Err(other(&path, &found, file)),
                }
            }
            Sound::In { folder, by_bytes } => {
                for (path, known) in by_bytes.get_mut(&file.bytes).into_iter().flatten() {
                    if known.is_none() {
                        *known = sha256(path).ok().map(|(_, found)| found);
                    }
                    if known.as_ref() == Some(&file.sha256) {
                        return Ok(path.clone());
                    }
                }
                let mut all = by_bytes.values().flatten();
                let namesake = all.find(|(path, _)| path.file_name() == Some(name));
                match namesake.map(|(path, _)| (path, sha256(path))) {
                    Some((path, Ok((_, found)))) => Err(other(path, &found, file)),
                    _ => Err(Stop::NotDone(format!(
                        "no file in {} has the sha256 {} of {}; name the folder in which it is: --audio DIR",
                        folder.display(),
                        file.sha256,
                        name.to_string_lossy()
                    ))),
                }
            }
        }
    }
}

/// A path on record, as it is from the folder of the record: without the way up and down again.
fn seen_from(record: &Path, path: &Path) -> PathBuf {
    let mut whole = record.canonicalize().unwrap_or_else(|_| record.to_owned());
    for part in path.components() {
        match part {
            Component::ParentDir => {
                whole.pop();
            }
            part => whole.push(part),
        }
    }
    whole
}

fn other(path: &Path, found: &str, file: &SoundFile) -> Stop {
    Stop::Other(format!(
        "{} has the sha256 {found}, and {} is on record; name the folder in which that is: --audio DIR",
        path.display(),
        file.sha256
    ))
}

/// The folders of measured calls in a folder, itself included, in order.
fn records(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    if is_run_folder(folder) {
        return Ok(vec![folder.to_owned()]);
    }
    let mut found = Vec::new();
    walk(folder, |path| match is_run_folder(&path) {
        true => {
            found.push(path);
            Go::On
        }
        false => Go::In,
    })
    .map_err(Failure::Input)?;
    found.sort();
    match found.is_empty() {
        true => Err(Failure::Input(format!(
            "{} holds neither a header.json nor folders that do; --rederive takes what `voicesim measure --out DIR` wrote",
            folder.display()
        ))),
        false => Ok(found),
    }
}

/// Whether to look into a folder.
enum Go {
    In,
    On,
}

/// Tells every entry of a folder and of the folders in it. Links are told and not followed.
fn walk(folder: &Path, mut told: impl FnMut(PathBuf) -> Go) -> Result<(), String> {
    let mut open = vec![(folder.to_owned(), 0)];
    let mut entries = 0;
    while let Some((folder, depth)) = open.pop() {
        let unreadable = |error: std::io::Error| {
            format!(
                "{}: {error}; name a folder that can be read",
                folder.display()
            )
        };
        for entry in fs::read_dir(&folder).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            entries += 1;
            if entries > ENTRIES_MAX {
                return Err(format!(
                    "{}: there are more than {ENTRIES_MAX} files in it; name a smaller folder",
                    folder.display()
                ));
            }
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            let path = entry.path();
            let goes_in = matches!(told(path.clone()), Go::In);
            if is_folder && goes_in && depth < DEPTH_MAX {
                open.push((path, depth + 1));
            }
        }
    }
    Ok(())
}

/// The name of a record: where it lies in the folder that was named.
fn name(record: &Path, folder: &Path) -> String {
    let inside = record.strip_prefix(folder).unwrap_or(record);
    let inside = match inside.as_os_str().is_empty() {
        true => Path::new(record.file_name().unwrap_or(record.as_os_str())),
        false => inside,
    };
    inside.display().to_string()
}
