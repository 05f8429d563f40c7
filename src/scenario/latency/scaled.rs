//! A latency model so many times as long.

use super::{LatencyModel, Linear, Part, preset};

impl LatencyModel {
    /// The model of which every draw is `factor` times as long, with the same luck. The factor is above 0. A published
    /// latency becomes the distribution that it stands for. Draws that a `linear` model cuts off at 0 stay there.
    pub fn times(&self, factor: f64) -> LatencyModel {
        let inner = |model: &LatencyModel| Box::new(model.times(factor));
        match self {
            LatencyModel::FixedMs(ms) => LatencyModel::FixedMs(ms * factor),
            LatencyModel::Uniform { min_ms, max_ms } => LatencyModel::Uniform {
                min_ms: min_ms * factor,
                max_ms: max_ms * factor,
            },
            LatencyModel::Lognormal { median_ms, p95_ms } => LatencyModel::Lognormal {
                median_ms: median_ms * factor,
                p95_ms: p95_ms * factor,
            },
            LatencyModel::Gamma { mean_ms, p95_ms } => LatencyModel::Gamma {
                mean_ms: mean_ms * factor,
                p95_ms: p95_ms * factor,
            },
            LatencyModel::Weibull { median_ms, p95_ms } => LatencyModel::Weibull {
                median_ms: median_ms * factor,
                p95_ms: p95_ms * factor,
            },
            LatencyModel::Mixture(parts) => {
                let longer = |part: &Part| Part {
                    weight: part.weight,
                    model: part.model.times(factor),
                };
                LatencyModel::Mixture(parts.iter().map(longer).collect())
            }
            LatencyModel::Quantiles(points) => {
                let points = points.iter().map(|(share, ms)| (*share, ms * factor));
                LatencyModel::Quantiles(points.collect())
            }
            LatencyModel::Linear(linear) => LatencyModel::Linear(Linear {
                base_ms: linear.base_ms * factor,
                per_audio_s_ms: linear.per_audio_s_ms * factor,
                per_character_ms: linear.per_character_ms * factor,
                per_token_ms: linear.per_token_ms * factor,
                residual: linear.residual.as_deref().map(inner),
            }),
            LatencyModel::Correlated {
                correlation,
                turn,
                model,
            } => LatencyModel::Correlated {
                correlation: *correlation,
                turn: *turn,
                model: inner(model),
            },
            LatencyModel::Turns(models) => {
                LatencyModel::Turns(models.iter().map(|model| model.times(factor)).collect())
            }
            LatencyModel::Preset(name) => match preset(name) {
                Some(preset) => preset.model.times(factor),
                None => self.clone(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_draws::{any_model, cases, draws};
    use super::*;

    proptest::proptest! {
        #![proptest_config(cases(128))]

        #[test]
        fn every_draw_is_so_many_times_as_long(model in any_model(), factor in 0.5..1.5_f64) {
            // Nothing is longer than an hour, nor shorter than nothing; a mixture's luck decides which part it is.
            let longer = model.times(factor);
            if model.parse().is_ok() && longer.parse().is_ok() {
                for (before, after) in draws(&model, 0, 50).into_iter().zip(draws(&longer, 0, 50)) {
                    let expected = (before * factor).min(3_600_000.0);
                    let is_cut = before == 0.0 || before >= 3_600_000.0 || after >= 3_600_000.0;
                    proptest::prop_assert!(
                        is_cut || (after - expected).abs() <= 1e-3 + 1e-6 * expected,
                        "{before} became {after} and not {expected}: {model:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_published_latency_becomes_what_it_stands_for() {
        let longer = LatencyModel::Preset("deepgram-nova-3".into()).times(2.0);
        let LatencyModel::Lognormal { median_ms, p95_ms } = longer else {
            panic!("{longer:?}");
        };
        assert_eq!((median_ms, p95_ms), (494.0, 596.0));
    }
}
