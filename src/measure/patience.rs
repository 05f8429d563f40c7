//! What waits would be if every caller had waited: an estimate from callers who left, and shadow answers.
//!
//! Of a caller who left after 1.2 s it is known that the answer takes longer. The product-limit estimator (Kaplan and
//! Meier 1958, "Nonparametric Estimation from Incomplete Observations") makes a distribution of such bounds and of
//! the answers that came, if callers do not leave because their own answer will be slow. Only callers who left and
//! runs that ended are such bounds: after a failure, a refusal or a miss no answer would ever have come, so these
//! stay unanswered for ever.
//!
//! A shadow answer is the one that a simulated caller did not wait for, followed to its end without anybody hearing
//! it. With shadows nothing has to be estimated.

use super::histogram::{Histogram, Sparse};
use super::ms;
use super::reason::Reason;
use super::rows::{Outcome, Row};
use super::waits::{Known, Waits};
use crate::event::Expect;
use crate::scenario::budget::Percentile;
use serde::{Deserialize, Serialize};

/// With fewer callers who still wait, an estimate says nothing of what comes later.
const WAITING_MIN: u64 = 50;

/// Questions by what became of the answer when they were first asked. One that is asked again is another wait, and
/// not among them.
#[derive(Debug, Clone, Default)]
pub struct FirstAsks {
    came: Histogram,
    /// How long callers waited who left, or whose run ended.
    left: Histogram,
    /// When it came out of questions that no answer would ever come: an engine failed, or nothing came.
    never: Histogram,
    /// Answers that came after the caller had left: shadow answers, and those that came just then all the same.
    followed: Histogram,
    /// Questions that the caller left, and that would never have been answered.
    never_followed: u64,
    shadow_answers: u64,
}

/// First asks, to be kept in a file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KeptFirstAsks {
    came: Sparse,
    left: Sparse,
    never: Sparse,
    followed: Sparse,
    never_followed: u64,
    shadow_answers: u64,
}

/// What one row says about a first ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FirstAsk {
    /// The answer came after so many nanoseconds.
    Came(u64),
    /// The caller left, or the run ended, after so many nanoseconds.
    Left(u64),
    /// No answer would ever have come, which came out after so many nanoseconds.
    Never(u64),
}

impl FirstAsk {
    /// What a row says; `None` if it is no question that was asked for the first time, or was cut off.
    pub(super) fn of(row: &Row) -> Option<FirstAsk> {
        // An answer to a question that was cut off has no latency, however long callers wait.
        let is_other = matches!(row.outcome, Outcome::NotAsked | Outcome::CutOff);
        let is_asked = !is_other && !row.is_again;
        let asks = matches!(row.expect, Some(Expect::Respond) | None);
        if !(is_asked && asks) {
            return None;
        }
        // An answer that came just when the caller began again was waited for no longer.
        if let Some(left_ns) = row.left_ns {
            return Some(FirstAsk::Left(left_ns));
        }
        match (row.e2e_ns, row.unanswered, row.waited_ns()) {
            (Some(e2e_ns), ..) => Some(FirstAsk::Came(e2e_ns)),
            (None, Some(reason), Some(waited_ns)) if reason.is_censored() => {
                Some(FirstAsk::Left(waited_ns))
            }
            (None, Some(_), waited) => Some(FirstAsk::Never(row.failed_ns.or(waited).unwrap_or(0))),
            (None, None, _) => None,
        }
    }
}

impl FirstAsks {
    pub(super) fn add(&mut self, row: &Row) {
        let Some(first) = FirstAsk::of(row) else {
            return;
        };
        match first {
            FirstAsk::Came(span_ns) => self.came.record(span_ns),
            FirstAsk::Left(span_ns) => self.left.record(span_ns),
            FirstAsk::Never(span_ns) => self.never.record(span_ns),
        }
        self.shadow_answers += u64::from(row.shadow_ns.is_some());
        self.never_followed += u64::from(row.has_no_shadow);
        if let Some(span_ns) = followed_ns(row) {
            self.followed.record(span_ns);
        }
    }

    /// The waits if everybody had waited, by shadow answers.
    pub(super) fn shadows(&self) -> Waits {
        let mut waits = Waits::default();
        waits.came_all(&self.came);
        waits.came_all(&self.followed);
        waits.in_vain_all(
            self.never.count() + self.never_followed,
            Reason::NothingCame,
        );
        waits
    }

    pub(super) fn merge(&mut self, other: &FirstAsks) {
        self.came.add(&other.came);
        self.left.add(&other.left);
        self.never.add(&other.never);
        self.followed.add(&other.followed);
        self.never_followed += other.never_followed;
        self.shadow_answers += other.shadow_answers;
    }

    /// Whether a caller left, or a run ended, before an answer: else there is nothing to estimate.
    pub fn has_left(&self) -> bool {
        self.left.count() > 0
    }

    /// How many answers were followed to their end that nobody waited for.
    pub fn shadow_answers(&self) -> u64 {
        self.shadow_answers
    }

    /// A percentile of the waits if everybody had waited, by shadow answers; `None` without any of them.
    pub fn by_shadows(&self, percentile: Percentile) -> Option<Known> {
        match self.shadow_answers + self.never_followed {
            0 => None,
            _ => self.shadows().percentile(percentile),
        }
    }

    /// A percentile of the waits if everybody had waited, by estimate, in milliseconds; it lies over the last wait
    /// of which enough is known, if the estimate does not reach it. `None` if nobody left, or nothing was asked.
    pub fn estimate(&self, percentile: Percentile) -> Option<Known> {
        match self.has_left() {
            true => self.at(percentile.share()),
            false => None,
        }
    }

    /// Where a share of the waits, 0 to 1, lies below, by estimate.
    pub(super) fn at(&self, share: f64) -> Option<Known> {
        let all = [&self.came, &self.never, &self.left];
        let mut incidence = Incidence::of(all.iter().map(|of| of.count()).sum());
        let mut last_ns = None;
        for (top_ns, kind) in merged(all) {
            if incidence.waiting < WAITING_MIN {
                break;
            }
            incidence.pass(kind);
            if incidence.answered >= share - 1e-12 {
                return Some(Known::Is(ms(top_ns)));
            }
            // What is over something is so beyond chance.
            if incidence.answered_at_most() < share {
                last_ns = Some(top_ns);
            }
        }
        last_ns.map(|top_ns| Known::Over(ms(top_ns)))
    }

    pub(super) fn kept(&self) -> KeptFirstAsks {
        KeptFirstAsks {
            came: self.came.sparse(),
            left: self.left.sparse(),
            never: self.never.sparse(),
            followed: self.followed.sparse(),
            never_followed: self.never_followed,
            shadow_answers: self.shadow_answers,
        }
    }

    /// The first asks that were kept.
    ///
    /// # Errors
    /// What in them cannot be, as the end of a sentence that begins with their name.
    pub(super) fn of_kept(kept: &KeptFirstAsks, count_max: u64) -> Result<FirstAsks, String> {
        let counts = [kept.never_followed, kept.shadow_answers];
        if counts.iter().any(|count| *count > count_max) {
            return Err("counts more than there can be".into());
        }
        Ok(FirstAsks {
            came: Histogram::of_sparse(&kept.came, count_max)?,
            left: Histogram::of_sparse(&kept.left, count_max)?,
            never: Histogram::of_sparse(&kept.never, count_max)?,
            followed: Histogram::of_sparse(&kept.followed, count_max)?,
            never_followed: kept.never_followed,
            shadow_answers: kept.shadow_answers,
        })
    }
}

/// How long the answer took to a question that the caller left, if it was followed, or came all the same.
pub(super) fn followed_ns(row: &Row) -> Option<u64> {
    let came_late = row
        .e2e_ns
        .filter(|_| row.left_ns.is_some() && !row.is_again);
    row.shadow_ns.or(came_late)
}

/// What becomes of those who wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Becomes {
    /// The number of those who are answered.
    Answered(u64),
    /// The number of those of whom it comes out that they will never be answered.
    Never(u64),
    /// The number of those who leave.
    Left(u64),
}

/// The share of those who are answered, as time passes, where failures compete with answers (Aalen and Johansen 1978,
/// "An Empirical Transition Matrix for Non-homogeneous Markov Chains Based on Censored Observations").
#[derive(Debug)]
pub(super) struct Incidence {
    waiting: u64,
    undecided: f64,
    pub(super) answered: f64,
    /// The sum in Greenwood's formula for the variance of the share that is undecided.
    greenwood: f64,
}

impl Incidence {
    pub(super) fn of(waiting: u64) -> Incidence {
        Incidence {
            waiting,
            undecided: 1.0,
            answered: 0.0,
            greenwood: 0.0,
        }
    }

    /// The upper end of the 90 % interval of the share that is answered (Greenwood 1926, "The Natural Duration of
    /// Cancer"), as if nothing failed.
    pub(super) fn answered_at_most(&self) -> f64 {
        const Z: f64 = 1.645;
        self.answered + Z * self.undecided * libm::sqrt(self.greenwood)
    }

    /// The next thing that happens.
    pub(super) fn pass(&mut self, what: Becomes) {
        let part = |count: u64| count as f64 / self.waiting.max(1) as f64;
        if let Becomes::Answered(count) | Becomes::Never(count) = what
            && count < self.waiting
        {
            let rest = (self.waiting - count) as f64;
            self.greenwood += part(count) / rest;
        }
        let count = match what {
            Becomes::Answered(count) => {
                self.answered += self.undecided * part(count);
                self.undecided *= 1.0 - part(count);
                count
            }
            Becomes::Never(count) => {
                self.undecided *= 1.0 - part(count);
                count
            }
            Becomes::Left(count) => count,
        };
        self.waiting = self.waiting.saturating_sub(count);
    }
}

/// What became of those who were answered, never would be, and left, in the order of the buckets; at the same time
/// answers come before failures, and these before callers leave.
fn merged([came, never, left]: [&Histogram; 3]) -> impl Iterator<Item = (u64, Becomes)> {
    let mut all: Vec<(u64, Becomes)> = Vec::new();
    all.extend(came.buckets().map(|(top, n)| (top, Becomes::Answered(n))));
    all.extend(never.buckets().map(|(top, n)| (top, Becomes::Never(n))));
    all.extend(left.buckets().map(|(top, n)| (top, Becomes::Left(n))));
    all.sort();
    all.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asks(came: &[u64], left: &[u64], never: &[u64]) -> FirstAsks {
        let mut own = FirstAsks::default();
        never.iter().for_each(|ms| own.never.record(ms * 1_000_000));
        came.iter().for_each(|ms| own.came.record(ms * 1_000_000));
        left.iter().for_each(|ms| own.left.record(ms * 1_000_000));
        own
    }

    fn rounded(known: Option<Known>) -> Option<Known> {
        known.map(|known| match known {
            Known::Is(value) => Known::Is(value.round()),
            Known::Over(value) => Known::Over(value.round()),
        })
    }

    #[test]
    fn who_left_is_spread_over_the_later_answers() {
        // A hundred of 200 callers leave at 500 ms, when 50 were answered; the other 50 stand for them too.
        let own = asks(&[[400; 50], [1_000; 50]].concat(), &[500; 100], &[]);
        assert_eq!(rounded(own.at(0.25)), Some(Known::Is(400.0)));
        assert_eq!(rounded(own.at(0.9)), Some(Known::Is(1_000.0)));
    }

    #[test]
    fn what_fails_is_never_answered_and_hides_nobody_who_left() {
        // A hundred of 1,000 questions fail at once and 810 callers leave; the 90 who wait stand for these.
        let own = asks(&[1_000; 90], &[500; 810], &[10; 100]);
        assert_eq!(rounded(own.at(0.89)), Some(Known::Is(1_000.0)));
        assert_eq!(rounded(own.at(0.91)), Some(Known::Over(1_000.0)));
    }

    #[test]
    fn where_all_have_left_the_estimate_ends() {
        let own = asks(&[400; 90], &[500; 110], &[]);
        assert_eq!(rounded(own.at(0.45)), Some(Known::Is(400.0)));
        assert_eq!(rounded(own.at(0.95)), Some(Known::Over(500.0)));
    }

    #[test]
    fn without_anybody_who_left_there_is_nothing_to_estimate() {
        let own = asks(&[400; 90], &[], &[100; 3]);
        assert_eq!(own.estimate(Percentile::whole(50)), None);
    }
}
