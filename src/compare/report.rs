//! What the reports of a side say, where its turns do not tell.

use super::quantity::{RATES, Statistic, place};
use crate::event::Hop;
use crate::measure::folder::Results;
use crate::measure::{Histogram, Interruptions, Summary, Waits};

/// A side, as its reports have it.
pub(super) struct Report<'a> {
    pub all: &'a [&'a Results],
}

impl Report<'_> {
    pub(super) fn has_fillers(&self) -> bool {
        self.all
            .iter()
            .any(|kept| kept.measured().callers.fillers > 0)
    }

    pub(super) fn has(&self, span: usize) -> bool {
        self.histograms(span).any(|histogram| histogram.count() > 0)
    }

    /// Whether the span ever took any time.
    pub(super) fn has_length(&self, span: usize) -> bool {
        self.histograms(span)
            .any(|histogram| histogram.max_ns() > 0)
    }

    /// The summary of a span over all results of the side; `None` if nothing was recorded.
    pub(super) fn summary(&self, span: usize) -> Option<Summary> {
        let mut sum = Histogram::default();
        self.histograms(span)
            .for_each(|histogram| sum.add(histogram));
        sum.summary()
    }

    fn histograms(&self, span: usize) -> impl Iterator<Item = &Histogram> {
        self.all.iter().filter_map(move |kept| {
            let measured = kept.measured();
            match Hop::ALL.get(span) {
                Some(hop) => measured.hops.get(hop).map(Waits::answered),
                None => {
                    let mut metrics = measured.metrics.iter();
                    metrics.find_map(|(name, own)| (place(*name) == span).then_some(own.answered()))
                }
            }
        })
    }

    /// The count of a rate that turns of a simulation do not tell: only the totals know of a sound that both
    /// stopped the agent and was answered. `None` for runs and other rates.
    pub(super) fn count(&self, place: usize) -> Option<u64> {
        let of = |counts: &Interruptions| match RATES[place] {
            "false_barge_ins" => Some(counts.false_barge_ins),
            "spurious_responses" => Some(counts.spurious_responses),
            _ => None,
        };
        let count = |kept: &&Results| match kept {
            Results::Simulation(simulation) => of(&simulation.totals.measured.interruptions),
            Results::Run(_) => None,
        };
        self.all.iter().map(|kept| count(kept).map(u64::from)).sum()
    }
}

impl Statistic {
    pub(super) fn of(self, summary: &Summary) -> f64 {
        match self {
            Statistic::P50 => summary.p50_ms,
            Statistic::P95 => summary.p95_ms,
            Statistic::Mean | Statistic::Share => summary.mean_ms,
        }
    }
}
