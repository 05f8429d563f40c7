//! That the agent is a machine, as a reply says it, and where.

use crate::stage::AudioChunk;

/// That the agent is a machine, as one reply says it.
#[derive(Clone)]
pub(super) struct Telling {
    pub(super) sound: AudioChunk,
    pub(super) place: TellingPlace,
}

/// Where in a reply it is said that the agent is a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TellingPlace {
    /// There is nothing else in the reply.
    Alone,
    First,
    /// After the first clause of an answer, which is no later for it.
    AfterFirstClause,
    Last,
}

impl Telling {
    /// What is to be said, if it is at one of these places.
    pub(super) fn at(&self, places: &[TellingPlace]) -> Option<&AudioChunk> {
        places.contains(&self.place).then_some(&self.sound)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::Imagined;
    use crate::clock::Clock;
    use crate::event::{SessionId, TurnId};
    use crate::pipeline::playback::Playback;
    use crate::pipeline::playback::tests::{chunk, stop_and_resume};
    use crate::record::tap::Tap;
    use std::rc::Rc;
    use std::time::Duration;

    #[test]
    fn a_disclosure_comes_behind_the_first_clause_and_is_said_again_if_it_is_cut_off() {
        let clock = Clock::virtual_time(1);
        clock.start();
        let tap = Tap::new(clock.clone(), SessionId(0), None);
        let telling = Telling {
            sound: chunk(vec![0.5; 1_600], "I am a machine."),
            place: TellingPlace::AfterFirstClause,
        };
        let playback = Playback::new(clock.clone(), tap.clone(), Rc::new(Imagined), TurnId(1));
        let playback = playback.telling(Some(telling));
        let clauses = ["It is open.", "Until six."];
        let after = Duration::from_millis(150);
        stop_and_resume(&clock, &playback, clauses, after, |sounded| {
            assert!(sounded.words.starts_with("It is open. I am"));
            assert_eq!(playback.was_told(sounded.at), Some(false));
        });
        assert_eq!(playback.was_told(clock.now()), Some(true));
        let heard = playback.heard(clock.now());
        assert!(
            heard.words.ends_with("I am a machine. Until six."),
            "{}",
            heard.words
        );
    }
}
