//! Which files of a folder are recordings.

use super::Failure;
use crate::audio::AudioError;
use crate::record::store::{Moments, is_run_folder};
use std::path::{Path, PathBuf};

/// Files of a folder that are taken for recordings.
pub(super) const EXTENSIONS: [&str; 38] = [
    "wav", "wave", "w64", "rf64", "bwf", "flac", "mp3", "ogg", "oga", "opus", "m4a", "mp4", "aac",
    "webm", "mka", "mkv", "aif", "aiff", "aifc", "caf", "au",
    "snd", // Some of these cannot be read, which is said of each.
    "raw", "pcm", "ul", "ulaw", "al", "alaw", "gsm", "g722", "g729", "amr", "awb", "wma", "spx",
    "mov", "avi", "3gp",
];
/// Folders in folders are searched this deep.
const DEPTH_MAX: usize = 8;
/// More calls than this in one folder are refused.
const CALLS_MAX: usize = 100_000;

/// The recordings in a folder and in those inside it, by name; whatever else lies there is told by what it is called.
pub(super) fn recordings(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let (mut found, mut folders) = (Vec::new(), vec![(folder.to_owned(), 0)]);
    while let Some((folder, depth)) = folders.pop() {
        let unreadable = |source| {
            let path = folder.clone();
            Failure::input(AudioError::Unreadable { path, source })
        };
        for entry in folder.read_dir().map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            let path = entry.path();
            let is_hidden = entry.file_name().to_string_lossy().starts_with('.');
            let kind = entry.file_type().map_err(unreadable)?;
            match kind.is_dir() {
                _ if is_hidden => {}
                true if depth < DEPTH_MAX => folders.push((path, depth + 1)),
                false if is_recording(&path) && !is_kept(&folder, &path) => found.push(path),
                _ => {}
            }
            if found.len() > CALLS_MAX {
                let what = format!(
                    "{} holds more than {CALLS_MAX} recordings; measure them in parts",
                    folder.display()
                );
                return Err(Failure::Input(what));
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Whether the file is what `measure --out` kept of a call, which is no call.
fn is_kept(folder: &Path, path: &Path) -> bool {
    path == Moments::wav(folder) && Moments::document(folder).is_file()
}

/// How many entries are looked at before a folder is taken to hold no recordings.
const LOOKED_AT_MAX: usize = 10_000;

/// Whether a recording lies in the folder or in those inside it that are no folders of results; the first one ends the
/// search.
pub(super) fn holds_recording(folder: &Path) -> bool {
    let (mut folders, mut looked_at) = (vec![(folder.to_owned(), 0)], 0);
    while let Some((folder, depth)) = folders.pop() {
        for entry in folder.read_dir().into_iter().flatten().flatten() {
            looked_at += 1;
            if looked_at > LOOKED_AT_MAX {
                return false;
            }
            let path = entry.path();
            let is_hidden = entry.file_name().to_string_lossy().starts_with('.');
            match entry.file_type() {
                Ok(kind) if is_hidden || (kind.is_dir() && is_run_folder(&path)) => {}
                Ok(kind) if kind.is_dir() && depth < DEPTH_MAX => folders.push((path, depth + 1)),
                Ok(kind) if !kind.is_dir() && is_recording(&path) => return true,
                _ => {}
            }
        }
    }
    false
}

pub(super) fn is_recording(path: &Path) -> bool {
    let extension = path
        .extension()
        .unwrap_or_default()
        .to_string_lossy()
        .to_lowercase();
    EXTENSIONS.contains(&extension.as_str())
}
