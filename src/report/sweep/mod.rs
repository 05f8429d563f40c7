//! A sweep: one scenario in many settings, and what callers would feel in each. The document is
//! `voicesim.sweep/1`:
//!
//! ```json
//! {
//!   "schema": "voicesim.sweep/1", "name": "…", "version": "…", "seed": 1,
//!   "worlds": 10000,
//!   "vary": ["endpointing.silence_ms"],
//!   "axes": { "x": "e2e_latency_p95_ms", "y": "cut_off_share" },
//!   "is_cut_short": false,
//!   "settings": [{
//!     "set": { "endpointing.silence_ms": 300 },
//!     "e2e_latency": { "count": 1, "mean_ms": 1.0, "p50_ms": 1.0, … },
//!     "intervals": { "e2e_latency_p95_ms": { "low": 1.0, "high": 1.0 }, … },
//!     "cut_off_share": 0.1, "failed_share": 0.0, "cost_per_minute": null,
//!     "budgets": [{ "name": "…", "limit": 1.0, "actual": 1.0, "pass": true }],
//!     "is_saturated": false, "is_on_front": true
//!   }]
//! }
//! ```
//!
//! `worlds` are those of each setting, all with the same seed: conversations, or loads. A load that never
//! drains is saturated and has no figures. Shares are of the questions. `y` is
//! `cost_per_minute` where prices are known and nothing else was asked for. A setting is on the front if no other one is at least as good
//! by both axes, and better by one. `e2e_latency` is null if nothing was answered.

mod picture;
mod text;

pub use picture::svg;
pub use text::text;
pub(super) use text::{cells, head, table};

use crate::measure::{BudgetResult, Interval, Summary};
use serde::Serialize;
use std::collections::BTreeMap;

pub const SCHEMA: &str = "voicesim.sweep/1";

/// The name of the latency that settings are compared by, among the intervals and the axes.
pub const P95: &str = "e2e_latency_p95_ms";

/// What settings are compared by, besides the latency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Other {
    /// The share of questions whose caller was cut off, 0 to 1.
    CutOffShare,
    /// The share of questions that failed: a stage gave up, and nothing was answered.
    FailedShare,
    /// The cost of a call by the minute.
    CostPerMinute,
}

/// What settings are compared by: the less, the better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Axes {
    pub x: &'static str,
    pub y: Other,
}

#[derive(Debug, Clone, Serialize)]
pub struct Sweep {
    pub schema: &'static str,
    pub name: String,
    pub version: &'static str,
    pub seed: u64,
    /// Conversations of each setting, or loads.
    pub worlds: u32,
    /// What `worlds` counts: conversations, or loads.
    #[serde(skip)]
    pub kind: &'static str,
    /// The keys that vary, as they were given.
    pub vary: Vec<String>,
    pub axes: Axes,
    #[serde(skip)]
    pub currency: String,
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
    pub e2e_latency: Option<Summary>,
    pub intervals: BTreeMap<&'static str, Interval>,
    pub cut_off_share: Option<f64>,
    pub failed_share: Option<f64>,
    pub cost_per_minute: Option<f64>,
    pub budgets: Vec<BudgetResult>,
    pub is_on_front: bool,
}

impl Setting {
    pub fn p95_ms(&self) -> Option<f64> {
        self.e2e_latency.map(|summary| summary.p95_ms)
    }

    pub fn other(&self, other: Other) -> Option<f64> {
        match other {
            Other::CutOffShare => self.cut_off_share,
            Other::FailedShare => self.failed_share,
            Other::CostPerMinute => self.cost_per_minute,
        }
    }

    /// The setting's figures on both axes; `None` unless both are known.
    pub fn point(&self, axes: Axes) -> Option<(f64, f64)> {
        Some((self.p95_ms()?, self.other(axes.y)?))
    }

    /// Whether every budget is kept, as far as this many conversations tell; `None` without budgets.
    pub fn keeps_budgets(&self) -> Option<bool> {
        let has_some = !self.budgets.is_empty();
        has_some.then(|| self.budgets.iter().all(|budget| budget.pass))
    }
}
