//! The greatest value of a key that keeps a limit. The document is `voicesim.find/1`:
//!
//! ```json
//! {
//!   "schema": "voicesim.find/1", "name": "…", "version": "…", "seed": 1, "worlds": 10000,
//!   "key": "endpointing.silence_ms", "metric": "e2e_latency_p95_ms", "limit": 900.0,
//!   "found": 512, "ended": "at_limit",
//!   "steps": [{ "value": 300, "actual": 684.0, "interval": { "low", "high" } or null, "kept": true, "saturated": false }]
//! }
//! ```
//!
//! `found` is null if even the least value misses the limit. Steps are in the order they were taken; `worlds`
//! are those of each: conversations, or loads, of which a step is saturated if they never drain.

use crate::measure::Interval;
use crate::report::table::{plain, trimmed};
use serde::Serialize;
use std::fmt::Write;

pub const SCHEMA: &str = "voicesim.find/1";

#[derive(Debug, Clone, Serialize)]
pub struct Find {
    pub schema: &'static str,
    pub name: String,
    pub version: &'static str,
    pub seed: u64,
    /// Conversations of each step, or loads.
    pub worlds: u32,
    /// What `worlds` counts: conversations, or loads.
    #[serde(skip)]
    pub kind: &'static str,
    pub key: String,
    /// The figure that is limited, as it was asked for.
    pub metric: String,
    pub limit: f64,
    pub found: Option<serde_json::Value>,
    pub ended: Ended,
    pub steps: Vec<Step>,
}

/// How a search ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// A little more misses the limit.
    AtLimit,
    /// The key takes no greater value, or values this large were not looked at.
    AtBound,
    /// The least that the key takes misses the limit.
    Missed,
    /// The search took too many steps, or somebody stopped it: a greater value may keep the limit.
    Stopped,
}

/// One value that was tried.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Step {
    pub value: serde_json::Value,
    pub actual: Option<f64>,
    /// The 95 % interval of what is limited, if it has one.
    pub interval: Option<Interval>,
    pub kept: bool,
    /// The load is more than its pools can ever serve: nothing was measured.
    pub saturated: bool,
}

impl Step {
    /// The cells of the step's row, for people.
    fn cells(&self) -> Vec<String> {
        let none = || "-".to_owned();
        vec![
            self.value.to_string(),
            self.actual.map_or_else(none, |value| format!("{value:.3}")),
            self.interval
                .map_or_else(none, |i| format!("{:.1} to {:.1}", i.low, i.high)),
            match (self.kept, self.saturated) {
                (true, _) => "kept",
                (false, false) => "MISSED",
                (false, true) => "NEVER DRAINS",
            }
            .to_owned(),
        ]
    }
}

pub fn text(find: &Find) -> String {
    let mut text = format!(
        "{} · the greatest {} with {} <= {} · {} {} each · seed {} · voicesim {}\n",
        find.name,
        find.key,
        find.metric,
        find.limit,
        find.worlds,
        find.kind,
        find.seed,
        find.version
    );
    let mut table = plain(&[&find.key, &find.metric, "95 % interval", ""]);
    for step in &find.steps {
        table.add_row(step.cells());
    }
    let _ = writeln!(text, "\n{}\n", trimmed(&table));
    let key = &find.key;
    let Some(found) = &find.found else {
        let _ = match (find.ended, find.steps.last()) {
            (Ended::Missed, Some(least)) => writeln!(
                text,
                "none: even {key} = {} misses it, if the metric grows with the key",
                least.value
            ),
            _ => writeln!(text, "none was found to keep it; it was stopped"),
        };
        return text;
    };
    let _ = match find.ended {
        Ended::AtBound => writeln!(
            text,
            "{key} = {found} keeps it, and nothing greater was there to try: the key takes no more, or no more was looked at"
        ),
        Ended::Stopped => writeln!(
            text,
            "{key} = {found} is the greatest that was tried and keeps it; the search was stopped"
        ),
        Ended::AtLimit | Ended::Missed => writeln!(
            text,
            "{key} = {found} is the greatest that keeps it, if the metric grows with the key"
        ),
    };
    text
}
