//! Fits log-odds that are a sum of weights (by L-BFGS). One thread and fixed orders: the same rows give the same weights
//! to the bit.

use argmin::core::{CostFunction, Error, Executor, Gradient, State};
use argmin::solver::linesearch::MoreThuenteLineSearch;
use argmin::solver::quasinewton::LBFGS;

/// One pause of the training data.
pub(super) struct Row {
    /// The unknowns that count for the row, each with its value.
    pub(super) values: Vec<(usize, f64)>,
    /// What the row counts.
    pub(super) weight: f64,
    /// Whether the answer is yes.
    pub(super) is_yes: bool,
    /// At how many times, from the first on, the question is open.
    pub(super) times: usize,
}

/// What is to be fitted.
pub(super) struct Problem<'a> {
    pub(super) rows: &'a [Row],
    /// What stands for the time, for each time at which the question is asked.
    pub(super) times: &'a [Vec<f64>],
    /// How much each unknown is drawn to zero: first those of the time, then the rows'.
    pub(super) ridge: &'a [f64],
}

/// Steps at most.
const STEPS_MAX: u64 = 150;
/// Steps that the shape of the slope is guessed from.
const REMEMBERED: usize = 10;
/// A slope that is no longer than this share of the first loss is flat.
const FLAT: f64 = 1e-7;
/// With a slope of more than this share of it the least loss is not reached.
const NEARLY_FLAT: f64 = 1e-4;

impl Problem<'_> {
    fn time_count(&self) -> usize {
        self.times.first().map_or(0, Vec::len)
    }

    /// The loss of these unknowns, and its slope.
    fn loss(&self, unknowns: &[f64]) -> (f64, Vec<f64>) {
        let of_time = self.time_count();
        let base = self.times.iter().map(|time| dot(time, unknowns));
        let base: Vec<f64> = base.collect();
        let mut slope: Vec<f64> = unknowns
            .iter()
            .zip(self.ridge)
            .map(|(x, r)| x * r)
            .collect();
        let mut loss = 0.5 * dot(&slope, unknowns);
        let mut time_slopes = vec![0.0; base.len()];
        for row in self.rows {
            let added = |(at, value): &(usize, f64)| unknowns[of_time + at] * value;
            let own: f64 = row.values.iter().map(added).sum();
            let mut row_slope = 0.0;
            for (time, base) in base.iter().enumerate().take(row.times) {
                let log_odds = base + own;
                let towards = if row.is_yes { -log_odds } else { log_odds };
                // ln(1 + e^x), which does not overflow.
                let miss = towards.max(0.0) + libm::log1p(libm::exp(-towards.abs()));
                let p = 1.0 / (1.0 + libm::exp(-log_odds));
                let pull = row.weight * (p - f64::from(u8::from(row.is_yes)));
                loss += row.weight * miss;
                row_slope += pull;
                time_slopes[time] += pull;
            }
            for (at, value) in &row.values {
                slope[of_time + at] += row_slope * value;
            }
        }
        for (time, pull) in self.times.iter().zip(&time_slopes) {
            for (slope, value) in slope.iter_mut().zip(time) {
                *slope += pull * value;
            }
        }
        (loss, slope)
    }

    /// The unknowns of the least loss: those of the time, then the rows'.
    ///
    /// # Errors
    /// The search found no least loss.
    pub(super) fn solve(&self) -> Result<Vec<f64>, Error> {
        let start = vec![0.0; self.ridge.len()];
        let (loss, _) = self.loss(&start);
        let solver = LBFGS::new(MoreThuenteLineSearch::new(), REMEMBERED)
            .with_tolerance_grad(FLAT * loss)?
            .with_tolerance_cost(0.0)?;
        let found = Executor::new(self, solver)
            .configure(|state| state.param(start).max_iters(STEPS_MAX))
            .timer(false)
            .run()?;
        let best = found.state().get_best_param().cloned().unwrap_or_default();
        let (_, slope) = self.loss(&best);
        // A search that goes no further says so nowhere else.
        match dot(&slope, &slope).sqrt() <= NEARLY_FLAT * loss {
            true => Ok(best),
            false => Err(Error::msg("the search stopped before it")),
        }
    }
}

impl CostFunction for &Problem<'_> {
    type Param = Vec<f64>;
    type Output = f64;

    fn cost(&self, unknowns: &Vec<f64>) -> Result<f64, Error> {
        Ok(self.loss(unknowns).0)
    }
}

impl Gradient for &Problem<'_> {
    type Param = Vec<f64>;
    type Gradient = Vec<f64>;

    fn gradient(&self, unknowns: &Vec<f64>) -> Result<Vec<f64>, Error> {
        Ok(self.loss(unknowns).1)
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(yes: usize, no: usize, values: &[(usize, f64)]) -> Vec<Row> {
        let row = |is_yes| Row {
            values: values.to_vec(),
            weight: 1.0,
            is_yes,
            times: 1,
        };
        let yes = (0..yes).map(|_| row(true));
        yes.chain((0..no).map(|_| row(false))).collect()
    }

    #[test]
    fn the_odds_of_two_groups_are_found() {
        let mut all = rows(30, 10, &[]);
        all.extend(rows(10, 30, &[(0, 2.0)]));
        let problem = Problem {
            rows: &all,
            times: &[vec![1.0]],
            ridge: &[0.0, 0.0],
        };
        let found = problem.solve().expect("a least loss");
        let odds = 3.0_f64.ln();
        assert!((found[0] - odds).abs() < 1e-4, "{found:?}");
        assert!((found[1] + odds).abs() < 1e-4, "{found:?}");
    }

    #[test]
    fn who_is_gone_is_not_asked_again() {
        // Half of the pauses are over at the second time.
        let mut all = rows(10, 0, &[]);
        all.extend(rows(0, 20, &[]));
        for (index, row) in all.iter_mut().enumerate() {
            row.times = if index < 20 { 2 } else { 1 };
        }
        let problem = Problem {
            rows: &all,
            times: &[vec![1.0, 0.0], vec![0.0, 1.0]],
            ridge: &[0.0, 0.0],
        };
        let found = problem.solve().expect("a least loss");
        assert!((found[0] - 0.5_f64.ln()).abs() < 1e-4, "{found:?}");
        assert!(found[1].abs() < 1e-4, "{found:?}");
    }
}
