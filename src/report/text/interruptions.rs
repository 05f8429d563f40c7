//! What came of sounds over the agent, and of turns that asked for an answer.

use crate::event::Expect;
use crate::measure::{Interruptions, Measurement};
use crate::record::store::RowsPer;
use std::fmt::Write;

/// Counts of what went right and wrong, if the rows are turns of a scenario or were judged.
pub(super) fn interruptions(text: &mut String, measured: &Measurement, rows_per: RowsPer) {
    let is_judged = measured.rows.iter().any(|row| row.is_judged);
    if rows_per != RowsPer::Turn && !is_judged {
        return;
    }
    let counts = &measured.interruptions;
    let _ = writeln!(
        text,
        "interruptions  barge-ins {}, missed {} · false stops {} · spurious replies {} · missed replies {} · cut-offs {} · voided commits {} · failed {}",
        counts.barge_ins,
        counts.missed_barge_ins,
        counts.false_barge_ins,
        counts.spurious_responses,
        counts.missed_responses,
        counts.cut_offs,
        counts.voided_commits,
        counts.failed_turns
    );
    outcomes(text, counts);
}

/// What was asked for against what came of it.
fn outcomes(text: &mut String, counts: &Interruptions) {
    for (expect, outcomes) in &counts.outcomes {
        let asked = match expect {
            Expect::Respond => "asked to answer",
            Expect::Stop => "asked to stop",
            Expect::Ignore => "asked to go on",
        };
        let came: Vec<String> = outcomes
            .iter()
            .map(|(outcome, count)| format!("{} {count}", outcome.name()))
            .collect();
        let _ = writeln!(text, "  {asked:<15}  {}", came.join(" · "));
    }
}
