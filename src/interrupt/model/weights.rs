//! The file of weights: what training leaves behind and the policy loads.

use super::{Logistic, Model, Trees, logit, sigmoid};
use crate::interrupt::features::{FEATURES, Values, features};
use crate::interrupt::heard::{Evidence, Heard};
use serde::{Deserialize, Serialize};
use std::sync::OnceLock;

/// What the file must say it is.
pub const SCHEMA: &str = "voicesim.classifier/2";

/// Everything that was learnt, and the names of the features it was learnt from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Weights {
    pub schema: String,
    /// The names of the features, in the order of the values.
    pub features: Vec<String>,
    /// The classifier for sounds of which words are known.
    pub with_words: Classifier,
    /// The classifier for sounds of which no word is known, yet or at all.
    pub activity_only: Classifier,
    pub thresholds: Thresholds,
}

/// A model and what to do with its output.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Classifier {
    pub calibration: Calibration,
    pub predictor: Predictor,
}

/// When to stop, by what a decision can go by: thresholds in order of their times, with straight lines between them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Thresholds {
    /// For sounds of which words are known.
    pub with_words: Vec<Threshold>,
    /// For sounds of which words may still become known.
    pub before_words: Vec<Threshold>,
    /// For calls in which nobody prints words while the caller speaks.
    pub activity_only: Vec<Threshold>,
}

impl Thresholds {
    pub fn of(&self, evidence: Evidence) -> &[Threshold] {
        match evidence {
            Evidence::Words => &self.with_words,
            Evidence::SoundBeforeWords => &self.before_words,
            Evidence::Sound => &self.activity_only,
        }
    }

    /// The log-odds at which the agent stops, `time_s` seconds after the onset.
    pub fn log_odds(&self, evidence: Evidence, time_s: f64) -> f64 {
        logit(threshold_at(self.of(evidence), time_s))
    }

    /// Whether all thresholds are in order and between 0 and 1, and there are some.
    pub fn are_whole(&self) -> bool {
        [&self.with_words, &self.before_words, &self.activity_only]
            .into_iter()
            .all(|all| {
                let is_in_bounds = |t: &Threshold| {
                    t.at_s >= 0.0 && t.at_s.is_finite() && 0.0 < t.stop && t.stop < 1.0
                };
                !all.is_empty()
                    && all.iter().all(is_in_bounds)
                    && all.is_sorted_by(|a, b| a.at_s < b.at_s)
            })
    }
}

/// Straightens log-odds, so that of the sounds said to be interruptions with p = 0.7, 70 % are.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    pub slope: f64,
    pub intercept: f64,
}

/// The probability at which the agent stops, at one time after the onset.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Threshold {
    pub at_s: f64,
    pub stop: f64,
}

/// A model of one of the kinds that exist.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Predictor {
    Logistic(Logistic),
    Trees(Trees),
}

impl Predictor {
    pub fn model(&self) -> &dyn Model {
        match self {
            Predictor::Logistic(model) => model,
            Predictor::Trees(model) => model,
        }
    }
}

impl Calibration {
    pub const NONE: Calibration = Calibration {
        slope: 1.0,
        intercept: 0.0,
    };

    pub fn apply(&self, log_odds: f64) -> f64 {
        self.slope * log_odds + self.intercept
    }
}

impl Classifier {
    /// Calibrated log-odds of an interruption.
    pub fn log_odds(&self, values: &Values) -> f64 {
        self.calibration
            .apply(self.predictor.model().log_odds(values))
    }

    /// Calibrated probability of an interruption, in 0..1.
    pub fn probability(&self, values: &Values) -> f64 {
        sigmoid(self.log_odds(values))
    }

    /// How much each feature added to the calibrated log-odds.
    pub fn contributions(&self, values: &Values) -> Values {
        let contributions = self.predictor.model().contributions(values);
        contributions.map(|contribution| self.calibration.slope * contribution)
    }
}

/// The probability at which the agent stops, `time_s` seconds after the onset; without thresholds it never does.
pub fn threshold_at(thresholds: &[Threshold], time_s: f64) -> f64 {
    let after = thresholds.partition_point(|threshold| threshold.at_s <= time_s);
    let (Some(last), Some(a)) = (thresholds.last(), thresholds.get(after.saturating_sub(1))) else {
        return 1.0;
    };
    let b = thresholds.get(after).unwrap_or(last);
    let span = b.at_s - a.at_s;
    if span <= 0.0 || time_s <= a.at_s {
        return a.stop;
    }
    a.stop + (time_s - a.at_s) / span * (b.stop - a.stop)
}

/// Why a file of weights cannot be used.
#[derive(Debug, Clone, thiserror::Error)]
pub enum WeightsError {
    #[error("the weights cannot be read: {0}; train them again")]
    Json(String),
    #[error("the weights are for other features or another version; train them again")]
    OfAnotherVersion,
    #[error("the weights are not whole; train them again")]
    NotWhole,
}

impl Weights {
    pub fn of_text(text: &str) -> Result<Weights, WeightsError> {
        let weights: Weights =
            serde_json::from_str(text).map_err(|error| WeightsError::Json(error.to_string()))?;
        let named = weights.features.iter().map(String::as_str);
        if weights.schema != SCHEMA || !named.eq(FEATURES.iter().map(|feature| feature.name)) {
            return Err(WeightsError::OfAnotherVersion);
        }
        for classifier in [&weights.with_words, &weights.activity_only] {
            let is_whole = match &classifier.predictor {
                Predictor::Logistic(model) => model.is_whole(),
                Predictor::Trees(model) => model.is_whole(),
            };
            if !is_whole {
                return Err(WeightsError::NotWhole);
            }
        }
        if !weights.thresholds.are_whole() {
            return Err(WeightsError::NotWhole);
        }
        Ok(weights)
    }

    /// The text of the file, with a line for each tree or regression.
    pub fn as_text(&self) -> Result<String, WeightsError> {
        let json = serde_json::to_string(self);
        let mut text = json.map_err(|error| WeightsError::Json(error.to_string()))?;
        for (together, apart) in [
            ("]],[[", "]],\n[["),
            ("\"trees\":[[[", "\"trees\":[\n[["),
            ("},{\"at_s\"", "},\n{\"at_s\""),
            (",\"with_words\"", ",\n\"with_words\""),
            (",\"activity_only\"", ",\n\"activity_only\""),
            (",\"features\"", ",\n\"features\""),
            (",\"thresholds\"", ",\n\"thresholds\""),
            (",\"predictor\"", ",\n\"predictor\""),
        ] {
            text = text.replace(together, apart);
        }
        text.push('\n');
        Ok(text)
    }

    /// The classifier that is asked at such a moment. That no word is known yet is no evidence, so it is the one that
    /// knows of no words.
    pub fn classifier(&self, evidence: Evidence) -> &Classifier {
        match evidence {
            Evidence::Words => &self.with_words,
            Evidence::SoundBeforeWords | Evidence::Sound => &self.activity_only,
        }
    }

    /// Calibrated log-odds of an interruption, from what is heard so far.
    pub fn log_odds(&self, heard: &Heard<'_>) -> f64 {
        self.classifier(heard.evidence()).log_odds(&features(heard))
    }
}

/// The weights that voicesim comes with.
pub fn shipped() -> Result<&'static Weights, WeightsError> {
    static SHIPPED: OnceLock<Result<Weights, WeightsError>> = OnceLock::new();
    let weights = SHIPPED.get_or_init(|| Weights::of_text(include_str!("../weights.json")));
    weights.as_ref().map_err(WeightsError::clone)
}
