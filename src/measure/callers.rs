//! What simulated callers did for want of an answer, and how good the answers were: counts.

use crate::event::Mark;
use serde::{Deserialize, Serialize};

/// Counts over simulated conversations.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Callers {
    /// How often a caller heard nothing for too long, and asked again.
    pub restarts: u64,
    /// How often a caller lost patience and hung up.
    pub hang_ups: u64,
    /// How often something was said in place of an answer (a filler).
    pub fillers: u64,
    /// Answers chosen by a vote of which it is known whether they are right.
    pub votes: u64,
    /// Answers among `votes` that are right.
    pub right_votes: u64,
}

impl Callers {
    pub(super) fn add(&mut self, mark: &Mark) {
        match mark {
            Mark::CallerStartedAgain => self.restarts += 1,
            Mark::CallerGaveUp => self.hang_ups += 1,
            Mark::Filler { .. } => self.fillers += 1,
            Mark::Voted {
                is_right: Some(is_right),
                ..
            } => {
                self.votes += 1;
                self.right_votes += u64::from(*is_right);
            }
            _ => {}
        }
    }

    pub(super) fn merge(&mut self, other: &Callers) {
        self.restarts = self.restarts.saturating_add(other.restarts);
        self.hang_ups = self.hang_ups.saturating_add(other.hang_ups);
        self.fillers = self.fillers.saturating_add(other.fillers);
        self.votes = self.votes.saturating_add(other.votes);
        self.right_votes = self.right_votes.saturating_add(other.right_votes);
    }

    /// Whether every count is zero.
    pub fn is_empty(&self) -> bool {
        *self == Callers::default()
    }
}
