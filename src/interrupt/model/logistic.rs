//! Logistic regressions at fixed times after the onset, with straight lines between them.

use super::Model;
use crate::interrupt::features::{COUNT, Values};
use serde::{Deserialize, Serialize};

/// One regression, for `at_s` seconds after the onset.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Knot {
    pub at_s: f64,
    pub intercept: f64,
    /// Weights of ln(1 + value) less its mean: one for each feature.
    pub weights: Vec<f64>,
}

/// Log-odds that are linear in ln(1 + value), with weights that change with time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Logistic {
    /// Means of ln(1 + value), one for each feature.
    pub means: Vec<f64>,
    /// The regressions, in order of their times; at least one.
    pub knots: Vec<Knot>,
}

impl Logistic {
    /// Whether every list has the length it must have.
    pub(super) fn is_whole(&self) -> bool {
        let full = |weights: &[f64]| weights.len() == COUNT;
        let times_rise = self.knots.is_sorted_by(|a, b| a.at_s < b.at_s);
        let all_full = self.knots.iter().all(|knot| full(&knot.weights));
        full(&self.means) && all_full && times_rise && !self.knots.is_empty()
    }

    /// The knots around a time, and how far it is from the first to the second, in 0..=1.
    fn around(&self, time_s: f64) -> (&Knot, &Knot, f64) {
        let after = self.knots.partition_point(|knot| knot.at_s <= time_s);
        let last = self.knots.len() - 1;
        let (a, b) = (
            &self.knots[after.saturating_sub(1)],
            &self.knots[after.min(last)],
        );
        let span = b.at_s - a.at_s;
        (
            a,
            b,
            if span > 0.0 {
                (time_s - a.at_s) / span
            } else {
                0.0
            },
        )
    }
}

impl Model for Logistic {
    fn log_odds(&self, values: &Values) -> f64 {
        let (a, b, way) = self.around(values[0]);
        let intercept = a.intercept + way * (b.intercept - a.intercept);
        intercept + self.contributions(values).iter().sum::<f64>()
    }

    fn contributions(&self, values: &Values) -> Values {
        let (a, b, way) = self.around(values[0]);
        std::array::from_fn(|index| {
            let weight = a.weights[index] + way * (b.weights[index] - a.weights[index]);
            weight * (libm::log1p(values[index]) - self.means[index])
        })
    }
}
