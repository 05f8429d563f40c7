//! Choosing among settings: the cheapest of those that keep every budget, whatever chance has done.

use crate::measure::BudgetResult;
use crate::report::plan::{Miss, Nearly, Plan};
use crate::report::sweep::{Axis, Setting, Sweep};

/// How many other settings are told that keep every budget, and below how many that nearly do.
const ALTERNATIVES_MAX: usize = 3;
const NEARLY_MAX: usize = 3;

/// A setting that is over its budgets by a larger factor does not nearly keep them.
const NEARLY: f64 = 1.1;

/// Chooses the cheapest setting that keeps every budget for certain, or, where prices are not known, the
/// one with the lowest p95.
/// # Example
/// ```
/// use std::path::Path;
/// use std::sync::atomic::AtomicBool;
/// use voicesim::experiment::{Sweep, plan};
/// use voicesim::scenario::Template;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let template = Template::read(Path::new("audio/simulations/endpointing.toml"), &[])?;
/// let sweep = Sweep::of(&template, &["endpointing.silence_ms=300,700".parse()?], None)?
///     .worlds(Some(100))
///     .run(&AtomicBool::new(false), &|_, _| {})?;
/// // Without a budget, the setting that answers soonest is the best.
/// assert_eq!(plan(sweep).chosen, Some(0));
/// # Ok(())
/// # }
/// ```
pub fn plan(mut sweep: Sweep) -> Plan {
    // A plan shows the settings in another order, so nobody would know which is the first.
    for setting in &mut sweep.settings {
        setting.from_first = None;
    }
    let of = |setting: &Setting| match sweep.axes.y {
        Axis::CostPerMinute => setting.cost_per_minute,
        _ => setting.value(Axis::P95),
    };
    // What is unknown ranks last; among equals the faster ranks first, and then the first setting.
    let rank = |index: &usize| {
        let setting = &sweep.settings[*index];
        let worst = f64::INFINITY;
        (
            of(setting).unwrap_or(worst),
            setting.value(Axis::P95).unwrap_or(worst),
        )
    };
    let (mut sure, mut others) = (Vec::new(), Vec::new());
    for (index, setting) in sweep.settings.iter().enumerate() {
        let misses: Vec<Miss> = setting.budgets.iter().filter_map(miss).collect();
        match misses.is_empty() {
            true => sure.push(index),
            false => others.push(Nearly {
                setting: index,
                misses,
            }),
        }
    }
    sure.sort_by(|one, other| {
        let (one, other) = (rank(one), rank(other));
        one.0.total_cmp(&other.0).then(one.1.total_cmp(&other.1))
    });
    let chosen = sure.first().copied();
    let alternatives = sure.into_iter().skip(1).take(ALTERNATIVES_MAX).collect();
    Plan {
        nearly: nearest(others, usize::from(chosen.is_none())),
        sweep,
        chosen,
        alternatives,
    }
}

/// The budget, if the setting does not keep it for certain.
fn miss(budget: &BudgetResult) -> Option<Miss> {
    let is_sure = budget.pass && budget.is_decided();
    (!is_sure).then(|| Miss {
        name: budget.name.clone(),
        limit: budget.limit,
        actual: budget.actual,
        over: budget.over,
        high: budget.interval.map(|interval| interval.high),
        worlds_to_decide: budget.worlds_to_decide,
    })
}

/// The settings that are over their budgets by little, the nearest first, and `least` of them however far off.
fn nearest(mut others: Vec<Nearly>, least: usize) -> Vec<Nearly> {
    others.sort_by(|one, other| over(one).total_cmp(&over(other)));
    let near = others.iter().filter(|one| over(one) <= NEARLY).count();
    others.truncate(near.clamp(least, NEARLY_MAX));
    others
}

/// By how much a setting is over its budgets: 1.05 for 5 % over the one it is furthest from.
fn over(nearly: &Nearly) -> f64 {
    let finite = |value: &f64| value.is_finite();
    let over = |miss: &Miss| match miss.high.filter(finite).or(miss.actual) {
        Some(value) if miss.limit > 0.0 => value / miss.limit,
        _ => f64::INFINITY,
    };
    nearly.misses.iter().map(over).fold(1.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::{Interval, Known, WaitSummary};
    use crate::report::subject::Subject;
    use crate::report::sweep::{Axes, SCHEMA};
    use std::collections::BTreeMap;

    /// A budget of 900 ms for the p95, which is known within `half`.
    fn setting(p95_ms: f64, half: Option<f64>, cost: Option<f64>) -> Setting {
        let interval = half.map(|half| Interval {
            low: p95_ms - half,
            high: p95_ms + half,
        });
        Setting {
            set: BTreeMap::new(),
            values: vec![format!("{p95_ms}")],
            is_saturated: false,
            saturation: None,
            worlds: 1_000,
            e2e_latency: Some(WaitSummary {
                count: 1,
                mean: Known::Is(p95_ms),
                p50: Known::Is(p95_ms),
                p90: Known::Is(p95_ms),
                p95: Known::Is(p95_ms),
                p99: Known::Is(p95_ms),
                max: Known::Is(p95_ms),
                unanswered: None,
                answered: None,
            }),
            detection_delay: None,
            talk_over: None,
            intervals: interval
                .map(|interval| (Axis::P95.name(), interval))
                .into_iter()
                .collect(),
            from_first: None,
            unanswered_share: Some(0.0),
            cut_off_share: Some(0.1),
            failed_share: Some(0.0),
            false_barge_ins_per_question: Some(0.0),
            missed_barge_ins_per_question: Some(0.0),
            cost_per_minute: cost,
            budgets: vec![BudgetResult {
                name: Axis::P95.name().into(),
                limit: 900.0,
                actual: Some(p95_ms),
                over: None,
                interval,
                pass: p95_ms <= 900.0,
                worlds_to_decide: half.map(|_| 4_000),
                with_doubtful: None,
                is_open: false,
                is_estimated: true,
                is_surely_over: false,
            }],
            is_on_front: false,
        }
    }

    fn planned(settings: Vec<Setting>, y: Axis) -> Plan {
        plan(Sweep {
            schema: SCHEMA,
            subject: Subject {
                kind: "conversations",
                ..Subject::default()
            },
            vary: vec!["key".into()],
            axes: Axes { x: Axis::P95, y },
            unmoved: Vec::new(),
            moved: Vec::new(),
            currency: String::new(),
            rests_on: Vec::new(),
            is_cut_short: false,
            settings,
        })
    }

    fn nearly(plan: &Plan) -> Vec<usize> {
        plan.nearly.iter().map(|nearly| nearly.setting).collect()
    }

    #[test]
    fn the_cheapest_that_keeps_the_budget_for_certain_is_chosen() {
        let plan = planned(
            vec![
                setting(800.0, Some(10.0), Some(3.0)),
                setting(850.0, Some(10.0), Some(2.0)),
                setting(895.0, Some(10.0), Some(1.0)),
                setting(890.0, None, Some(0.5)),
                setting(2_000.0, Some(10.0), Some(0.1)),
            ],
            Axis::CostPerMinute,
        );
        assert_eq!((plan.chosen, plan.alternatives.clone()), (Some(1), vec![0]));
        // The third may be over by chance; how far off the fourth is nobody knows.
        assert_eq!(nearly(&plan), [3, 2]);
        let text = plan.text();
        let needed = "895.0, up to 905.0; about 4000 conversations would tell (limit 900)";
        assert!(text.contains(needed), "{text}");
        assert!(text.contains("--worlds"), "{text}");
    }

    #[test]
    fn without_prices_the_fastest_is_chosen() {
        let half = Some(1.0);
        let settings = [850.0, 800.0, 820.0].map(|ms| setting(ms, half, None));
        let plan = planned(settings.to_vec(), Axis::CutOffShare);
        assert_eq!((plan.chosen, plan.alternatives), (Some(1), vec![2, 0]));
    }

    #[test]
    fn the_nearest_is_told_when_nothing_keeps_the_budget() {
        let half = Some(1.0);
        let settings = [5_000.0, 3_000.0, 4_000.0].map(|ms| setting(ms, half, None));
        let plan = planned(settings.to_vec(), Axis::CutOffShare);
        assert_eq!((plan.chosen, nearly(&plan)), (None, vec![1]));
    }
}
