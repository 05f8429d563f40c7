//! The file of choices: a head, then a line for each choice, on disk before the judge is given the next pair. It has all
//! that results are made of, and is gone on with where it ends.

use super::Judged;
use crate::files;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};

/// A longer file is refused: a choice takes some 200 bytes.
const FILE_BYTES_MAX: u64 = 256 << 20;
/// A longer line is refused.
const LINE_BYTES_MAX: u64 = 64 << 10;

/// What was compared, and how.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Head {
    /// [`Head::SCHEMA`].
    pub schema: String,
    /// The names of the systems; choices have their places.
    pub systems: Vec<String>,
    /// What judges are given.
    pub judged: Judged,
    /// The seed of the order.
    pub seed: u64,
    /// The share of pairs that are given again.
    pub repeats: f64,
    /// How many pairs there are.
    pub pairs: usize,
    /// A hash of the pairs: other results have other ones.
    pub fingerprint: String,
}

impl Head {
    /// The schema that this version writes and reads.
    pub const SCHEMA: &'static str = "voicesim.choices/1";
}

/// What a judge chose of a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Chosen {
    /// What was given first.
    First,
    /// What was given second.
    Second,
    /// Neither is better.
    Neither,
}

/// One choice.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Choice {
    /// The number of the presentation in the judge's course, counted from one.
    pub number: u32,
    /// The name of the judge.
    pub judge: String,
    /// The turn that was judged.
    pub turn: String,
    /// The system that was given first, by its place.
    pub first: usize,
    /// The system that was given second, by its place.
    pub second: usize,
    /// What was chosen.
    pub chosen: Chosen,
    /// The number of the presentation that this one repeated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repeats: Option<u32>,
    /// The labels of the turn.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
}

impl Choice {
    /// The system that was preferred, by its place; `None` if neither was.
    pub fn preferred(&self) -> Option<usize> {
        match self.chosen {
            Chosen::First => Some(self.first),
            Chosen::Second => Some(self.second),
            Chosen::Neither => None,
        }
    }
}

/// Why choices cannot be read or kept. The text names the file, and says what to do.
#[derive(Debug, thiserror::Error)]
pub enum KeptError {
    /// The file cannot be read.
    #[error("cannot read {path}: {source}", path = path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file cannot be written.
    #[error("{path}: {source}; what was chosen before is kept: make room, or name another file", path = path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A line of the file is no choice.
    #[error("{path}, line {line}: {reason}; name a file that `voicesim listen` wrote", path = path.display())]
    Wrong {
        /// The file.
        path: PathBuf,
        /// The line, counted from one.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// The file is of other pairs.
    #[error("{path} has choices of {what}; name another file with --choices, or give what it was begun with", path = path.display())]
    Other {
        /// The file.
        path: PathBuf,
        /// What is not the same.
        what: String,
    },
    /// Somebody else writes the file.
    #[error("{path} is being written by another `voicesim listen`; end that one, or name another file with --choices", path = path.display())]
    Taken {
        /// The file.
        path: PathBuf,
    },
}

impl KeptError {
    /// Whether what the user gave is wrong, and not the disk.
    pub fn is_wrong_input(&self) -> bool {
        !matches!(self, KeptError::Unwritable { .. })
    }
}

/// Reads the head and all choices of a file. A last line that was not written to its end is passed over.
///
/// # Errors
/// A file that cannot be read, or a line that is no choice, and what to do.
pub(super) fn read(path: &Path) -> Result<(Head, Vec<Choice>), KeptError> {
    let unreadable = |source| KeptError::Unreadable {
        path: path.to_owned(),
        source,
    };
    let wrong = |line, reason| KeptError::Wrong {
        path: path.to_owned(),
        line,
        reason,
    };
    let file = files::open(path, FILE_BYTES_MAX).map_err(unreadable)?;
    let mut reader = BufReader::new(file.take(FILE_BYTES_MAX));
    let (mut head, mut choices): (Option<Head>, Vec<Choice>) = (None, Vec::new());
    for number in 1.. {
        let mut line = Vec::new();
        let mut one = (&mut reader).take(LINE_BYTES_MAX);
        one.read_until(b'\n', &mut line).map_err(unreadable)?;
        if line.last() != Some(&b'\n') {
            match line.len() as u64 == LINE_BYTES_MAX {
                true => return Err(wrong(number, "the line is too long".into())),
                // Its writer was killed while it wrote.
                false => break,
            }
        }
        let no_choice = |error: serde_json::Error| wrong(number, error.to_string());
        match &head {
            None => {
                let own: Head = serde_json::from_slice(&line).map_err(no_choice)?;
                if own.schema != Head::SCHEMA {
                    let reason = format!("its schema is {:?}, not {:?}", own.schema, Head::SCHEMA);
                    return Err(wrong(number, reason));
                }
                head = Some(own);
            }
            Some(head) => {
                let choice: Choice = serde_json::from_slice(&line).map_err(no_choice)?;
                let systems = head.systems.len();
                if choice.first.max(choice.second) >= systems || choice.first == choice.second {
                    return Err(wrong(number, "it names a system that there is not".into()));
                }
                choices.push(choice);
            }
        }
    }
    match head {
        Some(head) => Ok((head, choices)),
        None => Err(wrong(1, "there is no head".into())),
    }
}

/// A file of choices that is open to add to.
#[derive(Debug)]
pub struct Kept {
    path: PathBuf,
    file: File,
    choices: Vec<Choice>,
}

impl Kept {
    /// Opens a file of choices of these pairs, or makes it, for its owner alone.
    ///
    /// # Errors
    /// A file that cannot be read or written, has choices of other pairs, or is being written; and what to do.
    pub fn open(path: &Path, head: &Head) -> Result<Kept, KeptError> {
        let unwritable = |source| KeptError::Unwritable {
            path: path.to_owned(),
            source,
        };
        let mut file = files::append(path).map_err(unwritable)?;
        if let Err(TryLockError::WouldBlock) = file.try_lock() {
            return Err(KeptError::Taken {
                path: path.to_owned(),
            });
        }
        let whole = whole_lines(path)?;
        let mut choices = Vec::new();
        match whole {
            // It is new, or its first writer was killed in the middle of the head. Nothing else is written over.
            0 => {
                refuse_other(path)?;
                file.set_len(0).map_err(unwritable)?;
                add(&mut file, head).map_err(unwritable)?;
            }
            _ => {
                let (own, kept) = read(path)?;
                if let Some(what) = differs(&own, head) {
                    let path = path.to_owned();
                    return Err(KeptError::Other { path, what });
                }
                file.set_len(whole).map_err(unwritable)?;
                choices = kept;
            }
        }
        Ok(Kept {
            path: path.to_owned(),
            file,
            choices,
        })
    }

    /// Adds a choice. When this returns, it is on disk.
    ///
    /// # Errors
    /// A disk that is full or gone.
    pub fn add(&mut self, choice: Choice) -> Result<(), KeptError> {
        let unwritable = |source| KeptError::Unwritable {
            path: self.path.clone(),
            source,
        };
        let before = self.file.metadata().map_err(unwritable)?.len();
        if let Err(source) = add(&mut self.file, &choice) {
            // Half a line would be the beginning of the next one, and a whole one would count twice.
            let _ = self.file.set_len(before);
            return Err(unwritable(source));
        }
        self.choices.push(choice);
        Ok(())
    }

    /// All choices, of every judge.
    pub fn choices(&self) -> &[Choice] {
        &self.choices
    }
}

/// The bytes of a file up to the end of its last whole line.
fn whole_lines(path: &Path) -> Result<u64, KeptError> {
    let bytes = files::read(path, FILE_BYTES_MAX).map_err(|source| KeptError::Unreadable {
        path: path.to_owned(),
        source,
    })?;
    let end = bytes.iter().rposition(|byte| *byte == b'\n');
    Ok(end.map_or(0, |end| end as u64 + 1))
}

/// Refuses a file without a whole line that is not the beginning of a file of choices.
fn refuse_other(path: &Path) -> Result<(), KeptError> {
    let bytes = files::read(path, FILE_BYTES_MAX).map_err(|source| KeptError::Unreadable {
        path: path.to_owned(),
        source,
    })?;
    let begins = format!("{{\"schema\":\"{}\"", Head::SCHEMA).into_bytes();
    match begins.starts_with(&bytes) || bytes.starts_with(&begins) {
        true => Ok(()),
        false => Err(KeptError::Wrong {
            path: path.to_owned(),
            line: 1,
            reason: "it is no file of choices".into(),
        }),
    }
}

fn add(file: &mut File, line: &impl Serialize) -> io::Result<()> {
    let mut text = serde_json::to_vec(line)?;
    text.push(b'\n');
    file.write_all(&text)?;
    file.sync_data()
}

/// What two heads differ in, in words.
fn differs(own: &Head, asked: &Head) -> Option<String> {
    if own.systems != asked.systems {
        return Some(own.systems.join(" and "));
    }
    if own.judged != asked.judged {
        return Some(format!("the {} of answers", own.judged.name()));
    }
    if (own.seed, own.repeats) != (asked.seed, asked.repeats) {
        let percent = 100.0 * own.repeats;
        return Some(format!("--seed {} --repeats {percent}%", own.seed));
    }
    (own != asked).then(|| format!("{} other pairs of turns", own.pairs))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn head() -> Head {
        Head {
            schema: Head::SCHEMA.into(),
            systems: vec!["before".into(), "after".into()],
            judged: Judged::Sound,
            seed: 1,
            repeats: 0.1,
            pairs: 3,
            fingerprint: "abc".into(),
        }
    }

    fn choice(number: u32) -> Choice {
        Choice {
            number,
            judge: "anna".into(),
            turn: "turn 4".into(),
            first: 1,
            second: 0,
            chosen: Chosen::First,
            repeats: None,
            labels: BTreeMap::from([("topic".into(), "hours".into())]),
        }
    }

    #[test]
    fn another_file_is_not_written_over() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("notes.json");
        for text in ["{\"my\":\"notes\"}", "first\nsecond"] {
            fs::write(&path, text).expect("written");
            assert!(Kept::open(&path, &head()).is_err());
            assert_eq!(fs::read_to_string(&path).expect("read"), text);
        }
        // The head of a writer that was killed.
        fs::write(&path, "{\"schema\":\"voice").expect("written");
        Kept::open(&path, &head()).expect("begun anew");
    }

    #[test]
    fn what_was_chosen_is_there_when_the_file_is_opened_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("choices.jsonl");
        let mut kept = Kept::open(&path, &head()).expect("new");
        kept.add(choice(1)).expect("kept");
        assert!(matches!(
            Kept::open(&path, &head()),
            Err(KeptError::Taken { .. })
        ));
        drop(kept);
        let mut kept = Kept::open(&path, &head()).expect("again");
        assert_eq!(kept.choices(), [choice(1)]);
        kept.add(choice(2)).expect("kept");
        assert_eq!(
            read(&path).expect("read"),
            (head(), vec![choice(1), choice(2)])
        );
    }

    #[test]
    fn of_a_line_that_was_not_written_to_its_end_nothing_stays() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("choices.jsonl");
        Kept::open(&path, &head())
            .expect("new")
            .add(choice(1))
            .expect("kept");
        let whole = fs::read(&path).expect("there");
        for cut in [3, 40] {
            let mut torn = whole.clone();
            torn.extend_from_slice(&whole[..cut]);
            fs::write(&path, &torn).expect("written");
            assert_eq!(read(&path).expect("read").1, [choice(1)]);
            let kept = Kept::open(&path, &head()).expect("again");
            assert_eq!(kept.choices(), [choice(1)]);
            assert_eq!(fs::read(&path).expect("there"), whole);
        }
        fs::write(&path, b"{\"sch").expect("killed at once");
        Kept::open(&path, &head()).expect("begun anew");
    }

    #[test]
    fn choices_of_something_else_are_not_added_to() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("choices.jsonl");
        drop(Kept::open(&path, &head()).expect("new"));
        for (other, says) in [
            (
                Head {
                    systems: vec!["a".into(), "b".into()],
                    ..head()
                },
                "before and after",
            ),
            (
                Head {
                    judged: Judged::Text,
                    ..head()
                },
                "the sound of answers",
            ),
            (Head { seed: 2, ..head() }, "--seed 1 --repeats 10%"),
            (
                Head {
                    fingerprint: "def".into(),
                    ..head()
                },
                "3 other pairs",
            ),
        ] {
            let error = Kept::open(&path, &other).expect_err("refused").to_string();
            assert!(
                error.contains(says) && error.contains("--choices"),
                "{error}"
            );
        }
        for (text, says) in [("{}\n", "line 1"), ("[1]\n", "line 1"), ("", "no head")] {
            fs::write(&path, text).expect("written");
            let error = read(&path).expect_err("refused").to_string();
            assert!(error.contains(says), "{error}");
        }
    }
}
