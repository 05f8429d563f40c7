//! Files and folders that are their owner's alone: they hold what people said.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::path::Path;

/// Makes a folder, and those above it, for its owner alone. A folder that is there stays as it is.
///
/// # Errors
/// Fails if it cannot be made.
pub(crate) fn create_folder(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        builder.mode(0o700);
    }
    builder.create(path)
}

/// Makes a new file for its owner alone. A file or a link of that name makes it fail.
///
/// # Errors
/// Fails if something of that name is there, or it cannot be made.
pub(crate) fn create_new(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    owners_alone(&mut options);
    options.open(path)
}

/// Makes a file for its owner alone, or empties the one that is there. A link is not followed.
///
/// # Errors
/// Fails if there is a link of that name, or it cannot be made.
pub(crate) fn create(path: &Path) -> io::Result<File> {
    refuse_link(path)?;
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    owners_alone(&mut options);
    options.open(path)
}

/// Opens a file to write behind what it has, or makes it for its owner alone. A link is not followed.
///
/// # Errors
/// Fails if there is a link of that name, or it cannot be opened.
pub(crate) fn append(path: &Path) -> io::Result<File> {
    refuse_link(path)?;
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    owners_alone(&mut options);
    options.open(path)
}

/// Refuses a link: whoever made it chooses what is written over.
///
/// # Errors
/// Fails if the path is a link.
pub(super) fn refuse_link(path: &Path) -> io::Result<()> {
    match is_link(path) {
        true => Err(io::Error::new(
            io::ErrorKind::AlreadyExists,
            "it is a link, and links are not written through: name the file that it leads to, or remove it",
        )),
        false => Ok(()),
    }
}

/// Whether a path is a link to something else.
pub(crate) fn is_link(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|about| about.is_symlink())
}

/// Asks for a file of its owner's alone that is no link, also if one was put there a moment ago.
fn owners_alone(options: &mut OpenOptions) {
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        use std::os::unix::fs::OpenOptionsExt;
        options
            .mode(0o600)
            .custom_flags(OFlags::NOFOLLOW.bits() as i32);
    }
    #[cfg(not(unix))]
    let _ = options;
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn mode(path: &Path) -> u32 {
        path.metadata().expect("there").permissions().mode() & 0o777
    }

    #[test]
    fn folders_and_files_are_their_owners_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let inside = folder.path().join("a/b");
        create_folder(&inside).expect("made");
        create_new(&inside.join("new")).expect("made");
        create(&inside.join("file")).expect("made");
        assert_eq!(mode(&inside), 0o700);
        assert_eq!(mode(&inside.join("new")), 0o600);
        assert_eq!(mode(&inside.join("file")), 0o600);
        assert!(create_new(&inside.join("new")).is_err());
    }

    #[test]
    fn a_link_is_not_written_through() {
        let folder = tempfile::tempdir().expect("a folder");
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        fs::write(&file, "precious").expect("written");
        std::os::unix::fs::symlink(&file, &link).expect("a link");
        assert!(create(&link).is_err());
        assert!(create_new(&link).is_err());
        let mut unseen = OpenOptions::new();
        owners_alone(unseen.write(true).truncate(true));
        assert!(unseen.open(&link).is_err(), "not even if nobody looked");
        assert_eq!(fs::read(&file).expect("there"), b"precious");
    }
}
