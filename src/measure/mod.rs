//! From events to figures: turns, hops, histograms, interruptions, word error rate. The module
//! folds what was recorded. It reads no clock and runs no engine, so a record can be measured anywhere, at any
//! time.

mod background;
mod batches;
mod both;
mod budget_result;
mod budgets;
mod callers;
mod coarse;
mod consumption;
mod costliest;
mod counted;
mod devices;
mod disclosures;
mod disturbance;
mod doubtful;
pub mod folder;
mod histogram;
pub(crate) mod holm;
mod hops;
mod interruptions;
pub mod labels;
mod load;
mod patience;
mod reason;
mod reasoning_time;
mod redacted;
mod resilience;
mod right;
mod rows;
pub mod segments;
mod speculation;
#[cfg(test)]
pub(crate) mod test_rows;
mod totals;
mod totals_file;
mod traced;
mod turn_marks;
pub mod turns;
mod waits;
mod wer;
mod worst;
mod writing;

pub use background::Background;
pub use batches::{BATCHES, Batches, Certainty, Interval};
pub use both::speech;
pub use budget_result::{BudgetResult, WithDoubtful};
pub use callers::Callers;
pub use consumption::{Consumption, Cost};
pub use costliest::{Question, costliest};
pub use devices::Devices;
pub use disclosures::Disclosures;
pub use disturbance::{Disturbance, MachineBusy, is_disturbed};
pub use doubtful::Doubtful;
pub use histogram::{Histogram, Summary, bucket_ns};
pub use hops::{HopSpans, Slice};
pub use interruptions::Interruptions;
pub use load::{LoadFigures, PoolFigures};
pub use patience::FirstAsks;
pub use reason::Reason;
pub use resilience::ResilienceCounts;
pub use right::RightAnswers;
pub use rows::{Outcome, Plan, Row, RowPlan, rows, rows_of_simulated, turns_by_row};
pub use speculation::Speculation;
pub use totals::Totals;
pub use totals_file::{TOTALS, TotalsError};
pub use turn_marks::Decided;
pub use waits::{Known, Unanswered, WaitSummary, Waits};
pub use wer::WordErrors;
pub use worst::worst;
pub use writing::{Pace, Writing};

use crate::event::{Event, Hop, Mark, Metric, SessionEnd, nanos};
pub use crate::scenario::budget::Percentile;

use crate::scenario::budget::Budget;
use crate::scenario::cost::Prices;
use budgets::Figures;
use std::collections::BTreeMap;
use std::time::Duration;

/// The figures of a run, a simulation or a recorded call.
#[derive(Debug, Clone)]
pub struct Measurement {
    /// The rows of the report, in order; a simulation keeps none.
    pub rows: Vec<Row>,
    /// How many rows there are, whether or not they are kept.
    pub turns: u64,
    /// Answered turns whose hops add up to their latency, to the nanosecond.
    pub exact: u64,
    /// Latencies by metric, in nanoseconds, of all turns that should have been answered: those that were not count
    /// as waits in vain. Besides them `playback_gap` of every reply, `barge_in_stop` and `detection_delay` of
    /// every stop that was right, and every `overlap`, `talk_over` and `dead_air`.
    pub metrics: BTreeMap<Metric, Waits>,
    /// Answered turns on a recording whose latencies may be others, which the metrics leave out.
    pub doubtful: Doubtful,
    /// Hops of answered turns; a turn that was not answered counts as a wait in vain in the hop in which it was
    /// given up.
    pub hops: BTreeMap<Hop, Waits>,
    /// The latencies of answered turns alone, each since the question was asked last: the sums of their hops.
    pub answered: Histogram,
    /// What became of questions when they were first asked, and what would have if everybody had waited.
    pub first_asks: FirstAsks,
    /// What went right and wrong when both spoke, or nobody did.
    pub interruptions: Interruptions,
    /// What simulated callers did when an answer was late, and how good voted answers were.
    pub callers: Callers,
    /// Whether the agent said that it is a machine, where it had to.
    pub disclosures: Disclosures,
    /// How often each resilience policy (retry, hedge, breaker, fallback) took effect.
    pub resilience: ResilienceCounts,
    /// What conversations used of what is paid for.
    pub consumption: Consumption,
    /// Replies that were prepared while the caller paused, and what became of them.
    pub speculation: Speculation,
    /// How fast language models wrote, where a server tells.
    pub writing: Writing,
    /// Word errors of all turns with a reference; `None` if there is none.
    pub wer: Option<WordErrors>,
    /// Right answers to the questions of which a right answer is known.
    pub right_answers: RightAnswers,
    /// The budgets of the plan, in the order of their keys, and whether each is kept.
    pub budgets: Vec<BudgetResult>,
    /// What the work cost; `None` where prices are not known.
    pub cost: Option<Cost>,
    /// Voices in the background that were not taken for the caller's.
    pub background: Background,
    /// The real clock's worst lag.
    pub clock_lag: Duration,
    /// What became of microphone and speaker in a live session.
    pub devices: Devices,
    /// What other programs on the machine did to the engines' work.
    pub disturbance: Disturbance,
    /// The record ends before the conversation does: the run was stopped or killed.
    pub is_cut_short: bool,
}

/// Folds the events of one conversation.
/// # Example
/// ```
/// use std::path::Path;
/// use voicesim::measure::{Plan, folder, measure};
/// use voicesim::record::store;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let kept = Path::new("tests/it/data/recorded");
/// let (header, scenario) = folder::header_and_scenario(kept)?;
/// let measured = measure(&store::read_events(kept)?, &Plan::of(&scenario, header.rows_per));
/// assert!(!measured.rows.is_empty());
/// # Ok(())
/// # }
/// ```
pub fn measure(events: &[Event], plan: &Plan) -> Measurement {
    let rows = rows::rows(events, plan);
    let mut measurement = Measurement::of_nothing();
    measurement.add(events, &rows);
    measurement.rows = rows;
    measurement.speculation = speculation::speculation(events);
    measurement.judge(&plan.budgets);
    measurement.price(plan.prices.as_ref());
    measurement
}

impl Measurement {
    /// The measurement of no conversation at all.
    pub fn of_nothing() -> Measurement {
        Measurement {
            rows: Vec::new(),
            turns: 0,
            exact: 0,
            metrics: BTreeMap::new(),
            doubtful: Doubtful::default(),
            hops: BTreeMap::new(),
            answered: Histogram::default(),
            first_asks: FirstAsks::default(),
            interruptions: Interruptions::default(),
            callers: Callers::default(),
            disclosures: Disclosures::default(),
            resilience: ResilienceCounts::default(),
            consumption: Consumption::default(),
            speculation: Speculation::default(),
            writing: Writing::default(),
            wer: None,
            right_answers: RightAnswers::default(),
            budgets: Vec::new(),
            cost: None,
            background: Background::default(),
            clock_lag: Duration::ZERO,
            devices: Devices::default(),
            disturbance: Disturbance::default(),
            is_cut_short: false,
        }
    }

    /// Adds a conversation, of which only the figures are kept. What speculation cost is not among
    /// them: simulated engines take no CPU time.
    pub(crate) fn add(&mut self, events: &[Event], rows: &[Row]) {
        self.add_telling(events, rows, |_, _| {});
    }

    /// Adds a conversation, and tells each span of it that belongs to no row.
    fn add_telling(&mut self, events: &[Event], rows: &[Row], mut told: impl FnMut(Metric, u64)) {
        self.turns += rows.len() as u64;
        for row in rows {
            self.interruptions.add(row);
            self.wer = plus(self.wer, row.wer);
            self.right_answers.add(row);
            if let Some(doubt) = row.doubtful {
                self.doubtful.add(row, doubt);
                continue;
            }
            let is_exact = row.e2e_ns == Some(row.hops.sum());
            self.exact += u64::from(is_exact);
            for (metric, span) in &row.metrics {
                self.metrics.entry(*metric).or_default().came(*span);
            }
            for (hop, span) in row.hops.iter() {
                self.hops.entry(hop).or_default().came(span);
            }
            if let Some(span) = row.e2e_ns {
                self.answered.record(span);
            }
            self.first_asks.add(row);
            if let Some(reason) = row.unanswered {
                for (metric, span) in &row.in_vain {
                    let waits = self.metrics.entry(*metric).or_default();
                    waits.in_vain(Some(*span), reason);
                }
                if row.waited_ns().is_none() {
                    let waits = self.metrics.entry(Metric::E2eLatency).or_default();
                    waits.in_vain(None, reason);
                }
                if let Some((hop, span)) = row.stood_in {
                    self.hops
                        .entry(hop)
                        .or_default()
                        .in_vain(Some(span), reason);
                }
            }
        }
        let (mut is_cut_short, mut prepared) = (true, None);
        // Nothing is counted here of the steps of a stage's work.
        for event in events.iter().filter(|event| !event.mark.is_step()) {
            self.devices.add(event);
            self.background.add(&event.mark);
            self.callers.add(&event.mark);
            self.resilience.add(&event.mark);
            self.writing.add(&event.mark);
            match &event.mark {
                Mark::PlaybackGap { gap_ns, .. } => {
                    self.record(Metric::PlaybackGap, *gap_ns);
                    told(Metric::PlaybackGap, *gap_ns);
                }
                Mark::Speculated { .. } => {
                    self.speculation.prepared += 1;
                    prepared = Some(event.turn);
                }
                Mark::SpeculationDropped => {
                    self.speculation.dropped += 1;
                    prepared = None;
                }
                Mark::ReplyStarted { .. } => {
                    let is_kept = prepared.take() == Some(event.turn);
                    self.speculation.kept += u32::from(is_kept);
                }
                Mark::ClockLag { lag_ns } => {
                    self.clock_lag = self.clock_lag.max(Duration::from_nanos(*lag_ns));
                }
                Mark::Exit {
                    cost: Some(cost), ..
                } => self.disturbance.add(cost),
                Mark::SessionEnded {
                    cause: SessionEnd::Finished,
                } => is_cut_short = false,
                _ => {}
            }
        }
        self.is_cut_short |= is_cut_short;
        self.consumption.add(events);
        self.disclosures.add(events);
        let both = both::both(events);
        for (metric, spans) in [
            (Metric::Overlap, both.overlap),
            (Metric::TalkOver, both.talk_over),
            (Metric::DeadAir, both.dead_air),
        ] {
            for span in spans {
                self.record(metric, span);
                told(metric, span);
            }
        }
    }

    fn record(&mut self, metric: Metric, span_ns: u64) {
        self.metrics.entry(metric).or_default().came(span_ns);
    }

    /// Adds the figures of others to these. The order in which figures are added makes no difference.
    pub fn merge(&mut self, other: &Measurement) {
        self.rows.extend(other.rows.iter().cloned());
        self.turns += other.turns;
        self.exact += other.exact;
        doubtful::add_all(&mut self.metrics, &other.metrics);
        self.doubtful.merge(&other.doubtful);
        for (hop, waits) in &other.hops {
            self.hops.entry(*hop).or_default().add(waits);
        }
        self.answered.add(&other.answered);
        self.first_asks.merge(&other.first_asks);
        self.interruptions.merge(&other.interruptions);
        self.callers.merge(&other.callers);
        self.disclosures.merge(&other.disclosures);
        self.resilience.merge(&other.resilience);
        self.writing.merge(&other.writing);
        self.consumption.merge(&other.consumption);
        self.speculation.prepared += other.speculation.prepared;
        self.speculation.kept += other.speculation.kept;
        self.speculation.dropped += other.speculation.dropped;
        self.wer = plus(self.wer, other.wer);
        self.right_answers.merge(other.right_answers);
        self.background.merge(&other.background);
        self.clock_lag = self.clock_lag.max(other.clock_lag);
        self.disturbance.merge(&other.disturbance);
        self.is_cut_short |= other.is_cut_short;
    }

    /// A percentile of the waits if everybody had waited, by estimate; `None` as in [`FirstAsks::estimate`], and where
    /// fillers were said: a caller who hears one waits anew, so who leaves when depends on the answer's own time.
    pub fn estimate_if_all_waited(&self, percentile: Percentile) -> Option<Known> {
        match self.callers.fillers {
            0 => self.first_asks.estimate(percentile),
            _ => None,
        }
    }

    /// Fills in which budgets are kept.
    pub fn judge(&mut self, budgets: &[Budget]) {
        self.budgets = budgets.iter().map(|budget| self.held_to(budget)).collect();
    }

    /// Tells whether one budget is kept. Where turns are doubtful, it has to be kept with them as well as without.
    pub fn held_to(&self, budget: &Budget) -> BudgetResult {
        let result = Figures::of(self).held_to(budget);
        if self.doubtful.count() == 0 || self.doubtful.are_in {
            return result;
        }
        let mut all = self.clone();
        all.take_in_doubtful();
        let with = Figures::of(&all).held_to(budget);
        BudgetResult {
            pass: result.pass && with.pass,
            with_doubtful: Some(WithDoubtful {
                actual: with.actual,
                over: with.over,
                pass: with.pass,
            }),
            is_open: result.pass != with.pass,
            ..result
        }
    }

    /// Takes the latencies of doubtful turns into the metrics; budgets are to be judged again.
    pub fn take_in_doubtful(&mut self) {
        if !self.doubtful.are_in {
            doubtful::add_all(&mut self.metrics, &self.doubtful.metrics);
            self.doubtful.are_in = true;
        }
    }

    /// The latencies by metric with those of doubtful turns; `None` if there are none besides the metrics.
    pub fn metrics_with_doubtful(&self) -> Option<BTreeMap<Metric, Waits>> {
        let are_left_out = self.doubtful.count() > 0 && !self.doubtful.are_in;
        are_left_out.then(|| {
            let mut all = self.metrics.clone();
            doubtful::add_all(&mut all, &self.doubtful.metrics);
            all
        })
    }

    /// The share of questions in the middle of which an endpoint was committed, heard or taken back, each question
    /// counted once, 0 to 1; `None` if no row is a question.
    pub fn cut_off_share(&self) -> Option<f64> {
        let is_question = |row: &&Row| row.is_first_question();
        let questions = self.rows.iter().filter(is_question);
        let cut_offs = questions.clone().filter(|row| row.was_committed_early());
        let questions = questions.count();
        (questions > 0).then(|| cut_offs.count() as f64 / questions as f64)
    }

    /// Fills in what the work cost; nothing without prices.
    pub fn price(&mut self, prices: Option<&Prices>) {
        self.cost = prices.and_then(|prices| self.consumption.cost(prices));
    }

    /// Whether every budget is kept and every turn came out as expected. A run without
    /// expectations has none to fail, nor has a recording, which is only judged.
    pub fn has_passed(&self) -> bool {
        self.keeps_budgets()
            && self
                .rows
                .iter()
                .all(|row| row.is_judged || row.outcome.is_as_expected(row.expect))
    }

    /// Whether every budget is kept.
    pub fn keeps_budgets(&self) -> bool {
        self.budgets.iter().all(|budget| budget.pass)
    }

    /// Several conversations as one: the rows one after the other, the histograms added up.
    pub fn of_many<'a>(
        conversations: impl Iterator<Item = &'a Measurement>,
        budgets: &[Budget],
    ) -> Measurement {
        let mut all = Measurement::of_nothing();
        conversations.for_each(|one| all.merge(one));
        all.judge(budgets);
        all
    }
}

fn plus(one: Option<WordErrors>, other: Option<WordErrors>) -> Option<WordErrors> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.plus(other)),
        (one, other) => one.or(other),
    }
}

/// Nanoseconds as milliseconds, for people.
pub fn ms(span_ns: u64) -> f64 {
    span_ns as f64 / 1e6
}

impl Measurement {
    /// The real clock's worst lag in nanoseconds.
    pub fn clock_lag_ns(&self) -> u64 {
        nanos(self.clock_lag)
    }
}
