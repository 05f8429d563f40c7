//! Which recording a call was measured from, and how: `recording.json` in the folder that `measure --out` writes.
//!
//! The document is kept beside the events and never in them: what happened in a call does not depend on where its
//! recording lies.

use super::StoreError;
use super::document::{self, Document};
use crate::files;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

/// The name of the document in its folder.
const NAME: &str = "recording.json";
/// A longer document is refused.
const BYTES_MAX: u64 = 1 << 20;
/// How much of a file is hashed at once.
const CHUNK_BYTES: usize = 1 << 18;

/// The recording that a call was measured from, and the settings that no header has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recording {
    /// [`Recording::SCHEMA`].
    pub schema: String,
    /// One file with both sides of the call, or one for each side.
    pub files: Vec<SoundFile>,
    /// Whether the caller is on the right channel of a file with both.
    pub is_swapped: bool,
    /// What it means if two files differ in length; absent if nobody said.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub clocks: Option<FileClocks>,
    /// Whether what was said was written down.
    pub transcribes: bool,
    /// Whether Silero's voice detector listened too.
    pub silero: bool,
}

/// What it means if the files of two sides differ in length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileClocks {
    /// The shorter file was stopped earlier.
    Agree,
    /// Both files hold the whole call, so that one clock is slow.
    Drift,
}

/// A file of a recording.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SoundFile {
    /// Who is heard in it.
    pub side: SoundSide,
    /// Where it was, as seen from the folder of the record: `../calls/a.wav`.
    pub path: PathBuf,
    /// Its length in bytes.
    pub bytes: u64,
    /// The sha256 of these bytes, in 64 lower-case hexadecimal digits.
    pub sha256: String,
}

/// Who is heard in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SoundSide {
    /// Caller and agent, a channel each.
    Both,
    /// The caller alone.
    Caller,
    /// The agent alone.
    Agent,
}

impl SoundFile {
    /// A file as it is now, with its path as seen from `folder`, which is there.
    ///
    /// # Errors
    /// Fails if the file cannot be read.
    pub fn of(side: SoundSide, path: &Path, folder: &Path) -> io::Result<SoundFile> {
        let (bytes, sha256) = sha256(path)?;
        Ok(SoundFile {
            side,
            path: seen_from(path, folder)?,
            bytes,
            sha256,
        })
    }
}

impl Document for Recording {
    const NAME: &str = NAME;
    const BYTES_MAX: u64 = BYTES_MAX;
    const KNOWN: &str = Recording::SCHEMA;

    fn schema(&self) -> &str {
        &self.schema
    }
}

impl Recording {
    /// The schema that this version writes and reads.
    pub const SCHEMA: &'static str = "voicesim.recording/1";

    /// Writes the document into the folder of a measured call.
    ///
    /// # Errors
    /// Fails if it cannot be written.
    pub fn write(&self, folder: &Path) -> Result<(), StoreError> {
        document::write(folder, self)
    }

    /// Reads the document of a folder; `None` if the folder has none.
    ///
    /// # Errors
    /// Fails if it cannot be read, or is none that this version knows.
    pub fn read(folder: &Path) -> Result<Option<Recording>, StoreError> {
        let Some(own) = document::read::<Recording>(folder)? else {
            return Ok(None);
        };
        let sides: Vec<SoundSide> = own.files.iter().map(|file| file.side).collect();
        match sides.as_slice() {
            [SoundSide::Both] | [SoundSide::Caller, SoundSide::Agent] => Ok(Some(own)),
            _ => Err(document::wrong::<Recording>(
                folder,
                "its files are neither one with both sides nor the caller's and the agent's".into(),
            )),
        }
    }
}

/// How many bytes a file has, and their sha256 in lower-case hexadecimal digits.
///
/// # Errors
/// Fails if it cannot be read, or is no file: a pipe may have no end.
pub fn sha256(path: &Path) -> io::Result<(u64, String)> {
    let mut file = files::open(path, u64::MAX)?;
    let mut digest = Sha256::new();
    let mut chunk = vec![0; CHUNK_BYTES];
    let mut bytes = 0;
    loop {
        match file.read(&mut chunk) {
            Ok(0) => break,
            Ok(read) => {
                bytes += read as u64;
                digest.update(&chunk[..read]);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    let digits = digest
        .finalize()
        .iter()
        .fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        });
    Ok((bytes, digits))
}

/// A path as seen from a folder, so that both can be moved together; as it is where they have nothing in common.
fn seen_from(path: &Path, folder: &Path) -> io::Result<PathBuf> {
    let (path, folder) = (path.canonicalize()?, folder.canonicalize()?);
    let (mut to, mut from) = (path.components(), folder.components());
    let (mut rest, mut up) = (to.clone(), from.clone());
    let mut has_root = false;
    while let (Some(one), Some(other)) = (to.next(), from.next()) {
        if one != other {
            break;
        }
        has_root = true;
        (rest, up) = (to.clone(), from.clone());
    }
    if !has_root {
        return Ok(path);
    }
    let up = up.map(|_| Component::ParentDir);
    Ok(up.chain(rest).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_recording_is_found_again_where_both_were_moved_together() {
        let root = tempfile::tempdir().expect("a folder");
        let (calls, kept) = (root.path().join("calls"), root.path().join("out/a.wav"));
        fs::create_dir_all(&calls).expect("made");
        fs::create_dir_all(&kept).expect("made");
        fs::write(calls.join("a.wav"), "abc").expect("written");
        let file = SoundFile::of(SoundSide::Both, &calls.join("a.wav"), &kept).expect("hashed");
        assert_eq!(file.path, Path::new("../../calls/a.wav"));
        assert_eq!(file.bytes, 3);
        // FIPS 180-2, B.1.
        assert_eq!(
            file.sha256,
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        let recording = Recording {
            schema: Recording::SCHEMA.into(),
            files: vec![file],
            is_swapped: true,
            clocks: None,
            transcribes: false,
            silero: false,
        };
        recording.write(&kept).expect("written");
        assert_eq!(Recording::read(&kept).expect("read"), Some(recording));
        assert_eq!(Recording::read(&calls).expect("read"), None);
    }

    #[test]
    fn what_is_no_such_document_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let no_files = r#"{"schema":"voicesim.recording/1","files":[],"is_swapped":false,"transcribes":false,"silero":false}"#;
        let of_later = no_files.replace("recording/1", "recording/9");
        for (text, expected) in [
            ("{}", "missing field"),
            (no_files, "its files are neither"),
            (&of_later, "its schema is"),
        ] {
            fs::write(folder.path().join(NAME), text).expect("written");
            let error = Recording::read(folder.path()).expect_err(expected);
            assert!(error.to_string().contains(expected), "{error}");
        }
    }
}
