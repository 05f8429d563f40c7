//! Latencies by segment, for people: a table for each label, and the slowest segment that is beyond chance.

use super::table::{plain, trimmed};
use crate::measure::segments::{Segment, Segments};
use std::fmt::Write;

/// A table, and a sentence on what stands out.
pub fn text(of: &Segments) -> String {
    let mut table = plain(&header(of));
    for segment in &of.segments {
        table.add_row(cells(segment));
    }
    let mut text = format!("\n{}\n", trimmed(&table));
    let _ = writeln!(text, "{}", sentence(of));
    text
}

/// The names of the columns.
pub(super) fn header(of: &Segments) -> [&str; 7] {
    [
        &of.by,
        "conversations",
        "answered",
        "not answered",
        "p50 ms",
        "p95 ms",
        "95 % interval of p95",
    ]
}

/// The cells of a segment's row.
pub(super) fn cells(segment: &Segment) -> [String; 7] {
    let e2e = &segment.e2e_latency;
    let unanswered = e2e.unanswered.as_ref();
    [
        segment.name.to_string(),
        segment.conversations.to_string(),
        e2e.counted(),
        unanswered.map_or_else(
            || "0 %".to_owned(),
            |it| format!("{:.1} %", 100.0 * it.share),
        ),
        format!("{:.0}", e2e.p50),
        format!("{:.0}", e2e.p95),
        segment.p95_interval.map_or_else(
            || "-".to_owned(),
            |interval| match interval.high.is_finite() {
                true => format!("{:.0} to {:.0}", interval.low, interval.high),
                false => format!("over {:.0}", interval.low),
            },
        ),
    ]
}

/// What stands out, in a sentence.
pub(super) fn sentence(of: &Segments) -> String {
    if of
        .segments
        .iter()
        .all(|segment| segment.e2e_latency.count == 0)
    {
        return "Nothing was answered in any of them.".to_owned();
    }
    let Some(worst) = of.worst() else {
        return match of.segments.len() {
            0 | 1 => format!(
                "All turns have one {}, so there is nothing to compare.",
                of.by
            ),
            _ => format!(
                "No {} is slower than the others by more than chance; shares of unanswered turns count too.",
                of.by
            ),
        };
    };
    let p = worst.p_holm.unwrap_or(1.0);
    let p = match p < 0.001 {
        true => "p < 0.001".to_owned(),
        false => format!("p = {p:.3}"),
    };
    let interval =
        worst
            .p95_interval
            .map_or_else(String::new, |interval| match interval.high.is_finite() {
                true => format!(", 95 %: {:.0} to {:.0}", interval.low, interval.high),
                false => format!(", 95 %: over {:.0}", interval.low),
            });
    format!(
        "The slowest {} beyond chance is {}: p95 {:.0} ms{interval}, of {} turns in {} conversations ({p}, corrected for {} segments{}).",
        of.by,
        worst.name,
        worst.e2e_latency.p95,
        worst.turns,
        worst.conversations,
        of.segments.len(),
        match of.are_turns_independent {
            true => "; turns are taken for independent of each other",
            false => "",
        }
    )
}
