//! Text to clauses: what is spoken in one go, the first one short so that speech begins early.

use super::first_rules;
use super::openings::{Begins, Openings};
use super::phoneme_brackets::strip_phoneme_brackets;
use super::sentences::{self, Next, Token, Verdict, tokens, verdict};

/// How many words more than it needs a first clause must have to end before a joining word.
const MORE_WORDS_BEFORE_JOIN: usize = 2;
/// No clause is longer than this, in characters, unless a single word is.
const CHARS_MAX: usize = 240;
/// A word that is longer, in bytes, is cut before its end is there.
const WORD_BYTES_MAX: usize = 2_000;
/// How many characters of a script without blanks count as a word.
const WIDE_CHARS_A_WORD: usize = 2;

/// Words before which a speaker may breathe: conjunctions, prepositions, and the verb behind a long
/// subject.
const JOINING: [&str; 44] = [
    "about", "after", "among", "and", "are", "as", "at", "because", "before", "between", "but",
    "by", "can", "during", "for", "from", "has", "have", "if", "in", "into", "is", "must", "on",
    "or", "should", "since", "so", "than", "that", "through", "to", "under", "until", "was",
    "were", "when", "where", "which", "while", "who", "will", "with", "without",
];

/// A clause, as it was cut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    pub text: String,
    /// Whether its sentence goes on behind it without a mark: a full stop at its end is an abbreviation's.
    pub goes_on: bool,
    /// Whether it is one of the openings, as that stands in the settings.
    pub is_opening: bool,
}

/// Which rules say where text is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rules {
    /// Those of [`first_rules`].
    First,
    Today,
}

/// Cuts text into clauses as it comes. Joined with blanks, the clauses are the text: nothing is
/// lost but white space, and phoneme brackets (`[[…]]`), which are not for answers to use.
///
/// Where a text is cut does not depend on the pieces it comes in, unless a word of it is longer than 2,000 bytes.
pub struct ClauseCutter {
    rules: Rules,
    waiting: String,
    is_late: bool,
    /// The first clause ends at the first natural break behind this many words.
    first_words: usize,
    /// Later clauses end at a comma only when they are this long.
    long_characters: usize,
    /// The first clause is one of these if the text begins with it; the longest that it begins with.
    openings: Openings,
}

/// Where the waiting text can be cut, as a byte position.
struct Break {
    end: usize,
    goes_on: bool,
}

impl ClauseCutter {
    /// A cutter whose first clause needs `first_words` before it may end at a comma, and whose others need
    /// `long_characters`.
    pub fn new(first_words: u32, long_characters: u32) -> ClauseCutter {
        ClauseCutter {
            rules: Rules::Today,
            waiting: String::new(),
            is_late: false,
            first_words: first_words as usize,
            long_characters: long_characters as usize,
            openings: Openings::default(),
        }
    }

    /// Makes a clause of its own of each of these, if a text begins with it: words with one blank between them.
    pub fn with_openings(mut self, openings: &[String]) -> ClauseCutter {
        self.openings = Openings::of(openings);
        self
    }

    /// A cutter by the rules of recordings of the first version.
    pub(super) fn by_first_rules(first_words: u32, long_characters: u32) -> ClauseCutter {
        ClauseCutter {
            rules: Rules::First,
            ..ClauseCutter::new(first_words, long_characters)
        }
    }

    /// The clauses that are complete with this piece. A line end ends a clause.
    pub fn push(&mut self, piece: &str) -> Vec<Cut> {
        piece.chars().for_each(|c| self.add(c));
        self.all_complete(false)
    }

    /// What is left when the text is over.
    pub fn finish(&mut self) -> Vec<Cut> {
        let mut clauses = self.all_complete(true);
        let rest = Break {
            end: self.waiting.len(),
            goes_on: false,
        };
        clauses.extend(self.cut(&rest));
        clauses
    }

    /// Adds a character; of white space only one, since some models end in thousands of line ends.
    fn add(&mut self, c: char) {
        let is_gap = self.waiting.is_empty() || self.waiting.ends_with(char::is_whitespace);
        if !c.is_whitespace() || !is_gap {
            self.waiting.push(c);
        } else if c == '\n' && self.waiting.pop().is_some() {
            self.waiting.push('\n');
        }
    }

    fn all_complete(&mut self, is_over: bool) -> Vec<Cut> {
        let mut clauses = Vec::new();
        loop {
            if !self.is_late {
                let words = tokens(&self.waiting, self.rules.parting());
                match self.openings.begun(words, is_over) {
                    Begins::With { text, end } => {
                        clauses.push(Cut {
                            text: text.to_owned(),
                            goes_on: text.ends_with(char::is_alphanumeric),
                            is_opening: true,
                        });
                        self.waiting.drain(..end);
                        self.is_late = true;
                        continue;
                    }
                    Begins::Perhaps => break,
                    Begins::Otherwise => {}
                }
            }
            match self.complete(is_over) {
                Some(found) => clauses.extend(self.cut(&found)),
                None => break,
            }
        }
        clauses
    }

    fn cut(&mut self, found: &Break) -> Option<Cut> {
        let rest = self.waiting.split_off(found.end);
        let text = std::mem::replace(&mut self.waiting, rest);
        let spoken = strip_phoneme_brackets(&text);
        let text = spoken.split_whitespace().collect::<Vec<_>>().join(" ");
        let is_spoken = text.chars().any(char::is_alphanumeric);
        self.is_late |= is_spoken;
        is_spoken.then_some(Cut {
            text,
            goes_on: found.goes_on,
            is_opening: false,
        })
    }

    /// Where the waiting text can be cut; `None` if that is not yet known. A
    /// word counts once something follows it, so that "3." is not cut from "3.5".
    fn complete(&self, is_over: bool) -> Option<Break> {
        let mut words = 0;
        let mut chars = 0;
        let mut brackets = 0;
        let mut last_end = None;
        let mut before = "";
        let at = |end: Option<usize>, goes_on| Some(Break { end: end?, goes_on });
        let mut all = tokens(&self.waiting, self.rules.parting()).peekable();
        while let Some(token) = all.next() {
            let (word, end) = (token.text, token.end());
            let ends_line = token.ends_line && self.rules == Rules::Today;
            if !token.is_whole && !is_over {
                match word.len() > WORD_BYTES_MAX {
                    true => return at(Some(end), true),
                    false => break,
                }
            }
            if chars + word.chars().count() > CHARS_MAX {
                return at(last_end.or(Some(end)), true);
            }
            if !self.is_late
                && words >= self.first_words + MORE_WORDS_BEFORE_JOIN
                && is_joining(word)
                && !belongs_to(before, word)
            {
                return at(last_end, true);
            }
            let (opened, closed) = (word.matches("[[").count(), word.matches("]]").count());
            brackets = (brackets + opened).saturating_sub(closed);
            chars += word.chars().count() + 1;
            if brackets > 0 && !ends_line {
                continue;
            }
            words += self.rules.words_of(word);
            last_end = Some(end);
            if ends_line {
                return at(last_end, false);
            }
            match self
                .rules
                .verdict(before, word, next_of(all.peek(), is_over))
            {
                Verdict::Ends => return at(last_end, false),
                Verdict::Wait => break,
                Verdict::GoesOn => {}
            }
            let is_long = if self.is_late {
                chars >= self.long_characters
            } else {
                words >= self.first_words
            };
            if is_long {
                match self.rules.ends_phrase(word, all.peek(), is_over) {
                    Verdict::Ends => return at(last_end, false),
                    Verdict::Wait => break,
                    Verdict::GoesOn => {}
                }
            }
            before = word;
        }
        None
    }
}

impl Rules {
    fn parting(self) -> fn(&str) -> Option<usize> {
        match self {
            Rules::First => |_| None,
            Rules::Today => sentences::parting,
        }
    }

    fn words_of(self, word: &str) -> usize {
        match self {
            Rules::First => 1,
            Rules::Today => words_of(word),
        }
    }

    fn verdict(self, before: &str, word: &str, next: Next<'_>) -> Verdict {
        match self {
            Rules::First => first_rules::verdict(word),
            Rules::Today => verdict(before, word, next),
        }
    }

    /// Whether a phrase ends behind a word, so that a long clause may.
    fn ends_phrase(self, word: &str, next: Option<&Token<'_>>, is_over: bool) -> Verdict {
        let ends = match self {
            Rules::First => first_rules::ends_phrase(word),
            Rules::Today => ends_phrase(word),
        };
        match self {
            _ if !ends => Verdict::GoesOn,
            Rules::First => Verdict::Ends,
            Rules::Today => unless_number(word, next, is_over),
        }
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
pub(crate) fn is_wide(c: char) -> bool {
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

/// A phrase ends behind a word unless a number belongs to it: "January 1, 1980", and in scripts without blanks.
fn unless_number(word: &str, next: Option<&Token<'_>>, is_over: bool) -> Verdict {
    let is_day = word
        .strip_suffix(',')
        .is_some_and(|day| day.len() <= 4 && day.starts_with(|c: char| c.is_ascii_digit()));
    if !is_day && !word.ends_with(is_wide) {
        return Verdict::Ends;
    }
    match next {
        Some(next) if next.text.starts_with(|c: char| c.is_ascii_digit()) => Verdict::GoesOn,
        None if !is_over => Verdict::Wait,
        _ => Verdict::Ends,
    }
}

/// Whether a speaker may breathe before this word, so that a first clause may end there.
pub(crate) fn is_joining(word: &str) -> bool {
    JOINING.contains(&word.to_lowercase().as_str())
}

/// "A card ending in 4242": how the number is read hangs on all three words.
fn belongs_to(before: &str, word: &str) -> bool {
    before == "ending" && word == "in"
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn clauses(pieces: &[&str]) -> Vec<String> {
        let mut cutter = ClauseCutter::new(2, 70);
        let mut clauses: Vec<Cut> = pieces.iter().flat_map(|p| cutter.push(p)).collect();
        clauses.extend(cutter.finish());
        clauses.into_iter().map(|clause| clause.text).collect()
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
        let texts = |clauses: Vec<Cut>| clauses.into_iter().map(|clause| clause.text);
        assert!(texts(cutter.push(" And")).eq(["It is three."]));
        assert!(texts(cutter.finish()).eq(["And"]));
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

    #[test]
    fn a_clause_in_mid_sentence_says_that_it_goes_on() {
        let mut cutter = ClauseCutter::new(2, 70);
        let mut cuts = cutter.push("The clinic on Main St. in Room 204 is open. Come by.");
        cuts.extend(cutter.finish());
        let goes_on: Vec<(&str, bool)> = cuts
            .iter()
            .map(|cut| (cut.text.as_str(), cut.goes_on))
            .collect();
        assert_eq!(
            goes_on,
            [
                ("The clinic on Main St.", true),
                ("in Room 204 is open.", false),
                ("Come by.", false)
            ]
        );
    }

    #[test]
    fn an_opening_is_a_clause_of_its_own_as_soon_as_it_is_certain() {
        let openings = [
            "Sure",
            "Sure,",
            "Sure, no problem.",
            "Let me see.",
            "Let's see,",
        ];
        let openings = openings.map(str::to_owned);
        let cutter = || ClauseCutter::new(2, 70).with_openings(&openings);
        let texts = |cuts: Vec<Cut>| cuts.into_iter().map(|cut| cut.text);
        let check = |text: &str, expected: &[&str]| {
            let mut cutter = cutter();
            let mut cuts = cutter.push(text);
            cuts.extend(cutter.finish());
            assert!(texts(cuts).eq(expected.iter().copied()), "{text}");
        };
        check("Sure, we open at nine.", &["Sure,", "we open at nine."]);
        check(
            "Sure, no problem. At nine.",
            &["Sure, no problem.", "At nine."],
        );
        check("Sure, no. At nine.", &["Sure,", "no.", "At nine."]);
        check("Sure thing, at nine.", &["Sure", "thing, at nine."]);
        check("Sure! At nine.", &["Sure!", "At nine."]);
        check("Surely, at nine.", &["Surely, at nine."]);
        check("  Let me\nsee. At nine.", &["Let me see.", "At nine."]);
        check("At nine. Let me see.", &["At nine.", "Let me see."]);
        check("Sure", &["Sure"]);
        check("", &[]);
        // As the settings have it, whose sound is there.
        check("Let’s see, at nine.", &["Let's see,", "at nine."]);

        let mut one = cutter();
        assert!(one.push("Sure,").is_empty(), "more may follow");
        assert!(one.push(" no").is_empty(), "perhaps it is no problem");
        assert!(texts(one.push("w")).eq(["Sure,"]));
        let mut other = cutter();
        assert!(other.push("Let me see.").is_empty());
        assert!(texts(other.push(" ")).eq(["Let me see."]));
    }

    #[test]
    fn thousands_of_line_ends_and_words_without_end_are_not_kept() {
        let mut cutter = ClauseCutter::new(2, 70);
        cutter.push(&"\n \n".repeat(5_000));
        assert!(cutter.waiting.len() <= 1);
        let lengths = |clauses: Vec<Cut>| clauses.into_iter().map(|clause| clause.text.len());
        let longest = (0..10)
            .flat_map(|_| lengths(cutter.push(&"a".repeat(999))))
            .max();
        assert_eq!(longest, Some(3 * 999));
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
