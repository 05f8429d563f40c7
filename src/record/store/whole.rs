//! Files that are there as a whole or not at all, whatever happens meanwhile.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// Writes `bytes` to a file that is there as a whole or not at all.
pub fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let part = part_of(path);
    fs::write(&part, bytes)?;
    fs::rename(&part, path)
}

/// Has `write` write a file little by little; the file is there as a whole or not at all. If `write` fails,
/// a file that was there before stays. A path that is no file (a pipe, a terminal) is written to as it is,
/// and links are followed.
///
/// # Errors
/// Fails with what `write` fails with, and if the file cannot be written.
pub fn stream_whole<T, E: From<io::Error>>(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> Result<T, E>,
) -> Result<T, E> {
    let is_special = fs::metadata(path).is_ok_and(|at| !at.is_file() && !at.is_dir());
    if is_special {
        let file = File::options().write(true).open(path)?;
        let mut out = BufWriter::new(file);
        let written = write(&mut out)?;
        out.flush()?;
        return Ok(written);
    }
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    if path.is_dir() {
        return Err(io::Error::from(io::ErrorKind::IsADirectory).into());
    }
    let part = part_of(&path);
    let written = write_part(&part, write).and_then(|written| {
        fs::rename(&part, &path)?;
        Ok(written)
    });
    if written.is_err() {
        let _ = fs::remove_file(&part);
    }
    written
}

fn write_part<T, E: From<io::Error>>(
    part: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> Result<T, E>,
) -> Result<T, E> {
    let mut out = BufWriter::with_capacity(1 << 16, File::create(part)?);
    let written = write(&mut out)?;
    out.flush()?;
    Ok(written)
}

fn part_of(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).expect("a folder");
        let name = |entry: io::Result<fs::DirEntry>| entry.expect("an entry").file_name();
        entries
            .map(|entry| name(entry).to_string_lossy().into_owned())
            .collect()
    }

    #[test]
    fn what_is_given_up_leaves_the_file_that_was_there() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("turns.csv");
        stream_whole(&path, |out| out.write_all(b"first")).expect("written");
        let given_up: io::Result<()> = stream_whole(&path, |out| {
            out.write_all(b"second")?;
            Err(io::Error::other("no more"))
        });
        assert!(given_up.is_err());
        assert_eq!(fs::read(&path).expect("a file"), b"first");
        assert_eq!(names(folder.path()), ["turns.csv"]);
    }

    #[test]
    fn a_folder_is_no_file_and_a_pipe_is_not_replaced() {
        let folder = tempfile::tempdir().expect("a folder");
        let refused: io::Result<()> = stream_whole(folder.path(), |_| Ok(()));
        assert!(refused.is_err());
        let null = Path::new("/dev/null");
        stream_whole(null, |out| out.write_all(b"gone")).expect("written");
        assert!(!null.metadata().expect("there").is_file());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_followed() {
        let folder = tempfile::tempdir().expect("a folder");
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        fs::write(&file, "old").expect("written");
        std::os::unix::fs::symlink(&file, &link).expect("a link");
        stream_whole(&link, |out| out.write_all(b"new")).expect("written");
        assert_eq!(fs::read(&file).expect("a file"), b"new");
        assert!(link.is_symlink());
    }
}
