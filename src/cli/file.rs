//! Files that flags ask for.

use super::Failure;
use crate::record::store::stream_whole;
use std::io::{self, Write};
use std::path::Path;

/// Writes what a flag asked for, as a whole or not at all.
pub(super) fn write(flag: &str, path: &Path, text: &str) -> Result<(), Failure> {
    stream_whole(path, |out| out.write_all(text.as_bytes()))
        .map_err(|error| unwritable(&format!("{flag} {}", path.display()), &error))
}

/// The error for a file that could not be written: the user's input is wrong if another name would help, else
/// the disk is not available.
pub(super) fn unwritable(what: &str, source: &io::Error) -> Failure {
    match source.kind() {
        io::ErrorKind::NotFound
        | io::ErrorKind::NotADirectory
        | io::ErrorKind::IsADirectory
        | io::ErrorKind::PermissionDenied => Failure::Input(format!(
            "{what}: {source}; name a file in a folder that is there and may be written to"
        )),
        _ => Failure::Unavailable(format!("{what}: {source}; make room or name another file")),
    }
}

/// Refuses what cannot become a file, before minutes of work are spent on it.
pub(super) fn refuse_unwritable(flag: &str, path: &Path) -> Result<(), Failure> {
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    if path.is_dir() || !folder.is_dir() {
        return Err(Failure::Input(format!(
            "{flag} {}: there is no folder {} for a file of that name; make it, or name another file",
            path.display(),
            folder.display()
        )));
    }
    Ok(())
}
