//! The page of a simulation: figures of thousands of conversations, and how far they can be trusted.

use super::about::About;
use super::distribution::Distribution;
use super::page::{Page, Part, Place};
use super::parts;
use super::run::{Time, stats};
use super::segments::ByLabels;
use super::table::{Cell, Table};
use super::words::{self, Stat, grouped, several};
use crate::event::{Expect, Hop};
use crate::measure::segments::Segments;
use crate::measure::{
    BATCHES, Interval, LoadFigures, Measurement, Outcome, PoolFigures, Totals, folder,
};
use crate::report::chart::{Bar, ms_in_words, share, stack};
use crate::report::money::money;
use askama::Template;

#[derive(Template)]
#[template(path = "simulation.html", config = "src/report/html/askama.toml")]
struct SimulationPage {
    page: Page,
    stats: Vec<Stat>,
    outcomes: String,
    budgets: Option<Part<Table>>,
    time: Option<Time>,
    distribution: Part<Distribution>,
    segments: Option<Part<ByLabels>>,
    came: Option<Part<Table>>,
    callers: Vec<String>,
    load: String,
    pools: Option<Part<Table>>,
    intervals: Option<Part<Table>>,
    batches: usize,
    worlds: &'static str,
    trouble: Vec<String>,
    about: Part<About>,
}

/// The page of a simulation. It takes the figures alone, however many turns there were.
///
/// # Errors
/// None is known.
pub fn of_simulation(
    of: &folder::MeasuredSimulation,
    segments: &[Segments],
    place: &Place,
) -> askama::Result<String> {
    let (header, totals) = (&of.header, &of.totals);
    let measured = &totals.measured;
    let trouble = parts::trouble(measured, None);
    let mut page = Page::new("simulation", &header.name);
    page.version.clone_from(&header.version);
    page.facts = vec![
        several(totals.conversations, "conversation"),
        several(measured.turns, "turn"),
        format!("seed {}", header.seed),
    ];
    page.facts.extend(
        totals
            .load
            .as_ref()
            .map(|load| several(load.worlds, "load")),
    );
    page.notes.clone_from(&header.notes);
    if let Some(shard) = header.shard {
        page.notes.push(format!(
            "Shard {shard}: the figures of a part. `voicesim merge` joins all parts."
        ));
    }
    page.sections = vec![
        ("time", "Where the time goes"),
        ("percentiles", "Percentiles"),
        ("segments", "Segments"),
        ("callers", "Callers and interruptions"),
        ("trust", "How far to trust it"),
        ("about", "About"),
    ];
    let time = time(measured);
    page.sections
        .retain(|(id, _)| *id != "time" || time.is_some());
    if segments.is_empty() {
        page.sections.retain(|(id, _)| *id != "segments");
    }
    if totals.load.is_some() {
        page.sections
            .insert(page.sections.len() - 2, ("load", "Load"));
    }
    SimulationPage {
        stats: headline(totals),
        outcomes: words::outcomes(measured),
        budgets: parts::budgets(measured),
        time,
        distribution: Distribution::of(measured),
        segments: ByLabels::of(segments),
        came: came(measured),
        callers: callers(totals),
        load: totals.load.as_ref().map(load).unwrap_or_default(),
        pools: totals.load.as_ref().and_then(pools),
        intervals: intervals(totals),
        batches: BATCHES,
        worlds: if totals.load.is_some() {
            "loads"
        } else {
            "conversations"
        },
        trouble,
        about: About::of(header, place.folder),
        page,
    }
    .render()
}

/// The headline's figures, as for a run, with intervals in place of counts.
fn headline(totals: &Totals) -> Vec<Stat> {
    let intervals = totals.intervals();
    let mut stats = stats(&totals.measured);
    for (stat, name) in stats
        .iter_mut()
        .zip(["e2e_latency_p50_ms", "e2e_latency_p95_ms"])
    {
        if let Some(Interval { low, high }) = intervals.get(name) {
            stat.note = format!(
                "{}, 95 % interval {low:.0} to {}",
                &name[name.len() - 6..name.len() - 3],
                upper(*high, 0)
            );
        }
    }
    let place = stats.len().min(2);
    if let Some(cut_off) = totals.cut_off_share() {
        let note = match intervals.get("cut_off_share") {
            Some(Interval { low, high }) => {
                format!("95 % interval {:.2} to {:.2} %", 100.0 * low, 100.0 * high)
            }
            None => format!("of {}", several(totals.questions(), "question")),
        };
        let stat = Stat {
            label: "Callers cut off".to_owned(),
            value: format!("{:.1}", 100.0 * cut_off),
            unit: "%",
            class: "",
            note,
        };
        stats.insert(place, stat);
    }
    stats
}

/// The upper end of an interval, for people.
fn upper(high: f64, digits: usize) -> String {
    match high.is_finite() {
        true => format!("{high:.digits$}"),
        false => "turns without an answer".to_owned(),
    }
}

/// The mean of every hop: means add up.
fn time(measured: &Measurement) -> Option<Time> {
    let e2e = measured.answered.summary()?;
    if measured.hops.is_empty() {
        return None;
    }
    let mean = |hop: Hop| {
        measured
            .hops
            .get(&hop)
            .and_then(|waits| waits.answered().summary())
            .map(|summary| summary.mean_ms * summary.count as f64 / e2e.count as f64)
    };
    let hops: Vec<(Hop, f64)> = Hop::ALL
        .into_iter()
        .filter_map(|hop| Some((hop, mean(hop)?)))
        .collect();
    let mut table = Table::new(
        "Mean of each hop over all answered turns",
        &["hop", "mean, ms", "share", ""],
    );
    for (hop, mean_ms) in hops.iter().filter(|(_, mean_ms)| *mean_ms >= 0.05) {
        let of_all = mean_ms / e2e.mean_ms.max(f64::MIN_POSITIVE);
        table.add([
            Cell::from(hop.name()).with_swatch(hop.name()),
            Cell::from(format!("{mean_ms:.1}")),
            Cell::from(format!("{:.1} %", 100.0 * of_all)),
            Cell::drawn(share(hop.name(), of_all)),
        ]);
    }
    table.add([
        Cell::from("sum = e2e_latency"),
        Cell::from(format!("{:.1}", e2e.mean_ms)),
        Cell::from("100 %"),
        Cell::default(),
    ]);
    table.as_total();
    let bar = Bar {
        label: format!("Mean: {}", ms_in_words(e2e.mean_ms)),
        hops,
    };
    Some(Time {
        lead: "Means of hops add up, percentiles of hops do not: this is the mean turn.".to_owned(),
        picture: stack("Hops of the mean turn", &[bar]),
        table: table.part(),
        exact: format!(
            "The hops add up to e2e_latency, to the nanosecond, in {} of {} answered turns.",
            grouped(measured.exact),
            grouped(e2e.count)
        ),
    })
}

/// What was asked for against what came of it.
fn came(measured: &Measurement) -> Option<Part<Table>> {
    let mut table = Table::new(
        "What callers asked for, and what came of it",
        &["asked", "outcome", "count", "share", ""],
    );
    let is_slow = words::slow_without_budget(measured).is_some();
    for (expect, outcomes) in &measured.interruptions.outcomes {
        let all: u32 = outcomes.values().sum();
        let mut asked = match expect {
            Expect::Respond => "to be answered",
            Expect::Stop => "to stop",
            Expect::Ignore => "to go on",
        };
        for (outcome, count) in outcomes {
            let of_all = f64::from(*count) / f64::from(all.max(1));
            let class = match outcome.is_as_expected(Some(*expect)) {
                // Answers that come late are none that went well.
                true if *expect == Expect::Respond && is_slow => "of-none",
                true => "of-good",
                // A caller who tells the agent to stop and asks something else is answered.
                false if (*expect, *outcome) == (Expect::Stop, Outcome::Answered) => "of-good",
                false => "of-bad",
            };
            table.add([
                Cell::from(std::mem::take(&mut asked)),
                Cell::words(words::outcome(*outcome).to_lowercase()),
                Cell::from(grouped((*count).into())),
                Cell::from(format!("{:.1} %", 100.0 * of_all)),
                Cell::drawn(share(class, of_all)),
            ]);
        }
    }
    table.part()
}

fn callers(totals: &Totals) -> Vec<String> {
    let measured = &totals.measured;
    let callers = &measured.callers;
    let mut lines = Vec::new();
    if callers.restarts + callers.hang_ups > 0 {
        lines.push(format!(
            "Callers who heard nothing for too long started again {}, and hung up {}.",
            times(callers.restarts),
            times(callers.hang_ups)
        ));
    }
    if callers.fillers > 0 {
        lines.push(format!(
            "Something was said in place of an answer {}.",
            times(callers.fillers)
        ));
    }
    if callers.votes > 0 {
        let right = 100.0 * callers.right_votes as f64 / callers.votes as f64;
        lines.push(format!(
            "{right:.1} % of {} that were voted for are right.",
            several(callers.votes, "answer")
        ));
    }
    let failed = measured
        .interruptions
        .count(Expect::Respond, Outcome::Failed);
    if failed > 0 {
        let asked = totals.questions() + callers.restarts;
        let share = 100.0 * f64::from(failed) / asked.max(1) as f64;
        lines.push(format!(
            "{share:.2} % of the {} times that a question was asked failed.",
            grouped(asked)
        ));
    }
    let speculation = &measured.speculation;
    if speculation.prepared > 0 {
        lines.push(format!(
            "{} were prepared while callers paused: {} were kept, {} were in vain.",
            several(speculation.prepared.into(), "reply").replace("replys", "replies"),
            grouped(speculation.kept.into()),
            grouped(speculation.dropped.into())
        ));
    }
    if let Some(cost) = &measured.cost {
        let money = |amount| money(amount, &cost.currency);
        lines.push(format!(
            "A call costs {}, a minute of it {}.",
            money(cost.per_call),
            money(cost.per_minute)
        ));
    }
    lines
}

fn times(count: u64) -> String {
    match count {
        1 => "once".to_owned(),
        count => format!("{} times", grouped(count)),
    }
}

fn load(load: &LoadFigures) -> String {
    format!(
        "{:.1} calls at once on average, {} at most; {:.1} calls a minute; {} in {}, of the time that is measured.",
        load.calls_mean(),
        load.calls_max,
        load.calls_per_minute(),
        several(load.calls, "call"),
        several(load.worlds, "load")
    )
}

/// The engines that all calls share.
fn pools(load: &LoadFigures) -> Option<Part<Table>> {
    let mut table = Table::new(
        "Pools: engines that calls share",
        &[
            "pool",
            "slots",
            "busy",
            "",
            "asked for",
            "most waiting",
            "requests",
            "refused",
        ],
    );
    let row = |pool: &PoolFigures| {
        let slots = pool.slots_us as f64 / load.window_us.max(1) as f64;
        let class = if pool.busy_share() > 0.8 {
            "of-bad"
        } else {
            "of-good"
        };
        [
            Cell::from(format!("{slots:.1}")),
            Cell::from(format!("{:.1} %", 100.0 * pool.busy_share())),
            Cell::drawn(share(class, pool.busy_share())),
            Cell::from(format!("{:.1} %", 100.0 * load.asked_share(pool))),
            Cell::from(grouped(pool.waiting_max)),
            Cell::from(grouped(pool.requests)),
            Cell::from(grouped(pool.refused_full + pool.refused_rate)),
        ]
    };
    for (stage, pool) in &load.pools {
        table.add(std::iter::once(Cell::from(stage.name())).chain(row(pool)));
    }
    table.part()
}

fn intervals(totals: &Totals) -> Option<Part<Table>> {
    let mut table = Table::new("95 % intervals", &["figure", "from", "to"]);
    for (name, Interval { low, high }) in totals.intervals() {
        let digits = if name.ends_with("_ms") { 1 } else { 4 };
        table.add([
            Cell::from(name),
            Cell::from(format!("{low:.digits$}")),
            Cell::from(upper(high, digits)),
        ]);
    }
    table.part()
}
