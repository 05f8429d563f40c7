//! What did not come out as it should: budgets, and turns.

use crate::measure::{Measurement, Outcome};
use std::fmt::Write;

/// How many turns that did not come out as expected are named.
const UNEXPECTED_MAX: usize = 20;

/// A line for each budget, kept or missed.
pub(super) fn budgets(text: &mut String, measured: &Measurement) {
    for budget in &measured.budgets {
        let verdict = budget.verdict();
        let actual = budget.told();
        let _ = writeln!(
            text,
            "budget {verdict:<7} {}  {actual} (limit {}{})",
            budget.name,
            budget.limit,
            budget.doubt()
        );
    }
}

/// The turns that ended otherwise than the scenario expects, by number.
pub(super) fn not_as_expected(text: &mut String, measured: &Measurement) {
    let unexpected: Vec<String> = measured
        .rows
        .iter()
        .filter(|row| !row.is_judged && !row.outcome.is_as_expected(row.expect))
        .map(|row| format!("turn {} was {}", row.number, Outcome::name(row.outcome)))
        .collect();
    if unexpected.is_empty() {
        return;
    }
    let named = unexpected.len().min(UNEXPECTED_MAX);
    let rest = match unexpected.len() - named {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    let _ = writeln!(
        text,
        "not as expected: {}{rest}",
        unexpected[..named].join(", ")
    );
}
