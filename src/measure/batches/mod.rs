//! How far a simulated figure can be trusted: 95 % intervals from 64 batches of worlds.
//!
//! A world, which is one conversation or one whole load run, belongs to the batch of its number, so batches
//! are the same at any number of threads. Turns of one world resemble each other; worlds do not, so batches
//! are independent.
//!
//! A share is a ratio of sums over batches, and its variance that of a ratio estimator (Cochran 1977, "Sampling
//! Techniques", 6.4), with Student's t for the number of batches (method of batch means, Law 2015, "Simulation
//! Modeling and Analysis", 9.5). A percentile is where a share of the waits lies below: its interval runs between
//! the percentiles at both ends of the interval of that share (Woodruff 1952, "Confidence Intervals for Medians and
//! Other Position Measures"). So it holds also where the percentile, or an end, falls among waits in vain: that
//! end then has no bound.

mod kept;
mod paired;

pub(super) use kept::KeptBatch;
pub use paired::Certainty;

use super::LoadFigures;
use super::coarse::{self, Coarse};
use super::counted::{Counted, Parts};
use super::patience::{self, Becomes, FirstAsk, FirstAsks, Incidence};
use super::rows::Row;
use super::waits::{Known, Waits};
use crate::event::{Event, Hop, Metric};
use crate::scenario::budget::{Count, Limited, Percentile, Statistic};
use serde::Serialize;

/// Batches that worlds are dealt into: one for each group of conversations whose random numbers have nothing in common.
pub const BATCHES: usize = crate::rng::GROUPS as usize;

/// With fewer batches that hold anything there is no interval.
const BATCHES_MIN: usize = 10;

/// The upper end of the 95 % interval of a Poisson count of which nothing was seen: -ln 0.025.
const OF_NOTHING: f64 = 3.689;

const SPANS: usize = Hop::ALL.len() + Metric::ALL.len();

/// Waits and counts by batch.
#[derive(Debug, Clone)]
pub struct Batches(Vec<Batch>);

#[derive(Debug, Clone)]
struct Batch {
    /// Hops, then metrics, by their places.
    spans: [Coarse; SPANS],
    counted: Counted,
    first_asks: CoarseAsks,
    /// Answers to questions that the caller had left.
    followed: Coarse,
}

/// Questions that were asked for the first time: those that were answered, those that never would be, and those that
/// the caller left, each with how long it took.
#[derive(Debug, Clone, Default)]
struct CoarseAsks {
    came: Coarse,
    never: Coarse,
    left: Coarse,
}

impl CoarseAsks {
    fn count(&self) -> u64 {
        self.came.count() + self.never.count() + self.left.count()
    }

    fn merge(&mut self, other: &CoarseAsks) {
        self.came.merge(&other.came);
        self.never.merge(&other.never);
        self.left.merge(&other.left);
    }
}

/// A 95 % confidence interval, in the unit of its figure.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Interval {
    /// The lower end.
    pub low: f64,
    /// The upper end; infinite, and null in JSON, if it lies among turns that were not answered.
    pub high: f64,
}

impl Default for Batch {
    fn default() -> Batch {
        Batch {
            spans: std::array::from_fn(|_| Coarse::default()),
            counted: Counted::default(),
            first_asks: Default::default(),
            followed: Coarse::default(),
        }
    }
}

impl Default for Batches {
    fn default() -> Batches {
        Batches(vec![Batch::default(); BATCHES])
    }
}

/// The place of a metric among the spans.
fn place(metric: Metric) -> usize {
    // The metrics stand in the order in which they are declared.
    Hop::ALL.len() + metric as usize
}

impl Batches {
    /// Adds a conversation of world `world`.
    pub(crate) fn add(&mut self, world: u32, events: &[Event], rows: &[Row]) {
        let batch = &mut self.0[world as usize % BATCHES];
        for row in rows {
            for (hop, span) in row.hops.iter() {
                batch.spans[hop as usize].came(span);
            }
            for (metric, span) in &row.metrics {
                batch.spans[place(*metric)].came(*span);
            }
            for (metric, span) in &row.in_vain {
                batch.spans[place(*metric)].in_vain(*span);
            }
            if let Some(first) = FirstAsk::of(row) {
                match first {
                    FirstAsk::Came(span) => batch.first_asks.came.came(span),
                    FirstAsk::Left(span) => batch.first_asks.left.came(span),
                    FirstAsk::Never(span) => batch.first_asks.never.came(span),
                }
                if let Some(span) = patience::followed_ns(row) {
                    batch.followed.came(span);
                }
                let has_none = u64::from(row.has_no_shadow);
                batch.followed.in_vain_unbounded(has_none);
            }
            if row.unanswered.is_some() && row.waited_ns().is_none() {
                batch.spans[place(Metric::E2eLatency)].in_vain_unbounded(1);
            }
            if let Some((hop, span)) = row.stood_in {
                batch.spans[hop as usize].in_vain(span);
            }
        }
        batch.counted.add(events, rows);
    }

    /// Adds a span of world `world` that belongs to no row.
    pub(super) fn add_span(&mut self, world: u32, metric: Metric, span_ns: u64) {
        self.0[world as usize % BATCHES].spans[place(metric)].came(span_ns);
    }

    /// World `world` is over.
    pub(crate) fn add_world(&mut self, world: u32, load: Option<&LoadFigures>) {
        self.0[world as usize % BATCHES].counted.add_world(load);
    }

    /// Adds the figures of other worlds, batch by batch.
    pub fn merge(&mut self, other: &Batches) {
        for (own, other) in self.0.iter_mut().zip(&other.0) {
            for (own, other) in own.spans.iter_mut().zip(&other.spans) {
                own.merge(other);
            }
            own.counted.merge(&other.counted);
            own.first_asks.merge(&other.first_asks);
            own.followed.merge(&other.followed);
        }
    }

    /// The interval of a percentile of the waits if everybody had waited, by shadow answers.
    pub(super) fn of_shadows(&self, asks: &FirstAsks, percentile: Percentile) -> Option<Interval> {
        let shadows = self.0.iter().map(|batch| {
            let mut all = batch.first_asks.came.clone();
            all.merge(&batch.followed);
            all.in_vain_unbounded(batch.first_asks.never.count());
            all
        });
        let shadows: Vec<Coarse> = shadows.collect();
        of_percentile(shadows.iter(), percentile, &asks.shadows())
    }

    /// The interval of a percentile of the waits if everybody had waited, by estimate: that of the share which the
    /// estimate says lies below (a jackknife over batches, Quenouille 1956, "Notes on Bias in Estimation"). `None` if
    /// the estimate does not reach the percentile, or of too few worlds.
    pub(super) fn of_estimate(&self, asks: &FirstAsks, percentile: Percentile) -> Option<Interval> {
        let value = asks.at(percentile.share())?.exact()?;
        let is_held = |batch: &&Batch| batch.first_asks.count() > 0;
        let held: Vec<&Batch> = self.0.iter().filter(is_held).collect();
        if held.len() < BATCHES_MIN {
            return None;
        }
        let within = |without: usize| {
            let rest = held
                .iter()
                .enumerate()
                .filter(|(place, _)| *place != without);
            estimated_within(rest.map(|(_, batch)| &batch.first_asks), value)
        };
        let shares: Vec<f64> = (0..held.len()).map(within).collect();
        let count = shares.len() as f64;
        let mean = shares.iter().sum::<f64>() / count;
        let squares: f64 = shares.iter().map(|s| (s - mean) * (s - mean)).sum();
        let half = t_975(count - 1.0) * libm::sqrt((count - 1.0) / count * squares);
        let (low, high) = (percentile.share() - half, percentile.share() + half);
        let is_known = low > 0.0 && high < 1.0;
        is_known.then_some(Interval {
            low: asks.at(low)?.rank(),
            high: asks.at(high)?.rank(),
        })
    }

    /// The counts of all batches together.
    pub(super) fn counted(&self) -> Counted {
        let mut all = Counted::default();
        self.0.iter().for_each(|batch| all.merge(&batch.counted));
        all
    }

    /// The interval of a figure, of which all waits are `waits`; `None` for one that has none: a maximum, the
    /// longest queue, or one of too few worlds.
    pub(super) fn interval(&self, limited: Limited, waits: Option<&Waits>) -> Option<Interval> {
        let (place, statistic) = match limited {
            Limited::Metric(metric, statistic) => (place(metric), statistic),
            Limited::Hop(hop, statistic) => (hop as usize, statistic),
            Limited::Count(count) => return self.of_count(count),
        };
        match statistic {
            Statistic::Max => None,
            Statistic::Mean => self.of_mean(place),
            Statistic::Percentile(percentile) => {
                let spans = self.0.iter().map(|batch| &batch.spans[place]);
                of_percentile(spans, percentile, waits?)
            }
        }
    }

    /// Whether a statistic falls among waits in vain beyond chance: for a percentile, so many waits are in vain; for a
    /// mean a single one is enough.
    pub(super) fn is_surely_over(&self, limited: Limited) -> bool {
        let (place, statistic) = match limited {
            Limited::Metric(metric, statistic) => (place(metric), statistic),
            Limited::Hop(hop, statistic) => (hop as usize, statistic),
            Limited::Count(_) => return false,
        };
        let spans = self.0.iter().map(|batch| &batch.spans[place]);
        let parts: Vec<(f64, f64)> = spans
            .map(|span| (span.answered() as f64, span.count() as f64))
            .collect();
        let (answered, all) = parts.iter().fold((0.0, 0.0), |(answered, all), part| {
            (answered + part.0, all + part.1)
        });
        match statistic {
            Statistic::Percentile(percentile) => {
                // Where nothing came there is no variance, and no doubt.
                ratio(&parts).is_some_and(|(share, half)| share + half < percentile.share())
            }
            Statistic::Mean => answered < all,
            Statistic::Max => false,
        }
    }

    fn of_mean(&self, place: usize) -> Option<Interval> {
        let spans = self.0.iter().map(|batch| &batch.spans[place]);
        let parts: Vec<(f64, f64)> = spans
            .clone()
            .map(|span| (span.sum_ms(), span.bounded() as f64))
            .collect();
        let (mean, half) = ratio(&parts)?;
        let is_whole = spans
            .into_iter()
            .all(|span| span.answered() == span.count());
        Some(Interval {
            low: (mean - half).max(0.0),
            high: match is_whole {
                true => mean + half,
                false => f64::INFINITY,
            },
        })
    }

    fn of_count(&self, count: Count) -> Option<Interval> {
        let mut is_share = false;
        let mut parts = Vec::with_capacity(BATCHES);
        for batch in &self.0 {
            parts.push(match batch.counted.parts(count)? {
                Parts::Number(happened) => (happened as f64, batch.counted.worlds() as f64),
                Parts::Share(happened, of) => {
                    is_share = true;
                    (happened as f64, of as f64)
                }
            });
        }
        let (share, half) = ratio(&parts)?;
        let all: f64 = parts.iter().map(|(_, of)| of).sum();
        // Nothing that was never seen is impossible, and nothing that was always seen is sure.
        let unseen = OF_NOTHING / all;
        let mut low = (share - half).max(0.0);
        let mut high = match share > 0.0 {
            true => share + half,
            false => unseen,
        };
        if is_share && count != Count::Wer && !count.is_per_question() {
            high = high.min(1.0);
            if share >= 1.0 {
                low = (1.0 - unseen).max(0.0);
            }
        }
        let scale = if is_share { 1.0 } else { all };
        Some(Interval {
            low: low * scale,
            high: high * scale,
        })
    }

    /// How many turns without an answer the batches hold together.
    pub(super) fn in_vain(&self) -> u64 {
        let e2e = place(Metric::E2eLatency);
        let spans = self.0.iter().map(|batch| &batch.spans[e2e]);
        spans.map(|span| span.count() - span.answered()).sum()
    }

    /// How many end-to-end latencies the batches hold together.
    pub(super) fn latencies(&self) -> u64 {
        let e2e = place(Metric::E2eLatency);
        self.0.iter().map(|batch| batch.spans[e2e].answered()).sum()
    }
}

/// The interval of a percentile of waits that lie in these batches.
fn of_percentile<'a>(
    spans: impl Iterator<Item = &'a Coarse> + Clone,
    percentile: Percentile,
    waits: &Waits,
) -> Option<Interval> {
    let parts = |within: &dyn Fn(&Coarse) -> f64| -> Vec<(f64, f64)> {
        spans
            .map(|span| (within(span), span.count() as f64))
            .collect()
    };
    let parts = match waits.percentile(percentile)? {
        Known::Is(value) => parts(&|span| span.within(value)),
        Known::Over(_) => parts(&|span| span.answered() as f64),
    };
    let (_, half) = ratio(&parts)?;
    let share = percentile.share();
    let (low, high) = (share - half, share + half);
    let count = waits.count();
    let at = |share: f64| {
        let rank = libm::ceil(share * count as f64) as u64;
        waits.of_rank(rank.clamp(1, count))
    };
    // So few waits do not tell what lies beyond the last of them.
    let is_known = low > 0.0 && high < 1.0;
    is_known.then_some(Interval {
        low: match at(low)? {
            Known::Is(value) | Known::Over(value) => value,
        },
        high: at(high)?.rank(),
    })
}

/// Which share of the questions is answered within `value_ms`, by estimate, of several batches together.
fn estimated_within<'a>(batches: impl Iterator<Item = &'a CoarseAsks>, value_ms: f64) -> f64 {
    let mut all = CoarseAsks::default();
    batches.for_each(|batch| all.merge(batch));
    let mut incidence = Incidence::of(all.count());
    let mut happened: Vec<(u32, Becomes)> = Vec::new();
    let each = |(index, count): (u32, u32), of: fn(u64) -> Becomes| (index, of(count.into()));
    happened.extend(all.came.buckets().map(|b| each(b, Becomes::Answered)));
    happened.extend(all.never.buckets().map(|b| each(b, Becomes::Never)));
    happened.extend(all.left.buckets().map(|b| each(b, Becomes::Left)));
    happened.sort();
    for (index, what) in happened {
        let before = incidence.answered;
        let part = coarse::part_below(index, value_ms);
        incidence.pass(what);
        if part < 1.0 {
            // A bucket that the value lies in counts by its part below.
            return before + (incidence.answered - before) * part;
        }
    }
    incidence.answered
}

/// A ratio of sums over batches, and half its 95 % interval; `None` of too few batches.
fn ratio(parts: &[(f64, f64)]) -> Option<(f64, f64)> {
    let held: Vec<(f64, f64)> = parts.iter().copied().filter(|(_, of)| *of > 0.0).collect();
    if held.len() < BATCHES_MIN {
        return None;
    }
    let (above, below) = held
        .iter()
        .fold((0.0, 0.0), |sum, part| (sum.0 + part.0, sum.1 + part.1));
    let ratio = above / below;
    let count = held.len() as f64;
    let squares: f64 = held
        .iter()
        .map(|(above, of)| (above - ratio * of) * (above - ratio * of))
        .sum();
    let error = libm::sqrt(count / (count - 1.0) * squares) / below;
    Some((ratio, t_975(count - 1.0) * error))
}

/// The 97.5 % quantile of Student's t, within 0.001 from nine degrees of freedom up (Abramowitz and Stegun 1964,
/// 26.7.5).
fn t_975(degrees: f64) -> f64 {
    const Z: f64 = 1.959_964;
    let z3 = Z * Z * Z;
    let z5 = z3 * Z * Z;
    let z7 = z5 * Z * Z;
    Z + (z3 + Z) / (4.0 * degrees)
        + (5.0 * z5 + 16.0 * z3 + 3.0 * Z) / (96.0 * degrees * degrees)
        + (3.0 * z7 + 19.0 * z5 + 17.0 * z3 - 15.0 * Z) / (384.0 * degrees * degrees * degrees)
}

impl Interval {
    /// Half the width of the interval, as a share of its middle; infinite if it has no upper end.
    pub fn relative(&self) -> f64 {
        match self.high.is_finite() {
            true => (self.high - self.low) / (self.high + self.low),
            false => f64::INFINITY,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_tables() {
        for (degrees, t) in [(9.0, 2.262_157), (20.0, 2.085_963), (63.0, 1.998_341)] {
            assert!((t_975(degrees) - t).abs() < 1e-3, "{degrees}");
        }
    }

    #[test]
    fn a_ratio_of_few_batches_has_no_interval() {
        assert_eq!(ratio(&[(1.0, 2.0); 9]), None);
        let (share, half) = ratio(&[(1.0, 2.0); 10]).expect("ten batches");
        assert_eq!((share, half), (0.5, 0.0));
        // A batch that holds nothing tells nothing.
        let with_empty: Vec<_> = [(1.0, 2.0); 10].into_iter().chain([(0.0, 0.0)]).collect();
        assert_eq!(ratio(&with_empty), Some((0.5, 0.0)));
    }
}
