//! An agent that somebody else runs, which `voicesim probe` calls.

use super::problem::{Problem, Table};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The longest wait before an agent is called again: ten minutes.
const BACK_OFF_MS_MAX: u64 = 600_000;
/// Nobody calls again more often.
const RETRIES_MAX: u32 = 10;

/// `[agent]`: an agent that somebody else runs, which `voicesim probe` calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AgentTable {
    /// Whether it speaks first: the first turn waits for the end of its greeting unless it says otherwise.
    pub greets: bool,
    /// How often in a call it is called again when it does not take the call, or the connection breaks off, up to 10.
    pub retries: u32,
    /// Milliseconds before the first further try, up to 600,000, doubled before each other one.
    pub back_off_ms: u64,
}

impl Default for AgentTable {
    fn default() -> AgentTable {
        AgentTable {
            greets: false,
            retries: 0,
            back_off_ms: 1_000,
        }
    }
}

impl AgentTable {
    /// Refuses what nobody does; `at` is `[agent]`.
    pub(super) fn check(&self, at: Table<'_>) -> Result<(), Problem> {
        if self.retries > RETRIES_MAX {
            let fix = format!("{}; give up to {RETRIES_MAX}", self.retries);
            return Err(at.problem("retries", fix));
        }
        if self.back_off_ms > BACK_OFF_MS_MAX {
            let fix = format!("{} ms; give up to {BACK_OFF_MS_MAX} ms", self.back_off_ms);
            return Err(at.problem("back_off_ms", fix));
        }
        Ok(())
    }

    /// The wait before a further try, which is counted from one.
    pub fn wait(&self, retry: u32) -> Duration {
        let doubled = 1u32 << retry.saturating_sub(1).min(RETRIES_MAX);
        let longest = Duration::from_millis(BACK_OFF_MS_MAX);
        (Duration::from_millis(self.back_off_ms) * doubled).min(longest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_wait_is_twice_the_one_before() {
        let agent = AgentTable {
            back_off_ms: 100,
            ..AgentTable::default()
        };
        let waits = [1, 2, 3].map(|retry| agent.wait(retry).as_millis());
        assert_eq!(waits, [100, 200, 400]);
    }

    #[test]
    fn what_nobody_does_is_refused_with_its_key() {
        let wrong = |agent: AgentTable| {
            let checked = agent.check(Table::at(&["agent"]));
            checked.map_err(|problem| problem.place.to_string()).err()
        };
        let default = AgentTable::default;
        assert_eq!(wrong(default()), None);
        let often = AgentTable {
            retries: 11,
            ..default()
        };
        assert_eq!(wrong(often), Some("agent.retries".into()));
        let long = AgentTable {
            back_off_ms: 600_001,
            ..default()
        };
        assert_eq!(wrong(long), Some("agent.back_off_ms".into()));
    }
}
