//! How fast a language model wrote, where a server tells.

use crate::event::{Mark, StageName, Tokens, VisitEnd};
use serde::Serialize;

/// Sums over answers that were written to their end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Writing {
    /// Answers of which the server tells how many tokens they have.
    pub answers: u64,
    /// Tokens of these answers.
    pub tokens_written: u64,
    /// Tokens of the prompts, as far as the server tells.
    pub tokens_read: u64,
    /// Nanoseconds from the first piece of each answer to its last.
    pub writing_ns: u64,
}

/// How fast answers were written, as a report shows it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Pace {
    /// Answers of which the server tells how many tokens they have.
    pub answers: u64,
    /// Tokens of these answers.
    pub tokens_written: u64,
    /// Tokens of the prompts, as far as the server tells.
    pub tokens_read: u64,
    /// The rate behind the first token of each answer; `None` if no answer has two tokens.
    pub tokens_per_second: Option<f64>,
}

impl Writing {
    pub(super) fn add(&mut self, mark: &Mark) {
        let Mark::Exit {
            stage: StageName::Answer,
            end: VisitEnd::Done,
            cost: Some(cost),
            ..
        } = mark
        else {
            return;
        };
        if let Some(Tokens {
            written,
            read,
            writing_ns,
            ..
        }) = cost.tokens
        {
            self.answers += 1;
            self.tokens_written += u64::from(written);
            self.tokens_read += u64::from(read.unwrap_or(0));
            self.writing_ns += writing_ns;
        }
    }

    pub(super) fn merge(&mut self, other: &Writing) {
        self.answers += other.answers;
        self.tokens_written += other.tokens_written;
        self.tokens_read += other.tokens_read;
        self.writing_ns += other.writing_ns;
    }

    /// The pace of writing; `None` if nothing was written.
    pub fn pace(&self) -> Option<Pace> {
        let behind_first = self.tokens_written.saturating_sub(self.answers);
        let is_measured = behind_first > 0 && self.writing_ns > 0;
        (self.answers > 0).then(|| Pace {
            answers: self.answers,
            tokens_written: self.tokens_written,
            tokens_read: self.tokens_read,
            tokens_per_second: is_measured
                .then(|| behind_first as f64 / (self.writing_ns as f64 / 1e9)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Cost, VisitId};

    fn exit(end: VisitEnd, tokens: Option<Tokens>) -> Mark {
        let cost = Cost {
            tokens,
            ..Cost::default()
        };
        Mark::Exit {
            stage: StageName::Answer,
            visit: VisitId(1),
            end,
            cost: Some(Box::new(cost)),
            input: None,
        }
    }

    fn tokens(written: u32, read: Option<u32>, writing_ms: u64) -> Option<Tokens> {
        Some(Tokens {
            written,
            read,
            writing_ns: writing_ms * 1_000_000,
            reasoning_ns: None,
        })
    }

    #[test]
    fn the_pace_is_that_behind_the_first_token_of_each_whole_answer() {
        let mut writing = Writing::default();
        for mark in [
            exit(VisitEnd::Done, tokens(21, Some(100), 400)),
            exit(VisitEnd::Done, tokens(11, None, 200)),
            exit(VisitEnd::Done, None),
            exit(VisitEnd::Cancelled, tokens(500, None, 1)),
        ] {
            writing.add(&mark);
        }
        let pace = writing.pace().expect("answers");
        assert_eq!(
            (pace.answers, pace.tokens_written, pace.tokens_read),
            (2, 32, 100)
        );
        assert_eq!(pace.tokens_per_second, Some(50.0));
        let mut both = writing;
        both.merge(&writing);
        assert_eq!(
            both.pace().and_then(|pace| pace.tokens_per_second),
            Some(50.0)
        );
    }

    #[test]
    fn of_nothing_and_of_single_tokens_there_is_no_pace() {
        let mut writing = Writing::default();
        assert_eq!(writing.pace(), None);
        writing.add(&exit(VisitEnd::Done, tokens(1, None, 0)));
        assert_eq!(
            writing.pace().map(|pace| pace.tokens_per_second),
            Some(None)
        );
    }
}
