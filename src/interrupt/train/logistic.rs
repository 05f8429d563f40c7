//! Fits a logistic regression at each knot, by Newton's method.

use super::TrainingRow;
use crate::interrupt::features::{COUNT, Values};
use crate::interrupt::model::{Knot, Logistic, sigmoid};

/// A normal prior on the weights of standardised features: one over its variance.
const RIDGE: f64 = 3.0;
const STEPS: usize = 12;
/// The intercept comes after the weights.
const UNKNOWNS: usize = COUNT + 1;

/// Fits one regression to the rows at each of the times. Features from `features` on stay unused.
pub(super) fn fit(rows: &[TrainingRow], knots_s: &[f64], features: usize) -> Logistic {
    let logs = |values: &Values| values.map(libm::log1p);
    let mut means = vec![0.0; COUNT];
    for row in rows {
        let logs = logs(&row.values);
        means
            .iter_mut()
            .zip(logs)
            .for_each(|(mean, log)| *mean += log / rows.len() as f64);
    }
    let knots = knots_s.iter().map(|at_s| {
        let at_knot = rows
            .iter()
            .filter(|row| (row.values[0] - at_s).abs() < 1e-9);
        let centred: Vec<(Values, f64)> = at_knot
            .map(|row| {
                let logs = logs(&row.values);
                let centre = |index| {
                    if index < features {
                        logs[index] - means[index]
                    } else {
                        0.0
                    }
                };
                (
                    std::array::from_fn(centre),
                    f64::from(u8::from(row.is_interruption)),
                )
            })
            .collect();
        fit_one(&centred, *at_s)
    });
    Logistic {
        knots: knots.collect(),
        means,
    }
}

fn fit_one(rows: &[(Values, f64)], at_s: f64) -> Knot {
    let deviation = |index: usize| {
        let sum: f64 = rows
            .iter()
            .map(|(values, _)| values[index] * values[index])
            .sum();
        libm::sqrt(sum / rows.len().max(1) as f64).max(1e-3)
    };
    let scale: [f64; UNKNOWNS] =
        std::array::from_fn(|index| if index < COUNT { deviation(index) } else { 1.0 });
    let mut unknowns = [0.0; UNKNOWNS];
    for _ in 0..STEPS {
        let mut slope = [0.0; UNKNOWNS];
        let mut curve = vec![[0.0; UNKNOWNS]; UNKNOWNS];
        for index in 0..COUNT {
            slope[index] = RIDGE * unknowns[index];
            curve[index][index] = RIDGE;
        }
        curve[COUNT][COUNT] = 1e-9;
        for (values, label) in rows {
            let scaled: [f64; UNKNOWNS] = std::array::from_fn(|index| {
                if index < COUNT {
                    values[index] / scale[index]
                } else {
                    1.0
                }
            });
            let p = sigmoid(scaled.iter().zip(unknowns).map(|(x, w)| x * w).sum());
            let weight = p * (1.0 - p);
            for a in 0..UNKNOWNS {
                if scaled[a] == 0.0 {
                    continue;
                }
                slope[a] += (p - label) * scaled[a];
                for b in 0..=a {
                    curve[a][b] += weight * scaled[a] * scaled[b];
                }
            }
        }
        let step = solve(curve, slope);
        unknowns
            .iter_mut()
            .zip(step)
            .for_each(|(unknown, step)| *unknown -= step);
    }
    let weight = |index: usize| super::rounded(unknowns[index] / scale[index]);
    Knot {
        at_s,
        intercept: super::rounded(unknowns[COUNT]),
        weights: (0..COUNT).map(weight).collect(),
    }
}

/// Solves a symmetric positive definite system, of which the lower half is given (Cholesky).
fn solve(mut a: Vec<[f64; UNKNOWNS]>, mut b: [f64; UNKNOWNS]) -> [f64; UNKNOWNS] {
    for i in 0..UNKNOWNS {
        for j in 0..=i {
            let done: f64 = (0..j).map(|k| a[i][k] * a[j][k]).sum();
            let rest = a[i][j] - done;
            a[i][j] = if i == j {
                libm::sqrt(rest.max(1e-12))
            } else {
                rest / a[j][j]
            };
        }
    }
    for i in 0..UNKNOWNS {
        let done: f64 = (0..i).map(|k| a[i][k] * b[k]).sum();
        b[i] = (b[i] - done) / a[i][i];
    }
    for i in (0..UNKNOWNS).rev() {
        let done: f64 = (i + 1..UNKNOWNS).map(|k| a[k][i] * b[k]).sum();
        b[i] = (b[i] - done) / a[i][i];
    }
    b
}
