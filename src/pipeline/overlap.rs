//! A sound over the agent, as the interruption policy gets to see it: pure arithmetic on ticks.

use crate::event::{Tick, TurnId};
use crate::interrupt::policy::Overlap;
use std::time::Duration;

/// The policy is asked this often.
const DECIDE_EVERY: Duration = Duration::from_millis(50);

/// Keeps count of a sound while it lasts.
pub(super) struct OverlapWatch {
    pub(super) turn: TurnId,
    onset: Tick,
    /// Voice before the latest pause.
    voiced_before: Duration,
    voiced_since: Option<Tick>,
    next_decision: Tick,
}

impl OverlapWatch {
    pub(super) fn new(turn: TurnId, onset: Tick) -> OverlapWatch {
        OverlapWatch {
            turn,
            onset,
            voiced_before: Duration::ZERO,
            voiced_since: Some(onset),
            next_decision: onset + DECIDE_EVERY,
        }
    }

    pub(super) fn next_decision(&self) -> Tick {
        self.next_decision
    }

    pub(super) fn paused(&mut self, last_voiced: Tick) {
        if let Some(since) = self.voiced_since.take() {
            self.voiced_before += last_voiced.since(since);
        }
    }

    pub(super) fn resumed(&mut self, at: Tick) {
        self.voiced_since = Some(at);
    }

    /// What is known at `now`; the next decision is due after it.
    pub(super) fn look(&mut self, now: Tick) -> Overlap {
        while self.next_decision <= now {
            self.next_decision = self.next_decision + DECIDE_EVERY;
        }
        let voiced_now = self.voiced_since.map_or(Duration::ZERO, |at| now.since(at));
        Overlap {
            since_onset: now.since(self.onset),
            voiced: self.voiced_before + voiced_now,
            is_voiced: self.voiced_since.is_some(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_are_not_voice() {
        let ms = Duration::from_millis;
        let mut watch = OverlapWatch::new(TurnId(1), Tick::from_ms(1_000));
        watch.paused(Tick::from_ms(1_200));
        let overlap = watch.look(Tick::from_ms(1_300));
        assert_eq!((overlap.voiced, overlap.is_voiced), (ms(200), false));
        watch.resumed(Tick::from_ms(1_350));
        let overlap = watch.look(Tick::from_ms(1_400));
        assert_eq!((overlap.voiced, overlap.since_onset), (ms(250), ms(400)));
        assert_eq!(watch.next_decision(), Tick::from_ms(1_450));
    }
}
