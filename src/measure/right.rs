//! Whether answers are right, where it is known what a right one says.

use super::rows::Row;
use super::wer::words_written_alike;
use crate::scenario::RightAnswer;
use serde::{Deserialize, Serialize};

/// How many questions got a right answer, of those of which a right answer is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RightAnswers {
    /// Questions that got a right answer.
    pub right: u64,
    /// Questions of which a right answer is known, and whose answer can be judged.
    pub of: u64,
    /// More of which one is known: the caller stopped their answer while it was neither right nor wrong.
    #[serde(skip_serializing_if = "is_zero", default)]
    pub stopped: u64,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl RightAnswers {
    /// Adds a question, if a right answer to it is known.
    pub(super) fn add(&mut self, row: &Row) {
        if row.is_right_known {
            self.of += u64::from(row.is_right.is_some());
            self.right += u64::from(row.is_right == Some(true));
            self.stopped += u64::from(row.is_right.is_none());
        }
    }

    pub(super) fn merge(&mut self, other: RightAnswers) {
        self.of += other.of;
        self.right += other.right;
        self.stopped += other.stopped;
    }

    /// Whether there is no question of which a right answer is known.
    pub fn is_empty(&self) -> bool {
        self.of == 0 && self.stopped == 0
    }

    /// The share of right answers of those that can be judged, 0 to 1; 0 if there are none.
    pub fn share(&self) -> f64 {
        self.right as f64 / self.of.max(1) as f64
    }
}

/// How an agent says that it does not know, or will not do it: what language models say most, and the retrieval engine.
const REFUSALS: [&str; 13] = [
    "don't know",
    "do not know",
    "not sure",
    "can't help",
    "cannot help",
    "can't answer",
    "cannot answer",
    "can't tell",
    "cannot tell",
    "don't have",
    "do not have",
    "no information",
    "unable to",
];

/// Whether an answer is a right one. What it has, it has word for word and in a row; case, punctuation, and whether a
/// number is written in digits do not count.
pub(super) fn is_right(answer: &str, right: &RightAnswer) -> bool {
    let refusals = REFUSALS.map(str::to_owned);
    (right.has.is_empty() || has_any(answer, &right.has))
        && !is_spoilt(answer, right)
        && (!right.refuses || has_any(answer, &refusals))
}

/// Whether an answer that was cut off is right as far as it was heard; `None` if its rest may have made it right.
pub(super) fn is_right_so_far(answer: &str, right: &RightAnswer) -> Option<bool> {
    match is_right(answer, right) {
        true => Some(true),
        false => is_spoilt(answer, right).then_some(false),
    }
}

/// Whether an answer has what a right one must not have.
fn is_spoilt(answer: &str, right: &RightAnswer) -> bool {
    has_any(answer, &right.has_not)
}

fn has_any(answer: &str, wanted: &[String]) -> bool {
    let answer = words_written_alike(answer);
    wanted.iter().any(|wanted| {
        let wanted = words_written_alike(wanted);
        !wanted.is_empty() && answer.windows(wanted.len()).any(|part| part == wanted)
    })
}

#[cfg(test)]
mod tests {
    use super::super::Outcome;
    use super::super::test_rows::row;
    use super::*;

    fn check(answer: &str, wanted: &[&str], expected: bool) {
        let wanted: Vec<String> = wanted.iter().map(|&wanted| wanted.into()).collect();
        assert_eq!(has_any(answer, &wanted), expected, "{answer}");
    }

    #[test]
    fn an_answer_is_wrong_with_what_it_must_not_have_and_if_it_refuses_not_as_it_should() {
        let right = |has: &[&str], has_not: &[&str], refuses| RightAnswer {
            has: has.iter().map(|&it| it.into()).collect(),
            has_not: has_not.iter().map(|&it| it.into()).collect(),
            refuses,
        };
        let open = right(&["we are closed"], &["we are open"], false);
        assert!(is_right("On Mondays we are closed.", &open));
        assert!(!is_right("We are closed, no: we are open.", &open));
        let unknown = right(&[], &["Paris"], true);
        assert!(is_right("I'm sorry, I don't know that.", &unknown));
        assert!(!is_right("It is Lyon.", &unknown));
        assert!(!is_right("I do not know; Paris, perhaps.", &unknown));
        // What was cut off may have gone on rightly, or was wrong already.
        assert_eq!(is_right_so_far("On Mondays", &open), None);
        assert_eq!(
            is_right_so_far("On Mondays we are open", &open),
            Some(false)
        );
        assert_eq!(is_right_so_far("We are closed on", &open), Some(true));
    }

    #[test]
    fn an_answer_that_was_stopped_too_soon_is_counted_by_itself() {
        let mut answers = RightAnswers::default();
        let known = [
            (true, Some(true)),
            (true, Some(false)),
            (true, None),
            (false, None),
        ];
        for (is_right_known, is_right) in known {
            answers.add(&Row {
                is_right_known,
                is_right,
                ..row(1, Outcome::Answered)
            });
        }
        let told = (answers.right, answers.of, answers.stopped);
        assert_eq!((told, answers.share()), ((1, 2, 1), 0.5));
    }

    #[test]
    fn an_answer_is_right_if_it_has_the_words_in_a_row() {
        check("We open at Half-past ten.", &["half past ten"], true);
        check("We open at ten, half the year.", &["half past ten"], false);
        check("That is 10:30.", &["half past ten", "10:30"], true);
        check("We often do.", &["ten"], false);
        check(
            "Within eight hundred milliseconds.",
            &["800 milliseconds"],
            true,
        );
        check("It costs $4.50.", &["four dollars fifty"], true);
        check("I do not know.", &["don't know"], true);
        check("", &["ten"], false);
        check("anything", &["…"], false);
    }
}
