//! Files that are there as a whole or not at all, whatever happens meanwhile.

use super::claim::{around, sync_folder};
use super::private::refuse_link;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;
use tempfile::{Builder, NamedTempFile};

/// Writes `bytes` to a file that is there as a whole or not at all, and is its owner's alone. A link is not followed.
///
/// # Errors
/// Fails if the file cannot be written, or a link is in its place.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    refuse_link(path)?;
    let part = beside(path, &Builder::new())?;
    part.as_file().write_all(bytes)?;
    finish(part, path)
}

/// Has `write` write a file little by little; the file is there as a whole or not at all. If `write` fails,
/// a file that was there before stays. A path that is no file (a pipe, a terminal, what the system has in `/dev`) is
/// written to as it is; any other link is refused.
///
/// # Errors
/// Fails with what `write` fails with, and if the file cannot be written.
pub(crate) fn stream_whole<T, E: From<io::Error>>(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> Result<T, E>,
) -> Result<T, E> {
    let is_special = fs::metadata(path).is_ok_and(|at| !at.is_file() && !at.is_dir());
    if is_special || is_the_systems(path) {
        let file = File::options().append(true).open(path)?;
        let mut out = BufWriter::new(file);
        let written = write(&mut out)?;
        out.flush()?;
        return Ok(written);
    }
    refuse_link(path)?;
    if path.is_dir() {
        return Err(io::Error::from(io::ErrorKind::IsADirectory).into());
    }
    let part = beside(path, &as_others())?;
    let mut out = BufWriter::with_capacity(1 << 16, part.as_file().try_clone()?);
    let written = write(&mut out)?;
    out.flush()?;
    drop(out);
    finish(part, path)?;
    Ok(written)
}

/// Whether a path is one of `/dev/stdout` and the like, which lead to wherever the shell has them lead.
fn is_the_systems(path: &Path) -> bool {
    ["/dev/std", "/dev/fd/", "/proc/self/fd/"]
        .iter()
        .any(|of| path.to_string_lossy().starts_with(of))
}

/// A new file in the folder of `path`, which nobody else knows the name of.
fn beside(path: &Path, builder: &Builder<'_, '_>) -> io::Result<NamedTempFile> {
    let mut builder = builder.clone();
    builder
        .prefix(".voicesim-")
        .suffix(".part")
        .tempfile_in(around(path))
}

/// Makes a file as any other program does: whoever the user lets read their files reads it.
#[cfg(unix)]
fn as_others() -> Builder<'static, 'static> {
    use std::os::unix::fs::PermissionsExt;
    let mut builder = Builder::new();
    builder.permissions(fs::Permissions::from_mode(0o666));
    builder
}

#[cfg(not(unix))]
fn as_others() -> Builder<'static, 'static> {
    Builder::new()
}

/// Gives a written file its name, its contents being on disk before.
fn finish(part: NamedTempFile, path: &Path) -> io::Result<()> {
    part.as_file().sync_all()?;
    part.persist(path).map_err(|error| error.error)?;
    sync_folder(around(path));
    Ok(())
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
    fn a_link_is_refused_and_what_it_leads_to_stays() {
        let folder = tempfile::tempdir().expect("a folder");
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        fs::write(&file, "old").expect("written");
        std::os::unix::fs::symlink(&file, &link).expect("a link");
        let refused: io::Result<()> = stream_whole(&link, |out| out.write_all(b"new"));
        assert!(
            refused
                .expect_err("a link")
                .to_string()
                .contains("it is a link")
        );
        assert!(write_whole(&link, b"new").is_err());
        assert_eq!(fs::read(&file).expect("a file"), b"old");
        assert!(link.is_symlink());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_in_the_place_of_a_part_leads_nowhere() {
        let folder = tempfile::tempdir().expect("a folder");
        let (file, page) = (folder.path().join("file"), folder.path().join("p.html"));
        fs::write(&file, "precious").expect("written");
        std::os::unix::fs::symlink(&file, folder.path().join("p.html.part")).expect("a link");
        stream_whole(&page, |out| out.write_all(b"new")).expect("written");
        assert_eq!(fs::read(&file).expect("a file"), b"precious");
        assert_eq!(fs::read(&page).expect("a file"), b"new");
    }
}
