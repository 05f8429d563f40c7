//! Text to clauses: what is spoken in one go, the first one short so that speech begins early.

use super::phoneme_brackets::strip_phoneme_brackets;
use crate::scenario::Clauses;
use crate::stage::{Clause, Outlet, Piece, Stage, TextFeed, Work};

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

/// The stage that cuts answers into clauses. It keeps nothing between answers.
pub(super) struct ClauseStage(pub(super) Clauses);

impl Stage for ClauseStage {
    type In = TextFeed;
    type Out = Clause;

    fn handle<'a>(&'a mut self, mut text: TextFeed, out: &'a mut Outlet<Clause>) -> Work<'a> {
        Box::pin(async move {
            let mut cutter = ClauseCutter::new(&self.0);
            while let Some(Piece(piece)) = text.next().await {
                for clause in cutter.push(&piece) {
                    out.send(Clause(clause.into())).await?;
                }
            }
            for clause in cutter.finish() {
                out.send(Clause(clause.into())).await?;
            }
            out.begun();
            Ok(())
        })
    }
}

/// Cuts text into clauses as it comes. Joined with blanks, the clauses are the text: nothing is
/// lost but white space, and phoneme brackets (`[[…]]`), which are not for answers to use.
pub struct ClauseCutter {
    waiting: String,
    is_late: bool,
    /// The first clause ends at the first natural break behind this many words.
    first_words: usize,
    /// Later clauses end at a comma only when they are this long.
    long_characters: usize,
}

impl Default for ClauseCutter {
    fn default() -> ClauseCutter {
        ClauseCutter::new(&Clauses::default())
    }
}

impl ClauseCutter {
    pub fn new(clauses: &Clauses) -> ClauseCutter {
        ClauseCutter {
            waiting: String::new(),
            is_late: false,
            first_words: clauses.first_words as usize,
            long_characters: clauses.long_characters as usize,
        }
    }

    /// The clauses that are complete with this piece.
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
    use proptest::prelude::*;

    fn clauses(pieces: &[&str]) -> Vec<String> {
        let mut cutter = ClauseCutter::default();
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
        let mut cutter = ClauseCutter::default();
        assert!(cutter.push("It is thr").is_empty());
        assert!(cutter.push("ee.").is_empty());
        assert_eq!(cutter.push(" And"), ["It is three."]);
        assert_eq!(cutter.finish(), ["And"]);
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
