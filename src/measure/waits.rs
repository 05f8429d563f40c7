//! Waits, those that were in vain included: whoever was not answered counts as slower than every answer.
//!
//! A histogram of answers alone flatters: the slowest answers are those for which nobody waited. So each wait in
//! vain is counted with the time that it lasted at least, behind all waits that ended. A percentile that falls
//! among the waits in vain is not known; what is known is that it lies over the greatest bound below it: every wait
//! that ended, and what those in vain lasted at least that are counted before it. A question that was never asked has
//! no bound, and counts all the same.

use super::histogram::{Histogram, Sparse, Summary};
use super::ms;
use super::reason::Reason;
use crate::scenario::budget::{Percentile, Statistic};
use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};
use std::collections::BTreeMap;
use std::fmt;

/// How long something took each time that it came, and at least how long each time that it did not.
#[derive(Debug, Clone, Default)]
pub struct Waits {
    came: Histogram,
    /// The bounds of waits in vain, which were longer than that.
    in_vain: Histogram,
    /// Waits in vain of which no bound is known.
    unbounded: u64,
    reasons: BTreeMap<Reason, u64>,
}

/// A figure that is known, or only known to lie over something.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Known {
    /// The figure itself.
    Is(f64),
    /// The figure is greater than this, and nobody knows by how much.
    Over(f64),
}

impl Known {
    /// The figure itself; `None` if it is only known to lie over something.
    pub fn exact(self) -> Option<f64> {
        match self {
            Known::Is(value) => Some(value),
            Known::Over(_) => None,
        }
    }

    /// What the figure lies over; `None` if it is known itself.
    pub fn over(self) -> Option<f64> {
        match self {
            Known::Is(_) => None,
            Known::Over(bound) => Some(bound),
        }
    }

    /// The figure for comparisons: one that lies over something is slower than everything that is known.
    pub fn rank(self) -> f64 {
        self.exact().unwrap_or(f64::INFINITY)
    }
}

/// The figure in milliseconds, with as many digits as asked for: `812.0`, or `>1200.0` for one that lies over that.
impl fmt::Display for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = f.precision().unwrap_or(1);
        match self {
            Known::Is(value) => write!(f, "{value:.digits$}"),
            Known::Over(bound) => write!(f, ">{bound:.digits$}"),
        }
    }
}

/// Waits in vain as they are kept in a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KeptInVain {
    at_least: Sparse,
    #[serde(skip_serializing_if = "is_zero", default)]
    unbounded: u64,
    reasons: BTreeMap<Reason, u64>,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// What a table shows of waits, in milliseconds. Serialised, a statistic that is not known is null, and
/// `NAME_over_ms` beside it holds what it lies over.
#[derive(Debug, Clone, PartialEq)]
pub struct WaitSummary {
    /// How many waits ended.
    pub count: u64,
    /// The mean.
    pub mean: Known,
    /// The median.
    pub p50: Known,
    /// The 90th percentile.
    pub p90: Known,
    /// The 95th percentile.
    pub p95: Known,
    /// The 99th percentile.
    pub p99: Known,
    /// The longest.
    pub max: Known,
    /// The waits in vain; `None` if there are none.
    pub unanswered: Option<Unanswered>,
    /// The waits that ended alone; `None` if there were none in vain, where they are all.
    pub answered: Option<Summary>,
}

impl WaitSummary {
    /// A summary of waits that all ended.
    pub fn of_answered(summary: &Summary) -> WaitSummary {
        WaitSummary {
            count: summary.count,
            mean: Known::Is(summary.mean_ms),
            p50: Known::Is(summary.p50_ms),
            p90: Known::Is(summary.p90_ms),
            p95: Known::Is(summary.p95_ms),
            p99: Known::Is(summary.p99_ms),
            max: Known::Is(summary.max_ms),
            unanswered: None,
            answered: None,
        }
    }

    /// Mean, percentiles and maximum, in the order in which tables show them.
    pub fn figures(&self) -> [Known; 6] {
        [self.mean, self.p50, self.p90, self.p95, self.p99, self.max]
    }

    /// How many waits ended, of how many: `76`, or `76 of 2000` if some were in vain.
    pub fn counted(&self) -> String {
        match &self.unanswered {
            None => self.count.to_string(),
            Some(unanswered) => format!("{} of {}", self.count, self.count + unanswered.count),
        }
    }
}

impl Unanswered {
    /// The reasons for people, the most frequent first: `the caller hung up 30x, an engine failed 8x`.
    pub fn told(&self) -> String {
        let mut reasons: Vec<_> = self.reasons.iter().collect();
        reasons.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        let told = reasons
            .iter()
            .map(|(reason, count)| format!("{} {count}x", reason.told()));
        let told = told.collect::<Vec<String>>().join(", ");
        match self.never_asked {
            0 => told,
            never => {
                format!("{told}; {never} of them were never asked, since the caller had hung up")
            }
        }
    }
}

/// Waits in vain: how many, and why.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Unanswered {
    /// How many waits were in vain.
    pub count: u64,
    /// How many of them nobody knows the length of: questions that were never asked.
    pub never_asked: u64,
    /// Their share of all waits, 0 to 1.
    pub share: f64,
    /// How many there are by reason.
    pub reasons: BTreeMap<Reason, u64>,
}

impl Waits {
    /// Adds a wait of this many nanoseconds that ended.
    pub fn came(&mut self, span_ns: u64) {
        self.came.record(span_ns);
    }

    /// Adds waits that ended.
    pub(super) fn came_all(&mut self, waits: &Histogram) {
        self.came.add(waits);
    }

    /// Adds so many waits in vain of which nothing is known.
    pub(super) fn in_vain_all(&mut self, count: u64, reason: Reason) {
        self.unbounded += count;
        if count > 0 {
            *self.reasons.entry(reason).or_default() += count;
        }
    }

    /// Adds a wait in vain that lasted at least so many nanoseconds; `None` if nothing is known of how long.
    pub fn in_vain(&mut self, at_least_ns: Option<u64>, reason: Reason) {
        match at_least_ns {
            Some(at_least_ns) => self.in_vain.record(at_least_ns),
            None => self.unbounded += 1,
        }
        *self.reasons.entry(reason).or_default() += 1;
    }

    /// Adds other waits to these.
    pub fn add(&mut self, other: &Waits) {
        self.came.add(&other.came);
        self.in_vain.add(&other.in_vain);
        self.unbounded += other.unbounded;
        for (reason, count) in &other.reasons {
            *self.reasons.entry(*reason).or_default() += count;
        }
    }

    /// The waits that ended. Alone they flatter where others did not.
    pub fn answered(&self) -> &Histogram {
        &self.came
    }

    /// How many waits there are, those in vain included.
    pub fn count(&self) -> u64 {
        self.came.count() + self.in_vain.count() + self.unbounded
    }

    /// The waits in vain; `None` if there are none.
    pub fn unanswered(&self) -> Option<Unanswered> {
        let count = self.in_vain.count() + self.unbounded;
        (count > 0).then(|| Unanswered {
            count,
            never_asked: self.unbounded,
            share: count as f64 / self.count() as f64,
            reasons: self.reasons.clone(),
        })
    }

    /// The value of a rank, from 1 for the least, in milliseconds; `None` if there are fewer waits.
    pub fn of_rank(&self, rank: u64) -> Option<Known> {
        let (came, count) = (self.came.count(), self.count());
        if rank <= came || rank > count {
            return self.came.of_rank_ms(rank).map(Known::Is);
        }
        // The rank lies among the waits in vain; the bound is that of the one as far along among those that have a bound.
        let (place, in_vain) = (u128::from(rank - came), u128::from(count - came));
        let of_bounds = (place * u128::from(self.in_vain.count())).div_ceil(in_vain);
        let of_bounds = u64::try_from(of_bounds).unwrap_or(u64::MAX);
        let bound_ms = self.in_vain.of_rank_ms(of_bounds.max(1)).unwrap_or(0.0);
        Some(Known::Over(bound_ms.max(ms(self.came.max_ns()))))
    }

    /// A percentile in milliseconds, by the nearest rank; `None` if there are no waits.
    pub fn percentile(&self, percentile: Percentile) -> Option<Known> {
        match self.count() {
            0 => None,
            count => self.of_rank(percentile.rank(count)),
        }
    }

    /// A statistic in milliseconds; `None` if there are no waits.
    pub fn statistic(&self, statistic: Statistic) -> Option<Known> {
        if self.count() == 0 {
            return None;
        }
        let is_whole = self.came.count() == self.count();
        let known = |value: f64| match is_whole {
            true => Known::Is(value),
            false => Known::Over(value),
        };
        match statistic {
            Statistic::Percentile(percentile) => self.percentile(percentile),
            Statistic::Mean => {
                let bounded = self.came.count() + self.in_vain.count();
                let sum_ns = self.came.sum_ns() + self.in_vain.sum_ns();
                Some(known(sum_ns as f64 / bounded.max(1) as f64 / 1e6))
            }
            Statistic::Max => Some(known(ms(self.came.max_ns().max(self.in_vain.max_ns())))),
        }
    }

    /// Count, mean, percentiles and maximum; `None` if there are no waits.
    pub fn summary(&self) -> Option<WaitSummary> {
        let percentile = |percent| self.percentile(Percentile::whole(percent));
        let unanswered = self.unanswered();
        Some(WaitSummary {
            count: self.came.count(),
            mean: self.statistic(Statistic::Mean)?,
            p50: percentile(50)?,
            p90: percentile(90)?,
            p95: percentile(95)?,
            p99: percentile(99)?,
            max: self.statistic(Statistic::Max)?,
            answered: unanswered.as_ref().and_then(|_| self.came.summary()),
            unanswered,
        })
    }

    pub(super) fn kept(&self) -> (Sparse, Option<KeptInVain>) {
        let in_vain = self.unanswered().map(|_| KeptInVain {
            at_least: self.in_vain.sparse(),
            unbounded: self.unbounded,
            reasons: self.reasons.clone(),
        });
        (self.came.sparse(), in_vain)
    }

    /// The waits that were kept.
    ///
    /// # Errors
    /// What in them cannot be, as the end of a sentence that begins with their name.
    pub(super) fn of_kept(
        came: &Sparse,
        in_vain: Option<&KeptInVain>,
        count_max: u64,
    ) -> Result<Waits, String> {
        let mut own = Waits {
            came: Histogram::of_sparse(came, count_max)?,
            ..Waits::default()
        };
        if let Some(kept) = in_vain {
            own.in_vain = Histogram::of_sparse(&kept.at_least, count_max)?;
            if kept.unbounded > count_max {
                return Err("counts more than there can be".into());
            }
            own.unbounded = kept.unbounded;
            own.reasons = kept.reasons.clone();
            let reasons = own
                .reasons
                .values()
                .try_fold(0_u64, |a, b| a.checked_add(*b));
            let count = own.in_vain.count() + own.unbounded;
            if reasons != Some(count) {
                return Err(format!(
                    "counts {count} that were not answered, which are not those of its reasons"
                ));
            }
        }
        Ok(own)
    }
}

impl Serialize for WaitSummary {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("count", &self.count)?;
        for (name, known) in [
            ("mean", self.mean),
            ("p50", self.p50),
            ("p90", self.p90),
            ("p95", self.p95),
            ("p99", self.p99),
            ("max", self.max),
        ] {
            map.serialize_entry(&format!("{name}_ms"), &known.exact())?;
            if let Some(over) = known.over() {
                map.serialize_entry(&format!("{name}_over_ms"), &over)?;
            }
        }
        if let Some(unanswered) = &self.unanswered {
            map.serialize_entry("unanswered", unanswered)?;
        }
        if let Some(answered) = &self.answered {
            map.serialize_entry("answered", answered)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MS: u64 = 1_000_000;

    fn waits(came: &[u64], in_vain: &[u64]) -> Waits {
        let mut own = Waits::default();
        came.iter().for_each(|ms| own.came(ms * MS));
        in_vain
            .iter()
            .for_each(|ms| own.in_vain(Some(ms * MS), Reason::HungUp));
        own
    }

    fn percentile(waits: &Waits, percent: u32) -> Known {
        let known = waits.percentile(Percentile::whole(percent));
        match known.expect("waits") {
            Known::Is(value) => Known::Is(value.round()),
            Known::Over(value) => Known::Over(value.round()),
        }
    }

    #[test]
    fn who_was_not_answered_is_slower_than_every_answer() {
        let own = waits(&[300, 900, 500, 700], &[200, 1_200]);
        assert_eq!(percentile(&own, 50), Known::Is(700.0));
        // Whoever waited 200 ms in vain counts as slower than 900 ms.
        assert_eq!(percentile(&own, 80), Known::Over(900.0));
        assert_eq!(percentile(&own, 95), Known::Over(1_200.0));
    }

    #[test]
    fn what_was_never_asked_counts_and_has_no_bound() {
        let mut own = waits(&[300], &[1_200]);
        (0..2).for_each(|_| own.in_vain(None, Reason::HungUp));
        assert_eq!((own.count(), percentile(&own, 25)), (4, Known::Is(300.0)));
        assert_eq!(percentile(&own, 75), Known::Over(1_200.0));
        assert_eq!(own.unanswered().map(|it| it.count), Some(3));
    }

    proptest! {
        #[test]
        fn a_higher_percentile_is_never_lower(
            came in prop::collection::vec(0u64..5_000, 0..40),
            in_vain in prop::collection::vec(0u64..5_000, 1..40),
            percent in 1u32..100,
        ) {
            let own = waits(&came, &in_vain);
            let at = |percent| match own.percentile(Percentile::whole(percent)) {
                Some(Known::Is(value) | Known::Over(value)) => value,
                None => 0.0,
            };
            prop_assert!(at(percent) <= at(percent + 1));
        }
    }

    proptest! {
        #[test]
        fn nothing_that_is_slower_or_fails_lowers_a_percentile(
            answers in prop::collection::vec(1u64..5_000, 1..60),
            fates in prop::collection::vec((0u64..3_000, any::<bool>()), 60),
            percent in 1u32..=100,
        ) {
            let (mut before, mut after) = (Waits::default(), Waits::default());
            for (answer, (later, fails)) in answers.iter().zip(fates) {
                before.came(answer * MS);
                match fails {
                    true => after.in_vain(Some(later * MS), Reason::Failed),
                    false => after.came((answer + later) * MS),
                }
            }
            let of = |waits: &Waits| waits.percentile(Percentile::whole(percent)).map(Known::rank);
            prop_assert!(of(&after) >= of(&before));
        }

        #[test]
        fn waits_are_kept_as_they_are(
            came in prop::collection::vec(0u64..5_000, 0..40),
            in_vain in prop::collection::vec(0u64..5_000, 0..40),
        ) {
            let own = waits(&came, &in_vain);
            let (kept, kept_in_vain) = own.kept();
            let again = Waits::of_kept(&kept, kept_in_vain.as_ref(), 1 << 40).expect("waits");
            prop_assert_eq!(again.summary(), own.summary());
        }
    }
}
