//! The least or the greatest value of a key that keeps a limit. The document is `voicesim.find/2`:
//!
//! ```json
//! {
//!   "schema": "voicesim.find/2", "name": "…", "version": "…", "seed": 1, "worlds": 10000,
//!   "key": "endpointing.silence_ms", "metric": "e2e_latency_p95_ms", "limit": 900.0,
//!   "wanted": "greatest", "found": 512, "interval": { "low": 880.0, "high": 899.0 }, "is_decided": true,
//!   "neighbour": { a step that misses the limit, next to the one that was found },
//!   "ended": "at_limit", "is_monotonic": true,
//!   "steps": [{ "value": 300, "actual": 684.0, "over": null, "interval": { "low", "high" } or null,
//!               "kept": true, "decided": true, "saturated": false }]
//! }
//! ```
//!
//! `found` is null if no value was found to keep the limit, and `neighbour` if there was none to try. Where every
//! value keeps the limit (`ended` is `everywhere`), `found` is the least that was tried, and `neighbour` the
//! greatest. `actual` is null, and `over` what it lies over, if it falls among turns that were not answered. A
//! step is decided if its interval lies on one side of the limit. Steps are in the order they were taken; `worlds`
//! are those of each: conversations, or loads, of which a step is saturated if they never drain.

use super::subject::Subject;
use crate::measure::Interval;
use crate::report::table::{plain, trimmed};
use serde::Serialize;
use std::fmt::Write;

pub const SCHEMA: &str = "voicesim.find/2";

/// Which of the values that keep the limit is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Wanted {
    /// The least one, as of slots.
    Least,
    /// The greatest one, as of callers.
    Greatest,
}

#[derive(Debug, Clone, Serialize)]
pub struct Find {
    pub schema: &'static str,
    #[serde(flatten)]
    pub subject: Subject,
    pub key: String,
    /// The figure that is limited, as it was asked for.
    pub metric: String,
    pub limit: f64,
    /// Whether the least or the greatest value is wanted; null if nobody said so, and the values do not tell.
    pub wanted: Option<Wanted>,
    pub found: Option<serde_json::Value>,
    /// The 95 % interval of the figure at the value that was found, if it has one.
    pub interval: Option<Interval>,
    /// Whether that interval lies on one side of the limit.
    pub is_decided: bool,
    /// The value next to the one that was found, which misses the limit.
    pub neighbour: Option<Step>,
    /// Whether the figure only grows, or only falls, with the key, as far as the steps tell.
    pub is_monotonic: bool,
    pub ended: Ended,
    pub steps: Vec<Step>,
}

/// How a search ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// A little more, or less, misses the limit.
    AtLimit,
    /// The key takes no greater or lesser value, or values so large were not looked at.
    AtBound,
    /// Every value that the key takes keeps the limit.
    Everywhere,
    /// No value that was tried keeps the limit.
    Missed,
    /// Values on both sides of the first one come out otherwise than it.
    NotMonotonic,
    /// The search took too many steps, or somebody stopped it: a better value may keep the limit.
    Stopped,
}

/// One value that was tried.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Step {
    pub value: serde_json::Value,
    pub actual: Option<f64>,
    /// What the figure lies over, if it falls among turns that were not answered.
    pub over: Option<f64>,
    /// The 95 % interval of what is limited, if it has one.
    pub interval: Option<Interval>,
    pub kept: bool,
    /// Whether the interval lies on one side of the limit.
    pub decided: bool,
    /// The load is more than its pools can ever serve: nothing was measured.
    pub saturated: bool,
}

impl Step {
    /// The cells of the step's row, for people.
    fn cells(&self) -> Vec<String> {
        let none = || "-".to_owned();
        vec![
            self.value.to_string(),
            match (self.actual, self.over) {
                (Some(actual), _) => number(actual),
                (None, Some(over)) => format!(">{}", number(over)),
                (None, None) => none(),
            },
            self.interval
                .map_or_else(none, |i| match i.high.is_finite() {
                    true => format!("{} to {}", number(i.low), number(i.high)),
                    false => format!("over {}", number(i.low)),
                }),
            match (self.kept, self.saturated, self.decided) {
                (true, _, true) => "kept",
                (true, _, false) => "kept?",
                (false, false, true) => "MISSED",
                (false, false, false) => "MISSED?",
                (false, true, _) => "NEVER DRAINS",
            }
            .to_owned(),
        ]
    }
}

/// A figure with as many digits as say something: shares have four, milliseconds one.
pub(super) fn number(value: f64) -> String {
    match value.abs() < 10.0 {
        true => format!("{value:.4}"),
        false => format!("{value:.1}"),
    }
}

pub fn text(find: &Find) -> String {
    let which = match find.wanted {
        Some(Wanted::Least) => "the least ",
        Some(Wanted::Greatest) => "the greatest ",
        None => "",
    };
    let (key, metric, limit) = (&find.key, &find.metric, find.limit);
    let several = format!("{which}{key} with {metric} <= {limit} · ");
    let mut text = find.subject.line(&several);
    let mut table = plain(&[&find.key, &find.metric, "95 % interval", ""]);
    for step in &find.steps {
        table.add_row(step.cells());
    }
    let _ = writeln!(text, "\n{}\n", trimmed(&table));
    let _ = writeln!(text, "{}", verdict(find));
    if find.found.is_some() && !find.is_decided {
        let _ = writeln!(
            text,
            "note: the limit lies within the interval there (?), so chance may move the value; more --worlds, or --until-decided, would tell"
        );
    }
    if !find.is_monotonic && find.ended != Ended::NotMonotonic {
        let _ = writeln!(
            text,
            "note: {} neither only grows nor only falls with {}: look at the values above, other ones may keep the limit too",
            find.metric, find.key
        );
    }
    text
}

/// What was found, in a sentence.
fn verdict(find: &Find) -> String {
    let (key, metric) = (&find.key, &find.metric);
    let which = match find.wanted {
        Some(Wanted::Least) => "least",
        _ => "greatest",
    };
    match (find.ended, &find.found, &find.neighbour) {
        (Ended::AtLimit, Some(found), Some(neighbour)) => format!(
            "{key} = {found} is the {which} that keeps it; {} misses it",
            neighbour.value
        ),
        (Ended::AtBound, Some(found), _) => format!(
            "{key} = {found} keeps it, and nothing {} was there to try: the key takes no more, or no more was looked at",
            if which == "least" { "less" } else { "greater" }
        ),
        (Ended::Everywhere, Some(found), Some(greatest)) => format!(
            "every {key} keeps it, from {found} to {}: nothing beyond was there to try, or was looked at",
            greatest.value
        ),
        (Ended::Stopped, Some(found), _) => format!(
            "{key} = {found} is the {which} that was tried and keeps it; the search was stopped"
        ),
        (Ended::NotMonotonic, ..) => format!(
            "{metric} is not monotonic in {key}: on both sides of {} it comes out otherwise; say which side is meant (--least, --greatest)",
            find.steps
                .first()
                .map(|step| step.value.to_string())
                .unwrap_or_default()
        ),
        (Ended::Missed, ..) => {
            let values = find.steps.iter().filter_map(|step| step.value.as_f64());
            let (least, most) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |ends, value| {
                (ends.0.min(value), ends.1.max(value))
            });
            format!("none: no {key} from {least} to {most} keeps it")
        }
        _ => "none was found to keep it; the search was stopped".into(),
    }
}
