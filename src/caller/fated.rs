//! The interruption policy of a simulation. There is no sound to judge, so decisions are drawn from how the
//! policy decided on real overlaps: its probability of a stop, and its delay. The pipeline asks no policy about
//! a sound whose endpoint is committed, so a stop that would come later than that does not come.

use crate::event::Verdict;
use crate::interrupt::heard::Heard;
use crate::interrupt::policy::{Decision, Policy};
use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

/// When the policy stops the agent for the sound that the caller is making, counted from its onset;
/// `None` if it does not. The caller, who knows what it is, draws it.
pub(crate) type Fate = Rc<Cell<Option<Duration>>>;

pub(crate) struct FatedPolicy {
    pub policy: &'static str,
    pub fate: Fate,
}

impl Policy for FatedPolicy {
    fn name(&self) -> &'static str {
        self.policy
    }

    fn decide(&mut self, heard: &Heard<'_>) -> Decision {
        let stops = self.fate.get().is_some_and(|at| at <= heard.since_onset);
        Decision {
            verdict: match stops {
                true => Verdict::Stop,
                false => Verdict::KeepTalking,
            },
            probability: None,
            reasons: Vec::new(),
        }
    }

    fn next(&self, since_onset: Duration) -> Option<Duration> {
        self.fate.get().filter(|at| *at > since_onset)
    }

    fn reads_words(&self) -> bool {
        false
    }
}
