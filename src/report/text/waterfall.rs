//! The hops of a turn, drawn one below the other on one axis of time.

use crate::measure::{Row, Slice, ms};
use std::fmt::Write;

/// Characters of the time axis.
const AXIS: usize = 48;

/// Hops shorter than this are left out, which the heading says: half a millisecond.
const WORTH_A_LINE_NS: u64 = 500_000;

/// Adds a line for each hop of a turn; `longest_ns` fills the axis.
pub(super) fn waterfall(text: &mut String, row: &Row, longest_ns: u64) {
    let is_worth_a_line = |slice: &&Slice| slice.end.0 - slice.start.0 >= WORTH_A_LINE_NS;
    for slice in row.slices.iter().filter(is_worth_a_line) {
        bar(text, slice, row, longest_ns);
    }
}

fn bar(text: &mut String, slice: &Slice, row: &Row, longest_ns: u64) {
    let origin = row.caller_end.unwrap_or_default();
    let column = |at: u64| {
        let share = at.saturating_sub(origin.0) as f64 / longest_ns.max(1) as f64;
        ((share * AXIS as f64).round() as usize).min(AXIS)
    };
    let (from, to) = (column(slice.start.0), column(slice.end.0));
    // What is too short for a whole character is still somewhere.
    let bar = if from == to {
        "▏".to_owned()
    } else {
        "█".repeat(to - from)
    };
    let _ = writeln!(
        text,
        "     {:<20} {}{}{} {:>8.1} ms",
        slice.hop.name(),
        " ".repeat(from),
        bar,
        " ".repeat((AXIS + 1).saturating_sub(from + bar.chars().count())),
        ms(slice.end.0 - slice.start.0)
    );
}
