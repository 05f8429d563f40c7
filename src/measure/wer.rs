//! Word error rate.

use serde::{Deserialize, Serialize};

/// Wrong words against reference words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct WordErrors {
    /// Words to substitute, insert or delete (Levenshtein distance over words).
    pub errors: u32,
    /// Words of the reference.
    pub words: u32,
}

impl WordErrors {
    /// Compares what was heard with what was said; case, punctuation and hyphens do not count.
    pub fn between(reference: &str, heard: &str) -> WordErrors {
        let (reference, heard) = (words(reference), words(heard));
        // The types are written out: on macOS, one of the libraries has a type that the compiler would try without end.
        let errors =
            strsim::generic_levenshtein::<Vec<String>, Vec<String>, _, _>(&reference, &heard);
        WordErrors {
            errors: errors as u32,
            words: reference.len() as u32,
        }
    }

    /// The errors and words of both, added up.
    pub fn plus(self, other: WordErrors) -> WordErrors {
        WordErrors {
            errors: self.errors.saturating_add(other.errors),
            words: self.words.saturating_add(other.words),
        }
    }

    /// Errors per word of the reference. The rate exceeds 1 if much more was heard than said.
    pub fn rate(&self) -> f64 {
        f64::from(self.errors) / f64::from(self.words.max(1))
    }
}

/// The words of a text, without case, punctuation and hyphens.
pub(super) fn words(text: &str) -> Vec<String> {
    text.split(|c: char| c.is_whitespace() || matches!(c, '-' | '–' | '—' | '/'))
        .map(|word| {
            let letters = word.chars().filter(|c| c.is_alphanumeric());
            letters.flat_map(char::to_lowercase).collect::<String>()
        })
        .filter(|word| !word.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(reference: &str, heard: &str, errors: u32, words: u32) {
        let expected = WordErrors { errors, words };
        assert_eq!(WordErrors::between(reference, heard), expected, "{heard}");
    }

    #[test]
    fn case_punctuation_and_hyphens_are_no_errors() {
        check(
            "Wait, that's wrong-headed!",
            "wait that’s Wrong headed",
            0,
            4,
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
        check("one two three", "one three", 1, 3);
        check("one", "one two three", 2, 1);
        check("", "noise", 1, 0);
    }
}
