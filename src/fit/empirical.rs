//! What was measured, as it is: shares and quantiles without any family. Times of work that was given up count as at
//! least so long (the estimate of Kaplan and Meier, 1958).

use super::maximum::Time;
use crate::scenario::latency::quantile_ms;

/// A line of a table is never narrower than this part of its time: ties are rounding.
const WIDTH_MIN: f64 = 0.002;

/// The steps of the share of times up to each.
#[derive(Debug, Clone, PartialEq)]
pub struct Empirical {
    /// A time, and the share of all times up to it, rising.
    steps: Vec<(f64, f64)>,
    /// Times that were measured to their end.
    pub finished: usize,
    pub given_up: usize,
}

impl Empirical {
    pub fn of(times: &[Time]) -> Empirical {
        let mut sorted: Vec<Time> = times.to_vec();
        // Among equal times, those of work that ended come before those of work that was given up, which would have taken longer.
        sorted.sort_by(|a, b| {
            a.ms.total_cmp(&b.ms)
                .then(a.is_given_up.cmp(&b.is_given_up))
        });
        let mut above = 1.0;
        let mut steps: Vec<(f64, f64)> = Vec::new();
        for (index, time) in sorted.iter().enumerate() {
            if time.is_given_up {
                continue;
            }
            above *= 1.0 - 1.0 / (sorted.len() - index) as f64;
            match steps.last_mut() {
                Some((ms, below)) if *ms == time.ms => *below = 1.0 - above,
                _ => steps.push((time.ms, 1.0 - above)),
            }
        }
        let finished = times.iter().filter(|time| !time.is_given_up).count();
        Empirical {
            steps,
            finished,
            given_up: times.len() - finished,
        }
    }

    /// The least time up to which at least the share `below` lies; `None` if nothing was measured, or where the rest was
    /// given up after more than any other took.
    pub fn quantile(&self, below: f64) -> Option<f64> {
        let next = self
            .steps
            .partition_point(|(_, share)| *share < below - 1e-12);
        self.steps.get(next).map(|(ms, _)| *ms)
    }

    /// The share of all times that a quantile is known of: 1, unless the slowest were given up.
    pub fn known(&self) -> f64 {
        self.steps.last().map_or(0.0, |(_, share)| *share)
    }

    pub fn steps(&self) -> &[(f64, f64)] {
        &self.steps
    }

    /// The greatest distance between the shares below a time, here and in another distribution.
    pub fn distance(&self, share_below: impl Fn(f64) -> f64) -> f64 {
        let mut before = 0.0;
        let mut greatest = 0.0_f64;
        for (ms, share) in &self.steps {
            let other = share_below(*ms);
            greatest = greatest
                .max((share - other).abs())
                .max((other - before).abs());
            before = *share;
        }
        greatest
    }

    /// A table of quantiles, as fine as the number of times allows: shares from 0 to 1, times that rise with them.
    pub fn table(&self) -> Vec<(f64, f64)> {
        let n = self.finished as f64;
        let tails = [0.005, 0.01, 0.02, 0.03, 0.04];
        let middle = (1..=19).map(|step| f64::from(step) / 20.0);
        let upper = tails.into_iter().rev().map(|share| 1.0 - share);
        let shares = tails.into_iter().chain(middle).chain(upper);
        let known = shares.filter(|share: &f64| share.min(1.0 - share) * n >= 1.0);
        let all = [0.0].into_iter().chain(known).chain([1.0]);
        let middles = self.middles();
        let mut table: Vec<(f64, f64)> = Vec::new();
        if middles.is_empty() {
            return table;
        }
        for share in all {
            let ms = quantile_ms(&middles, share);
            let share = libm::round(share * 1e4) / 1e4;
            if table.last().is_none_or(|(last, _)| *last < share) {
                table.push((share, ms));
            }
        }
        table
    }

    /// The middle of each step: a share, and its time.
    fn middles(&self) -> Vec<(f64, f64)> {
        let mut before = 0.0;
        let middle = |(ms, share): &(f64, f64)| {
            let middle = 0.5 * (before + share);
            before = *share;
            (middle, *ms)
        };
        self.steps.iter().map(middle).collect()
    }
}

/// The share of times below `ms` in a table, without those of just so long.
pub(super) fn table_share_under(table: &[(f64, f64)], ms: f64) -> f64 {
    let next = table.partition_point(|(_, at)| *at < ms);
    match (
        next.checked_sub(1).and_then(|i| table.get(i)),
        table.get(next),
    ) {
        (Some((from, low)), Some((to, high))) => from + (to - from) * (ms - low) / (high - low),
        (None, _) => 0.0,
        (_, None) => 1.0,
    }
}

/// The density of a table at `ms`; 0 outside of it.
pub(super) fn table_density(table: &[(f64, f64)], ms: f64) -> f64 {
    let next = table.partition_point(|(_, at)| *at <= ms);
    // The last time belongs to the line before it.
    let next = next.min(table.len().saturating_sub(1));
    match (
        next.checked_sub(1).and_then(|i| table.get(i)),
        table.get(next),
    ) {
        (Some((from, low)), Some((to, high))) if (*low..=*high).contains(&ms) => {
            (to - from) / (high - low).max(WIDTH_MIN * high.abs()).max(1e-3)
        }
        _ => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::latency::quantile_share;

    fn times(all: &[(f64, bool)]) -> Vec<Time> {
        let time = |(ms, is_given_up): &(f64, bool)| Time {
            ms: *ms,
            is_given_up: *is_given_up,
        };
        all.iter().map(time).collect()
    }

    #[test]
    fn work_that_was_given_up_took_at_least_so_long() {
        // One time of four was given up at 15: the two longer ones share its quarter.
        let of = Empirical::of(&times(&[
            (10.0, false),
            (15.0, true),
            (20.0, false),
            (30.0, false),
        ]));
        assert_eq!((of.finished, of.given_up), (3, 1));
        let shares: Vec<f64> = of.steps().iter().map(|(_, share)| *share).collect();
        assert_eq!(shares, [0.25, 0.625, 1.0]);
        assert_eq!(of.quantile(0.5), Some(20.0));
        assert_eq!(of.quantile(0.2), Some(10.0));
        assert_eq!((of.quantile(1.0), of.known()), (Some(30.0), 1.0));
    }

    #[test]
    fn what_lies_above_all_that_ended_is_not_known() {
        let of = Empirical::of(&times(&[(10.0, false), (20.0, false), (90.0, true)]));
        assert!((of.known() - 2.0 / 3.0).abs() < 1e-12);
        assert_eq!((of.quantile(0.5), of.quantile(0.95)), (Some(20.0), None));
    }

    #[test]
    fn a_table_begins_with_the_least_and_ends_with_the_greatest() {
        for count in [1, 2, 5, 30, 1_000] {
            let all: Vec<(f64, bool)> = (0..count).map(|n| (100.0 + f64::from(n), false)).collect();
            let table = Empirical::of(&times(&all)).table();
            assert_eq!(table.first(), Some(&(0.0, 100.0)), "{count}");
            assert_eq!(
                table.last(),
                Some(&(1.0, 99.0 + f64::from(count))),
                "{count}"
            );
            assert!(
                table.is_sorted_by(|a, b| a.0 < b.0 && a.1 <= b.1),
                "{table:?}"
            );
        }
    }

    #[test]
    fn a_table_has_the_shares_of_what_it_was_made_from() {
        let all: Vec<(f64, bool)> = (0..1_000)
            .map(|n| (f64::from(n * n) / 100.0, false))
            .collect();
        let table = Empirical::of(&times(&all)).table();
        for (share, ms) in [(0.5, 2_500.0), (0.9, 8_100.0), (0.95, 9_025.0)] {
            assert!(
                (quantile_ms(&table, share) / ms - 1.0).abs() < 0.01,
                "{table:?}"
            );
            assert!((quantile_share(&table, ms) - share).abs() < 0.005);
        }
        let whole: f64 = (0..10_000)
            .map(|ms| table_density(&table, f64::from(ms) + 0.5))
            .sum();
        assert!((whole - 1.0).abs() < 0.01, "{whole}");
    }

    #[test]
    fn nothing_has_no_quantile() {
        assert_eq!(Empirical::of(&[]).quantile(0.5), None);
        assert_eq!(Empirical::of(&times(&[(5.0, true)])).quantile(0.5), None);
        assert!(Empirical::of(&[]).table().is_empty());
    }
}
