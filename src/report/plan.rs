//! The choice among the settings of a sweep. The document is `voicesim.plan/2`:
//!
//! ```json
//! {
//!   "schema": "voicesim.plan/2", "name": "…", "version": "…", "seed": 1,
//!   "worlds": 10000, "vary": ["…"], "settings": 12, "is_cut_short": false,
//!   "by": "cost_per_minute",
//!   "chosen": { a setting of voicesim.sweep/1, or null },
//!   "alternatives": [the next best that keep the budgets too],
//!   "nearly": [{ "setting": { … }, "misses": [{ "name", "limit", "actual", "over", "high", "worlds_to_decide" }] }]
//! }
//! ```
//!
//! `by` is what the chosen one is least in: `cost_per_minute` where prices are known, else
//! `e2e_latency_p95_ms`. `high` is the upper end of the 95 % interval of what is limited, if it has one: it must
//! keep the limit too; a maximum has none, and counts as it is. `worlds_to_decide` says about how many worlds would
//! tell, where these do not. If nothing is chosen, `nearly` begins with the nearest.

use super::find::number;
use super::subject::Subject;
use super::sweep::{Axis, Setting, Sweep, head, table};
use crate::measure::BudgetResult;
use serde::Serialize;
use std::fmt::Write;

pub const SCHEMA: &str = "voicesim.plan/2";

/// What was chosen of a sweep; settings by their place in it.
pub struct Plan {
    pub sweep: Sweep,
    pub chosen: Option<usize>,
    /// The settings that come next and keep the budgets too, the best first.
    pub alternatives: Vec<usize>,
    /// Settings that do not keep every budget, the nearest first.
    pub nearly: Vec<Nearly>,
}

/// A setting that does not keep every budget for certain.
pub struct Nearly {
    pub setting: usize,
    pub misses: Vec<Miss>,
}

/// A budget that is not kept for certain.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Miss {
    pub name: String,
    pub limit: f64,
    pub actual: Option<f64>,
    /// What the figure lies over, if it falls among turns that were not answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub over: Option<f64>,
    /// The upper end of the figure's 95 % interval, if it has one; infinite, and null in JSON, if it falls among
    /// turns that were not answered.
    pub high: Option<f64>,
    /// About how many worlds would decide whether the limit is kept, if chance still may.
    pub worlds_to_decide: Option<u64>,
}

#[derive(Serialize)]
pub struct PlanDocument<'a> {
    schema: &'static str,
    #[serde(flatten)]
    subject: &'a Subject,
    vary: &'a [String],
    settings: usize,
    is_cut_short: bool,
    by: Axis,
    chosen: Option<&'a Setting>,
    alternatives: Vec<&'a Setting>,
    nearly: Vec<NearlyDocument<'a>>,
}

#[derive(Serialize)]
struct NearlyDocument<'a> {
    setting: &'a Setting,
    misses: &'a [Miss],
}

impl Plan {
    pub fn document(&self) -> PlanDocument<'_> {
        let sweep = &self.sweep;
        let nearly = |nearly: &'_ Nearly| sweep.settings.get(nearly.setting);
        PlanDocument {
            schema: SCHEMA,
            subject: &sweep.subject,
            vary: &sweep.vary,
            settings: sweep.settings.len(),
            is_cut_short: sweep.is_cut_short,
            by: match sweep.axes.y {
                Axis::CostPerMinute => Axis::CostPerMinute,
                _ => Axis::P95,
            },
            chosen: self.chosen.and_then(|index| sweep.settings.get(index)),
            alternatives: self.settings(&self.alternatives).collect(),
            nearly: self
                .nearly
                .iter()
                .filter_map(|one| {
                    Some(NearlyDocument {
                        setting: nearly(one)?,
                        misses: &one.misses,
                    })
                })
                .collect(),
        }
    }

    fn settings<'a>(&'a self, which: &'a [usize]) -> impl Iterator<Item = &'a Setting> {
        let settings = &self.sweep.settings;
        which.iter().filter_map(|index| settings.get(*index))
    }

    pub fn text(&self) -> String {
        let mut text = head(&self.sweep);
        let _ = writeln!(text, "{}", self.lead());
        let _ = writeln!(text, "\n{}", table(&self.sweep, self.rows()));
        for setting in &self.sweep.settings {
            if let Some(why) = &setting.saturation {
                let _ = writeln!(text, "{}: {why}", setting.values.join(", "));
            }
        }
        for nearly in &self.nearly {
            for miss in self.misses(nearly) {
                let _ = writeln!(text, "{miss}");
            }
        }
        let _ = writeln!(text, "\n{}", self.answer());
        text
    }

    /// The answer: which setting to take and why, in a sentence or two.
    pub(super) fn answer(&self) -> String {
        let settings = &self.sweep.settings;
        let Some(chosen) = self.chosen.and_then(|index| settings.get(index)) else {
            let nearest = self.nearly.first();
            let Some(nearest) = nearest.and_then(|one| settings.get(one.setting)) else {
                return "No setting keeps every budget for certain.".into();
            };
            return format!(
                "No setting keeps every budget for certain; {} comes nearest.",
                self.named(nearest)
            );
        };
        let least = match self.sweep.axes.y {
            Axis::CostPerMinute => "the cheapest",
            _ => "the fastest by p95",
        };
        format!(
            "Take {}: it keeps every budget, also at the upper end of its 95 % interval, and is {least} that does.",
            self.named(chosen)
        )
    }

    /// The values of a setting with their keys.
    fn named(&self, setting: &Setting) -> String {
        let keys = self.sweep.vary.iter().zip(&setting.values);
        let named: Vec<String> = keys
            .map(|(key, value)| format!("{key} = {value}"))
            .collect();
        named.join(", ")
    }

    /// The budgets, and what the chosen setting, or else the nearest one, has of them.
    pub(super) fn budgets(&self) -> Option<String> {
        let nearest = self.nearly.first().map(|one| one.setting);
        let setting = self.sweep.settings.get(self.chosen.or(nearest)?)?;
        let told = |budget: &BudgetResult| {
            let actual = match budget.actual {
                Some(actual) => number(actual),
                None => "unknown".to_owned(),
            };
            format!("{} {actual} of {}", budget.name, budget.limit)
        };
        let all: Vec<String> = setting.budgets.iter().map(told).collect();
        (!all.is_empty()).then(|| format!("Budgets: {}.", all.join(" · ")))
    }

    /// What was chosen, in a sentence.
    pub(super) fn lead(&self) -> String {
        let least = match self.sweep.axes.y {
            Axis::CostPerMinute => "the cheapest",
            _ => "the lowest p95",
        };
        match self.chosen {
            Some(_) => format!(
                "chosen: {least} that keeps every budget, also at the upper end of its 95 % interval"
            ),
            None => {
                "No setting keeps every budget for certain; the first one comes nearest.".into()
            }
        }
    }

    /// The settings that are shown, each with the reason.
    pub(super) fn rows(&self) -> impl Iterator<Item = (&str, &Setting)> {
        let marked = |mark, which: Vec<usize>| {
            let found = which.into_iter();
            found.filter_map(move |index| Some((mark, self.sweep.settings.get(index)?)))
        };
        let nearly = self.nearly.iter().map(|nearly| nearly.setting).collect();
        marked("chosen", self.chosen.into_iter().collect())
            .chain(marked("next", self.alternatives.clone()))
            .chain(marked("nearly", nearly))
    }

    /// What a setting misses, a line each.
    pub(super) fn misses(&self, nearly: &Nearly) -> Vec<String> {
        let values = match self.sweep.settings.get(nearly.setting) {
            Some(setting) => setting.values.join(", "),
            None => return Vec::new(),
        };
        let miss = |miss: &Miss| {
            let mut told = match (miss.actual, miss.over) {
                (Some(actual), _) => number(actual),
                (None, Some(over)) => format!("over {over:.1}, among turns without an answer"),
                (None, None) => "nothing measured".to_owned(),
            };
            if let Some(high) = miss.high.filter(|_| miss.actual.is_some()) {
                told += &match high.is_finite() {
                    true => format!(", up to {}", number(high)),
                    false => ", up to turns without an answer".to_owned(),
                };
            } else if miss.actual.is_some_and(|actual| actual <= miss.limit) {
                told += ", of unknown certainty: give more --worlds";
            }
            if let Some(needed) = miss.worlds_to_decide {
                told += &format!("; about {needed} {} would tell", self.sweep.subject.kind);
            }
            let (name, limit) = (&miss.name, miss.limit);
            format!("nearly {values}: {name} {told} (limit {limit})")
        };
        nearly.misses.iter().map(miss).collect()
    }
}
