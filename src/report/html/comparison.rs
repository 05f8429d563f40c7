//! The page of `compare`: two sets of results side by side.

use super::page::{Page, Part};
use super::table::{Cell, Table};
use crate::compare::{ComparedFigure, Comparison, Mark, Statistic, Verdict};
use crate::report::chart::interval::{Axis, Spread};
use crate::report::compare::{asides, cells, how, label, legend, side, value, verdict};
use askama::Template;

/// The column of a table that holds pictures.
const PICTURE: usize = 5;

#[derive(Template)]
#[template(path = "comparison.html", config = "src/report/html/askama.toml")]
struct ComparisonPage {
    page: Page,
    /// The class of its colour.
    verdict: &'static str,
    sentence: String,
    asides: Vec<String>,
    legend: String,
    tables: Vec<Part<Table>>,
    /// What the pictures' axes are.
    axes: String,
    base: String,
    new: String,
    how: Vec<String>,
    differences: Option<Part<Table>>,
}

/// The page of a comparison.
///
/// # Errors
/// None is known.
pub fn of_comparison(of: &Comparison) -> askama::Result<String> {
    let title = match of.base.name == of.new.name {
        true => of.new.name.clone(),
        false => format!("{} against {}", of.new.name, of.base.name),
    };
    let mut page = Page::new("comparison", &title);
    page.notes = of
        .warnings
        .iter()
        .map(|warning| format!("Careful: {warning}."))
        .collect();
    page.sections = vec![
        ("figures", "Figures"),
        ("how", "What was compared"),
        ("differences", "What was asked for otherwise"),
    ];
    let axis = Axis::of(of.lines.iter().filter_map(spread));
    let table = |caption: &str, is_rate: bool| {
        let mut table = Table::new(
            caption,
            &[
                "figure",
                "base",
                "new",
                "difference",
                "95 % interval",
                "",
                "p",
                "verdict",
            ],
        );
        let is_in = |line: &&ComparedFigure| (line.statistic == Statistic::Share) == is_rate;
        if of.lines.iter().any(|line| is_in(&line)) {
            table.add(scale(axis));
        }
        for line in of.lines.iter().filter(is_in) {
            table.add(row(line, axis));
        }
        table.part()
    };
    let tables = [
        table("Latencies, in milliseconds", false),
        table("Rates", true),
    ];
    ComparisonPage {
        page,
        verdict: match of.verdict {
            Verdict::Worse => "missed",
            Verdict::Better => "kept",
            Verdict::NoDifferenceFound => "",
        },
        sentence: verdict(of),
        asides: asides(of),
        legend: legend(of),
        tables: tables.into_iter().flatten().collect(),
        axes: axes(axis),
        base: side(&of.base),
        new: side(&of.new),
        how: how(of),
        differences: differences(of),
    }
    .render()
}

fn axes(axis: Axis) -> String {
    format!(
        "The picture beside each figure is its difference as a share of the base, with its 95 % interval; {}.",
        axis.reach()
    )
}

/// A row without figures, for the scale of the pictures below it.
fn scale(axis: Axis) -> Vec<Cell> {
    let mut cells: Vec<Cell> = (0..8).map(|_| Cell::default()).collect();
    if let Some(cell) = cells.get_mut(PICTURE) {
        *cell = Cell::drawn(axis.scale());
    }
    cells
}

fn row(line: &ComparedFigure, axis: Axis) -> Vec<Cell> {
    let [base, new, difference, interval, p, mark] = cells(line).map(Cell::from);
    let (class, colour) = match line.mark {
        Some(Mark::Worse) => ("missed", "of-bad"),
        Some(Mark::Better) => ("kept", "of-good"),
        None => ("", "of-none"),
    };
    let picture = spread(line).map(|spread| Cell::drawn(axis.draw(spread, colour)));
    vec![
        Cell::from(label(line)),
        base,
        new,
        difference.with_class(class),
        interval,
        picture.unwrap_or_default(),
        p,
        mark.with_class(class),
    ]
}

/// The difference as a share of the base; `None` where there is nothing to share.
fn spread(line: &ComparedFigure) -> Option<Spread> {
    let base = line.base.filter(|base| *base > 0.0)?;
    let interval = line.interval?;
    Some(Spread {
        low: interval.low / base,
        difference: line.difference? / base,
        high: interval.high / base,
    })
}

fn differences(of: &Comparison) -> Option<Part<Table>> {
    let mut table = Table::new("Keys that differ", &["key", "base", "new"]);
    table.class = "words-table";
    for one in &of.differences {
        let values = [&one.base, &one.new].map(|it| Cell::words(value(it)));
        table.add([Cell::from(one.key.clone())].into_iter().chain(values));
    }
    table.part()
}
