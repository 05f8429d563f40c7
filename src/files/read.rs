//! Files that are read: regular ones, of a length that is bounded before a byte of them is in memory.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

/// Opens a regular file of at most `bytes_max` bytes. What is no file may block, or never end.
///
/// # Errors
/// Fails if the file cannot be opened, is no regular file, or is longer.
pub(crate) fn open(path: &Path, bytes_max: u64) -> io::Result<File> {
    // Looked at before it is opened: opening a pipe waits until somebody writes into it.
    let about = fs::metadata(path)?;
    if about.is_dir() {
        return Err(io::Error::new(
            io::ErrorKind::IsADirectory,
            "it is a folder, not a file",
        ));
    }
    if !about.is_file() {
        return Err(wrong(
            "it is a pipe or a device, which may have no end: write what it gives to a file, and name that"
                .into(),
        ));
    }
    refuse_long(about.len(), bytes_max)?;
    let file = opened(path)?;
    // It may be another file by now.
    let about = file.metadata()?;
    match about.is_file() {
        true => refuse_long(about.len(), bytes_max)?,
        false => return Err(wrong("it is no file any more".into())),
    }
    Ok(file)
}

/// Opens what may have become a pipe since it was looked at: then, too, nobody is waited for.
fn opened(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.read(true);
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        use std::os::unix::fs::OpenOptionsExt;
        options.custom_flags(OFlags::NONBLOCK.bits() as i32);
    }
    options.open(path)
}

/// Reads a regular file of at most `bytes_max` bytes.
///
/// # Errors
/// Fails if the file cannot be read, is no regular file, or is longer.
pub(crate) fn read(path: &Path, bytes_max: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = open(path, bytes_max)?;
    // It may have grown since its length was looked at.
    file.take(bytes_max.saturating_add(1))
        .read_to_end(&mut bytes)?;
    refuse_long(bytes.len() as u64, bytes_max)?;
    Ok(bytes)
}

/// Reads a regular file of UTF-8 text of at most `bytes_max` bytes.
///
/// # Errors
/// As of [`read`], and if the file is not UTF-8.
pub(crate) fn read_text(path: &Path, bytes_max: u64) -> io::Result<String> {
    String::from_utf8(read(path, bytes_max)?).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        let before = error.as_bytes().iter().take(good);
        let line = 1 + before.filter(|byte| **byte == b'\n').count();
        io::Error::new(
            io::ErrorKind::InvalidData,
            format!("it is not UTF-8 text, from line {line} on"),
        )
    })
}

fn refuse_long(bytes: u64, bytes_max: u64) -> io::Result<()> {
    match bytes > bytes_max {
        true => Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            format!("it is longer than {bytes_max} bytes, the most that is read of such a file"),
        )),
        false => Ok(()),
    }
}

fn wrong(what: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_up_to_its_bound_and_refused_beyond() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("text");
        fs::write(&path, "one\ntwo").expect("written");
        assert_eq!(read_text(&path, 7).expect("read"), "one\ntwo");
        let error = read(&path, 6).expect_err("too long");
        assert!(error.to_string().contains("longer than 6 bytes"), "{error}");
        fs::write(&path, b"one\n\xff").expect("written");
        let error = read_text(&path, 7).expect_err("no text");
        assert!(error.to_string().contains("from line 2 on"), "{error}");
    }

    #[test]
    fn a_sparse_file_of_terabytes_is_refused_by_its_length() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("sparse");
        let file = File::create(&path).expect("a file");
        file.set_len(1 << 40).expect("sparse");
        assert!(read(&path, 1 << 30).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_that_nobody_writes_into_is_refused_at_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let pipe = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.expect("mkfifo").success());
        for path in [pipe.as_path(), Path::new("/dev/zero")] {
            let error = open(path, 1 << 20).expect_err("no file");
            assert!(error.to_string().contains("pipe or a device"), "{error}");
        }
        // Also if it has just been put there.
        assert!(opened(&pipe).is_ok());
        assert!(open(folder.path(), 1).is_err());
    }
}
