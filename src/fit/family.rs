//! Families of distributions on times above zero: their densities, shares and quantiles.
//!
//! Parameters are unbounded numbers (logarithms where they have to be above zero), so that a search may go anywhere.

use crate::scenario::latency::{LatencyModel, Part};
use statrs::function::erf::{erfc, erfc_inv};
use statrs::function::gamma::{checked_gamma_lr, checked_gamma_ur, ln_gamma};
use std::f64::consts::{PI, SQRT_2};

/// A logarithm of nothing: the likelihood of what cannot be. Sums stay finite, so that they can be compared.
pub(super) const IMPOSSIBLE: f64 = -700.0;

/// Gamma distributions that a scenario can have: 95th percentiles by the mean.
const GAMMA_RATIOS: [f64; 2] = [1.02, 5.8];

/// A family of distributions with few parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    Lognormal,
    Gamma,
    Weibull,
    /// Two lognormals.
    Mixture,
}

impl Family {
    /// Every family, the simplest first.
    pub const ALL: [Family; 4] = [
        Family::Lognormal,
        Family::Gamma,
        Family::Weibull,
        Family::Mixture,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Family::Lognormal => "lognormal",
            Family::Gamma => "gamma",
            Family::Weibull => "weibull",
            Family::Mixture => "mixture",
        }
    }
}

/// A member of a family. Times are in milliseconds.
#[derive(Debug, Clone, PartialEq)]
pub struct Distribution {
    pub family: Family,
    /// Lognormal: mean and ln of the deviation of the logarithms. Gamma and Weibull: ln of shape and of scale.
    /// Mixture: the log-odds of the first part, and the parameters of both.
    pub parameters: Vec<f64>,
}

impl Distribution {
    /// The logarithm of the density at `ms`.
    pub(super) fn ln_density(&self, ms: f64) -> f64 {
        let ms = ms.max(1e-6);
        let value = match (self.family, self.parameters.as_slice()) {
            (Family::Lognormal, &[mu, ln_sigma]) => ln_normal_density(ms, mu, ln_sigma),
            (Family::Gamma, &[ln_shape, ln_scale]) => {
                let shape = libm::exp(ln_shape);
                let x = libm::log(ms) - ln_scale;
                shape * x - libm::exp(x) - ln_gamma(shape) - libm::log(ms)
            }
            (Family::Weibull, &[ln_shape, ln_scale]) => {
                let shape = libm::exp(ln_shape);
                let x = libm::log(ms) - ln_scale;
                ln_shape + shape * x - libm::exp(shape * x) - libm::log(ms)
            }
            (Family::Mixture, &[odds, first, first_sigma, second, second_sigma]) => {
                let share = share_of(odds);
                let sum = share * libm::exp(ln_normal_density(ms, first, first_sigma))
                    + (1.0 - share) * libm::exp(ln_normal_density(ms, second, second_sigma));
                libm::log(sum)
            }
            _ => IMPOSSIBLE,
        };
        finite(value)
    }

    /// The logarithm of the share above `ms`.
    pub(super) fn ln_above(&self, ms: f64) -> f64 {
        finite(libm::log(self.shares(ms).1))
    }

    /// The share of times up to `ms`.
    pub fn share_below(&self, ms: f64) -> f64 {
        self.shares(ms).0
    }

    fn shares(&self, ms: f64) -> (f64, f64) {
        if ms <= 0.0 {
            return (0.0, 1.0);
        }
        let ln = libm::log(ms);
        match (self.family, self.parameters.as_slice()) {
            (Family::Lognormal, &[mu, ln_sigma]) => normal_shares((ln - mu) / libm::exp(ln_sigma)),
            (Family::Gamma, &[ln_shape, ln_scale]) => {
                let (shape, x) = (libm::exp(ln_shape), libm::exp(ln - ln_scale));
                (
                    checked_gamma_lr(shape, x).unwrap_or(1.0),
                    checked_gamma_ur(shape, x).unwrap_or(0.0),
                )
            }
            (Family::Weibull, &[ln_shape, ln_scale]) => {
                let exponent = libm::exp(libm::exp(ln_shape) * (ln - ln_scale));
                (-libm::expm1(-exponent), libm::exp(-exponent))
            }
            (Family::Mixture, &[odds, first, first_sigma, second, second_sigma]) => {
                let share = share_of(odds);
                let first = normal_shares((ln - first) / libm::exp(first_sigma));
                let second = normal_shares((ln - second) / libm::exp(second_sigma));
                let both = |a: f64, b: f64| share * a + (1.0 - share) * b;
                (both(first.0, second.0), both(first.1, second.1))
            }
            _ => (0.0, 1.0),
        }
    }

    /// The time that the share `below` (between 0 and 1) lies under.
    pub fn quantile(&self, below: f64) -> f64 {
        match (self.family, self.parameters.as_slice()) {
            (Family::Lognormal, &[mu, ln_sigma]) => {
                libm::exp(mu + libm::exp(ln_sigma) * normal_quantile(below))
            }
            (Family::Weibull, &[ln_shape, ln_scale]) => {
                let exponent = -libm::log1p(-below);
                libm::exp(ln_scale + libm::log(exponent) / libm::exp(ln_shape))
            }
            // By halving, from a nanosecond to three years.
            _ => {
                let (mut low, mut high) = (-14.0_f64, 25.0_f64);
                for _ in 0..60 {
                    let middle = 0.5 * (low + high);
                    match self.share_below(libm::exp(middle)) < below {
                        true => low = middle,
                        false => high = middle,
                    }
                }
                libm::exp(0.5 * (low + high))
            }
        }
    }

    /// As a scenario has it; `None` if a scenario cannot have it.
    pub fn model(&self) -> Option<LatencyModel> {
        let lognormal = |mu: f64, ln_sigma: f64| LatencyModel::Lognormal {
            median_ms: short(libm::exp(mu)),
            p95_ms: short(libm::exp(mu + libm::exp(ln_sigma) * normal_quantile(0.95))),
        };
        let model = match (self.family, self.parameters.as_slice()) {
            (Family::Lognormal, &[mu, ln_sigma]) => lognormal(mu, ln_sigma),
            (Family::Gamma, &[ln_shape, ln_scale]) => {
                let mean_ms = libm::exp(ln_shape + ln_scale);
                let p95_ms = self.quantile(0.95);
                let [least, most] = GAMMA_RATIOS;
                if !(least..=most).contains(&(p95_ms / mean_ms)) {
                    return None;
                }
                LatencyModel::Gamma {
                    mean_ms: short(mean_ms),
                    p95_ms: short(p95_ms),
                }
            }
            (Family::Weibull, _) => LatencyModel::Weibull {
                median_ms: short(self.quantile(0.5)),
                p95_ms: short(self.quantile(0.95)),
            },
            (Family::Mixture, &[odds, first, first_sigma, second, second_sigma]) => {
                let share = share_of(odds);
                let part = |weight: f64, model| Part {
                    weight: libm::round(weight * 1e3) / 10.0,
                    model,
                };
                LatencyModel::Mixture(vec![
                    part(share, lognormal(first, first_sigma)),
                    part(1.0 - share, lognormal(second, second_sigma)),
                ])
            }
            _ => return None,
        };
        model.parse().is_ok().then_some(model)
    }
}

/// The share that log-odds stand for.
pub(super) fn share_of(odds: f64) -> f64 {
    1.0 / (1.0 + libm::exp(-odds))
}

fn ln_normal_density(ms: f64, mu: f64, ln_sigma: f64) -> f64 {
    let z = (libm::log(ms) - mu) / libm::exp(ln_sigma);
    -0.5 * z * z - ln_sigma - libm::log(ms) - 0.5 * libm::log(2.0 * PI)
}

/// The shares of a normal draw below and above `z`.
pub(super) fn normal_shares(z: f64) -> (f64, f64) {
    (0.5 * erfc(-z / SQRT_2), 0.5 * erfc(z / SQRT_2))
}

/// The normal number that the share `below` lies under.
pub(super) fn normal_quantile(below: f64) -> f64 {
    -SQRT_2 * erfc_inv(2.0 * below)
}

fn finite(ln: f64) -> f64 {
    match ln.is_finite() {
        true => ln.max(IMPOSSIBLE),
        false => IMPOSSIBLE,
    }
}

/// Milliseconds in four digits: what is behind them was not measured.
pub(super) fn short(ms: f64) -> f64 {
    if ms == 0.0 || !ms.is_finite() {
        return 0.0;
    }
    let digits = 3 - libm::floor(libm::log10(ms.abs())) as i32;
    let scale = 10f64.powi(digits.clamp(-6, 6));
    libm::round(ms * scale) / scale
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(family: Family, parameters: &[f64]) -> Distribution {
        Distribution {
            family,
            parameters: parameters.to_vec(),
        }
    }

    fn some() -> [Distribution; 4] {
        [
            of(Family::Lognormal, &[5.5, -1.2]),
            of(Family::Gamma, &[1.2, 4.0]),
            of(Family::Weibull, &[0.6, 5.4]),
            of(Family::Mixture, &[1.0, 5.0, -1.5, 7.0, -0.7]),
        ]
    }

    #[test]
    fn shares_quantiles_and_densities_belong_together() {
        for distribution in some() {
            for below in [0.01, 0.3, 0.5, 0.9, 0.95, 0.99] {
                let ms = distribution.quantile(below);
                let found = distribution.share_below(ms);
                assert!((found - below).abs() < 1e-6, "{distribution:?}: {found}");
                let step = ms * 1e-4;
                let slope = (distribution.share_below(ms + step)
                    - distribution.share_below(ms - step))
                    / (2.0 * step);
                let density = distribution.ln_density(ms).exp();
                assert!(
                    (density / slope - 1.0).abs() < 1e-4,
                    "{distribution:?} at {below}"
                );
                let above = distribution.ln_above(ms).exp();
                assert!((above + below - 1.0).abs() < 1e-6);
            }
        }
    }

    #[test]
    fn a_scenario_draws_what_was_fitted() {
        for distribution in some() {
            let model = distribution.model().expect("a model");
            let latency = model.parse().expect("a latency");
            let source = crate::rng::Seed(3).source("fit", "draws");
            let mut ms: Vec<f64> = (0..40_000)
                .map(|n| {
                    let (mut draw, mut mood) = (source.draw(n, 0), source.mood(n));
                    let drawn = latency.sample(&mut draw, &mut mood, Default::default());
                    drawn.as_secs_f64() * 1e3
                })
                .collect();
            ms.sort_by(f64::total_cmp);
            for (below, tolerance) in [(0.5, 0.03), (0.95, 0.03)] {
                let drawn = ms[(below * 4e4) as usize];
                let error = drawn / distribution.quantile(below) - 1.0;
                assert!(
                    error.abs() < tolerance,
                    "{distribution:?} at {below}: {error}"
                );
            }
        }
    }

    #[test]
    fn numbers_in_a_profile_have_four_digits() {
        for (ms, short_ms) in [
            (247.123, 247.1),
            (1.23456, 1.235),
            (12345.0, 12350.0),
            (0.0, 0.0),
            (-9.8765, -9.877),
        ] {
            assert!((short(ms) - short_ms).abs() < 1e-9, "{}", short(ms));
        }
    }
}
