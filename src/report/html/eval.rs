//! The page of an evaluation: steps as rows, segments as columns.

use super::page::{Page, Part};
use super::table::{Cell, Table};
use crate::report::eval::{LEGEND, Report, agreement, is_faint, p, shown};
use askama::Template;

#[derive(Template)]
#[template(path = "eval.html", config = "src/report/html/askama.toml")]
struct EvalPage {
    page: Page,
    /// The class of its colour.
    verdict: &'static str,
    sentence: String,
    legend: &'static str,
    table: Option<Part<Table>>,
    weak: Vec<WeakOnPage>,
    limits: Option<Part<Table>>,
}

/// A weak segment on the page.
struct WeakOnPage {
    name: String,
    line: String,
    turns: Vec<String>,
}

/// The page of an evaluation.
///
/// # Errors
/// None is known.
pub fn of_eval(of: &Report) -> askama::Result<String> {
    let mut page = Page::new("evaluation", of.suite);
    page.facts = vec![of.counted()];
    page.notes = of.agreements.iter().map(agreement).collect();
    page.sections = vec![("steps", "Steps by segment")];
    if !of.weak.is_empty() {
        page.sections.push(("weak", "Weak segments"));
    }
    if !of.limits.is_empty() {
        page.sections.push(("budgets", "Budgets"));
    }
    EvalPage {
        page,
        verdict: match (of.has_passed(), of.weak.is_empty()) {
            (false, _) => "missed",
            (true, false) => "",
            (true, true) => "kept",
        },
        sentence: of.sentence(),
        legend: LEGEND,
        table: steps(of).part(),
        weak: of
            .told_weak()
            .iter()
            .map(|weak| WeakOnPage {
                name: format!("{}: {} {}", weak.figure.said(), weak.label, weak.value),
                line: format!(
                    "{}, against {} of all other turns; p {}. The worst turns:",
                    weak.figure.shown(weak.own),
                    weak.figure.shown(weak.others),
                    p(weak.p)
                ),
                turns: of.worst(weak),
            })
            .collect(),
        limits: limits(of).part(),
    }
    .render()
}

fn steps(of: &Report) -> Table {
    let names: Vec<String> = of
        .table
        .columns
        .iter()
        .map(|column| column.name())
        .collect();
    let heads: Vec<&str> = ["figure", "step"]
        .into_iter()
        .chain(names.iter().map(String::as_str))
        .collect();
    let mut table = Table::new("Figures by segment", &heads);
    for (figure, cells) in &of.table.rows {
        let is_weak = |place: usize| {
            let column = &of.table.columns[place];
            of.weak.iter().any(|weak| {
                weak.figure == *figure && column.name() == format!("{} {}", weak.label, weak.value)
            })
        };
        let cells = cells.iter().enumerate().map(|(place, cell)| match cell {
            None => Cell::default(),
            // Few turns tell nothing that deserves a colour.
            Some(cell) if is_faint(cell) => Cell::from(shown(*figure, cell)).with_class("faint"),
            Some(cell) if is_weak(place) => Cell::from(shown(*figure, cell)).with_class("missed"),
            Some(cell) => Cell::from(shown(*figure, cell)),
        });
        let first = [Cell::from(figure.said()), Cell::words(figure.step().name())];
        table.add(first.into_iter().chain(cells));
    }
    table
}

fn limits(of: &Report) -> Table {
    let mut table = Table::new(
        "Budgets",
        &["figure", "turns", "verdict", "actual", "limit"],
    );
    for one in &of.limits {
        let (verdict, class) = match one.is_kept {
            true => ("kept", "kept"),
            false => ("missed", "missed"),
        };
        table.add([
            Cell::from(one.figure.said()),
            Cell::words(one.column.name()),
            Cell::from(verdict).with_class(class),
            Cell::from(
                one.actual
                    .map_or("-".to_owned(), |actual| one.figure.shown(actual)),
            ),
            Cell::from(one.figure.shown(one.limit)),
        ]);
    }
    table
}
