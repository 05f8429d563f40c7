//! The end of a folder of results: `checksums.json`, written last, with the length and the sha256 of every file in it.
//! A folder is whole once it is there; a bit that flips later is found.
//!
//! Folders of earlier versions have none, and are read as they are.

use super::document::{self, Document};
use super::read::HEADER;
use super::{EVENTS, StoreError, TURNS, sha256};
use crate::files::{UNFINISHED, is_unfinished, release};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

/// The file with the checksums.
const NAME: &str = CHECKSUMS;

/// The name of that file.
pub(super) const CHECKSUMS: &str = "checksums.json";
/// A longer one is refused: a run of days has a hundred thousand outputs.
const BYTES_MAX: u64 = 64 << 20;
/// Folders lie no deeper than this in a folder of results: `outputs/text_to_speech/`.
const DEPTH_MAX: usize = 3;
/// What every reader of a folder reads.
const READ_ALWAYS: [&str; 5] = [HEADER, EVENTS, TURNS, "totals.json", "costliest.json"];

/// The length and the hash of every file.
#[derive(Debug, Serialize, Deserialize)]
struct Checksums {
    schema: String,
    /// By the path in the folder, with `/` between its parts.
    files: BTreeMap<String, Checksum>,
}

/// The length in bytes and the sha256 of a file, in lower-case hexadecimal digits.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Checksum {
    bytes: u64,
    sha256: String,
}

impl Document for Checksums {
    const NAME: &str = NAME;
    const BYTES_MAX: u64 = BYTES_MAX;
    const KNOWN: &str = "voicesim.checksums/1";

    fn schema(&self) -> &str {
        &self.schema
    }
}

/// Says that everything is in the folder: writes the checksums of all that is there, and takes the mark away that it is
/// being written. What every reader reads is on disk then, whatever happens; outputs and sound reach it a little later,
/// and checksums tell if they did not.
///
/// # Errors
/// Fails if a file cannot be read again, or the checksums cannot be written.
pub fn seal(folder: &Path) -> Result<(), StoreError> {
    let mut files = BTreeMap::new();
    for name in files_in(folder)? {
        let path = folder.join(&name);
        let unreadable = |source| StoreError::Read {
            path: path.clone(),
            source,
        };
        if READ_ALWAYS.contains(&name.as_str()) {
            let synced = File::open(&path).and_then(|file| file.sync_all());
            synced.map_err(|source| StoreError::Write {
                path: path.clone(),
                source,
            })?;
        }
        let (bytes, sha256) = sha256(&path).map_err(unreadable)?;
        files.insert(name, Checksum { bytes, sha256 });
    }
    let schema = Checksums::KNOWN.to_owned();
    document::write(folder, &Checksums { schema, files })?;
    release(folder).map_err(|source| StoreError::Write {
        path: folder.join(UNFINISHED),
        source,
    })
}

/// Compares with their checksums what every reader reads: the header, the events, the turns and figures of a simulation.
/// A folder that is being written, or that an earlier version wrote, has none, and passes.
///
/// # Errors
/// Fails if one of them is not as it was written.
pub fn verify(folder: &Path) -> Result<(), StoreError> {
    check(folder, |name| READ_ALWAYS.contains(&name))
}

/// Compares with their checksums all files that were there when the folder was finished.
///
/// # Errors
/// As of [`verify`]; and if a file is missing, or the folder is not whole.
pub fn verify_whole(folder: &Path) -> Result<(), StoreError> {
    if is_unfinished(folder) {
        return Err(StoreError::Unfinished {
            path: folder.to_owned(),
        });
    }
    check(folder, |_| true)
}

fn check(folder: &Path, is_of_interest: impl Fn(&str) -> bool) -> Result<(), StoreError> {
    let Some(own) = document::read::<Checksums>(folder)? else {
        return Ok(());
    };
    for name in READ_ALWAYS {
        if is_of_interest(name) && folder.join(name).exists() && !own.files.contains_key(name) {
            return Err(damaged(folder, name, "it was put there later"));
        }
    }
    for (name, written) in &own.files {
        let is_inside = !name.contains("..") && !Path::new(name).is_absolute();
        if !is_of_interest(name) || !is_inside {
            continue;
        }
        let path = folder.join(name);
        match sha256(&path) {
            Ok((bytes, _)) if bytes != written.bytes => {
                let what = format!(
                    "it has {bytes} bytes, and was written with {}",
                    written.bytes
                );
                return Err(damaged(folder, name, &what));
            }
            Ok((_, sha256)) if sha256 != written.sha256 => {
                return Err(damaged(folder, name, "its sha256 is another one"));
            }
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(damaged(folder, name, "it is missing"));
            }
            Err(source) => return Err(StoreError::Read { path, source }),
        }
    }
    Ok(())
}

fn damaged(folder: &Path, name: &str, what: &str) -> StoreError {
    StoreError::Damaged {
        path: folder.join(name),
        what: what.to_owned(),
    }
}

/// The files in a folder by their paths in it, without the checksums, the mark, and what lies in folders of results
/// inside.
fn files_in(folder: &Path) -> Result<Vec<String>, StoreError> {
    let mut files = Vec::new();
    let mut folders: Vec<(PathBuf, String)> = vec![(folder.to_owned(), String::new())];
    while let Some((path, before)) = folders.pop() {
        let unreadable = |source| StoreError::Read {
            path: path.clone(),
            source,
        };
        for entry in path.read_dir().map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let kind = entry.file_type().map_err(unreadable)?;
            let is_own = before.is_empty() && [NAME, UNFINISHED].contains(&name.as_str());
            // Pages are made again and again.
            let is_page = before.is_empty() && name.ends_with(".html");
            if is_own || is_page || name.starts_with('.') {
                continue;
            }
            let name = format!("{before}{name}");
            if kind.is_dir() && name.matches('/').count() < DEPTH_MAX {
                let inside = entry.path();
                if !inside.join(HEADER).exists() {
                    folders.push((inside, name + "/"));
                }
            } else if kind.is_file() {
                files.push(name);
            }
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::claim;
    use std::fs;

    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        claim(folder.path()).expect("claimed");
        fs::create_dir_all(folder.path().join("outputs/text_to_speech")).expect("made");
        for name in [
            HEADER,
            EVENTS,
            "outputs/answer.jsonl",
            "outputs/text_to_speech/1.wav",
        ] {
            fs::write(folder.path().join(name), format!("{name}\n")).expect("written");
        }
        folder
    }

    #[test]
    fn every_flipped_bit_is_found() {
        let folder = folder();
        seal(folder.path()).expect("sealed");
        verify_whole(folder.path()).expect("whole");
        for name in [
            HEADER,
            EVENTS,
            "outputs/answer.jsonl",
            "outputs/text_to_speech/1.wav",
        ] {
            let path = folder.path().join(name);
            let before = fs::read(&path).expect("read");
            for bit in 0..8 * before.len() {
                let mut flipped = before.clone();
                flipped[bit / 8] ^= 1 << (bit % 8);
                fs::write(&path, flipped).expect("written");
                let error = verify_whole(folder.path())
                    .expect_err("damaged")
                    .to_string();
                assert!(error.contains(name), "{error}");
                assert_eq!(verify(folder.path()).is_err(), READ_ALWAYS.contains(&name));
            }
            fs::write(&path, &before).expect("written");
        }
    }

    #[test]
    fn what_is_missing_cut_or_added_is_found() {
        let folder = folder();
        seal(folder.path()).expect("sealed");
        let events = folder.path().join(EVENTS);
        fs::write(&events, "e").expect("written");
        assert!(
            verify(folder.path())
                .expect_err("cut")
                .to_string()
                .contains("1 bytes")
        );
        fs::remove_file(&events).expect("removed");
        assert!(
            verify(folder.path())
                .expect_err("gone")
                .to_string()
                .contains("missing")
        );
        fs::write(&events, format!("{EVENTS}\n")).expect("written");
        verify(folder.path()).expect("whole");
        fs::write(folder.path().join(TURNS), "").expect("written");
        assert!(
            verify(folder.path())
                .expect_err("added")
                .to_string()
                .contains("later")
        );
    }

    #[test]
    fn a_folder_without_checksums_passes_unless_it_is_being_written() {
        let folder = folder();
        verify(folder.path()).expect("nothing to compare with");
        let error = verify_whole(folder.path()).expect_err("unfinished");
        assert!(matches!(error, StoreError::Unfinished { .. }), "{error}");
        release(folder.path()).expect("released");
        verify_whole(folder.path()).expect("an old folder");
    }
}
