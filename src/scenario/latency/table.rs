//! Quantiles that are costly to work out, tabulated once over the normal scale.
//!
//! On that scale both tails are as fine as the middle, and a cubic through the values and slopes of
//! two knots (Hermite's) is within a ten-thousandth of the quantile.

use super::gamma::Gamma;
use super::normal;
use std::f64::consts::LN_2;

/// The table spans ±6 standard deviations; two draws in a thousand million lie outside and get the
/// value at its end.
const REACH: f64 = 6.0;
const INTERVALS: usize = 1_024;
const STEP: f64 = 2.0 * REACH / INTERVALS as f64;

/// A distribution, as its quantiles in milliseconds.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Table {
    /// The value and its growth over one step, from -6 to 6.
    knots: Vec<[f64; 2]>,
}

impl Table {
    /// `mean_ms` above 0, and a ratio of both that [`super::gamma::RATIOS`] holds.
    pub(super) fn gamma(mean_ms: f64, p95_ms: f64) -> Table {
        let gamma = Gamma::with_ratio(p95_ms / mean_ms);
        let scale_ms = mean_ms / gamma.shape;
        Table::of(|z| {
            let (x, slope) = gamma.quantile_at(z);
            (x * scale_ms, slope * scale_ms)
        })
    }

    /// `median_ms` above 0 and under `p95_ms`. The share e^-(x/scale)^shape lies above x.
    pub(super) fn weibull(median_ms: f64, p95_ms: f64) -> Table {
        let ln_ln_2 = libm::log(LN_2);
        let shape = (libm::log(libm::log(20.0)) - ln_ln_2) / libm::log(p95_ms / median_ms);
        Table::of(|z| {
            let below = normal::share_below(z);
            let above = normal::share_below(-z);
            let exponent = if z < 0.0 {
                -libm::log1p(-below)
            } else {
                -libm::log(above)
            };
            let ms = median_ms * libm::exp((libm::log(exponent) - ln_ln_2) / shape);
            (ms, ms * normal::density(z) / (shape * exponent * above))
        })
    }

    fn of(quantile_and_slope: impl Fn(f64) -> (f64, f64)) -> Table {
        let knot = |index: usize| {
            let (ms, slope) = quantile_and_slope(index as f64 * STEP - REACH);
            [ms, slope * STEP]
        };
        Table {
            knots: (0..=INTERVALS).map(knot).collect(),
        }
    }

    /// The quantile of the share that a normal draw has below `z`, in milliseconds.
    #[inline]
    pub(super) fn ms_at(&self, z: f64) -> f64 {
        let place = ((z + REACH) / STEP).clamp(0.0, INTERVALS as f64);
        // Within the table, so nothing but the fraction is lost.
        let index = (place as usize).min(INTERVALS - 1);
        let t = place - index as f64;
        let [low, low_slope] = self.knots[index];
        let [high, high_slope] = self.knots[index + 1];
        let rise = high - low;
        let square = low_slope - rise;
        let cube = rise - high_slope;
        low + t * (rise + (1.0 - t) * ((1.0 - t) * square + t * cube))
    }

    /// The share of draws above `ms`, by halving.
    pub(super) fn share_above(&self, ms: f64) -> f64 {
        if ms < self.ms_at(-REACH) {
            return 1.0;
        }
        if ms >= self.ms_at(REACH) {
            return 0.0;
        }
        let (mut low, mut high) = (-REACH, REACH);
        for _ in 0..60 {
            let middle = 0.5 * (low + high);
            if self.ms_at(middle) <= ms {
                low = middle;
            } else {
                high = middle;
            }
        }
        normal::share_below(-low)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Exact values between the knots, and whether the table has them within a ten-thousandth.
    fn assert_close(table: &Table, exact: impl Fn(f64) -> f64, name: &str) {
        for p in [
            0.001, 0.0017, 0.01, 0.1, 0.3, 0.5, 0.77, 0.9, 0.95, 0.99, 0.999, 0.9999,
        ] {
            let z = normal::quantile(p);
            let error = table.ms_at(z) / exact(z) - 1.0;
            assert!(error.abs() < 1e-4, "{name} at {p}: {error}");
        }
    }

    #[test]
    fn a_gamma_table_is_close_to_the_gamma_quantiles() {
        for ratio in [1.02, 1.1, 1.5, 2.0, 3.0, 5.0, 5.8] {
            let gamma = Gamma::with_ratio(ratio);
            let table = Table::gamma(100.0, 100.0 * ratio);
            let exact = |z| gamma.quantile_at(z).0 * 100.0 / gamma.shape;
            assert_close(&table, exact, &format!("gamma {ratio}"));
        }
    }

    #[test]
    fn a_weibull_table_is_close_to_the_weibull_quantiles() {
        for ratio in [1.001_f64, 1.2, 2.0, 10.0, 1_000.0] {
            let table = Table::weibull(100.0, 100.0 * ratio);
            let shape = (20f64.ln() / LN_2).ln() / ratio.ln();
            let exact = |z: f64| 100.0 * (-normal::share_below(-z).ln() / LN_2).powf(1.0 / shape);
            assert_close(&table, exact, &format!("weibull {ratio}"));
        }
    }

    #[test]
    fn quantiles_never_fall() {
        for table in [
            Table::gamma(100.0, 102.0),
            Table::gamma(100.0, 580.0),
            Table::weibull(100.0, 100.0001),
            Table::weibull(1e-6, 3.6e6),
        ] {
            let values: Vec<f64> = (0..20_000)
                .map(|n| table.ms_at(f64::from(n) * 0.000_65 - 6.5))
                .collect();
            assert!(values.is_sorted());
            assert!(values.iter().all(|ms| ms.is_finite() && *ms >= 0.0));
        }
    }

    #[test]
    fn the_share_above_a_quantile_is_what_is_left_of_it() {
        let table = Table::gamma(200.0, 400.0);
        for p in [0.001, 0.3, 0.5, 0.95, 0.9999] {
            let above = table.share_above(table.ms_at(normal::quantile(p)));
            assert!((above - (1.0 - p)).abs() < 1e-9, "{p}: {above}");
        }
        assert_eq!(table.share_above(0.0), 1.0);
        assert_eq!(table.share_above(1e9), 0.0);
    }
}
