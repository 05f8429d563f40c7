//! The page of a fit: what was measured and what is drawn, stage by stage.

use super::page::{Page, Part, Svg};
use super::shares::shares;
use super::table::{Cell, Table};
use crate::fit::{Fit, FittedStage, SHARES};
use crate::report::fit::{lines, name, notes};
use askama::Template;

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
    let says = format!(
        "KS {:.3}, of {} measured",
        stage.ks, stage.measured.finished
    );
    let fitted = |ms: f64| {
        let below = stage
            .samples
            .iter()
            .map(|s| stage.chosen.model.share_below(s, ms));
        below.sum::<f64>() / stage.samples.len().max(1) as f64
    };
    shares(
        ("Shares of latencies, measured and fitted", &says),
        most.unwrap_or(1.0),
        stage.measured.steps().iter().copied(),
        fitted,
    )
}
