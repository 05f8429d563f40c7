//! Sounds over the agent: the latest one, which is watched, and earlier ones whose words are still to come.

use super::overlap::OverlapWatch;
use crate::event::TurnId;
use std::collections::VecDeque;

/// What the caller has said over the agent, as far as it is not settled.
#[derive(Default)]
pub(super) struct OverAgent {
    /// The sound that is watched, until the agent or the caller is through.
    pub(super) latest: Option<OverlapWatch>,
    /// Sounds before it that the recogniser still works on, the oldest first.
    earlier: VecDeque<OverlapWatch>,
    /// The latest turn that began while the agent spoke.
    began: Option<TurnId>,
}

impl OverAgent {
    /// Watches another sound from now on. Of two sounds the later one is watched; the earlier one is kept until it is
    /// understood, and of those `at_most`: then the oldest is given up.
    pub(super) fn watch(&mut self, watch: OverlapWatch, at_most: usize) {
        self.began = Some(watch.turn);
        if let Some(before) = self.latest.replace(watch) {
            self.earlier.push_back(before);
            while self.earlier.len() > at_most {
                self.earlier.pop_front();
            }
        }
    }

    /// The sound of this turn, if its decision is still open.
    pub(super) fn of(&mut self, turn: TurnId) -> Option<&mut OverlapWatch> {
        let latest = self.latest.iter_mut();
        let mut all = latest.chain(&mut self.earlier);
        all.find(|watch| watch.turn == turn)
    }

    /// The latest sound is settled, if it is of this turn; returns whether it is.
    pub(super) fn end(&mut self, turn: TurnId) -> bool {
        self.latest.take_if(|watch| watch.turn == turn).is_some()
    }

    /// The recogniser has nothing more to say about an earlier sound.
    pub(super) fn explained(&mut self, turn: TurnId) {
        self.earlier.retain(|watch| watch.turn != turn);
    }

    /// Whether the turn is the latest that began while the agent spoke.
    pub(super) fn is_of(&self, turn: TurnId) -> bool {
        self.began == Some(turn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Tick;
    use crate::interrupt::heard::Context;

    fn watch(turn: u32) -> OverlapWatch {
        OverlapWatch::new(TurnId(turn), Tick::ZERO, Context::default())
    }

    #[test]
    fn an_earlier_sound_is_open_until_it_is_understood_or_too_many_came_after_it() {
        let mut sounds = OverAgent::default();
        (1..=4).for_each(|turn| sounds.watch(watch(turn), 2));
        let open = |sounds: &mut OverAgent, turn| sounds.of(TurnId(turn)).is_some();
        assert_eq!(
            [1, 2, 3, 4].map(|turn| open(&mut sounds, turn)),
            [false, true, true, true]
        );
        sounds.explained(TurnId(2));
        assert!(!open(&mut sounds, 2) && open(&mut sounds, 3));
        assert!(!sounds.end(TurnId(3)) && sounds.end(TurnId(4)));
        assert!(sounds.latest.is_none() && sounds.is_of(TurnId(4)));
    }
}
