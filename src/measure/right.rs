//! Whether answers are right, where it is known what a right one says.

use super::wer::words;
use serde::{Deserialize, Serialize};

/// How many questions got a right answer, of those of which a right answer is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RightAnswers {
    /// Questions that got a right answer.
    pub right: u64,
    /// Questions of which a right answer is known.
    pub of: u64,
}

impl RightAnswers {
    /// Adds a question; `None` adds nothing, because nobody knows a right answer.
    pub(super) fn add(&mut self, is_right: Option<bool>) {
        self.of += u64::from(is_right.is_some());
        self.right += u64::from(is_right == Some(true));
    }

    pub(super) fn merge(&mut self, other: RightAnswers) {
        self.of += other.of;
        self.right += other.right;
    }

    /// Whether there is no question of which a right answer is known.
    pub fn is_empty(&self) -> bool {
        self.of == 0
    }

    /// The share of right answers, 0 to 1; 0 if there are no questions.
    pub fn share(&self) -> f64 {
        self.right as f64 / self.of.max(1) as f64
    }
}

/// Whether an answer has one of the texts in it, word for word and in a row; case and punctuation do not
/// count.
pub(super) fn has_any(answer: &str, wanted: &[String]) -> bool {
    let answer = words(answer);
    wanted.iter().any(|wanted| {
        let wanted = words(wanted);
        !wanted.is_empty() && answer.windows(wanted.len()).any(|part| part == wanted)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(answer: &str, wanted: &[&str], expected: bool) {
        let wanted: Vec<String> = wanted.iter().map(|&wanted| wanted.into()).collect();
        assert_eq!(has_any(answer, &wanted), expected, "{answer}");
    }

    #[test]
    fn an_answer_is_right_if_it_has_the_words_in_a_row() {
        check("We open at Half-past ten.", &["half past ten"], true);
        check("We open at ten, half the year.", &["half past ten"], false);
        check("That is 10:30.", &["half past ten", "10:30"], true);
        check("We often do.", &["ten"], false);
        check("", &["ten"], false);
        check("anything", &["…"], false);
    }
}
