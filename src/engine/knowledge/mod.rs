//! What the assistant knows, and how a question is answered from it in one or two spoken sentences.
//!
//! A folder of Markdown or text is cut at its headings into passages (`passages`), the passages are indexed in memory
//! (`search`), and the sentences of the best one that answer best are read out as `spoken` makes them. The same folder
//! and question always give the same answer. Limitations: the search is by words (English stems), not by meaning, and
//! an answer is a quotation, never a conclusion. It must not know about stages, clocks or audio.

mod passages;
mod search;
mod spoken;

use std::path::{Path, PathBuf};

use include_dir::{Dir, include_dir};

use passages::{Format, Passage};
use search::{PassageIndex, WeightedTerm};

pub use passages::{FILE_BYTES_MAX, FOLDER_BYTES_MAX, PASSAGES_MAX};
pub use spoken::aloud;

/// The built-in knowledge, part of the binary so that it answers anywhere.
static EMBEDDED: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/audio/knowledge");

/// The most words of a spoken answer: some fifteen seconds of speech.
const ANSWER_WORDS_MAX: usize = 40;
/// A shorter answer takes the sentence beside it along.
const ANSWER_WORDS_MIN: usize = 6;

/// Passages and the index over them.
pub struct Knowledge {
    passages: Vec<Passage>,
    index: PassageIndex,
}

/// What is said in reply to a question.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// One or two sentences to be spoken; never empty, no Markdown.
    pub text: String,
    /// Where they stand; `None` if the knowledge holds no answer and `text` says so.
    pub source: Option<Source>,
    /// The share of the question's weight that the passage covers, 0 to 1; 0 without a source.
    pub score: f32,
}

/// The place of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The document's title.
    pub document: String,
    /// The nearest heading above the passage; the title if there is none.
    pub heading: String,
}

/// Why a folder cannot be answered from.
#[derive(Debug, thiserror::Error)]
pub enum KnowledgeError {
    #[error("{}: there is no such folder; give an existing folder of .md or .txt files, or none to use the built-in knowledge", folder.display())]
    NoFolder { folder: PathBuf },
    #[error("{}: nothing to answer from; put at least one .md or .txt file with a sentence in it there, or give no folder to use the built-in knowledge", folder.display())]
    Empty { folder: PathBuf },
    #[error("{}, line {line}: not UTF-8 text; save the file as UTF-8 or take it out of the folder", path.display())]
    NotUtf8 { path: PathBuf, line: usize },
    #[error("{}: larger than 4 MiB; split the file or take it out of the folder", path.display())]
    LargeFile { path: PathBuf },
    #[error("{}: more than {bound}; give a smaller folder", folder.display())]
    TooMuch {
        folder: PathBuf,
        bound: &'static str,
    },
    #[error("{}: cannot be read ({source}); check its permissions", path.display())]
    Unreadable {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("the knowledge cannot be indexed: {0}; give a smaller folder or free some memory")]
    Index(#[from] tantivy::TantivyError),
}

impl KnowledgeError {
    fn too_much(folder: &Path, bound: &'static str) -> Self {
        Self::TooMuch {
            folder: folder.to_owned(),
            bound,
        }
    }
}

impl Knowledge {
    /// The built-in knowledge: voice-assistant latency, and voicesim itself.
    pub fn embedded() -> Result<Self, KnowledgeError> {
        Self::over(embedded_passages())
    }

    /// The knowledge of a folder of `.md` and `.txt` files, subfolders included.
    ///
    /// Errors: see [`check`]; and the index cannot be built.
    pub fn open(folder: &Path) -> Result<Self, KnowledgeError> {
        Self::over(passages::read_folder(folder)?)
    }

    fn over(passages: Vec<Passage>) -> Result<Self, KnowledgeError> {
        let index = PassageIndex::build(&passages)?;
        Ok(Self { passages, index })
    }

    /// Answers a question as it was heard; any text will do. What the knowledge does not hold is answered by saying so.
    pub fn answer(&self, question: &str) -> Answer {
        match self.find(question) {
            Ok(Some(answer)) => answer,
            Ok(None) => self.does_not_know(),
            Err(error) => {
                // The index lies in memory, so this is a defect rather than an event; the caller still gets a reply.
                tracing::error!(%error, "the knowledge could not be searched");
                self.does_not_know()
            }
        }
    }

    /// The passages that have most to do with a question, the best first, each as one line behind its
    /// title and heading: what somebody else may answer from.
    #[cfg(feature = "openai")]
    pub fn passages(&self, question: &str, most: usize) -> Vec<String> {
        let ranked = self
            .index
            .weigh(question)
            .and_then(|question| self.index.ranked(&question))
            .unwrap_or_else(|error| {
                tracing::error!(%error, "the knowledge could not be searched");
                Vec::new()
            });
        let passages = ranked.into_iter().filter_map(|at| self.passages.get(at));
        passages.take(most).map(line).collect()
    }

    fn find(&self, question: &str) -> tantivy::Result<Option<Answer>> {
        let question = self.index.weigh(question)?;
        let hit = self.index.search(&question, &self.passages)?;
        Ok(hit.and_then(|hit| {
            let passage = self.passages.get(hit.passage)?;
            let source = Source {
                document: passage.document.clone(),
                heading: passage.heading().to_owned(),
            };
            Some(Answer {
                text: self.best_sentences(&passage.body, &question),
                source: Some(source),
                score: hit.coverage,
            })
        }))
    }

    /// The one or two adjacent sentences of a passage that hold most of the question's weight, within the word bounds.
    /// Of equals the earlier win, then the longer.
    fn best_sentences(&self, body: &str, question: &[WeightedTerm]) -> String {
        let sentences = spoken::sentences(body);
        let mut best: Option<(bool, f32, String)> = None;
        for start in 0..sentences.len() {
            for count in [2, 1] {
                let Some(run) = sentences.get(start..start + count) else {
                    continue;
                };
                let text = run
                    .iter()
                    .map(|sentence| closed(sentence))
                    .collect::<Vec<_>>()
                    .join(" ");
                let words = text.split_whitespace().count();
                let fits = (ANSWER_WORDS_MIN..=ANSWER_WORDS_MAX).contains(&words);
                let held = self.index.terms(&text);
                let weight =
                    search::weight(question.iter().filter(|term| held.contains(&term.term)));
                if best.as_ref().is_none_or(|(best_fits, best_weight, _)| {
                    (fits, weight) > (*best_fits, *best_weight)
                }) {
                    best = Some((fits, weight, text));
                }
            }
        }
        spoken::shortened(
            &best.map_or_else(String::new, |(_, _, text)| text),
            ANSWER_WORDS_MAX,
        )
    }

    /// Names the first, the middle and the last document as examples of what can be asked.
    fn does_not_know(&self) -> Answer {
        let mut titles: Vec<&str> = self
            .passages
            .iter()
            .map(|passage| passage.document.as_str())
            .collect();
        titles.dedup();
        let examples = [0, titles.len() / 2, titles.len().saturating_sub(1)]
            .map(|at| titles.get(at).copied().unwrap_or_default());
        let mut named: Vec<String> = examples
            .iter()
            .map(|title| spoken::shortened(&aloud(title), ANSWER_WORDS_MIN))
            .collect();
        named.dedup();
        let text = match named.as_slice() {
            [] => "I don't know that.".to_owned(),
            [only] => format!("I don't know that. You can ask me about {only}."),
            [first @ .., last] => format!(
                "I don't know that. You can ask me about {} or {last}.",
                first.join(", ")
            ),
        };
        Answer {
            text,
            source: None,
            score: 0.0,
        }
    }
}

/// A passage as one line.
#[cfg(feature = "openai")]
fn line(passage: &Passage) -> String {
    let body: Vec<&str> = passage.body.split_whitespace().collect();
    let heading = match passage.heading() {
        heading if heading == passage.document => heading.to_owned(),
        heading => format!("{}, {heading}", passage.document),
    };
    format!("{heading}: {}", body.join(" "))
}

/// A list item or table row, closed like a sentence so that the voice drops at its end.
fn closed(sentence: &str) -> String {
    let stop = if sentence.ends_with(char::is_alphanumeric) {
        "."
    } else {
        ""
    };
    format!("{sentence}{stop}")
}

/// Whether a folder can be answered from, without building its index.
///
/// Errors: the folder is missing or holds no text; a file cannot be read, is not UTF-8 or is larger than
/// [`FILE_BYTES_MAX`]; together they pass [`FOLDER_BYTES_MAX`] or [`PASSAGES_MAX`].
pub fn check(folder: &Path) -> Result<(), KnowledgeError> {
    passages::read_folder(folder).map(drop)
}

fn embedded_passages() -> Vec<Passage> {
    let mut files: Vec<_> = EMBEDDED.files().collect();
    files.sort_by_key(|file| file.path());
    let readable = files
        .into_iter()
        .filter_map(|file| Some((file.contents_utf8()?, file.path(), Format::of(file.path())?)));
    readable
        .flat_map(|(text, path, format)| passages::cut(text, path, format))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::sync::LazyLock;

    /// The questions that the fixtures ask aloud, and the passages that answer them.
    const QUESTIONS: [(&str, &str, &str); 7] = [
        (
            "How long is the natural pause between two speakers?",
            "Turn taking",
            "How long the natural pause between two speakers is",
        ),
        (
            "How fast should a voice assistant reply?",
            "Turn taking",
            "How fast a voice assistant should reply",
        ),
        (
            "Why does the average hide the slow replies?",
            "Percentiles",
            "Why the average hides the slow replies",
        ),
        (
            "How does the assistant know that I have finished speaking?",
            "Endpointing",
            "How the assistant knows that you have finished speaking",
        ),
        (
            "Do I need a graphics card?",
            "voicesim",
            "Whether you need a graphics card",
        ),
        (
            "Where is the recording of the conversation kept?",
            "Running voicesim",
            "Where the recording of the conversation is kept",
        ),
        (
            "When someone interrupts the assistant, should it stop talking?",
            "Interruptions",
            "Should the assistant stop talking when someone interrupts",
        ),
    ];

    static BUILT_IN: LazyLock<Knowledge> = LazyLock::new(|| Knowledge::embedded().unwrap());

    #[track_caller]
    fn check_answer(question: &str, document: &str, heading: &str) {
        let answer = BUILT_IN.answer(question);
        let expected = Source {
            document: document.to_owned(),
            heading: heading.to_owned(),
        };
        assert_eq!(answer.source, Some(expected), "{question}: {}", answer.text);
        let words = answer.text.split_whitespace().count();
        assert!((ANSWER_WORDS_MIN..=ANSWER_WORDS_MAX).contains(&words));
        assert!(answer.text.ends_with('.'), "{}", answer.text);
    }

    #[track_caller]
    fn check_refused(knowledge: &Knowledge, question: &str) {
        let answer = knowledge.answer(question);
        assert_eq!(answer.source, None, "{question}: {}", answer.text);
        assert!(
            answer.text.starts_with("I don't know that."),
            "{}",
            answer.text
        );
        assert_eq!(answer.score, 0.0);
    }

    fn folder_of(files: &[(&str, &[u8])]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, bytes) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
        folder
    }

    #[track_caller]
    fn check_rejected(folder: &Path, named: &str, cure: &str) {
        let error = super::check(folder).unwrap_err().to_string();
        assert!(error.contains(named) && error.contains(cure), "{error}");
        assert_eq!(Knowledge::open(folder).err().unwrap().to_string(), error);
    }

    #[test]
    fn each_question_of_the_fixtures_finds_its_passage_first() {
        for (question, document, heading) in QUESTIONS {
            check_answer(question, document, heading);
        }
    }

    #[test]
    fn the_question_with_a_pause_is_answered_from_its_first_half_too() {
        let (_, document, heading) = QUESTIONS[6];
        check_answer("When someone interrupts the assistant.", document, heading);
    }

    #[test]
    fn a_question_survives_any_one_of_its_words_misheard() {
        for (question, document, heading) in QUESTIONS {
            let words: Vec<&str> = question.split(' ').collect();
            for misheard in 0..words.len() {
                let mut heard = words.clone();
                heard[misheard] = "zebra";
                check_answer(&heard.join(" "), document, heading);
            }
        }
    }

    #[test]
    fn spellings_of_the_recogniser_do_not_matter() {
        let (_, document, heading) = QUESTIONS[0];
        check_answer(
            "how long is a natural paws between speakers",
            document,
            heading,
        );
        check_answer(
            "HOW LONG'S THE NATURAL PAUSE BETWEEN 2 SPEAKERS",
            document,
            heading,
        );
        check_answer(
            "What's P95?",
            "Percentiles",
            "What the ninety-fifth percentile is",
        );
        check_answer(
            "What is VAD?",
            "Voice activity detection",
            "What voice activity detection does",
        );
    }

    #[test]
    fn every_heading_of_the_built_in_knowledge_finds_a_passage_of_its_own() {
        for passage in &BUILT_IN.passages {
            check_answer(passage.heading(), &passage.document, passage.heading());
        }
        assert!((50..=80).contains(&BUILT_IN.passages.len()));
    }

    #[test]
    fn what_the_knowledge_does_not_hold_is_not_answered() {
        for question in [
            "What is the capital of France?",
            "How tall is the Eiffel tower?",
            "Who wrote Romeo and Juliet?",
            "How do I cook an egg?",
            "What time is it?",
            "What will the weather be tomorrow?",
            "How many people live in London?",
            "How fast is a train?",
            "Can you book me a table for two?",
        ] {
            check_refused(&BUILT_IN, question);
        }
    }

    #[test]
    fn any_text_is_a_question() {
        for question in ["", "  \n", "...!?", "😀😀", "the of and", "\0\u{202e}"] {
            check_refused(&BUILT_IN, question);
        }
        check_refused(&BUILT_IN, &"quagga ".repeat(1_500));
        check_refused(&BUILT_IN, &"x".repeat(10_000));
        for syntax in [
            "body:[a TO b]",
            "\"unclosed",
            "((+-!",
            "a AND OR NOT ~9 ^2",
            "*",
        ] {
            check_refused(&BUILT_IN, syntax);
        }
    }

    #[test]
    fn a_users_folder_is_answered_from_markdown_and_text() {
        let folder = folder_of(&[
            ("b/shop.md", b"# The shop\n\n## Opening hours\n\nWe open at **9**, see https://shop.example .\n\n```\nopen = 9\n```\n"),
            ("parking-lot.txt", b"Cars are parked behind the house. It costs 2 euros."),
            ("ignored.csv", b"\xff\xfe"),
            (".hidden.md", b"\xff"),
        ]);
        super::check(folder.path()).unwrap();
        let knowledge = Knowledge::open(folder.path()).unwrap();
        let hours = knowledge.answer("What are your opening hours?");
        assert_eq!(hours.text, "We open at 9, see.");
        assert_eq!(hours.source.unwrap().heading, "Opening hours");
        let parking = knowledge.answer("Where can I park my car?");
        assert_eq!(parking.source.unwrap().document, "parking lot");
        check_refused(&knowledge, "What is the capital of France?");
        assert!(
            knowledge
                .answer("?")
                .text
                .ends_with("about The shop or parking lot.")
        );
    }

    #[test]
    fn the_same_question_always_gets_the_same_answer_and_ties_go_to_the_first() {
        let text = "# Twins\n## One\nThe gate is green.\n## Two\nThe gate is green.\n";
        let folder = folder_of(&[("b.md", text.as_bytes()), ("a.md", text.as_bytes())]);
        let answers: Vec<Answer> = (0..5)
            .map(|_| {
                Knowledge::open(folder.path())
                    .unwrap()
                    .answer("Is the gate green?")
            })
            .collect();
        assert_eq!(answers[0].source.as_ref().unwrap().heading, "One");
        assert!(answers.iter().all(|answer| *answer == answers[0]));
    }

    #[test]
    fn a_long_sentence_is_cut_at_forty_words() {
        let body = format!(
            "The tariff is this: {}and more.",
            "every word counts, ".repeat(30)
        );
        let folder = folder_of(&[("tariff.md", body.as_bytes())]);
        let answer = Knowledge::open(folder.path())
            .unwrap()
            .answer("What is the tariff?");
        let words = answer.text.split_whitespace().count();
        assert!((30..=ANSWER_WORDS_MAX).contains(&words) && answer.text.ends_with("counts."));
    }

    #[test]
    fn a_folder_that_cannot_be_answered_from_is_named_with_the_cure() {
        let empty = folder_of(&[("notes.csv", b"a,b"), ("blank.md", b"\n\n---\n")]);
        check_rejected(
            empty.path(),
            &empty.path().display().to_string(),
            "at least one .md or .txt",
        );
        check_rejected(
            &empty.path().join("gone"),
            "gone",
            "give an existing folder",
        );
        check_rejected(
            &empty.path().join("notes.csv"),
            "notes.csv",
            "give an existing folder",
        );
        let latin = folder_of(&[("sub/latin.txt", b"fine\ncaf\xe9")]);
        check_rejected(latin.path(), "latin.txt, line 2", "save the file as UTF-8");
        let large = folder_of(&[("large.txt", &vec![b'a'; FILE_BYTES_MAX as usize + 1])]);
        check_rejected(
            large.path(),
            "large.txt: larger than 4 MiB",
            "split the file",
        );
        let many = folder_of(&[("many.md", "# a\nb\n".repeat(PASSAGES_MAX + 1).as_bytes())]);
        check_rejected(
            many.path(),
            "more than 20,000 passages",
            "give a smaller folder",
        );
    }
}
