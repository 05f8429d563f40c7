//! Other programs on the machine, which hold its cores now and then: only in simulations.
//!
//! Whether a job is disturbed depends on whether the one before it was: disturbance comes in bursts.

use super::latency::{Latency, LatencyModel};
use super::problem::{Problem, Table};
use super::table_of;
use crate::event::StageName;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// `[disturbance]` as it is written: jobs of engines that other programs disturb, as a state that lasts from job to job of
/// a conversation.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DisturbanceTable {
    /// The probability that a job is disturbed after one that was not, 0 to 1; 0 for never.
    pub begins: f64,
    /// The probability that a job is disturbed after one that was, 0 to 1.
    pub stays: f64,
    /// The latency of speech-to-text while it is disturbed, on all of its threads; it is not disturbed unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stt: Option<LatencyModel>,
    /// The latency of the answer while it is disturbed, on all of its threads; it is not disturbed unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<LatencyModel>,
    /// The latency of text-to-speech while it is disturbed, on all of its threads; it is not disturbed unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tts: Option<LatencyModel>,
}

/// Jobs of engines that other programs disturb.
#[derive(Debug, Clone, PartialEq)]
pub struct Disturbance {
    /// The probability that a job is disturbed after one that was not, 0 to 1.
    pub begins: f64,
    /// The probability that a job is disturbed after one that was, 0 to 1.
    pub stays: f64,
    /// How long disturbed jobs take, by stage. A stage that is not among them is not disturbed.
    pub latencies: BTreeMap<StageName, Latency>,
}

impl Disturbance {
    /// The share of jobs that are disturbed in the long run, 0 to 1.
    pub fn share(&self) -> f64 {
        match self.begins > 0.0 {
            true => self.begins / (self.begins + 1.0 - self.stays),
            false => 0.0,
        }
    }
}

impl DisturbanceTable {
    /// What the table means; `at` is `[disturbance]`.
    pub(super) fn parse(&self, at: Table<'_>) -> Result<Disturbance, Problem> {
        for (key, share) in [("begins", self.begins), ("stays", self.stays)] {
            if !(0.0..=1.0).contains(&share) {
                let fix = format!("{share} is no probability; give 0 (never) to 1 (always)");
                return Err(at.problem(key, fix));
            }
        }
        let mut latencies = BTreeMap::new();
        for (stage, model) in [
            (StageName::SpeechToText, &self.stt),
            (StageName::Answer, &self.answer),
            (StageName::TextToSpeech, &self.tts),
        ] {
            if let Some(model) = model {
                let latency = model.parse();
                let latency = latency.map_err(|fix| at.problem(table_of(stage), fix))?;
                latencies.insert(stage, latency);
            }
        }
        if latencies.is_empty() {
            let fix = "no engine takes longer; give the latency of one while it is disturbed, as in stt = { fixed_ms = 900 }";
            return Err(at.problem("stt", fix));
        }
        Ok(Disturbance {
            begins: self.begins,
            stays: self.stays,
            latencies,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Disturbance, Problem> {
        let table: DisturbanceTable = toml::from_str(text).expect("TOML");
        table.parse(Table::at(&["disturbance"]))
    }

    #[test]
    fn the_share_in_the_long_run_is_that_of_the_chain() {
        let of = |begins, stays| {
            let text = format!("begins = {begins}\nstays = {stays}\nstt = {{ fixed_ms = 900 }}");
            parsed(&text).expect("a disturbance").share()
        };
        assert!((of("0.09", "0.77") - 0.28125).abs() < 1e-9);
        assert_eq!((of("0.0", "1.0"), of("1.0", "1.0")), (0.0, 1.0));
    }

    #[test]
    fn what_cannot_be_is_refused_with_its_key() {
        for (text, key) in [
            ("begins = 1.2\nstt = { fixed_ms = 900 }", "begins"),
            ("stays = -0.1\nstt = { fixed_ms = 900 }", "stays"),
            ("begins = nan\nstt = { fixed_ms = 900 }", "begins"),
            ("begins = 0.1\ntts = { fixed_ms = -1 }", "tts"),
            ("begins = 0.1", "stt"),
        ] {
            let problem = parsed(text).expect_err(text);
            assert_eq!(
                problem.place.to_string(),
                format!("disturbance.{key}"),
                "{text}"
            );
        }
    }
}
