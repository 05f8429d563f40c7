//! What came of a budget, and how sure that is.

use super::Interval;
use serde::Serialize;

/// A budget, what was measured, and whether the one keeps to the other.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BudgetResult {
    /// The key of the budget: `e2e_latency_p95_ms`.
    pub name: String,
    /// The most that is allowed, in the unit of the key.
    pub limit: f64,
    /// What was measured, in the unit of the limit; `None` if nothing was, or if the figure falls among turns that
    /// were not answered. Both miss the budget.
    pub actual: Option<f64>,
    /// What the figure lies over, in the unit of the limit, if it falls among turns that were not answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub over: Option<f64>,
    /// The 95 % confidence interval of what was measured; `None` if it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval: Option<Interval>,
    /// Whether `actual` is at most `limit`.
    pub pass: bool,
    /// About how many worlds would tell whether the limit is kept, where these leave it to chance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub worlds_to_decide: Option<u64>,
    /// What it would be with the turns that are doubtful, if there are any besides.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub with_doubtful: Option<WithDoubtful>,
    /// Whether the doubtful turns decide: with and without them the verdicts differ. That misses the budget.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_open: bool,
    /// Whether the figure could have an interval: in a simulation all can but a maximum.
    #[serde(skip)]
    pub is_estimated: bool,
    /// Whether so many turns were not answered that the figure falls among them beyond chance.
    #[serde(skip)]
    pub is_surely_over: bool,
}

/// A budget with the turns that are doubtful.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct WithDoubtful {
    /// What is measured with them, as in [`BudgetResult::actual`].
    pub actual: Option<f64>,
    /// What the figure lies over, as in [`BudgetResult::over`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub over: Option<f64>,
    /// Whether the limit is kept with them.
    pub pass: bool,
}

impl BudgetResult {
    /// The verdict, for people.
    pub fn verdict(&self) -> &'static str {
        match (self.pass, self.is_open) {
            (true, _) => "kept",
            (false, true) => "UNDECIDED",
            (false, false) => "MISSED",
        }
    }

    /// Whether chance cannot change the verdict, at 95 %: the interval lies on one side of the limit. What is no
    /// estimate is decided: a run, a maximum, and a limit of zero, which asks that something does not happen once.
    pub fn is_decided(&self) -> bool {
        if !self.is_estimated || self.limit == 0.0 || self.is_surely_over {
            return true;
        }
        match (self.interval, self.pass) {
            (Some(interval), true) => interval.high <= self.limit,
            (Some(interval), false) => interval.low > self.limit,
            // What falls among turns without an answer falls there by far, or has an interval.
            (None, _) => false,
        }
    }

    /// About how many worlds decide, if `worlds` do not: half an interval shrinks with their square root. `None` if
    /// it is decided, or nobody can tell.
    pub(super) fn needed(&self, worlds: u64) -> Option<u64> {
        let (interval, actual) = (self.interval?, self.actual?);
        let half = match self.pass {
            true => interval.high - actual,
            false => actual - interval.low,
        };
        let distance = (self.limit - actual).abs();
        if self.is_decided() || distance == 0.0 || !half.is_finite() {
            return None;
        }
        let times = (half / distance) * (half / distance);
        let needed = libm::ceil(worlds as f64 * times);
        (needed < 1e12).then_some(needed as u64)
    }

    /// How sure the verdict is, for people: empty if it is decided, or no estimate.
    pub fn doubt(&self) -> String {
        if let (Some(with), true) = (self.with_doubtful, self.is_open) {
            let figure = match (with.actual, with.over) {
                (Some(actual), _) => format!("{actual:.3}"),
                (None, Some(over)) => format!("over {over:.1}"),
                (None, None) => "nothing".to_owned(),
            };
            return format!("; {figure} with the doubtful turns, so listen to those");
        }
        match (self.is_decided(), self.interval, self.worlds_to_decide) {
            (true, ..) => String::new(),
            (false, None, _) => "; undecided: too few worlds for an interval".to_owned(),
            (false, Some(_), None) => "; undecided: the limit lies within its interval".to_owned(),
            (false, Some(_), Some(needed)) => {
                format!("; undecided: about {needed} worlds would tell")
            }
        }
    }

    /// What was measured, for people: `812.000`, or what it lies over.
    pub fn told(&self) -> String {
        match (self.actual, self.over) {
            (Some(actual), _) => format!("{actual:.3}"),
            (None, Some(over))
                if self.name.ends_with("_mean_ms") || self.name.ends_with("_max_ms") =>
            {
                format!("over {over:.1}: some turns were not answered")
            }
            (None, Some(over)) => {
                format!("over {over:.1}: it falls among turns that were not answered")
            }
            (None, None) => "nothing measured".to_owned(),
        }
    }
}
