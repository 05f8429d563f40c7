//! Budgets held against what was measured.

use super::{BudgetResult, Histogram, LoadFigures, Measurement, PoolFigures, Totals};
use crate::event::ResilienceStep;
use crate::scenario::budget::{Budget, Count, Limited, Statistic};

/// The figures that budgets limit.
#[derive(Clone, Copy)]
pub(super) struct Figures<'a> {
    measured: &'a Measurement,
    /// What pools did, in a simulation of many calls at once.
    load: Option<&'a LoadFigures>,
    cut_off_share: Option<f64>,
}

impl<'a> Figures<'a> {
    pub(super) fn of(measured: &'a Measurement) -> Figures<'a> {
        Figures {
            measured,
            load: None,
            cut_off_share: measured.cut_off_share(),
        }
    }

    pub(super) fn of_simulation(totals: &'a Totals) -> Figures<'a> {
        Figures {
            measured: &totals.measured,
            load: totals.load.as_ref(),
            cut_off_share: totals.batches.cut_off_share(),
        }
    }

    pub(super) fn held_to(self, budget: &Budget) -> BudgetResult {
        let actual = match budget.limited {
            Limited::Metric(metric, of) => statistic(self.measured.metrics.get(&metric), of),
            Limited::Hop(hop, of) => statistic(self.measured.hops.get(&hop), of),
            Limited::Count(count) => self.count(count),
        };
        BudgetResult {
            name: budget.name.clone(),
            limit: budget.limit,
            actual,
            pass: actual.is_some_and(|actual| actual <= budget.limit),
        }
    }

    /// A count or a share; `None` where there was nothing to count.
    fn count(self, count: Count) -> Option<f64> {
        let measured = self.measured;
        let (wrong, callers) = (&measured.interruptions, &measured.callers);
        let number = match count {
            Count::FalseBargeIns => wrong.false_barge_ins.into(),
            Count::MissedBargeIns => wrong.missed_barge_ins.into(),
            Count::SpuriousResponses => wrong.spurious_responses.into(),
            Count::MissedResponses => wrong.missed_responses.into(),
            Count::CutOffs => wrong.cut_offs.into(),
            Count::FailedTurns => wrong.failed_turns.into(),
            Count::Restarts => callers.restarts,
            Count::HangUps => callers.hang_ups,
            Count::Fillers => callers.fillers,
            Count::Cured(by) => self.cured(by),
            Count::PoolRefused => self
                .pools(|pool| pool.refused_full + pool.refused_rate)?
                .sum(),
            Count::PoolRefusedFull => self.pools(|pool| pool.refused_full)?.sum(),
            Count::PoolRefusedRate => self.pools(|pool| pool.refused_rate)?.sum(),
            Count::PoolWaiting => self.pools(|pool| pool.waiting_max)?.max()?,
            Count::CutOffShare => return self.cut_off_share,
            Count::FailedShare => return wrong.failed_share(),
            Count::Wer => return measured.wer.map(|wer| wer.rate()),
        };
        // Counts are far below 2^53.
        Some(number as f64)
    }

    fn cured(self, by: ResilienceStep) -> u64 {
        let stages = self.measured.resilience.iter();
        stages.filter_map(|(_, counts)| counts.get(&by)).sum()
    }

    /// A figure of each pool; `None` without pools.
    fn pools(self, of: fn(&PoolFigures) -> u64) -> Option<impl Iterator<Item = u64>> {
        let pools = &self.load?.pools;
        (!pools.is_empty()).then(|| pools.values().map(of))
    }
}

/// A statistic of a histogram in milliseconds; `None` if nothing was recorded.
fn statistic(histogram: Option<&Histogram>, statistic: Statistic) -> Option<f64> {
    let histogram = histogram?;
    match statistic {
        Statistic::Mean => histogram.summary().map(|summary| summary.mean_ms),
        Statistic::Max => histogram.summary().map(|summary| summary.max_ms),
        Statistic::Percentile(percentile) => {
            histogram.of_rank_ms(percentile.rank(histogram.count()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Metric;
    use crate::event::{Expect, Mark, StageName};
    use crate::measure::Outcome;
    use crate::measure::test_rows::row;
    use crate::scenario::budget::budget;

    fn held(totals: &Totals, name: &str, limit: f64) -> (Option<f64>, bool) {
        let result = totals.held_to(&budget(name, limit).expect("a budget"));
        (result.actual, result.pass)
    }

    #[test]
    fn any_percentile_of_a_metric_is_held_to_its_limit() {
        let mut totals = Totals::default();
        let e2e = totals
            .measured
            .metrics
            .entry(Metric::E2eLatency)
            .or_default();
        (1..=1_000).for_each(|ms| e2e.record(ms * 1_000_000));
        for (name, expected) in [
            ("e2e_latency_p75_ms", 750.0),
            ("e2e_latency_p99_9_ms", 999.0),
            ("e2e_latency_mean_ms", 500.5),
            ("e2e_latency_max_ms", 1_000.0),
        ] {
            let (actual, pass) = held(&totals, name, expected * 1.001);
            let actual = actual.expect("measured");
            assert!((actual / expected - 1.0).abs() < 1e-3, "{name}: {actual}");
            assert!(pass, "{name}");
        }
    }

    #[test]
    fn what_was_never_measured_misses_its_budget() {
        let nothing = Totals::default();
        for name in [
            "e2e_latency_p95_ms",
            "hop.answer_p50_ms",
            "wer",
            "cut_off_share",
            "failed_share",
            "pool.refused",
            "pool.waiting",
        ] {
            assert_eq!(held(&nothing, name, 1e9), (None, false), "{name}");
        }
        assert_eq!(held(&nothing, "restarts", 0.0), (Some(0.0), true));
    }

    #[test]
    fn cures_of_all_stages_count_together() {
        let mut totals = Totals::default();
        for stage in [StageName::Answer, StageName::TextToSpeech] {
            let by = ResilienceStep::Retried;
            totals.measured.resilience.add(&Mark::Cured { stage, by });
        }
        assert_eq!(held(&totals, "cure.retried", 1.0), (Some(2.0), false));
        assert_eq!(held(&totals, "cure.hedged", 0.0), (Some(0.0), true));
    }

    #[test]
    fn pools_refuse_together_and_the_longest_queue_counts() {
        let pool = |refused_full, waiting_max| PoolFigures {
            refused_full,
            refused_rate: 1,
            waiting_max,
            ..PoolFigures::default()
        };
        let mut load = LoadFigures::default();
        load.pools.insert(StageName::Answer, pool(2, 7));
        load.pools.insert(StageName::TextToSpeech, pool(0, 9));
        let totals = Totals {
            load: Some(load),
            ..Totals::default()
        };
        assert_eq!(held(&totals, "pool.refused", 4.0), (Some(4.0), true));
        assert_eq!(held(&totals, "pool.refused_full", 1.0), (Some(2.0), false));
        assert_eq!(held(&totals, "pool.waiting_max", 9.0), (Some(9.0), true));
    }

    #[test]
    fn shares_are_of_the_questions() {
        let mut totals = Totals::default();
        let outcomes = [
            Outcome::CutOff,
            Outcome::Failed,
            Outcome::Answered,
            Outcome::Answered,
        ];
        let rows: Vec<_> = (1..)
            .zip(outcomes)
            .map(|(number, outcome)| {
                let mut row = row(number, outcome);
                row.expect = Some(Expect::Respond);
                row
            })
            .collect();
        totals.measured.add(&[], &rows);
        totals.batches.add(0, &rows);
        totals.measured.rows = rows;
        let alone = Figures::of(&totals.measured);
        for (name, share) in [("cut_off_share", 0.25), ("failed_share", 0.25)] {
            assert_eq!(held(&totals, name, 0.3), (Some(share), true));
            let budget = budget(name, 0.3).expect("a budget");
            assert_eq!(alone.held_to(&budget).actual, Some(share));
        }
    }
}
