//! Text to clauses: what is spoken in one go, the first one short so that speech begins early.

use super::phoneme_brackets::strip_phoneme_brackets;
use super::sentences::{Next, Token, Verdict, tokens, verdict};

/// How many words more than it needs a first clause must have to end before a joining word.
const MORE_WORDS_BEFORE_JOIN: usize = 2;
/// No clause is longer than this, in characters, unless a single word is.
const CHARS_MAX: usize = 240;
/// So many characters of a script without blanks count as a word.
const WIDE_CHARS_A_WORD: usize = 2;

/// Words before which a speaker may breathe: conjunctions, prepositions, and the verb behind a long
/// subject.
const JOINING: [&str; 44] = [
    "about", "after", "among", "and", "are", "as", "at", "because", "before", "between", "but",
    "by", "can", "during", "for", "from", "has", "have", "if", "in", "into", "is", "must", "on",
    "or", "should", "since", "so", "than", "that", "through", "to", "under", "until", "was",
    "were", "when", "where", "which", "while", "who", "will", "with", "without",
];

/// Cuts text into clauses as it comes. Joined with blanks, the clauses are the text: nothing is
/// lost but white space, and phoneme brackets (`[[…]]`), which are not for answers to use.
///
/// Where a text is cut does not depend on the pieces it comes in.
pub struct ClauseCutter {
    waiting: String,
    is_late: bool,
    /// The first clause ends at the first natural break behind this many words.
    first_words: usize,
    /// Later clauses end at a comma only when they are this long.
    long_characters: usize,
}

impl ClauseCutter {
    /// A cutter whose first clause needs `first_words` before it may end at a comma, and whose others need
    /// `long_characters`.
    pub fn new(first_words: u32, long_characters: u32) -> ClauseCutter {
        ClauseCutter {
            waiting: String::new(),
            is_late: false,
            first_words: first_words as usize,
            long_characters: long_characters as usize,
        }
    }

    /// The clauses that are complete with this piece. A line end ends a clause.
    pub fn push(&mut self, piece: &str) -> Vec<String> {
        self.waiting.push_str(piece);
        let mut clauses = Vec::new();
        while let Some(end) = self.complete(false) {
            clauses.extend(self.cut(end));
        }
        clauses
    }

    /// What is left when the text is over.
    pub fn finish(&mut self) -> Vec<String> {
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
    /// word counts once something follows it, so that "3." is not cut from "3.5".
    fn complete(&self, is_over: bool) -> Option<usize> {
        let mut words = 0;
        let mut chars = 0;
        let mut brackets = 0;
        let mut last_end = None;
        let mut before = "";
        let mut all = tokens(&self.waiting).peekable();
        while let Some(token) = all.next() {
            let (word, end) = (token.text, token.end());
            if !token.is_whole && !is_over {
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
            if brackets > 0 && !token.ends_line {
                chars += word.chars().count() + 1;
                continue;
            }
            words += words_of(word);
            chars += word.chars().count() + 1;
            last_end = Some(end);
            if token.ends_line {
                return last_end;
            }
            match verdict(before, word, next_of(all.peek(), is_over)) {
                Verdict::Ends => return last_end,
                Verdict::Wait => break,
                Verdict::GoesOn => {}
            }
            let is_long = if self.is_late {
                chars >= self.long_characters
            } else {
                words >= self.first_words
            };
            if is_long && ends_phrase(word) {
                match goes_on_with_number(word, all.peek(), is_over) {
                    Some(true) => {}
                    Some(false) => return last_end,
                    None => break,
                }
            }
            before = word;
        }
        None
    }
}

fn next_of<'a>(next: Option<&Token<'a>>, is_over: bool) -> Next<'a> {
    match next {
        Some(token) => Next::Word {
            text: token.text,
            is_whole: token.is_whole || is_over,
        },
        None if is_over => Next::Over,
        None => Next::Unknown,
    }
}

/// How many words of a script with blanks a word is.
fn words_of(word: &str) -> usize {
    let wide = word.chars().filter(|c| is_wide(*c)).count();
    (wide / WIDE_CHARS_A_WORD).max(1)
}

/// Letters of scripts that have no blanks between words: Thai, Lao, Khmer, Chinese, Japanese.
fn is_wide(c: char) -> bool {
    matches!(c, '\u{e00}'..='\u{eff}' | '\u{1780}'..='\u{17ff}' | '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}')
}

/// A comma and the like in any script; in Thai, Lao and Khmer a blank is one.
fn ends_phrase(word: &str) -> bool {
    let bare = word.trim_end_matches(['"', '\'', '”', '’', ')', '」', '』']);
    bare.ends_with([
        ',', ';', ':', '–', '—', '，', '、', '；', '：', '،', '؛', '…',
    ]) || bare.ends_with("...")
        || word.ends_with(|c| matches!(c, '\u{e00}'..='\u{eff}' | '\u{1780}'..='\u{17ff}'))
}

/// Whether a number belongs to a word before it that ends a phrase: "January 1, 1980", and in scripts without blanks.
/// `None` if the next word is not yet there.
fn goes_on_with_number(word: &str, next: Option<&Token<'_>>, is_over: bool) -> Option<bool> {
    let is_day = word
        .strip_suffix(',')
        .is_some_and(|day| day.len() <= 4 && day.starts_with(|c: char| c.is_ascii_digit()));
    if !is_day && !word.ends_with(is_wide) {
        return Some(false);
    }
    match next {
        Some(next) => Some(next.text.starts_with(|c: char| c.is_ascii_digit())),
        None if is_over => Some(false),
        None => None,
    }
}

fn is_joining(word: &str) -> bool {
    JOINING.contains(&word.to_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn clauses(pieces: &[&str]) -> Vec<String> {
        let mut cutter = ClauseCutter::new(2, 70);
        let mut clauses: Vec<String> = pieces.iter().flat_map(|p| cutter.push(p)).collect();
        clauses.extend(cutter.finish());
        clauses
    }

    fn check(text: &str, expected: &[&str]) {
        assert_eq!(clauses(&[text]), expected);
    }

    #[test]
    fn the_first_clause_is_short() {
        check(
            "Well, that is easy. It takes 3.5 seconds, as Dr. Smith says.",
            &[
                "Well, that is easy.",
                "It takes 3.5 seconds, as Dr. Smith says.",
            ],
        );
        check(
            "The caller hears nothing because the assistant waits for silence.",
            &[
                "The caller hears nothing",
                "because the assistant waits for silence.",
            ],
        );
    }

    #[test]
    fn a_clause_is_complete_as_soon_as_its_end_is_certain() {
        let mut cutter = ClauseCutter::new(2, 70);
        assert!(cutter.push("It is thr").is_empty());
        assert!(cutter.push("ee.").is_empty());
        assert_eq!(cutter.push(" And"), ["It is three."]);
        assert_eq!(cutter.finish(), ["And"]);
    }

    #[test]
    fn lines_end_clauses_and_other_scripts_have_commas_and_stops() {
        check(
            "First line without a stop\nSecond one",
            &["First line without a stop", "Second one"],
        );
        check(
            "您好，我们周日从九点营业到下午四点。狗可以带进前厅。",
            &["您好，我们周日从九点营业到下午四点。", "狗可以带进前厅。"],
        );
        check("मेरा नाम राम है।आप कैसे हैं?", &["मेरा नाम राम है।", "आप कैसे हैं?"]);
    }

    #[test]
    fn phonemes_in_an_answer_are_not_spoken() {
        check("Say [[m'hm, m'hm]] now.", &["Say now."]);
        check("Open [[ for ever.", &["Open for ever."]);
    }

    #[test]
    fn text_without_words_is_no_clause() {
        check(" … — !  ", &[]);
        check("", &[]);
    }

    #[test]
    fn a_text_without_breaks_is_cut_at_its_longest() {
        let text = "word ".repeat(200);
        let all = clauses(&[&text]);
        assert!(all.iter().all(|clause| clause.chars().count() <= CHARS_MAX));
        assert_eq!(all.join(" "), text.trim());
    }

    proptest! {
        #[test]
        fn no_word_is_lost_however_the_text_comes(
            words in prop::collection::vec("[a-z]{1,9}[.,;!?]?", 0..60),
            cuts in prop::collection::vec(0usize..400, 0..8),
        ) {
            let text = words.join(" ");
            let mut cuts: Vec<usize> = cuts.into_iter().map(|c| c.min(text.len())).collect();
            cuts.extend([0, text.len()]);
            cuts.sort_unstable();
            let pieces: Vec<&str> = cuts.windows(2).map(|pair| &text[pair[0]..pair[1]]).collect();
            prop_assert_eq!(clauses(&pieces).join(" "), text.clone());
            prop_assert_eq!(clauses(&pieces), clauses(&[&text]));
        }
    }
}
