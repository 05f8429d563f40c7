//! How latencies are distributed: percentile curves, figures, a histogram for each.

use super::page::{Part, Svg};
use super::table::{Cell, Table};
use super::words::{grouped, several};
use crate::event::Metric;
use crate::measure::{Histogram, Measurement};
use crate::report::chart::{Curve, histogram, ms_in_words, percentiles};
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
                let (metric, histogram) = *find(metric)?;
                Some(Curve {
                    name: metric.name(),
                    class,
                    histogram,
                })
            })
            .collect();
        let read = measured
            .metrics
            .get(&Metric::E2eLatency)
            .and_then(Histogram::summary)
            .map(|e2e| {
                let (count, p90) = (grouped(e2e.count), ms_in_words(e2e.p90_ms));
                match e2e.count {
                    ..10 => format!(
                        "{}, the slowest after {}.",
                        several(e2e.count, "answered turn"),
                        ms_in_words(e2e.max_ms)
                    ),
                    _ => format!(
                        "One caller in ten waits longer than {p90} ({count} answered turns)."
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
fn metrics(measured: &Measurement) -> Vec<(Metric, &Histogram)> {
    let is_shown = |metric: Metric, histogram: &Histogram| {
        (metric != Metric::FirstSound || measured.callers.fillers > 0)
            && histogram.summary().is_some()
    };
    let all = measured
        .metrics
        .iter()
        .filter(|(metric, histogram)| is_shown(**metric, histogram));
    all.map(|(name, histogram)| (*name, histogram)).collect()
}

fn figures(measured: &Measurement, metrics: &[(Metric, &Histogram)]) -> Table {
    let mut table = Table::of_figures("Hops and metrics, in milliseconds", "");
    for (hop, histogram) in &measured.hops {
        if let Some(summary) = histogram.summary().filter(|summary| summary.max_ms > 0.0) {
            table.add_summary(Cell::from(hop.name()).with_swatch(hop.name()), &summary);
        }
    }
    // First the metrics that the hops add up to, then the others.
    for is_sum in [true, false] {
        for (metric, histogram) in metrics {
            let Some(summary) = histogram
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

fn small(measured: &Measurement, metrics: &[(Metric, &Histogram)]) -> Vec<One> {
    let hops = measured
        .hops
        .iter()
        .map(|(hop, histogram)| (hop.name(), Some(hop.name()), histogram));
    let metrics = metrics
        .iter()
        .map(|(metric, histogram)| (metric.name(), None, *histogram));
    let one = |(name, swatch, of): (&'static str, Option<&'static str>, &Histogram)| {
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
                    ms_in_words(summary.p50_ms).trim_end_matches(" ms"),
                    ms_in_words(summary.p95_ms)
                ),
            },
            picture: small.picture,
            beyond: match (small.beyond, summary.count) {
                (None, 2..=9) => Some(several(summary.count, "value")),
                (beyond, _) => beyond,
            },
        })
    };
    hops.chain(metrics).filter_map(one).collect()
}
