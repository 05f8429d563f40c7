//! The first rules, by which text was cut into clauses and spoken as it was written. Folders that were recorded by them are
//! repeated by them; nothing else uses them, and nobody changes them.

use super::phoneme_brackets::strip_phoneme_brackets;

/// How many words more than it needs a first clause must have to end before a joining word.
const MORE_WORDS_BEFORE_JOIN: usize = 2;
/// No clause is longer than this, in characters, unless a single word is.
const CHARS_MAX: usize = 240;

/// Words before which a speaker may breathe: conjunctions, prepositions, and the verb behind a long
/// subject.
const JOINING: [&str; 44] = [
    "about", "after", "among", "and", "are", "as", "at", "because", "before", "between", "but",
    "by", "can", "during", "for", "from", "has", "have", "if", "in", "into", "is", "must", "on",
    "or", "should", "since", "so", "than", "that", "through", "to", "under", "until", "was",
    "were", "when", "where", "which", "while", "who", "will", "with", "without",
];

/// Words that end in a full stop which ends nothing.
const ABBREVIATIONS: [&str; 9] = [
    "mr.", "mrs.", "ms.", "dr.", "st.", "vs.", "e.g.", "i.e.", "approx.",
];

/// Cuts text into clauses as it comes. Joined with blanks, the clauses are the text: nothing is
/// lost but white space, and phoneme brackets (`[[…]]`), which are not for answers to use.
pub(super) struct FirstRules {
    waiting: String,
    is_late: bool,
    /// The first clause ends at the first natural break behind this many words.
    first_words: usize,
    /// Later clauses end at a comma only when they are this long.
    long_characters: usize,
}

impl FirstRules {
    pub(super) fn new(first_words: u32, long_characters: u32) -> FirstRules {
        FirstRules {
            waiting: String::new(),
            is_late: false,
            first_words: first_words as usize,
            long_characters: long_characters as usize,
        }
    }

    /// The clauses that are complete with this piece.
    pub(super) fn push(&mut self, piece: &str) -> Vec<String> {
        self.waiting.push_str(piece);
        let mut clauses = Vec::new();
        while let Some(end) = self.complete(false) {
            clauses.extend(self.cut(end));
        }
        clauses
    }

    /// What is left when the text is over.
    pub(super) fn finish(&mut self) -> Vec<String> {
        let mut clauses = Vec::new();
        while let Some(end) = self.complete(true) {
            clauses.extend(self.cut(end));
        }
        let rest = self.waiting.len();
        clauses.extend(self.cut(rest));
        clauses
    }

    fn cut(&mut self, end: usize) -> Option<String> {
        let rest = self.waiting.split_off(end);
        let text = std::mem::replace(&mut self.waiting, rest);
        let spoken = strip_phoneme_brackets(&text);
        let clause = spoken.split_whitespace().collect::<Vec<_>>().join(" ");
        let is_spoken = clause.chars().any(char::is_alphanumeric);
        self.is_late |= is_spoken;
        is_spoken.then_some(clause)
    }

    /// Where the waiting text can be cut, as a byte position; `None` if that is not yet known. A
    /// word counts once white space follows it, so that "3." is not cut from "3.5".
    fn complete(&self, is_over: bool) -> Option<usize> {
        let mut words = 0;
        let mut chars = 0;
        let mut brackets = 0;
        let mut last_end = None;
        for (start, word) in words_in(&self.waiting) {
            let end = start + word.len();
            if end == self.waiting.len() && !is_over {
                break;
            }
            if chars + word.chars().count() > CHARS_MAX {
                return Some(last_end.unwrap_or(end));
            }
            if !self.is_late
                && words >= self.first_words + MORE_WORDS_BEFORE_JOIN
                && is_joining(word)
            {
                return last_end;
            }
            let (opened, closed) = (word.matches("[[").count(), word.matches("]]").count());
            brackets = (brackets + opened).saturating_sub(closed);
            if brackets > 0 {
                chars += word.chars().count() + 1;
                continue;
            }
            words += 1;
            chars += word.chars().count() + 1;
            last_end = Some(end);
            let is_break = if self.is_late {
                ends_sentence(word) || (ends_phrase(word) && chars >= self.long_characters)
            } else {
                ends_sentence(word) || (ends_phrase(word) && words >= self.first_words)
            };
            if is_break {
                return last_end;
            }
        }
        None
    }
}

/// The words of a text with their byte positions.
fn words_in(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.split_whitespace()
        .map(move |word| (word.as_ptr() as usize - text.as_ptr() as usize, word))
}

fn ends_sentence(word: &str) -> bool {
    let bare = word.trim_end_matches(['"', '\'', ')', '”', '’']);
    bare.ends_with(['.', '!', '?', '…']) && !ABBREVIATIONS.contains(&bare.to_lowercase().as_str())
}

fn ends_phrase(word: &str) -> bool {
    word.ends_with([',', ';', ':', '–', '—'])
}

fn is_joining(word: &str) -> bool {
    JOINING.contains(&word.to_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_cut_as_they_did() {
        let mut rules = FirstRules::new(2, 70);
        let mut clauses =
            rules.push("Well, that is easy. It takes 3.5 s, as Dr. Smith of the U.S. says. ");
        clauses.extend(rules.finish());
        assert_eq!(
            clauses,
            [
                "Well, that is easy.",
                "It takes 3.5 s, as Dr. Smith of the U.S.",
                "says."
            ]
        );
    }
}
