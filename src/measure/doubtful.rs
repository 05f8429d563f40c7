//! Turns on a recording whose latencies may be others than were found. They stay outside of the headline, are
//! counted, and cannot help a budget.

use super::{Row, Waits};
use crate::event::{Doubt, Metric};
use std::collections::BTreeMap;

/// Answered turns whose latencies are doubtful.
#[derive(Debug, Clone, Default)]
pub struct Doubtful {
    /// How many there are, by reason.
    pub reasons: BTreeMap<Doubt, u64>,
    /// Their latencies by metric, which no other figure holds.
    pub metrics: BTreeMap<Metric, Waits>,
    /// Whether the headline was asked to take them in.
    pub are_in: bool,
}

impl Doubtful {
    /// How many turns are doubtful.
    pub fn count(&self) -> u64 {
        self.reasons.values().sum()
    }

    /// How many are doubtful, and why, for people: `3 noise hides soft sounds, 1 the other side leaks in`.
    pub fn told(&self) -> String {
        let mut reasons: Vec<(&Doubt, &u64)> = self.reasons.iter().collect();
        reasons.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        let told = reasons.iter().map(|(doubt, count)| match reasons.len() {
            1 => doubt.told().to_owned(),
            _ => format!("{count} × {}", doubt.told()),
        });
        told.collect::<Vec<String>>().join(", ")
    }

    pub(super) fn add(&mut self, row: &Row, doubt: Doubt) {
        *self.reasons.entry(doubt).or_default() += 1;
        for (metric, span) in &row.metrics {
            self.metrics.entry(*metric).or_default().came(*span);
        }
    }

    pub(super) fn merge(&mut self, other: &Doubtful) {
        for (doubt, count) in &other.reasons {
            *self.reasons.entry(*doubt).or_default() += count;
        }
        add_all(&mut self.metrics, &other.metrics);
        self.are_in |= other.are_in;
    }
}

/// Adds waits to others, metric by metric.
pub(super) fn add_all(to: &mut BTreeMap<Metric, Waits>, from: &BTreeMap<Metric, Waits>) {
    for (metric, waits) in from {
        to.entry(*metric).or_default().add(waits);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::test_rows::row;
    use crate::measure::{BudgetResult, Measurement, Outcome};
    use crate::scenario::budget::budget;

    /// Two answers after 400 ms, and one after `doubtful_ms` that is doubtful.
    fn measured(doubtful_ms: u64) -> Measurement {
        let mut rows = [400, 400, doubtful_ms].map(|ms| Row {
            e2e_ns: Some(ms * 1_000_000),
            metrics: vec![(Metric::E2eLatency, ms * 1_000_000)],
            ..row(1, Outcome::Answered)
        });
        rows[2].doubtful = Some(Doubt::Noise);
        let mut all = Measurement::of_nothing();
        all.add(&[], &rows);
        all
    }

    fn held(measured: &Measurement) -> BudgetResult {
        measured.held_to(&budget("e2e_latency_max_ms", 800.0).expect("a budget"))
    }

    #[test]
    fn a_doubtful_turn_is_counted_and_stays_outside_of_the_headline() {
        let measured = measured(900);
        assert_eq!((measured.turns, measured.doubtful.count()), (3, 1));
        assert_eq!(measured.answered.count(), 2);
        let of = |metrics: &BTreeMap<Metric, Waits>| {
            let summary = metrics[&Metric::E2eLatency].summary().expect("answers");
            (summary.count, summary.max.exact().map(f64::round))
        };
        assert_eq!(of(&measured.metrics), (2, Some(400.0)));
        let with = measured.metrics_with_doubtful().expect("doubtful turns");
        assert_eq!(of(&with).0, 3);
    }

    #[test]
    fn a_budget_is_kept_only_with_the_doubtful_turns_in() {
        let (slow, fast) = (held(&measured(900)), held(&measured(500)));
        assert!(!slow.pass && slow.is_open, "{slow:?}");
        assert_eq!(slow.verdict(), "UNDECIDED");
        assert!(slow.doubt().contains("with the doubtful turns"));
        assert!(fast.pass && !fast.is_open);
        let mut all = measured(900);
        all.take_in_doubtful();
        let missed = held(&all);
        assert!(!missed.pass && !missed.is_open, "{missed:?}");
    }
}
