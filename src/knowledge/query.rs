//! A question, as heard -> what to look for: its content words and what else they may be called, each with its weight.

use super::analysis::Analysis;
use super::asks;
use super::index::PassageIndex;
use super::preparation::{Preparation, Step};

/// The most different content words of a question that count; a spoken question has fewer than twenty.
const SLOTS_MAX: usize = 40;
/// The most characters of a question that are looked at: more than a minute of speech.
pub const QUESTION_CHARS_MAX: usize = 2_000;
/// What a synonym is worth, against the word itself.
const MEANING_SHARE: f32 = 0.75;
/// What a word by itself is worth that is part of a phrase with a meaning.
const IN_PHRASE_SHARE: f32 = 0.5;
/// What a bare figure is worth, of which the documents hold many.
const NUMBER_SHARE: f32 = 0.5;
/// What a word is worth that carries little.
const LIGHT_SHARE: f32 = 0.4;
/// What the kind of answer that is asked for is worth, against a word.
const ASK_SHARE: f32 = 1.0;
/// The least number of passages for weighing words: with fewer, words weigh as if there were this many.
const FEW_PASSAGES: f32 = 20.0;
/// The share of passages that a word that stands nowhere is taken to stand in: most often it was misheard, or said in
/// passing.
const UNKNOWN_SHARE: f32 = 0.06;

/// A term that may stand for a word of the question.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Variant {
    pub term: String,
    /// What the variant counts: 1 for the word itself, less for a synonym; a phrase shares it among its words.
    pub share: f32,
    /// What the variant counts if a phrase does not share it among its words.
    pub credit: f32,
    /// BM25's inverse document frequency; 0 for a term that stands nowhere.
    pub idf: f32,
}

/// A content word of the question.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Slot {
    /// The stem that was heard, or a phrase's meaning.
    pub heard: String,
    pub variants: Vec<Variant>,
    /// How much of the question the word is, by how rare it is; less if it is carried over from an earlier question.
    pub weight: f32,
    /// 1, or less if the word is carried over from an earlier question.
    pub carried: f32,
}

impl Slot {
    /// Whether the slot is a word, not a kind of answer.
    pub(super) fn is_content(&self) -> bool {
        !self.heard.starts_with('?')
    }
}

/// The slots of a question, in order, each word once. Words that stand nowhere have no variants but keep their weight.
pub(super) fn slots(
    question: &str,
    analysis: &Analysis,
    preparation: &Preparation,
    index: &PassageIndex,
) -> tantivy::Result<Vec<Slot>> {
    let question: String = question.chars().take(QUESTION_CHARS_MAX).collect();
    let mut slots: Vec<Slot> = Vec::new();
    for word in analysis.words(&question) {
        if slots.len() >= SLOTS_MAX {
            break;
        }
        let mut variants = Vec::new();
        if !word.is_stop {
            // Within a phrase that has a meaning, a word by itself means less.
            let in_phrase = word.meanings.iter().any(|meaning| meaning.length > 1);
            let share = if in_phrase { IN_PHRASE_SHARE } else { 1.0 };
            let is_number = word.term.chars().all(|c| c.is_ascii_digit());
            let share = if is_number {
                share * NUMBER_SHARE
            } else {
                share
            };
            let share = if word.is_light {
                share * LIGHT_SHARE
            } else {
                share
            };
            variants.push((word.term.clone(), share, 1.0));
        }
        for meaning in &word.meanings {
            // A phrase of stop words alone stands in the place of its first one.
            let among = meaning.words as f32;
            let is_light = word.is_light && meaning.length == 1;
            let share = MEANING_SHARE * if is_light { LIGHT_SHARE } else { 1.0 };
            variants.push((meaning.term.to_string(), share / among, MEANING_SHARE));
        }
        let Some(first) = variants.first() else {
            continue;
        };
        let heard = first.0.clone();
        if slots.iter().any(|slot| slot.heard == heard) {
            continue;
        }
        let mut slot = slot(heard, variants, index)?;
        if word.is_light {
            slot.weight *= LIGHT_SHARE;
        }
        if slot.variants.is_empty() && !word.meanings.is_empty() {
            // A word of the list that stands nowhere is a topic that the documents do not have.
            slot.weight = rarest(index);
        }
        slots.push(slot);
    }
    if preparation.has(Step::Questions) {
        for ask in asks::asked(&question) {
            let mut asked = slot(
                ask.to_owned(),
                vec![(ask.to_owned(), ASK_SHARE, ASK_SHARE)],
                index,
            )?;
            // That a price stands in some passage does not tell whether there is an answer.
            asked.weight *= 0.5;
            slots.push(asked);
        }
    }
    Ok(slots)
}

fn slot(
    heard: String,
    variants: Vec<(String, f32, f32)>,
    index: &PassageIndex,
) -> tantivy::Result<Slot> {
    let passages = index.passages() as f32;
    let mut known = Vec::new();
    for (term, share, credit) in variants {
        let count = index.passages_with(&term)?;
        if count > 0 {
            known.push(Variant {
                idf: idf(passages, count as f32),
                term,
                share,
                credit,
            });
        }
    }
    let weight = match known.iter().find(|variant| variant.term == heard) {
        Some(variant) => variant.idf,
        None => idf(passages, (UNKNOWN_SHARE * passages).max(1.0)),
    };
    Ok(Slot {
        heard,
        variants: known,
        weight,
        carried: 1.0,
    })
}

/// The weight of a word that stands in one passage alone.
pub(super) fn rarest(index: &PassageIndex) -> f32 {
    idf(index.passages() as f32, 1.0)
}

/// BM25's inverse document frequency (Robertson and Zaragoza 2009), of a term in `count` of the passages.
fn idf(passages: f32, count: f32) -> f32 {
    let passages = passages.max(FEW_PASSAGES);
    libm::logf(1.0 + (passages - count + 0.5).max(0.0) / (count + 0.5))
}
