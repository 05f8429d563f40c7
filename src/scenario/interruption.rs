//! What is done about a sound that the caller makes while the agent speaks.

use super::problem::{Problem, Table};
use super::thresholds::{OwnThresholds, ThresholdsTable};
use crate::event::InterruptionPolicy;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// `[interruption]` as it is written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct InterruptionTable {
    /// What decides whether to stop for a sound over the agent: `classifier`, `vad_500ms`,
    /// `min_words`, `never` or `always`.
    #[schemars(extend("enum" = InterruptionPolicy::ALL.map(InterruptionPolicy::name)))]
    pub policy: String,
    /// Milliseconds of silence after which a reply that was stopped goes on, unless somebody said something
    /// that is for the agent; at most 60,000, 0 for never.
    pub resume_after_ms: u64,
    /// Thresholds of the classifier for one's own callers: the file that `voicesim classifier calibrate` writes, looked up
    /// from the scenario's folder. When the scenario is read, what it holds takes the place of the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thresholds: Option<ThresholdsTable>,
}

/// What is done about a sound over the agent.
#[derive(Debug, Clone, PartialEq)]
pub struct Interruption {
    /// What decides whether to stop.
    pub policy: InterruptionPolicy,
    /// The silence after which a reply that was stopped for nothing goes on; never if `None`.
    pub resume_after: Option<Duration>,
    /// Thresholds of the classifier; those that ship if `None`.
    pub thresholds: Option<Box<OwnThresholds>>,
}

/// A caller who waits longer for the agent to go on has left.
const RESUME_AFTER_MS_MAX: u64 = 60_000;

impl Default for InterruptionTable {
    fn default() -> InterruptionTable {
        InterruptionTable {
            policy: InterruptionPolicy::default().name().into(),
            resume_after_ms: 2_000,
            thresholds: None,
        }
    }
}

impl InterruptionTable {
    /// What the table means; `at` is `[interruption]`.
    pub(super) fn parse(&self, at: Table<'_>) -> Result<Interruption, Problem> {
        let policy = InterruptionPolicy::named(&self.policy).ok_or_else(|| {
            let fix = format!(
                "there is no policy {:?}; choose one of {}",
                self.policy,
                InterruptionPolicy::ALL
                    .map(InterruptionPolicy::name)
                    .join(", ")
            );
            at.problem("policy", fix)
        })?;
        if self.resume_after_ms > RESUME_AFTER_MS_MAX {
            let fix = format!("up to {RESUME_AFTER_MS_MAX}; 0 for never");
            return Err(at.problem("resume_after_ms", fix));
        }
        let thresholds = match &self.thresholds {
            None => None,
            Some(_) if policy != InterruptionPolicy::Classifier => {
                let fix = format!(
                    "they are for policy = \"classifier\", and it is {:?}; leave them out, or change the policy",
                    self.policy
                );
                return Err(at.problem("thresholds", fix));
            }
            Some(ThresholdsTable::File(file)) => {
                let fix = format!("{} was not read; name it in a file", file.display());
                return Err(at.problem("thresholds", fix));
            }
            Some(ThresholdsTable::Given(own)) => {
                own.check().map_err(|fix| at.problem("thresholds", fix))?;
                Some(own.clone())
            }
        };
        let resume_after = Duration::from_millis(self.resume_after_ms);
        Ok(Interruption {
            policy,
            resume_after: Some(resume_after).filter(|after| !after.is_zero()),
            thresholds,
        })
    }
}
