//! A spoken question -> the passage that answers it, or none.
//!
//! BM25 ranks the passages; whether the best of them is an answer at all is decided by how much of the question it
//! covers, since raw BM25 values mean something else in every corpus.

use std::collections::BTreeSet;

use tantivy::collector::TopDocs;
use tantivy::collector::sort_key::{SortBySimilarityScore, SortByStaticFastValue};
use tantivy::indexer::NoMergePolicy;
use tantivy::query::{BooleanQuery, BoostQuery, Query, TermQuery};
use tantivy::schema::{
    FAST, Field, IndexRecordOption, NumericOptions, Schema, TextFieldIndexing, TextOptions,
};
use tantivy::tokenizer::{
    AsciiFoldingFilter, Language, LowerCaser, RemoveLongFilter, SimpleTokenizer, Stemmer,
    StopWordFilter, TextAnalyzer,
};
use tantivy::{Index, IndexReader, IndexWriter, Order, ReloadPolicy, TantivyDocument, Term};

use super::passages::Passage;
use super::spoken::aloud;

/// Memory the index writer may use: the smallest tantivy accepts.
const WRITER_BYTES: usize = 15_000_000;
/// How many passages BM25 hands on to be looked at closely.
const CANDIDATES_MAX: usize = 16;
/// How many different content words of a question count; a spoken question has fewer than twenty.
const QUESTION_TERMS_MAX: usize = 64;
/// A heading says what its passage answers, so its words count this much more than those of the text.
const HEADING_BOOST: f32 = 2.0;
/// The least share of the question's weight an answer covers: one misheard word of three still passes.
const COVERAGE_MIN: f32 = 0.5;
/// A single covered word is evidence only if it is rare ("time" is not): this share of the weight of a word that
/// stands in one passage alone…
const EVIDENCE_MIN: f32 = 0.6;
/// …or if the passage's heading asks for little else: this share of the heading's words.
const HEADING_COVERAGE_MIN: f32 = 0.75;

const ANALYZER: &str = "spoken-english";

/// Words that carry no topic when somebody asks something aloud, in lower case, with the pieces of contractions.
const STOP_WORDS: &str = "a an the this that these those it its and or but if then so as of to in on at by for from with \
    without into than is are was were be been being am do does did done has have had having can could will would shall \
    should may might must i you he she we they me him her us them my your his our their mine yours myself yourself what \
    which who whom whose when where why how there here not no yes s t d m ll re ve don doesn didn isn aren won wouldn \
    couldn just only also very really too please tell explain describe give know want like say said mean means \
    matter matters about some any many much get got let hey hi hello okay ok um uh er well now long come comes happen \
    happens thing things work works use uses used";

/// A passage found for a question.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// Index into the passages the index was built from.
    pub passage: usize,
    /// The share of the question's weight that the passage covers, 0 to 1.
    pub coverage: f32,
}

/// An index in memory over passages, and the analysis that question and passage share.
pub struct PassageIndex {
    reader: IndexReader,
    analyzer: TextAnalyzer,
    fields: Fields,
}

#[derive(Clone, Copy)]
struct Fields {
    passage: Field,
    title: Field,
    heading: Field,
    body: Field,
}

/// A content word of a question and its weight.
#[derive(Debug, Clone, PartialEq)]
pub struct WeightedTerm {
    pub term: String,
    pub weight: f32,
}

impl PassageIndex {
    /// Indexes the passages on one thread; the same passages give the same index.
    pub fn build(passages: &[Passage]) -> tantivy::Result<Self> {
        let (schema, fields) = schema();
        let analyzer = analyzer();
        let index = Index::create_in_ram(schema);
        index.tokenizers().register(ANALYZER, analyzer.clone());
        let mut writer: IndexWriter = index.writer_with_num_threads(1, WRITER_BYTES)?;
        // Merges would run on threads of their own and outlive the build.
        writer.set_merge_policy(Box::new(NoMergePolicy));
        for (number, passage) in (0_u64..).zip(passages) {
            let mut document = TantivyDocument::new();
            document.add_u64(fields.passage, number);
            document.add_text(fields.title, aloud(&passage.document));
            document.add_text(fields.heading, aloud(&passage.trail.join("\n")));
            document.add_text(fields.body, &passage.body);
            writer.add_document(document)?;
        }
        writer.commit()?;
        writer.wait_merging_threads()?;
        Ok(Self {
            reader: index
                .reader_builder()
                .reload_policy(ReloadPolicy::Manual)
                .try_into()?,
            analyzer,
            fields,
        })
    }

    /// The best passage for the weighted words of a question, if one covers enough of them.
    ///
    /// Of equally good passages the first wins. `passages` are those the index was built from.
    pub fn search(
        &self,
        question: &[WeightedTerm],
        passages: &[Passage],
    ) -> tantivy::Result<Option<Hit>> {
        let weight_total = weight(question);
        for number in self.ranked(question)? {
            let Some(passage) = passages.get(number) else {
                continue;
            };
            let covered = self.covered(question, passage);
            let coverage = weight(covered.iter().copied()) / weight_total;
            if coverage >= COVERAGE_MIN && self.is_evident(question, &covered, passage) {
                return Ok(Some(Hit {
                    passage: number,
                    coverage,
                }));
            }
        }
        Ok(None)
    }

    /// The passages that hold words of a question, the best first, whether or not they answer it: up to
    /// [`CANDIDATES_MAX`].
    pub fn ranked(&self, question: &[WeightedTerm]) -> tantivy::Result<Vec<usize>> {
        if question.is_empty() {
            return Ok(Vec::new());
        }
        let by_score = (SortBySimilarityScore, Order::Desc);
        let by_order = (
            SortByStaticFastValue::<u64>::for_field("passage"),
            Order::Asc,
        );
        let best_first = TopDocs::with_limit(CANDIDATES_MAX).order_by((by_score, by_order));
        let candidates = self
            .reader
            .searcher()
            .search(&self.query(question), &best_first)?;
        let numbers = candidates.into_iter().filter_map(|((_, number), _)| number);
        Ok(numbers.filter_map(|n| usize::try_from(n).ok()).collect())
    }

    /// The different content words of a question in order, each with its inverse document frequency as BM25 has it.
    pub fn weigh(&self, question: &str) -> tantivy::Result<Vec<WeightedTerm>> {
        let mut terms = Vec::new();
        for term in self.terms(&aloud(question)) {
            if terms.len() < QUESTION_TERMS_MAX && !terms.contains(&term) {
                terms.push(term);
            }
        }
        terms
            .into_iter()
            .map(|term| {
                Ok(WeightedTerm {
                    weight: self.weight_of(self.passages_with(&term)?),
                    term,
                })
            })
            .collect()
    }

    /// The content words of a text, stemmed, in order.
    pub fn terms(&self, text: &str) -> Vec<String> {
        let mut analyzer = self.analyzer.clone();
        let mut terms = Vec::new();
        analyzer
            .token_stream(text)
            .process(&mut |token| terms.push(token.text.clone()));
        terms
    }

    /// Term queries joined by "or", never a parsed string: a transcript has no syntax.
    fn query(&self, question: &[WeightedTerm]) -> BooleanQuery {
        let Fields {
            title,
            heading,
            body,
            ..
        } = self.fields;
        let mut any: Vec<Box<dyn Query>> = Vec::new();
        for term in question {
            for (field, boost) in [(title, 1.0), (heading, HEADING_BOOST), (body, 1.0)] {
                let exact = TermQuery::new(
                    Term::from_field_text(field, &term.term),
                    IndexRecordOption::WithFreqs,
                );
                any.push(Box::new(BoostQuery::new(Box::new(exact), boost)));
            }
        }
        BooleanQuery::union(any)
    }

    /// The words of the question that a passage holds, its title and headings included.
    fn covered<'q>(
        &self,
        question: &'q [WeightedTerm],
        passage: &Passage,
    ) -> Vec<&'q WeightedTerm> {
        let headings = aloud(&format!(
            "{}\n{}",
            passage.document,
            passage.trail.join("\n")
        ));
        let mut held: BTreeSet<String> = self.terms(&headings).into_iter().collect();
        held.extend(self.terms(&passage.body));
        question
            .iter()
            .filter(|term| held.contains(&term.term))
            .collect()
    }

    /// Whether the covered words are enough to speak of an answer.
    fn is_evident(
        &self,
        question: &[WeightedTerm],
        covered: &[&WeightedTerm],
        passage: &Passage,
    ) -> bool {
        covered.len() > 1
            || weight(covered.iter().copied()) >= EVIDENCE_MIN * self.weight_of(1)
            || self.heading_coverage(question, passage) >= HEADING_COVERAGE_MIN
    }

    fn heading_coverage(&self, question: &[WeightedTerm], passage: &Passage) -> f32 {
        let heading: BTreeSet<String> = self.terms(&aloud(passage.heading())).into_iter().collect();
        let asked = heading
            .iter()
            .filter(|word| question.iter().any(|term| term.term == **word))
            .count();
        asked as f32 / heading.len().max(1) as f32
    }

    /// In how many passages a term stands, at least: the most of its fields.
    fn passages_with(&self, term: &str) -> tantivy::Result<u64> {
        let searcher = self.reader.searcher();
        let mut count = 0;
        for field in [self.fields.title, self.fields.heading, self.fields.body] {
            count = count.max(searcher.doc_freq(&Term::from_field_text(field, term))?);
        }
        Ok(count)
    }

    /// BM25's inverse document frequency (Robertson and Zaragoza 2009), for a term in `count` of the passages.
    /// A term in none weighs as one in a single passage: it is most often a misheard word.
    fn weight_of(&self, count: u64) -> f32 {
        let (all, count) = (
            self.reader.searcher().num_docs() as f32,
            count.max(1) as f32,
        );
        (1.0 + (all - count + 0.5) / (count + 0.5)).ln()
    }
}

/// The summed weight of some words.
pub fn weight<'t>(terms: impl IntoIterator<Item = &'t WeightedTerm>) -> f32 {
    terms.into_iter().map(|term| term.weight).sum()
}

fn schema() -> (Schema, Fields) {
    let indexing = TextFieldIndexing::default()
        .set_tokenizer(ANALYZER)
        .set_index_option(IndexRecordOption::WithFreqs);
    let text = TextOptions::default().set_indexing_options(indexing);
    let mut schema = Schema::builder();
    let fields = Fields {
        passage: schema.add_u64_field("passage", NumericOptions::from(FAST)),
        title: schema.add_text_field("title", text.clone()),
        heading: schema.add_text_field("heading", text.clone()),
        body: schema.add_text_field("body", text),
    };
    (schema.build(), fields)
}

fn analyzer() -> TextAnalyzer {
    TextAnalyzer::builder(SimpleTokenizer::default())
        .filter(RemoveLongFilter::limit(40))
        .filter(LowerCaser)
        .filter(AsciiFoldingFilter)
        .filter(StopWordFilter::remove(
            STOP_WORDS.split_whitespace().map(str::to_owned),
        ))
        .filter(Stemmer::new(Language::English))
        .build()
}
