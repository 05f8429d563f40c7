//! How far a figure differs between two simulations with the same luck.
//!
//! Batches hold the same worlds in both, so that what both have in common falls out of a difference. Batches are put
//! together into sections, each of which tells a difference of its own; how far these lie apart says how far chance
//! reaches (sectioning: Asmussen and Glynn 2007, "Stochastic Simulation", III.5).

use super::{Batch, Batches, place, t_975};
use crate::measure::coarse::{self, Coarse};
use crate::measure::counted::{Counted, Parts};
use crate::scenario::budget::{Count, Limited, Statistic};

/// Sections that batches are put together into.
const SECTIONS: usize = 16;

/// With fewer sections that tell something nobody knows how far chance reaches.
const SECTIONS_MIN: usize = 8;

/// What some batches hold together of one figure.
#[derive(Default)]
struct Section {
    waits: Coarse,
    counted: Counted,
}

/// How certain the difference between a figure of two simulations with the same luck is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Certainty {
    /// Half the 95 % interval of the difference, in the figure's unit.
    pub half: f64,
    /// With luck of its own each would have to have so many times as many worlds; infinite where they differ in nothing.
    pub times: f64,
}

impl Batches {
    /// How certain the difference between a figure here and in `base` is, which has the same worlds; `None` of too few
    /// worlds, or where the figure falls among waits in vain.
    pub(in crate::measure) fn certainty(
        &self,
        base: &Batches,
        limited: Limited,
    ) -> Option<Certainty> {
        let figures = |nth| {
            let own = self.section(limited, nth).figure(limited)?;
            Some((own, base.section(limited, nth).figure(limited)?))
        };
        let (own, other) = figures(None)?;
        let told: Vec<(f64, f64)> = (0..SECTIONS)
            .filter_map(|nth| figures(Some(nth)))
            .map(|(in_own, in_other)| (in_own - own, in_other - other))
            .collect();
        let count = told.len() as f64;
        let together: f64 = told
            .iter()
            .map(|(own, other)| (own - other) * (own - other))
            .sum();
        let apart: f64 = told
            .iter()
            .map(|(own, other)| own * own + other * other)
            .sum();
        (told.len() >= SECTIONS_MIN).then(|| Certainty {
            half: t_975(count - 1.0) * libm::sqrt(together / (count * (count - 1.0))),
            times: if together > 0.0 {
                apart / together
            } else {
                f64::INFINITY
            },
        })
    }

    /// What the batches of a section hold, or all of them.
    fn section(&self, limited: Limited, nth: Option<usize>) -> Section {
        let mut section = Section::default();
        let own = self.0.iter().enumerate();
        let is_in = |(index, _): &(usize, &Batch)| nth.is_none_or(|nth| index % SECTIONS == nth);
        for (_, batch) in own.filter(is_in) {
            match limited {
                Limited::Metric(metric, _) => section.waits.merge(&batch.spans[place(metric)]),
                Limited::Hop(hop, _) => section.waits.merge(&batch.spans[hop as usize]),
                Limited::Count(_) => section.counted.merge(&batch.counted),
            }
        }
        section
    }
}

impl Section {
    fn figure(&self, limited: Limited) -> Option<f64> {
        let statistic = match limited {
            Limited::Count(count) => return self.share(count),
            Limited::Metric(_, statistic) | Limited::Hop(_, statistic) => statistic,
        };
        match statistic {
            Statistic::Max => None,
            Statistic::Mean => {
                let is_whole = self.waits.answered() == self.waits.count();
                (is_whole && self.waits.count() > 0)
                    .then(|| self.waits.sum_ms() / self.waits.count() as f64)
            }
            Statistic::Percentile(percentile) => quantile_ms(&self.waits, percentile.share()),
        }
    }

    /// A share; a count grows with the worlds, so that sections say nothing of it.
    fn share(&self, count: Count) -> Option<f64> {
        match self.counted.parts(count)? {
            Parts::Number(_) => None,
            share => share.value(),
        }
    }
}

/// The time that this share of the waits lies below; `None` if it falls among those in vain.
fn quantile_ms(waits: &Coarse, share: f64) -> Option<f64> {
    let wanted = share * waits.count() as f64;
    let mut below = 0.0;
    for (index, count) in waits.buckets() {
        let count = f64::from(count);
        if below + count >= wanted {
            return Some(coarse::at_part(index, (wanted - below) / count));
        }
        below += count;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Metric;
    use crate::rng::Seed;
    use crate::scenario::budget::Percentile;

    fn p95() -> Limited {
        let percentile = Percentile::whole(95);
        Limited::Metric(Metric::E2eLatency, Statistic::Percentile(percentile))
    }

    /// Ten waits of each of these worlds, of about 500 ms; some that are `factor` times as long.
    fn batches(worlds: u32, factor: f64) -> Batches {
        let mut batches = Batches::default();
        let source = Seed(1).source("test", "waits");
        for world in 0..worlds {
            for turn in 0..10 {
                let mut draw = source.draw(world.into(), turn);
                let ms = 400.0 + 200.0 * draw.uniform();
                let ms = if ms > 500.0 { ms * factor } else { ms };
                batches.add_span(world, Metric::E2eLatency, (ms * 1e6) as u64);
            }
        }
        batches
    }

    #[test]
    fn what_is_the_same_differs_by_nothing_and_not_by_chance_either() {
        let same = batches(1_000, 1.0).certainty(&batches(1_000, 1.0), p95());
        let same = same.expect("a difference");
        assert_eq!((same.half, same.times), (0.0, f64::INFINITY));
    }

    #[test]
    fn shared_luck_tells_a_difference_that_both_by_themselves_would_not() {
        let (base, slower) = (batches(1_000, 1.0), batches(1_000, 1.01));
        let told = slower.certainty(&base, p95()).expect("a difference");
        // 1 % of 590 ms; the p95 of 10,000 waits is itself known to within 2 ms.
        assert!(told.half < 1.0 && told.times > 4.0, "{told:?}");
    }

    #[test]
    fn too_few_worlds_tell_nothing() {
        let told = batches(5, 1.1).certainty(&batches(5, 1.0), p95());
        assert_eq!(told, None);
    }
}
