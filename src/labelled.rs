//! Files of labelled examples, which classifiers are fitted to and judged by: one JSON object a line, plain or
//! gzipped.

use crate::files::{self, Unpacked};
use serde::de::DeserializeOwned;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

/// The longest line that is read, bytes: a hundred times the longest of the AMI and ICSI data.
const LINE_MAX: u64 = 1 << 20;

/// The largest file that is read, bytes: a thousand times those of the AMI and ICSI data.
const FILE_BYTES_MAX: u64 = 4 << 30;

/// What a file must hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// What a prediction goes by.
    Prediction,
    /// What a prediction goes by, and the label with what belongs to it.
    Truth,
}

/// Why a file cannot be used. `of` is what it should be a file of, in the plural.
#[derive(Debug, thiserror::Error)]
pub enum LabelledError {
    /// It cannot be read.
    #[error("{}: {source}; name a .jsonl or .jsonl.gz file of {of}", path.display())]
    Unreadable {
        path: PathBuf,
        of: &'static str,
        source: std::io::Error,
    },
    /// A line is wrong.
    #[error("{}: line {line}: {problem}", path.display())]
    Line {
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong, and the cure.
        problem: String,
    },
    /// There is nothing in it.
    #[error("{}: no {of} in it; one JSON object a line is needed", path.display())]
    Empty { path: PathBuf, of: &'static str },
}

/// Reads every example of a file; blank lines are left out. Nothing is returned of a file with a bad line.
///
/// # Errors
/// The file or its first bad line, and the cure.
pub fn read<T>(
    path: &Path,
    of: &'static str,
    parse: impl Fn(&[u8]) -> Result<T, String>,
) -> Result<Vec<T>, LabelledError> {
    let unreadable = |source| LabelledError::Unreadable {
        path: path.to_owned(),
        of,
        source,
    };
    let file = files::open(path, FILE_BYTES_MAX).map_err(unreadable)?;
    let is_gzipped = path.extension().is_some_and(|end| end == "gz");
    let mut reader: Box<dyn BufRead> = match is_gzipped {
        true => Box::new(BufReader::new(Unpacked::new(file))),
        false => Box::new(BufReader::new(file)),
    };
    let mut examples = Vec::new();
    let mut text = Vec::new();
    for line in 1.. {
        text.clear();
        let mut bounded = (&mut reader).take(LINE_MAX);
        if bounded.read_until(b'\n', &mut text).map_err(unreadable)? == 0 {
            break;
        }
        let bad = |problem| LabelledError::Line {
            path: path.to_owned(),
            line,
            problem,
        };
        if text.len() as u64 == LINE_MAX && !text.ends_with(b"\n") {
            let problem = format!("longer than {LINE_MAX} bytes: put one JSON object on each line");
            return Err(bad(problem));
        }
        if !text.trim_ascii().is_empty() {
            examples.push(parse(&text).map_err(bad)?);
        }
    }
    match examples.is_empty() {
        true => Err(LabelledError::Empty {
            path: path.to_owned(),
            of,
        }),
        false => Ok(examples),
    }
}

/// The object of a line.
///
/// # Errors
/// What is wrong with the line, and the cure.
pub fn object<T: DeserializeOwned>(line: &[u8]) -> Result<T, String> {
    serde_json::from_slice(line).map_err(|error| {
        // The line is one of many: a place in it says nothing but the column.
        let error = error.to_string().replace(" at line 1 column", " at column");
        format!("{error}: mend the line, or leave it out")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn numbers(path: &Path) -> Result<Vec<u8>, String> {
        read(path, "numbers", object).map_err(|error| error.to_string())
    }

    #[test]
    fn files_are_read_plain_and_gzipped_and_errors_name_the_line() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = |name: &str, content: &[u8]| {
            let path = folder.path().join(name);
            std::fs::write(&path, content).expect("written");
            path
        };
        let problem = |path: &Path| numbers(path).expect_err("a problem");
        let two = b"1\n\n2";
        let mut zipped = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        zipped.write_all(two).expect("zipped");
        let zipped = zipped.finish().expect("zipped");
        assert_eq!(numbers(&file("plain.jsonl", two)), Ok(vec![1, 2]));
        assert_eq!(numbers(&file("zipped.jsonl.gz", &zipped)), Ok(vec![1, 2]));

        let said = problem(&file("bad.jsonl", b"1\n{}\n"));
        assert!(said.contains("bad.jsonl: line 2: invalid type"), "{said}");
        assert!(said.ends_with("mend the line, or leave it out"), "{said}");
        let said = problem(&file("long.jsonl", &vec![b' '; LINE_MAX as usize + 1]));
        assert!(said.contains("line 1: longer than"), "{said}");
        let said = problem(&file("empty.jsonl", b"\n"));
        assert!(said.contains("no numbers in it"), "{said}");
        let said = problem(&folder.path().join("missing.jsonl"));
        assert!(said.contains("file of numbers"), "{said}");
    }
}
