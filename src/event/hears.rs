//! Whose voice the assistant listens to.

use serde::{Deserialize, Serialize};

/// Whose voice counts, of all that a microphone hears.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hears {
    /// One caller: voices and music that are much softer than the caller was so far are background.
    #[default]
    Caller,
    /// Several callers at one microphone, some of them softer than others: only what is softer still is background.
    Callers,
    /// Whoever speaks.
    Anybody,
}

impl Hears {
    /// Every choice.
    pub const ALL: [Hears; 3] = [Hears::Caller, Hears::Callers, Hears::Anybody];

    /// The name in scenarios.
    pub fn name(self) -> &'static str {
        match self {
            Hears::Caller => "caller",
            Hears::Callers => "callers",
            Hears::Anybody => "anybody",
        }
    }

    /// The choice of that name.
    pub fn named(name: &str) -> Option<Hears> {
        Hears::ALL.into_iter().find(|hears| hears.name() == name)
    }
}
