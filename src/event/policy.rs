//! The rules that decide about a sound over the agent, by name.

use serde::{Deserialize, Serialize};
use std::fmt;

/// What decides whether to stop for a sound that the caller makes while the agent speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InterruptionPolicy {
    /// The classifier that ships with voicesim.
    #[default]
    Classifier,
    /// Stops for half a second of voice.
    #[serde(rename = "vad_500ms")]
    Vad500Ms,
    /// Stops for two words.
    MinWords,
    /// Never stops.
    Never,
    /// Stops for every voice.
    Always,
}

impl InterruptionPolicy {
    /// Every policy.
    pub const ALL: [InterruptionPolicy; 5] = [
        InterruptionPolicy::Classifier,
        InterruptionPolicy::Vad500Ms,
        InterruptionPolicy::MinWords,
        InterruptionPolicy::Never,
        InterruptionPolicy::Always,
    ];

    /// The name in scenarios and reports.
    pub const fn name(self) -> &'static str {
        match self {
            InterruptionPolicy::Classifier => "classifier",
            InterruptionPolicy::Vad500Ms => "vad_500ms",
            InterruptionPolicy::MinWords => "min_words",
            InterruptionPolicy::Never => "never",
            InterruptionPolicy::Always => "always",
        }
    }

    /// The policy called `name`; `None` if there is none.
    pub fn named(name: &str) -> Option<InterruptionPolicy> {
        let mut all = InterruptionPolicy::ALL.into_iter();
        all.find(|policy| policy.name() == name)
    }
}

impl fmt::Display for InterruptionPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
