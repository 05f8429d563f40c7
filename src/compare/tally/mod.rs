//! Spans and counts of both sides by column, ready to be weighed thousands of times.
//!
//! A column is what is taken for independent: a conversation, a group of them, or a turn. Figures of any choice of
//! columns come from sums over them, percentiles from sums over the buckets of the report's histograms.

mod filling;

pub(in crate::compare) use filling::Filling;

use super::quantity::Statistic;
use super::ratio::Ratio;

/// Columns of the base, then those of the new side.
#[derive(Debug)]
pub(in crate::compare) struct Tally {
    pub columns: [usize; 2],
    /// The conversation of each column, where columns are turns.
    pub owners: [Vec<usize>; 2],
    /// The spans by their places; `None` if neither side has such a span.
    pub spans: Vec<Option<Spans>>,
    pub rates: Vec<Rates>,
    /// Turns that should have been answered, as their partners should have been.
    pub matched: u64,
    /// Turns that should have been answered without such a partner, by side.
    pub alone: [u64; 2],
}

/// The top of the bucket of waits in vain, which are longer than every other.
const IN_VAIN: u64 = u64::MAX;

/// The columns that are looked at, and how often each counts.
#[derive(Debug, Clone, Copy)]
pub(in crate::compare) enum Choice<'a> {
    /// All of a side, also what is in no column.
    All(usize),
    /// The columns of one side, each as often as its weight.
    Of(usize, &'a [u32]),
}

/// One span in all columns.
#[derive(Debug)]
pub(in crate::compare) struct Spans {
    /// The highest value of each bucket, the lowest bucket first.
    tops_ns: Vec<u64>,
    /// How many spans lie in each bucket and below it: a row of columns for each bucket.
    below: Vec<Counts>,
    /// How many spans of each side's columns lie in each bucket.
    sides: Vec<[u64; 2]>,
    sums_ns: Sums,
    max_ns: [u64; 2],
    /// How many waits were in vain, by side. They lie in a bucket of their own, the last one.
    in_vain: [u64; 2],
    /// What the waits in vain of a side lasted at least: the highest value of each bucket, and how many lie in it.
    bounds: [Vec<(u64, u64)>; 2],
}

#[derive(Debug, Clone, Default)]
struct Counts {
    columns: Vec<u32>,
    /// The base's columns; the others are the new side's.
    split: usize,
    total: u64,
    /// What is in no column, by side.
    rest: [u64; 2],
}

#[derive(Debug, Clone, Default)]
struct Sums {
    columns: Vec<f64>,
    split: usize,
    rest: [f64; 2],
}

/// A rate in all columns.
#[derive(Debug)]
pub(in crate::compare) struct Rates {
    happened: Counts,
    asked: Counts,
}

impl Spans {
    /// Whether one of the spans took any time.
    pub(in crate::compare) fn has_length(&self) -> bool {
        self.max_ns.iter().any(|max_ns| *max_ns > 0)
    }

    /// The mean of each column of a side in milliseconds; `None` for a column that holds nothing, or a wait in vain.
    pub(in crate::compare) fn column_means(&self, side: usize) -> Vec<Option<f64>> {
        let (Some(all), came) = (self.below.last(), self.came()) else {
            return Vec::new();
        };
        if came.is_empty() {
            return Vec::new();
        }
        let (all, came) = (
            half(&all.columns, all.split, side),
            half(came, all.split, side),
        );
        let sums = half(&self.sums_ns.columns, self.sums_ns.split, side);
        let columns = sums.iter().zip(all.iter().zip(came));
        let mean = |(sum_ns, (all, came)): (&f64, (&u32, &u32))| {
            (all == came && *all > 0).then(|| sum_ns / f64::from(*all) / 1e6)
        };
        columns.map(mean).collect()
    }

    /// How many spans ended in each column.
    fn came(&self) -> &[u32] {
        let rows = match self.tops_ns.last() {
            Some(&IN_VAIN) => self.below.len().checked_sub(2),
            _ => self.below.len().checked_sub(1),
        };
        rows.and_then(|row| self.below.get(row))
            .map_or(&[], |row| &row.columns)
    }

    /// Whether somebody waited in vain, on either side.
    pub(in crate::compare) fn has_waits_in_vain(&self) -> bool {
        self.in_vain.iter().any(|count| *count > 0)
    }

    /// What a statistic of a side lies over at least, in milliseconds, if it falls among waits in vain.
    pub(in crate::compare) fn over(&self, statistic: Statistic, side: usize) -> Option<f64> {
        let Some(percent) = statistic.percent() else {
            let bounded: u64 = self.bounds[side].iter().map(|(_, count)| count).sum();
            let sum_ns = self.sums_ns.weigh(Choice::All(side));
            let all = bounded + self.answered(side);
            return (all > 0).then(|| sum_ns / all as f64 / 1e6);
        };
        let (answered, in_vain) = (self.answered(side), self.in_vain[side]);
        let rank = ((answered + in_vain) * percent).div_ceil(100);
        let bounded: u64 = self.bounds[side].iter().map(|(_, count)| count).sum();
        let place = rank.saturating_sub(answered);
        let wanted = (place * bounded).div_ceil(in_vain.max(1)).max(1);
        let mut below = 0;
        let bound = self.bounds[side].iter().find(|(_, count)| {
            below += count;
            below >= wanted
        });
        let bound_ns = bound.map_or(0, |(top_ns, _)| *top_ns);
        Some(bound_ns.max(self.max_ns[side]) as f64 / 1e6)
    }

    /// How many spans of a side ended.
    fn answered(&self, side: usize) -> u64 {
        let all = self
            .below
            .last()
            .map_or(0, |all| all.weigh(Choice::All(side)));
        all - self.in_vain[side]
    }

    /// A statistic in milliseconds, infinite if it falls among waits in vain; `None` if there are no spans.
    pub(in crate::compare) fn value(&self, statistic: Statistic, choice: Choice) -> Option<f64> {
        let counts = self.below.last()?;
        let all = counts.weigh(choice);
        let Some(percent) = statistic.percent() else {
            let sum_ns = self.sums_ns.weigh(choice);
            let value = match self.has_waits_in_vain() && self.vain(choice) > 0 {
                true => f64::INFINITY,
                false => sum_ns / all as f64 / 1e6,
            };
            return (all > 0).then_some(value);
        };
        if all == 0 {
            return None;
        }
        let rank = (all * percent).div_ceil(100);
        let row = self.below.partition_point(|row| row.weigh(choice) < rank);
        let max_ns = match choice {
            Choice::All(side) => self.max_ns[side],
            _ => self.max_ns[0].max(self.max_ns[1]),
        };
        match *self.tops_ns.get(row)? {
            IN_VAIN => Some(f64::INFINITY),
            top_ns => Some(top_ns.min(max_ns) as f64 / 1e6),
        }
    }

    /// How many waits of a choice were in vain.
    fn vain(&self, choice: Choice) -> u64 {
        let (Some(all), true) = (self.below.last(), self.tops_ns.last() == Some(&IN_VAIN)) else {
            return 0;
        };
        let before = self
            .below
            .len()
            .checked_sub(2)
            .and_then(|row| self.below.get(row));
        all.weigh(choice) - before.map_or(0, |row| row.weigh(choice))
    }
}

impl Spans {
    /// The figure that is shuffled: a mean itself, or in place of a percentile how many spans lie above that of
    /// both sides together, where spans that lie just there count half. Shuffling does not move that percentile.
    ///
    /// The sides' own percentiles would not do: of two heaps far apart, half a heap each, a median lies in the one
    /// or in the other, and every shuffle differs as much as the truth.
    pub(in crate::compare) fn ratio(&self, statistic: Statistic) -> Ratio {
        match statistic.percent() {
            Some(percent) => self.above(percent, 0.0),
            None => {
                let all = self.below.last();
                let counts = all.iter().flat_map(|all| &all.columns);
                let counts = counts.map(|count| f64::from(*count));
                // In milliseconds, as a shift is.
                let sums = self.sums_ns.columns.iter().map(|sum_ns| sum_ns / 1e6);
                Ratio::of(sums.zip(counts), all.map_or(0, |all| all.split))
            }
        }
    }

    /// How many spans lie above the percentile of both sides together, if those of the new side were all shorter by
    /// `shift_ms`.
    pub(in crate::compare) fn above(&self, percent: u64, shift_ms: f64) -> Ratio {
        let Some(all) = self.below.last() else {
            return Ratio::default();
        };
        let threshold_ns = self.pooled_ns(percent, shift_ms * 1e6);
        let split = all.split;
        let thresholds = [threshold_ns, threshold_ns + shift_ms * 1e6];
        // These are the rows of each side whose tops lie below the threshold, and those that reach it.
        let rows = thresholds.map(|at| {
            let below = self
                .tops_ns
                .partition_point(|top| top_of(*top) < at * (1.0 - 1e-12));
            let up_to = self
                .tops_ns
                .partition_point(|top| top_of(*top) <= at * (1.0 + 1e-12));
            (below, up_to)
        });
        let cumulative = |rows: usize, column: usize| {
            let counts = rows.checked_sub(1).and_then(|row| self.below.get(row));
            counts.map_or(0.0, |counts| f64::from(counts.columns[column]))
        };
        let columns = all.columns.iter().enumerate().map(|(column, count)| {
            let (below, up_to) = rows[usize::from(column >= split)];
            let count = f64::from(*count);
            let halfway = (cumulative(below, column) + cumulative(up_to, column)) / 2.0;
            (count - halfway, count)
        });
        Ratio::of(columns, split)
    }

    /// A percentile of both sides together, in nanoseconds, if those of the new side were all shorter by a shift;
    /// infinite if it falls among waits in vain.
    fn pooled_ns(&self, percent: u64, shift_ns: f64) -> f64 {
        let Some(all) = self.below.last() else {
            return f64::INFINITY;
        };
        let rank = (all.total * percent).div_ceil(100);
        let total = |row: usize, side: usize| self.sides[row][side];
        let (mut base, mut new, mut below) = (0, 0, 0);
        loop {
            let at = |row: usize, shift: f64| self.tops_ns.get(row).map(|top| top_of(*top) - shift);
            let (next, side) = match (at(base, 0.0), at(new, shift_ns)) {
                (Some(own), Some(other)) if own <= other => (own, 0),
                (_, Some(other)) => (other, 1),
                (Some(own), None) => (own, 0),
                (None, None) => return f64::INFINITY,
            };
            let row = if side == 0 { &mut base } else { &mut new };
            below += total(*row, side);
            *row += 1;
            if below >= rank {
                return next;
            }
        }
    }
}

/// The top of a bucket as a number; infinite for waits in vain.
fn top_of(top_ns: u64) -> f64 {
    match top_ns {
        IN_VAIN => f64::INFINITY,
        top_ns => top_ns as f64,
    }
}

impl Rates {
    pub(in crate::compare) fn ratio(&self) -> Ratio {
        let happened = self.happened.columns.iter().map(|count| f64::from(*count));
        let asked = self.asked.columns.iter().map(|count| f64::from(*count));
        Ratio::of(happened.zip(asked), self.asked.split)
    }
}

impl Rates {
    pub(in crate::compare) fn value(&self, choice: Choice) -> Option<f64> {
        let asked = self.asked.weigh(choice);
        (asked > 0).then(|| self.happened.weigh(choice) as f64 / asked as f64)
    }

    /// Whether the event happened sometimes, and not always.
    pub(in crate::compare) fn varies(&self) -> bool {
        let both = |counts: &Counts| counts.weigh(Choice::All(0)) + counts.weigh(Choice::All(1));
        (1..both(&self.asked)).contains(&both(&self.happened))
    }

    /// How often the rate's event could have happened on a side.
    pub(in crate::compare) fn asked(&self, side: usize) -> u64 {
        self.asked.weigh(Choice::All(side))
    }
}

impl Counts {
    fn weigh(&self, choice: Choice) -> u64 {
        let dot = |columns: &[u32], weights: &[u32]| -> u64 {
            let products = columns.iter().zip(weights);
            products.map(|(c, w)| u64::from(*c) * u64::from(*w)).sum()
        };
        match choice {
            Choice::All(side) => {
                let own: u64 = half(&self.columns, self.split, side)
                    .iter()
                    .map(|count| u64::from(*count))
                    .sum();
                own + self.rest[side]
            }
            Choice::Of(side, weights) => dot(half(&self.columns, self.split, side), weights),
        }
    }
}

impl Sums {
    fn weigh(&self, choice: Choice) -> f64 {
        let dot = |columns: &[f64], weights: &[u32]| -> f64 {
            let products = columns.iter().zip(weights);
            products.map(|(sum, w)| sum * f64::from(*w)).sum()
        };
        match choice {
            Choice::All(side) => {
                half(&self.columns, self.split, side).iter().sum::<f64>() + self.rest[side]
            }
            Choice::Of(side, weights) => dot(half(&self.columns, self.split, side), weights),
        }
    }
}

fn half<T>(columns: &[T], split: usize, side: usize) -> &[T] {
    let (base, new) = columns.split_at(split);
    match side {
        0 => base,
        _ => new,
    }
}
