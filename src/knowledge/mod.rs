//! What the assistant knows, and how a question is answered from it in one or two spoken sentences.
//!
//! ```text
//! folder -> passages (markdown, chunks) -> entries (context, hypothetical, asked, analysis: figures, lexicon) -> index
//! question (+ earlier ones: follow) -> query (asks) -> index -> rank (tally) -> reply -> spoken
//! ```
//!
//! How documents are prepared is data (`preparation`), each step a pure file that can be left out; `eval` says what each
//! is worth. The same documents and questions always give the same answer. Limitations: the search is by words, their
//! stems and a list of what means the same (English), and an answer is a quotation, never a conclusion. It must not know
//! about stages, clocks or audio.

mod analysis;
mod asked;
mod asks;
mod chunks;
mod context;
mod entry;
mod error;
pub mod eval;
mod figure_words;
mod figures;
mod folder;
mod follow;
mod hypothetical;
mod index;
mod lexicon;
pub mod made_up;
mod markdown;
mod passages;
mod preparation;
mod query;
mod questions;
mod rank;
mod reply;
mod store;
mod tally;

use std::path::Path;

use include_dir::{Dir, include_dir};

use analysis::Analysis;
use entry::Entry;
use index::PassageIndex;
use query::Slot;

pub use crate::speak::aloud;
pub use asked::{AskedQuestion, FILE as ASKED_FILE};
pub use error::KnowledgeError;
pub use folder::{Document, Documents, FILE_BYTES_MAX, FOLDER_BYTES_MAX, Format};
pub use passages::{PASSAGES_MAX, Passage};
pub use preparation::{CHUNK_CHARS, Preparation, Step};
pub use query::QUESTION_CHARS_MAX;
pub use rank::{Hit, Match};
pub use store::{Built, build, is_index};

/// The built-in knowledge, part of the binary so that it answers anywhere.
static EMBEDDED: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/audio/knowledge");

/// Passages and the index over them.
pub struct Knowledge {
    entries: Vec<Entry>,
    index: PassageIndex,
    analysis: Analysis,
    preparation: Preparation,
    /// The mean number of terms of a passage's text.
    length_mean: f32,
}

/// What is said in reply to a question.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// One or two sentences to be spoken; never empty, no Markdown, no digits.
    pub text: String,
    /// Where the sentences stand; `None` if the knowledge holds no answer and `text` says so.
    pub source: Option<Source>,
    /// How sure it is that the sentences answer the question, 0 to 1; 0 without a source.
    pub confidence: f64,
}

/// The place of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The document's title.
    pub document: String,
    /// The nearest heading above the passage; the title if there is none.
    pub heading: String,
}

impl Knowledge {
    /// The built-in knowledge: voice-assistant latency, and voicesim itself.
    pub fn embedded() -> Result<Self, KnowledgeError> {
        Self::prepared(&embedded_documents(), Preparation::default())
    }

    /// The knowledge of a folder of `.md` and `.txt` files, subfolders included, or of an index that was built of one.
    ///
    /// Errors: see [`check`]; and the index cannot be built.
    pub fn open(folder: &Path) -> Result<Self, KnowledgeError> {
        match is_index(folder) {
            true => store::open(folder),
            false => Self::of_folder(folder, Preparation::default()),
        }
    }

    /// The knowledge of a folder of documents, prepared as asked.
    pub fn of_folder(folder: &Path, preparation: Preparation) -> Result<Self, KnowledgeError> {
        let documents = read_checked(folder)?;
        Self::prepared(&documents, preparation)
    }

    /// The knowledge of documents in memory.
    pub fn prepared(
        documents: &Documents,
        preparation: Preparation,
    ) -> Result<Self, KnowledgeError> {
        let analysis = Analysis::of(&preparation, &documents.synonyms);
        let entries = entries(documents, &preparation, &analysis);
        let (index, _) = PassageIndex::build(&entries)?;
        Ok(Self::over(entries, index, analysis, preparation))
    }

    fn over(
        entries: Vec<Entry>,
        index: PassageIndex,
        analysis: Analysis,
        preparation: Preparation,
    ) -> Self {
        let terms = |entry: &Entry| entry.text.bytes().filter(|b| *b == b' ').count() + 1;
        let terms: usize = entries.iter().map(terms).sum();
        Self {
            length_mean: terms as f32 / entries.len().max(1) as f32,
            entries,
            index,
            analysis,
            preparation,
        }
    }

    pub fn preparation(&self) -> &Preparation {
        &self.preparation
    }

    /// How many passages there are.
    pub fn passages(&self) -> usize {
        self.entries.len()
    }

    /// Whether some text stands in a place, `FILE#Heading`.
    pub fn has_place(&self, place: &str) -> bool {
        let mut places = self.entries.iter().map(|entry| entry.passage.place());
        places.any(|own| own == place)
    }

    /// The passage of a hit.
    pub fn passage(&self, hit: &Hit) -> Option<&Passage> {
        self.entries.get(hit.entry).map(|entry| &entry.passage)
    }

    /// Answers a question as it was heard, after earlier ones, oldest first; any text will do. What the knowledge does
    /// not hold is answered by saying so.
    pub fn answer(&self, question: &str, earlier: &[&str]) -> Answer {
        let found = self.slots(question, earlier).and_then(|slots| {
            let hits = self.ranked(&slots)?;
            Ok((slots, self.without_former(hits, question, earlier)?))
        });
        let (slots, hits) = match found {
            Ok(found) => found,
            Err(error) => {
                // The index lies in memory, so this is a defect rather than an event; the caller still gets a reply.
                tracing::error!(%error, "the knowledge could not be searched");
                return self.does_not_know();
            }
        };
        let first = hits.first().filter(|hit| self.is_answer(hit));
        let Some((hit, passage)) = first.and_then(|hit| Some((hit, self.passage(hit)?))) else {
            return self.does_not_know();
        };
        Answer {
            text: reply::sentences_for(&passage.body, &slots, &self.analysis),
            source: Some(Source {
                document: passage.document.clone(),
                heading: passage.heading().to_owned(),
            }),
            confidence: hit.confidence,
        }
    }

    /// The passages that have most to do with a question, the best first, each as one line behind its
    /// title and heading: what somebody else may answer from.
    #[cfg(feature = "openai")]
    pub fn best_passages(&self, question: &str, earlier: &[&str], most: usize) -> Vec<String> {
        let hits = self.search(question, earlier).unwrap_or_else(|error| {
            tracing::error!(%error, "the knowledge could not be searched");
            Vec::new()
        });
        let passages = hits.iter().filter_map(|hit| self.passage(hit));
        passages.take(most).map(line).collect()
    }

    /// The passages that may answer a question after earlier ones, best first; whether or not they are good enough.
    pub fn search(&self, question: &str, earlier: &[&str]) -> Result<Vec<Hit>, KnowledgeError> {
        let hits = self.ranked(&self.slots(question, earlier)?)?;
        Ok(self.without_former(hits, question, earlier)?)
    }

    /// A caller who asks for "the other one" does not want the passage that the question before was answered from: if that
    /// comes first, it changes places with the second.
    fn without_former(
        &self,
        mut hits: Vec<Hit>,
        question: &str,
        earlier: &[&str],
    ) -> tantivy::Result<Vec<Hit>> {
        let Some((before, earliest)) = earlier.split_last() else {
            return Ok(hits);
        };
        let (Some(first), true) = (hits.first(), hits.len() > 1) else {
            return Ok(hits);
        };
        if follow::wants_another(question) {
            let former = self.ranked(&self.slots(before, earliest)?)?;
            if former
                .first()
                .is_some_and(|former| former.entry == first.entry)
            {
                hits.swap(0, 1);
            }
        }
        Ok(hits)
    }

    /// Whether a hit would be answered from, or the question refused.
    pub fn is_answer(&self, hit: &Hit) -> bool {
        !self.preparation.has(Step::Threshold) || hit.confidence >= self.preparation.threshold
    }

    fn ranked(&self, slots: &[Slot]) -> tantivy::Result<Vec<Hit>> {
        let candidates = self.index.candidates(slots)?;
        Ok(rank::rank(
            slots,
            &candidates,
            &self.entries,
            self.length_mean,
            query::rarest(&self.index),
        ))
    }

    /// What to look for; a question that goes on from the one before it takes over its subject.
    fn slots(&self, question: &str, earlier: &[&str]) -> tantivy::Result<Vec<Slot>> {
        let own = query::slots(question, &self.analysis, &self.preparation, &self.index)?;
        let content = own.iter().filter(|slot| slot.is_content()).count();
        let steps_back = earlier.len().min(follow::STEPS_BACK_MAX);
        let recent = earlier.get(earlier.len() - steps_back..).unwrap_or(&[]);
        match recent.split_last() {
            Some((before, earliest)) if follow::goes_on(question, content) => {
                let before = self.slots(before, earliest)?;
                let stem = |word: &str| self.analysis.terms(word).pop().unwrap_or_default();
                Ok(follow::with_subject(own, question, &before, stem))
            }
            _ => Ok(own),
        }
    }

    fn does_not_know(&self) -> Answer {
        let titles = self.entries.iter().map(|entry| &*entry.passage.document);
        Answer {
            text: reply::does_not_know(titles),
            source: None,
            confidence: 0.0,
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

fn entries(documents: &Documents, preparation: &Preparation, analysis: &Analysis) -> Vec<Entry> {
    let passages = passages::of(&documents.texts, preparation).into_iter();
    passages
        .map(|passage| Entry::of(passage, preparation, analysis, &documents.asked))
        .collect()
}

/// The documents of a folder, if there is something in them, and not too much.
pub fn read_checked(folder: &Path) -> Result<Documents, KnowledgeError> {
    let documents = folder::read(folder)?;
    let passages = passages::of(&documents.texts, &Preparation::default());
    match passages.len() {
        0 => Err(KnowledgeError::Empty {
            folder: folder.to_owned(),
        }),
        count if count > PASSAGES_MAX => Err(KnowledgeError::too_much(folder, "20,000 passages")),
        _ => documents.asked.check(&passages).map(|()| documents),
    }
}

/// Whether a folder can be answered from, without building its index.
///
/// Errors: the folder is missing or holds no text; a file cannot be read, is not UTF-8 or is larger than
/// [`FILE_BYTES_MAX`]; together they pass [`FOLDER_BYTES_MAX`] or [`PASSAGES_MAX`]; an index is damaged.
pub fn check(folder: &Path) -> Result<(), KnowledgeError> {
    match is_index(folder) {
        true => store::open(folder).map(drop),
        false => read_checked(folder).map(drop),
    }
}

/// Whether a folder is an index that can be answered from.
///
/// Errors: the folder is no index, is damaged, or was built by another version.
pub fn check_index(folder: &Path) -> Result<(), KnowledgeError> {
    match is_index(folder) {
        true => store::open(folder).map(drop),
        false => Err(KnowledgeError::NoIndex {
            folder: folder.to_owned(),
        }),
    }
}

fn embedded_documents() -> Documents {
    let mut files: Vec<_> = EMBEDDED.files().collect();
    files.sort_by_key(|file| file.path());
    let readable = files.into_iter().filter_map(|file| {
        Some(Document {
            file: file.path().to_string_lossy().into_owned(),
            format: Format::of(file.path())?,
            text: file.contents_utf8()?.to_owned(),
        })
    });
    Documents::from(readable.collect::<Vec<_>>())
}

#[cfg(test)]
mod test_answers;
#[cfg(test)]
mod test_damaged;
