//! The lines of a script: what a scenario's turns say, and when.

use super::between::Between;
use super::voice::Saying;
use crate::event::Expect;
use crate::interrupt::curve::Sound;
use crate::pipeline::cue::{Anchor, Cue};
use crate::rng::Seed;
use crate::scenario::{After, Scenario, Turn};
use std::time::Duration;

/// What a simulated caller says in this conversation, if the scenario has one with turns.
pub fn lines(
    scenario: &Scenario,
    between: &Between,
    conversation: u64,
) -> Option<Vec<(Cue, Saying)>> {
    let turns = scenario.turn.iter().enumerate();
    turns
        .map(|(index, turn)| {
            let row = u32::try_from(index).unwrap_or(u32::MAX);
            let seed = Seed(scenario.seed);
            let stretches = turn.speech.as_ref()?.sample(seed, conversation, row);
            let sound = match turn.expect {
                Expect::Respond | Expect::Stop => Sound::Interruption,
                Expect::Ignore => Sound::Backchannel,
            };
            let words = turn.text.as_deref().unwrap_or_default().into();
            let saying = between.say(stretches, words, sound, (conversation, row, 0));
            Some((cue(scenario, index, turn), saying))
        })
        .collect()
}

/// When a turn is said.
pub fn cue(scenario: &Scenario, index: usize, turn: &Turn) -> Cue {
    Cue {
        after: match scenario.anchor(index) {
            After::SessionStart => Anchor::SessionStart,
            After::AgentSpeechStart => Anchor::AgentSpeechStart,
            After::AgentSpeechEnd => Anchor::AgentSpeechEnd,
            After::PreviousTurnEnd => Anchor::PreviousTurnEnd,
        },
        delay: Duration::from_millis(turn.delay_ms),
        give_up: Duration::from_millis(turn.give_up_ms),
        wants_answer: turn.expect == Expect::Respond,
    }
}
