//! JSON documents in folders of results, each with a schema of its own.

use super::StoreError;
use crate::files;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io;
use std::path::Path;

/// A document in a folder.
pub(crate) trait Document: Serialize + DeserializeOwned {
    /// The name of its file.
    const NAME: &str;
    /// The length in bytes up to which it is read.
    const BYTES_MAX: u64;
    /// The schema that this version writes and reads.
    const KNOWN: &str;

    /// The schema that it says of itself.
    fn schema(&self) -> &str;
}

/// Writes a document, as a whole or not at all.
///
/// # Errors
/// Fails if it cannot be written.
pub(crate) fn write<T: Document>(folder: &Path, document: &T) -> Result<(), StoreError> {
    let path = folder.join(T::NAME);
    let write = |source| StoreError::Write {
        path: path.clone(),
        source,
    };
    let text = serde_json::to_string_pretty(document).map_err(|error| write(error.into()))? + "\n";
    // What is written can be read.
    if text.len() as u64 > T::BYTES_MAX {
        return Err(StoreError::TooLong {
            bytes: text.len() as u64,
            bytes_max: T::BYTES_MAX,
            path,
        });
    }
    files::write_whole(&path, text.as_bytes()).map_err(write)
}

/// Reads a document of a folder; `None` if the folder has none.
///
/// # Errors
/// Fails if it cannot be read, is longer, or has another schema.
pub(crate) fn read<T: Document>(folder: &Path) -> Result<Option<T>, StoreError> {
    let path = folder.join(T::NAME);
    let bytes = match files::read(&path, T::BYTES_MAX) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(StoreError::Read { path, source }),
    };
    let document: T =
        serde_json::from_slice(&bytes).map_err(|error| wrong::<T>(folder, error.to_string()))?;
    let (schema, known) = (document.schema(), T::KNOWN);
    if schema != known {
        let reason = format!("its schema is {schema:?}, this version reads {known:?}");
        return Err(wrong::<T>(folder, reason));
    }
    Ok(Some(document))
}

/// The error about what is wrong with the document of a folder.
pub(super) fn wrong<T: Document>(folder: &Path, reason: String) -> StoreError {
    StoreError::Header {
        path: folder.join(T::NAME),
        reason,
    }
}
