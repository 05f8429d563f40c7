//! Why nothing can be answered from a folder, and what to do about it.

use crate::files::quoted;
use std::path::{Path, PathBuf};

/// Why a folder cannot be answered from.
#[derive(Debug, thiserror::Error)]
pub enum KnowledgeError {
    #[error("{}: there is no such folder; give an existing folder of .md or .txt files, or none to use the built-in knowledge", folder.display())]
    NoFolder { folder: PathBuf },
    #[error("{}: nothing to answer from; put at least one .md or .txt file with a sentence in it there, or give no folder to use the built-in knowledge", folder.display())]
    Empty { folder: PathBuf },
    #[error("{}, line {line}: not UTF-8 text; save the file as UTF-8 or take it out of the folder", path.display())]
    NotUtf8 { path: PathBuf, line: usize },
    #[error("{}: larger than {mebibytes} MiB; split the file or take it out of the folder", path.display())]
    LargeFile { path: PathBuf, mebibytes: u64 },
    #[error("{}: more than {bound}; give a smaller folder", folder.display())]
    TooMuch {
        folder: PathBuf,
        bound: &'static str,
    },
    #[error("{}: cannot be read ({source}); check its permissions", path.display())]
    Unreadable {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("{}: holds no index; build one: voicesim index build DIR --out {}, or name a folder of documents as `docs`", folder.display(), quoted(folder))]
    NoIndex { folder: PathBuf },
    #[error("{}: the index is damaged ({what}); build it again: voicesim index build DIR --out {}", folder.display(), quoted(folder))]
    Damaged { folder: PathBuf, what: String },
    #[error("{}: the index was built by another version of voicesim ({version}); build it again: voicesim index build DIR --out {}", folder.display(), quoted(folder))]
    OtherVersion { folder: PathBuf, version: String },
    #[error("{}: stands there already; name a new folder with --out, or remove it", folder.display())]
    Exists { folder: PathBuf },
    #[error("{}: cannot be written ({source}); name a folder that can", path.display())]
    Unwritable {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("{}, line {line}: {what}", path.display())]
    Line {
        path: PathBuf,
        line: usize,
        what: String,
    },
    #[error("{0}")]
    Preparation(String),
    #[error(
        "the index of the knowledge cannot be used: {0}; give a smaller folder or free some memory, and build an index that lies in a folder again"
    )]
    Index(#[from] tantivy::TantivyError),
}

impl KnowledgeError {
    pub(super) fn too_much(folder: &Path, bound: &'static str) -> Self {
        Self::TooMuch {
            folder: folder.to_owned(),
            bound,
        }
    }
}
