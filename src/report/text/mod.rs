//! The report for people, at the terminal: its blocks, and their order.

mod budgets;
mod costs;
mod devices;
mod disclosures;
mod head;
mod interruptions;
mod latencies;
mod turn;
mod waterfall;
mod words;

use super::resilience::cures;
use crate::measure::Measurement;
use crate::record::store::{Header, RowsPer};
pub(super) use devices::device_notes;
pub use head::EARSHOT;

/// A whole run: what was run, the latencies, every turn, and the figures behind them.
pub fn report(header: &Header, measured: &Measurement, rows_per: RowsPer) -> String {
    let mut text = String::new();
    head::head(&mut text, header, measured);
    if measured.rows.is_empty() {
        text.push_str(match measured.is_cut_short {
            true => "\nNo turns: the run ended before anybody spoke.\n",
            false if header.is_of_others() => "\nNo turns: the caller says nothing.\n",
            false => "\nNo turns: nothing that was played holds speech.\n",
        });
        return text;
    }
    latencies::latencies(&mut text, measured);
    text.push_str(match header.is_of_others() {
        true => "\nTurns\n",
        false => "\nTurns (hops under half a millisecond are not drawn)\n",
    });
    let longest_ns = measured.rows.iter().filter_map(|row| row.e2e_ns).max();
    for row in &measured.rows {
        turn::turn(&mut text, row, longest_ns.unwrap_or(1));
    }
    figures(&mut text, measured, rows_per);
    text
}

/// The report of many conversations, which has no turns.
pub fn summary_report(header: &Header, measured: &Measurement) -> String {
    let mut text = String::new();
    head::head(&mut text, header, measured);
    latencies::latencies(&mut text, measured);
    figures(&mut text, measured, header.rows_per);
    text
}

/// What was measured besides latencies, a line or a few each.
fn figures(text: &mut String, measured: &Measurement, rows_per: RowsPer) {
    text.push('\n');
    interruptions::interruptions(text, measured, rows_per);
    cures(text, &measured.resilience);
    costs::speculation(text, measured);
    disclosures::disclosures(text, measured);
    words::writing(text, measured);
    words::word_errors(text, measured);
    words::right_answers(text, measured);
    costs::money(text, measured);
    budgets::budgets(text, measured);
    budgets::not_as_expected(text, measured);
}
