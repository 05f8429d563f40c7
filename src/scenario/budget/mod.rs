//! Limits that a run must keep, as a scenario or a budget file states them.
//!
//! A key is `METRIC_STAT_ms` (`e2e_latency_p95_ms`) or `hop.NAME_STAT_ms`, with STAT one of `mean`,
//! `max` or any percentile (`p50`, `p75`, `p99_9` for 99.9); or `COUNT_max` with a count or a share as
//! the report names it (`false_barge_ins_max`, `cut_off_share_max`, `wer_max`). Counts of
//! resilience policies begin with `cure.`, those of pools with `pool.`

mod count;
mod nearest;
pub(super) mod schema;
mod statistic;

pub use count::Count;
pub use statistic::{Percentile, Statistic};

use super::problem::{Problem, Table};
use crate::event::{Hop, Metric};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// `[budget]` as it is written. A dotted key makes a table of its own.
pub type BudgetTable = BTreeMap<String, BudgetEntry>;

/// A value in `[budget]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum BudgetEntry {
    /// A limit, at least 0, in the unit that the key names.
    Limit(f64),
    /// A table that a dotted key makes.
    Table(BTreeMap<String, BudgetEntry>),
}

/// What a budget limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limited {
    /// A statistic of a metric, in milliseconds.
    Metric(Metric, Statistic),
    /// A statistic of a hop, in milliseconds.
    Hop(Hop, Statistic),
    /// A count or a share.
    Count(Count),
}

impl Limited {
    /// Whether the figure is a mean, a percentile, a share or a number, and no maximum. A maximum grows with every
    /// world, so no interval tells where it would end.
    pub fn is_sum(self) -> bool {
        let is_max = |statistic| statistic == Statistic::Max;
        match self {
            Limited::Metric(_, statistic) | Limited::Hop(_, statistic) => !is_max(statistic),
            Limited::Count(count) => count != Count::PoolWaiting,
        }
    }
}

/// One limit of a `[budget]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Budget {
    /// The key: `e2e_latency_p95_ms`.
    pub name: String,
    /// What the key limits.
    pub limited: Limited,
    /// The most that is allowed, in the unit of the key.
    pub limit: f64,
}

impl From<Budget> for Budgets {
    fn from(budget: Budget) -> Budgets {
        let entry = BudgetEntry::Limit(budget.limit);
        Budgets {
            table: BudgetTable::from([(budget.name.clone(), entry)]),
            limits: vec![budget],
        }
    }
}

/// The limits of a table, and how they are written.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Budgets {
    table: BudgetTable,
    limits: Vec<Budget>,
}

impl Budgets {
    /// What a `[budget]` means.
    ///
    /// # Errors
    /// A key that limits nothing, or a value that is no limit, and the fix.
    pub fn parse(table: BudgetTable) -> Result<Budgets, Problem> {
        let mut entries = Vec::new();
        flatten("", &table, &mut entries);
        let limits = entries.into_iter().map(|(name, limit)| {
            let problem = |fix| Table::at(&["budget"]).problem(&name, fix);
            if !(limit.is_finite() && limit >= 0.0) {
                return Err(problem(format!(
                    "{limit} is no limit; give a number of at least 0"
                )));
            }
            let limited = limited(&name).ok_or_else(|| problem(unknown(&name)))?;
            Ok(Budget {
                name,
                limited,
                limit,
            })
        });
        let limits = limits.collect::<Result<_, Problem>>()?;
        Ok(Budgets { table, limits })
    }

    /// The table as it is written.
    pub fn table(&self) -> &BudgetTable {
        &self.table
    }

    /// The limits, in the order of their keys.
    pub fn limits(&self) -> &[Budget] {
        &self.limits
    }
}

fn flatten(before: &str, table: &BudgetTable, entries: &mut Vec<(String, f64)>) {
    for (key, entry) in table {
        match entry {
            BudgetEntry::Limit(limit) => entries.push((format!("{before}{key}"), *limit)),
            BudgetEntry::Table(inner) => flatten(&format!("{before}{key}."), inner, entries),
        }
    }
}

/// A limit that stands alone, named as in a `[budget]`; a count may be named without its `_max`.
///
/// # Errors
/// Why the name limits nothing, or the value is no limit, and the fix.
pub fn budget(name: &str, limit: f64) -> Result<Budget, String> {
    let name = match Count::named(name) {
        Some(_) => format!("{name}_max"),
        None => name.to_owned(),
    };
    let table = BudgetTable::from([(name.clone(), BudgetEntry::Limit(limit))]);
    let mut budgets = Budgets::parse(table).map_err(|problem| {
        let place = problem.place.to_string();
        let key = place.strip_prefix("budget.").unwrap_or(&place);
        format!("{key}: {}", problem.fix)
    })?;
    budgets.limits.pop().ok_or_else(|| unknown(&name))
}

fn limited(name: &str) -> Option<Limited> {
    if let Some(count) = name.strip_suffix("_max").and_then(Count::named) {
        return Some(Limited::Count(count));
    }
    let (what, statistic) = Statistic::at_end_of(name.strip_suffix("_ms")?)?;
    match what.strip_prefix("hop.") {
        Some(hop) => Some(Limited::Hop(Hop::named(hop)?, statistic)),
        None => Some(Limited::Metric(Metric::named(what)?, statistic)),
    }
}

/// What to write in place of a key that is none.
fn unknown(name: &str) -> String {
    let undotted = nearest::with_underscore(name).filter(|name| limited(name).is_some());
    if let Some(undotted) = undotted {
        return format!("a dot begins a table in TOML; write {undotted}");
    }
    let statistics =
        "STAT mean, max or a percentile (p50, p95, p99_9 for 99.9, up to three decimals)";
    if let Some(nearest) = nearest::nearest(name) {
        return format!(
            "no such budget; did you mean {nearest}? A key is METRIC_STAT_ms or hop.NAME_STAT_ms, with {statistics}, or COUNT_max"
        );
    }
    let hops: Vec<&str> = Hop::ALL.into_iter().map(Hop::name).collect();
    let counts: Vec<&str> = Count::ALL.into_iter().map(|(name, _)| name).collect();
    format!(
        "no such budget; write METRIC_STAT_ms with METRIC one of {} (or hop.NAME with NAME one of {}) and {statistics}; or COUNT_max with COUNT one of {}",
        Metric::ALL.map(Metric::name).join(", "),
        hops.join(", "),
        counts.join(", "),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::ResilienceStep;

    fn check(toml: &str) -> Result<Vec<Limited>, Problem> {
        let table: BudgetTable = toml::from_str(toml).expect("a table");
        Budgets::parse(table).map(|all| all.limits.into_iter().map(|b| b.limited).collect())
    }

    fn percentile(text: &str) -> Statistic {
        Statistic::Percentile(Percentile::read(text).expect("a percentile"))
    }

    #[test]
    fn metrics_hops_and_counts_can_be_limited() {
        assert_eq!(
            check(
                "e2e_latency_p95_ms = 900\nfalse_barge_ins_max = 0\nwer_max = 0.1\nhop.transcription_p50_ms = 300"
            ),
            Ok(vec![
                Limited::Metric(Metric::E2eLatency, percentile("95")),
                Limited::Count(Count::FalseBargeIns),
                Limited::Hop(Hop::Transcription, percentile("50")),
                Limited::Count(Count::Wer),
            ])
        );
    }

    #[test]
    fn any_percentile_the_mean_and_the_maximum_can_be_limited() {
        let answer = |statistic| Limited::Hop(Hop::Answer, statistic);
        assert_eq!(
            check("hop.answer_mean_ms = 1\nhop.answer_max_ms = 3\nhop.answer_p99_9_ms = 2\n"),
            Ok(vec![
                answer(Statistic::Max),
                answer(Statistic::Mean),
                answer(percentile("99_9")),
            ])
        );
        let limited = Limited::Metric(Metric::TtsTtfb, percentile("7_125"));
        assert_eq!(check("tts_ttfb_p7_125_ms = 1"), Ok(vec![limited]));
    }

    #[test]
    fn what_is_done_about_failures_and_what_pools_refuse_can_be_limited() {
        assert_eq!(
            check(
                "cure.timed_out_max = 3\npool.refused_max = 0\npool.waiting_max = 8\nfailed_share_max = 0.01"
            ),
            Ok(vec![
                Limited::Count(Count::Cured(ResilienceStep::TimedOut)),
                Limited::Count(Count::FailedShare),
                Limited::Count(Count::PoolRefused),
                Limited::Count(Count::PoolWaiting),
            ])
        );
    }

    #[test]
    fn a_limit_alone_is_named_like_one_in_a_table() {
        let limited = |name| budget(name, 3.0).map(|budget| budget.limited);
        let cut_offs = Limited::Count(Count::CutOffs);
        assert_eq!(limited("cut_offs"), Ok(cut_offs));
        assert_eq!(limited("cut_offs_max"), Ok(cut_offs));
        assert_eq!(limited("wer"), Ok(Limited::Count(Count::Wer)));
        let hop = Limited::Hop(Hop::Answer, percentile("99"));
        assert_eq!(limited("hop.answer_p99_ms"), Ok(hop));
        assert!(limited("lunch").is_err_and(|cure| cure.contains("e2e_latency")));
    }

    #[test]
    fn what_cannot_be_limited_is_named() {
        for wrong in [
            "e2e_latency_p95 = 900",
            "e2e_p95_ms = 9",
            "hop.lunch_p50_ms = 1",
            "x_max = 1",
            "e2e_latency_p0_ms = 1",
            "e2e_latency_p101_ms = 1",
            "e2e_latency_p99_1234_ms = 1",
            "e2e_latency_p_ms = 1",
        ] {
            let problem = check(wrong).expect_err("no such budget");
            let place = problem.place.to_string();
            let key = place.strip_prefix("budget.").expect("in the table");
            assert!(wrong.starts_with(key), "{key}");
            assert!(problem.fix.contains("METRIC_STAT_ms"), "{problem}");
        }
        assert!(check("e2e_latency_p95_ms = -1.0").is_err());
        assert!(check("e2e_latency_p95_ms = nan").is_err());
    }

    #[test]
    fn the_nearest_name_is_told() {
        for (wrong, meant) in [
            ("e2e_latncy_p95_ms = 9", "did you mean e2e_latency_p95_ms?"),
            ("e2e_latency_p95 = 9", "did you mean e2e_latency_p95_ms?"),
            ("hop.anser_p75_ms = 9", "did you mean hop.answer_p75_ms?"),
            ("cutoffs_max = 9", "did you mean cut_offs_max?"),
            ("cure.timed_max = 9", "did you mean cure.timed_out_max?"),
        ] {
            let problem = check(wrong).expect_err("no such budget");
            assert!(problem.fix.contains(meant), "{wrong}: {problem}");
        }
        let problem = check("lunch = 9").expect_err("no such budget");
        assert!(!problem.fix.contains("did you mean"), "{problem}");
    }

    #[test]
    fn a_percentile_with_a_dot_is_told_how_it_is_written() {
        for wrong in ["e2e_latency_p99.9_ms = 9", "hop.answer_p99.9_ms = 9"] {
            let problem = check(wrong).expect_err("a table");
            let place = problem.place.to_string();
            let key = place.strip_prefix("budget.").expect("in the table");
            assert!(wrong.starts_with(key), "{key}");
            assert!(problem.fix.contains("p99_9_ms"), "{problem}");
        }
    }
}
