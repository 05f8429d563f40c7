//! Whether a caller asks if they talk to a person or a machine. It goes by a table of phrasings, in English.

use super::phrasings::PHRASINGS;
use super::words;

/// What a question asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Asked {
    /// Nothing about who answers.
    Otherwise,
    /// Whether one talks to a person, and this besides; nothing besides if it is empty.
    WhoAnswers { besides: String },
}

/// A longer question is looked at up to here: a caller asks in a breath.
const CHARACTERS_MAX: usize = 2_000;

/// What a question asks for.
pub(crate) fn asked(question: &str) -> Asked {
    let end = question
        .char_indices()
        .nth(CHARACTERS_MAX)
        .map_or(question.len(), |(at, _)| at);
    let (looked_at, rest) = question.split_at(end);
    let (mut is_asked, mut besides) = (false, String::new());
    for sentence in sentences(looked_at) {
        let words = words(&sentence.replace('.', ""));
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        match PHRASINGS.match_anywhere(&words) {
            true => is_asked = true,
            false if is_only_polite(&words) => {}
            false => besides += sentence,
        }
    }
    match is_asked {
        true => Asked::WhoAnswers {
            besides: format!("{}{rest}", besides.trim_start())
                .trim_end()
                .to_owned(),
        },
        false => Asked::Otherwise,
    }
}

/// Sentences with their ends. A point between letters, as in "A.I.", is none.
fn sentences(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let mut end = rest.len();
        for (at, c) in rest.char_indices() {
            let behind = rest.get(at + c.len_utf8()..).unwrap_or_default();
            let is_last = behind.is_empty() || behind.starts_with(char::is_whitespace);
            let before = rest.get(..at).unwrap_or_default();
            let letter = before
                .rsplit(|c: char| !c.is_alphabetic())
                .next()
                .unwrap_or_default();
            let is_abbreviated = c == '.' && letter.chars().count() == 1;
            if ".?!".contains(c) && is_last && !is_abbreviated {
                end = at + c.len_utf8();
                break;
            }
        }
        let (sentence, behind) = rest.split_at(end);
        rest = behind;
        Some(sentence)
    })
}

/// Words that ask for nothing: what is left of "Hello. Sorry, tell me honestly. Are you a robot?" is no question.
const POLITE: [&str; 42] = [
    "hello",
    "hi",
    "hey",
    "sorry",
    "excuse",
    "me",
    "wait",
    "so",
    "well",
    "okay",
    "ok",
    "please",
    "tell",
    "honestly",
    "honest",
    "just",
    "yes",
    "no",
    "um",
    "uh",
    "hmm",
    "oh",
    "and",
    "i",
    "have",
    "to",
    "ask",
    "good",
    "morning",
    "afternoon",
    "evening",
    "there",
    "be",
    "with",
    "quick",
    "question",
    "one",
    "second",
    "hold",
    "on",
    "thanks",
    "but",
];

fn is_only_polite(words: &[&str]) -> bool {
    words.iter().all(|word| POLITE.contains(word))
}

#[cfg(test)]
#[path = "test_asks.rs"]
mod tests;
