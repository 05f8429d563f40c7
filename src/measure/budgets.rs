//! Budgets held against what was measured.

use super::counted::Counted;
use super::{
    Batches, BudgetResult, Interval, Known, LoadFigures, Measurement, PoolFigures, Totals, Waits,
};
use crate::scenario::budget::{Budget, Count, Limited};

/// The figures that budgets limit.
pub(super) struct Figures<'a> {
    measured: &'a Measurement,
    counted: Counted,
    /// What pools did, in a simulation of many calls at once.
    load: Option<&'a LoadFigures>,
    /// What tells how far figures can be trusted, in a simulation.
    batches: Option<&'a Batches>,
}

impl<'a> Figures<'a> {
    pub(super) fn of(measured: &'a Measurement) -> Figures<'a> {
        Figures {
            measured,
            counted: Counted::of(measured),
            load: None,
            batches: None,
        }
    }

    pub(super) fn of_simulation(totals: &'a Totals) -> Figures<'a> {
        Figures {
            measured: &totals.measured,
            counted: totals.batches.counted(),
            load: totals.load.as_ref(),
            batches: Some(&totals.batches),
        }
    }

    pub(super) fn held_to(&self, budget: &Budget) -> BudgetResult {
        let known = self.known(budget.limited);
        let actual = known.and_then(Known::exact);
        let mut result = BudgetResult {
            name: budget.name.clone(),
            limit: budget.limit,
            actual,
            over: known.and_then(Known::over),
            interval: self.interval(budget.limited),
            pass: actual.is_some_and(|actual| actual <= budget.limit),
            worlds_to_decide: None,
            with_doubtful: None,
            is_open: false,
            is_estimated: self.batches.is_some() && budget.limited.is_sum(),
            is_surely_over: self
                .batches
                .is_some_and(|batches| batches.is_surely_over(budget.limited)),
        };
        result.worlds_to_decide = result.needed(self.counted.worlds());
        result
    }

    /// A figure; `None` if there was nothing to measure.
    pub(super) fn known(&self, limited: Limited) -> Option<Known> {
        match limited {
            Limited::Metric(_, of) | Limited::Hop(_, of) => self.waits(limited)?.statistic(of),
            Limited::Count(count) => self.count(count).map(Known::Is),
        }
    }

    /// The interval of a figure; `None` if it has none.
    pub(super) fn interval(&self, limited: Limited) -> Option<Interval> {
        self.batches?.interval(limited, self.waits(limited))
    }

    fn waits(&self, limited: Limited) -> Option<&'a Waits> {
        match limited {
            Limited::Metric(metric, _) => self.measured.metrics.get(&metric),
            Limited::Hop(hop, _) => self.measured.hops.get(&hop),
            Limited::Count(_) => None,
        }
    }

    /// A count or a share; `None` where there was nothing to count.
    pub(super) fn count(&self, count: Count) -> Option<f64> {
        match count {
            Count::PoolRefused | Count::PoolRefusedFull | Count::PoolRefusedRate
                if self.pools().is_none() =>
            {
                None
            }
            Count::PoolWaiting => {
                let longest = self.pools()?.map(|pool| pool.waiting_max).max()?;
                Some(longest as f64)
            }
            _ => self.counted.parts(count)?.value(),
        }
    }

    /// The pools; `None` without any.
    fn pools(&self) -> Option<impl Iterator<Item = &'a PoolFigures> + use<'a>> {
        let pools = &self.load?.pools;
        (!pools.is_empty()).then(|| pools.values())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Event, Expect, Mark, SessionId, StageName, Tick, TurnId};
    use crate::event::{Metric, ResilienceStep};
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
        (1..=1_000).for_each(|ms| e2e.came(ms * 1_000_000));
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
            let event = Event {
                tick: Tick(1),
                session: SessionId(0),
                turn: TurnId(1),
                mark: Mark::Cured { stage, by },
            };
            totals.batches.add(0, &[event], &[]);
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
        let mut totals = Totals::default();
        totals.add_world(0, Some(&load));
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
        totals.batches.add(0, &[], &rows);
        totals.measured.rows = rows;
        let alone = Figures::of(&totals.measured);
        for (name, share) in [("cut_off_share", 0.25), ("failed_share", 0.25)] {
            assert_eq!(held(&totals, name, 0.3), (Some(share), true));
            let budget = budget(name, 0.3).expect("a budget");
            assert_eq!(alone.held_to(&budget).actual, Some(share));
        }
    }
}
