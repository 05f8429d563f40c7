//! What a question wants to be told, and what a passage can tell: a price, a time, a length of time, whom to ask, a place.
//!
//! Both are read off by rules and become terms; so "how much" finds the passage with an amount in it. This file must
//! not know about the index.

use crate::speak::number_words::read_below_twenty;

/// A kind of answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Ask {
    Price,
    ClockTime,
    Duration,
    Contact,
    Place,
}

/// Each kind, its term, and the phrases that ask for it, in lower case.
const ASKED: [(Ask, &str, &[&str]); 5] = [
    (
        Ask::Price,
        "?price",
        &[
            "how much",
            "cost",
            "costs",
            "price",
            "prices",
            "charge",
            "charges",
            "fee",
            "pay for",
            "expensive",
            "cheaper",
            "cheapest",
            "a head",
            "have to spend",
        ],
    ),
    (
        Ask::ClockTime,
        "?time",
        &[
            "what time",
            "when",
            "till what",
            "until what",
            "how late",
            "how early",
            "open",
            "opening",
            "shut",
            "close",
            "closing",
            "earliest",
            "latest",
            "too late",
            "o'clock",
            "half past",
            "quarter past",
            "quarter to",
            "by when",
        ],
    ),
    (
        Ask::Duration,
        "?duration",
        &[
            "how long",
            "how many days",
            "how many minutes",
            "how many hours",
            "how many weeks",
            "how many months",
            "how far ahead",
            "how soon",
            "how quickly",
            "by when",
            "notice",
            "how far in advance",
            "in advance",
            "any good still",
            "when will",
            "how late can",
        ],
    ),
    (
        Ask::Contact,
        "?contact",
        &[
            "who do i",
            "who should i",
            "whom",
            "write to",
            "do i write",
            "do i ring",
            "do i call",
            "phone number",
            "what number",
            "what address",
            "e-mail",
            "email",
            "send that to",
            "get hold of",
            "speak to",
            "do i ask",
            "contact",
            "ring you",
            "call you",
        ],
    ),
    (
        Ask::Place,
        "?place",
        &["where", "which street", "how do i get to", "directions"],
    ),
];

/// What a question asks for, as terms.
pub(super) fn asked(question: &str) -> Vec<&'static str> {
    let words = spaced(question);
    let has = |phrases: &[&str]| phrases.iter().any(|p| words.contains(&format!(" {p} ")));
    let found = ASKED.iter().filter(|(_, _, phrases)| has(phrases));
    found.map(|(_, term, _)| *term).collect()
}

/// What a passage can tell, as terms.
pub(super) fn told(passage: &str) -> Vec<&'static str> {
    let found = ASKED.iter().filter(|(ask, ..)| tells(*ask, passage));
    found.map(|(_, term, _)| *term).collect()
}

/// Whether there is an answer of this kind in a text.
pub(super) fn tells(ask: Ask, text: &str) -> bool {
    let mut words = text.split_whitespace().peekable();
    while let Some(word) = words.next() {
        let next = words
            .peek()
            .map_or("", |next| next.trim_end_matches(['.', ',', ';', ':', ')']));
        let word = word.trim_matches(|c: char| "().,;:\"".contains(c));
        let is_found = match ask {
            Ask::Price => is_money(word),
            Ask::ClockTime => is_clock(word),
            Ask::Duration => is_count(word) && LENGTHS.contains(&next) || word == "24/7",
            Ask::Contact => {
                word.contains('@')
                    || is_count(word) && word.len() >= 5 && next.len() >= 6 && is_count(next)
            }
            Ask::Place => PLACES.contains(&word),
        };
        if is_found {
            return true;
        }
    }
    false
}

const LENGTHS: [&str; 16] = [
    "s", "min", "h", "second", "seconds", "minute", "minutes", "hour", "hours", "day", "days",
    "week", "weeks", "month", "months", "years",
];

const PLACES: [&str; 9] = [
    "Street", "Road", "opposite", "behind", "beside", "outside", "between", "address", "corner",
];

/// "£4.99", "60p".
pub(super) fn is_money(word: &str) -> bool {
    let pence = word.strip_suffix('p').or(word.strip_suffix('c'));
    let has_sign = word.starts_with(['£', '€', '$']) || word.ends_with(['€', '£']);
    has_sign && word.contains(|c: char| c.is_ascii_digit())
        || pence.is_some_and(|p| !p.is_empty() && p.chars().all(|c| c.is_ascii_digit()))
}

/// "10:30", "9:00-17:00".
pub(super) fn is_clock(word: &str) -> bool {
    let two_digits = |text: &str| text.chars().take(2).filter(char::is_ascii_digit).count() == 2;
    word.split_once(':').is_some_and(|(hour, minutes)| {
        (1..=2).contains(&hour.len())
            && hour.chars().all(|c| c.is_ascii_digit())
            && two_digits(minutes)
    })
}

fn is_count(word: &str) -> bool {
    let is_digits = !word.is_empty() && word.chars().all(|c| c.is_ascii_digit());
    let is_said = matches!(read_below_twenty(word), Some(1..=10 | 12));
    is_digits || is_said || ["a", "working", "several"].contains(&word)
}

/// The words in lower case, without signs, a space before, between and after them.
pub(super) fn spaced(text: &str) -> String {
    let mut words = String::from(" ");
    for word in text.split_whitespace() {
        let word = word.trim_matches(|c: char| !c.is_alphanumeric());
        if !word.is_empty() {
            words += &word.to_lowercase().replace('’', "'");
            words.push(' ');
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_says_what_it_wants_to_be_told() {
        for (question, terms) in [
            ("How much is it?", &["?price"][..]),
            ("When do you open?", &["?time"]),
            ("How long does it keep?", &["?duration"]),
            ("Who do I ring?", &["?contact"]),
            ("Where are you?", &["?place"]),
            ("Somewhere?", &[]),
        ] {
            assert_eq!(asked(question), terms, "{question}");
        }
    }

    #[test]
    fn a_passage_says_what_it_can_tell() {
        for (passage, terms) in [
            ("A loaf is £4.60.", &["?price"][..]),
            ("Syrup is 50p.", &["?price"]),
            ("We open at 9:00.", &["?time"]),
            ("Kept for four weeks.", &["?duration"]),
            ("Ring 01632 960230.", &["?contact"]),
            ("Write to a@b.example.", &["?contact"]),
            ("It stands opposite the inn.", &["?place"]),
            ("We are glad: 12:b", &[]),
        ] {
            assert_eq!(told(passage), terms, "{passage}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_can_be_asked_and_told(text in "\\PC{0,120}") {
            asked(&text);
            told(&text);
        }
    }
}
