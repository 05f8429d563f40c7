//! Fits log-odds that are a sum of weights, by gradients that remember the last steps (L-BFGS). One thread and
//! fixed orders: the same rows give the same weights to the bit.

use std::collections::VecDeque;

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
const STEPS_MAX: usize = 150;
/// Steps that the shape of the slope is guessed from.
const REMEMBERED: usize = 10;
/// A slope that is no more than this share of the loss is flat.
const FLAT: f64 = 1e-7;

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
    pub(super) fn solve(&self) -> Vec<f64> {
        let mut at = vec![0.0; self.ridge.len()];
        let (mut loss, mut slope) = self.loss(&at);
        let mut past: VecDeque<(Vec<f64>, Vec<f64>)> = VecDeque::new();
        for _ in 0..STEPS_MAX {
            if dot(&slope, &slope) <= (FLAT * loss).powi(2) {
                break;
            }
            let way = downhill(&slope, &past);
            let mut steep = dot(&way, &slope);
            let mut step = if past.is_empty() {
                1.0 / dot(&slope, &slope).sqrt()
            } else {
                1.0
            };
            let way = match steep < 0.0 {
                true => way,
                false => {
                    steep = -dot(&slope, &slope);
                    slope.iter().map(|slope| -slope).collect()
                }
            };
            // Half the step until it pays.
            let (next, next_loss, next_slope) = loop {
                let next: Vec<f64> = at.iter().zip(&way).map(|(x, w)| x + step * w).collect();
                let (next_loss, next_slope) = self.loss(&next);
                if next_loss <= loss + 1e-4 * step * steep || step < 1e-10 {
                    break (next, next_loss, next_slope);
                }
                step *= 0.5;
            };
            let moved: Vec<f64> = next.iter().zip(&at).map(|(a, b)| a - b).collect();
            let turned: Vec<f64> = next_slope.iter().zip(&slope).map(|(a, b)| a - b).collect();
            if dot(&moved, &turned) > 1e-12 {
                past.push_back((moved, turned));
            }
            if past.len() > REMEMBERED {
                past.pop_front();
            }
            (at, loss, slope) = (next, next_loss, next_slope);
        }
        at
    }
}

/// The way down, by the slope and how it turned in the last steps.
fn downhill(slope: &[f64], past: &VecDeque<(Vec<f64>, Vec<f64>)>) -> Vec<f64> {
    let mut way: Vec<f64> = slope.iter().map(|slope| -slope).collect();
    let mut shares = Vec::new();
    for (moved, turned) in past.iter().rev() {
        let share = dot(moved, &way) / dot(moved, turned);
        add(&mut way, -share, turned);
        shares.push(share);
    }
    if let Some((moved, turned)) = past.back() {
        let scale = dot(moved, turned) / dot(turned, turned);
        way.iter_mut().for_each(|way| *way *= scale);
    }
    for ((moved, turned), share) in past.iter().zip(shares.iter().rev()) {
        let back = dot(turned, &way) / dot(moved, turned);
        add(&mut way, share - back, moved);
    }
    way
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn add(to: &mut [f64], times: f64, what: &[f64]) {
    to.iter_mut()
        .zip(what)
        .for_each(|(to, what)| *to += times * what);
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
        let found = problem.solve();
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
        let found = problem.solve();
        assert!((found[0] - 0.5_f64.ln()).abs() < 1e-4, "{found:?}");
        assert!(found[1].abs() < 1e-4, "{found:?}");
    }
}
