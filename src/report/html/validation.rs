//! The page of a validation: what was measured and what was predicted, hop by hop.

use super::page::{Page, Part, Svg};
use super::shares::shares;
use super::table::{Cell, Table};
use crate::report::chart::interval::{Axis, Spread};
use crate::report::validate::{
    Drawn, Predicted, Validation, Verdict, drift, error, mark, sentence, structure,
};
use askama::Template;

/// The column of the table that holds pictures.
const PICTURE: usize = 6;

#[derive(Template)]
#[template(path = "validation.html", config = "src/report/html/askama.toml")]
struct ValidationPage {
    page: Page,
    /// The class of its colour.
    verdict: &'static str,
    sentence: String,
    table: Option<Part<Table>>,
    /// What the pictures' axes are.
    axes: String,
    hops: Vec<One>,
}

/// A distribution on the page.
struct One {
    anchor: String,
    name: String,
    /// What is said of its p50 and p95.
    line: String,
    picture: Svg,
}

/// The page of a validation.
///
/// # Errors
/// None is known.
pub fn of_validation(of: &Validation) -> askama::Result<String> {
    let mut page = Page::new("validation", &of.profile);
    page.facts = vec![
        format!("{} answered turns", of.turns),
        format!("{} conversations", of.conversations),
        of.settings.clone(),
    ];
    let known = structure(of).into_iter().chain(drift(of));
    page.notes = known.map(|note| format!("{}.", capital(&note))).collect();
    page.notes.extend(
        of.outside
            .iter()
            .map(|what| format!("Outside of what the profile has seen: {what}.")),
    );
    page.sections = vec![
        ("figures", "How far off"),
        ("hops", "Measured and predicted"),
    ];
    let axis = Axis::of(of.figures.iter().filter_map(spread));
    ValidationPage {
        page,
        verdict: match of.verdict {
            Verdict::Missed => "missed",
            Verdict::Holds => "kept",
            Verdict::Undecided => "",
        },
        sentence: sentence(of),
        table: table(of, axis).part(),
        axes: axes(axis),
        hops: of
            .drawn
            .iter()
            .enumerate()
            .map(|(nth, drawn)| one(of, nth, drawn))
            .collect(),
    }
    .render()
}

/// A note as a sentence.
fn capital(note: &str) -> String {
    let mut rest = note.chars();
    let first = rest.next().map(|first| first.to_uppercase().to_string());
    first.unwrap_or_default() + rest.as_str()
}

fn axes(axis: Axis) -> String {
    format!(
        "The picture beside each figure is its error with the 95 % interval that chance gives it; {}.",
        axis.reach()
    )
}

/// The error as a share of what was measured; `None` where next to nothing was.
fn spread(one: &Predicted) -> Option<Spread> {
    let percent = one.without_drift_error_percent.or(one.error_percent)?;
    let interval = one.error_interval_percent?;
    Some(Spread {
        low: interval.low / 100.0,
        difference: percent / 100.0,
        high: interval.high / 100.0,
    })
}

fn table(of: &Validation, axis: Axis) -> Table {
    let heads = [
        "figure",
        "",
        "measured",
        "95 % interval",
        "predicted",
        "error",
        "",
        "own times",
        "naive",
        "",
    ];
    let mut table = Table::new("Measured and predicted, in milliseconds", &heads);
    if !of.figures.is_empty() {
        let mut cells: Vec<Cell> = heads.iter().map(|_| Cell::default()).collect();
        if let Some(cell) = cells.get_mut(PICTURE) {
            *cell = Cell::drawn(axis.scale());
        }
        table.add(cells);
    }
    for one in &of.figures {
        let ms =
            |value: Option<f64>| Cell::from(value.map_or("-".to_owned(), |ms| format!("{ms:.0}")));
        let (class, colour) = match (one.is_within_bound, one.is_within_chance) {
            (Some(false), false) => ("missed", "of-bad"),
            (Some(true), _) => ("kept", "of-good"),
            _ => ("", "of-none"),
        };
        let picture = spread(one).map(|spread| Cell::drawn(axis.draw(spread, colour)));
        table.add([
            Cell::from(one.name.clone()),
            Cell::from(one.statistic),
            Cell::from(format!("{:.0}", one.measured_ms)),
            Cell::from(format!(
                "{:.0} to {:.0}",
                one.interval.low, one.interval.high
            )),
            Cell::from(format!("{:.0}", one.judged_ms())),
            Cell::from(error(one)).with_class(class),
            picture.unwrap_or_default(),
            ms(one.structure_ms),
            ms(one.naive_ms),
            Cell::from(mark(one)).with_class(class),
        ]);
    }
    table
}

fn one(of: &Validation, nth: usize, drawn: &Drawn) -> One {
    let said = |statistic: &str| {
        let figure = of.figure(&drawn.name, statistic)?;
        let (measured, predicted) = (figure.measured_ms, figure.judged_ms());
        Some(format!(
            "{statistic} {measured:.0} ms measured, {predicted:.0} predicted"
        ))
    };
    let line: Vec<String> = ["p50", "p95"].into_iter().filter_map(said).collect();
    let steps = drawn.measured.len().saturating_sub(1).max(1) as f64;
    let measured = drawn.measured.iter().enumerate();
    let measured = measured.map(|(step, ms)| (*ms, step as f64 / steps));
    let predicted = |ms: f64| {
        let below = drawn.predicted.partition_point(|own| *own <= ms) as f64 - 1.0;
        (below / steps).clamp(0.0, 1.0)
    };
    // The slowest few would press all others together.
    let near_all = |times: &[f64]| times.get(times.len() * 199 / 200).or(times.last()).copied();
    let both = [near_all(&drawn.measured), near_all(&drawn.predicted)];
    let most = both.into_iter().flatten().fold(1.0, f64::max);
    One {
        anchor: format!("hop-{nth}"),
        name: drawn.name.clone(),
        picture: shares(
            (
                "Shares of latencies, measured and predicted",
                &line.join("; "),
            ),
            most,
            measured,
            predicted,
        ),
        line: line.join("; "),
    }
}
