//! What goes wrong with an engine, as data.

use crate::event::StageName;
use serde::{Deserialize, Serialize};

/// A fault of one stage: exactly one of `delay_ms`, `stall_ms` and `error`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    pub stage: FaultyStage,
    /// The first output comes this much later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delay_ms: Option<u64>,
    /// Nothing comes for this long in the middle of the stream.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stall_ms: Option<u64>,
    /// The stage fails with this text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// `stall_ms` and `error`: after so many outputs; 1 and 0 unless given. The end of a stream
    /// counts as one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after_outputs: Option<u32>,
    /// Which inputs of the stage it strikes, counted from one; all of them unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inputs: Option<Vec<u64>>,
    /// With which probability it strikes one of them, in 0..=1.
    #[serde(default = "always")]
    pub probability: f64,
}

fn always() -> f64 {
    1.0
}

/// A stage that can have faults, by its name in a scenario.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultyStage {
    Stt,
    Answer,
    Tts,
}

impl FaultyStage {
    pub fn name(self) -> StageName {
        match self {
            FaultyStage::Stt => StageName::SpeechToText,
            FaultyStage::Answer => StageName::Answer,
            FaultyStage::Tts => StageName::TextToSpeech,
        }
    }
}

/// No stall is longer than an hour.
const LONGEST_MS: u64 = 3_600_000;

impl Fault {
    /// The key that is wrong, and the cure, if one is.
    pub fn wrong(&self) -> Option<(&'static str, String)> {
        let kinds = [
            self.delay_ms.is_some(),
            self.stall_ms.is_some(),
            self.error.is_some(),
        ];
        if kinds.into_iter().filter(|given| *given).count() != 1 {
            return Some((
                "stage",
                "a fault is one of delay_ms, stall_ms and error: give exactly one of them".into(),
            ));
        }
        for (key, ms) in [("delay_ms", self.delay_ms), ("stall_ms", self.stall_ms)] {
            if let Some(ms) = ms.filter(|ms| *ms > LONGEST_MS) {
                return Some((key, format!("{ms} ms is more than an hour")));
            }
        }
        if self.delay_ms.is_some() && self.after_outputs.is_some() {
            let cure = "a delay comes before the first output; use stall_ms for later ones";
            return Some(("after_outputs", cure.into()));
        }
        if self
            .inputs
            .as_ref()
            .is_some_and(|inputs| inputs.contains(&0))
        {
            return Some(("inputs", "inputs are counted from 1".into()));
        }
        if !(0.0..=1.0).contains(&self.probability) {
            let cure = format!("{} is no probability; give 0 to 1", self.probability);
            return Some(("probability", cure));
        }
        None
    }
}
