//! How the assistant hears that somebody speaks.

use super::latency::{Latency, LatencyModel};
use super::problem::{Problem, Table};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `[ear]` as it is written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EarTable {
    /// Probability of voice above which 16 ms count as voiced, in 0..1.
    pub vad_threshold: f32,
    /// `speech`: how late the voice detector lets go after a simulated voice has ended. The default
    /// is what the real one takes on the recordings that come with voicesim.
    pub lag: LatencyModel,
}

/// How voice is detected.
#[derive(Debug, Clone, PartialEq)]
pub struct Ear {
    /// Probability of voice above which 16 ms count as voiced, above 0 and below 1.
    pub vad_threshold: f32,
    /// How late the detector lets go after a simulated voice has ended.
    pub lag: Latency,
}

impl Default for EarTable {
    fn default() -> EarTable {
        EarTable {
            vad_threshold: 0.5,
            lag: LatencyModel::FixedMs(80.0),
        }
    }
}

impl EarTable {
    /// What the table means; `at` is `[ear]`.
    pub(super) fn parse(&self, at: Table<'_>) -> Result<Ear, Problem> {
        let threshold = self.vad_threshold;
        if !(threshold > 0.0 && threshold < 1.0) {
            let fix = format!("{threshold} is no probability between 0 and 1; 0.5 is a good one");
            return Err(at.problem("vad_threshold", fix));
        }
        Ok(Ear {
            vad_threshold: threshold,
            lag: self.lag.parse().map_err(|fix| at.problem("lag", fix))?,
        })
    }
}
