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
    /// Questions of which no answer would ever have come.
    never: u64,
    /// Answers that came after the caller had left: shadow answers, and those that came just then all the same.
    followed: Histogram,
    shadow_answers: u64,
}

/// First asks, to be kept in a file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KeptFirstAsks {
    came: Sparse,
    left: Sparse,
    never: u64,
    followed: Sparse,
    shadow_answers: u64,
}

/// What one row says about a first ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FirstAsk {
    /// The answer came after so many nanoseconds.
    Came(u64),
    /// The caller left, or the run ended, after so many nanoseconds.
    Left(u64),
    /// No answer would ever have come.
    Never,
}

impl FirstAsk {
    /// What a row says; `None` if it is no question that was asked for the first time, or was cut off.
    pub(super) fn of(row: &Row) -> Option<FirstAsk> {
        let is_asked = row.outcome != Outcome::NotAsked && !row.is_again;
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
            (None, Some(_), _) => Some(FirstAsk::Never),
            (None, None, _) => None,
        }
    }
}

impl FirstAsks {
    pub(super) fn add(&mut self, row: &Row) {
        let first = FirstAsk::of(row);
        match first {
            Some(FirstAsk::Came(span_ns)) => self.came.record(span_ns),
            Some(FirstAsk::Left(span_ns)) => self.left.record(span_ns),
            Some(FirstAsk::Never) => self.never += 1,
            None => {}
        }
        self.shadow_answers += u64::from(row.shadow_ns.is_some());
        if let Some(span_ns) = followed_ns(row) {
            self.followed.record(span_ns);
        }
    }

    /// The waits if everybody had waited, by shadow answers.
    pub(super) fn shadows(&self) -> Waits {
        let mut waits = Waits::default();
        waits.came_all(&self.came);
        waits.came_all(&self.followed);
        waits.in_vain_all(self.never, Reason::Failed);
        waits
    }

    pub(super) fn merge(&mut self, other: &FirstAsks) {
        self.came.add(&other.came);
        self.left.add(&other.left);
        self.never += other.never;
        self.followed.add(&other.followed);
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
        match self.shadow_answers {
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
        let mut survives = ProductLimit::of(self.came.count() + self.left.count() + self.never);
        let mut last_ns = None;
        for (top_ns, came, left) in merged(&self.came, &self.left) {
            if survives.waiting < WAITING_MIN {
                break;
            }
            survives.pass(came, left);
            last_ns = Some(top_ns);
            if 1.0 - survives.share >= share - 1e-12 {
                return Some(Known::Is(ms(top_ns)));
            }
        }
        last_ns.map(|top_ns| Known::Over(ms(top_ns)))
    }

    pub(super) fn kept(&self) -> KeptFirstAsks {
        KeptFirstAsks {
            came: self.came.sparse(),
            left: self.left.sparse(),
            never: self.never,
            followed: self.followed.sparse(),
            shadow_answers: self.shadow_answers,
        }
    }

    /// The first asks that were kept.
    ///
    /// # Errors
    /// What in them cannot be, as the end of a sentence that begins with their name.
    pub(super) fn of_kept(kept: &KeptFirstAsks, count_max: u64) -> Result<FirstAsks, String> {
        if kept.never > count_max {
            return Err(format!("counts {}, more than there can be", kept.never));
        }
        Ok(FirstAsks {
            came: Histogram::of_sparse(&kept.came, count_max)?,
            left: Histogram::of_sparse(&kept.left, count_max)?,
            never: kept.never,
            followed: Histogram::of_sparse(&kept.followed, count_max)?,
            shadow_answers: kept.shadow_answers.min(count_max),
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

/// The share of those who wait, as time passes.
pub(super) struct ProductLimit {
    pub(super) waiting: u64,
    pub(super) share: f64,
}

impl ProductLimit {
    pub(super) fn of(waiting: u64) -> ProductLimit {
        ProductLimit {
            waiting,
            share: 1.0,
        }
    }

    /// So many answers came, and then so many callers left.
    pub(super) fn pass(&mut self, came: u64, left: u64) {
        if self.waiting > 0 {
            self.share *= 1.0 - came as f64 / self.waiting as f64;
        }
        self.waiting = self.waiting.saturating_sub(came + left);
    }
}

/// The buckets of two histograms in order, with the counts of both.
fn merged(one: &Histogram, other: &Histogram) -> impl Iterator<Item = (u64, u64, u64)> {
    let mut all: Vec<(u64, u64, u64)> = one.buckets().map(|(top, n)| (top, n, 0)).collect();
    all.extend(other.buckets().map(|(top, n)| (top, 0, n)));
    // At the same time an answer comes before the caller leaves.
    all.sort_by_key(|(top, came, _)| (*top, *came == 0));
    all.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asks(came: &[u64], left: &[u64], never: u64) -> FirstAsks {
        let mut own = FirstAsks {
            never,
            ..FirstAsks::default()
        };
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
        // Of 200 callers 100 leave at 500 ms, when 50 were answered; the other 50 stand for them too.
        let own = asks(&[[400; 50], [1_000; 50]].concat(), &[500; 100], 0);
        assert_eq!(rounded(own.at(0.25)), Some(Known::Is(400.0)));
        assert_eq!(rounded(own.at(0.9)), Some(Known::Is(1_000.0)));
        // An answer that would never have come stays in the way.
        let failing = asks(&[[400; 50], [1_000; 50]].concat(), &[500; 100], 50);
        assert_eq!(rounded(failing.at(0.9)), Some(Known::Over(1_000.0)));
    }

    #[test]
    fn where_all_have_left_the_estimate_ends() {
        let own = asks(&[400; 90], &[500; 110], 0);
        assert_eq!(rounded(own.at(0.45)), Some(Known::Is(400.0)));
        assert_eq!(rounded(own.at(0.95)), Some(Known::Over(500.0)));
    }

    #[test]
    fn without_anybody_who_left_there_is_nothing_to_estimate() {
        let own = asks(&[400; 90], &[], 3);
        assert_eq!(own.estimate(Percentile::whole(50)), None);
    }
}
