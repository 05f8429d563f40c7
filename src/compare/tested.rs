//! One figure of both sides: how large the difference is, how far it can be trusted, and how easily chance alone
//! would make one as large.
//!
//! The interval is that of the test itself: it holds the differences that the test does not refuse, if the new
//! side is moved by them (inversion of a permutation test, Garthwaite 1996, "Confidence Intervals from
//! Randomization Tests"). So it excludes zero where the p-value is below 0.05, and only there.

use super::chance::{Columns, Effort, Shuffles};
use super::design::Design;
use super::quantity::Statistic;
use super::ratio::Ratio;
use super::student::Student;
use super::tally::{Choice, Rates, Spans, Tally};
use super::{Independent, SIGNIFICANCE};
use crate::measure::Interval;

/// What chance could have made, drawn once for all lines.
pub(super) struct Chance {
    shuffles: Shuffles,
    has_intervals: bool,
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

/// What a test says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Tested {
    /// The differences that the test does not refuse; `None` where it would refuse none.
    pub interval: Option<Interval>,
    pub p: f64,
    /// Whether the new side's figure is the greater one, by what was shuffled; `None` if neither is.
    pub is_greater: Option<bool>,
}

/// The most steps on the way to an end of an interval, and then between two steps.
const STEPS_MAX: usize = 40;
const HALVINGS: usize = 14;

impl Figure<'_> {
    pub(super) fn value(self, choice: Choice) -> Option<f64> {
        match self {
            Figure::Of(spans, statistic) => spans.value(statistic, choice),
            Figure::Rate(rates) => rates.value(choice),
        }
    }

    /// The figure in the form in which it is shuffled, with the new side lowered by `shift`.
    fn ratio(self, shift: f64) -> Ratio {
        match self {
            Figure::Of(spans, statistic) => match statistic.percent() {
                Some(percent) => spans.above(percent, shift),
                None => spans.ratio(statistic).shifted_by(shift),
            },
            Figure::Rate(rates) => rates.ratio().shifted_by(shift),
        }
    }

    /// Whether there is nothing to test: a mean with waits in vain has no value, and what never happened cannot
    /// differ.
    fn is_unknown(self) -> bool {
        match self {
            Figure::Of(spans, Statistic::Mean) => spans.has_waits_in_vain(),
            Figure::Of(..) => false,
            // However it is shuffled, nothing differs, so it is no test to correct the others for.
            Figure::Rate(rates) => !rates.varies(),
        }
    }

    /// The new side's figure less the base's.
    fn difference(self, base: Choice, new: Choice) -> Option<f64> {
        let (base, new) = (self.value(base)?, self.value(new)?);
        // Neither of two that lie over something is known to be the greater one.
        Some(if base == new { 0.0 } else { new - base })
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
            has_intervals: effort.has_intervals,
            columns,
            few: few.then(|| [0, 1].map(|side| of_conversations(&tally.owners[side]))),
        }
    }

    /// Tests a figure; `None` if a side has nothing to test.
    pub(super) fn test(&self, figure: Figure) -> Option<Tested> {
        let ones = |count: usize| vec![1; count];
        let (base, new) = (ones(self.columns.base), ones(self.columns.new));
        let observed = figure.difference(Choice::Of(0, &base), Choice::Of(1, &new))?;
        if figure.is_unknown() {
            return None;
        }
        let all = figure.difference(Choice::All(0), Choice::All(1))?;
        let ratio = figure.ratio(0.0);
        let shuffled = self.p(&ratio);
        let difference = ratio.difference().unwrap_or_default();
        let is_greater = (difference != 0.0).then_some(difference > 0.0);
        let excludes_zero = |of: Interval| of.low > 0.0 || of.high < 0.0;
        let moved = |interval: Interval| {
            let moved = Interval {
                low: interval.low + (all - observed),
                high: interval.high + (all - observed),
            };
            // The interval goes on agreeing with the p-value.
            match all.is_finite() && excludes_zero(moved) == excludes_zero(interval) {
                true => moved,
                false => interval,
            }
        };
        let interval = || match self.has_intervals && observed.is_finite() {
            true => self.interval(figure, observed, shuffled).map(moved),
            false => None,
        };
        let Some(conversations) = &self.few else {
            return Some(Tested {
                interval: interval(),
                p: shuffled,
                is_greater,
            });
        };
        let Some(student) = student(figure, conversations, self.columns.is_paired) else {
            return Some(Tested {
                interval: None,
                p: 1.0,
                is_greater,
            });
        };
        // Both tests have to refuse a difference, so both intervals together hold those that are not refused.
        let half = student.half();
        let of_both = interval().filter(|_| half.is_finite() && all.is_finite());
        Some(Tested {
            interval: of_both.map(|own| Interval {
                low: own.low.min(student.difference() - half),
                high: own.high.max(student.difference() + half),
            }),
            p: shuffled.max(student.p()),
            is_greater,
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

    /// The differences around `observed` that the test does not refuse. `p` is that of no difference at all.
    fn interval(&self, figure: Figure, observed: f64, p: f64) -> Option<Interval> {
        let refuses = |shift: f64| match shift == 0.0 {
            true => p < SIGNIFICANCE,
            false => self.p(&figure.ratio(shift)) < SIGNIFICANCE,
        };
        let scale = match figure.value(Choice::All(0)) {
            Some(value) if value.is_finite() => 0.002 * value.abs(),
            _ => 0.0,
        };
        let first = scale.max(observed.abs() / 8.0).max(1e-6);
        // The last difference on the way up or down that is not refused.
        let end = |sign: f64| -> Option<f64> {
            let (mut kept, mut step) = (observed, first);
            for _ in 0..STEPS_MAX {
                let mut next = kept + sign * step;
                // No difference is looked at on the way, so that the interval agrees with the p-value.
                if kept * next < 0.0 {
                    next = 0.0;
                }
                if refuses(next) {
                    return Some(self.between(&refuses, kept, next));
                }
                (kept, step) = (next, 2.0 * step);
            }
            None
        };
        let (low, high) = (end(-1.0)?, end(1.0)?);
        Some(Interval { low, high })
    }

    /// Where the test begins to refuse, between a difference that it keeps and one that it refuses.
    fn between(&self, refuses: &impl Fn(f64) -> bool, mut kept: f64, mut refused: f64) -> f64 {
        for _ in 0..HALVINGS {
            let middle = (kept + refused) / 2.0;
            match refuses(middle) {
                true => refused = middle,
                false => kept = middle,
            }
        }
        kept
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
    // A conversation whose figure falls among waits in vain has no number: what is shuffled has.
    let is_finite = |side: usize, weights: &Vec<u32>| {
        figure
            .value(Choice::Of(side, weights))
            .is_none_or(f64::is_finite)
    };
    let are_finite = [0, 1].iter().all(|side| {
        conversations[*side]
            .iter()
            .all(|weights| is_finite(*side, weights))
    });
    let ratio = figure.ratio(0.0);
    let value = |side: usize, weights: &Vec<u32>| match are_finite {
        true => figure.value(Choice::Of(side, weights)),
        false => ratio.of_side(side, weights),
    };
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
