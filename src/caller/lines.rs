//! The lines of a script: what a scenario's turns say, and when.

use super::between::Between;
use super::voice::Saying;
use crate::event::{DisclosureOn, Expect};
use crate::interrupt::curve::Sound;
use crate::pipeline::cue::{Anchor, Cue};
use crate::scenario::{After, Disclosure, Says, Scenario, Turn};

/// What a simulated caller says in this conversation, if the scenario has one with turns.
pub(crate) fn lines(
    scenario: &Scenario,
    between: &Between,
    conversation: u64,
) -> Option<Vec<(Cue, Saying)>> {
    let turns = scenario.turns().iter().enumerate();
    turns
        .map(|(index, turn)| {
            let Says::Speech(speech) = &turn.says else {
                return None;
            };
            let row = u32::try_from(index).unwrap_or(u32::MAX);
            let stretches = speech.sample(scenario.randomness(), conversation, row);
            let sound = match turn.expect {
                Expect::Respond | Expect::Stop => Sound::Interruption,
                Expect::Ignore => Sound::Backchannel,
            };
            let words = turn.reference.as_deref().unwrap_or_default().into();
            let saying = between.say(
                stretches,
                words,
                sound,
                (conversation, row, 0),
                row.saturating_add(1),
            );
            Some((cue(scenario, turn), saying))
        })
        .collect()
}

/// When a turn is said. An agent that speaks first is heard to its end.
pub(crate) fn cue(scenario: &Scenario, turn: &Turn) -> Cue {
    let greets = |disclosure: &Disclosure| disclosure.on == DisclosureOn::Greeting;
    Cue {
        after: match turn.after {
            After::SessionStart if scenario.disclosure().is_some_and(greets) => {
                Anchor::PreviousTurnEnd
            }
            After::SessionStart => Anchor::SessionStart,
            After::AgentSpeechStart => Anchor::AgentSpeechStart,
            After::AgentSpeechEnd => Anchor::AgentSpeechEnd,
            After::PreviousTurnEnd => Anchor::PreviousTurnEnd,
        },
        delay: turn.delay,
        give_up: turn.give_up,
        wants_answer: turn.expect == Expect::Respond,
    }
}
