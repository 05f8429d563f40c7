//! A latency model in a few words, for a report.

use super::{LatencyModel, Linear, Part, preset};

impl LatencyModel {
    /// One short line, such as "lognormal with median 247 ms and p95 298 ms".
    pub fn describe(&self) -> String {
        match self {
            LatencyModel::FixedMs(ms) => format!("always {ms} ms"),
            LatencyModel::Uniform { min_ms, max_ms } => {
                format!("uniform from {min_ms} to {max_ms} ms")
            }
            LatencyModel::Lognormal { median_ms, p95_ms } => {
                format!("lognormal with median {median_ms} ms and p95 {p95_ms} ms")
            }
            LatencyModel::Gamma { mean_ms, p95_ms } => {
                format!("gamma with mean {mean_ms} ms and p95 {p95_ms} ms")
            }
            LatencyModel::Weibull { median_ms, p95_ms } => {
                format!("Weibull with median {median_ms} ms and p95 {p95_ms} ms")
            }
            LatencyModel::Mixture(parts) => describe_mixture(parts),
            LatencyModel::Quantiles(points) => describe_quantiles(points),
            LatencyModel::Linear(linear) => describe_linear(linear),
            LatencyModel::Correlated {
                correlation,
                turn,
                model,
            } => {
                let mut line = model.describe();
                for (share, within) in [(correlation, "conversation"), (turn, "turn")] {
                    if *share != 0.0 {
                        line += &format!(", correlated by {share} within a {within}");
                    }
                }
                line
            }
            LatencyModel::Turns(models) => describe_turns(models),
            LatencyModel::Preset(name) => match preset(name) {
                Some(preset) => format!("{name} ({})", preset.model.describe()),
                None => name.clone(),
            },
        }
    }
}

fn describe_turns(models: &[LatencyModel]) -> String {
    let last = models.len();
    let lines: Vec<String> = (1..)
        .zip(models)
        .map(|(number, model)| {
            let on = if number == last { " and later" } else { "" };
            format!("question {number}{on}: {}", model.describe())
        })
        .collect();
    lines.join("; ")
}

fn describe_mixture(parts: &[Part]) -> String {
    let total: f64 = parts.iter().map(|part| part.weight).sum();
    let parts: Vec<String> = parts
        .iter()
        .map(|part| {
            let percent = libm::round(part.weight / total * 1e3) / 10.0;
            format!("{percent} % {}", part.model.describe())
        })
        .collect();
    parts.join("; ")
}

fn describe_quantiles(points: &[(f64, f64)]) -> String {
    let (Some((_, least)), Some((_, most))) = (points.first(), points.last()) else {
        return "no quantiles".into();
    };
    format!("{} quantiles from {least} to {most} ms", points.len())
}

fn describe_linear(linear: &Linear) -> String {
    let slopes = [
        (linear.base_ms, ""),
        (linear.per_audio_s_ms, " per second of audio"),
        (linear.per_character_ms, " per character"),
        (linear.per_token_ms, " per token"),
    ];
    let terms = slopes
        .into_iter()
        .filter(|(ms, _)| *ms != 0.0)
        .map(|(ms, of)| format!("{ms} ms{of}"));
    let residual = linear.residual.iter().map(|model| model.describe());
    let terms: Vec<String> = terms.chain(residual).collect();
    if terms.is_empty() {
        "always 0 ms".into()
    } else {
        terms.join(" + ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lognormal() -> LatencyModel {
        LatencyModel::Lognormal {
            median_ms: 247.0,
            p95_ms: 298.0,
        }
    }

    #[test]
    fn models_are_described_in_a_line() {
        let mixture = LatencyModel::Mixture(vec![
            Part {
                weight: 9.0,
                model: lognormal(),
            },
            Part {
                weight: 1.0,
                model: LatencyModel::FixedMs(900.0),
            },
        ]);
        let linear = LatencyModel::Linear(Linear {
            base_ms: 30.0,
            per_token_ms: 15.0,
            residual: Some(Box::new(LatencyModel::Uniform {
                min_ms: 0.0,
                max_ms: 8.5,
            })),
            ..Linear::default()
        });
        let correlated = LatencyModel::Correlated {
            correlation: 0.4,
            turn: 0.0,
            model: Box::new(lognormal()),
        };
        for (model, line) in [
            (
                mixture,
                "90 % lognormal with median 247 ms and p95 298 ms; 10 % always 900 ms",
            ),
            (linear, "30 ms + 15 ms per token + uniform from 0 to 8.5 ms"),
            (
                correlated,
                "lognormal with median 247 ms and p95 298 ms, correlated by 0.4 within a conversation",
            ),
            (
                LatencyModel::Quantiles(vec![(0.0, 120.0), (1.0, 420.0)]),
                "2 quantiles from 120 to 420 ms",
            ),
            (
                LatencyModel::Preset("deepgram-nova-3".into()),
                "deepgram-nova-3 (lognormal with median 247 ms and p95 298 ms)",
            ),
        ] {
            assert_eq!(model.describe(), line);
        }
    }
}
