//! Answers in a profile: of the length that they had, and without their words.

use super::family::short;
use super::profile::{quoted, several};
use super::{Fit, median};
use crate::speak::sentences::sentences;
use crate::speak::{ClauseCutter, is_joining};
use std::fmt::Write;

/// Answers that a profile keeps, spread over their lengths.
const TEXTS_MAX: usize = 40;
const TEXT_CHARS_MAX: usize = 600;

/// Writes what answers are like into a profile: how fast they are written, and some of them.
pub(super) fn answers(text: &mut String, fit: &Fit, keeps_words: bool) {
    let gathered = &fit.gathered;
    let settings = gathered.settings.as_ref();
    let openings = settings.map_or(&[][..], |file| &file.clauses.openings);
    if let Some(token_ms) = median(&gathered.token_ms).filter(|ms| *ms >= 0.01) {
        let _ = writeln!(text, "token_ms = {:?}", short(token_ms.min(10_000.0)));
    }
    let mut texts: Vec<String> = gathered
        .answers
        .iter()
        .map(|answer| answer.chars().take(TEXT_CHARS_MAX).collect::<String>())
        .map(|answer| match keeps_words {
            true => plain(&answer),
            false => after_opening(&answer, openings),
        })
        .filter(|answer| !answer.trim().is_empty())
        .collect();
    texts.sort_by_key(|answer| answer.chars().count());
    if texts.is_empty() {
        return;
    }
    let count = texts.len().min(TEXTS_MAX);
    let some = (0..count).map(|index| &texts[(2 * index + 1) * texts.len() / (2 * count)]);
    let _ = writeln!(
        text,
        "# {} of {}, spread over their lengths{}.\ntexts = [",
        count,
        several(texts.len() as u64, "answer"),
        match (keeps_words, openings.is_empty()) {
            (true, _) => "",
            (false, true) => "; every letter is an x, but for joining words",
            (false, false) => "; every letter is an x, but for joining words and openings",
        }
    );
    for answer in some {
        let _ = writeln!(text, "  {},", quoted(answer));
    }
    text.push_str("]\n");
}

/// An answer without its words, but for the opening that it begins with: that stands in the settings, too.
fn after_opening(answer: &str, openings: &[String]) -> String {
    let mut cutter = ClauseCutter::new(2, 70).with_openings(openings);
    let mut clauses = cutter.push(answer);
    clauses.extend(cutter.finish());
    match clauses.split_first() {
        Some((opening, rest)) if opening.is_opening => {
            let rest: Vec<&str> = rest.iter().map(|clause| clause.text.as_str()).collect();
            let masked = format!("{} {}", opening.text, without_words(&rest.join(" ")));
            masked.trim_end().to_owned()
        }
        _ => without_words(answer),
    }
}

/// A text in which every letter is an x and every figure a 0, but for words such as "and" and "in", by which clauses
/// are cut: it is cut as before, and says nothing. The stop of an abbreviation is an x too, since it would end a sentence.
fn without_words(text: &str) -> String {
    let sentences = sentences(text);
    let masked = sentences.iter().map(|sentence| {
        let mut words = sentence.split_whitespace().peekable();
        let mut masked = Vec::new();
        while let Some(word) = words.next() {
            let is_last = words.peek().is_none();
            masked.push(match is_joining(word) {
                true => word.to_owned(),
                false => match word.strip_suffix('.').filter(|_| !is_last) {
                    Some(stem) => without_letters(stem) + "x",
                    None => without_letters(word),
                },
            });
        }
        masked.join(" ")
    });
    masked.collect::<Vec<_>>().join(" ")
}

fn without_letters(text: &str) -> String {
    let masked = |letter: char| match letter {
        _ if letter.is_uppercase() => 'X',
        _ if letter.is_alphabetic() => 'x',
        _ if letter.is_numeric() => '0',
        _ if letter.is_control() => ' ',
        _ => letter,
    };
    text.chars().map(masked).collect()
}

pub(super) fn plain(text: &str) -> String {
    let space = |letter: char| if letter.is_control() { ' ' } else { letter };
    text.chars().map(space).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_opening_of_an_answer_is_kept() {
        let openings = ["Sure,".to_owned(), "Sure, no problem.".to_owned()];
        let masked = |answer| after_opening(answer, &openings);
        assert_eq!(masked("Sure, at nine."), "Sure, at xxxx.");
        assert_eq!(masked("Sure, no problem. Ring."), "Sure, no problem. Xxxx.");
        assert_eq!(masked("Sure,"), "Sure,");
        assert_eq!(masked("Sure,at nine."), "Xxxx,xx xxxx.");
        assert_eq!(
            after_opening("Let’s see, at nine.", &["Let's see,".to_owned()]),
            "Let's see, at xxxx."
        );
    }

    #[test]
    fn an_answer_without_its_words_has_the_same_clauses() {
        let answer = "We open at 9:30, every day. Ring us: 555-0199!";
        assert_eq!(
            without_words(answer),
            "Xx xxxx at 0:00, xxxxx xxx. Xxxx xx: 000-0000!"
        );
        let lengths = |text: &str| -> Vec<usize> {
            let mut cutter = ClauseCutter::new(2, 70);
            let mut clauses = cutter.push(text);
            clauses.extend(cutter.finish());
            clauses
                .iter()
                .map(|clause| clause.text.chars().count())
                .collect()
        };
        for answer in [
            answer,
            "These cups are ready in the back and cost nine pounds each.",
            "The limits are a convention, not a law of nature. Mr. Low is in.",
            "Dial 9 a.m. to noon, or ask Mr. Low. He is in.",
        ] {
            assert_eq!(
                lengths(&without_words(answer)).first(),
                lengths(answer).first(),
                "{answer}"
            );
        }
    }
}
