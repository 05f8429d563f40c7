//! Maximum likelihood: the member of a family under which what was measured is most likely.

use super::family::{Distribution, Family, IMPOSSIBLE, share_of};
use argmin::core::{CostFunction, Error, Executor, State};
use argmin::solver::neldermead::NelderMead;

/// A time that was measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Time {
    pub ms: f64,
    /// The work was given up after `ms`: to its end it would have taken longer.
    pub is_given_up: bool,
}

impl Time {
    /// A time of work that came to its end.
    pub(super) fn ended(ms: f64) -> Time {
        Time {
            ms,
            is_given_up: false,
        }
    }
}

/// The search ends when the likelihoods at its corners differ by less.
const TOLERANCE: f64 = 1e-9;
const STEPS_MAX: u64 = 600;

/// A part of a mixture narrower than this (as a deviation of logarithms) is a tie and no part.
const LN_SIGMA_MIN: f64 = -4.0;

/// A part of a mixture that fewer belong to is an outlier and no part.
const SHARE_MIN: f64 = 0.02;

/// The logarithm of the likelihood of times.
pub(super) fn ln_likelihood(distribution: &Distribution, times: &[Time]) -> f64 {
    let one = |time: &Time| match time.is_given_up {
        true => distribution.ln_above(time.ms),
        false => distribution.ln_density(time.ms),
    };
    times.iter().map(one).sum()
}

/// The member of a family that times are most likely under; `None` if they are too few, or all the same.
pub(super) fn most_likely(family: Family, times: &[Time]) -> Option<Distribution> {
    let starts = starts(family, times)?;
    let search = |start: Vec<f64>| {
        let problem = Problem { family, times };
        let mut simplex = vec![start.clone()];
        simplex.extend((0..start.len()).map(|index| {
            let mut corner = start.clone();
            corner[index] += 0.3;
            corner
        }));
        let solver = NelderMead::new(simplex).with_sd_tolerance(TOLERANCE).ok()?;
        let found = Executor::new(problem, solver)
            .configure(|state| state.max_iters(STEPS_MAX))
            .timer(false)
            .run()
            .ok()?;
        let best = found.state().get_best_param()?.clone();
        Some((found.state().get_best_cost(), best))
    };
    let found = starts.into_iter().filter_map(search);
    let (_, parameters) = found.min_by(|(a, _), (b, _)| a.total_cmp(b))?;
    Some(Distribution { family, parameters })
}

struct Problem<'a> {
    family: Family,
    times: &'a [Time],
}

impl CostFunction for Problem<'_> {
    type Param = Vec<f64>;
    type Output = f64;

    fn cost(&self, parameters: &Vec<f64>) -> Result<f64, Error> {
        let too_narrow = match (self.family, parameters.as_slice()) {
            (Family::Mixture, &[odds, _, first, _, second]) => {
                let share = share_of(odds);
                first.min(second) < LN_SIGMA_MIN || share.min(1.0 - share) < SHARE_MIN
            }
            _ => false,
        };
        if too_narrow {
            return Ok(-IMPOSSIBLE * self.times.len() as f64);
        }
        let distribution = Distribution {
            family: self.family,
            parameters: parameters.clone(),
        };
        Ok(-ln_likelihood(&distribution, self.times))
    }
}

/// Where to begin: what moments say. `None` if there is nothing to say.
fn starts(family: Family, times: &[Time]) -> Option<Vec<Vec<f64>>> {
    let mut logs: Vec<f64> = times
        .iter()
        .map(|time| libm::log(time.ms.max(1e-6)))
        .collect();
    logs.sort_by(f64::total_cmp);
    let finished = times.iter().filter(|time| !time.is_given_up).count();
    let (mu, sigma) = moments(&logs)?;
    if finished < 3 || sigma < 1e-9 {
        return None;
    }
    let ln_sigma = libm::log(sigma);
    Some(match family {
        Family::Lognormal => vec![vec![mu, ln_sigma]],
        // The variance of the logarithm is near 1 / (shape - 1/2), and that of a Weibull's (π²/6) / shape².
        Family::Gamma => {
            let shape = 1.0 / (sigma * sigma) + 0.5;
            vec![vec![libm::log(shape), mu - libm::log(shape) + 0.5 / shape]]
        }
        Family::Weibull => {
            let shape = 1.282_549_83 / sigma;
            vec![vec![libm::log(shape), mu + 0.577_215_66 / shape]]
        }
        // Two halves, a few outliers above, or a few below.
        Family::Mixture => [0.5, 0.85, 0.15]
            .into_iter()
            .filter_map(|share| {
                let at = ((share * logs.len() as f64) as usize).clamp(2, logs.len() - 2);
                let (low, high) = logs.split_at_checked(at)?;
                let ((first, first_sigma), (second, second_sigma)) =
                    (moments(low)?, moments(high)?);
                let ln = |sigma: f64| libm::log(sigma.max(0.03));
                let odds = libm::log(share / (1.0 - share));
                Some(vec![odds, first, ln(first_sigma), second, ln(second_sigma)])
            })
            .collect(),
    })
}

fn moments(values: &[f64]) -> Option<(f64, f64)> {
    let n = values.len() as f64;
    if values.len() < 2 {
        return None;
    }
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0);
    Some((mean, variance.sqrt()))
}

#[cfg(test)]
mod tests {
    use super::super::family::normal_quantile;
    use super::*;
    use crate::rng::Seed;

    fn of(family: Family, parameters: &[f64]) -> Distribution {
        Distribution {
            family,
            parameters: parameters.to_vec(),
        }
    }

    /// Draws of a distribution, of which every one is given up with the chance `given_up`, at some moment before.
    fn drawn(truth: &Distribution, count: usize, given_up: f64, seed: u64) -> Vec<Time> {
        let mut stream = Seed(seed).stream("fit", 0, 0, "times");
        // Work is given up at a time that has nothing to do with how long it would take: the same distribution again,
        // so much longer that the share asked for comes out.
        let patience = match given_up {
            0.0 => f64::INFINITY,
            _ => patience_of(truth, given_up),
        };
        (0..count)
            .map(|_| {
                let ms = truth.quantile(stream.uniform());
                let until = patience * truth.quantile(stream.uniform());
                Time {
                    ms: ms.min(until),
                    is_given_up: until < ms,
                }
            })
            .collect()
    }

    fn patience_of(truth: &Distribution, given_up: f64) -> f64 {
        let (mut low, mut high) = (0.01_f64, 100.0_f64);
        let times = (0..200).map(|n| truth.quantile((f64::from(n) + 0.5) / 200.0));
        let times: Vec<f64> = times.collect();
        for _ in 0..40 {
            let middle = (low * high).sqrt();
            let shares = times.iter().map(|ms| 1.0 - truth.share_below(middle * ms));
            let share = shares.sum::<f64>() / 200.0;
            match share > given_up {
                true => low = middle,
                false => high = middle,
            }
        }
        (low * high).sqrt()
    }

    fn truths() -> [Distribution; 3] {
        [
            of(Family::Lognormal, &[5.5, -1.2]),
            of(Family::Gamma, &[1.2, 4.0]),
            of(Family::Weibull, &[0.6, 5.4]),
        ]
    }

    /// The standard error of each parameter, from how the likelihood bends about its greatest.
    fn standard_errors(fitted: &Distribution, times: &[Time]) -> Vec<f64> {
        let step = 1e-3;
        let at = |index: usize, by: f64, other: usize, by_other: f64| {
            let mut moved = fitted.clone();
            moved.parameters[index] += by;
            moved.parameters[other] += by_other;
            ln_likelihood(&moved, times)
        };
        let bend = |a: usize, b: usize| {
            -(at(a, step, b, step) - at(a, step, b, -step) - at(a, -step, b, step)
                + at(a, -step, b, -step))
                / (4.0 * step * step)
        };
        let (xx, xy, yy) = (bend(0, 0), bend(0, 1), bend(1, 1));
        let determinant = xx * yy - xy * xy;
        vec![(yy / determinant).sqrt(), (xx / determinant).sqrt()]
    }

    #[test]
    fn parameters_are_found_again_within_two_standard_errors() {
        for (number, truth) in truths().into_iter().enumerate() {
            for given_up in [0.0, 0.2] {
                let times = drawn(&truth, 2_000, given_up, 40 + number as u64);
                let share = times.iter().filter(|time| time.is_given_up).count() as f64 / 2_000.0;
                assert!((share - given_up).abs() < 0.03, "{share} given up");
                let fitted = most_likely(truth.family, &times).expect("a fit");
                let errors = standard_errors(&fitted, &times);
                for (index, error) in errors.into_iter().enumerate() {
                    let off = (fitted.parameters[index] - truth.parameters[index]).abs();
                    assert!(
                        off < 2.0 * error,
                        "{truth:?}, {given_up}: {fitted:?}, {error}"
                    );
                }
                let p95 = fitted.quantile(0.95) / truth.quantile(0.95) - 1.0;
                println!(
                    "{:?}, {given_up} given up: p95 off by {:+.1} %",
                    truth.family,
                    100.0 * p95
                );
                assert!(p95.abs() < 0.05, "{truth:?}, {given_up}: p95 off by {p95}");
            }
        }
    }

    #[test]
    fn who_took_given_up_work_for_fast_work_would_be_wrong() {
        let truth = of(Family::Lognormal, &[5.5, -0.7]);
        let mut times = drawn(&truth, 2_000, 0.2, 9);
        times.iter_mut().for_each(|time| time.is_given_up = false);
        let fitted = most_likely(truth.family, &times).expect("a fit");
        let p95 = fitted.quantile(0.95) / truth.quantile(0.95) - 1.0;
        assert!(p95 < -0.1, "p95 off by {p95}");
    }

    #[test]
    fn kinds_of_turn_are_found_again_in_a_mixture() {
        // One in five goes through a tool, and takes four times as long.
        let truth = of(Family::Mixture, &[1.386, 5.5, -1.4, 6.9, -1.2]);
        for given_up in [0.0, 0.2] {
            let times = drawn(&truth, 2_000, given_up, 5);
            let fitted = most_likely(Family::Mixture, &times).expect("a fit");
            let [odds, first, _, second, _] = fitted.parameters[..] else {
                panic!("five parameters");
            };
            let swap = first > second;
            let (fast, slow) = if swap {
                (second, first)
            } else {
                (first, second)
            };
            let share = share_of(if swap { -odds } else { odds });
            assert!((share - 0.8).abs() < 0.04, "{share} are fast");
            assert!(
                (fast - 5.5).abs() < 0.03 && (slow - 6.9).abs() < 0.08,
                "{fast}, {slow}"
            );
            let p95 = fitted.quantile(0.95) / truth.quantile(0.95) - 1.0;
            assert!(p95.abs() < 0.05, "p95 off by {p95}");
        }
    }

    #[test]
    fn intervals_of_a_fit_to_200_times_cover() {
        for (truth, given_up) in truths()
            .into_iter()
            .flat_map(|truth| [(truth.clone(), 0.0), (truth, 0.2)])
        {
            let mut covered = [0, 0];
            for seed in 0..100 {
                let times = drawn(&truth, 200, given_up, 1_000 + seed);
                let fitted = most_likely(truth.family, &times).expect("a fit");
                let errors = standard_errors(&fitted, &times);
                for (index, covered) in covered.iter_mut().enumerate() {
                    let off = (fitted.parameters[index] - truth.parameters[index]).abs();
                    *covered += i32::from(off < normal_quantile(0.975) * errors[index]);
                }
            }
            println!(
                "{:?}, {given_up} given up: {covered:?} of 100 intervals hold the truth",
                truth.family
            );
            // 95 of 100, within the chance of 100 tries.
            assert!(
                covered.iter().all(|covered| (88..=100).contains(covered)),
                "{truth:?}, {given_up} given up: {covered:?} of 100 hold the truth"
            );
        }
    }

    #[test]
    fn what_cannot_be_fitted_is_not() {
        let time = |ms| Time {
            ms,
            is_given_up: false,
        };
        for times in [vec![], vec![time(1.0)], vec![time(5.0); 30]] {
            for family in Family::ALL {
                assert_eq!(most_likely(family, &times), None);
            }
        }
    }
}
