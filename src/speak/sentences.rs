//! Where a sentence ends: the one rule for answers, as they stream, and for documents.
//!
//! The marks that may end a sentence, in all scripts, and the closing quotes and brackets behind them are Unicode's
//! (UAX 29, sentence boundaries). What they end is decided here: a title, an initial, "e.g.", "No. 5", a list's "1."
//! end nothing. Where the word itself leaves it open, the next word tells, and until it is there the answer is
//! [`Verdict::Wait`]: so a text that comes in pieces is cut where it would be cut as a whole.

use unicode_segmentation::UnicodeSegmentation;

mod abbreviations;

use abbreviations::{LABELS, MONTHS, NEVER_LAST, NUMBERED, SOMETIMES_LAST, STARTERS, TIME_WORDS};

/// The most letters of an abbreviation that nobody listed.
const UNLISTED_LETTERS_MAX: usize = 4;

/// Whether a sentence ends with a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Ends,
    GoesOn,
    /// The next word has to be known first.
    Wait,
}

/// What follows a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next<'a> {
    /// Not yet known.
    Unknown,
    /// The next word, as far as it has come, and whether it is all.
    Word { text: &'a str, is_whole: bool },
    /// Nothing: the line or the text is over.
    Over,
}

/// A word of a text: its place in it, and whether white space or another word follows, so that it is all there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Token<'a> {
    pub(super) text: &'a str,
    pub(super) start: usize,
    /// Whether the line ends behind it.
    pub(super) ends_line: bool,
    pub(super) is_whole: bool,
}

impl Token<'_> {
    pub(super) fn end(&self) -> usize {
        self.start + self.text.len()
    }
}

/// The words of a text; those without blanks between them are parted where `parting` says.
pub(super) fn tokens(
    text: &str,
    parting: fn(&str) -> Option<usize>,
) -> impl Iterator<Item = Token<'_>> {
    text.split_whitespace().flat_map(move |word| {
        let start = word.as_ptr() as usize - text.as_ptr() as usize;
        let behind = text.get(start + word.len()..).unwrap_or_default();
        let gap = behind.len() - behind.trim_start().len();
        let ends_line = behind.get(..gap).is_some_and(|gap| gap.contains('\n'));
        let mut parts = Vec::new();
        let mut rest = word;
        while !rest.is_empty() {
            let at = parting(rest).unwrap_or(rest.len());
            let is_last = at == rest.len();
            parts.push(Token {
                text: &rest[..at],
                start: start + word.len() - rest.len(),
                ends_line: is_last && ends_line,
                is_whole: !is_last || gap > 0,
            });
            rest = &rest[at..];
        }
        parts
    })
}

/// Where a word without blanks is parted: behind the punctuation of a script that has none, or a stop with a capital
/// behind it.
pub(super) fn parting(word: &str) -> Option<usize> {
    if word.is_ascii() && !word.contains(['.', '!', '?']) {
        return None;
    }
    let chars = word.char_indices().peekable();
    let mut after_mark = false;
    let mut before = '\0';
    for (at, c) in chars {
        if after_mark && !is_wide_mark(c) && !is_closing(c) {
            return Some(at);
        }
        after_mark |= is_wide_mark(c);
        if matches!(c, '.' | '!' | '?') && before.is_lowercase() && is_glued(word, at) {
            return Some(at + 1);
        }
        before = c;
    }
    None
}

/// Marks behind which no blank is needed.
fn is_wide_mark(c: char) -> bool {
    matches!(
        c,
        '。' | '！'
            | '？'
            | '；'
            | '，'
            | '、'
            | '：'
            | '｡'
            | '．'
            | '।'
            | '॥'
            | '۔'
            | '؟'
            | '،'
            | '؛'
    )
}

fn is_closing(c: char) -> bool {
    matches!(
        c,
        '"' | '\''
            | ')'
            | ']'
            | '}'
            | '”'
            | '’'
            | '»'
            | '›'
            | '」'
            | '』'
            | '）'
            | '】'
            | '》'
            | '〉'
            | '*'
            | '_'
    )
}

/// Whether a stop in "nine.Then" parts two sentences: a lower-case word before it, a capitalised one behind it, and
/// nothing of an address.
fn is_glued(word: &str, at: usize) -> bool {
    let (before, behind) = (&word[..at], &word[at + 1..]);
    let letters = behind.chars().take_while(|c| c.is_alphabetic()).count();
    let mut first = behind.chars();
    let is_capitalised = first.next().is_some_and(char::is_uppercase)
        && first
            .next()
            .is_none_or(|c| c.is_lowercase() || c == '\'' || c == '’');
    let is_word = before.chars().filter(|c| c.is_alphabetic()).count() > 1;
    // A name of a file or a host goes on with more signs.
    let is_address = word.contains(['@', '/', '\\', '_'])
        || behind
            .chars()
            .nth(letters)
            .is_some_and(|c| c.is_alphanumeric());
    is_word && is_capitalised && letters > 1 && !is_address
}

/// Whether a sentence ends with `word`. `before` is the word before it in the same sentence, "" if it is the first.
pub(super) fn verdict(before: &str, word: &str, next: Next<'_>) -> Verdict {
    let bare = word.trim_end_matches(is_closing);
    let is_ellipsis = bare.ends_with("...") || bare.ends_with('…');
    if !is_ellipsis && !may_end(word) {
        return Verdict::GoesOn;
    }
    if next == Next::Over {
        return Verdict::Ends;
    }
    let bare = bare.trim_start_matches(['(', '[', '{', '"', '“', '\'', '‘', '«', '„', '*', '_']);
    let is_closed = word.ends_with(is_closing);
    if is_ellipsis || is_closed && !bare.ends_with(is_wide_mark) {
        return match unless_small(next) {
            Verdict::Ends if is_closed && bare.ends_with('.') && !is_ellipsis => {
                by_stop(before, bare, next)
            }
            other => other,
        };
    }
    match bare.ends_with('.') {
        true => by_stop(before, bare, next),
        false => Verdict::Ends,
    }
}

/// Whether Unicode's rules let a sentence end behind a word, if a capital follows.
fn may_end(word: &str) -> bool {
    // "!=" compares.
    if word.ends_with(|c: char| c.is_alphanumeric() || c == '=') {
        return false;
    }
    let tail_start = word.char_indices().rev().nth(7).map_or(0, |(at, _)| at);
    let probe = format!("a{} A", &word[tail_start..]);
    probe.split_sentence_bounds().count() > 1
}

/// The sentence ends unless the next word begins small.
fn unless_small(next: Next<'_>) -> Verdict {
    match first_letter(next) {
        None if matches!(next, Next::Unknown) => Verdict::Wait,
        None => match next {
            Next::Word {
                is_whole: false, ..
            } => Verdict::Wait,
            _ => Verdict::Ends,
        },
        Some(c) if c.is_lowercase() => Verdict::GoesOn,
        Some(_) => Verdict::Ends,
    }
}

/// The first letter or digit of what follows, behind quotes and brackets.
fn first_letter(next: Next<'_>) -> Option<char> {
    match next {
        Next::Word { text, .. } => text.chars().find(|c| c.is_alphanumeric()),
        Next::Unknown | Next::Over => None,
    }
}

/// Whether a full stop ends a sentence; `bare` is the word with it.
fn by_stop(before: &str, bare: &str, next: Next<'_>) -> Verdict {
    let stem = bare.trim_end_matches('.');
    let lower = stem.to_lowercase();
    let lower = lower.as_str();
    if NEVER_LAST.contains(&lower) {
        return Verdict::GoesOn;
    }
    // "Sat." is a day, "sat." is not.
    let is_day = super::said::day(stem).is_some();
    if NUMBERED.contains(&lower) || MONTHS.contains(&lower) || is_day {
        return unless_number(lower, next);
    }
    if !stem.is_empty() && stem.bytes().all(|b| b.is_ascii_digit()) {
        return behind_digits(before, stem, next);
    }
    let is_first = before.is_empty() || before.ends_with(':');
    if is_first && is_item(stem) {
        return Verdict::GoesOn;
    }
    // "z. B.", "d. h.", "p. ej.": a small letter with a stop goes on with another one.
    let is_small = stem.chars().count() == 1 && stem.chars().all(char::is_lowercase);
    match next {
        Next::Unknown if is_small => return Verdict::Wait,
        Next::Word { text, is_whole } if is_small && text.chars().count() <= 3 => {
            match (text.ends_with('.'), is_whole) {
                (true, _) => return Verdict::GoesOn,
                (false, false) => return Verdict::Wait,
                (false, true) => {}
            }
        }
        _ => {}
    }
    if is_initials(stem) {
        let is_label = LABELS.contains(&before.to_lowercase().as_str());
        return if is_label {
            unless_small(next)
        } else {
            behind_initials(lower, next)
        };
    }
    if let Some(kind) = SOMETIMES_LAST.iter().find(|(short, _)| *short == lower) {
        return match kind.1 {
            abbreviations::Then::Name => behind_initials(lower, next),
            abbreviations::Then::Anything => behind_time(next),
        };
    }
    let letters = stem.chars().filter(|c| c.is_alphabetic()).count();
    let has_vowel = lower.contains(['a', 'e', 'i', 'o', 'u', 'y']);
    let is_like_abbreviation =
        (2..=UNLISTED_LETTERS_MAX).contains(&letters) && !has_vowel && stem.is_ascii();
    match is_like_abbreviation && stem.chars().any(char::is_lowercase) {
        true => unless_number(lower, next),
        false => Verdict::Ends,
    }
}

/// "No. 5", "Vol. II" and "Jan. 1" go on, "No. We are closed." ends.
fn unless_number(lower: &str, next: Next<'_>) -> Verdict {
    let Next::Word { text, is_whole } = next else {
        return Verdict::Wait;
    };
    let bare = text.trim_matches(|c: char| !c.is_alphanumeric());
    let is_roman =
        NUMBERED.contains(&lower) && lower != "no" && bare.bytes().all(|b| b"IVX".contains(&b));
    match bare.chars().next() {
        None => Verdict::Wait,
        Some(c) if c.is_ascii_digit() => Verdict::GoesOn,
        Some(_) if is_roman && !is_whole => Verdict::Wait,
        Some(_) if is_roman => Verdict::GoesOn,
        // "Mar", "Dec" go on with small letters, "no" does not.
        Some(c) if c.is_lowercase() && lower != "no" => Verdict::GoesOn,
        Some(_) => Verdict::Ends,
    }
}

/// "1." at the beginning is an item's number; "in 1984. We" ends; "am 3. Mai" goes on.
fn behind_digits(before: &str, digits: &str, next: Next<'_>) -> Verdict {
    let is_item = before.is_empty() || before.ends_with(':');
    if is_item && digits.len() <= 3 {
        return Verdict::GoesOn;
    }
    // A year, a price, a room: only days of a month go on, in other languages.
    if digits.len() > 2 {
        return Verdict::Ends;
    }
    match next {
        Next::Word {
            text,
            is_whole: true,
        } => {
            let word = text
                .trim_matches(|c: char| !c.is_alphabetic())
                .to_lowercase();
            match MONTHS.contains(&word.as_str()) {
                true => Verdict::GoesOn,
                false => unless_small(next),
            }
        }
        _ => match unless_small(next) {
            Verdict::Ends => Verdict::Wait,
            other => other,
        },
    }
}

/// "a", "ii": the letter or Roman number of an item.
fn is_item(stem: &str) -> bool {
    let is_letter = stem.len() == 1 && stem != "I" && stem.bytes().all(|b| b.is_ascii_alphabetic());
    is_letter || stem.len() <= 4 && !stem.is_empty() && stem.bytes().all(|b| b"ivx".contains(&b))
}

/// "J", "U.S", "Ph.D".
fn is_initials(stem: &str) -> bool {
    if stem.chars().count() == 1 {
        return stem.chars().all(|c| c.is_uppercase() && c != 'I');
    }
    let mut groups = stem.split('.');
    stem.contains('.')
        && groups.all(|group| {
            (1..=2).contains(&group.chars().count()) && group.chars().all(char::is_alphabetic)
        })
}

/// "J. Smith" and "the U.S. Army" go on, "in the U.S. We ship" ends.
fn behind_initials(lower: &str, next: Next<'_>) -> Verdict {
    if matches!(lower, "a.m" | "p.m") {
        return behind_time(next);
    }
    match (unless_small(next), next) {
        (Verdict::Ends, Next::Word { text, is_whole }) => {
            let word = text
                .trim_matches(|c: char| !c.is_alphanumeric())
                .replace('’', "'");
            if text.chars().all(|c| !c.is_ascii_alphabetic()) && is_whole {
                return Verdict::Ends;
            }
            // "A. A. Milne": another initial begins no sentence.
            let is_starter = STARTERS.contains(&word.as_str()) && !text.ends_with('.');
            match (is_whole, is_starter) {
                (false, _) => Verdict::Wait,
                (true, true) => Verdict::Ends,
                (true, false) => Verdict::GoesOn,
            }
        }
        (verdict, _) => verdict,
    }
}

/// "etc. We", "5 p.m. We" end; "5 p.m. on", "9 a.m. Monday", "5 p.m. EST" go on.
fn behind_time(next: Next<'_>) -> Verdict {
    match (unless_small(next), next) {
        (Verdict::Ends, Next::Word { text, is_whole }) => {
            let word = text.trim_matches(|c: char| !c.is_alphanumeric());
            match is_whole {
                false => Verdict::Wait,
                true if TIME_WORDS.contains(&word) => Verdict::GoesOn,
                true => Verdict::Ends,
            }
        }
        (verdict, _) => verdict,
    }
}

/// The sentences of a text, in order, trimmed. A line end ends a sentence too; "1.2" and "e.g." do not.
pub(crate) fn sentences(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for line in text.lines() {
        let tokens: Vec<Token<'_>> = tokens(line, parting).collect();
        let mut start = 0;
        let mut before = "";
        for (at, token) in tokens.iter().enumerate() {
            let next = tokens.get(at + 1).map_or(Next::Over, |next| Next::Word {
                text: next.text,
                is_whole: true,
            });
            if verdict(before, token.text, next) == Verdict::GoesOn {
                before = token.text;
                continue;
            }
            found.extend(line.get(start..token.end()).map(str::trim));
            start = token.end();
            before = "";
        }
        found.extend(line.get(start..).map(str::trim));
    }
    found.retain(|sentence| sentence.contains(char::is_alphanumeric));
    found
}

/// At most `words_max` words of a sentence, cut after a comma or semicolon if one lies in the second half.
#[cfg(feature = "retrieval")]
pub(crate) fn shortened(sentence: &str, words_max: usize) -> String {
    let words: Vec<&str> = sentence.split_whitespace().collect();
    if words.len() <= words_max {
        return words.join(" ");
    }
    let clause_end = (words_max / 2..words_max)
        .rev()
        .find(|&i| words[i].ends_with([',', ';', ':']));
    let cut = words[..clause_end.map_or(words_max, |i| i + 1)].join(" ");
    format!("{}.", cut.trim_end_matches(|c: char| !c.is_alphanumeric()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_end_at_stops_and_lines_but_not_inside_numbers() {
        assert_eq!(
            sentences("It is 1.2 seconds. Really? Ask Dr. Who!\nNext line\n...\n"),
            ["It is 1.2 seconds.", "Really?", "Ask Dr. Who!", "Next line"]
        );
        assert!(sentences("... !\n").is_empty());
    }

    #[test]
    fn a_sentence_is_shortened_at_a_comma_or_at_the_bound() {
        assert_eq!(
            shortened("one two three, four five six", 5),
            "one two three."
        );
        assert_eq!(
            shortened("one two three four five six", 4),
            "one two three four."
        );
        assert_eq!(shortened("one  two.", 4), "one two.");
    }

    #[test]
    fn a_word_that_leaves_it_open_waits_for_the_next() {
        let word = |text, is_whole| Next::Word { text, is_whole };
        assert_eq!(verdict("the", "U.S.", Next::Unknown), Verdict::Wait);
        assert_eq!(verdict("the", "U.S.", word("g", false)), Verdict::GoesOn);
        assert_eq!(verdict("the", "U.S.", word("W", false)), Verdict::Wait);
        assert_eq!(verdict("the", "U.S.", word("We", true)), Verdict::Ends);
        assert_eq!(verdict("the", "U.S.", Next::Over), Verdict::Ends);
        assert_eq!(verdict("at", "nine.", Next::Unknown), Verdict::Ends);
    }
}
