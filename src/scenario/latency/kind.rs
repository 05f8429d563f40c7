//! A latency model worked out as far as it can be before the numbers are drawn.

use super::normal;
use super::numbers::{Numbers, Weights};
use super::points::{quantile_ms, quantile_share};
use super::table::Table;
use super::{Linear, Work};

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    Fixed(f64),
    Uniform {
        min_ms: f64,
        span_ms: f64,
    },
    Lognormal {
        median_ms: f64,
        sigma: f64,
    },
    Tabulated(Table),
    /// Each part with the share of draws that it and those before it get.
    Mixture(Vec<(f64, Kind)>),
    Quantiles(Vec<(f64, f64)>),
    Linear {
        linear: Linear,
        residual: Box<Kind>,
    },
    Correlated {
        weights: Weights,
        kind: Box<Kind>,
    },
    /// By question; never empty.
    Turns(Vec<Kind>),
}

/// The latency of the question that the work is for.
fn by_question(kinds: &[Kind], work: Work) -> Option<&Kind> {
    let index = work.question.saturating_sub(1) as usize;
    kinds.get(index).or(kinds.last())
}

impl Linear {
    /// What the work explains, in milliseconds.
    fn ms(&self, work: Work) -> f64 {
        self.base_ms
            + self.per_audio_s_ms * work.audio_s
            + self.per_character_ms * work.characters
            + self.per_token_ms * work.tokens
    }
}

impl Kind {
    /// One latency in milliseconds.
    pub(super) fn ms(&self, numbers: &mut Numbers<'_>, work: Work) -> f64 {
        match self {
            Kind::Fixed(ms) => *ms,
            Kind::Uniform { min_ms, span_ms } => min_ms + span_ms * numbers.uniform(),
            Kind::Lognormal { median_ms, sigma } => median_ms * libm::exp(sigma * numbers.normal()),
            Kind::Tabulated(table) => table.ms_at(numbers.normal()),
            Kind::Mixture(parts) => {
                let share = numbers.uniform();
                let chosen = parts.iter().find(|(end, _)| share < *end);
                // The shares may add up to a little less than 1.
                let part = chosen.or(parts.last());
                part.map_or(0.0, |(_, kind)| kind.ms(numbers, work))
            }
            Kind::Quantiles(points) => quantile_ms(points, numbers.uniform()),
            Kind::Linear { linear, residual } => linear.ms(work) + residual.ms(numbers, work),
            Kind::Correlated { weights, kind } => {
                numbers.weights = *weights;
                kind.ms(numbers, work)
            }
            Kind::Turns(kinds) => {
                by_question(kinds, work).map_or(0.0, |kind| kind.ms(numbers, work))
            }
        }
    }

    /// What it mostly is, in milliseconds: the middle of the draws, of a mixture that of the part in its middle.
    pub(super) fn typical_ms(&self, work: Work) -> f64 {
        match self {
            Kind::Fixed(ms) => *ms,
            Kind::Uniform { min_ms, span_ms } => min_ms + 0.5 * span_ms,
            Kind::Lognormal { median_ms, .. } => *median_ms,
            Kind::Tabulated(table) => table.ms_at(0.0),
            Kind::Mixture(parts) => {
                let middle = parts.iter().find(|(end, _)| *end > 0.5);
                middle
                    .or(parts.last())
                    .map_or(0.0, |(_, kind)| kind.typical_ms(work))
            }
            Kind::Quantiles(points) => quantile_ms(points, 0.5),
            Kind::Linear { linear, residual } => linear.ms(work) + residual.typical_ms(work),
            Kind::Correlated { kind, .. } => kind.typical_ms(work),
            Kind::Turns(kinds) => {
                by_question(kinds, work).map_or(0.0, |kind| kind.typical_ms(work))
            }
        }
    }

    /// The share of draws longer than `ms`, where there is no work.
    pub(super) fn share_above(&self, ms: f64) -> f64 {
        match self {
            Kind::Fixed(at) => f64::from(*at > ms),
            Kind::Uniform { min_ms, .. } if ms < *min_ms => 1.0,
            Kind::Uniform { min_ms, span_ms } if ms >= min_ms + span_ms => 0.0,
            Kind::Uniform { min_ms, span_ms } => 1.0 - (ms - min_ms) / span_ms,
            Kind::Lognormal { .. } if ms <= 0.0 => 1.0,
            Kind::Lognormal { median_ms, sigma } if *sigma == 0.0 => f64::from(*median_ms > ms),
            Kind::Lognormal { median_ms, sigma } => {
                normal::share_below(-libm::log(ms / median_ms) / sigma)
            }
            Kind::Tabulated(table) => table.share_above(ms),
            Kind::Mixture(parts) => {
                let mut before = 0.0;
                let shares = parts.iter().map(|(end, kind)| {
                    let share = end - before;
                    before = *end;
                    share * kind.share_above(ms)
                });
                shares.sum()
            }
            Kind::Quantiles(points) => 1.0 - quantile_share(points, ms),
            Kind::Linear { linear, residual } => residual.share_above(ms - linear.base_ms),
            Kind::Correlated { kind, .. } => kind.share_above(ms),
            // How often each question is asked is not known here: each counts alike.
            Kind::Turns(kinds) => {
                let all: f64 = kinds.iter().map(|kind| kind.share_above(ms)).sum();
                all / kinds.len().max(1) as f64
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::LatencyModel;
    use super::super::test_draws::{draws, lognormal, part};
    use super::*;

    #[test]
    fn the_share_above_a_time_is_the_share_of_draws_above_it() {
        let (mean_ms, p95_ms) = (25.0, 60.0);
        let mixture = LatencyModel::Mixture(vec![
            part(2.0, lognormal(10.0, 40.0)),
            part(1.0, LatencyModel::Gamma { mean_ms, p95_ms }),
            part(1.0, LatencyModel::FixedMs(30.0)),
            part(
                1.0,
                LatencyModel::Quantiles(vec![(0.0, 5.0), (0.4, 20.0), (1.0, 90.0)]),
            ),
        ]);
        let model = LatencyModel::Linear(Linear {
            base_ms: 5.0,
            residual: Some(Box::new(mixture)),
            ..Linear::default()
        });
        let draws = draws(&model, 0, 100_000);
        for ms in [0.0, 5.0, 15.0, 34.9, 35.1, 60.0, 94.0, 400.0] {
            let above = draws.iter().filter(|drawn| **drawn > ms).count() as f64 / 1e5;
            let share = model.parse().expect("a latency").share_above(ms);
            assert!(
                (share - above).abs() < 0.007,
                "{share} above {ms}, drawn {above}"
            );
        }
    }
}
