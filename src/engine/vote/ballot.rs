//! Which of several answers most samples agree on (self-consistency: Wang et al., "Self-consistency improves
//! chain of thought reasoning in language models", ICLR 2023). Pure.
//!
//! Two short answers agree if they say the same words; longer ones if they share most of them. Answers that
//! agree form a camp, and the largest camp wins; of camps of one size the one that was first complete.

use std::collections::BTreeMap;

/// The most words of a short answer; short answers agree only if they are equal.
const SHORT_WORDS_MAX: usize = 4;

/// Longer answers agree if this share of their words is common to both: the harmonic mean of the shares of
/// either (F1, by which extracted answers are scored: Rajpurkar et al., "SQuAD", EMNLP 2016).
const COMMON_SHARE_MIN: f64 = 0.6;

/// How many words of an answer are looked at.
const WORDS_MAX: usize = 400;

/// Answers that came, and how many may still come.
#[derive(Debug)]
pub(super) struct Ballot {
    camps: Vec<Camp>,
    outstanding: usize,
}

#[derive(Debug)]
struct Camp {
    words: Words,
    votes: usize,
}

/// Words without case and punctuation, counted.
#[derive(Debug, PartialEq)]
struct Words {
    in_order: Vec<String>,
    counts: BTreeMap<String, usize>,
}

/// Where an answer stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stand {
    /// The answer founds a camp of its own. Camps are counted in the order in which their first answers came.
    New,
    Joins(usize),
}

impl Ballot {
    pub(super) fn of(samples: usize) -> Ballot {
        Ballot {
            camps: Vec::new(),
            outstanding: samples,
        }
    }

    /// An answer is complete.
    pub(super) fn cast(&mut self, answer: &str) -> Stand {
        self.outstanding = self.outstanding.saturating_sub(1);
        let words = Words::of(answer);
        let agreeing = self.camps.iter().position(|camp| camp.words.agree(&words));
        match agreeing {
            Some(camp) => {
                self.camps[camp].votes += 1;
                Stand::Joins(camp)
            }
            None => {
                self.camps.push(Camp { words, votes: 1 });
                Stand::New
            }
        }
    }

    /// A sample will give no answer.
    pub(super) fn spoil(&mut self) {
        self.outstanding = self.outstanding.saturating_sub(1);
    }

    /// The camp that wins, once no answer that is still to come can change it.
    pub(super) fn decided(&self) -> Option<usize> {
        let leader = self.leader()?;
        let votes = self.camps[leader].votes;
        let is_safe = |(camp, other): (usize, &Camp)| {
            let most = other.votes + self.outstanding;
            camp == leader || most < votes || (most == votes && camp > leader)
        };
        // Answers to come might also found a camp of their own, which at a tie comes too late.
        let is_decided = self.outstanding <= votes && self.camps.iter().enumerate().all(is_safe);
        is_decided.then_some(leader)
    }

    /// How many answers are in the leading camp.
    pub(super) fn agreement(&self) -> usize {
        self.leader().map_or(0, |camp| self.camps[camp].votes)
    }

    fn leader(&self) -> Option<usize> {
        let most = self.camps.iter().map(|camp| camp.votes).max()?;
        self.camps.iter().position(|camp| camp.votes == most)
    }
}

impl Words {
    fn of(text: &str) -> Words {
        let is_between = |c: char| !(c.is_alphanumeric() || c == '\'' || c == '’');
        let words = text.split(is_between).filter(|word| !word.is_empty());
        let in_order: Vec<String> = words.take(WORDS_MAX).map(str::to_lowercase).collect();
        let mut counts = BTreeMap::new();
        for word in &in_order {
            *counts.entry(word.clone()).or_default() += 1;
        }
        Words { in_order, counts }
    }

    fn agree(&self, other: &Words) -> bool {
        let (own, others) = (self.in_order.len(), other.in_order.len());
        if own.min(others) <= SHORT_WORDS_MAX {
            return self.in_order == other.in_order;
        }
        let common = |(word, count): (&String, &usize)| {
            other.counts.get(word).copied().unwrap_or(0).min(*count)
        };
        let common: usize = self.counts.iter().map(common).sum();
        2.0 * common as f64 >= COMMON_SHARE_MIN * (own + others) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decided(samples: usize, answers: &[&str]) -> Option<usize> {
        let mut ballot = Ballot::of(samples);
        answers.iter().for_each(|answer| {
            ballot.cast(answer);
        });
        ballot.decided()
    }

    #[test]
    fn short_answers_agree_whatever_their_case_and_punctuation() {
        let mut ballot = Ballot::of(3);
        assert_eq!(ballot.cast("Half past ten."), Stand::New);
        assert_eq!(ballot.cast("half past ten"), Stand::Joins(0));
        assert_eq!(ballot.cast("half past nine"), Stand::New);
        assert_eq!(ballot.agreement(), 2);
    }

    #[test]
    fn longer_answers_agree_if_most_words_are_the_same() {
        let mut ballot = Ballot::of(3);
        ballot.cast("We open at ten thirty on Saturdays, in both shops.");
        let alike = ballot.cast("On Saturdays we open at ten thirty in both shops");
        assert_eq!(alike, Stand::Joins(0));
        assert_eq!(
            ballot.cast("I am sorry, I do not know that at all."),
            Stand::New
        );
    }

    #[test]
    fn the_vote_ends_as_soon_as_it_cannot_change() {
        assert_eq!(decided(3, &["ten", "ten"]), Some(0));
        assert_eq!(decided(3, &["ten", "nine"]), None);
        assert_eq!(decided(5, &["nine", "ten", "ten"]), None);
        assert_eq!(decided(5, &["nine", "ten", "ten", "ten"]), Some(1));
        // All differ: the first that was complete.
        assert_eq!(decided(3, &["nine", "ten", "eleven"]), Some(0));
    }

    #[test]
    fn a_sample_that_fails_has_no_vote() {
        let mut ballot = Ballot::of(3);
        ballot.cast("ten");
        assert_eq!(ballot.decided(), None);
        ballot.spoil();
        assert_eq!(
            ballot.decided(),
            Some(0),
            "the other can at most draw level"
        );
    }

    proptest! {
        #[test]
        fn whoever_is_declared_early_wins_in_the_end(votes in prop::collection::vec(0..4_u8, 1..9)) {
            let names = ["one", "two", "three", "four"];
            let mut ballot = Ballot::of(votes.len());
            let mut early = None;
            for vote in &votes {
                ballot.cast(names[usize::from(*vote)]);
                early = early.or(ballot.decided());
            }
            prop_assert!(early.is_some());
            prop_assert_eq!(early, ballot.decided());
        }

        #[test]
        fn no_text_breaks_it(one in "\\PC*", other in "\\PC*") {
            let mut ballot = Ballot::of(2);
            ballot.cast(&one);
            ballot.cast(&other);
            prop_assert!(ballot.decided().is_some());
        }
    }
}
