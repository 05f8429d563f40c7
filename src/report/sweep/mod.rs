//! A sweep: one scenario in many settings, and what callers would feel in each. The document is
//! `voicesim.sweep/2`:
//!
//! ```json
//! {
//!   "schema": "voicesim.sweep/2", "name": "…", "version": "…", "seed": 1,
//!   "worlds": 10000,
//!   "vary": ["endpointing.silence_ms"],
//!   "axes": { "x": "e2e_latency_p95_ms", "y": "cut_off_share" },
//!   "unmoved": ["failed_share"], "moved": [],
//!   "is_cut_short": false,
//!   "settings": [{
//!     "set": { "endpointing.silence_ms": 300 },
//!     "e2e_latency": { "count": 1, "mean_ms": 1.0, "p50_ms": 1.0, … },
//!     "intervals": { "e2e_latency_p95_ms": { "low": 1.0, "high": 1.0 }, … },
//!     "detection_delay": { … }, "talk_over": { … },
//!     "from_first": { "e2e_latency_p95_ms": 1.0, "half_ms": 1.0, "as_of_times": 1.0 },
//!     "unanswered_share": 0.0, "cut_off_share": 0.1, "failed_share": 0.0,
//!     "false_barge_ins_per_question": 0.0, "missed_barge_ins_per_question": 0.0, "cost_per_minute": null,
//!     "budgets": [{ "name": "…", "limit": 1.0, "actual": 1.0, "pass": true }],
//!     "is_saturated": false, "is_on_front": true
//!   }]
//! }
//! ```
//!
//! `worlds` are those of each setting, all with the same seed: conversations, or loads. A load that never
//! drains is saturated and has no figures. Shares are of the questions, `unanswered_share` of the turns that should
//! have been answered. Unless asked for, `y` is `cost_per_minute` where prices are known, and else
//! `cut_off_share`; where the settings move neither axis, and move false or missed stops, these are the axes.
//! `from_first` is the difference from the first setting, which had the same luck: with luck of their own both would have to
//! have `as_of_times` as many worlds to be as sure of it.
//! `moved` names other figures that the settings move, if they move none of a setting's. A setting is on the front if no other one is at least as good
//! by both axes, and better by one. A latency is null if there was none.

mod axis;
mod picture;
mod text;

pub use axis::Axis;
pub use picture::svg;
pub(super) use picture::svg_of_choice;
pub use text::text;
pub(super) use text::{cells, head, saved, table, unmoved};

use super::subject::Subject;
use crate::measure::{BudgetResult, Interval, Known, WaitSummary};
use serde::Serialize;
use std::collections::BTreeMap;

pub const SCHEMA: &str = "voicesim.sweep/2";

/// What settings are compared by: the less, the better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Axes {
    pub x: Axis,
    pub y: Axis,
}

#[derive(Debug, Clone, Serialize)]
pub struct Sweep {
    pub schema: &'static str,
    #[serde(flatten)]
    pub subject: Subject,
    /// The keys that vary, as they were given.
    pub vary: Vec<String>,
    pub axes: Axes,
    #[serde(skip)]
    pub currency: String,
    /// The figures of the table that no setting moves.
    pub unmoved: Vec<Axis>,
    /// Figures outside of the table that the settings move, if they move none in it.
    pub moved: Vec<String>,
    /// What the figures rest on, a sentence each.
    pub rests_on: Vec<String>,
    /// Whether the sweep was stopped: settings that were not simulated to their end are then left out.
    pub is_cut_short: bool,
    pub settings: Vec<Setting>,
}

/// One setting, and its figures.
#[derive(Debug, Clone, Serialize)]
pub struct Setting {
    pub set: BTreeMap<String, serde_json::Value>,
    /// The values as people write them, in the order of the keys.
    #[serde(skip)]
    pub values: Vec<String>,
    /// Whether the load is more than the pools can ever serve: nothing was measured then.
    pub is_saturated: bool,
    /// At which load it saturates, and what to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub saturation: Option<String>,
    /// Conversations that were simulated, or loads; with --until-decided settings have different numbers.
    pub worlds: u64,
    pub e2e_latency: Option<WaitSummary>,
    pub detection_delay: Option<WaitSummary>,
    pub talk_over: Option<WaitSummary>,
    pub intervals: BTreeMap<&'static str, Interval>,
    /// `None` for the first setting, beside one that was not measured or had other luck, and of too few worlds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from_first: Option<FromFirst>,
    pub unanswered_share: Option<f64>,
    pub cut_off_share: Option<f64>,
    pub failed_share: Option<f64>,
    pub false_barge_ins_per_question: Option<f64>,
    pub missed_barge_ins_per_question: Option<f64>,
    pub cost_per_minute: Option<f64>,
    pub budgets: Vec<BudgetResult>,
    pub is_on_front: bool,
}

/// By how much the p95 of e2e_latency differs from the first setting's, which had the same luck.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct FromFirst {
    pub e2e_latency_p95_ms: f64,
    /// Half the 95 % interval of the difference.
    pub half_ms: f64,
    /// With luck of their own both would need so many times as many worlds; null where they differ in nothing.
    pub as_of_times: f64,
}

impl FromFirst {
    /// Whether it is more than chance.
    pub fn is_told(self) -> bool {
        self.e2e_latency_p95_ms.abs() > self.half_ms
    }
}

impl Setting {
    /// A figure of the setting; `None` if there was nothing to measure.
    pub fn known(&self, axis: Axis) -> Option<Known> {
        let p95 = |waits: &Option<WaitSummary>| waits.as_ref().map(|waits| waits.p95);
        match axis {
            Axis::P95 => p95(&self.e2e_latency),
            Axis::DetectionDelay => p95(&self.detection_delay),
            Axis::TalkOver => p95(&self.talk_over),
            Axis::CutOffShare => self.cut_off_share.map(Known::Is),
            Axis::FailedShare => self.failed_share.map(Known::Is),
            Axis::UnansweredShare => self.unanswered_share.map(Known::Is),
            Axis::FalseStops => self.false_barge_ins_per_question.map(Known::Is),
            Axis::MissedStops => self.missed_barge_ins_per_question.map(Known::Is),
            Axis::CostPerMinute => self.cost_per_minute.map(Known::Is),
        }
    }

    /// A figure for comparisons; infinite if it falls among turns that were not answered.
    pub fn value(&self, axis: Axis) -> Option<f64> {
        self.known(axis).map(Known::rank)
    }

    /// The setting's figures on both axes; `None` unless both are known.
    pub fn point(&self, axes: Axes) -> Option<(f64, f64)> {
        Some((self.value(axes.x)?, self.value(axes.y)?))
    }

    /// Whether every budget is kept, as far as this many conversations tell; `None` without budgets.
    pub fn keeps_budgets(&self) -> Option<bool> {
        let has_some = !self.budgets.is_empty();
        has_some.then(|| self.budgets.iter().all(|budget| budget.pass))
    }
}
