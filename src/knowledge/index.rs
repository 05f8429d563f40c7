//! Terms -> the passages that hold some of them: the inverted index, in memory, by tantivy.
//!
//! The index only finds: which passage is the answer, and which the next, is decided in `rank` alone. Terms are looked up
//! as they are, so no question is ever parsed as a query. This file must not know about words, stems or meanings.

use std::panic::{AssertUnwindSafe, catch_unwind};

use tantivy::collector::DocSetCollector;
use tantivy::directory::RamDirectory;
use tantivy::error::DataCorruption;
use tantivy::indexer::NoMergePolicy;
use tantivy::query::{BooleanQuery, Query, TermQuery};
use tantivy::schema::{
    FAST, Field, IndexRecordOption, NumericOptions, Schema, TextFieldIndexing, TextOptions,
};
use tantivy::tokenizer::{TextAnalyzer, WhitespaceTokenizer};
use tantivy::{
    DocSet, Index, IndexReader, IndexWriter, ReloadPolicy, SegmentReader, TERMINATED,
    TantivyDocument, TantivyError, Term,
};

use super::entry::{Entry, NEXT};
use super::query::{Slot, Variant};

/// Memory the index writer may use: the smallest tantivy accepts.
const WRITER_BYTES: usize = 15_000_000;
/// No further term is looked up when the terms before it stand in so many passages: rarer words tell more, and what holds
/// only common ones is not the answer.
const CANDIDATES_MAX: u64 = 4_000;
/// The most terms of a question that candidates are looked for by.
const TERMS_MAX: usize = 16;

/// The most terms of a field; 20,000 passages have some hundred thousand.
const FIELD_TERMS_MAX: usize = 4_000_000;

const ANALYZER: &str = "spaces";

/// The inverted index over entries.
pub(super) struct PassageIndex {
    reader: IndexReader,
    fields: Fields,
}

#[derive(Clone, Copy)]
struct Fields {
    passage: Field,
    /// Title, headings and questions.
    head: Field,
    body: Field,
    /// Questions that are asked of the section.
    asked: Field,
}

impl PassageIndex {
    /// Indexes entries on one thread; equal entries give an equal index. Returns it with the directory that holds it.
    pub(super) fn build(entries: &[Entry]) -> tantivy::Result<(PassageIndex, RamDirectory)> {
        let directory = RamDirectory::create();
        let (schema, fields) = schema();
        let index = Index::builder()
            .schema(schema)
            .open_or_create(directory.clone())?;
        register(&index);
        let mut writer: IndexWriter = index.writer_with_num_threads(1, WRITER_BYTES)?;
        // Merges would run on threads of their own and outlive the build.
        writer.set_merge_policy(Box::new(NoMergePolicy));
        for (number, entry) in (0_u64..).zip(entries) {
            let mut document = TantivyDocument::new();
            document.add_u64(fields.passage, number);
            let head = [&*entry.title, &*entry.headings, &*entry.questions].join(" ");
            document.add_text(fields.head, head);
            document.add_text(fields.body, &entry.text);
            document.add_text(fields.asked, entry.asked.replace(NEXT, " "));
            writer.add_document(document)?;
        }
        writer.commit()?;
        writer.wait_merging_threads()?;
        Ok((PassageIndex::over(index)?, directory))
    }

    /// Opens the index of so many passages that a directory holds.
    ///
    /// All of it is read once, so that what is broken is found here and by no question.
    pub(super) fn open(directory: RamDirectory, passages: usize) -> tantivy::Result<PassageIndex> {
        guarded(|| {
            let index = PassageIndex::over(Index::open(directory)?)?;
            index.check(passages as u64)?;
            Ok(index)
        })
    }

    fn check(&self, passages: u64) -> tantivy::Result<()> {
        let searcher = self.reader.searcher();
        let segments = searcher.segment_readers().iter();
        let documents: u64 = segments.map(|one| u64::from(one.max_doc())).sum();
        if documents != passages || self.passages() != passages {
            return Err(corrupt("passages are missing"));
        }
        let Fields {
            head, body, asked, ..
        } = self.fields;
        for segment in searcher.segment_readers() {
            let numbers = segment.fast_fields().u64("passage")?;
            for document in 0..segment.max_doc() {
                if numbers.first(document).is_none_or(|n| n >= passages) {
                    return Err(corrupt("a passage has no number"));
                }
            }
            for field in [head, body, asked] {
                check_terms(segment, field)?;
            }
        }
        Ok(())
    }

    fn over(index: Index) -> tantivy::Result<PassageIndex> {
        register(&index);
        let field = |name: &str| index.schema().get_field(name);
        let fields = Fields {
            passage: field("passage")?,
            head: field("head")?,
            body: field("body")?,
            asked: field("asked")?,
        };
        let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual);
        let reader: IndexReader = reader.try_into()?;
        Ok(PassageIndex { reader, fields })
    }

    /// How many passages it holds.
    pub(super) fn passages(&self) -> u64 {
        self.reader.searcher().num_docs()
    }

    /// In how many passages a term stands, at least: the most of its fields.
    pub(super) fn passages_with(&self, term: &str) -> Result<u64, TantivyError> {
        guarded(|| {
            let searcher = self.reader.searcher();
            let mut count = 0;
            for field in [self.fields.head, self.fields.body, self.fields.asked] {
                count = count.max(searcher.doc_freq(&Term::from_field_text(field, term))?);
            }
            Ok(count)
        })
    }

    /// The passages that hold any of the terms of a question that tell most, in their order.
    pub(super) fn candidates(&self, question: &[Slot]) -> tantivy::Result<Vec<usize>> {
        guarded(|| self.found(question))
    }

    fn found(&self, question: &[Slot]) -> tantivy::Result<Vec<usize>> {
        let searcher = self.reader.searcher();
        let query = BooleanQuery::union(self.terms(question)?);
        let mut found = Vec::new();
        for address in searcher.search(&query, &DocSetCollector)? {
            let segment = searcher.segment_reader(address.segment_ord);
            let numbers = segment.fast_fields().u64("passage")?;
            let number = numbers.first(address.doc_id);
            found.extend(number.and_then(|number| usize::try_from(number).ok()));
        }
        found.sort_unstable();
        Ok(found)
    }

    /// Term queries to be joined by "or", never a parsed string: a transcript has no syntax.
    fn terms(&self, question: &[Slot]) -> tantivy::Result<Vec<Box<dyn Query>>> {
        let Fields {
            head, body, asked, ..
        } = self.fields;
        let searcher = self.reader.searcher();
        let mut any: Vec<Box<dyn Query>> = Vec::new();
        let mut passages = 0;
        for variant in telling(question) {
            for field in [head, body, asked] {
                let term = Term::from_field_text(field, &variant.term);
                let frequency = searcher.doc_freq(&term)?;
                if frequency > 0 && (any.is_empty() || passages + frequency <= CANDIDATES_MAX) {
                    passages += frequency;
                    any.push(Box::new(TermQuery::new(term, IndexRecordOption::Basic)));
                }
            }
        }
        Ok(any)
    }
}

/// tantivy asserts what its own files keep; those that somebody damaged and sealed again do not. Nothing is written to an
/// index, so a search that broke off leaves nothing half done.
fn guarded<T>(work: impl FnOnce() -> tantivy::Result<T>) -> tantivy::Result<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(corrupt("its terms are broken")))
}

fn corrupt(what: &str) -> TantivyError {
    DataCorruption::comment_only(what).into()
}

/// Reads every term of a field, and where it stands.
fn check_terms(segment: &SegmentReader, field: Field) -> tantivy::Result<()> {
    let inverted = segment.inverted_index(field)?;
    let mut terms = inverted.terms().stream()?;
    let mut count = 0;
    while terms.advance() {
        count += 1;
        let frequency = terms.value().doc_freq;
        if count > FIELD_TERMS_MAX || frequency > segment.max_doc() {
            return Err(corrupt("there are too many terms"));
        }
        let option = IndexRecordOption::Basic;
        let mut stands = inverted.read_postings_from_terminfo(terms.value(), option)?;
        let mut left = frequency;
        let mut before = None;
        while stands.doc() != TERMINATED {
            let is_next = before < Some(stands.doc()) && stands.doc() < segment.max_doc();
            if left == 0 || !is_next {
                return Err(corrupt("a term stands in no passage"));
            }
            left -= 1;
            before = Some(stands.doc());
            stands.advance();
        }
    }
    Ok(())
}

/// The terms that tell most, each once. The others stand in most passages, which costs time and tells little; they still
/// count when the candidates are ranked.
fn telling(question: &[Slot]) -> Vec<&Variant> {
    let mut variants: Vec<&Variant> = Vec::new();
    for variant in question.iter().flat_map(|slot| &slot.variants) {
        if variants.iter().all(|other| other.term != variant.term) {
            variants.push(variant);
        }
    }
    let told = |variant: &Variant| variant.idf * variant.share;
    variants.sort_by(|a, b| told(b).total_cmp(&told(a)));
    variants.truncate(TERMS_MAX);
    variants
}

fn schema() -> (Schema, Fields) {
    let indexing = TextFieldIndexing::default()
        .set_tokenizer(ANALYZER)
        .set_index_option(IndexRecordOption::Basic);
    let text = TextOptions::default().set_indexing_options(indexing);
    let mut schema = Schema::builder();
    let fields = Fields {
        passage: schema.add_u64_field("passage", NumericOptions::from(FAST)),
        head: schema.add_text_field("head", text.clone()),
        body: schema.add_text_field("body", text.clone()),
        asked: schema.add_text_field("asked", text),
    };
    (schema.build(), fields)
}

fn register(index: &Index) {
    let spaces = TextAnalyzer::from(WhitespaceTokenizer::default());
    index.tokenizers().register(ANALYZER, spaces);
}
