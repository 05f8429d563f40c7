//! Limits that a run must keep, as a scenario or a budget file states them.
//!
//! A key is `METRIC_STAT_ms` (`e2e_latency_p95_ms`), `hop.NAME_STAT_ms`, or a count of
//! interruptions that went wrong (`false_barge_ins_max`), or `wer_max`.

use crate::event::Hop;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// `[budget]` as it is written. A dotted key makes a table of its own.
pub type BudgetTable = BTreeMap<String, BudgetEntry>;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum BudgetEntry {
    Limit(f64),
    Table(BTreeMap<String, f64>),
}

/// The latencies that a report gives besides the hops. Each has a count, mean, percentiles and
/// maximum.
pub const METRICS: [&str; 16] = [
    "e2e_latency",
    "first_sound",
    "e2e_latency_vad",
    "end_of_turn_delay",
    "transcription_delay",
    "llm_ttft",
    "llm_ttfs",
    "tts_ttfb",
    "ttfa",
    "orchestration",
    "playback_gap",
    "barge_in_stop",
    "detection_delay",
    "talk_over",
    "overlap",
    "dead_air",
];

/// The counts that a report gives.
pub const COUNTS: [&str; 6] = [
    "false_barge_ins",
    "missed_barge_ins",
    "spurious_responses",
    "missed_responses",
    "cut_offs",
    "failed_turns",
];

/// A statistic of a histogram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Statistic {
    Mean,
    P50,
    P90,
    P95,
    P99,
    Max,
}

impl Statistic {
    const ALL: [(&'static str, Statistic); 6] = [
        ("mean", Statistic::Mean),
        ("p50", Statistic::P50),
        ("p90", Statistic::P90),
        ("p95", Statistic::P95),
        ("p99", Statistic::P99),
        ("max", Statistic::Max),
    ];
}

/// What is limited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Limited {
    Metric(&'static str, Statistic),
    Hop(Hop, Statistic),
    Count(&'static str),
    /// Word error rate over all turns with a reference.
    Wer,
}

/// One limit; what it limits must be at most this.
#[derive(Debug, Clone, PartialEq)]
pub struct Budget {
    pub name: String,
    pub limited: Limited,
    pub limit: f64,
}

/// Reads a budget table. The error names the key and the cure.
pub fn budgets(table: &BudgetTable) -> Result<Vec<Budget>, (String, String)> {
    let mut entries: Vec<(String, f64)> = Vec::new();
    for (key, entry) in table {
        match entry {
            BudgetEntry::Limit(limit) => entries.push((key.clone(), *limit)),
            BudgetEntry::Table(inner) => {
                entries.extend(
                    inner
                        .iter()
                        .map(|(k, limit)| (format!("{key}.{k}"), *limit)),
                );
            }
        }
    }
    entries
        .into_iter()
        .map(|(name, limit)| {
            if !(limit.is_finite() && limit >= 0.0) {
                let cure = format!("{limit} is no limit; give a number of at least 0");
                return Err((name, cure));
            }
            let limited = limited(&name).ok_or_else(|| (name.clone(), unknown()))?;
            Ok(Budget {
                name,
                limited,
                limit,
            })
        })
        .collect()
}

/// A limit that stands alone, named as in a budget; a count may be named without its `_max`.
pub fn budget(name: &str, limit: f64) -> Result<Budget, String> {
    let is_count = COUNTS.contains(&name) || name == "wer";
    let name = match is_count {
        true => format!("{name}_max"),
        false => name.to_owned(),
    };
    let table = BudgetTable::from([(name, BudgetEntry::Limit(limit))]);
    let mut budgets = budgets(&table).map_err(|(key, cure)| format!("{key}: {cure}"))?;
    budgets.pop().ok_or_else(unknown)
}

fn limited(name: &str) -> Option<Limited> {
    if let Some(count) = name.strip_suffix("_max") {
        if count == "wer" {
            return Some(Limited::Wer);
        }
        return COUNTS.into_iter().find(|c| *c == count).map(Limited::Count);
    }
    let (what, statistic) = name.strip_suffix("_ms")?.rsplit_once('_')?;
    let (_, statistic) = Statistic::ALL.into_iter().find(|(s, _)| *s == statistic)?;
    match what.strip_prefix("hop.") {
        Some(hop) => {
            let hop = Hop::ALL.into_iter().find(|h| h.name() == hop)?;
            Some(Limited::Hop(hop, statistic))
        }
        None => {
            let metric = METRICS.into_iter().find(|m| *m == what)?;
            Some(Limited::Metric(metric, statistic))
        }
    }
}

fn unknown() -> String {
    let hops: Vec<&str> = Hop::ALL.into_iter().map(Hop::name).collect();
    format!(
        "no such budget; write METRIC_STAT_ms with METRIC one of {} (or hop.NAME with NAME one of {}) and STAT one of mean, p50, p90, p95, p99, max; or COUNT_max with COUNT one of {}, wer",
        METRICS.join(", "),
        hops.join(", "),
        COUNTS.join(", "),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(toml: &str) -> Result<Vec<Limited>, (String, String)> {
        let table: BudgetTable = toml::from_str(toml).expect("a table");
        budgets(&table).map(|all| all.into_iter().map(|b| b.limited).collect())
    }

    #[test]
    fn metrics_hops_and_counts_can_be_limited() {
        assert_eq!(
            check(
                "e2e_latency_p95_ms = 900\nfalse_barge_ins_max = 0\nwer_max = 0.1\nhop.transcription_p50_ms = 300"
            ),
            Ok(vec![
                Limited::Metric("e2e_latency", Statistic::P95),
                Limited::Count("false_barge_ins"),
                Limited::Hop(Hop::Transcription, Statistic::P50),
                Limited::Wer,
            ])
        );
    }

    #[test]
    fn a_limit_alone_is_named_like_one_in_a_table() {
        let limited = |name| budget(name, 3.0).map(|budget| budget.limited);
        assert_eq!(limited("cut_offs"), Ok(Limited::Count("cut_offs")));
        assert_eq!(limited("cut_offs_max"), Ok(Limited::Count("cut_offs")));
        assert_eq!(limited("wer"), Ok(Limited::Wer));
        let hop = Limited::Hop(Hop::Answer, Statistic::P99);
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
        ] {
            let (key, cure) = check(wrong).expect_err("no such budget");
            assert!(wrong.starts_with(&key), "{key}");
            assert!(cure.contains("METRIC_STAT_ms"), "{cure}");
        }
        assert!(check("e2e_latency_p95_ms = -1.0").is_err());
        assert!(check("e2e_latency_p95_ms = nan").is_err());
    }
}
