//! The figures of many simulated conversations, without their turns.

use super::batches::{Batches, Certainty};
use super::budgets::Figures;
use super::rows::{Plan, Row, rows_of_simulated};
use super::{BudgetResult, Cost, Interval, Known, LoadFigures, Measurement};
use crate::event::{Event, Expect, Hop, Metric};
use crate::scenario::budget::{Budget, Count, Percentile, budget};
use crate::scenario::cost::Prices;
use std::collections::BTreeMap;

/// The figures whose intervals a report shows unasked. Any other that a budget limits has one too.
const WITH_INTERVALS: [&str; 6] = [
    "e2e_latency_mean_ms",
    "e2e_latency_p50_ms",
    "e2e_latency_p95_ms",
    "e2e_latency_p99_ms",
    "cut_off_share",
    "unanswered_share",
];

/// Sums over conversations. Only integers are added up, so neither the order nor the number of threads makes
/// a difference.
#[derive(Debug, Clone)]
pub struct Totals {
    /// The figures of all conversations together; no rows are kept.
    pub measured: Measurement,
    /// Waits and counts by batch, for confidence intervals.
    pub batches: Batches,
    /// How many conversations were added.
    pub conversations: u64,
    /// What the load was; `None` unless many calls were simulated at once.
    pub load: Option<LoadFigures>,
    /// Whether the figures come from a file of an older version, which knows nothing of turns that were not
    /// answered: its percentiles are those of the answered turns.
    pub is_of_answered_turns: bool,
}

impl Default for Totals {
    fn default() -> Totals {
        Totals {
            measured: Measurement::of_nothing(),
            batches: Batches::default(),
            conversations: 0,
            load: None,
            is_of_answered_turns: false,
        }
    }
}

impl Totals {
    /// Adds a conversation of world `world`, and returns its rows.
    pub fn add(&mut self, world: u32, events: &[Event], plan: &Plan) -> Vec<Row> {
        let rows = rows_of_simulated(events, plan);
        self.add_rows(world, events, &rows);
        rows
    }

    /// Adds a conversation of world `world`, of which these are the rows.
    pub fn add_rows(&mut self, world: u32, events: &[Event], rows: &[Row]) {
        let batches = &mut self.batches;
        self.measured.add_telling(events, rows, |metric, span_ns| {
            batches.add_span(world, metric, span_ns);
        });
        self.batches.add(world, events, rows);
        self.conversations += 1;
    }

    /// World `world` is over: a conversation, or the calls of a load.
    pub fn add_world(&mut self, world: u32, load: Option<&LoadFigures>) {
        self.batches.add_world(world, load);
        if let Some(load) = load {
            self.load.get_or_insert_default().merge(load);
        }
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

    /// The share of questions in the middle of which an endpoint was committed, heard or taken back, each question
    /// counted once, 0 to 1; `None` if none was asked.
    pub fn cut_off_share(&self) -> Option<f64> {
        self.count(Count::CutOffShare)
    }

    /// A count or a share; `None` where there was nothing to count.
    pub fn count(&self, count: Count) -> Option<f64> {
        Figures::of_simulation(self).count(count)
    }

    /// How many worlds were simulated: conversations, or whole loads.
    pub fn worlds(&self) -> u64 {
        self.load
            .as_ref()
            .map_or(self.conversations, |load| load.worlds)
    }

    /// Adds the totals of other worlds. The order makes no difference.
    pub fn merge(&mut self, other: &Totals) {
        self.measured.merge(&other.measured);
        self.batches.merge(&other.batches);
        self.conversations += other.conversations;
        self.is_of_answered_turns |= other.is_of_answered_turns;
        if let Some(load) = &other.load {
            self.load.get_or_insert_default().merge(load);
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
    /// milliseconds, and shares of questions. A figure of too few worlds for an interval is left out.
    pub fn intervals(&self) -> BTreeMap<&'static str, Interval> {
        let interval = |name| self.interval(name);
        WITH_INTERVALS.into_iter().filter_map(interval).collect()
    }

    /// The interval of the figure of this name, named as a budget is (a count without its `_max`); `None` if it has
    /// none.
    pub fn interval(&self, name: &'static str) -> Option<(&'static str, Interval)> {
        let limited = budget(name, 0.0).ok()?.limited;
        Some((name, Figures::of_simulation(self).interval(limited)?))
    }

    /// The 95th percentile of every metric and hop and every count, by name, with their intervals. What was never
    /// measured is left out.
    pub fn figures(&self) -> BTreeMap<String, (Known, Option<Interval>)> {
        let figures = Figures::of_simulation(self);
        let metrics = Metric::ALL.map(|metric| format!("{metric}_p95_ms"));
        let hops = Hop::ALL.map(|hop| format!("hop.{hop}_p95_ms"));
        let counts = Count::ALL.map(|(name, _)| name.to_owned());
        let names = metrics.into_iter().chain(hops).chain(counts);
        let figure = |name: String| {
            let limited = budget(&name, 0.0).ok()?.limited;
            Some((name, (figures.known(limited)?, figures.interval(limited))))
        };
        names.filter_map(figure).collect()
    }

    /// A figure, named as a budget is (a count without its `_max`); `None` if nothing was measured of it.
    pub fn known(&self, name: &str) -> Option<Known> {
        let limited = budget(name, 0.0).ok()?.limited;
        Figures::of_simulation(self).known(limited)
    }

    /// How certain the difference between a figure here and in `base` is: the same worlds with the same luck. `None` of
    /// too few worlds, or where the figure falls among turns that were not answered.
    pub fn certainty_beside(&self, base: &Totals, name: &str) -> Option<Certainty> {
        let limited = budget(name, 0.0).ok()?.limited;
        self.batches.certainty(&base.batches, limited)
    }

    /// The interval of a percentile of the waits if everybody had waited, by estimate; `None` as in
    /// [`FirstAsks::estimate`](super::FirstAsks::estimate), or of too few worlds.
    pub fn estimate_interval(&self, percentile: Percentile) -> Option<Interval> {
        self.measured.estimate_if_all_waited(percentile)?;
        self.batches
            .of_estimate(&self.measured.first_asks, percentile)
    }

    /// The interval of a percentile of the waits if everybody had waited, by shadow answers; `None` if none was followed.
    pub fn shadows_interval(&self, percentile: Percentile) -> Option<Interval> {
        let asks = &self.measured.first_asks;
        asks.by_shadows(percentile)?;
        self.batches.of_shadows(asks, percentile)
    }

    /// How many questions were asked; one that was asked again counts once.
    pub fn questions(&self) -> u64 {
        let rows = self.measured.interruptions.asked(Expect::Respond);
        rows.saturating_sub(self.measured.callers.restarts)
    }
}
