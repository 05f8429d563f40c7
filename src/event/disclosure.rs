//! The agent says that it is a machine: when, and what tells that it did.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// When the agent says that it is a machine, besides when a caller asks whether they talk to a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DisclosureOn {
    /// After the first clause of the first answer, which is no later for it.
    #[default]
    FirstTurn,
    /// Before anybody else speaks.
    Greeting,
    /// At no other time.
    WhenAsked,
}

/// What tells whether the agent said that it is a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DisclosureEvidence {
    /// The sound that the pipeline played: it knows what it meant to say.
    Played,
    /// A transcript of the agent's own sound.
    Transcript,
}
