//! The policies of a simulation. There is no sound to judge and there are no words, so decisions are drawn from
//! how the policies decided on real ones: an interruption policy from its stops at overlaps, an endpointing policy
//! from its silences at ends and at pauses. The pipeline asks no policy about a sound whose endpoint is
//! committed, so a stop that would come later than that does not come.

use crate::endpoint::{self, EndpointPolicy, Observation};
use crate::event::{Tick, Verdict};
use crate::interrupt::heard::Heard;
use crate::interrupt::policy::{Decision, Policy};
use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

/// What the policies do about what the caller does now. The caller, who knows what it is, draws it.
#[derive(Clone, Default)]
pub(crate) struct Fate {
    /// When the interruption policy stops the agent for the sound that the caller is making, counted from its
    /// onset; `None` if it does not.
    pub(super) stops: Rc<Cell<Option<Duration>>>,
    /// After which silence the endpointing policy takes the caller to have finished.
    pub(super) commits: Rc<Cell<Duration>>,
}

pub(crate) struct FatedPolicy {
    pub policy: &'static str,
    pub fate: Fate,
}

impl Policy for FatedPolicy {
    fn name(&self) -> &'static str {
        self.policy
    }

    fn decide(&mut self, heard: &Heard<'_>) -> Decision {
        let stops = self
            .fate
            .stops
            .get()
            .is_some_and(|at| at <= heard.since_onset);
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
        self.fate.stops.get().filter(|at| *at > since_onset)
    }

    fn reads_words(&self) -> bool {
        false
    }
}

/// An endpointing policy that reads words, where there are none.
pub(crate) struct FatedEndpoint {
    policy: &'static str,
    fate: Fate,
    last_voiced: Option<Tick>,
}

impl FatedEndpoint {
    pub(crate) fn new(policy: &'static str, fate: Fate) -> FatedEndpoint {
        FatedEndpoint {
            policy,
            fate,
            last_voiced: None,
        }
    }
}

impl EndpointPolicy for FatedEndpoint {
    fn name(&self) -> &'static str {
        self.policy
    }

    fn observe(&mut self, what: Observation<'_>) {
        match what {
            Observation::Paused { last_voiced } => self.last_voiced = Some(last_voiced),
            Observation::Started { .. } | Observation::Resumed { .. } => self.last_voiced = None,
            Observation::Words { .. } | Observation::Judged { .. } => {}
        }
    }

    fn decide(&mut self, _: Tick) -> endpoint::Decision {
        match self.last_voiced {
            Some(at) => endpoint::Decision::commit(at + self.fate.commits.get()),
            None => endpoint::Decision::wait(),
        }
    }

    fn reads_words(&self) -> bool {
        true
    }
}
