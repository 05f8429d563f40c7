//! Parts that several pages have: budgets, and what went wrong.

use super::course::Course;
use super::page::Part;
use super::table::{Cell, Table};
use super::words;
use crate::measure::{Measurement, ms};
use crate::report::chart::gauge;
use crate::report::resilience::of_stages;
use crate::report::text::device_notes;

/// Every budget: limit, actual, kept or missed.
pub(super) fn budgets(measured: &Measurement) -> Option<Part<Table>> {
    let mut table = Table::new("Budgets", &["budget", "verdict", "actual", "limit", ""]);
    for budget in &measured.budgets {
        let drawn = budget.actual.map(|actual| gauge(actual, budget.limit));
        table.add([
            Cell::from(budget.name.as_str()),
            Cell::from(budget.verdict().to_lowercase()).with_class(match budget.pass {
                true => "kept",
                false => "missed",
            }),
            Cell::from(words::actual(budget)),
            Cell::from(budget.limit.to_string()),
            drawn.map_or_else(Cell::default, Cell::drawn),
        ]);
    }
    table.part()
}

/// What went wrong, or had to be put right, as sentences.
pub(super) fn trouble(measured: &Measurement, course: Option<&Course>) -> Vec<String> {
    let mut trouble = Vec::new();
    let doubtful = &measured.doubtful;
    if doubtful.count() > 0 {
        let are = if doubtful.are_in {
            "taken in"
        } else {
            "left out of the figures"
        };
        trouble.push(format!(
            "{} turns are doubtful ({}) and {are}.",
            doubtful.count(),
            doubtful.told()
        ));
    }
    if measured.is_cut_short {
        trouble.push("The run was stopped or killed: its record ends in the middle.".to_owned());
    }
    if measured.clock_lag_ns() > 0 {
        let lag = ms(measured.clock_lag_ns());
        trouble.push(format!(
            "The clock was up to {lag:.0} ms late: the machine was busy."
        ));
    }
    trouble.extend(device_notes(&measured.devices));
    trouble.extend(of_stages(&measured.resilience).map(|(stage, what)| format!("{stage}: {what}")));
    if let Some(course) = course {
        let told = course
            .mishaps
            .iter()
            .map(|(seconds, what)| format!("{seconds:.2} s: {what}"));
        trouble.extend(told);
        if course.more_mishaps > 0 {
            trouble.push(format!("and {} more", course.more_mishaps));
        }
    }
    trouble
}
