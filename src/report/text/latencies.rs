//! The tables of latencies.

use crate::event::Metric;
use crate::measure::{Known, Measurement, Percentile, WaitSummary, Waits};
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
    let e2e = e2e.and_then(Waits::summary);
    let answered = measured.answered.summary();
    let has_hops = !measured.hops.is_empty();
    let Some(e2e) = e2e else {
        match measured.doubtful.count() {
            0 => text.push_str("\nNo turn was answered, so there is no latency to show.\n"),
            _ => text.push('\n'),
        }
        doubtful(text, measured);
        return;
    };
    let heading = match has_hops {
        true if e2e.unanswered.is_some() => "hop of answered turns, ms",
        true => "hop, ms",
        false => "what the caller hears, ms",
    };
    let mut table = table(heading);
    for (hop, waits) in &measured.hops {
        let summary = waits.answered().summary();
        if let Some(summary) = summary.filter(|s| s.max_ms > 0.0) {
            add(&mut table, hop.name(), &WaitSummary::of_answered(&summary));
        }
    }
    let answered = answered.map(|answered| WaitSummary::of_answered(&answered));
    let are_all = answered.as_ref() == Some(&e2e);
    match (answered, are_all, has_hops) {
        (_, true, true) => add(&mut table, "sum = e2e_latency", &e2e),
        (_, true, false) => add(&mut table, "e2e_latency", &e2e),
        (answered, false, _) => {
            if let Some(answered) = answered {
                add(&mut table, "sum, since asked last", &answered);
            }
            add(&mut table, "e2e_latency", &e2e);
        }
    }
    let _ = writeln!(text, "\n{}", trimmed(&table));
    if let Some(unanswered) = &e2e.unanswered {
        let _ = writeln!(
            text,
            "{} of {} turns ({:.1} %) were not answered: {}. They count as slower than every answer; a figure that falls among them is over (>) the greatest wait known below it.",
            unanswered.count,
            e2e.count + unanswered.count,
            100.0 * unanswered.share,
            unanswered.told()
        );
    }
    doubtful(text, measured);
    let cut_offs = measured.interruptions.cut_offs;
    if cut_offs > 0 {
        let _ = writeln!(
            text,
            "{cut_offs} more turns were cut off: they have no latency, and are counted below.",
        );
    }
    if_all_waited(text, measured);
    if has_hops {
        let _ = writeln!(
            text,
            "The hops add up to {}, to the nanosecond, in {} of {} answered turns. Means add up; percentiles do not.",
            if are_all {
                "e2e_latency"
            } else {
                "the latency of an answer"
            },
            measured.exact,
            measured.answered.count()
        );
    }
}

/// Turns that the figures leave out, or took in, since their latencies may be others.
fn doubtful(text: &mut String, measured: &Measurement) {
    let doubtful = &measured.doubtful;
    let (count, why) = (doubtful.count(), doubtful.told());
    if count == 0 {
        return;
    }
    if doubtful.are_in {
        let _ = writeln!(
            text,
            "{count} answered turns are doubtful ({why}); the figures hold them."
        );
        return;
    }
    let _ = write!(
        text,
        "{count} more answered turns are doubtful ({why}) and left out"
    );
    let with = measured.metrics_with_doubtful();
    let with = with
        .as_ref()
        .and_then(|all| all.get(&Metric::E2eLatency)?.summary());
    if let Some(with) = with {
        let _ = write!(
            text,
            "; with them e2e_latency has p50 {:.0}, p95 {:.0}, max {:.0} (--with-doubtful)",
            with.p50, with.p95, with.max
        );
    }
    text.push_str(".\n");
}

/// What waits would be if everybody had waited.
fn if_all_waited(text: &mut String, measured: &Measurement) {
    let asks = &measured.first_asks;
    let told = |known: &dyn Fn(Percentile) -> Option<Known>| -> String {
        let told = [50, 95, 99].map(|percent| {
            let known = known(Percentile::whole(percent));
            known.map_or_else(
                || format!("p{percent} -"),
                |known| format!("p{percent} {known:.0} ms"),
            )
        });
        told.join(", ")
    };
    let median = measured.estimate_if_all_waited(Percentile::whole(50));
    if median.is_some() {
        let _ = writeln!(
            text,
            "If everybody had waited, by estimate from who left and when: {}.",
            told(&|percentile| measured.estimate_if_all_waited(percentile))
        );
    }
    if asks.shadow_answers() > 0 {
        let _ = writeln!(
            text,
            "If everybody had waited, by {} shadow answers: {}.",
            asks.shadow_answers(),
            told(&|percentile| asks.by_shadows(percentile))
        );
    }
}

fn metrics(text: &mut String, measured: &Measurement) {
    let mut table = table("metric, ms");
    let mut is_empty = true;
    for (metric, waits) in &measured.metrics {
        let is_shown = match *metric {
            Metric::E2eLatency => false,
            // Without fillers the first sound is that of the answer.
            Metric::FirstSound => measured.callers.fillers > 0 || differs(measured),
            _ => true,
        };
        if let (Some(summary), true) = (waits.summary(), is_shown) {
            add(&mut table, metric.name(), &summary);
            is_empty = false;
        }
    }
    if !is_empty {
        let _ = writeln!(text, "\n{}", trimmed(&table));
    }
}

/// Whether sounds came before answers, as far as a recording tells.
fn differs(measured: &Measurement) -> bool {
    let sum = |metric| {
        measured
            .metrics
            .get(&metric)
            .map(|waits| waits.answered().summary())
    };
    measured.hops.is_empty() && sum(Metric::FirstSound) != sum(Metric::E2eLatency)
}

fn table(what: &str) -> Table {
    plain(&[what, "count", "mean", "p50", "p90", "p95", "p99", "max"])
}

fn add(table: &mut Table, name: &str, summary: &WaitSummary) {
    let mut cells = vec![name.to_owned(), summary.counted()];
    cells.extend(summary.figures().map(|known| format!("{known:.1}")));
    table.add_row(cells);
}
