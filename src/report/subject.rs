//! What every document about several simulations of one scenario begins with.

use serde::Serialize;

/// The scenario that was simulated several times, and how often each time.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Subject {
    pub name: String,
    pub version: &'static str,
    pub seed: u64,
    /// Worlds of each simulation.
    pub worlds: u32,
    /// What `worlds` counts: conversations, or loads.
    #[serde(skip)]
    pub kind: &'static str,
}

impl Subject {
    /// The first line of a report, with what was tried in `several` words: `agent · 3 settings of 500 conversations each
    /// · seed 1 · voicesim 0.1.0`.
    pub(super) fn line(&self, several: &str) -> String {
        format!(
            "{} · {several}{} {} each · seed {} · voicesim {}\n",
            self.name, self.worlds, self.kind, self.seed, self.version
        )
    }
}
