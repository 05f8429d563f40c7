//! One figure of both sides: how large the difference is, how far it can be trusted, and how easily chance alone
//! would make one as large.

use super::Independent;
use super::chance::{Columns, Effort, Shuffles, Weights};
use super::design::Design;
use super::quantity::Statistic;
use super::ratio::Ratio;
use super::student::Student;
use super::tally::{Choice, Rates, Spans, Tally};
use crate::measure::Interval;

/// What chance could have made, drawn once for all lines.
pub(super) struct Chance {
    shuffles: Shuffles,
    resamples: Weights,
    columns: Columns,
    /// The columns of each conversation, by side, where conversations are few.
    few: Option<[Vec<Vec<u32>>; 2]>,
}

/// A figure that is to be tested.
#[derive(Clone, Copy)]
pub(super) enum Figure<'a> {
    Of(&'a Spans, Statistic),
    Rate(&'a Rates),
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Tested {
    pub interval: Option<Interval>,
    pub p: f64,
}

impl Figure<'_> {
    pub(super) fn value(self, choice: Choice) -> Option<f64> {
        match self {
            Figure::Of(spans, statistic) => spans.value(statistic, choice),
            Figure::Rate(rates) => rates.value(choice),
        }
    }

    /// The figure in the form in which it is shuffled.
    fn ratio(self) -> Ratio {
        match self {
            Figure::Of(spans, statistic) => spans.ratio(statistic),
            Figure::Rate(rates) => rates.ratio(),
        }
    }

    /// The new side's figure less the base's.
    fn difference(self, base: Choice, new: Choice) -> Option<f64> {
        Some(self.value(new)? - self.value(base)?)
    }
}

impl Chance {
    pub(super) fn of(design: &Design, tally: &Tally, effort: &Effort) -> Chance {
        let [base, new] = tally.columns;
        let columns = match design.is_paired {
            // A turn or conversation that only one side has swaps with nothing.
            true => Columns {
                base: base.max(new),
                new: base.max(new),
                is_paired: true,
            },
            false => Columns {
                base,
                new,
                is_paired: false,
            },
        };
        let few = design.independent == Independent::FewConversations;
        Chance {
            shuffles: columns.shuffles(effort),
            resamples: columns.resamples(effort),
            columns,
            few: few.then(|| [0, 1].map(|side| of_conversations(&tally.owners[side]))),
        }
    }

    /// Tests a figure; `None` if a side has nothing to test.
    pub(super) fn test(&self, figure: Figure) -> Option<Tested> {
        let ones = |count: usize| vec![1; count];
        let (base, new) = (ones(self.columns.base), ones(self.columns.new));
        let observed = figure.difference(Choice::Of(0, &base), Choice::Of(1, &new))?;
        let all = figure.difference(Choice::All(0), Choice::All(1))?;
        let p = self.p(&figure.ratio());
        let Some(conversations) = &self.few else {
            let interval = self.interval(figure, all - observed);
            return Some(Tested { interval, p });
        };
        let Some(student) = student(figure, conversations, self.columns.is_paired) else {
            return Some(Tested {
                interval: None,
                p: 1.0,
            });
        };
        let half = student.half();
        Some(Tested {
            interval: half.is_finite().then_some(Interval {
                low: all - half,
                high: all + half,
            }),
            p: p.max(student.p()),
        })
    }

    /// How often the sides differ as much, whatever the direction, if a coin decides which is which.
    fn p(&self, ratio: &Ratio) -> f64 {
        let observed = ratio.difference().unwrap_or_default();
        if observed == 0.0 {
            return 1.0;
        }
        // Shuffles add the same numbers in another order, so sums may differ by rounding.
        let least = observed.abs() * (1.0 - 1e-9);
        let (mut as_large, mut all) = (0_u32, 0_u32);
        for weights in self.shuffles.weights.iter() {
            let shuffled = ratio.shuffled(weights);
            // A side without any such figure tells nothing against chance.
            as_large += u32::from(shuffled.is_none_or(|shuffled| shuffled.abs() >= least));
            all += 1;
        }
        let besides = u32::from(!self.shuffles.are_all);
        f64::from(as_large + besides) / f64::from((all + besides).max(1))
    }

    /// The interval of the difference, by percentiles of the bootstrap, moved by what is in no column.
    fn interval(&self, figure: Figure, shift: f64) -> Option<Interval> {
        let resampled = |weights: &[u32]| {
            let (base, new) = weights.split_at(self.columns.base);
            figure.difference(Choice::Of(0, base), Choice::Of(1, new))
        };
        let mut differences: Vec<f64> = self.resamples.iter().filter_map(resampled).collect();
        let drawn = self.resamples.iter().count();
        if differences.is_empty() || 2 * differences.len() < drawn {
            return None;
        }
        differences.sort_by(f64::total_cmp);
        // The k-th of n, with k = q (n + 1).
        let rank = |per_mille: usize| ((differences.len() + 1) * per_mille / 1000).max(1) - 1;
        let last = differences.len() - 1;
        let (low, high) = (rank(25), last - rank(25).min(last));
        Some(Interval {
            low: differences[low.min(high)] + shift,
            high: differences[high.max(low)] + shift,
        })
    }
}

/// The columns of each conversation, as weights.
fn of_conversations(owners: &[usize]) -> Vec<Vec<u32>> {
    let count = owners.iter().max().map_or(0, |last| last + 1);
    (0..count)
        .map(|own| {
            owners
                .iter()
                .map(|owner| u32::from(*owner == own))
                .collect()
        })
        .collect()
}

/// Student's t of the conversations' own figures.
fn student(figure: Figure, conversations: &[Vec<Vec<u32>>; 2], is_paired: bool) -> Option<Student> {
    let value = |side: usize, weights: &Vec<u32>| figure.value(Choice::Of(side, weights));
    if is_paired {
        let both = conversations[0].iter().zip(&conversations[1]);
        let pairs: Vec<(f64, f64)> = both
            .filter_map(|(base, new)| value(0, base).zip(value(1, new)))
            .collect();
        return Student::of_pairs(&pairs);
    }
    let own = |side: usize| -> Vec<f64> {
        let all = conversations[side].iter();
        all.filter_map(|weights| value(side, weights)).collect()
    };
    Student::of_sides(&own(0), &own(1))
}
