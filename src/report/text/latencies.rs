//! The tables of latencies.

use crate::event::Metric;
use crate::measure::{Measurement, Summary};
use crate::report::table::{plain, trimmed};
use comfy_table::Table;
use std::fmt::Write;

/// The hops, and what they add up to; then every other metric.
pub(super) fn latencies(text: &mut String, measured: &Measurement) {
    hops(text, measured);
    metrics(text, measured);
}

fn hops(text: &mut String, measured: &Measurement) {
    let e2e = measured.metrics.get(&Metric::E2eLatency);
    let answered = e2e.and_then(|histogram| histogram.summary());
    let has_hops = !measured.hops.is_empty();
    match &answered {
        None => text.push_str("\nNo turn was answered, so there is no latency to show.\n"),
        Some(answered) => {
            let (heading, sum) = match has_hops {
                true => ("hop, ms", "sum = e2e_latency"),
                false => ("what the caller hears, ms", "e2e_latency"),
            };
            let mut table = table(heading);
            for (hop, histogram) in &measured.hops {
                if let Some(summary) = histogram.summary().filter(|s| s.max_ms > 0.0) {
                    add(&mut table, hop.name(), &summary);
                }
            }
            add(&mut table, sum, answered);
            let _ = writeln!(text, "\n{}", trimmed(&table));
        }
    }
    if has_hops {
        let _ = writeln!(
            text,
            "The hops add up to e2e_latency, to the nanosecond, in {} of {} answered turns. Means add up; percentiles do not.",
            measured.exact,
            answered.map_or(0, |summary| summary.count)
        );
    }
}

fn metrics(text: &mut String, measured: &Measurement) {
    let mut table = table("metric, ms");
    let mut is_empty = true;
    for (metric, histogram) in &measured.metrics {
        let is_shown = match *metric {
            Metric::E2eLatency => false,
            // Without fillers the first sound is that of the answer.
            Metric::FirstSound => measured.callers.fillers > 0,
            _ => true,
        };
        if let (Some(summary), true) = (histogram.summary(), is_shown) {
            add(&mut table, metric.name(), &summary);
            is_empty = false;
        }
    }
    if !is_empty {
        let _ = writeln!(text, "\n{}", trimmed(&table));
    }
}

fn table(what: &str) -> Table {
    plain(&[what, "count", "mean", "p50", "p90", "p95", "p99", "max"])
}

fn add(table: &mut Table, name: &str, summary: &Summary) {
    let mut cells = vec![name.to_owned(), summary.count.to_string()];
    for value in [
        summary.mean_ms,
        summary.p50_ms,
        summary.p90_ms,
        summary.p95_ms,
        summary.p99_ms,
        summary.max_ms,
    ] {
        cells.push(format!("{value:.1}"));
    }
    table.add_row(cells);
}
