//! A file of questions with the places of their answers, a JSON object a line.
//!
//! ```text
//! {"id":"q1","question":"When do you open?","answer_in":"hours.md#Opening hours","split":"tune","spoken":true}
//! {"id":"q2","question":"And on Sundays?","answer_in":null,"split":"tune","follows":"q1"}
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::files;

/// The largest file, in bytes, and the most questions.
const FILE_BYTES_MAX: u64 = 16 << 20;
const QUESTIONS_MAX: usize = 10_000;

/// A question of the file.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    pub id: String,
    pub text: String,
    /// Where the answer stands, as `FILE#Heading`, each place as right as the others; empty if the documents hold none.
    pub answer_in: Vec<String>,
    /// The part of the questions that this one belongs to, such as "tune" or "final".
    pub split: Option<String>,
    /// Whether the question is to be tried aloud, too.
    pub is_spoken: bool,
    /// The id of the question that was asked before it.
    pub follows: Option<String>,
}

#[derive(Deserialize)]
struct Line {
    id: String,
    question: String,
    answer_in: Option<Places>,
    #[serde(default)]
    split: Option<String>,
    #[serde(default)]
    spoken: bool,
    #[serde(default)]
    follows: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Places {
    One(String),
    Any(Vec<String>),
}

/// Why a file of questions cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum QuestionsError {
    #[error("{}: {source}; name a file of questions, a JSON object a line", path.display())]
    Unreadable {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("{}: {what}", path.display())]
    TooMuch { path: PathBuf, what: String },
    #[error("{}, line {line}: {what}", path.display())]
    Line {
        path: PathBuf,
        line: usize,
        what: String,
    },
    #[error("{}: no question is of split {split:?}; there are: {known}", path.display())]
    NoSuchSplit {
        path: PathBuf,
        split: String,
        known: String,
    },
}

/// Reads a file of questions.
pub fn read(path: &Path) -> Result<Vec<Question>, QuestionsError> {
    let unreadable = |source| QuestionsError::Unreadable {
        path: path.to_owned(),
        source,
    };
    let text = files::read_text(path, FILE_BYTES_MAX).map_err(|error| match error.kind() {
        io::ErrorKind::FileTooLarge => QuestionsError::TooMuch {
            path: path.to_owned(),
            what: "larger than 16 MiB; give fewer questions".into(),
        },
        _ => unreadable(error),
    })?;
    parse(path, &text)
}

fn parse(path: &Path, text: &str) -> Result<Vec<Question>, QuestionsError> {
    let mut questions = Vec::new();
    let mut ids = BTreeSet::new();
    for (index, text) in text.lines().enumerate() {
        if text.trim().is_empty() {
            continue;
        }
        let fault = |what: String| QuestionsError::Line {
            path: path.to_owned(),
            line: index + 1,
            what,
        };
        let line: Line = serde_json::from_str(text).map_err(|error| {
            fault(format!(
                "{error}; a line is {{\"id\":\"…\",\"question\":\"…\",\"answer_in\":\"FILE.md#Heading\"}}, with null for a question without an answer"
            ))
        })?;
        if let Some(before) = line
            .follows
            .as_ref()
            .filter(|before| !ids.contains(*before))
        {
            return Err(fault(format!(
                "follows {before:?}, which no line before it has as its id; put that question first"
            )));
        }
        if !ids.insert(line.id.clone()) {
            return Err(fault(format!(
                "the id {:?} is there twice; give each its own",
                line.id
            )));
        }
        questions.push(Question {
            id: line.id,
            text: line.question,
            answer_in: match line.answer_in {
                None => Vec::new(),
                Some(Places::One(place)) => vec![place],
                Some(Places::Any(places)) => places,
            },
            split: line.split,
            is_spoken: line.spoken,
            follows: line.follows,
        });
        if questions.len() > QUESTIONS_MAX {
            return Err(QuestionsError::TooMuch {
                path: path.to_owned(),
                what: "more than 10,000 questions; give fewer".into(),
            });
        }
    }
    Ok(questions)
}

/// The questions of one split; of all if none is named.
pub fn of_split(
    path: &Path,
    questions: Vec<Question>,
    split: Option<&str>,
) -> Result<Vec<Question>, QuestionsError> {
    let Some(split) = split else {
        return Ok(questions);
    };
    let known: BTreeSet<String> = questions.iter().filter_map(|q| q.split.clone()).collect();
    if !known.contains(split) {
        let known: Vec<String> = known.into_iter().collect();
        return Err(QuestionsError::NoSuchSplit {
            path: path.to_owned(),
            split: split.to_owned(),
            known: if known.is_empty() {
                "none".into()
            } else {
                known.join(", ")
            },
        });
    }
    let is_of = |question: &Question| question.split.as_deref() == Some(split);
    Ok(questions.into_iter().filter(is_of).collect())
}

/// What was asked before each question, oldest first, by its id. Nothing is known of questions outside of `all`.
pub(super) fn earlier(all: &[Question]) -> BTreeMap<&str, Vec<&str>> {
    let by_id: BTreeMap<&str, &Question> = all.iter().map(|q| (q.id.as_str(), q)).collect();
    let mut earlier: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    // A question stands behind the one that it follows, so that one's is known already.
    for question in all {
        let before = question
            .follows
            .as_ref()
            .and_then(|id| by_id.get(id.as_str()));
        let history = before.map_or_else(Vec::new, |before| {
            let mut history = earlier.get(before.id.as_str()).cloned().unwrap_or_default();
            history.push(before.text.as_str());
            history
        });
        earlier.insert(&question.id, history);
    }
    earlier
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"{"id":"a","question":"When?","answer_in":"h.md#Hours","split":"tune","spoken":true,"answer":"ten"}
{"id":"b","question":"And?","answer_in":["h.md#A","h.md#B"],"split":"tune","follows":"a"}

{"id":"c","question":"Or?","answer_in":null,"split":"final","follows":"b"}
"#;

    fn parsed(text: &str) -> Result<Vec<Question>, String> {
        parse(Path::new("q.jsonl"), text).map_err(|error| error.to_string())
    }

    #[test]
    fn questions_are_read_with_what_was_asked_before() {
        let questions = parsed(GOOD).unwrap();
        assert_eq!(questions[1].answer_in, ["h.md#A", "h.md#B"]);
        assert!(questions[2].answer_in.is_empty() && questions[0].is_spoken);
        assert_eq!(earlier(&questions)["c"], ["When?", "And?"]);
        let tune = of_split(Path::new("q"), questions, Some("tune")).unwrap();
        assert_eq!(tune.len(), 2);
    }

    #[test]
    fn a_line_that_cannot_be_right_is_named_with_the_cure() {
        for (text, named) in [
            ("{", "q.jsonl, line 1: EOF"),
            ("\n{\"id\":\"a\"}", "line 2: missing field `question`"),
            (&GOOD.replace("\"b\"", "\"a\""), "there twice"),
            (
                &GOOD.replace("\"follows\":\"a\"", "\"follows\":\"z\""),
                "put that question first",
            ),
        ] {
            let error = parsed(text).unwrap_err();
            assert!(error.contains(named), "{error}");
        }
        let questions = parsed(GOOD).unwrap();
        let error = of_split(Path::new("q"), questions, Some("x")).unwrap_err();
        assert!(
            error.to_string().contains("there are: final, tune"),
            "{error}"
        );
    }
}
