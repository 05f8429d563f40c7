//! What an import found besides turns, for people.

use super::several;
use crate::trace::{ImportRecord, Table};
use std::fmt::Write;

/// Examples of a problem that are shown.
const SHOWN: usize = 2;
/// Names of what was passed over that are shown.
const NAMES_SHOWN: usize = 8;
/// Tables of percentiles that are shown.
const TABLES_SHOWN: usize = 20;

/// What is wrong, in a sentence each.
pub fn sentences(record: &ImportRecord) -> Vec<String> {
    record
        .problems()
        .map(|(problem, cases)| problem.told(cases.count))
        .collect()
}

/// What was read, what is wrong with it, what was passed over, and tables of percentiles.
pub fn text(record: &ImportRecord, skipped: &[String]) -> String {
    let mut text = String::from("\nImport\n");
    for (format, made) in &record.formats {
        let made = match made.is_empty() {
            true => String::new(),
            false => format!(" ({made})"),
        };
        let _ = writeln!(text, "  {format}{made}");
    }
    let conversations = several(record.conversations, "conversation");
    let turns = several(record.turns, "turn");
    let _ = writeln!(text, "  {conversations}, {turns}");
    for (problem, cases) in record.problems() {
        let _ = writeln!(text, "  {}", problem.told(cases.count));
        for example in cases.examples.iter().take(SHOWN) {
            let _ = writeln!(text, "    {example}");
        }
    }
    passed_over(&mut text, record);
    for file in skipped {
        let _ = writeln!(text, "  not read: {file}");
    }
    if !record.pauses.is_empty() {
        let went_on = record
            .pauses
            .iter()
            .filter(|it| it.outcome == "user_resumed");
        let pauses = several(record.pauses.len() as u64, "pause");
        let _ = writeln!(
            text,
            "  {pauses} of callers, of which {} went on",
            went_on.count()
        );
    }
    tables(&mut text, &record.tables);
    text
}

fn passed_over(text: &mut String, record: &ImportRecord) {
    let mut names: Vec<(&String, &u64)> = record.passed_over.iter().collect();
    if names.is_empty() {
        return;
    }
    names.sort_by_key(|(name, count)| (std::cmp::Reverse(**count), *name));
    let shown: Vec<String> = names
        .iter()
        .take(NAMES_SHOWN)
        .map(|(name, count)| format!("{name} ({count})"))
        .collect();
    let more = match names.len().saturating_sub(NAMES_SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more names, in import.json"),
    };
    let _ = writeln!(
        text,
        "  says nothing of latency: {}{more}",
        shown.join(", ")
    );
}

fn tables(text: &mut String, tables: &[Table]) {
    if tables.is_empty() {
        return;
    }
    text.push_str(
        "\nPercentiles that the log has of whole calls, in ms; no turns stand behind them here\n",
    );
    for table in tables.iter().take(TABLES_SHOWN) {
        let values: Vec<String> = table
            .ms
            .iter()
            .map(|(name, ms)| format!("{name} {ms:.0}"))
            .collect();
        let count = table
            .count
            .map_or_else(String::new, |count| format!(" of {count}"));
        let _ = writeln!(
            text,
            "  {} {}{count}: {}",
            table.call,
            table.of,
            values.join(", ")
        );
    }
    if let Some(more) = tables.len().checked_sub(TABLES_SHOWN).filter(|it| *it > 0) {
        let _ = writeln!(text, "  and {more} more, in import.json");
    }
}
