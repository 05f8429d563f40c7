//! Fills a tally, turn by turn.

use super::{Counts, IN_VAIN, Rates, Spans, Sums, Tally};
use crate::compare::conversation::{Conversation, Figures, Occasions};
use crate::compare::quantity::{RATES, SPANS};
use crate::measure::bucket_ns;
use std::collections::BTreeMap;

/// What is in a column, or in none, by side.
#[derive(Debug, Clone, Default)]
struct Growing<T> {
    sides: [Vec<T>; 2],
    rest: [u64; 2],
}

impl<T: Copy + Default> Growing<T> {
    /// The place for a column; `None` if there is no column.
    fn at(&mut self, side: usize, column: Option<usize>) -> Option<&mut T> {
        let column = column?;
        let own = &mut self.sides[side];
        if own.len() <= column {
            own.resize(column + 1, T::default());
        }
        own.get_mut(column)
    }
}

impl Growing<u32> {
    fn add(&mut self, side: usize, column: Option<usize>, count: u32) {
        match self.at(side, column) {
            Some(own) => *own = own.saturating_add(count),
            None => self.rest[side] += u64::from(count),
        }
    }

    fn counts(&self, columns: [usize; 2]) -> Counts {
        let mut all = Vec::with_capacity(columns[0] + columns[1]);
        for (own, width) in self.sides.iter().zip(columns) {
            all.extend(own.iter().copied().chain(std::iter::repeat(0)).take(width));
        }
        Counts {
            total: all.iter().map(|count| u64::from(*count)).sum(),
            columns: all,
            split: columns[0],
            rest: self.rest,
        }
    }
}

/// A span while turns come in.
#[derive(Debug, Default)]
struct Buckets {
    by_top: BTreeMap<u64, Growing<u32>>,
    sums_ns: Growing<u64>,
    max_ns: [u64; 2],
    in_vain: [u64; 2],
    bounds: [BTreeMap<u64, u64>; 2],
}

impl Buckets {
    fn add(&mut self, side: usize, column: Option<usize>, span_ns: u64) {
        self.add_many(side, column, (bucket_ns(span_ns), 1));
        self.add_sum(side, column, span_ns);
        self.max_ns[side] = self.max_ns[side].max(span_ns);
    }

    fn add_in_vain(&mut self, side: usize, column: Option<usize>, at_least_ns: u64) {
        let row = self.by_top.entry(IN_VAIN).or_default();
        row.add(side, column, 1);
        self.in_vain[side] += 1;
        // Nothing is known of a question that was never asked.
        if at_least_ns > 0 {
            *self.bounds[side].entry(bucket_ns(at_least_ns)).or_default() += 1;
            self.add_sum(side, column, at_least_ns);
        }
    }

    fn add_many(&mut self, side: usize, column: Option<usize>, (top_ns, count): (u64, u32)) {
        self.by_top
            .entry(top_ns)
            .or_default()
            .add(side, column, count);
    }

    fn add_sum(&mut self, side: usize, column: Option<usize>, sum_ns: u64) {
        match self.sums_ns.at(side, column) {
            Some(own) => *own = own.saturating_add(sum_ns),
            None => self.sums_ns.rest[side] = self.sums_ns.rest[side].saturating_add(sum_ns),
        }
    }

    fn finish(self, columns: [usize; 2]) -> Option<Spans> {
        if self.by_top.is_empty() {
            return None;
        }
        let mut sum = Counts::default();
        let mut below = Vec::with_capacity(self.by_top.len());
        let mut tops_ns = Vec::with_capacity(self.by_top.len());
        let mut sides = Vec::with_capacity(self.by_top.len());
        for (top_ns, row) in self.by_top {
            let row = row.counts(columns);
            let (base, new) = row.columns.split_at(row.split);
            let count = |half: &[u32]| half.iter().map(|count| u64::from(*count)).sum();
            sides.push([count(base), count(new)]);
            sum.columns.resize(row.columns.len(), 0);
            for (sum, own) in sum.columns.iter_mut().zip(&row.columns) {
                *sum = sum.saturating_add(*own);
            }
            sum.split = row.split;
            sum.total += row.total;
            (0..2).for_each(|side| sum.rest[side] += row.rest[side]);
            tops_ns.push(top_ns);
            below.push(sum.clone());
        }
        let mut sums = Vec::with_capacity(columns[0] + columns[1]);
        for (own, width) in self.sums_ns.sides.iter().zip(columns) {
            let own = own.iter().map(|sum_ns| *sum_ns as f64);
            sums.extend(own.chain(std::iter::repeat(0.0)).take(width));
        }
        Some(Spans {
            tops_ns,
            below,
            sides,
            in_vain: self.in_vain,
            bounds: self.bounds.map(|bounds| bounds.into_iter().collect()),
            sums_ns: Sums {
                columns: sums,
                split: columns[0],
                rest: self.sums_ns.rest.map(|sum_ns| sum_ns as f64),
            },
            max_ns: self.max_ns,
        })
    }
}

/// Fills a tally, turn by turn.
#[derive(Debug)]
pub(in crate::compare) struct Filling {
    spans: Vec<Buckets>,
    rates: Vec<[Growing<u32>; 2]>,
    pub owners: [Vec<usize>; 2],
    columns: [usize; 2],
    matched: u64,
    alone: [u64; 2],
}

impl Filling {
    pub(in crate::compare) fn new() -> Filling {
        Filling {
            spans: std::iter::repeat_with(Buckets::default)
                .take(SPANS)
                .collect(),
            rates: vec![Default::default(); RATES.len()],
            owners: Default::default(),
            columns: [0; 2],
            matched: 0,
            alone: [0; 2],
        }
    }

    /// Takes in a turn by itself.
    pub(in crate::compare) fn turn(&mut self, side: usize, column: Option<usize>, turn: &Figures) {
        self.see(side, column);
        self.count(side, column, turn);
        self.spans(side, column, turn, turn.waits());
    }

    /// Takes in a turn of both sides, or of one. Latencies count where both sides have them.
    pub(in crate::compare) fn pair(&mut self, column: Option<usize>, pair: [Option<&Figures>; 2]) {
        let known = match pair {
            [Some(base), Some(new)] => base.waits() & new.waits(),
            _ => 0,
        };
        let answered = pair.map(|turn| turn.is_some_and(Figures::wants_answer));
        self.matched += u64::from(answered == [true, true]);
        self.alone[0] += u64::from(answered == [true, false]);
        self.alone[1] += u64::from(answered == [false, true]);
        for (side, turn) in pair.into_iter().enumerate() {
            self.see(side, column);
            if let Some(turn) = turn {
                self.count(side, column, turn);
                self.spans(side, column, turn, known);
            }
        }
    }

    /// Takes in what belongs to no turn of a conversation.
    pub(in crate::compare) fn occasions(
        &mut self,
        side: usize,
        column: Option<usize>,
        all: &Conversation,
    ) {
        for Occasions {
            span,
            sum_ns,
            buckets,
        } in &all.occasions
        {
            let own = &mut self.spans[*span];
            own.add_sum(side, column, *sum_ns);
            for (span_ns, count) in buckets {
                own.add_many(side, column, (bucket_ns(*span_ns), *count));
                own.max_ns[side] = own.max_ns[side].max(*span_ns);
            }
        }
    }

    /// Makes sure that the column exists, even if nothing is in it.
    pub(in crate::compare) fn see(&mut self, side: usize, column: Option<usize>) {
        if let Some(column) = column {
            self.columns[side] = self.columns[side].max(column + 1);
        }
    }

    fn spans(&mut self, side: usize, column: Option<usize>, turn: &Figures, known: u64) {
        for span in 0..SPANS {
            if known >> span & 1 == 0 {
                continue;
            }
            if let Some(span_ns) = turn.span_ns(span) {
                self.spans[span].add(side, column, span_ns);
            }
            if let Some(at_least_ns) = turn.in_vain_ns(span) {
                self.spans[span].add_in_vain(side, column, at_least_ns);
            }
        }
    }

    fn count(&mut self, side: usize, column: Option<usize>, turn: &Figures) {
        for (own, (happened, asked)) in self.rates.iter_mut().zip(turn.rates) {
            if asked > 0 {
                own[0].add(side, column, happened);
                own[1].add(side, column, asked);
            }
        }
    }

    pub(in crate::compare) fn finish(self) -> Tally {
        let columns = self.columns;
        let rates = self.rates.iter().map(|[happened, asked]| Rates {
            happened: happened.counts(columns),
            asked: asked.counts(columns),
        });
        Tally {
            columns,
            owners: self.owners,
            rates: rates.collect(),
            spans: self.spans.into_iter().map(|b| b.finish(columns)).collect(),
            matched: self.matched,
            alone: self.alone,
        }
    }
}
