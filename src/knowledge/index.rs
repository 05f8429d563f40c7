//! Terms -> the passages that hold some of them: the inverted index, in memory, by tantivy.
//!
//! The index hands on a few candidates by BM25; which of them is the answer is decided in `rank`. Terms are looked up as
//! they are, so no question is ever parsed as a query. This file must not know about words, stems or meanings.

use tantivy::collector::TopDocs;
use tantivy::collector::sort_key::{SortBySimilarityScore, SortByStaticFastValue};
use tantivy::directory::RamDirectory;
use tantivy::indexer::NoMergePolicy;
use tantivy::query::{BooleanQuery, BoostQuery, Query, TermQuery};
use tantivy::schema::{
    FAST, Field, IndexRecordOption, NumericOptions, Schema, TextFieldIndexing, TextOptions,
};
use tantivy::tokenizer::{TextAnalyzer, WhitespaceTokenizer};
use tantivy::{
    Index, IndexReader, IndexWriter, Order, ReloadPolicy, TantivyDocument, TantivyError, Term,
};

use super::entry::{Entry, NEXT};
use super::query::{Slot, Variant};

/// Memory the index writer may use: the smallest tantivy accepts.
const WRITER_BYTES: usize = 15_000_000;
/// How many passages BM25 hands on to be looked at closely.
pub(super) const CANDIDATES_MAX: usize = 24;
/// The most terms of a question that candidates are looked for by.
const TERMS_MAX: usize = 16;
/// How much more a word of a heading counts than one of the text: a heading says what its passage answers.
const HEAD_BOOST: f32 = 2.0;

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

    /// Opens the index that a directory holds.
    pub(super) fn open(directory: RamDirectory) -> tantivy::Result<PassageIndex> {
        PassageIndex::over(Index::open(directory)?)
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
        let searcher = self.reader.searcher();
        let mut count = 0;
        for field in [self.fields.head, self.fields.body, self.fields.asked] {
            count = count.max(searcher.doc_freq(&Term::from_field_text(field, term))?);
        }
        Ok(count)
    }

    /// The passages that hold the terms of a question best, by BM25; of equal ones the first.
    pub(super) fn candidates(&self, question: &[Slot]) -> tantivy::Result<Vec<usize>> {
        let by_score = (SortBySimilarityScore, Order::Desc);
        let by_order = (
            SortByStaticFastValue::<u64>::for_field("passage"),
            Order::Asc,
        );
        let best_first = TopDocs::with_limit(CANDIDATES_MAX).order_by((by_score, by_order));
        let query = self.query(question)?;
        let found = self.reader.searcher().search(&query, &best_first)?;
        let numbers = found.into_iter().filter_map(|((_, number), _)| number);
        Ok(numbers
            .filter_map(|number| usize::try_from(number).ok())
            .collect())
    }

    /// Term queries joined by "or", never a parsed string: a transcript has no syntax.
    fn query(&self, question: &[Slot]) -> tantivy::Result<BooleanQuery> {
        let Fields {
            head, body, asked, ..
        } = self.fields;
        let searcher = self.reader.searcher();
        let mut any: Vec<Box<dyn Query>> = Vec::new();
        for variant in telling(question) {
            for (field, boost) in [(head, HEAD_BOOST), (body, 1.0), (asked, 1.0)] {
                let term = Term::from_field_text(field, &variant.term);
                if searcher.doc_freq(&term)? > 0 {
                    let exact = TermQuery::new(term, IndexRecordOption::WithFreqs);
                    any.push(Box::new(BoostQuery::new(
                        Box::new(exact),
                        boost * variant.share,
                    )));
                }
            }
        }
        Ok(BooleanQuery::union(any))
    }
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
        .set_index_option(IndexRecordOption::WithFreqs);
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
