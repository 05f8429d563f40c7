//! A latency model ready to draw from, in some tens of nanoseconds a draw.
//!
//! Everything is drawn through its quantile function: a greater random number never gives a lesser
//! latency. Runs that differ in one setting therefore share their luck, and draws can be correlated
//! without changing how they are distributed.

use super::kind::Kind;
use super::numbers::{Numbers, Weights};
use super::{LONGEST_MS, LatencyModel};
use crate::rng::Draw;
use std::time::Duration;

const NANOSECONDS_PER_MS: f64 = 1e6;

/// What is to be worked on, which only linear models ask for.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Work {
    /// Seconds of sound.
    pub audio_s: f64,
    /// Characters of text.
    pub characters: f64,
    /// Tokens of text, four characters each.
    pub tokens: f64,
    /// Which question of the conversation it is for, counted from one; 0 if nobody counts.
    pub question: u32,
}

/// A latency to draw from: what [`LatencyModel::parse`](super::LatencyModel::parse) makes of a model.
#[derive(Debug, Clone, PartialEq)]
pub struct Latency {
    pub(super) kind: Kind,
    pub(super) described: String,
}

impl Latency {
    /// Whether it is always zero.
    pub fn is_zero(&self) -> bool {
        matches!(self.kind, Kind::Fixed(ms) if ms == 0.0)
    }

    /// A latency that is always `ms` milliseconds.
    pub fn fixed_ms(ms: u32) -> Latency {
        let model = LatencyModel::FixedMs(ms.into());
        Latency {
            kind: Kind::Fixed(f64::from(ms).min(LONGEST_MS)),
            described: model.describe(),
        }
    }

    /// One short line, such as "lognormal with median 247 ms and p95 298 ms".
    pub fn describe(&self) -> &str {
        &self.described
    }

    /// One latency, from the next numbers of `draw`. `mood` is that of the conversation
    /// ([`crate::rng::Source::mood`]), made afresh for each sample; only correlated models use it.
    pub fn sample(&self, draw: &mut Draw, mood: &mut Draw, work: Work) -> Duration {
        self.drawn(draw, mood, None, work)
    }

    /// One latency of a stage of a turn, as by [`Self::sample`]. `turn` holds the numbers that all stages of the turn share, made afresh for
    /// each sample.
    pub fn sample_in_turn(
        &self,
        draw: &mut Draw,
        mood: &mut Draw,
        turn: &mut Draw,
        work: Work,
    ) -> Duration {
        self.drawn(draw, mood, Some(turn), work)
    }

    #[inline]
    fn drawn(
        &self,
        draw: &mut Draw,
        mood: &mut Draw,
        turn: Option<&mut Draw>,
        work: Work,
    ) -> Duration {
        let mut numbers = Numbers {
            draw,
            mood,
            turn,
            weights: Weights::OWN,
        };
        rounded(self.kind.ms(&mut numbers, work))
    }

    /// What it mostly is: the median, but for mixtures, of which it is the middle of one part.
    pub fn typical(&self, work: Work) -> Duration {
        rounded(self.kind.typical_ms(work))
    }

    /// The share of draws longer than `ms`, where there is no work.
    pub(in crate::scenario) fn share_above(&self, ms: f64) -> f64 {
        // Shares of a mixture may add up to a little more than 1.
        self.kind.share_above(ms).clamp(0.0, 1.0)
    }
}

/// A latency to the nearest nanosecond; what is no number becomes 0.
fn rounded(ms: f64) -> Duration {
    Duration::from_nanos((ms.clamp(0.0, LONGEST_MS) * NANOSECONDS_PER_MS + 0.5) as u64)
}

#[cfg(test)]
mod tests {
    use super::super::Linear;
    use super::super::normal::Z95;
    use super::super::test_draws::{
        any_model, cases, correlated, draws, lognormal, part, sampled, source,
    };
    use super::*;
    use proptest::prelude::*;

    const DRAWS: usize = 200_000;

    /// Whether mean and quantiles are the known ones, within four standard errors.
    fn assert_drawn(model: LatencyModel, mean: f64, quantiles: &[(f64, f64)]) {
        let draws = draws(&model, 0, DRAWS);
        let n = DRAWS as f64;
        let drawn = draws.iter().sum::<f64>() / n;
        let variance = draws.iter().map(|ms| (ms - drawn).powi(2)).sum::<f64>() / n;
        let error = 4.0 * (variance / n).sqrt() + 1e-6;
        assert!(
            (drawn - mean).abs() < error,
            "{model:?}: mean {drawn}, not {mean}"
        );
        for (p, quantile) in quantiles {
            let below = draws.iter().filter(|ms| *ms <= quantile).count() as f64 / n;
            let error = 4.0 * (p * (1.0 - p) / n).sqrt();
            assert!((below - p).abs() < error, "{model:?}: {below} below p{p}");
        }
    }

    #[test]
    fn draws_have_the_mean_and_the_quantiles_of_their_model() {
        let sigma = (298f64 / 247.0).ln() / Z95;
        let p99 = 247.0 * (2.326_347_874_040_841 * sigma).exp();
        let mean = 247.0 * (sigma * sigma / 2.0).exp();
        let known = [(0.5, 247.0), (0.95, 298.0), (0.99, p99)];
        assert_drawn(lognormal(247.0, 298.0), mean, &known);
        assert_drawn(correlated(0.4, lognormal(247.0, 298.0)), mean, &known);

        let (min_ms, max_ms) = (20.0, 40.0);
        assert_drawn(
            LatencyModel::Uniform { min_ms, max_ms },
            30.0,
            &[(0.1, 22.0), (0.9, 38.0)],
        );

        // Gamma of shape 3 and mean 300, and exponential as Weibull of shape 1.
        let (mean_ms, p95_ms) = (300.0, 629.579_362_187);
        let known = [(0.5, 267.406_031_4), (0.95, p95_ms), (0.9999, 1_392.817_06)];
        assert_drawn(LatencyModel::Gamma { mean_ms, p95_ms }, 300.0, &known);
        let (median_ms, p95_ms) = (69.314_718_056, 299.573_227_355);
        let known = [(0.5, median_ms), (0.95, p95_ms), (0.99, 460.517_018_6)];
        assert_drawn(LatencyModel::Weibull { median_ms, p95_ms }, 100.0, &known);

        let points = vec![(0.0, 100.0), (0.5, 200.0), (1.0, 400.0)];
        let known = [(0.25, 150.0), (0.5, 200.0), (0.75, 300.0)];
        assert_drawn(LatencyModel::Quantiles(points), 225.0, &known);
    }

    #[test]
    fn a_mixture_has_the_mean_of_its_parts_by_weight() {
        let (min_ms, max_ms) = (100.0, 200.0);
        let model = LatencyModel::Mixture(vec![
            part(3.0, LatencyModel::FixedMs(50.0)),
            part(1.0, LatencyModel::Uniform { min_ms, max_ms }),
        ]);
        assert_drawn(model.clone(), 75.0, &[(0.75, 99.0), (0.875, 150.0)]);
        assert_drawn(
            correlated(0.7, model),
            75.0,
            &[(0.75, 99.0), (0.875, 150.0)],
        );
    }

    #[test]
    fn linear_latencies_grow_with_the_work() {
        let model = LatencyModel::Linear(Linear {
            base_ms: 30.0,
            per_audio_s_ms: 40.0,
            per_character_ms: 2.0,
            per_token_ms: 15.0,
            residual: Some(Box::new(LatencyModel::FixedMs(0.5))),
        });
        let work = Work {
            audio_s: 2.5,
            characters: 10.0,
            tokens: 3.0,
            question: 0,
        };
        let latency = model.parse().expect("a latency");
        let idle = sampled(&latency, (0, 0), Work::default());
        assert_eq!(idle, Duration::from_micros(30_500));
        assert_eq!(
            sampled(&latency, (0, 0), work),
            Duration::from_micros(195_500)
        );
        let endless = Work {
            audio_s: f64::INFINITY,
            ..work
        };
        assert_eq!(
            sampled(&latency, (0, 0), endless),
            Duration::from_secs(3_600)
        );
    }

    #[test]
    fn a_greater_number_never_gives_a_lesser_latency() {
        let points = vec![(0.0, 1.0), (0.2, 1.0), (0.9, 30.0), (1.0, 31.0)];
        let (mean_ms, p95_ms, median_ms) = (100.0, 500.0, 50.0);
        for model in [
            lognormal(100.0, 500.0),
            LatencyModel::Gamma { mean_ms, p95_ms },
            LatencyModel::Weibull { median_ms, p95_ms },
            LatencyModel::Quantiles(points),
        ] {
            let latency = model.parse().expect("a latency");
            let mut pairs: Vec<(f64, Duration)> = (0..5_000)
                .map(|n| {
                    let number = source().draw(n, 0).uniform();
                    (number, sampled(&latency, (n, 0), Work::default()))
                })
                .collect();
            pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
            assert!(pairs.is_sorted_by_key(|(_, latency)| *latency), "{model:?}");
        }
    }

    proptest! {
        #![proptest_config(cases(256))]

        #[test]
        fn whatever_the_model_a_latency_lies_between_0_and_an_hour(
            model in any_model(),
            tokens in proptest::num::f64::ANY,
        ) {
            if let Ok(latency) = model.parse() {
                let work = Work { tokens, ..Work::default() };
                for turn in 0..20 {
                    prop_assert!(sampled(&latency, (0, turn), work) <= Duration::from_secs(3_600));
                }
                prop_assert!((0.0..=1.0).contains(&latency.share_above(200.0)));
            }
        }
    }
}
