//! How latencies are distributed: percentile curves, figures, a histogram for each.

use super::page::{Part, Svg};
use super::table::{Cell, Table};
use super::words::{grouped, several};
use crate::event::Metric;
use crate::measure::{Measurement, WaitSummary, Waits};
use crate::report::chart::{Curve, histogram, known_in_words, ms_in_words, percentiles};
use askama::Template;
use askama::filters::Safe;

#[derive(Template)]
#[template(path = "distribution.html", config = "src/report/html/askama.toml")]
pub(super) struct Distribution {
    curve: Option<Svg>,
    /// The class of each curve, and what it is.
    legend: Vec<(&'static str, &'static str)>,
    read: String,
    figures: Option<Part<Table>>,
    small: Vec<One>,
}

/// A histogram on the page.
struct One {
    name: &'static str,
    swatch: Option<&'static str>,
    figures: String,
    picture: Svg,
    beyond: Option<String>,
}

/// The latencies that are drawn as curves, if there are any.
const CURVES: [(Metric, &str); 3] = [
    (Metric::E2eLatency, "first"),
    (Metric::FirstSound, "second"),
    (Metric::E2eLatencyVad, "third"),
];

impl Distribution {
    pub(super) fn of(measured: &Measurement) -> Part<Distribution> {
        let metrics = metrics(measured);
        let find = |name: Metric| metrics.iter().find(|(own, _)| *own == name);
        let curves: Vec<Curve> = CURVES
            .into_iter()
            .filter_map(|(metric, class)| {
                let (metric, waits) = *find(metric)?;
                Some(Curve {
                    name: metric.name(),
                    class,
                    waits,
                })
            })
            .collect();
        let read = measured
            .metrics
            .get(&Metric::E2eLatency)
            .and_then(Waits::summary)
            .map(|e2e| {
                let all = e2e.count + e2e.unanswered.as_ref().map_or(0, |it| it.count);
                let turns = match &e2e.unanswered {
                    None => several(e2e.count, "answered turn"),
                    Some(_) => format!("{} of which were answered", several(all, "turn")),
                };
                match all {
                    ..10 if e2e.unanswered.is_none() => {
                        format!("{turns}, the slowest after {}.", known_in_words(e2e.max))
                    }
                    _ => format!(
                        "One caller in ten waits longer than {} ({}).",
                        known_in_words(e2e.p90).trim_start_matches("over "),
                        match &e2e.unanswered {
                            None => turns,
                            Some(_) =>
                                format!("{} of {} answered", grouped(e2e.count), grouped(all)),
                        }
                    ),
                }
            });
        Safe(Distribution {
            curve: read.as_ref().and_then(|_| percentiles(&curves)),
            legend: curves
                .iter()
                .map(|curve| (curve.class, curve.name))
                .collect(),
            read: read.unwrap_or_default(),
            figures: figures(measured, &metrics).part(),
            small: small(measured, &metrics),
        })
    }
}

/// The metrics that are shown besides the hops. The first sound is shown only with fillers: else it is the answer's.
fn metrics(measured: &Measurement) -> Vec<(Metric, &Waits)> {
    let is_shown = |metric: Metric, waits: &Waits| {
        (metric != Metric::FirstSound || measured.callers.fillers > 0) && waits.count() > 0
    };
    let all = measured
        .metrics
        .iter()
        .filter(|(metric, waits)| is_shown(**metric, waits));
    all.map(|(name, waits)| (*name, waits)).collect()
}

fn figures(measured: &Measurement, metrics: &[(Metric, &Waits)]) -> Table {
    let mut table = Table::of_figures("Hops and metrics, in milliseconds", "");
    for (hop, waits) in &measured.hops {
        let summary = waits.answered().summary();
        if let Some(summary) = summary.filter(|summary| summary.max_ms > 0.0) {
            let name = Cell::from(hop.name()).with_swatch(hop.name());
            table.add_summary(name, &WaitSummary::of_answered(&summary));
        }
    }
    let e2e = measured.metrics.get(&Metric::E2eLatency);
    let is_whole = e2e.is_none_or(|waits| waits.unanswered().is_none());
    if let (Some(summary), false) = (measured.answered.summary(), is_whole) {
        let name = Cell::from("answered turns alone");
        table.add_summary(name, &WaitSummary::of_answered(&summary));
    }
    // First the metrics that the hops add up to, then the others.
    for is_sum in [true, false] {
        for (metric, waits) in metrics {
            let Some(summary) = waits
                .summary()
                .filter(|_| (*metric == Metric::E2eLatency) == is_sum)
            else {
                continue;
            };
            table.add_summary(Cell::from(metric.name()), &summary);
            if is_sum {
                table.as_total();
            }
        }
    }
    table
}

fn small(measured: &Measurement, metrics: &[(Metric, &Waits)]) -> Vec<One> {
    let hops = measured
        .hops
        .iter()
        .map(|(hop, waits)| (hop.name(), Some(hop.name()), waits));
    let metrics = metrics
        .iter()
        .map(|(metric, waits)| (metric.name(), None, *waits));
    let one = |(name, swatch, waits): (&'static str, Option<&'static str>, &Waits)| {
        let of = waits.answered();
        let known = waits.summary()?;
        // What took no time at all has no picture.
        let summary = of.summary().filter(|summary| summary.max_ms >= 0.05)?;
        let small = histogram(name, of)?;
        Some(One {
            name,
            swatch,
            figures: match summary.count {
                1 => ms_in_words(summary.max_ms),
                _ => format!(
                    "p50 {} · p95 {}",
                    known_in_words(known.p50).trim_end_matches(" ms"),
                    known_in_words(known.p95)
                ),
            },
            picture: small.picture,
            beyond: match (small.beyond, summary.count, known.unanswered) {
                (beyond, _, Some(unanswered)) => {
                    let more = beyond.map_or_else(String::new, |beyond| format!("; {beyond}"));
                    Some(format!("{} in vain{more}", grouped(unanswered.count)))
                }
                (None, 2..=9, None) => Some(several(summary.count, "value")),
                (beyond, _, None) => beyond,
            },
        })
    };
    hops.chain(metrics).filter_map(one).collect()
}
