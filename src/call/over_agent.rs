//! The sounds that a caller makes over the agent, as an interruption policy gets to hear them.

use super::Words;
use super::floor::FloorHistory;
use super::kinds::{context, ms, with_words, words_of};
use crate::interrupt::heard::{Context, Listening, Word};
use crate::interrupt::lexicon::{asks_for_silence, have_content};
use crate::interrupt::rows::Replay;
use crate::interrupt::transcript;
use std::time::Duration;

/// One sound over the agent.
#[derive(Debug, Clone, PartialEq)]
pub struct OverAgent {
    /// Where it begins in the recording.
    pub onset: Duration,
    /// What the recogniser made of it; `None` if nobody listened, or did not understand.
    pub said: Option<String>,
    /// Stretches of voice, from the onset on.
    runs: Vec<(Duration, Duration)>,
    words: Vec<Word>,
    context: Context,
}

/// Without words, a caller with so much voice within `LOOKED_AT` of the onset has taken the floor.
const TAKES_THE_FLOOR: Duration = Duration::from_millis(1_500);
/// Without words, one with no more voice than this has not.
const IS_SHORT: Duration = Duration::from_millis(700);
const LOOKED_AT: Duration = Duration::from_secs(4);

/// The sounds of a call over the agent, in order. Noise that is no voice is left out: no policy is asked about it.
pub fn sounds(floor: &FloorHistory, words: Option<&Words>) -> Vec<OverAgent> {
    let words = words.filter(|words| words.are_understood());
    let corrected = words.map(|words| with_words(floor, words));
    let floor = corrected.as_ref().unwrap_or(floor);
    let sound = |(index, utterance): (usize, &super::floor::CallerUtterance)| {
        let speech = utterance.over?;
        let sure: Vec<_> = utterance
            .stretches
            .iter()
            .flat_map(|s| s.sure.clone())
            .collect();
        let (onset, end) = (sure.first()?.start, sure.last()?.end);
        let said = words.map(|words| words.caller[index].clone());
        let of_agent = words.map(|words| words.agent[speech].as_str());
        Some(OverAgent {
            onset: ms(onset),
            words: said
                .as_deref()
                .map_or(Vec::new(), |said| words_of(said, end - onset)),
            said,
            runs: sure
                .iter()
                .map(|run| (ms(run.start - onset), ms(run.end - onset)))
                .collect(),
            context: context(floor, onset, &floor.speeches[speech], of_agent),
        })
    };
    floor
        .utterances
        .iter()
        .enumerate()
        .filter_map(sound)
        .collect()
}

impl OverAgent {
    /// The sound as it is heard while it lasts.
    pub fn replay(&self) -> Replay<'_> {
        Replay::of_sound(self.runs.clone(), self.words.clone(), &self.context)
    }

    pub fn listening(&self) -> Listening {
        match self.said {
            Some(_) => Listening::WithWords,
            None => Listening::ActivityOnly,
        }
    }

    /// How much of the first seconds was voiced.
    pub fn voiced(&self) -> Duration {
        let within = self.runs.iter();
        let within = within.map(|(on, off)| (*off).min(LOOKED_AT).saturating_sub(*on));
        within.sum()
    }

    /// Whether it turned out to be an interruption, by all that was said, or else by how long the caller went on; `None`
    /// if neither tells.
    pub fn turned_out(&self) -> Option<bool> {
        let words = self
            .said
            .as_deref()
            .map(|said| transcript::words(said, None));
        match words {
            Some(words) if !words.is_empty() => {
                let words = words.iter().copied();
                Some(asks_for_silence(words.clone()) || have_content(words))
            }
            // Somebody listened to all of a short sound and heard no word.
            _ if self.voiced() <= IS_SHORT => Some(false),
            None if self.voiced() >= TAKES_THE_FLOOR => Some(true),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::floor;
    use super::super::segments::Stretch;
    use super::*;
    use crate::interrupt::heard::Evidence;

    /// A question, its answer, and something that is said 2 s into the answer for `length_ms`.
    fn over(length_ms: usize, said: Option<&str>) -> Vec<OverAgent> {
        let caller = [
            Stretch::voice(0, 1_000),
            Stretch::voice(3_700, 3_700 + length_ms),
        ];
        let floor = floor::floor(&caller, &[Stretch::voice(1_700, 9_000)], 20_000);
        let words = said.map(|said| Words {
            caller: vec!["Do you open on Sundays?".into(), said.into()],
            agent: vec!["We open at nine on weekdays and at ten on Sundays.".into()],
            sureness: [None; 2],
        });
        sounds(&floor, words.as_ref())
    }

    #[test]
    fn a_sound_over_the_agent_is_found_where_it_begins() {
        let all = over(600, Some("Wait, stop."));
        let [sound] = all.as_slice() else {
            panic!("one sound, not {all:?}");
        };
        assert_eq!(sound.onset, Duration::from_millis(3_700));
        let (replay, mut activity) = (sound.replay(), Vec::new());
        let heard = replay.heard(Duration::from_secs(1), sound.listening(), &mut activity);
        assert_eq!(heard.evidence(), Evidence::Words);
        assert!(heard.context.agent_elapsed_s > 1.9);
    }

    #[test]
    fn what_it_was_is_told_by_its_words_or_else_by_its_length() {
        let turned_out = |length_ms, said| over(length_ms, said)[0].turned_out();
        assert_eq!(turned_out(300, Some("Stop.")), Some(true));
        assert_eq!(turned_out(2_000, Some("Yeah, okay.")), Some(false));
        assert_eq!(turned_out(300, Some("")), Some(false));
        assert_eq!(turned_out(2_000, Some("(laughs)")), None);
        assert_eq!(turned_out(300, None), Some(false));
        assert_eq!(turned_out(1_000, None), None);
        assert_eq!(turned_out(2_000, None), Some(true));
    }
}
