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
