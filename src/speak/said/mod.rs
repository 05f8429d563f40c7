//! Written English -> English that can be read aloud: figures, units, times, prices, addresses and abbreviations in words.
//!
//! What comes out holds no digit. A text in another language is left as it is: its voice knows its numbers, and half a
//! sentence in English would be worse. This module must not know about Markdown, clauses or engines.

mod addresses;
mod codes;
mod fractions;
mod measures;
mod money;
mod numbers;
mod telephones;
mod times;
mod titles;
mod units;
mod words;

pub(crate) use times::{MONTHS, day};
pub(crate) use words::is_pictorial;

use super::language::is_english;
use super::phoneme_brackets::strip_phoneme_brackets;
use words::{Line, Word};

/// The text as it is to be spoken, on one line per line of `text`: no digits, `[[…]]`, emoji or Markdown signs. Of a
/// text that is not English, figures and signs stay as they are.
pub fn aloud(text: &str) -> String {
    let text = strip_phoneme_brackets(text);
    let said = if is_english(&text) {
        line_aloud
    } else {
        line_as_written
    };
    let lines = text.lines().map(said).filter(|line| !line.is_empty());
    lines.collect::<Vec<_>>().join("\n")
}

/// One line of English, aloud.
pub(super) fn line_aloud(line: &str) -> String {
    let line = telephones::without_trunk_prefix(line);
    let line = Line::of(&line);
    let mut spoken = Spoken::default();
    let mut at = 0;
    while let Some(word) = line.word(at) {
        let goes_on = spoken.is_telephone && is_group(word);
        let said = several(&line, at)
            .filter(|_| !goes_on)
            .unwrap_or_else(|| Said {
                words: one(&line, at, word, &spoken),
                taken: 1,
                is_telephone: goes_on && matches!(word.tail, "" | ")"),
            });
        spoken.is_telephone = said.is_telephone;
        spoken.push(said.words);
        at += said.taken.max(1);
    }
    spoken.words.join(" ")
}

/// A line in another language: without emoji and bare signs, and otherwise as it is written.
pub(super) fn line_as_written(line: &str) -> String {
    let is_kept = |c: &char| !words::is_pictorial(*c) && !"*#`_|".contains(*c);
    let kept: String = line.chars().filter(is_kept).collect();
    kept.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What one or several words of a line are in speech.
struct Said {
    words: String,
    /// How many words of the line these are.
    taken: usize,
    is_telephone: bool,
}

impl Said {
    fn new(words: impl Into<String>, taken: usize) -> Option<Said> {
        Some(Said {
            words: words.into(),
            taken,
            is_telephone: false,
        })
    }
}

/// The words of a line so far.
#[derive(Default)]
struct Spoken {
    words: Vec<String>,
    /// The last of them are a telephone number.
    is_telephone: bool,
}

impl Spoken {
    /// Adds a word, without an article said twice; what is left of a dropped word is its punctuation.
    fn push(&mut self, word: String) {
        let is_article = |last: &&mut String| last.eq_ignore_ascii_case("the");
        if word.starts_with("the ") && self.words.last_mut().filter(is_article).is_some() {
            let article = self.words.pop().unwrap_or_default();
            let rest = word.trim_start_matches("the");
            self.words.push(format!("{article}{rest}"));
            return;
        }
        if word.contains(char::is_alphanumeric) {
            self.words.push(word);
            return;
        }
        let ends_word = |last: &&mut String| last.ends_with(char::is_alphanumeric);
        if let Some(last) = self.words.last_mut().filter(ends_word) {
            // A dash between words is a pause.
            let marks = word.chars().map(|c| if "–—".contains(c) { ',' } else { c });
            last.extend(marks.filter(|c| ".,;:!?".contains(*c)).take(1));
        }
    }
}

/// Whether a word is a group of a telephone number that began before it.
fn is_group(word: Word<'_>) -> bool {
    !word.core.is_empty() && word.core.bytes().all(|b| b.is_ascii_digit() || b == b'-')
}

/// What several words of a line are together: "$3 million", "No. 5", "Jan. 1, 1980", "1 1/2 cups", "+44 20 7946 0958".
fn several(line: &Line<'_>, at: usize) -> Option<Said> {
    telephones::number(line, at)
        .or_else(|| money::with_words(line, at))
        .or_else(|| times::month_and_day(line, at))
        .or_else(|| fractions::mixed(line, at))
        .or_else(|| titles::title(line, at))
        .or_else(|| codes::numbered(line, at))
        .or_else(|| measures::between(line, at))
        .or_else(|| measures::two_words(line, at))
}

/// One word and the punctuation around it, aloud.
fn one(line: &Line<'_>, at: usize, word: Word<'_>, spoken: &Spoken) -> String {
    let (bare, comma) = word.bare();
    if words::is_emoticon(bare) {
        return String::new();
    }
    if let Some(said) = sign_between(bare, line.before(at), line.word(at + 1)) {
        return said.to_owned();
    }
    if let Some(said) = abbreviation(bare) {
        return format!("{said}{comma}");
    }
    if let Some(said) = measures::feet_and_inches(bare) {
        return format!("{said}{comma}");
    }
    let said = core(line, at, word, spoken);
    // "60 mi. away": said in full, a word has no stop.
    let word = match measures::after_number(line, at) {
        Some(_) => line.unstopped(at).unwrap_or(word),
        None => word,
    };
    // The brackets of an area code are not heard.
    let word = match spoken.is_telephone && is_group(word) {
        true => Word {
            head: word.head.trim_end_matches('('),
            tail: word.tail.trim_start_matches(')'),
            ..word
        },
        false => word,
    };
    words::with_punctuation(word, &words::readable(&said))
}

/// "Settings > Account", a sign that compares nothing, and "5 > 3", which says so.
fn sign_between(bare: &str, before: &str, next: Option<Word<'_>>) -> Option<&'static str> {
    let has_digit = |text: &str| text.contains(|c: char| c.is_ascii_digit());
    let compares = next.is_none_or(|next| has_digit(next.core));
    match bare {
        ">" if compares && has_digit(before) => Some("is more than"),
        "<" if compares && has_digit(before) => Some("is less than"),
        ">" | "›" if !compares => Some("then"),
        "<" if !compares => Some("less than"),
        _ => None,
    }
}

/// An abbreviation, also between brackets or quotes: "(e.g." is "(for example".
fn abbreviation(bare: &str) -> Option<String> {
    let unopened = bare.trim_start_matches(['(', '"', '“']);
    let head = bare[..bare.len() - unopened.len()].replace('“', "\"");
    let inner = unopened.trim_end_matches([')', '"', '”', ';', ':']);
    let tail = unopened[inner.len()..].replace('”', "\"");
    Some(format!("{head}{}{tail}", units::word(inner)?))
}

fn core(line: &Line<'_>, at: usize, word: Word<'_>, spoken: &Spoken) -> String {
    let core = word.core;
    if spoken.is_telephone && is_group(word) {
        return numbers::digits(core);
    }
    addresses::mail(core)
        .or_else(|| addresses::web(core))
        .or_else(|| addresses::host(core))
        .or_else(|| measures::after_number(line, at))
        .or_else(|| units::word(core).map(str::to_owned))
        .or_else(|| times::days(core))
        .or_else(|| money::price(core))
        .or_else(|| times::clock(core, line.after(at)))
        .or_else(|| times::half_behind(line, at))
        .or_else(|| times::half_day(core))
        .or_else(|| times::date(core))
        .or_else(|| fractions::fraction(line, at))
        .or_else(|| codes::rank(core))
        .or_else(|| times::dated(line, at))
        .or_else(|| codes::version(core))
        .or_else(|| measures::figure(core))
        .or_else(|| codes::code(line, at))
        .unwrap_or_else(|| codes::pieces(core))
}

#[cfg(test)]
mod test_said;
