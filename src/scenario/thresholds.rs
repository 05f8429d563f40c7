//! Thresholds of the interruption classifier for one's own callers: the file that `voicesim classifier calibrate` writes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// `interruption.thresholds` as it is written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum ThresholdsTable {
    /// The thresholds themselves.
    Given(Box<OwnThresholds>),
    /// A file of them, looked up from the scenario's folder. When the scenario is read, what it holds takes the place of
    /// the file.
    File(PathBuf),
}

/// Thresholds that were chosen on one's own calls.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OwnThresholds {
    /// `voicesim.thresholds/1`.
    pub schema: String,
    /// What they were chosen on, for people.
    #[serde(default)]
    pub rests_on: String,
    /// What the policy does about interruptions on those calls: simulations draw from it.
    pub interruption: Stops,
    /// What the policy does about other sounds on those calls.
    pub backchannel: Stops,
    /// Thresholds for sounds of which words are known.
    pub with_words: Vec<StopAt>,
    /// Thresholds for sounds of which words may still become known.
    pub before_words: Vec<StopAt>,
    /// Thresholds for calls in which nobody prints words while the caller speaks.
    pub activity_only: Vec<StopAt>,
}

/// The probability at which the agent stops, at one time after the onset; straight lines lie between two of them.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StopAt {
    /// Seconds since the onset.
    pub at_s: f64,
    /// A probability between 0 and 1.
    pub stop: f64,
}

/// How often the agent stops for sounds of a kind, and how soon.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Stops {
    /// The share of the sounds that it stops for, in 0..=1.
    pub stops: f64,
    /// How many sounds the share was measured on.
    pub events: usize,
    /// Milliseconds from the onset to the stop: quantiles at equal steps of the share, the least first and the greatest
    /// last.
    pub after_ms: Vec<u32>,
}

const SCHEMA: &str = "voicesim.thresholds/1";
/// More thresholds or quantiles in a list than anybody needs.
const LENGTH_MAX: usize = 1_000;

impl OwnThresholds {
    /// The name of the format that is written.
    pub const SCHEMA: &'static str = SCHEMA;

    /// What is wrong with the thresholds, and what to do.
    pub(super) fn check(&self) -> Result<(), String> {
        if self.schema != SCHEMA {
            return Err(format!(
                "the schema is {:?}, not {SCHEMA:?}; write the file with `voicesim classifier calibrate`",
                self.schema
            ));
        }
        for (name, all) in [
            ("with_words", &self.with_words),
            ("before_words", &self.before_words),
            ("activity_only", &self.activity_only),
        ] {
            if all.is_empty() || all.len() > LENGTH_MAX {
                return Err(format!(
                    "{name} has {} thresholds; give 1 to {LENGTH_MAX}",
                    all.len()
                ));
            }
            for threshold in all {
                let StopAt { at_s, stop } = *threshold;
                if !(stop > 0.0 && stop < 1.0) {
                    return Err(format!(
                        "{name}: stop is {stop}; give a probability between 0 and 1"
                    ));
                }
                if !(0.0..=3_600.0).contains(&at_s) {
                    return Err(format!(
                        "{name}: at_s is {at_s}; give seconds since the onset"
                    ));
                }
            }
            if !all.is_sorted_by(|a, b| a.at_s < b.at_s) {
                return Err(format!(
                    "{name}: put the thresholds in the order of at_s, each time once"
                ));
            }
        }
        for (name, of) in [
            ("interruption", &self.interruption),
            ("backchannel", &self.backchannel),
        ] {
            if !(0.0..=1.0).contains(&of.stops) {
                return Err(format!(
                    "{name}.stops is {}; give a share from 0 to 1",
                    of.stops
                ));
            }
            let is_told = of.stops == 0.0 || !of.after_ms.is_empty();
            if !is_told || of.after_ms.len() > LENGTH_MAX || !of.after_ms.is_sorted() {
                return Err(format!(
                    "{name}.after_ms: give up to {LENGTH_MAX} delays, the least first, and at least one if stops is over 0"
                ));
            }
        }
        Ok(())
    }
}
