//! A folder of documents -> their texts. Everything read from outside is bounded here.
//!
//! This file must not know how a document is cut, or about the index.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::asked::Asked;
use super::error::KnowledgeError;
use super::lexicon;
use crate::files;

/// The largest file read, in bytes.
pub const FILE_BYTES_MAX: u64 = 4 << 20;
/// The most bytes read from one folder.
pub const FOLDER_BYTES_MAX: u64 = 64 << 20;
/// Folders nested deeper than this are not entered.
const DEPTH_MAX: usize = 16;
/// The most folder entries looked at, so that a whole disk given by mistake is refused quickly.
const ENTRIES_MAX: usize = 100_000;

/// A text and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// The document's path below the folder, with "/" between the parts.
    pub file: String,
    pub format: Format,
    pub text: String,
}

/// A folder's texts, and the questions that are asked of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Documents {
    pub texts: Vec<Document>,
    pub asked: Asked,
    /// What means the same in them, besides what does everywhere: the list beside the documents, empty without one.
    pub synonyms: String,
}

/// Makes documents of texts without questions that are asked of them.
impl From<Vec<Document>> for Documents {
    fn from(texts: Vec<Document>) -> Documents {
        Documents {
            texts,
            asked: Asked::default(),
            synonyms: String::new(),
        }
    }
}

/// How a file's text is to be taken, by its extension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Markdown,
    Plain,
}

impl Format {
    /// The format of a file: `.md` and `.txt` in any case; `None` for every other file.
    pub fn of(path: &Path) -> Option<Self> {
        let extension = path.extension()?.to_str()?;
        if extension.eq_ignore_ascii_case("md") {
            return Some(Self::Markdown);
        }
        extension.eq_ignore_ascii_case("txt").then_some(Self::Plain)
    }
}

/// Every `.md` and `.txt` file below `folder`, in order of their paths, and what is asked of them.
///
/// Names that begin with a dot are skipped; links to files are followed, links to folders are not.
/// Errors: a folder that is missing, a file that cannot be read, is not UTF-8, or passes a bound.
pub(super) fn read(folder: &Path) -> Result<Documents, KnowledgeError> {
    let mut files = Vec::new();
    let mut entries_left = ENTRIES_MAX;
    if !folder.is_dir() {
        return Err(KnowledgeError::NoFolder {
            folder: folder.to_owned(),
        });
    }
    list_files(folder, DEPTH_MAX, &mut entries_left, &mut files)?;
    files.sort_by(|(a, _), (b, _)| a.cmp(b));
    let mut texts = Vec::new();
    let mut bytes_left = FOLDER_BYTES_MAX;
    for (path, format) in files {
        let text = read_text(&path, FILE_BYTES_MAX)?;
        bytes_left = bytes_left
            .checked_sub(text.len() as u64)
            .ok_or_else(|| KnowledgeError::too_much(folder, "64 MiB of text"))?;
        let file = file_below(folder, &path);
        texts.push(Document { file, format, text });
    }
    let asked = Asked::read(folder)?;
    let list = folder.join(lexicon::FILE);
    let synonyms = match list.is_file() {
        true => read_text(&list, lexicon::LIST_BYTES_MAX)?,
        false => String::new(),
    };
    if let Some(line) = lexicon::line_without_group(&synonyms) {
        return Err(KnowledgeError::Line {
            path: list,
            line,
            what: "no group; a line is a name, a colon, and words that mean the same, with commas between them".into(),
        });
    }
    Ok(Documents {
        texts,
        asked,
        synonyms,
    })
}

/// The path below a folder, the same on every system.
fn file_below(folder: &Path, path: &Path) -> String {
    let below = path.strip_prefix(folder).unwrap_or(path);
    let parts = below
        .components()
        .map(|part| part.as_os_str().to_string_lossy());
    parts.collect::<Vec<_>>().join("/")
}

fn list_files(
    folder: &Path,
    depth_left: usize,
    entries_left: &mut usize,
    files: &mut Vec<(PathBuf, Format)>,
) -> Result<(), KnowledgeError> {
    let unreadable = |source| KnowledgeError::Unreadable {
        path: folder.to_owned(),
        source,
    };
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        *entries_left = entries_left
            .checked_sub(1)
            .ok_or_else(|| KnowledgeError::too_much(folder, "100,000 files"))?;
        let path = entry.path();
        if entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        if entry.file_type().map_err(unreadable)?.is_dir() {
            if depth_left > 0 {
                list_files(&path, depth_left - 1, entries_left, files)?;
            }
        } else if let Some(format) = Format::of(&path).filter(|_| path.is_file()) {
            files.push((path, format));
        }
    }
    Ok(())
}

/// A file's text, of at most `bytes_max` bytes.
pub(super) fn read_text(path: &Path, bytes_max: u64) -> Result<String, KnowledgeError> {
    let unreadable = |source| KnowledgeError::Unreadable {
        path: path.to_owned(),
        source,
    };
    let bytes = files::read(path, bytes_max).map_err(|error| match error.kind() {
        io::ErrorKind::FileTooLarge => KnowledgeError::LargeFile {
            path: path.to_owned(),
            mebibytes: bytes_max >> 20,
        },
        _ => unreadable(error),
    })?;
    String::from_utf8(bytes).map_err(|error| KnowledgeError::NotUtf8 {
        path: path.to_owned(),
        line: 1 + error.as_bytes()[..error.utf8_error().valid_up_to()]
            .iter()
            .filter(|byte| **byte == b'\n')
            .count(),
    })
}
