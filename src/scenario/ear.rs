//! How the assistant hears that somebody speaks.

use super::latency::{Latency, LatencyModel};
use super::problem::{Problem, Table};
use crate::event::Hears;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `[ear]` as it is written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EarTable {
    /// Probability of voice above which 16 ms count as voiced, in 0..1.
    pub vad_threshold: f32,
    /// Whose voice counts: `caller`, `callers` (several at one microphone) or `anybody`.
    #[schemars(extend("enum" = Hears::ALL.map(Hears::name)))]
    pub hears: String,
    /// `speech`: how late a simulated voice ends for the ear. The default is what the real ear takes on the recordings
    /// that come with voicesim; noise makes it as much as 100 ms.
    pub lag: LatencyModel,
    /// `speech`: after how long without a voice the ear notices a pause. The real ear takes 48 to 80 ms, mostly as a
    /// recording has it; what is prepared while the caller pauses begins then at the earliest.
    #[serde(skip_serializing_if = "is_usual_notice")]
    pub notice: LatencyModel,
}

/// The time without a voice after which a simulated ear notices a pause unless it is given, in milliseconds.
const NOTICE_MS: f64 = 64.0;

/// What is as it is unless given is not written, so that scenarios of older folders are read back as they were.
fn is_usual_notice(notice: &LatencyModel) -> bool {
    *notice == LatencyModel::FixedMs(NOTICE_MS)
}

/// How voice is detected.
#[derive(Debug, Clone, PartialEq)]
pub struct Ear {
    /// Probability of voice above which 16 ms count as voiced, above 0 and below 1.
    pub vad_threshold: f32,
    /// Whose voice counts.
    pub hears: Hears,
    /// How late a simulated voice ends for the ear.
    pub lag: Latency,
    /// After how long without a voice the ear of a simulation notices a pause.
    pub notice: Latency,
}

impl Default for EarTable {
    fn default() -> EarTable {
        EarTable {
            vad_threshold: 0.5,
            hears: Hears::default().name().into(),
            lag: LatencyModel::FixedMs(5.0),
            notice: LatencyModel::FixedMs(NOTICE_MS),
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
        let hears = Hears::named(&self.hears).ok_or_else(|| {
            let fix = format!(
                "nobody is called {:?}; choose one of {}",
                self.hears,
                Hears::ALL.map(Hears::name).join(", ")
            );
            at.problem("hears", fix)
        })?;
        Ok(Ear {
            vad_threshold: threshold,
            hears,
            lag: self.lag.parse().map_err(|fix| at.problem("lag", fix))?,
            notice: (self.notice.parse()).map_err(|fix| at.problem("notice", fix))?,
        })
    }
}
