//! The pages of `sweep` and `plan`: settings of one scenario, and their trade-offs.

use super::page::{Page, Part, Svg};
use super::table::{Cell, Table};
use crate::report::plan::Plan;
use crate::report::sweep::{self, Setting, Sweep, cells, saved, unmoved};
use askama::Template;
use askama::filters::Safe;

#[derive(Template)]
#[template(path = "settings.html", config = "src/report/html/askama.toml")]
struct Settings {
    page: Page,
    answer: Option<Answer>,
    lead: String,
    picture: Svg,
    varied: String,
    table: Option<Part<Table>>,
    misses: Vec<String>,
}

/// What a plan comes to, before anything else.
struct Answer {
    /// The class of its colour.
    class: &'static str,
    sentence: String,
    /// The budgets and what is measured of them.
    budgets: Option<String>,
}

/// The page of a sweep.
///
/// # Errors
/// None is known.
pub fn of_sweep(sweep: &Sweep) -> askama::Result<String> {
    let mark = |setting: &Setting| if setting.is_on_front { "●" } else { "" };
    let rows = sweep.settings.iter().map(|one| (mark(one), one));
    Settings {
        lead: format!(
            "● No other setting is as good by {} and by {}, and better by one of them. ± is half a 95 % interval; shares are of the questions, stops are for 100 questions.{}",
            sweep.axes.x.told(),
            sweep.axes.y.told(),
            unmoved(sweep).map_or_else(String::new, |note| format!(" Note: {note}."))
        ),
        table: table(sweep, "Every setting, in the order it was asked for", rows),
        misses: Vec::new(),
        ..around(sweep, "sweep")
    }
    .render()
}

/// The page of a plan.
///
/// # Errors
/// None is known.
pub fn of_plan(plan: &Plan) -> askama::Result<String> {
    let misses = plan.nearly.iter().flat_map(|one| plan.misses(one));
    Settings {
        answer: Some(Answer {
            class: if plan.chosen.is_some() {
                "kept"
            } else {
                "missed"
            },
            sentence: plan.answer(),
            budgets: plan.budgets(),
        }),
        lead: "Where the settings lie. The ring is around the chosen one, and dashed lines are budgets.".to_owned(),
        picture: Safe(sweep::svg_of_choice(&plan.sweep, plan.chosen)),
        table: table(
            &plan.sweep,
            "The chosen setting, and those that come next to it",
            plan.rows(),
        ),
        misses: misses.collect(),
        ..around(&plan.sweep, "plan")
    }
    .render()
}

fn around(sweep: &Sweep, kind: &'static str) -> Settings {
    let mut page = Page::new(kind, &sweep.subject.name);
    page.version = sweep.subject.version.to_owned();
    page.facts = vec![
        format!(
            "{} settings of {} {} each",
            sweep.settings.len(),
            sweep.subject.worlds,
            sweep.subject.kind
        ),
        format!("seed {}", sweep.subject.seed),
    ];
    if sweep.is_cut_short {
        let note = "It was stopped: the settings that it did not come to are left out.";
        page.notes.push(note.to_owned());
    }
    page.notes.extend(saved(sweep));
    Settings {
        page,
        answer: None,
        lead: String::new(),
        picture: Safe(sweep::svg(sweep)),
        varied: sweep.vary.join(", "),
        table: None,
        misses: Vec::new(),
    }
}

fn table<'a>(
    sweep: &'a Sweep,
    caption: &str,
    rows: impl Iterator<Item = (&'a str, &'a Setting)>,
) -> Option<Part<Table>> {
    let (heads, rows) = cells(sweep, rows);
    let heads: Vec<&str> = heads.iter().map(String::as_str).collect();
    let mut table = Table::new(caption, &heads);
    for row in rows {
        table.add(row.into_iter().map(|text| match text.as_str() {
            "MISSED" | "NEVER DRAINS" => Cell::from(text).with_class("missed"),
            "kept" => Cell::from(text).with_class("kept"),
            _ => Cell::from(text),
        }));
    }
    table.part()
}
