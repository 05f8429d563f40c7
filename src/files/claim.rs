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
    claim_around(folder, UNFINISHED)
}

/// As [`claim`], where one file, called `name`, may lie already.
///
/// # Errors
/// [`ClaimError::Taken`] if there is anything else.
pub(crate) fn claim_around(folder: &Path, name: &str) -> Result<File, ClaimError> {
    create_folder(folder).map_err(ClaimError::Write)?;
    if others(folder, name).map_err(ClaimError::Write)? {
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
    file.write_all(TEXT.as_bytes()).map_err(ClaimError::Write)?;
    // Where files cannot be locked, nobody is kept from going on with a folder that is being written.
    let _ = file.try_lock();
    // Somebody may have claimed it, and been done, since it was looked at.
    match others(folder, name) {
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
    let mark = append(&folder.join(UNFINISHED)).map_err(ClaimError::Write)?;
    match mark.try_lock() {
        Err(TryLockError::WouldBlock) => Err(ClaimError::Taken),
        _ => {
            mark.set_len(0).map_err(ClaimError::Write)?;
            (&mark)
                .write_all(TEXT.as_bytes())
                .map_err(ClaimError::Write)?;
            Ok(mark)
        }
    }
}

/// Whether the folder is not as empty as a folder has to be.
fn others(folder: &Path, name: &str) -> io::Result<bool> {
    for entry in folder.read_dir()? {
        let found = entry?.file_name();
        if found != UNFINISHED && found != name {
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
    Ok(())
}

/// Whether a folder is being written, or its writer was stopped before all was there.
pub(crate) fn is_unfinished(folder: &Path) -> bool {
    folder.join(UNFINISHED).exists()
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
}
