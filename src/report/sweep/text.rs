//! A sweep as a table.

use super::{Axes, Axis, FromFirst, Setting, Sweep};
use crate::measure::{Interval, Known};
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
    let Axes { x, y } = sweep.axes;
    let _ = writeln!(
        text,
        "\n● no other one is as good by {} and by {}, and better by one of them. ± is half a 95 % interval; shares are of the questions, stops are for 100 questions.",
        x.told(),
        y.told()
    );
    if let Some(saved) = saved(sweep) {
        let _ = writeln!(text, "{saved}");
    }
    for setting in &sweep.settings {
        if let Some(why) = &setting.saturation {
            let _ = writeln!(text, "{}: {why}", setting.values.join(", "));
        }
    }
    if let Some(note) = unmoved(sweep) {
        let _ = writeln!(text, "note: {note}");
    }
    text
}

/// What a reader should know if the settings do not move what is shown.
pub(in crate::report) fn unmoved(sweep: &Sweep) -> Option<String> {
    let Axes { x, y } = sweep.axes;
    let keys = sweep.vary.join(" and ");
    let is_unmoved = |axis: Axis| sweep.unmoved.contains(&axis);
    let is_measured = |setting: &&Setting| !setting.is_saturated;
    if sweep.settings.iter().filter(is_measured).count() < 2 || !(is_unmoved(x) && is_unmoved(y)) {
        return None;
    }
    let shown = Axis::ALL.into_iter().filter(|axis| {
        let known = |setting: &Setting| setting.known(*axis).is_some();
        !is_unmoved(*axis) && sweep.settings.iter().any(known)
    });
    let mut moves: Vec<&str> = shown.map(Axis::name).collect();
    let others = sweep.moved.iter().map(String::as_str);
    let others: Vec<&str> = others.filter(|name| !moves.contains(name)).collect();
    moves.extend(others);
    Some(match moves.is_empty() {
        true => format!("{keys} moves no figure of this scenario, so ● says nothing"),
        false => format!(
            "{keys} moves neither {} nor {}, so ● says nothing; it moves {}: compare by them (--against, [budget])",
            x.told(),
            y.told(),
            moves.join(", ")
        ),
    })
}

/// What the luck that settings share is worth; `None` if it is worth little, or nothing can be told.
pub(in crate::report) fn saved(sweep: &Sweep) -> Option<String> {
    let told = sweep
        .settings
        .iter()
        .filter_map(|setting| setting.from_first);
    let times = told
        .map(|from| from.as_of_times)
        .filter(|times| times.is_finite());
    let (least, most) = times.fold((f64::INFINITY, 0.0_f64), |(least, most), times| {
        (least.min(times), most.max(times))
    });
    let about = match (least.round(), most.round()) {
        (_, most) if most < 2.0 => return None,
        (least, most) if least == most => format!("{least:.0}"),
        (least, most) => format!("{least:.0} to {most:.0}"),
    };
    Some(format!(
        "These settings have the same luck: with luck of its own, each would have to be simulated some {about} times as often to tell its p95 from the first one's as surely."
    ))
}

/// A paragraph on what was simulated.
pub(in crate::report) fn head(sweep: &Sweep) -> String {
    let several = format!("{} settings of ", sweep.settings.len());
    let mut text = sweep.subject.line(&several);
    for sentence in &sweep.rests_on {
        let _ = writeln!(text, "note: {sentence}");
    }
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
    header.push("p50 ms".to_owned());
    let shown = shown(sweep);
    header.extend(
        shown
            .iter()
            .map(|axis| match (axis, sweep.currency.as_str()) {
                (Axis::CostPerMinute, currency) if !currency.is_empty() => {
                    format!("{currency}/min")
                }
                _ => axis.column().to_owned(),
            }),
    );
    let has_first = (sweep.settings.iter()).any(|setting| setting.from_first.is_some());
    if has_first {
        header.push("p95 from first".to_owned());
    }
    let has_budgets = (sweep.settings.iter()).any(|s| s.is_saturated || !s.budgets.is_empty());
    if has_budgets {
        header.push("budgets".to_owned());
    }
    let row = |(mark, setting): (&str, &Setting)| {
        let mut cells = vec![mark.to_owned()];
        cells.extend(setting.values.iter().map(|value| shortened(value)));
        let p50 = setting.e2e_latency.as_ref().map(|summary| summary.p50);
        cells.push(latency(p50, setting.intervals.get("e2e_latency_p50_ms")));
        cells.extend(shown.iter().map(|axis| figure(setting, *axis)));
        if has_first {
            cells.push(setting.from_first.map_or_else(String::new, from_first));
        }
        if has_budgets {
            cells.push(budgets(setting));
        }
        cells
    };
    (header, rows.map(row).collect())
}

/// The columns of a sweep: those that are the axes, those that say something, and latency and cut-offs always.
fn shown(sweep: &Sweep) -> Vec<Axis> {
    let is_something = |axis: &Axis| {
        let values = sweep
            .settings
            .iter()
            .filter_map(|setting| setting.value(*axis));
        let is_axis = [sweep.axes.x, sweep.axes.y].contains(axis);
        let always = matches!(
            axis,
            Axis::P95 | Axis::UnansweredShare | Axis::CutOffShare | Axis::FailedShare
        );
        always || is_axis || values.into_iter().any(|value| value > 0.0)
    };
    Axis::ALL.into_iter().filter(is_something).collect()
}

fn latency(known: Option<Known>, interval: Option<&Interval>) -> String {
    match known {
        None => "-".to_owned(),
        Some(Known::Over(bound)) => format!(">{bound:.0}"),
        Some(Known::Is(value)) => around(value, 0, "", interval),
    }
}

fn figure(setting: &Setting, axis: Axis) -> String {
    let (known, interval) = (setting.known(axis), setting.intervals.get(axis.name()));
    let times = axis.scale();
    match (axis, known) {
        (_, None) => "-".to_owned(),
        (Axis::CostPerMinute, Some(cost)) => money(cost.rank(), ""),
        (axis, Some(Known::Is(share))) if axis.is_share() => {
            let interval = interval.map(|i| Interval {
                low: times * i.low,
                high: times * i.high,
            });
            around(times * share, 2, axis.unit(), interval.as_ref())
        }
        (_, known) => latency(known, interval),
    }
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

/// `+34 ±2`.
fn from_first(from: FromFirst) -> String {
    format!("{:+.0} ±{:.0}", from.e2e_latency_p95_ms, from.half_ms)
}

/// `812 ±9`.
fn around(value: f64, digits: usize, unit: &str, interval: Option<&Interval>) -> String {
    let interval = interval.filter(|interval| interval.high.is_finite());
    if let Some(interval) = interval.filter(|_| value == 0.0 && !unit.is_empty()) {
        // What never happened may still be possible.
        return format!("<{:.digits$}{unit}", interval.high);
    }
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
