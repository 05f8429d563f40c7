//! A sweep as a table.

use super::{Other, Setting, Sweep};
use crate::measure::Interval;
use crate::report::money::money;
use crate::report::table::{plain, trimmed};
use std::fmt::Write;

/// Values longer than this are cut: inline tables are.
const VALUE_CHARACTERS_MAX: usize = 48;

pub fn text(sweep: &Sweep) -> String {
    let mark = |setting: &Setting| if setting.is_on_front { "●" } else { "" };
    let rows = sweep
        .settings
        .iter()
        .map(|setting| (mark(setting), setting));
    let mut text = head(sweep);
    let _ = writeln!(text, "\n{}", table(sweep, rows));
    let axis = match sweep.axes.y {
        Other::CutOffShare => "cut-offs",
        Other::FailedShare => "failures",
        Other::CostPerMinute => "cost",
    };
    let _ = writeln!(
        text,
        "\n● no other one is as good by p95 and by {axis}, and better by one of them. ± is half a 95 % interval; shares are of the questions."
    );
    text
}

/// A paragraph on what was simulated.
pub(in crate::report) fn head(sweep: &Sweep) -> String {
    let mut text = format!(
        "{} · {} settings of {} {} each · seed {} · voicesim {}\n",
        sweep.name,
        sweep.settings.len(),
        sweep.worlds,
        sweep.kind,
        sweep.seed,
        sweep.version
    );
    if sweep.is_cut_short {
        text += "note: it was stopped; the settings that it did not come to are left out\n";
    }
    text
}

/// Rows of settings, each with a mark before it.
pub(in crate::report) fn table<'a>(
    sweep: &'a Sweep,
    rows: impl Iterator<Item = (&'a str, &'a Setting)>,
) -> String {
    let (header, rows) = cells(sweep, rows);
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    let mut table = plain(&header);
    for cells in rows {
        table.add_row(cells);
    }
    trimmed(&table)
}

/// What the columns are called, and what stands in them.
pub(in crate::report) fn cells<'a>(
    sweep: &'a Sweep,
    rows: impl Iterator<Item = (&'a str, &'a Setting)>,
) -> (Vec<String>, Vec<Vec<String>>) {
    let mut header = vec![String::new()];
    header.extend(sweep.vary.iter().cloned());
    header.extend(["p50 ms", "p95 ms", "cut off", "failed"].map(str::to_owned));
    let has_cost = sweep.settings.iter().any(|s| s.cost_per_minute.is_some());
    if has_cost {
        header.push(match sweep.currency.as_str() {
            "" => "cost/min".to_owned(),
            currency => format!("{currency}/min"),
        });
    }
    let has_budgets = (sweep.settings.iter()).any(|s| s.is_saturated || !s.budgets.is_empty());
    if has_budgets {
        header.push("budgets".to_owned());
    }
    let row = |(mark, setting): (&str, &Setting)| {
        let mut cells = vec![mark.to_owned()];
        cells.extend(setting.values.iter().map(|value| shortened(value)));
        cells.extend(figures(setting));
        if has_cost {
            let cost = setting.cost_per_minute;
            cells.push(cost.map_or_else(|| "-".to_owned(), |cost| money(cost, "")));
        }
        if has_budgets {
            cells.push(budgets(setting));
        }
        cells
    };
    (header, rows.map(row).collect())
}

fn figures(setting: &Setting) -> [String; 4] {
    let none = || "-".to_owned();
    let latency = |value: Option<f64>, name: &str| {
        value.map_or_else(none, |ms| around(ms, 0, "", setting.intervals.get(name)))
    };
    let share = |share: Option<f64>, interval: Option<&Interval>| {
        let interval = interval.map(|i| Interval {
            low: 100.0 * i.low,
            high: 100.0 * i.high,
        });
        share.map_or_else(none, |s| around(100.0 * s, 2, " %", interval.as_ref()))
    };
    [
        latency(setting.e2e_latency.map(|s| s.p50_ms), "e2e_latency_p50_ms"),
        latency(setting.p95_ms(), super::P95),
        share(
            setting.cut_off_share,
            setting.intervals.get("cut_off_share"),
        ),
        share(setting.failed_share, None),
    ]
}

fn budgets(setting: &Setting) -> String {
    if setting.is_saturated {
        return "NEVER DRAINS".to_owned();
    }
    match setting.keeps_budgets() {
        None => "-",
        Some(true) => "kept",
        Some(false) => "MISSED",
    }
    .to_owned()
}

/// `812 ±9`.
fn around(value: f64, digits: usize, unit: &str, interval: Option<&Interval>) -> String {
    let half = interval.map_or_else(String::new, |interval| {
        format!(" ±{:.digits$}", (interval.high - interval.low) / 2.0)
    });
    format!("{value:.digits$}{half}{unit}")
}

/// The beginning of a text that is too long for a table or a picture.
pub(super) fn shortened(text: &str) -> String {
    match text.char_indices().nth(VALUE_CHARACTERS_MAX) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}
