//! What people ask, section by section: the file `asked.jsonl` beside the documents, a JSON object a line.
//!
//! ```text
//! {"question":"Are you shut on Easter Monday?","answer_in":"hours.md#Easter"}
//! ```
//!
//! The questions are those of real callers, or made up by a language model that was shown each section. They are indexed
//! with the passages of their section, never spoken. A file of questions for `index eval` has the same two keys.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::error::KnowledgeError;
use super::folder::{FOLDER_BYTES_MAX, read_text};
use super::passages::Passage;

/// The file's name in the folder of documents.
pub const FILE: &str = "asked.jsonl";
/// The most questions of one section that are indexed, the first of them.
pub(super) const ASKED_MAX: usize = 48;
/// The longest question in characters: as long as a question that is answered may be.
const CHARS_MAX: usize = super::QUESTION_CHARS_MAX;

/// A question and where its answer stands: `FILE#Heading`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskedQuestion {
    pub question: String,
    pub answer_in: String,
}

/// The questions that are asked, by the place of their answers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Asked {
    path: PathBuf,
    by_place: BTreeMap<String, Vec<String>>,
    /// The line of each place's first question.
    lines: BTreeMap<String, usize>,
}

impl Asked {
    /// Reads the file in a folder of documents; none are asked where there is no such file.
    ///
    /// Errors: the file cannot be read, or is too large, or a line is no question; the text names the line.
    pub fn read(folder: &Path) -> Result<Asked, KnowledgeError> {
        let path = folder.join(FILE);
        let mut asked = Asked {
            path: path.clone(),
            ..Asked::default()
        };
        if !path.exists() {
            return Ok(asked);
        }
        let text = read_text(&path, FOLDER_BYTES_MAX)?;
        for (index, line) in text.lines().enumerate() {
            if !line.trim().is_empty() {
                asked.add(index + 1, line)?;
            }
        }
        Ok(asked)
    }

    fn add(&mut self, number: usize, line: &str) -> Result<(), KnowledgeError> {
        let AskedQuestion {
            question,
            answer_in,
        } = serde_json::from_str(line).map_err(|error| {
            self.fault(
                number,
                format!(
                    "{error}; a line is {{\"question\":\"…\",\"answer_in\":\"FILE.md#Heading\"}}"
                ),
            )
        })?;
        if question.chars().count() > CHARS_MAX {
            let what = format!("the question is longer than {CHARS_MAX} characters; shorten it");
            return Err(self.fault(number, what));
        }
        self.lines.entry(answer_in.clone()).or_insert(number);
        let questions = self.by_place.entry(answer_in).or_default();
        if questions.len() < ASKED_MAX {
            questions.push(question);
        }
        Ok(())
    }

    /// Checks that every question is answered in a section that is there. Errors: one is not.
    pub fn check(&self, passages: &[Passage]) -> Result<(), KnowledgeError> {
        let places: BTreeSet<String> = passages.iter().map(Passage::place).collect();
        let stray = self
            .lines
            .iter()
            .find(|(place, _)| !places.contains(*place));
        match stray {
            None => Ok(()),
            Some((place, line)) => Err(self.fault(
                *line,
                format!("no text stands in {place:?}; name a section as FILE.md#Heading, or take the question out"),
            )),
        }
    }

    /// How many questions are asked of a section.
    pub fn count(&self, place: &str) -> usize {
        self.by_place.get(place).map_or(0, Vec::len)
    }

    /// What is asked of a passage: the questions of its section.
    pub fn of(&self, passage: &Passage) -> &[String] {
        self.by_place
            .get(&passage.place())
            .map_or(&[], Vec::as_slice)
    }

    fn fault(&self, line: usize, what: String) -> KnowledgeError {
        KnowledgeError::Line {
            path: self.path.clone(),
            line,
            what,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Asked, String> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(FILE), text).unwrap();
        Asked::read(folder.path()).map_err(|error| error.to_string())
    }

    fn passage(heading: &str) -> Passage {
        Passage {
            file: "shop.md".into(),
            document: "Shop".into(),
            trail: vec![heading.into()],
            body: String::new(),
        }
    }

    const DOGS: &str = r#"{"question":"May I bring Rex?","answer_in":"shop.md#Dogs"}"#;

    #[test]
    fn a_section_has_the_questions_that_name_it() {
        let asked = read(&format!("{DOGS}\n\n{DOGS}\n")).unwrap();
        assert_eq!(asked.of(&passage("Dogs")), ["May I bring Rex?"; 2]);
        assert_eq!(asked.of(&passage("Cats")), [""; 0]);
        assert_eq!((asked.count("shop.md#Dogs"), asked.count("Dogs")), (2, 0));
        asked.check(&[passage("Dogs")]).unwrap();
        let many = read(&format!("{DOGS}\n").repeat(1_000)).unwrap();
        assert_eq!(many.count("shop.md#Dogs"), ASKED_MAX);
    }

    #[test]
    fn where_nobody_asks_there_is_no_file() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Asked::read(folder.path()).unwrap().count("x"), 0);
    }

    #[test]
    fn what_is_no_text_names_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let bytes = [DOGS.as_bytes(), b"\n\xff\xfe"].concat();
        std::fs::write(folder.path().join(FILE), bytes).unwrap();
        let error = Asked::read(folder.path()).unwrap_err().to_string();
        assert!(error.contains("line 2: not UTF-8"), "{error}");
    }

    #[test]
    fn what_is_wrong_names_the_line_and_the_cure() {
        let error = read(&format!("{DOGS}\n{{\"question\":3}}")).unwrap_err();
        assert!(
            error.contains("asked.jsonl, line 2:") && error.contains("answer_in"),
            "{error}"
        );
        let long = DOGS.replace("Rex", &"Rex ".repeat(1_000));
        let error = read(&long).unwrap_err();
        assert!(
            error.contains("line 1:") && error.contains("shorten"),
            "{error}"
        );
        let stray = read(&format!("{DOGS}\n"))
            .unwrap()
            .check(&[passage("Cats")]);
        let error = stray.unwrap_err().to_string();
        assert!(
            error.contains("line 1:") && error.contains("shop.md#Dogs"),
            "{error}"
        );
    }
}
