//! Folders that are there as a whole or not at all: built beside their place under another name, and renamed.

use super::claim::{around, sync_folder};
use super::private::create_folder;
use std::fs;
use std::io;
use std::path::Path;
use tempfile::{Builder, TempDir};

/// A new folder beside `folder`, in which its contents are made. It is deleted if it is dropped.
///
/// # Errors
/// Fails if it cannot be made.
pub(crate) fn aside(folder: &Path) -> io::Result<TempDir> {
    let around = around(folder);
    create_folder(around)?;
    Builder::new()
        .prefix(".voicesim-")
        .suffix(".part")
        .tempdir_in(around)
}

/// Gives a folder that was made aside its place, which has to be new or an empty folder.
///
/// # Errors
/// Fails if something is there.
pub(crate) fn put_in_place(aside: TempDir, folder: &Path) -> io::Result<()> {
    // Where a folder cannot be renamed over an empty one, that is out of the way first.
    #[cfg(not(unix))]
    if folder.is_dir() {
        fs::remove_dir(folder)?;
    }
    fs::rename(aside.path(), folder)?;
    // It has another name now, by which it is not deleted.
    let _ = aside.keep();
    sync_folder(around(folder));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_there_as_a_whole_or_not_at_all() {
        let folder = tempfile::tempdir().expect("a folder");
        let out = folder.path().join("out");
        let made = |text: &str| {
            let own = aside(&out).expect("made");
            fs::write(own.path().join("text"), text).expect("written");
            own
        };
        drop(made("given up"));
        assert_eq!(folder.path().read_dir().expect("a folder").count(), 0);
        put_in_place(made("first"), &out).expect("in place");
        assert!(put_in_place(made("second"), &out).is_err());
        assert_eq!(fs::read(out.join("text")).expect("there"), b"first");
        assert_eq!(folder.path().read_dir().expect("a folder").count(), 1);
    }
}
