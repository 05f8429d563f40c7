//! The page of a fit: what was measured and what is drawn, stage by stage.

use super::page::{Page, Part, Svg};
use super::table::{Cell, Table};
use crate::fit::{Fit, FittedStage, SHARES};
use crate::picture::Axis;
use crate::report::chart::Picture;
use crate::report::fit::{lines, name, notes};
use askama::Template;
use std::fmt::Write;

/// How a share picture is laid out, in pixels.
const TOP: f64 = 12.0;
const HEIGHT: f64 = 180.0;
const STEPS: u32 = 160;

/// The frame of a path: units across, and in a pixel down.
const PATH_WIDTH: f64 = 1_000.0;
const PATH_UNITS: f64 = 4.0;

#[derive(Template)]
#[template(path = "fit.html", config = "src/report/html/askama.toml")]
struct FitPage {
    page: Page,
    table: Option<Part<Table>>,
    stages: Vec<Stage>,
}

struct Stage {
    anchor: &'static str,
    name: &'static str,
    lines: Vec<String>,
    picture: Svg,
}

/// The page of a fit, titled by the profile's name.
///
/// # Errors
/// None is known.
pub fn of_fit(fit: &Fit, title: &str) -> askama::Result<String> {
    let mut page = Page::new("fit", title);
    page.facts = vec![
        format!("{} turns", fit.gathered.turns),
        format!("{} conversations", fit.gathered.conversations),
    ];
    page.notes = notes(fit);
    page.sections = vec![("figures", "How well it fits")];
    page.sections
        .extend(fit.stages.iter().map(|stage| (stage.table, name(stage))));
    let stages = fit.stages.iter().map(|stage| Stage {
        anchor: stage.table,
        name: name(stage),
        lines: lines(stage),
        picture: picture(stage),
    });
    FitPage {
        page,
        table: table(fit).part(),
        stages: stages.collect(),
    }
    .render()
}

fn table(fit: &Fit) -> Table {
    let mut heads = vec![
        "stage".to_owned(),
        "measured".into(),
        "given up".into(),
        "chosen".into(),
    ];
    for share in SHARES {
        heads.extend([format!("p{:.0}", 100.0 * share), "fitted".into()]);
    }
    heads.push("KS".into());
    let heads: Vec<&str> = heads.iter().map(String::as_str).collect();
    let mut table = Table::new("Measured and fitted, in milliseconds", &heads);
    for stage in &fit.stages {
        let counts = [stage.measured.finished, stage.measured.given_up];
        let pairs = stage.quantiles.iter();
        let pairs = pairs.flat_map(|(measured, fitted)| [*measured, Some(*fitted)]);
        let cells = [Cell::from(name(stage))]
            .into_iter()
            .chain(counts.map(|count| Cell::from(count.to_string())))
            .chain([Cell::from(stage.chosen.model.name())])
            .chain(pairs.map(|ms| Cell::from(ms.map_or("-".into(), |ms| format!("{ms:.1}")))))
            .chain([Cell::from(format!("{:.3}", stage.ks))]);
        table.add(cells);
    }
    table
}

/// The shares of latencies up to each time, measured and fitted.
fn picture(stage: &FittedStage) -> Svg {
    // One slow turn in two hundred would press all others together.
    let greatest = || stage.measured.steps().last().map(|(ms, _)| *ms);
    let most = stage.measured.quantile(0.995).or_else(greatest);
    let most = most.unwrap_or(1.0);
    let axis = Axis::around("", [0.0, most], "");
    let says = format!(
        "KS {:.3}, of {} measured",
        stage.ks, stage.measured.finished
    );
    let mut picture = Picture::new(
        TOP + HEIGHT + 24.0,
        "Shares of latencies, measured and fitted",
        &says,
    );
    for share in [0.0, 0.5, 0.95, 1.0] {
        let y = TOP + (1.0 - share) * HEIGHT;
        picture.level(if share == 0.0 { "axis" } else { "grid" }, y.round());
        // The last one is too near for a label.
        if share > 0.0 && share < 1.0 {
            picture.text(
                "halo",
                "start",
                0.0,
                y.round() - 4.0,
                &format!("{:.0} %", 100.0 * share),
            );
        }
    }
    for (ms, label) in axis.ticks() {
        picture.label(
            "",
            axis.share(*ms),
            TOP + HEIGHT + 18.0,
            &format!("{label} ms"),
        );
    }
    let (low, high) = bounds(&axis);
    let place = |ms: f64, below: f64| {
        let x = (PATH_WIDTH * axis.share(ms)).round();
        (x, (PATH_UNITS * (1.0 - below) * HEIGHT).round())
    };
    let mut fitted = String::new();
    for step in 0..=STEPS {
        let ms = low + (high - low) * f64::from(step) / f64::from(STEPS);
        let shares: f64 = stage
            .samples
            .iter()
            .map(|s| stage.chosen.model.share_below(s, ms))
            .sum();
        let (x, y) = place(ms, shares / stage.samples.len().max(1) as f64);
        let _ = write!(fitted, "{}{x} {y}", if step == 0 { "M" } else { "L" });
    }
    let mut measured = format!("M0 {}", (PATH_UNITS * HEIGHT).round());
    let mut drawn = -1.0;
    for (ms, below) in stage.measured.steps().iter().filter(|(ms, _)| *ms <= high) {
        let (x, y) = place(*ms, *below);
        // Thousands of steps in the width of a screen are one line.
        if x > drawn {
            let _ = write!(measured, "H{x}V{y}");
            drawn = x;
        }
    }
    measured.push_str("H1000");
    picture.path("curve second", (TOP, HEIGHT), &fitted);
    picture.path("curve first", (TOP, HEIGHT), &measured);
    picture.finish()
}

/// The times at the ends of an axis.
fn bounds(axis: &Axis) -> (f64, f64) {
    let ticks = axis.ticks();
    let ends = ticks.first().zip(ticks.last());
    ends.map_or((0.0, 1.0), |((low, _), (high, _))| (*low, *high))
}
