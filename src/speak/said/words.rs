//! A line in its words, each between its punctuation, and what of a word can be read.

use crate::speak::number_words::is_digits;

/// A word of a line, between its punctuation.
#[derive(Debug, Clone, Copy)]
pub(super) struct Word<'a> {
    /// As it stands in the line.
    pub(super) written: &'a str,
    pub(super) head: &'a str,
    pub(super) core: &'a str,
    pub(super) tail: &'a str,
}

/// Signs that belong to a word rather than to the punctuation around it.
const SIGNS: &str = "%~<>≤≥→&+=×÷≈±$€£¥₹₩¢°-−²³½¼¾⅓⅔⅛№";

impl<'a> Word<'a> {
    fn of(written: &'a str) -> Word<'a> {
        let is_core = |c: char| c.is_alphanumeric() || SIGNS.contains(c);
        let start = written.find(is_core).unwrap_or(written.len());
        let end = written.rfind(is_core).map_or(start, |at| {
            at + written[at..].chars().next().map_or(0, char::len_utf8)
        });
        Word {
            written,
            head: &written[..start],
            core: &written[start..end],
            tail: &written[end..],
        }
    }

    /// The word as it is written without its last comma, and the comma.
    pub(super) fn bare(&self) -> (&'a str, &'static str) {
        match self.written.strip_suffix(',') {
            Some(bare) => (bare, ","),
            None => (self.written, ""),
        }
    }

    /// Whether the word begins with a capital.
    pub(super) fn is_capitalised(&self) -> bool {
        self.core.starts_with(char::is_uppercase)
    }

    /// Whether the word is a whole number in digits.
    pub(super) fn is_digits(&self) -> bool {
        is_digits(self.core)
    }
}

/// A line in its words.
pub(super) struct Line<'a>(Vec<Word<'a>>);

impl<'a> Line<'a> {
    pub(super) fn of(line: &'a str) -> Line<'a> {
        Line(line.split_whitespace().map(Word::of).collect())
    }

    pub(super) fn word(&self, at: usize) -> Option<Word<'a>> {
        self.0.get(at).copied()
    }

    /// A word without the stop that shows it is short: one behind which a sentence does not begin.
    pub(super) fn unstopped(&self, at: usize) -> Option<Word<'a>> {
        let word = self.word(at)?;
        let begins_small = |next: Word<'_>| next.core.starts_with(char::is_lowercase);
        let goes_on = self.word(at + 1).is_some_and(begins_small);
        let tail = match (word.tail, goes_on) {
            (".", true) => "",
            (tail, _) => tail,
        };
        Some(Word { tail, ..word })
    }

    /// The word behind one that no punctuation ends, without its own punctuation; "" if there is none.
    pub(super) fn after(&self, at: usize) -> &'a str {
        match (self.word(at), self.word(at + 1)) {
            (Some(word), Some(next)) if word.tail.is_empty() => next.core,
            _ => "",
        }
    }

    /// The word before one, if no punctuation ends it; "" if there is none.
    pub(super) fn before(&self, at: usize) -> &'a str {
        let before = at.checked_sub(1).and_then(|before| self.word(before));
        before
            .filter(|word| word.tail.is_empty())
            .map_or("", |word| word.core)
    }

    /// The words before one, at most `most`, the nearest first.
    pub(super) fn back(&self, at: usize, most: usize) -> impl Iterator<Item = Word<'a>> {
        let before = self.0.get(..at).unwrap_or(&[]);
        before.iter().rev().take(most).copied()
    }
}

/// Said words between the punctuation of the word they stand for.
pub(super) fn with_punctuation(word: Word<'_>, said: &str) -> String {
    // "60 mi., and": the stop is the abbreviation's, the comma the sentence's.
    let behind = word.tail.strip_prefix('.').filter(|_| said != word.core);
    let tail = behind.filter(|rest| rest.starts_with([',', ';', ':']));
    let tail = punctuation(tail.unwrap_or(word.tail));
    // "a.m." closes a sentence with the stop that it has.
    let tail = match said.ends_with('.') {
        true => tail.trim_start_matches('.'),
        false => &tail,
    };
    format!("{}{said}{tail}", punctuation(word.head))
}

fn punctuation(around: &str) -> String {
    let mut kept = String::new();
    for c in around.chars() {
        match c {
            '“' | '”' | '„' | '«' | '»' => kept.push('"'),
            '‘' | '’' => kept.push('\''),
            '…' => kept += "...",
            '–' | '—' => kept.push(','),
            _ if ".,;:!?()'\"".contains(c) => kept.push(c),
            _ => {}
        }
    }
    kept
}

/// Letters and what joins them; a slash or underscore is a gap, any other sign is dropped.
pub(super) fn readable(words: &str) -> String {
    let mut kept = String::with_capacity(words.len());
    for c in words.chars() {
        match c {
            '/' | '_' | '\\' | '|' | '£' | '€' | '$' => kept.push(' '),
            '%' => kept.push_str(" percent"),
            '+' => kept.push_str(" plus "),
            '=' => kept.push_str(" equals "),
            '&' => kept.push_str(" and "),
            '’' => kept.push('\''),
            '—' => kept.push_str(", "),
            '…' => kept.push_str("... "),
            // Some signs are a letter and a number at once, such as runes that count.
            _ if c.is_alphabetic() && !c.is_numeric() || " .,:'-–".contains(c) => kept.push(c),
            _ if is_mark(c) => kept.push(c),
            _ => {}
        }
    }
    kept.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether a character is a mark on the letter before it.
fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}')
}

/// Whether a character is a picture, or changes the look of one: emoji, arrows, boxes, flags, skin tones.
pub(crate) fn is_pictorial(c: char) -> bool {
    matches!(c,
        '\u{2190}'..='\u{21ff}' | '\u{2300}'..='\u{23ff}' | '\u{2460}'..='\u{24ff}' | '\u{2500}'..='\u{27bf}'
        | '\u{2900}'..='\u{297f}' | '\u{2b00}'..='\u{2bff}' | '\u{fe00}'..='\u{fe0f}' | '\u{200d}' | '\u{20e3}'
        | '\u{1f000}'..='\u{1faff}' | '\u{e0020}'..='\u{e007f}')
}

const EMOTICONS: [&str; 14] = [
    ":)", ":-)", ":(", ":-(", ";)", ";-)", ":D", ":-D", ":P", ":-P", "<3", "^^", "xD", ":/",
];

pub(super) fn is_emoticon(written: &str) -> bool {
    let bare = written.trim_end_matches(['.', '!']);
    // ":smile:", as chats write emoji.
    let name = bare
        .strip_prefix(':')
        .and_then(|rest| rest.strip_suffix(':'));
    let is_named = name.is_some_and(|name| {
        name.len() > 1
            && name.starts_with(|c: char| c.is_ascii_lowercase())
            && name
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "_+-".contains(c))
    });
    is_named || EMOTICONS.contains(&bare)
}
