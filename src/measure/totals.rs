//! The figures of many simulated conversations, without their turns.

use super::batches::Batches;
use super::budgets::Figures;
use super::rows::{Plan, Row, rows};
use super::{BudgetResult, Cost, Interval, LoadFigures, Measurement};
use crate::event::{Event, Expect, Metric};
use crate::scenario::budget::Budget;
use crate::scenario::cost::Prices;
use std::collections::BTreeMap;

/// Sums over conversations. Only integers are added up, so neither the order nor the number of threads makes
/// a difference.
#[derive(Debug, Clone)]
pub struct Totals {
    /// The figures of all conversations together; no rows are kept.
    pub measured: Measurement,
    /// End-to-end latencies and cut-offs by batch, for confidence intervals.
    pub batches: Batches,
    /// How many conversations were added.
    pub conversations: u64,
    /// What the load was; `None` unless many calls were simulated at once.
    pub load: Option<LoadFigures>,
}

impl Default for Totals {
    fn default() -> Totals {
        Totals {
            measured: Measurement::of_nothing(),
            batches: Batches::default(),
            conversations: 0,
            load: None,
        }
    }
}

impl Totals {
    /// Adds a conversation of world `world`, and returns its rows.
    pub fn add(&mut self, world: u32, events: &[Event], plan: &Plan) -> Vec<Row> {
        let rows = rows(events, plan);
        self.measured.add(events, &rows);
        self.batches.add(world, &rows);
        self.conversations += 1;
        rows
    }

    /// Fills in which budgets are kept, and what all of the work cost.
    pub fn judge(&mut self, plan: &Plan) {
        let held = |budget| self.held_to(budget);
        self.measured.budgets = plan.budgets.iter().map(held).collect();
        self.measured.cost = plan.prices.as_ref().and_then(|prices| self.cost(prices));
    }

    /// Tells whether one budget is kept.
    pub fn held_to(&self, budget: &Budget) -> BudgetResult {
        Figures::of_simulation(self).held_to(budget)
    }

    /// What the work cost. The slots of pools are paid for as long as they are there.
    fn cost(&self, prices: &Prices) -> Option<Cost> {
        let mut cost = self.measured.consumption.cost(prices)?;
        if let Some(load) = &self.load {
            let slots_us: u64 = load.pools.values().map(|pool| pool.slots_us).sum();
            let slots = prices.slot_per_hour * slots_us as f64 / 3_600e6;
            cost.per_call += slots / load.calls.max(1) as f64;
            cost.per_minute += slots / (load.call_us.max(1) as f64 / 60e6);
        }
        Some(cost)
    }

    /// How many worlds were simulated: conversations, or whole loads.
    pub fn worlds(&self) -> u64 {
        self.load
            .as_ref()
            .map_or(self.conversations, |load| load.worlds)
    }

    /// Adds what the load of a world was.
    pub fn add_load(&mut self, load: &LoadFigures) {
        self.load.get_or_insert_default().merge(load);
    }

    /// Adds the totals of other worlds. The order makes no difference.
    pub fn merge(&mut self, other: &Totals) {
        self.measured.merge(&other.measured);
        self.batches.merge(&other.batches);
        self.conversations += other.conversations;
        if let Some(load) = &other.load {
            self.add_load(load);
        }
    }

    /// Whether both can be added up without overflowing: many counts have 32 bits.
    pub fn has_room_for(&self, other: &Totals) -> bool {
        let largest = |totals: &Totals| {
            let measured = &totals.measured;
            let speculation = &measured.speculation;
            let wer = measured.wer.unwrap_or_default();
            let small = [
                speculation.prepared,
                speculation.kept,
                speculation.dropped,
                wer.errors,
                wer.words,
            ];
            // No count of interruptions exceeds that of the turns.
            let largest = small.into_iter().max().map_or(0, u64::from);
            largest.max(measured.turns)
        };
        largest(self).saturating_add(largest(other)) <= u64::from(u32::MAX)
    }

    /// 95 % confidence intervals by the name of the figure: mean and percentiles of `e2e_latency` in
    /// milliseconds, and `cut_off_share`. A figure with too few conversations for an interval is left out.
    pub fn intervals(&self) -> BTreeMap<&'static str, Interval> {
        let mut all = BTreeMap::new();
        let e2e = self.measured.metrics.get(&Metric::E2eLatency);
        if let Some(summary) = e2e.and_then(|histogram| histogram.summary()) {
            let percentile = |quantile, value| self.batches.percentile(quantile, value);
            for (name, interval) in [
                ("e2e_latency_mean_ms", self.batches.mean(summary.mean_ms)),
                ("e2e_latency_p50_ms", percentile(0.5, summary.p50_ms)),
                ("e2e_latency_p95_ms", percentile(0.95, summary.p95_ms)),
                ("e2e_latency_p99_ms", percentile(0.99, summary.p99_ms)),
            ] {
                all.extend(interval.map(|interval| (name, interval)));
            }
        }
        let cut_offs = self.batches.cut_offs();
        all.extend(cut_offs.map(|interval| ("cut_off_share", interval)));
        all
    }

    /// How many questions were asked; one that was asked again counts once.
    pub fn questions(&self) -> u64 {
        let outcomes = &self.measured.interruptions.outcomes;
        let questions = outcomes.get(&Expect::Respond);
        let rows: u64 = questions.map_or(0, |outcomes| {
            outcomes.values().map(|count| u64::from(*count)).sum()
        });
        rows.saturating_sub(self.measured.callers.restarts)
    }
}
