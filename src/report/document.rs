//! The report as one JSON document, schema `voicesim.report/2`.

use super::busy::machine_busy;
use super::word_rates::WordRates;
use crate::compare::claims::Claimed;
use crate::event::{Doubt, EndpointDecision, Expect, Metric, Remark, Remarks, StageName};
use crate::measure::segments::Segments;
use crate::measure::{
    Background, BudgetResult, Callers, Cost, Decided, Devices, Disclosures, Interruptions,
    Interval, Known, LoadFigures, MachineBusy, Measurement, Outcome, Pace, Percentile, PoolFigures,
    Reason, ResilienceCounts, RightAnswers, Row, Speculation, Totals, WaitSummary, Waits,
};
use crate::record::store::{Header, Probe, Shard};
use serde::Serialize;
use std::collections::BTreeMap;

pub const SCHEMA: &str = "voicesim.report/2";

/// Names, units and meaning are those of the README. Latencies are in milliseconds, except in
/// `detail`, where they are whole nanoseconds that add up.
#[derive(Debug, Serialize)]
pub struct Document<'a> {
    pub schema: &'static str,
    pub name: &'a str,
    pub version: &'a str,
    pub clock: &'a str,
    pub seed: u64,
    pub engines: &'a BTreeMap<String, String>,
    pub policy: &'a str,
    pub notes: &'a [String],
    /// The call to somebody else's agent, if one was made; of several, all together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probe: Option<&'a Probe>,
    /// Other programs kept the engines from computing: latencies are too high to say anything of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub machine_busy: Option<MachineBusy>,
    /// Rows in `detail`.
    pub turns: u64,
    pub metrics: BTreeMap<&'a str, WaitSummary>,
    /// What `e2e_latency` would be if every caller had waited, by estimate; `None` if nobody left.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub if_all_waited: Option<IfAllWaited>,
    /// Answered turns on a recording whose latencies may be others; the metrics leave them out unless it says that
    /// they are in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub doubtful: Option<DoubtfulTurns<'a>>,
    pub hops: BTreeMap<&'a str, WaitSummary>,
    pub interruptions: &'a Interruptions,
    pub speculation: &'a Speculation,
    /// What resilience policies did about stages that failed or took too long: stage, what, count.
    #[serde(skip_serializing_if = "ResilienceCounts::is_empty")]
    pub cures: &'a ResilienceCounts,
    /// In how many conversations the agent said that it is a machine, where anybody looked.
    #[serde(skip_serializing_if = "Disclosures::is_empty")]
    pub disclosures: &'a Disclosures,
    /// In how many turns something was odd about an answer that came all the same, by what it was.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub remarks: BTreeMap<Remark, u64>,
    /// How fast a language model wrote; `None` if no server tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub writing: Option<Pace>,
    pub wer: Option<f64>,
    /// What the word error rate is made of; `None` if no turn's words are known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub word_errors: Option<WordRates>,
    /// How many answers are right, among the questions whose right answer is known.
    #[serde(skip_serializing_if = "RightAnswers::is_empty")]
    pub right_answers: RightAnswers,
    pub budgets: &'a [BudgetResult],
    /// What the run cost; `None` without prices.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<&'a Cost>,
    /// Voices in the background that were not taken for the caller's; absent if there were none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub background: Option<&'a Background>,
    pub clock_lag_max_ns: u64,
    /// What the sound devices did; empty unless the session was live.
    #[serde(skip_serializing_if = "Devices::is_empty")]
    pub devices: &'a Devices,
    /// Whether the run was killed: its record then has no end.
    pub is_cut_short: bool,
    pub detail: Vec<Detail<'a>>,
    /// Turns by a label, if that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub segments: Option<&'a Segments>,
    /// What the voice detector's threshold does to the latency, if the recording was at hand.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub vad_thresholds: Vec<AtThreshold>,
    /// A line for each call of a folder, the worst first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<CallLine<'a>>,
    /// Files of the folder that could not be measured.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub skipped: Vec<Skipped>,
    /// Claimed latencies beside what was heard, if there were claims.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claimed: Option<Claimed>,
}

/// The report of a simulation: a [`Document`], with how much was simulated and how far it can be trusted. Only
/// the keys from `shard` on may differ between equal simulations.
#[derive(Debug, Serialize)]
pub struct Simulation<'a> {
    #[serde(flatten)]
    pub document: Document<'a>,
    pub conversations: u64,
    pub questions: u64,
    pub callers: &'a Callers,
    /// Figures of many calls at once; `None` without a `[load]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load: Option<Load>,
    /// 95 % confidence intervals, by the name of the figure.
    pub intervals: BTreeMap<&'static str, Interval>,
    /// Which part of a simulation was simulated; `None` for the whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shard: Option<Shard>,
    #[serde(flatten)]
    pub took: Option<Took>,
}

/// What a simulation took.
#[derive(Debug, Clone, Serialize)]
pub struct Took {
    pub wall_s: f64,
    pub turns_per_second: f64,
    pub threads: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub out: Option<String>,
}

/// Turns whose latencies are doubtful.
#[derive(Debug, Serialize)]
pub struct DoubtfulTurns<'a> {
    pub count: u64,
    /// How many there are, by reason.
    pub reasons: &'a BTreeMap<Doubt, u64>,
    /// Whether the metrics hold them.
    pub are_in: bool,
    /// The metrics of these turns alone.
    pub metrics: BTreeMap<&'a str, WaitSummary>,
    /// The end-to-end latency with them.
    pub e2e_latency_with: Option<WaitSummary>,
}

impl<'a> DoubtfulTurns<'a> {
    fn of(measured: &'a Measurement) -> Option<DoubtfulTurns<'a>> {
        let doubtful = &measured.doubtful;
        let e2e = |metrics: &BTreeMap<Metric, Waits>| metrics.get(&Metric::E2eLatency)?.summary();
        let with = measured.metrics_with_doubtful();
        (doubtful.count() > 0).then(|| DoubtfulTurns {
            count: doubtful.count(),
            reasons: &doubtful.reasons,
            are_in: doubtful.are_in,
            metrics: summaries(doubtful.metrics.iter().map(|(m, waits)| (m.name(), waits))),
            e2e_latency_with: with.map_or_else(|| e2e(&measured.metrics), |all| e2e(&all)),
        })
    }
}

/// Percentiles of the wait for an answer if every caller had waited.
#[derive(Debug, Default, Serialize)]
pub struct IfAllWaited {
    /// By the product-limit estimate from callers who left and runs that ended.
    pub estimate: Percentiles,
    /// By shadow answers, which a simulation followed to their end; `None` without them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shadows: Option<Shadows>,
}

/// What shadow answers say.
#[derive(Debug, Serialize)]
pub struct Shadows {
    /// Answers that were followed to their end, unheard.
    pub answers: u64,
    #[serde(flatten)]
    pub percentiles: Percentiles,
}

/// Percentiles by name: `p95_ms`, or `p95_over_ms` for one that is only known to lie over something; and
/// `p95_interval` where there is one.
#[derive(Debug, Default, Serialize)]
#[serde(transparent)]
pub struct Percentiles(BTreeMap<String, serde_json::Value>);

impl IfAllWaited {
    /// The percentiles that are estimated.
    pub const PERCENTILES: [u32; 4] = [50, 90, 95, 99];

    fn of(measured: &Measurement) -> Option<IfAllWaited> {
        let asks = &measured.first_asks;
        let has_shadows = asks.shadow_answers() > 0;
        let has_estimate = measured
            .estimate_if_all_waited(Percentile::whole(50))
            .is_some();
        (has_estimate || has_shadows).then(|| IfAllWaited {
            estimate: Percentiles::of(|percentile| measured.estimate_if_all_waited(percentile)),
            shadows: has_shadows.then(|| Shadows {
                answers: asks.shadow_answers(),
                percentiles: Percentiles::of(|percentile| asks.by_shadows(percentile)),
            }),
        })
    }
}

impl Percentiles {
    fn of(known: impl Fn(Percentile) -> Option<Known>) -> Percentiles {
        let mut own = Percentiles::default();
        for percent in IfAllWaited::PERCENTILES {
            let Some(known) = known(Percentile::whole(percent)) else {
                continue;
            };
            own.0.insert(format!("p{percent}_ms"), known.exact().into());
            if let Some(over) = known.over() {
                own.0.insert(format!("p{percent}_over_ms"), over.into());
            }
        }
        own
    }

    fn add_intervals(&mut self, interval: impl Fn(Percentile) -> Option<Interval>) {
        for percent in IfAllWaited::PERCENTILES {
            if let Some(interval) = interval(Percentile::whole(percent)) {
                let ends = serde_json::json!({ "low": interval.low, "high": interval.high });
                self.0.insert(format!("p{percent}_interval"), ends);
            }
        }
    }
}

pub fn simulation<'a>(
    header: &'a Header,
    totals: &'a Totals,
    took: Option<Took>,
) -> Simulation<'a> {
    let mut document = document(header, &totals.measured);
    if let Some(all) = &mut document.if_all_waited {
        all.estimate
            .add_intervals(|percentile| totals.estimate_interval(percentile));
        if let Some(shadows) = &mut all.shadows {
            let percentiles = &mut shadows.percentiles;
            percentiles.add_intervals(|percentile| totals.shadows_interval(percentile));
        }
    }
    Simulation {
        document,
        conversations: totals.conversations,
        questions: totals.questions(),
        callers: &totals.measured.callers,
        load: totals.load.as_ref().map(load),
        intervals: totals.intervals(),
        shard: header.shard,
        took,
    }
}

/// Figures of many calls at once, from the time that is measured.
#[derive(Debug, Serialize)]
pub struct Load {
    pub worlds: u64,
    pub calls: u64,
    pub calls_per_minute: f64,
    pub calls_at_once_mean: f64,
    pub calls_at_once_max: u64,
    /// The engines that calls share, by stage.
    pub pools: BTreeMap<&'static str, Pool>,
}

/// What engines that calls share were asked for.
#[derive(Debug, Serialize)]
pub struct Pool {
    pub requests: u64,
    /// Requests refused because too many waited; `refused_rate` counts those refused by the rate limit.
    pub refused_full: u64,
    pub refused_rate: u64,
    pub waiting_max: u64,
    /// Slots on average; fewer than `slots_max` where servers are added as needed.
    pub slots_mean: f64,
    pub slots_max: u64,
    /// The share of slots that were busy.
    pub busy_share: f64,
    /// The work that was asked for, as a share of what `slots_max` slots can do.
    pub asked_share: f64,
}

fn load(figures: &LoadFigures) -> Load {
    let pool = |(stage, pool): (&StageName, &PoolFigures)| {
        let line = Pool {
            requests: pool.requests,
            refused_full: pool.refused_full,
            refused_rate: pool.refused_rate,
            waiting_max: pool.waiting_max,
            slots_mean: pool.slots_us as f64 / figures.window_us.max(1) as f64,
            slots_max: pool.slots_max,
            busy_share: pool.busy_share(),
            asked_share: figures.asked_share(pool),
        };
        (stage.name(), line)
    };
    Load {
        worlds: figures.worlds,
        calls: figures.calls,
        calls_per_minute: figures.calls_per_minute(),
        calls_at_once_mean: figures.calls_mean(),
        calls_at_once_max: figures.calls_max,
        pools: figures.pools.iter().map(pool).collect(),
    }
}

/// The latency with the voice detector at one threshold.
#[derive(Debug, Clone, Serialize)]
pub struct AtThreshold {
    pub vad_threshold: f32,
    pub turns: usize,
    pub e2e_latency: Option<WaitSummary>,
}

/// One call of a folder.
#[derive(Debug, Serialize)]
pub struct CallLine<'a> {
    pub call: &'a str,
    pub turns: usize,
    /// How many of the answered turns are doubtful.
    pub doubtful: u64,
    pub e2e_latency: Option<WaitSummary>,
    pub interruptions: &'a Interruptions,
    pub notes: &'a [String],
}

/// A file that could not be measured, and why.
#[derive(Debug, Clone, Serialize)]
pub struct Skipped {
    pub call: String,
    pub reason: String,
}

/// One turn. `caller_end_ns` and `agent_start_ns` are positions on the time axis of
/// `conversation.wav`; `e2e_ns` is their difference and the sum of `hops_ns`.
#[derive(Debug, Serialize)]
pub struct Detail<'a> {
    /// The name of the call, in the report of a folder of calls.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub call: Option<&'a str>,
    pub turn: u32,
    pub expect: Option<Expect>,
    pub outcome: Outcome,
    pub heard: &'a str,
    pub said: &'a str,
    pub caller_end_ns: Option<u64>,
    pub agent_start_ns: Option<u64>,
    pub e2e_ns: Option<u64>,
    /// Nanoseconds that a turn without an answer waited at least, since the question was first asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waited_ns: Option<u64>,
    /// Endpoints that were committed before the end of the question, and taken back unheard.
    #[serde(skip_serializing_if = "is_zero")]
    pub voided_commits: u32,
    /// Why the turn should have been answered and was not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// Why the latencies of an answered turn on a recording may be others: `noise`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub doubtful: Option<Doubt>,
    /// Why an engine failed, in its own words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<&'a str>,
    /// What was odd about an answer that came all the same: `cut_at_limit`.
    #[serde(skip_serializing_if = "Remarks::is_empty")]
    pub remarks: Remarks,
    /// When a question that is asked again was first asked: the end of speech then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_asked_ns: Option<u64>,
    pub hops_ns: BTreeMap<&'static str, u64>,
    /// What the endpointing policy based the end of the turn on; not there if it goes by a fixed silence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<&'a EndpointDecision>,
    /// What was decided about a sound over the agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decided: Option<&'a Decided>,
    pub wer: Option<f64>,
    /// Whether the answer is right; `None` if no right answer is known, or it was stopped before it was right or wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_right: Option<bool>,
}

pub fn document<'a>(header: &'a Header, measured: &'a Measurement) -> Document<'a> {
    Document {
        schema: SCHEMA,
        name: &header.name,
        version: &header.version,
        clock: &header.clock,
        seed: header.seed,
        engines: &header.engines,
        policy: &header.policy,
        notes: &header.notes,
        probe: header.probe.as_ref(),
        machine_busy: machine_busy(header, measured),
        turns: measured.turns,
        metrics: summaries(
            measured
                .metrics
                .iter()
                .map(|(metric, h)| (metric.name(), h)),
        ),
        if_all_waited: IfAllWaited::of(measured),
        doubtful: DoubtfulTurns::of(measured),
        hops: summaries(measured.hops.iter().map(|(hop, h)| (hop.name(), h))),
        interruptions: &measured.interruptions,
        speculation: &measured.speculation,
        cures: &measured.resilience,
        disclosures: &measured.disclosures,
        remarks: remarked(&measured.rows),
        writing: measured.writing.pace(),
        wer: measured.wer.map(|wer| wer.rate()),
        word_errors: measured.wer.map(WordRates::of),
        right_answers: measured.right_answers,
        budgets: &measured.budgets,
        cost: measured.cost.as_ref(),
        background: Some(&measured.background).filter(|background| background.sounds > 0),
        clock_lag_max_ns: measured.clock_lag_ns(),
        devices: &measured.devices,
        is_cut_short: measured.is_cut_short,
        detail: measured.rows.iter().map(detail).collect(),
        segments: None,
        vad_thresholds: Vec::new(),
        calls: Vec::new(),
        skipped: Vec::new(),
        claimed: None,
    }
}

fn summaries<'a>(
    waits: impl Iterator<Item = (&'a str, &'a Waits)>,
) -> BTreeMap<&'a str, WaitSummary> {
    waits
        .filter_map(|(name, waits)| Some((name, waits.summary()?)))
        .collect()
}

/// In how many turns each remark was made.
fn remarked(rows: &[Row]) -> BTreeMap<Remark, u64> {
    let mut counts = BTreeMap::new();
    for remark in rows.iter().flat_map(|row| row.remarks.iter()) {
        *counts.entry(remark).or_default() += 1;
    }
    counts
}

fn is_zero(count: &u32) -> bool {
    *count == 0
}

/// The document's entry for one turn.
pub fn detail(row: &Row) -> Detail<'_> {
    Detail {
        call: None,
        turn: row.number,
        expect: row.expect,
        outcome: row.outcome,
        heard: &row.heard,
        said: &row.said,
        caller_end_ns: row.caller_end.map(|at| at.0),
        agent_start_ns: row.agent_start.map(|at| at.0),
        e2e_ns: row.e2e_ns,
        waited_ns: row.waited_ns(),
        voided_commits: row.has_voided_commit.into(),
        reason: row.unanswered,
        doubtful: row.doubtful,
        error: row.failure.as_deref(),
        remarks: row.remarks,
        first_asked_ns: row.first_asked.map(|at| at.0),
        hops_ns: row
            .hops
            .iter()
            .map(|(hop, span)| (hop.name(), span))
            .collect(),
        endpoint: row.endpoint.as_deref(),
        decided: row.decided.as_ref(),
        wer: row.wer.map(|wer| wer.rate()),
        is_right: row.is_right,
    }
}
