//! What simulated callers did for want of an answer, and how good the answers were: counts.

use crate::event::Mark;
use serde::{Deserialize, Serialize};

/// Counts over simulated conversations.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Callers {
    /// A caller heard nothing for too long, and started again.
    pub restarts: u64,
    /// A caller lost patience and hung up.
    pub hang_ups: u64,
    /// Something was said in place of an answer.
    pub fillers: u64,
    /// Answers that were voted for, and those of them that are right.
    pub votes: u64,
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
        self.restarts += other.restarts;
        self.hang_ups += other.hang_ups;
        self.fillers += other.fillers;
        self.votes += other.votes;
        self.right_votes += other.right_votes;
    }

    pub fn is_empty(&self) -> bool {
        *self == Callers::default()
    }
}
