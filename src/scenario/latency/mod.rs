//! How long something takes, as data. Each form is a table with one key, for example
//! `latency = { lognormal = { median_ms = 247, p95_ms = 298 } }`:
//!
//! ```toml
//! { fixed_ms = 80 }
//! { uniform = { min_ms = 20, max_ms = 40 } }
//! { lognormal = { median_ms = 247, p95_ms = 298 } }
//! { gamma = { mean_ms = 200, p95_ms = 400 } }
//! { weibull = { median_ms = 250, p95_ms = 400 } }
//! { mixture = [ { weight = 9, model = { … } }, { weight = 1, model = { … } } ] }
//! { quantiles = [ [0, 120], [0.5, 247], [0.95, 298], [1, 420] ] }
//! { linear = { base_ms = 30, per_audio_s_ms = 40, per_character_ms = 2, per_token_ms = 15, residual = { … } } }
//! { correlated = { correlation = 0.4, model = { … } } }
//! { turns = [ { lognormal = { … } }, { lognormal = { … } } ] }
//! { preset = "deepgram-nova-3" }
//! ```
//!
//! [`LatencyModel::parse`] makes of such a table the [`Latency`] that is drawn from.

mod describe;
mod drawn;
mod gamma;
mod kind;
mod normal;
mod numbers;
mod parse;
mod points;
mod presets;
mod scaled;
mod table;
#[cfg(test)]
mod test_draws;

pub use drawn::{Latency, Work};
pub(crate) use points::{quantile_ms, quantile_share};
pub use presets::{Preset, PresetStage, preset, presets};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// No latency is longer than an hour.
const LONGEST_MS: f64 = 3_600_000.0;

/// A distribution of latencies, as it is written. Times are in milliseconds, from 0 to an hour.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum LatencyModel {
    /// Always this many milliseconds.
    FixedMs(f64),
    /// Any time between two, all equally likely.
    Uniform {
        /// The shortest.
        min_ms: f64,
        /// The longest.
        max_ms: f64,
    },
    /// Lognormal: most latencies of services, without their outliers.
    Lognormal {
        /// The median.
        median_ms: f64,
        /// The 95th percentile.
        p95_ms: f64,
    },
    /// Gamma. Its 95th percentile is 1.02 to 5.8 times its mean; no gamma distribution has more
    /// than 5.83, and a narrower one is as good as lognormal.
    Gamma {
        /// The mean.
        mean_ms: f64,
        /// The 95th percentile.
        p95_ms: f64,
    },
    /// Weibull: with a lighter tail than lognormal.
    Weibull {
        /// The median.
        median_ms: f64,
        /// The 95th percentile.
        p95_ms: f64,
    },
    /// One of several models, by weight: a cache that hits or misses, an outlier now and then.
    Mixture(Vec<Part>),
    /// Quantiles as they were measured: the share of latencies below a time, and that time in milliseconds;
    /// straight lines in between. Shares rise from 0 to 1.
    Quantiles(Vec<(f64, f64)>),
    /// A latency that grows with the work that is asked for.
    Linear(Linear),
    /// The draws of one conversation go together, as if some conversations were slow and some fast.
    Correlated {
        /// The correlation between the normal scores of two draws (a Gaussian copula): 0 for none, 1 for
        /// the same latency all conversation long. The rank correlation is 6/π asin(half of this).
        #[serde(default, skip_serializing_if = "is_zero")]
        correlation: f64,
        /// The correlation between the draws of a turn: those of other stages that have this key too. It and
        /// `correlation` together are at most 1.
        #[serde(default, skip_serializing_if = "is_zero")]
        turn: f64,
        /// How each draw is distributed.
        model: Box<LatencyModel>,
    },
    /// A model for each question of a conversation, in order; the last one is that of all later questions too.
    Turns(Vec<LatencyModel>),
    /// One of [`presets()`], by its name.
    Preset(#[schemars(extend("enum" = presets::names()))] String),
}

fn is_zero(number: &f64) -> bool {
    *number == 0.0
}

/// One part of a mixture.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// How often this part is drawn, compared with the others; above 0.
    pub weight: f64,
    /// How the latency of this part is distributed.
    pub model: LatencyModel,
}

/// A latency of `base_ms`, the work times its slopes, and what is left to chance. Whatever is left out is 0.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Linear {
    /// Milliseconds whatever the work; below 0 where a line through what was measured begins there. No latency
    /// comes out below 0.
    pub base_ms: f64,
    /// Milliseconds for each second of audio.
    pub per_audio_s_ms: f64,
    /// Milliseconds for each character.
    pub per_character_ms: f64,
    /// Milliseconds for each token.
    pub per_token_ms: f64,
    /// What is left to chance: any model that is not linear itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub residual: Option<Box<LatencyModel>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Holder {
        latency: LatencyModel,
    }

    fn read(text: &str) -> Result<LatencyModel, toml::de::Error> {
        toml::from_str::<Holder>(&format!("latency = {text}")).map(|holder| holder.latency)
    }

    const FORMS: [&str; 12] = [
        "{ fixed_ms = 80 }",
        "{ uniform = { min_ms = 20, max_ms = 40.5 } }",
        "{ lognormal = { median_ms = 247, p95_ms = 298 } }",
        "{ gamma = { mean_ms = 200, p95_ms = 400 } }",
        "{ weibull = { median_ms = 250, p95_ms = 400 } }",
        "{ mixture = [ { weight = 0.9, model = { fixed_ms = 1 } }, { weight = 0.1, model = { uniform = { min_ms = 1, max_ms = 2 } } } ] }",
        "{ quantiles = [ [0, 120], [0.5, 247], [0.95, 298], [1, 420] ] }",
        "{ linear = { base_ms = 30, per_audio_s_ms = 40, per_character_ms = 2, per_token_ms = 15, residual = { fixed_ms = 3 } } }",
        "{ correlated = { correlation = 0.4, model = { lognormal = { median_ms = 247, p95_ms = 298 } } } }",
        "{ correlated = { turn = 0.3, model = { lognormal = { median_ms = 247, p95_ms = 298 } } } }",
        "{ turns = [ { fixed_ms = 1 }, { lognormal = { median_ms = 247, p95_ms = 298 } } ] }",
        "{ preset = \"deepgram-nova-3\" }",
    ];

    #[test]
    fn every_form_is_read_and_written_again() {
        for text in FORMS {
            let latency = read(text).expect(text);
            assert!(latency.parse().is_ok(), "{text}");
            let holder = Holder { latency };
            let written = toml::to_string(&holder).expect("TOML");
            assert_eq!(toml::from_str::<Holder>(&written).expect("TOML"), holder);
            let written = serde_json::to_string(&holder).expect("JSON");
            assert_eq!(
                serde_json::from_str::<Holder>(&written).expect("JSON"),
                holder
            );
        }
    }

    #[test]
    fn what_a_linear_model_leaves_out_is_zero() {
        let latency = read("{ linear = { per_token_ms = 15 } }").expect("a model");
        let linear = Linear {
            per_token_ms: 15.0,
            ..Linear::default()
        };
        assert_eq!(latency, LatencyModel::Linear(linear));
    }

    #[test]
    fn unknown_keys_are_refused() {
        for text in [
            "{ fixed = 80 }",
            "{ uniform = { min_ms = 1, max_ms = 2, mean_ms = 1 } }",
            "{ linear = { per_word_ms = 1 } }",
            "{ mixture = [ { weight = 1, model = { fixed_ms = 1 }, name = \"one\" } ] }",
            "{ correlated = { correlation = 0.1, rho = 1, model = { fixed_ms = 1 } } }",
            "{ fixed_ms = 80, preset = \"moshi\" }",
        ] {
            assert!(read(text).is_err(), "{text} was read");
        }
    }

    proptest::proptest! {
        #![proptest_config(test_draws::cases(256))]

        #[test]
        fn whatever_has_no_fault_is_read_as_it_was_written(latency in test_draws::any_model()) {
            if latency.parse().is_ok() {
                let holder = Holder { latency };
                let written = toml::to_string(&holder).expect("TOML");
                proptest::prop_assert_eq!(toml::from_str::<Holder>(&written).expect("TOML"), holder);
            }
        }
    }
}
