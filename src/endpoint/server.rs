//! A policy that leaves it to a server to find the end of the caller's turn.

use super::{Action, Decision, EndpointPolicy, Observation};
use crate::event::Tick;
use std::time::Duration;

/// The silence after which the caller has finished though the server has not said so: it may not have heard them.
const PATIENCE: Duration = Duration::from_secs(3);
/// Until the caller pauses nothing is due. An utterance is cut before this.
const WHILE_SPEAKING: Duration = Duration::from_secs(3_600);

/// Commits when the judge, who waits for a server's word, answers; or else after a long silence.
#[derive(Debug, Default)]
pub struct ServerTurns {
    paused_since: Option<Tick>,
    is_asked: bool,
    has_ended: bool,
}

impl EndpointPolicy for ServerTurns {
    fn name(&self) -> &'static str {
        "server"
    }

    fn observe(&mut self, what: Observation<'_>) {
        match what {
            // The judge is asked anew, about what is said from here on.
            Observation::Started { .. } | Observation::Resumed { .. } => {
                *self = ServerTurns::default();
            }
            Observation::Paused { last_voiced } => self.paused_since = Some(last_voiced),
            Observation::Judged { probability, .. } => self.has_ended = probability >= 0.5,
            Observation::Words { .. } => {}
        }
    }

    fn decide(&mut self, now: Tick) -> Decision {
        let at = match self.paused_since {
            Some(since) => since + PATIENCE,
            None => now + WHILE_SPEAKING,
        };
        let is_asked = std::mem::replace(&mut self.is_asked, true);
        Decision::of(match (self.has_ended, is_asked) {
            (true, _) => Action::Commit { at: now },
            (false, false) => Action::Listen { at },
            (false, true) if self.paused_since.is_some() => Action::Commit { at },
            (false, true) => Action::Wait { until: None },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::Before;

    fn begun() -> ServerTurns {
        let mut policy = ServerTurns::default();
        let before = Before::default();
        let onset = Tick::from_ms(1_000);
        policy.observe(Observation::Started { onset, before });
        let decision = policy.decide(onset);
        assert!(matches!(decision.action, Action::Listen { .. }));
        policy
    }

    fn judged(policy: &mut ServerTurns, at: Tick) -> Action {
        let probability = 1.0;
        let until = Tick::from_ms(1_000);
        policy.observe(Observation::Judged { until, probability });
        policy.decide(at).action
    }

    #[test]
    fn the_servers_word_ends_a_turn_before_or_behind_a_pause() {
        let at = Tick::from_ms(1_900);
        assert_eq!(judged(&mut begun(), at), Action::Commit { at });
        let mut policy = begun();
        let last_voiced = Tick::from_ms(1_500);
        policy.observe(Observation::Paused { last_voiced });
        policy.decide(last_voiced);
        assert_eq!(judged(&mut policy, at), Action::Commit { at });
    }

    #[test]
    fn a_server_that_says_nothing_is_not_waited_for_for_ever() {
        let mut policy = begun();
        let last_voiced = Tick::from_ms(1_500);
        policy.observe(Observation::Paused { last_voiced });
        let at = Tick::from_ms(4_500);
        assert_eq!(policy.decide(last_voiced).action, Action::Commit { at });
        policy.observe(Observation::Resumed {
            at: Tick::from_ms(2_000),
        });
        let again = policy.decide(Tick::from_ms(2_000)).action;
        assert!(matches!(again, Action::Listen { .. }), "it is asked anew");
    }
}
