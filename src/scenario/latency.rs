//! How long a simulated engine takes, as data.

use crate::rng::Stream;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A distribution of latencies.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum LatencyModel {
    /// Always the same.
    FixedMs(f64),
    /// Lognormal, given by its median and its 95th percentile.
    Lognormal { median_ms: f64, p95_ms: f64 },
}

/// The 95 % quantile of the standard normal distribution.
const Z95: f64 = 1.644_853_626_951_472_7;

/// No latency is longer than an hour.
const LONGEST_MS: f64 = 3_600_000.0;

impl LatencyModel {
    /// Why no such distribution exists, if none does.
    pub fn fault(&self) -> Option<String> {
        let is_time = |ms: f64| (0.0..=LONGEST_MS).contains(&ms);
        match *self {
            LatencyModel::FixedMs(ms) if is_time(ms) => None,
            LatencyModel::Lognormal { median_ms, p95_ms }
                if is_time(median_ms) && is_time(p95_ms) && median_ms > 0.0 =>
            {
                (p95_ms < median_ms).then(|| {
                    format!("p95_ms = {p95_ms} lies under median_ms = {median_ms}; a 95th percentile is at least the median")
                })
            }
            LatencyModel::Lognormal { median_ms, p95_ms } => Some(format!(
                "median_ms = {median_ms} and p95_ms = {p95_ms} must be times between 0 and one hour, the median above 0"
            )),
            LatencyModel::FixedMs(ms) => Some(format!(
                "fixed_ms = {ms} must be a time between 0 and one hour"
            )),
        }
    }

    /// One latency.
    pub fn sample(&self, stream: &mut Stream) -> Duration {
        let ms = match *self {
            LatencyModel::FixedMs(ms) => ms,
            LatencyModel::Lognormal { median_ms, p95_ms } => {
                let sigma = libm::log(p95_ms / median_ms) / Z95;
                median_ms * libm::exp(sigma * stream.normal())
            }
        };
        Duration::from_nanos((ms.clamp(0.0, LONGEST_MS) * 1e6) as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Seed;

    #[test]
    fn a_lognormal_has_the_median_and_the_p95_it_was_given() {
        let model = LatencyModel::Lognormal {
            median_ms: 247.0,
            p95_ms: 298.0,
        };
        let mut stream = Seed(1).stream("test", 0, 0, "latency");
        let mut draws: Vec<Duration> = (0..20_000).map(|_| model.sample(&mut stream)).collect();
        draws.sort();
        let ms = |quantile: f64| draws[(quantile * 20_000.0) as usize].as_secs_f64() * 1e3;
        assert!((ms(0.5) - 247.0).abs() < 2.0, "median {}", ms(0.5));
        assert!((ms(0.95) - 298.0).abs() < 3.0, "p95 {}", ms(0.95));
    }

    #[test]
    fn impossible_distributions_are_named() {
        let lognormal = |median_ms, p95_ms| LatencyModel::Lognormal { median_ms, p95_ms }.fault();
        assert!(lognormal(100.0, 200.0).is_none());
        assert!(lognormal(200.0, 100.0).is_some());
        assert!(lognormal(f64::NAN, 100.0).is_some());
        assert!(LatencyModel::FixedMs(-1.0).fault().is_some());
        assert!(LatencyModel::FixedMs(f64::INFINITY).fault().is_some());
    }
}
