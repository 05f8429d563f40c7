//! What to do about a sound over the agent: rules, behind one small trait.

use crate::event::Verdict;
use std::time::Duration;

/// What is known of a sound over the agent at the moment of a decision. Nothing from the future.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Overlap {
    /// Since the sound began.
    pub since_onset: Duration,
    /// How much of that was voiced, without the pauses.
    pub voiced: Duration,
    /// Voiced right now.
    pub is_voiced: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    pub verdict: Verdict,
    /// Of an interruption, if the policy computes one.
    pub probability: Option<f64>,
    /// What spoke for the verdict, strongest first.
    pub reasons: Vec<String>,
}

/// Decides again and again while the caller makes sound over the agent.
pub trait Policy {
    fn name(&self) -> &'static str;
    fn decide(&mut self, overlap: &Overlap) -> Decision;
}

/// Names that [`by_name`] knows.
pub const NAMES: [&str; 3] = ["vad_500ms", "never", "always"];

/// The policy of that name.
pub fn by_name(name: &str) -> Option<Box<dyn Policy>> {
    Some(match name {
        "vad_500ms" => Box::new(VadRule),
        "never" => Box::new(Never),
        "always" => Box::new(Always),
        _ => return None,
    })
}

/// Stop after half a second of voice: the minimum interruption duration that LiveKit Agents
/// defaults to. It stops for a long "mm-hmm" and lets a short "stop" pass.
struct VadRule;

const VOICED_MIN: Duration = Duration::from_millis(500);

impl Policy for VadRule {
    fn name(&self) -> &'static str {
        "vad_500ms"
    }

    fn decide(&mut self, overlap: &Overlap) -> Decision {
        let enough = overlap.voiced >= VOICED_MIN;
        Decision {
            verdict: if enough {
                Verdict::Stop
            } else {
                Verdict::KeepTalking
            },
            probability: None,
            reasons: vec![format!("voiced for {} ms", overlap.voiced.as_millis())],
        }
    }
}

/// Talk to the end, whatever the caller does.
struct Never;

impl Policy for Never {
    fn name(&self) -> &'static str {
        "never"
    }

    fn decide(&mut self, _: &Overlap) -> Decision {
        without_reasons(Verdict::KeepTalking)
    }
}

/// Stop for any sound.
struct Always;

impl Policy for Always {
    fn name(&self) -> &'static str {
        "always"
    }

    fn decide(&mut self, _: &Overlap) -> Decision {
        without_reasons(Verdict::Stop)
    }
}

fn without_reasons(verdict: Verdict) -> Decision {
    Decision {
        verdict,
        probability: None,
        reasons: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(policy: &str, voiced_ms: u64) -> Verdict {
        let overlap = Overlap {
            since_onset: Duration::from_millis(voiced_ms + 100),
            voiced: Duration::from_millis(voiced_ms),
            is_voiced: true,
        };
        by_name(policy).expect("a policy").decide(&overlap).verdict
    }

    #[test]
    fn the_vad_rule_counts_voice_not_time() {
        assert_eq!(verdict("vad_500ms", 499), Verdict::KeepTalking);
        assert_eq!(verdict("vad_500ms", 500), Verdict::Stop);
    }

    #[test]
    fn every_name_has_a_policy_of_that_name() {
        for name in NAMES {
            assert_eq!(by_name(name).expect("a policy").name(), name);
        }
        assert!(by_name("classifier_from_the_future").is_none());
    }

    #[test]
    fn never_and_always_are_what_they_say() {
        assert_eq!(verdict("never", 9_000), Verdict::KeepTalking);
        assert_eq!(verdict("always", 0), Verdict::Stop);
    }
}
