//! From events to figures: turns, hops, histograms, interruptions, word error rate. A fold over what
//! was recorded; it reads no clock and runs no engine, so it can be done anywhere, at any time.

mod both;
mod devices;
mod histogram;
mod hops;
mod rows;
mod speculation;
mod utterance;
mod wer;

pub use devices::Devices;
pub use histogram::{Histogram, Summary};
pub use hops::Slice;
pub use rows::{Outcome, Plan, Row, RowPlan};
pub use speculation::Speculation;
pub use utterance::Decided;
pub use wer::WordErrors;

use crate::event::{Event, Expect, Hop, Mark, SessionEnd, nanos};
use crate::scenario::budget::{Budget, Limited, Statistic};
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::Duration;

/// What a run amounts to.
#[derive(Debug, Clone)]
pub struct Measurement {
    pub rows: Vec<Row>,
    /// Latencies of answered turns by metric, in nanoseconds; besides them `playback_gap` of every
    /// reply, `barge_in_stop` and `detection_delay` of every stop that was right, and every `overlap`,
    /// `talk_over` and `dead_air`.
    pub metrics: BTreeMap<&'static str, Histogram>,
    /// Hops of answered turns.
    pub hops: BTreeMap<Hop, Histogram>,
    pub interruptions: Interruptions,
    pub speculation: Speculation,
    /// Over all turns with a reference; `None` if there is none.
    pub wer: Option<WordErrors>,
    pub budgets: Vec<BudgetResult>,
    /// The real clock's worst lag.
    pub clock_lag: Duration,
    pub devices: Devices,
    /// The record ends before the conversation does: the run was stopped or killed.
    pub is_cut_short: bool,
}

/// Counts of what went right and wrong when both spoke, or nobody did.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Interruptions {
    /// Turns that asked the agent to stop.
    pub barge_ins: u32,
    /// The share of them that it stopped for; `None` if there were none.
    pub barge_in_success_rate: Option<f64>,
    /// Sounds to be ignored that it stopped for.
    pub false_barge_ins: u32,
    pub missed_barge_ins: u32,
    /// Replies to what was to be ignored.
    pub spurious_responses: u32,
    /// Questions that got no reply.
    pub missed_responses: u32,
    /// Questions that were cut off in the middle.
    pub cut_offs: u32,
    pub failed_turns: u32,
    /// How turns came out, by what was asked for: expectation, outcome, count.
    pub outcomes: BTreeMap<Expect, BTreeMap<Outcome, u32>>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BudgetResult {
    pub name: String,
    pub limit: f64,
    /// In the unit of the limit; `None` if nothing was measured, which misses the budget.
    pub actual: Option<f64>,
    pub pass: bool,
}

/// Folds the events of one conversation.
pub fn measure(events: &[Event], plan: &Plan) -> Measurement {
    let rows = rows::rows(events, plan);
    let mut metrics: BTreeMap<&'static str, Histogram> = BTreeMap::new();
    let mut hops: BTreeMap<Hop, Histogram> = BTreeMap::new();
    for row in &rows {
        for (metric, span) in &row.metrics {
            metrics.entry(metric).or_default().record(*span);
        }
        for (hop, span) in &row.hops {
            hops.entry(*hop).or_default().record(*span);
        }
    }
    let (mut clock_lag, mut is_cut_short) = (Duration::ZERO, true);
    let mut devices = Devices::default();
    for event in events {
        devices.add(event);
        match &event.mark {
            Mark::PlaybackGap { gap_ns, .. } => {
                metrics.entry("playback_gap").or_default().record(*gap_ns);
            }
            Mark::ClockLag { lag_ns } => {
                clock_lag = clock_lag.max(Duration::from_nanos(*lag_ns));
            }
            Mark::SessionEnded {
                cause: SessionEnd::Finished,
            } => is_cut_short = false,
            _ => {}
        }
    }
    let both = both::both(events);
    for (metric, spans) in [
        ("overlap", both.overlap),
        ("talk_over", both.talk_over),
        ("dead_air", both.dead_air),
    ] {
        for span in spans {
            metrics.entry(metric).or_default().record(span);
        }
    }
    let interruptions = interruptions(&rows);
    let wer = rows
        .iter()
        .filter_map(|row| row.wer)
        .reduce(WordErrors::plus);
    let mut measurement = Measurement {
        rows,
        metrics,
        hops,
        interruptions,
        speculation: speculation::speculation(events),
        wer,
        budgets: Vec::new(),
        clock_lag,
        devices,
        is_cut_short,
    };
    measurement.budgets = plan
        .budgets
        .iter()
        .map(|budget| judge(budget, &measurement))
        .collect();
    measurement
}

impl Measurement {
    /// Whether every budget is kept and every turn came out as expected. A run without
    /// expectations has none to fail, nor has a recording, which is only judged.
    pub fn has_passed(&self) -> bool {
        self.budgets.iter().all(|budget| budget.pass)
            && self
                .rows
                .iter()
                .all(|row| row.is_judged || row.outcome.is_as_expected(row.expect))
    }

    /// Several conversations as one: the rows one after the other, the histograms added up.
    pub fn of_many<'a>(
        conversations: impl Iterator<Item = &'a Measurement>,
        budgets: &[Budget],
    ) -> Measurement {
        let mut all = Measurement {
            rows: Vec::new(),
            metrics: BTreeMap::new(),
            hops: BTreeMap::new(),
            interruptions: Interruptions::default(),
            speculation: Speculation::default(),
            wer: None,
            budgets: Vec::new(),
            clock_lag: Duration::ZERO,
            devices: Devices::default(),
            is_cut_short: false,
        };
        for one in conversations {
            all.rows.extend(one.rows.iter().cloned());
            for (metric, histogram) in &one.metrics {
                all.metrics.entry(metric).or_default().add(histogram);
            }
            for (hop, histogram) in &one.hops {
                all.hops.entry(*hop).or_default().add(histogram);
            }
            all.wer = match (all.wer, one.wer) {
                (Some(wer), Some(more)) => Some(wer.plus(more)),
                (wer, more) => wer.or(more),
            };
            all.clock_lag = all.clock_lag.max(one.clock_lag);
            all.is_cut_short |= one.is_cut_short;
        }
        all.interruptions = interruptions(&all.rows);
        all.budgets = budgets.iter().map(|budget| judge(budget, &all)).collect();
        all
    }
}

fn interruptions(rows: &[Row]) -> Interruptions {
    let mut outcomes: BTreeMap<Expect, BTreeMap<Outcome, u32>> = BTreeMap::new();
    for row in rows {
        if let Some(expect) = row.expect {
            *outcomes
                .entry(expect)
                .or_default()
                .entry(row.outcome)
                .or_default() += 1;
        }
    }
    use crate::event::Expect::{Ignore, Respond, Stop};
    let count = |is: &dyn Fn(&Row) -> bool| rows.iter().filter(|row| is(row)).count() as u32;
    let barge_ins = count(&|row| row.expect == Some(Stop));
    let has_stopped = [Outcome::Stopped, Outcome::Answered];
    let stopped = count(&|row| row.expect == Some(Stop) && has_stopped.contains(&row.outcome));
    Interruptions {
        barge_ins,
        barge_in_success_rate: (barge_ins > 0).then(|| f64::from(stopped) / f64::from(barge_ins)),
        false_barge_ins: count(&|row| row.expect == Some(Ignore) && row.stopped_agent),
        missed_barge_ins: barge_ins - stopped,
        spurious_responses: count(&|row| row.expect == Some(Ignore) && row.was_answered),
        missed_responses: count(&|row| {
            row.expect == Some(Respond) && row.outcome == Outcome::Missed
        }),
        cut_offs: count(&|row| row.outcome == Outcome::CutOff),
        failed_turns: count(&|row| row.outcome == Outcome::Failed),
        outcomes,
    }
}

fn judge(budget: &Budget, measured: &Measurement) -> BudgetResult {
    let counts = &measured.interruptions;
    let statistic = |histogram: Option<&Histogram>, statistic| {
        let summary = histogram?.summary()?;
        Some(match statistic {
            Statistic::Mean => summary.mean_ms,
            Statistic::P50 => summary.p50_ms,
            Statistic::P90 => summary.p90_ms,
            Statistic::P95 => summary.p95_ms,
            Statistic::P99 => summary.p99_ms,
            Statistic::Max => summary.max_ms,
        })
    };
    let actual = match &budget.limited {
        Limited::Metric(metric, s) => statistic(measured.metrics.get(metric), *s),
        Limited::Hop(hop, s) => statistic(measured.hops.get(hop), *s),
        Limited::Wer => measured.wer.map(|wer| wer.rate()),
        Limited::Count(name) => Some(f64::from(match *name {
            "false_barge_ins" => counts.false_barge_ins,
            "missed_barge_ins" => counts.missed_barge_ins,
            "spurious_responses" => counts.spurious_responses,
            "missed_responses" => counts.missed_responses,
            "cut_offs" => counts.cut_offs,
            _ => counts.failed_turns,
        })),
    };
    BudgetResult {
        name: budget.name.clone(),
        limit: budget.limit,
        actual,
        pass: actual.is_some_and(|actual| actual <= budget.limit),
    }
}

/// Nanoseconds as milliseconds, for people.
pub fn ms(span_ns: u64) -> f64 {
    span_ns as f64 / 1e6
}

impl Measurement {
    /// The worst lag in nanoseconds.
    pub fn clock_lag_ns(&self) -> u64 {
        nanos(self.clock_lag)
    }
}
