//! A folder of results belongs to one run: it is claimed before anything is written, and marked as unfinished until all
//! is there.

use super::private::{append, create_folder, create_new};
use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::Path;

/// The file that marks a folder which is being written, or whose writer was killed.
pub(crate) const UNFINISHED: &str = "unfinished";

/// What the mark says to whoever looks into it.
const TEXT: &str = "voicesim is writing into this folder. If it does not any more, it was stopped before all was written.\n";

/// Why a folder cannot be claimed.
#[derive(Debug)]
pub(crate) enum ClaimError {
    /// Somebody else's results are there, or are being written.
    Taken,
    /// The folder cannot be made or written to.
    Write(io::Error),
}

/// Claims a folder, which is made if it is not there. Of several that claim one at once, one has it. The mark is locked
/// while it is open.
///
/// # Errors
/// [`ClaimError::Taken`] unless the folder is new or empty.
pub(crate) fn claim(folder: &Path) -> Result<File, ClaimError> {
    create_folder(folder).map_err(ClaimError::Write)?;
    if has_others(folder).map_err(ClaimError::Write)? {
        return Err(ClaimError::Taken);
    }
    let mark = folder.join(UNFINISHED);
    let mut file = match create_new(&mark) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            return Err(ClaimError::Taken);
        }
        Err(error) => return Err(ClaimError::Write(error)),
    };
    // Where files cannot be locked, nobody is kept from going on with a folder that is being written.
    if is_locked_by_another(&file) {
        // Whoever goes on with the folder came between: it is theirs, with the mark.
        return Err(ClaimError::Taken);
    }
    if let Err(error) = file.write_all(TEXT.as_bytes()) {
        // Nothing was begun, and the folder can be had once there is room.
        let _ = fs::remove_file(&mark);
        return Err(ClaimError::Write(error));
    }
    // Somebody may have claimed it, and been done, since it was looked at.
    match has_others(folder) {
        Ok(false) => Ok(file),
        Ok(true) => {
            let _ = fs::remove_file(&mark);
            Err(ClaimError::Taken)
        }
        Err(error) => Err(ClaimError::Write(error)),
    }
}

/// Claims a folder again, to go on with what is in it.
///
/// # Errors
/// [`ClaimError::Taken`] if somebody is writing into it.
pub(crate) fn reclaim(folder: &Path) -> Result<File, ClaimError> {
    let path = folder.join(UNFINISHED);
    let mark = append(&path).map_err(ClaimError::Write)?;
    // Whoever wrote until now may have released the folder since the mark was opened: this one is none any more.
    if is_locked_by_another(&mark) || !is_in_place(&mark, &path) {
        return Err(ClaimError::Taken);
    }
    mark.set_len(0).map_err(ClaimError::Write)?;
    (&mark)
        .write_all(TEXT.as_bytes())
        .map_err(ClaimError::Write)?;
    Ok(mark)
}

/// Locks a mark; whether somebody else has it locked.
fn is_locked_by_another(mark: &File) -> bool {
    matches!(mark.try_lock(), Err(TryLockError::WouldBlock))
}

/// Whether the file that was opened is the one that has this name now.
#[cfg(unix)]
fn is_in_place(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let both = (file.metadata(), fs::symlink_metadata(path));
    matches!(both, (Ok(own), Ok(named)) if (own.dev(), own.ino()) == (named.dev(), named.ino()))
}

#[cfg(not(unix))]
fn is_in_place(_: &File, path: &Path) -> bool {
    path.exists()
}

/// Whether anything but the mark is in the folder.
fn has_others(folder: &Path) -> io::Result<bool> {
    for entry in folder.read_dir()? {
        if entry?.file_name() != UNFINISHED {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Says that all is written: the mark is taken away, on disk too.
///
/// # Errors
/// Fails if the mark cannot be removed.
pub(crate) fn release(folder: &Path) -> io::Result<()> {
    match fs::remove_file(folder.join(UNFINISHED)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => sync_folder(folder),
    }
    // The folder may be new itself.
    sync_folder(around(folder));
    Ok(())
}

/// Whether a folder is being written, or its writer was stopped before all was there.
pub(crate) fn is_unfinished(folder: &Path) -> bool {
    folder.join(UNFINISHED).exists()
}

/// The folder in which something of this name lies.
pub(crate) fn around(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}

/// Has the names in a folder reach the disk, as far as the system does that for folders.
pub(super) fn sync_folder(folder: &Path) {
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn of_many_that_claim_one_folder_one_has_it() {
        for _ in 0..50 {
            let folder = tempfile::tempdir().expect("a folder");
            let out = folder.path().join("out");
            let won = thread::scope(|scope| {
                let claims: Vec<_> = (0..4)
                    .map(|_| {
                        scope.spawn(|| {
                            let own = claim(&out).is_ok();
                            if own {
                                fs::write(out.join("header.json"), "{}").expect("written");
                                release(&out).expect("released");
                            }
                            own
                        })
                    })
                    .collect();
                let own = claims
                    .into_iter()
                    .map(|claim| claim.join().expect("a thread"));
                own.filter(|own| *own).count()
            });
            assert_eq!(won, 1);
            assert!(!is_unfinished(&out));
        }
    }

    #[test]
    fn a_folder_is_unfinished_until_it_is_released() {
        let folder = tempfile::tempdir().expect("a folder");
        claim(folder.path()).expect("claimed");
        assert!(is_unfinished(folder.path()));
        assert!(matches!(claim(folder.path()), Err(ClaimError::Taken)));
        release(folder.path()).expect("released");
        assert!(!is_unfinished(folder.path()));
    }

    #[test]
    fn a_folder_is_gone_on_with_by_one_and_only_when_nobody_writes_into_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let first = claim(folder.path()).expect("claimed");
        assert!(matches!(reclaim(folder.path()), Err(ClaimError::Taken)));
        drop(first);
        let second = reclaim(folder.path()).expect("killed");
        assert!(matches!(reclaim(folder.path()), Err(ClaimError::Taken)));
        drop(second);
        release(folder.path()).expect("released");
        let _third = reclaim(folder.path()).expect("whole");
        assert!(is_unfinished(folder.path()));
    }

    #[test]
    fn a_mark_that_was_taken_away_meanwhile_is_none() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(UNFINISHED);
        let mark = append(&path).expect("a mark");
        assert!(is_in_place(&mark, &path));
        release(folder.path()).expect("released");
        assert!(!is_in_place(&mark, &path));
        let _another = append(&path).expect("a mark");
        assert!(cfg!(not(unix)) || !is_in_place(&mark, &path));
    }

    #[test]
    fn what_lies_in_no_named_folder_lies_here() {
        assert_eq!(around(Path::new("turns.csv")), Path::new("."));
        assert_eq!(around(Path::new("a/turns.csv")), Path::new("a"));
        assert_eq!(around(Path::new("/")), Path::new("."));
    }
}
