//! Files that flags ask for.

use super::Failure;
use super::recordings::is_recording;
use crate::files::{around, is_link, stream_whole};
use std::ffi::OsString;
use std::io::{self, Write};
use std::path::Path;

/// Writes what a flag asked for, as a whole or not at all.
pub(super) fn write(flag: &str, path: &Path, text: &str) -> Result<(), Failure> {
    refuse_own(flag, path)?;
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
        | io::ErrorKind::AlreadyExists
        | io::ErrorKind::PermissionDenied => Failure::Input(format!(
            "{what}: {source}; name a file in a folder that is there and may be written to"
        )),
        _ => Failure::Unavailable(format!("{what}: {source}; make room or name another file")),
    }
}

/// Refuses what cannot become a file, before minutes of work are spent on it.
pub(super) fn refuse_unwritable(flag: &str, path: &Path) -> Result<(), Failure> {
    refuse_nowhere(flag, path)?;
    refuse_own(flag, path)
}

/// As [`refuse_unwritable`], for sound, which may be written over sound.
pub(super) fn refuse_unwritable_sound(flag: &str, path: &Path) -> Result<(), Failure> {
    refuse_nowhere(flag, path)?;
    refuse_taken(flag, path)
}

/// Refuses a file that is a folder, or would lie in none.
fn refuse_nowhere(flag: &str, path: &Path) -> Result<(), Failure> {
    let folder = around(path);
    if path.is_dir() || !folder.is_dir() {
        return Err(Failure::Input(format!(
            "{flag} {}: there is no folder {} for a file of that name; make it, or name another file",
            path.display(),
            folder.display()
        )));
    }
    Ok(())
}

/// Files of a folder of results that nothing else may take the place of.
const OF_RESULTS: [&str; 14] = [
    "costliest.json",
    "header.json",
    "events.jsonl",
    "turns.bin",
    "totals.json",
    "checksums.json",
    "unfinished",
    "latency.hlog",
    "conversation.wav",
    "report.json",
    "report.txt",
    "recording.json",
    "moments.json",
    "moments.wav",
];

/// Refuses a file that is an input of this command, belongs to results, is a link, or a recording.
pub(super) fn refuse_own(flag: &str, path: &Path) -> Result<(), Failure> {
    refuse_taken(flag, path)?;
    match path.is_file() && !path.starts_with("/dev") && is_recording(path) {
        true => refused(flag, path, "it is a recording"),
        false => Ok(()),
    }
}

fn refused(flag: &str, path: &Path, what: &str) -> Result<(), Failure> {
    Err(Failure::Input(format!(
        "{flag} {}: {what}; name another file",
        path.display()
    )))
}

/// Refuses a file that is an input of this command, belongs to results, or is a link.
fn refuse_taken(flag: &str, path: &Path) -> Result<(), Failure> {
    let refused = |what: &str| refused(flag, path, what);
    let is_plain_file = path.is_file() && !path.starts_with("/dev");
    if is_plain_file && is_link(path) {
        return refused("it is a link, and links are not written through");
    }
    let name = path.file_name().and_then(|name| name.to_str());
    // By its whole path: `./page.html` in a folder of results lies in it, and not inside of one of its folders.
    let folder = around(path);
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let is_of_results = |folder: &Path| folder.join("header.json").is_file();
    let own = name.is_some_and(|name| OF_RESULTS.contains(&name)) && is_of_results(&folder);
    let is_inside = folder.ancestors().skip(1).take(2).any(is_of_results);
    if own || is_plain_file && is_inside {
        return refused("it belongs to a folder of results");
    }
    if is_plain_file && times_named(path, std::env::args_os().skip(1)) > 1 {
        return refused("it is named for something else in the same command");
    }
    Ok(())
}

/// How often a file is named among the arguments of a command, under whatever path.
fn times_named(path: &Path, arguments: impl Iterator<Item = OsString>) -> usize {
    let Ok(own) = path.canonicalize() else {
        return 0;
    };
    let is_own = |argument: &OsString| {
        let text = argument.to_string_lossy();
        let value = match text.split_once('=') {
            Some((flag, value)) if flag.starts_with('-') => value.to_owned(),
            _ => text.into_owned(),
        };
        Path::new(&value).canonicalize().is_ok_and(|at| at == own)
    };
    arguments.filter(is_own).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(path: &Path) -> Option<String> {
        let refused = refuse_unwritable("--csv", path);
        refused.err().map(|failure| failure.to_string())
    }

    #[test]
    fn a_file_of_results_is_not_written_over() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = |name: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, "{}").expect("written");
            path
        };
        let (header, events) = (file("header.json"), file("events.jsonl"));
        for path in [&header, &events, &folder.path().join("turns.bin")] {
            let said = refusal(path).expect("refused");
            assert!(said.contains("belongs to a folder of results"), "{said}");
        }
        assert_eq!(refusal(&folder.path().join("turns.csv")), None);
        assert_eq!(refusal(&file("turns.csv")), None);
        assert!(
            refusal(&file("call.wav"))
                .expect("refused")
                .contains("is a recording")
        );
        std::fs::create_dir(folder.path().join("outputs")).expect("made");
        assert!(refusal(&file("outputs/answer.jsonl")).is_some());
        assert!(refusal(Path::new("/nowhere/at/all.csv")).is_some());
    }

    #[test]
    fn a_file_that_is_named_twice_is_told_under_any_path() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.wav");
        std::fs::write(&path, "").expect("written");
        let other = folder.path().join("./a.wav");
        let flag = format!("--csv={}", path.display());
        let named = |arguments: &[&str]| times_named(&path, arguments.iter().map(OsString::from));
        assert_eq!(named(&["measure", &other.display().to_string(), &flag]), 2);
        assert_eq!(named(&["measure", "b.wav", &flag]), 1);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_not_written_through() {
        let folder = tempfile::tempdir().expect("a folder");
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        std::fs::write(&file, "precious").expect("written");
        std::os::unix::fs::symlink(&file, &link).expect("a link");
        assert!(refusal(&link).expect("refused").contains("is a link"));
        assert!(write("--csv", &link, "x").is_err());
        assert_eq!(std::fs::read(&file).expect("there"), b"precious");
    }
}
