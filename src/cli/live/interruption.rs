//! What was made of sounds over the agent.

use super::open_turns::push;
use super::plain::plain;
use crate::event::{Event, Mark, Tick, TurnId, Verdict};
use std::collections::VecDeque;
use std::time::Duration;

/// Interruptions that are kept: more than are shown.
const KEPT_MAX: usize = 8;

/// Reasons that are shown of a decision.
const REASONS: usize = 3;

/// A sound over the agent, and the decision about it: the one to stop, or else the latest.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Interruption {
    pub turn: TurnId,
    pub onset: Tick,
    pub policy: String,
    pub verdict: Verdict,
    pub after: Duration,
    /// Probability of an interruption, in 0..=1; `None` if the policy computes none.
    pub probability: Option<f64>,
    /// Why the policy decided so, the strongest reason first.
    pub reasons: Vec<String>,
    /// Nothing more is decided about the sound.
    pub is_over: bool,
    /// The agent had stopped for nothing, and went on.
    pub has_resumed: bool,
}

impl Interruption {
    /// What became of the sound, in a word or two.
    pub(super) fn verdict(&self) -> &'static str {
        match self.verdict {
            Verdict::Stop if self.has_resumed => "stop, resumed",
            Verdict::Stop => "stop",
            Verdict::KeepTalking => "go on",
            Verdict::Unsure if self.is_over => "unsure to the end",
            Verdict::Unsure => "unsure",
        }
    }

    /// When the policy decided, and the probability of an interruption: "at 353 ms, p 0.84".
    pub(super) fn when(&self) -> String {
        let after = self.after.as_millis();
        match self.probability {
            Some(probability) => format!("at {after} ms, p {probability:.2}"),
            None => format!("at {after} ms"),
        }
    }
}

/// Takes the next event in; `interruptions` are the latest, oldest first.
pub(super) fn event(interruptions: &mut VecDeque<Interruption>, event: &Event) {
    match &event.mark {
        Mark::Decision(decision) => {
            let after = Duration::from_nanos(decision.since_onset_ns);
            let known = interruptions
                .back()
                .filter(|known| known.turn == event.turn);
            if known.is_some_and(|known| known.verdict == Verdict::Stop) {
                return;
            }
            if known.is_some() {
                interruptions.pop_back();
            }
            let decided = Interruption {
                turn: event.turn,
                onset: event.tick.before(after),
                policy: plain(&decision.policy),
                verdict: decision.verdict,
                after,
                probability: decision.probability,
                reasons: (decision.reasons.iter().take(REASONS))
                    .map(|reason| plain(reason))
                    .collect(),
                is_over: decision.verdict == Verdict::Stop,
                has_resumed: false,
            };
            push(interruptions, decided, KEPT_MAX);
        }
        Mark::OverlapEnded { .. } => {
            if let Some(last) = interruptions.back_mut() {
                last.is_over |= last.turn == event.turn;
            }
        }
        Mark::ReplyResumed { .. } => {
            let stopping = |known: &&mut Interruption| known.verdict == Verdict::Stop;
            if let Some(stop) = interruptions.iter_mut().rev().find(stopping) {
                stop.has_resumed = true;
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{InterruptionDecision, SessionId};

    fn decision(turn: u32, verdict: Verdict, ms: u64) -> Event {
        Event {
            tick: Tick::from_ms(1_000 + ms),
            session: SessionId(0),
            turn: TurnId(turn),
            mark: Mark::Decision(Box::new(InterruptionDecision {
                policy: "classifier".into(),
                verdict,
                since_onset_ns: ms * 1_000_000,
                probability: Some(0.5),
                reasons: vec!["voice".into(); 9],
            })),
        }
    }

    #[test]
    fn a_stop_is_kept_and_doubts_give_way_to_what_comes_later() {
        let mut all = VecDeque::new();
        event(&mut all, &decision(1, Verdict::Unsure, 50));
        event(&mut all, &decision(1, Verdict::Stop, 100));
        event(&mut all, &decision(1, Verdict::KeepTalking, 150));
        assert_eq!(all.len(), 1);
        assert_eq!(
            (all[0].verdict(), all[0].when()),
            ("stop", "at 100 ms, p 0.50".into())
        );
        assert_eq!(all[0].onset, Tick::from_ms(1_000));
        assert_eq!(all[0].reasons.len(), REASONS);
    }

    #[test]
    fn a_stop_for_nothing_says_so() {
        let mut all = VecDeque::new();
        event(&mut all, &decision(2, Verdict::Stop, 100));
        let mark = Mark::ReplyResumed { at: Tick(0) };
        event(
            &mut all,
            &Event {
                turn: TurnId(1),
                mark,
                ..decision(1, Verdict::Stop, 0)
            },
        );
        assert_eq!(all[0].verdict(), "stop, resumed");
    }

    #[test]
    fn memory_is_bounded() {
        let mut all = VecDeque::new();
        for turn in 0..100 {
            event(&mut all, &decision(turn, Verdict::KeepTalking, 50));
        }
        assert_eq!(all.len(), KEPT_MAX);
    }
}
