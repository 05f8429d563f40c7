//! A passage -> what is read out of it: one or two sentences, or the words that say that nothing is known.
//!
//! This file must not know how passages are found.

use super::analysis::Analysis;
use super::asks;
use super::query::Slot;
use crate::speak::aloud;
use crate::speak::sentences::{sentences, shortened};

/// The most words of a spoken answer: some fifteen seconds of speech.
pub(super) const ANSWER_WORDS_MAX: usize = 40;
/// The fewest words of a spoken answer; a shorter one takes the sentence beside it along.
pub(super) const ANSWER_WORDS_MIN: usize = 6;

/// The one or two adjacent sentences of a passage that hold most of the question's weight, within the word bounds.
/// Among equal ones the earlier win, then the longer.
pub(super) fn sentences_for(body: &str, question: &[Slot], analysis: &Analysis) -> String {
    let sentences = sentences(body);
    let spoken: Vec<String> = sentences.iter().map(|one| closed(&aloud(one))).collect();
    let weights: Vec<Vec<bool>> = sentences
        .iter()
        .map(|sentence| held(sentence, question, analysis))
        .collect();
    let mut best: Option<(bool, f32, String)> = None;
    for start in 0..spoken.len() {
        for count in [2, 1] {
            let (Some(run), Some(held)) = (
                spoken.get(start..start + count),
                weights.get(start..start + count),
            ) else {
                continue;
            };
            let text = run.join(" ");
            let words = text.split_whitespace().count();
            let fits = (ANSWER_WORDS_MIN..=ANSWER_WORDS_MAX).contains(&words);
            let is_held = |at: usize| held.iter().any(|one| one.get(at) == Some(&true));
            let slots = question.iter().enumerate().filter(|(at, _)| is_held(*at));
            let weight: f32 = slots.map(|(_, slot)| slot.weight * slot.carried).sum();
            if best.as_ref().is_none_or(|(best_fits, best_weight, _)| {
                (fits, weight) > (*best_fits, *best_weight)
            }) {
                best = Some((fits, weight, text));
            }
        }
    }
    let text = best.map_or_else(String::new, |(_, _, text)| text);
    shortened(&text, ANSWER_WORDS_MAX)
}

/// Which slots of the question a sentence holds.
fn held(sentence: &str, question: &[Slot], analysis: &Analysis) -> Vec<bool> {
    let mut terms = analysis.terms(sentence);
    terms.extend(asks::told(sentence).into_iter().map(str::to_owned));
    let holds = |slot: &Slot| {
        let mut variants = slot.variants.iter();
        variants.any(|variant| terms.contains(&variant.term))
    };
    question.iter().map(holds).collect()
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

/// Says that nothing is known, with the first, the middle and the last document as examples of what can be asked.
pub(super) fn does_not_know<'t>(titles: impl Iterator<Item = &'t str>) -> String {
    let mut titles: Vec<&str> = titles.collect();
    titles.dedup();
    let examples = [0, titles.len() / 2, titles.len().saturating_sub(1)]
        .map(|at| titles.get(at).copied().unwrap_or_default());
    let mut named: Vec<String> = examples
        .iter()
        .map(|title| shortened(&aloud(title), ANSWER_WORDS_MIN))
        .filter(|title| !title.is_empty())
        .collect();
    named.dedup();
    const SORRY: &str = "I'm sorry, I don't know that.";
    match named.as_slice() {
        [] => SORRY.to_owned(),
        [only] => format!("{SORRY} You can ask me about {only}."),
        [first @ .., last] => {
            format!(
                "{SORRY} You can ask me about {} or {last}.",
                first.join(", ")
            )
        }
    }
}
