//! Word error rate, as the field counts it: after both texts were written alike (`normal`), and raw beside it.

mod alignment;
mod normal;
mod numbers;
mod spelling;

use alignment::{Alignment, align};
use serde::{Deserialize, Serialize};

/// Wrong words against reference words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct WordErrors {
    /// Words to substitute, insert or delete (Levenshtein distance over words), in texts written alike: without
    /// fillers, contractions, and other ways to write the same number, price, title or spelling.
    pub errors: u32,
    /// Words of the reference, written alike.
    pub words: u32,
    /// Words that were heard as another.
    #[serde(default)]
    pub substitutions: u32,
    /// Words of the reference that were not heard.
    #[serde(default)]
    pub deletions: u32,
    /// Words that were heard and not said.
    #[serde(default)]
    pub insertions: u32,
    /// Wrong words of the texts as they are written; only case, punctuation and hyphens do not count.
    #[serde(default)]
    pub raw_errors: u32,
    /// Words of the reference as it is written.
    #[serde(default)]
    pub raw_words: u32,
    /// Wrong ones among the names and numbers of the reference.
    #[serde(default)]
    pub name_and_number_errors: u32,
    /// Names and numbers of the reference: words with a digit when written alike, and words with a capital in mid-sentence.
    #[serde(default)]
    pub names_and_numbers: u32,
}

impl WordErrors {
    /// Compares what was heard with what was said. A character of a script without blanks counts as a word.
    pub fn between(reference: &str, heard: &str) -> WordErrors {
        let (said, understood) = (normal::words(reference), normal::words(heard));
        let names = normal::names(reference);
        let Alignment {
            substitutions,
            deletions,
            insertions,
            wrong,
        } = align(&said, &understood);
        let as_written = words(reference);
        let raw = align(&as_written, &words(heard));
        let is_key =
            |word: &String| word.contains(|c: char| c.is_ascii_digit()) || names.contains(word);
        let keys = said.iter().zip(&wrong).filter(|(word, _)| is_key(word));
        let (mut names_and_numbers, mut name_and_number_errors) = (0, 0);
        for (_, is_wrong) in keys {
            names_and_numbers += 1;
            name_and_number_errors += u32::from(*is_wrong);
        }
        WordErrors {
            errors: substitutions + deletions + insertions,
            words: said.len() as u32,
            substitutions,
            deletions,
            insertions,
            raw_errors: raw.errors(),
            raw_words: as_written.len() as u32,
            name_and_number_errors,
            names_and_numbers,
        }
    }

    /// The errors and words of both, added up.
    pub fn plus(self, other: WordErrors) -> WordErrors {
        WordErrors {
            errors: self.errors.saturating_add(other.errors),
            words: self.words.saturating_add(other.words),
            substitutions: self.substitutions.saturating_add(other.substitutions),
            deletions: self.deletions.saturating_add(other.deletions),
            insertions: self.insertions.saturating_add(other.insertions),
            raw_errors: self.raw_errors.saturating_add(other.raw_errors),
            raw_words: self.raw_words.saturating_add(other.raw_words),
            name_and_number_errors: self
                .name_and_number_errors
                .saturating_add(other.name_and_number_errors),
            names_and_numbers: self
                .names_and_numbers
                .saturating_add(other.names_and_numbers),
        }
    }

    /// Errors per word of the reference. The rate exceeds 1 if much more was heard than said.
    pub fn rate(&self) -> f64 {
        f64::from(self.errors) / f64::from(self.words.max(1))
    }

    /// Errors per word of the reference as it is written; `None` if a file of an older version does not tell.
    pub fn raw_rate(&self) -> Option<f64> {
        (self.raw_words > 0).then(|| f64::from(self.raw_errors) / f64::from(self.raw_words))
    }

    /// Errors per name and number of the reference; `None` if there are none.
    pub fn name_and_number_rate(&self) -> Option<f64> {
        (self.names_and_numbers > 0)
            .then(|| f64::from(self.name_and_number_errors) / f64::from(self.names_and_numbers))
    }
}

/// The words of a text, of which numbers, times, prices and spellings are written alike.
pub(super) fn words_written_alike(text: &str) -> Vec<String> {
    normal::words(text)
}

/// The words of a text as it is written, without case, punctuation and hyphens.
pub(super) fn words(text: &str) -> Vec<String> {
    let parts = text.split(|c: char| c.is_whitespace() || matches!(c, '-' | '–' | '—' | '/'));
    let mut words = Vec::new();
    for part in parts {
        let letters = part.chars().filter(|c| c.is_alphanumeric());
        normal::push_word(
            &letters.flat_map(char::to_lowercase).collect::<String>(),
            &mut words,
        );
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(reference: &str, heard: &str, errors: u32, words: u32) {
        let found = WordErrors::between(reference, heard);
        assert_eq!((found.errors, found.words), (errors, words), "{heard}");
        assert_eq!(
            found.errors,
            found.substitutions + found.deletions + found.insertions
        );
    }

    #[test]
    fn case_punctuation_and_hyphens_are_no_errors() {
        check(
            "Wait, that's wrong-headed!",
            "wait that’s Wrong headed",
            0,
            5,
        );
    }

    #[test]
    fn substitutions_insertions_and_deletions_are() {
        check(
            "what are your opening hours",
            "what are our opening hours",
            1,
            5,
        );
        check("red green blue", "red blue", 1, 3);
        check("red", "red green blue", 2, 1);
        check("", "noise", 1, 0);
    }

    #[test]
    fn the_same_words_written_otherwise_are_no_errors() {
        for (reference, heard) in [
            (
                "I paid twenty four dollars and fifty cents.",
                "I paid $24.50.",
            ),
            (
                "My number is five five five oh one double oh.",
                "My number is 555-0100.",
            ),
            (
                "Write to jane dot doe at example dot com.",
                "Write to jane.doe@example.com.",
            ),
            ("It is ten thirty a m.", "It is 10:30 AM."),
            ("I am at the colour centre.", "I'm at the color center."),
            (
                "Dr. Smith lives on Main St.",
                "Doctor Smith lives on Main Street.",
            ),
            ("Um, can I, uh, bring my dog?", "Can I bring my dog?"),
            ("I do not know, we will see.", "I don't know, we'll see."),
            ("Zwei Brötchen, bitte.", "zwei brötchen bitte"),
            ("Okay.", "OK"),
            (
                "The first of May two thousand and twenty.",
                "May 1st, 2020.",
            ),
            ("twenty percent", "20%"),
            ("[inaudible] hello", "hello"),
            ("Room three B", "Room 3B"),
            (
                "We can't organise it, Mr. Hill.",
                "We cannot organize it mister Hill",
            ),
            ("It costs three pounds fifty.", "It costs £3.50"),
            (
                "One hundred and five people, the twenty-first caller.",
                "105 people, the 21st caller.",
            ),
            ("at nine o'clock", "at 9:00"),
            ("in nineteen eighty-four", "in 1984"),
            ("three point one four", "3.14"),
            ("two thousand three hundred", "2,300"),
        ] {
            let found = WordErrors::between(reference, heard);
            assert_eq!(
                found.errors,
                0,
                "{reference} | {heard}: {:?} {:?}",
                normal::words(reference),
                normal::words(heard)
            );
        }
    }

    #[test]
    fn names_and_numbers_have_a_rate_of_their_own_and_the_raw_one_stands_beside() {
        let found = WordErrors::between(
            "Ask Jane Doe for room 12, please.",
            "Ask Jean Doe for room 20 please",
        );
        assert_eq!(
            (found.names_and_numbers, found.name_and_number_errors),
            (3, 2)
        );
        assert_eq!(
            (found.substitutions, found.deletions, found.insertions),
            (2, 0, 0)
        );
        let titled = WordErrors::between(
            "We saw Mrs. Hill, Prof. Lee and Anne-Marie O’Neil.",
            "we saw mrs hill prof lea and anne mary o'neil",
        );
        assert_eq!(
            (titled.names_and_numbers, titled.name_and_number_errors),
            (5, 2)
        );
        let written = WordErrors::between("I'm here.", "I am here.");
        assert_eq!(
            (written.errors, written.raw_errors, written.raw_words),
            (0, 2, 2)
        );
        let characters = WordErrors::between("我们周日几点营业", "我们周日几点开门");
        assert_eq!((characters.errors, characters.words), (2, 8));
    }
}
