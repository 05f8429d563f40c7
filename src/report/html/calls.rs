//! The page of a folder of runs, or of calls that were measured: the worst first.

use super::about::About;
use super::distribution::Distribution;
use super::page::{Page, Part};
use super::parts;
use super::run::stats;
use super::segments::ByLabels;
use super::table::{Cell, Table};
use super::turn::{Around, Turn, after_ns};
use super::words::{self, Stat};
use crate::measure::segments::Segments;
use crate::measure::{Known, Measurement, WaitSummary};
use crate::record::store::Header;
use crate::report::busy;
use crate::report::calls::{MeasuredCall, e2e};
use askama::Template;
use std::path::Path;

/// Turns that are shown on the page at most, those of the worst calls; and turns of one call.
const TURNS_MAX: usize = 300;
const TURNS_OF_CALL_MAX: usize = 40;

/// Lines of the table.
const CALLS_MAX: usize = 2_000;

#[derive(Template)]
#[template(path = "calls.html", config = "src/report/html/askama.toml")]
struct CallsPage {
    page: Page,
    stats: Vec<Stat>,
    outcomes: String,
    budgets: Option<Part<Table>>,
    table: Option<Part<Table>>,
    distribution: Part<Distribution>,
    segments: Option<Part<ByLabels>>,
    turns_lead: String,
    drawn: Vec<Drawn>,
    about: Part<About>,
}

/// A call whose turns are shown.
struct Drawn {
    anchor: String,
    name: String,
    notes: Vec<String>,
    turns: Vec<Part<Turn>>,
    left_out: usize,
}

/// The page of calls, the worst first, with the figures of all of them together.
///
/// # Errors
/// None is known.
pub fn of_calls(
    header: &Header,
    all: &Measurement,
    calls: &[MeasuredCall],
    segments: &[Segments],
) -> askama::Result<String> {
    let drawn = drawn(calls, words::good_until_ns(all));
    let mut page = Page::new("folder of calls", &header.name);
    page.warning = busy::sentence(header, all);
    page.facts = vec![
        words::several(calls.len() as u64, "call"),
        words::several(all.rows.len() as u64, "turn"),
    ];
    page.sections = vec![
        ("calls", "Calls"),
        ("percentiles", "Percentiles"),
        ("segments", "Segments"),
        ("turns", "Turns"),
        ("about", "About"),
    ];
    if segments.is_empty() {
        page.sections.retain(|(id, _)| *id != "segments");
    }
    if calls.len() > CALLS_MAX {
        page.notes.push(format!(
            "The table has the worst {CALLS_MAX} of {} calls; the figures are of all.",
            calls.len()
        ));
    }
    CallsPage {
        page,
        stats: stats(all),
        outcomes: words::outcomes(all),
        budgets: parts::budgets(all),
        table: table(calls, drawn.len()).part(),
        distribution: Distribution::of(all),
        segments: ByLabels::of(segments),
        turns_lead: lead(calls, &drawn),
        drawn,
        about: About::of(header, Some(Path::new(&header.name))),
    }
    .render()
}

fn anchor(index: usize) -> String {
    format!("call-{}", index + 1)
}

fn table(calls: &[MeasuredCall], drawn: usize) -> Table {
    let heads = [
        "call",
        "turns",
        "answered",
        "p50, ms",
        "p95",
        "max",
        "missed",
        "false stops",
        "missed stops",
        "cut-offs",
    ];
    let mut table = Table::new("How long callers waited, and what went wrong", &heads);
    for (index, call) in calls.iter().enumerate().take(CALLS_MAX) {
        let name = Cell::from(call.name.as_str());
        let name = if index < drawn {
            name.leading_to(anchor(index))
        } else {
            name
        };
        let e2e = e2e(&call.measured);
        let latency = |of: fn(&WaitSummary) -> Known| {
            Cell::from(
                e2e.as_ref()
                    .map_or_else(|| "-".to_owned(), |e2e| format!("{:.0}", of(e2e))),
            )
        };
        let counts = &call.measured.interruptions;
        let wrong = [
            counts.missed_responses,
            counts.false_barge_ins,
            counts.missed_barge_ins,
            counts.cut_offs,
        ];
        let figures = [
            Cell::from(call.measured.rows.len().to_string()),
            Cell::from(
                e2e.as_ref()
                    .map_or_else(|| "0".to_owned(), WaitSummary::counted),
            ),
            latency(|e2e| e2e.p50),
            latency(|e2e| e2e.p95),
            latency(|e2e| e2e.max),
        ];
        let wrong = wrong.map(|count| match count {
            0 => Cell::from("0").with_class("none"),
            count => Cell::from(count.to_string()).with_class("missed"),
        });
        table.add(std::iter::once(name).chain(figures).chain(wrong));
    }
    table
}

/// The turns of the worst calls, as many as are shown.
fn drawn(calls: &[MeasuredCall], good_until_ns: u64) -> Vec<Drawn> {
    let mut room = TURNS_MAX;
    let mut drawn = Vec::new();
    for (index, call) in calls.iter().enumerate() {
        if room == 0 {
            break;
        }
        let rows = &call.measured.rows;
        let anchor = anchor(index);
        let before = format!("{anchor}-");
        let around = Around {
            anchor: &before,
            loudness: None,
            after_ns: after_ns(rows),
            good_until_ns,
            played: &[],
        };
        let shown = rows.len().min(TURNS_OF_CALL_MAX).min(room);
        room -= shown;
        drawn.push(Drawn {
            anchor,
            name: call.name.clone(),
            notes: call.header.notes.clone(),
            turns: rows
                .iter()
                .take(shown)
                .map(|row| Turn::of(row, None, &around))
                .collect(),
            left_out: rows.len() - shown,
        });
    }
    drawn
}

fn lead(calls: &[MeasuredCall], drawn: &[Drawn]) -> String {
    let shown: usize = drawn.iter().map(|call| call.turns.len()).sum();
    let all: usize = calls.iter().map(|call| call.measured.rows.len()).sum();
    match all - shown {
        0 => "Of every call, on the scale of its slowest turn.".to_owned(),
        left_out => format!(
            "{shown} of {all}, of the {} worst calls; {left_out} are left out. `voicesim report FOLDER --html FILE` of one call shows all of it.",
            drawn.len()
        ),
    }
}
