//! Who had the floor: from stretches of sound on both channels to utterances and speeches. Pure.
//!
//! An **utterance** is what the caller says in one go, with its pauses; a **speech** is what the agent
//! says in one go. Which speech answers which utterance, and which one was stopped for which, is decided
//! here; what an utterance over the agent asks for is judged in `kinds`.

use super::segments::Stretch;
use crate::event::{self, Expect};
use std::ops::Range;

/// A caller who pauses this long, in milliseconds, without an answer has been left without one: 2.5 s, the
/// 95th percentile of pauses inside the turns of callers to call centres.
pub(super) const PATIENCE: usize = 2_500;
/// The patience of a caller who began where the agent ended, in milliseconds: it may have been an interruption.
/// 1.4 s is the 95th percentile in dialogue.
const PATIENCE_AT_END: usize = 1_400;
/// A pause this long ends an utterance that began over the agent, or that the agent talks on in.
const PAUSE_OVER_AGENT: usize = 500;
/// The agent goes on after a pause up to this long, whatever the caller does meanwhile: between two sentences.
const AGENT_PAUSE: usize = 600;
/// Nobody reacts faster than this: a caller who goes on so soon after the agent began has not been answered
/// but cut off.
const CALLER_REACTION: usize = 300;
/// An agent that falls silent this soon after the caller began had ended.
const AGENT_REACTION: usize = 200;
/// Speech that lasts this long, in milliseconds, is more than a sound, and a pause this long parts the two.
const SUSTAINED: usize = event::SUSTAINED.as_millis() as usize;
/// A sound that is no voice and shorter than this, in milliseconds, startles no agent; a pause this long ends it.
const NOISE_MIN: usize = 100;
const NOISE_GAP: usize = 60;
/// A sound is alone if there is no other one for so long, before it and behind it.
const ALONE: usize = 1_000;
/// An agent that falls silent longer than this after a sound did not stop for it.
const STOP_WINDOW: usize = 1_000;

/// What the caller says in one go, or a sound of the caller's. Positions are milliseconds.
#[derive(Debug, Clone, PartialEq)]
pub struct CallerUtterance {
    /// In order; at least one.
    pub stretches: Vec<Stretch>,
    /// The index of the speech that the utterance began over; `None` if the agent was silent.
    pub over: Option<usize>,
    /// The index of the speech at whose end the utterance began, over the last word or just after it.
    pub at_end: Option<usize>,
}

/// What the agent says in one go. Positions are milliseconds.
#[derive(Debug, Clone, PartialEq)]
pub struct AgentSpeech {
    /// In order; at least one.
    pub stretches: Vec<Stretch>,
}

impl CallerUtterance {
    pub fn range(&self) -> Range<usize> {
        range(&self.stretches)
    }

    /// Whether the utterance holds speech, not only a sound.
    pub fn is_voice(&self) -> bool {
        self.stretches.iter().any(Stretch::is_voice)
    }
}

impl AgentSpeech {
    pub fn range(&self) -> Range<usize> {
        range(&self.stretches)
    }

    /// The stretch that speech proper begins with: speech that lasts [`SUSTAINED`], short pauses included, or that
    /// nothing follows. What comes before, as a "hm", is a sound.
    pub(super) fn proper(&self) -> Option<&Stretch> {
        let mut begun = self.stretches.first()?;
        let mut end = begun.end;
        for stretch in &self.stretches {
            if stretch.start >= end + SUSTAINED {
                begun = stretch;
            }
            end = stretch.end;
            if end - begun.start >= SUSTAINED {
                break;
            }
        }
        Some(begun)
    }
}

fn range(stretches: &[Stretch]) -> Range<usize> {
    let (first, last) = (stretches.first(), stretches.last());
    first.map_or(0, |first| first.start)..last.map_or(0, |last| last.end)
}

/// Who spoke when.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FloorHistory {
    /// In order.
    pub utterances: Vec<CallerUtterance>,
    pub speeches: Vec<AgentSpeech>,
    /// Whatever sounds on the agent's channel, speech or not, in order.
    pub agent_sounds: Vec<Range<usize>>,
    /// How loud somebody is who speaks in the background of the caller and of the agent, in decibels of full scale.
    pub other_voices_db: [Option<f32>; 2],
    pub length_ms: usize,
}

/// What came of a speech.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SpeechEnd {
    Completed,
    /// The agent stopped for the utterance with this index.
    StoppedFor(usize),
    /// The recording ends in the speech.
    Open,
}

/// A sound is not cut by the end of the recording if it ends this long before.
const END_MARGIN: usize = 100;

/// Sorts the stretches of both channels into utterances and speeches.
pub fn floor(caller: &[Stretch], agent: &[Stretch], length_ms: usize) -> FloorHistory {
    let voices: Vec<&Stretch> = caller.iter().filter(|stretch| stretch.is_voice()).collect();
    let sounds: Vec<&Stretch> = caller
        .iter()
        .filter(|stretch| !stretch.is_voice())
        .collect();
    let speeches = speeches(agent, &voices, &sounds);
    let mut utterances = utterances(&voices, &speeches);
    // A cough or a noise matters only where the agent may have reacted to it.
    let mut kept: Vec<CallerUtterance> = sounds
        .into_iter()
        .map(|sound| utterance(vec![sound.clone()], &speeches))
        .filter(|sound| sound.over.is_some() || is_all_there_is(sound, &utterances, &speeches))
        .collect();
    utterances.append(&mut kept);
    utterances.sort_by_key(|utterance| utterance.range().start);
    FloorHistory {
        utterances,
        speeches,
        agent_sounds: Vec::new(),
        other_voices_db: [None; 2],
        length_ms,
    }
}

fn speeches(agent: &[Stretch], caller: &[&Stretch], sounds: &[&Stretch]) -> Vec<AgentSpeech> {
    let mut speeches: Vec<AgentSpeech> = Vec::new();
    for stretch in agent.iter().filter(|stretch| stretch.is_voice()) {
        let goes_on = speeches.last().is_some_and(|speech| {
            let pause = speech.range().end..stretch.start;
            let said = caller.partition_point(|voice| voice.end <= pause.start);
            let is_quiet = caller
                .get(said)
                .is_none_or(|voice| voice.start >= pause.end);
            let is_stopped = speech
                .stretches
                .last()
                .is_some_and(|last| sounds.iter().any(|sound| breaks_off(last, sound.start)));
            pause.len() < AGENT_PAUSE || (is_quiet && !is_stopped && pause.len() < PATIENCE)
        });
        match speeches.last_mut().filter(|_| goes_on) {
            Some(speech) => speech.stretches.push(stretch.clone()),
            None => speeches.push(AgentSpeech {
                stretches: vec![stretch.clone()],
            }),
        }
    }
    speeches
}

/// Whether the agent breaks off, as if for a sound that begins at `start`.
fn breaks_off(last: &Stretch, start: usize) -> bool {
    last.is_cut && (start + AGENT_REACTION..start + STOP_WINDOW).contains(&last.end)
}

/// The sounds of a caller that are no voice, and for which an agent seems to have broken off all the same; as stretches
/// that nobody speaks in. `sounds` are islands, in order. A television, babble and typing go on all the time, so that
/// something of it always comes before an agent's pause; only a sound that is alone says anything.
pub(super) fn startling(
    sounds: &[Range<usize>],
    caller: &[Stretch],
    agent: &[Stretch],
) -> Vec<Stretch> {
    let mut noises: Vec<Range<usize>> = Vec::new();
    for sound in sounds {
        match noises.last_mut() {
            Some(last) if sound.start <= last.end + NOISE_GAP => last.end = sound.end,
            _ => noises.push(sound.clone()),
        }
    }
    let is_apart = |noise: &Range<usize>| {
        let near = |stretch: &Stretch| {
            stretch.start < noise.end + AGENT_PAUSE && noise.start < stretch.end + AGENT_PAUSE
        };
        noise.len() >= NOISE_MIN && !caller.iter().any(near)
    };
    let startles = |noise: &Range<usize>| {
        let pairs = agent.iter().zip(agent.iter().skip(1));
        pairs
            .filter(|(last, next)| next.start >= last.end + AGENT_PAUSE)
            .any(|(last, _)| breaks_off(last, noise.start))
    };
    let is_alone = |index: usize| {
        let own = &noises[index];
        let before = index.checked_sub(1).map(|before| &noises[before]);
        before.is_none_or(|before| before.end + ALONE <= own.start)
            && noises
                .get(index + 1)
                .is_none_or(|next| own.end + ALONE <= next.start)
    };
    let alone = (0..noises.len()).filter(|index| is_alone(*index));
    let startling = alone
        .map(|index| noises[index].clone())
        .filter(|noise| is_apart(noise) && startles(noise));
    startling.map(Stretch::noise).collect()
}

fn utterances(voices: &[&Stretch], speeches: &[AgentSpeech]) -> Vec<CallerUtterance> {
    let mut groups: Vec<Vec<Stretch>> = Vec::new();
    for voice in voices {
        let goes_on = groups.last().is_some_and(|group| {
            let group = range(group);
            let pause = group.end..voice.start;
            let next = speeches.partition_point(|speech| speech.range().end <= pause.start);
            let longest = match (over(group.start, speeches), at_end(group.start, speeches)) {
                (Some(_), _) => PAUSE_OVER_AGENT,
                (None, Some(_)) => PATIENCE_AT_END,
                (None, None) => PATIENCE,
            };
            match speeches.get(next).map(AgentSpeech::range) {
                Some(speech) if speech.start >= pause.end => pause.len() < longest,
                // The caller began in the pause.
                Some(speech) if speech.start >= pause.start => {
                    pause.len() < PATIENCE && pause.end - speech.start < CALLER_REACTION
                }
                Some(_) => pause.len() < PAUSE_OVER_AGENT,
                None => pause.len() < longest,
            }
        });
        match groups.last_mut().filter(|_| goes_on) {
            Some(group) => group.push((*voice).clone()),
            None => groups.push(vec![(*voice).clone()]),
        }
    }
    let of = |stretches| utterance(stretches, speeches);
    groups.into_iter().map(of).collect()
}

fn utterance(stretches: Vec<Stretch>, speeches: &[AgentSpeech]) -> CallerUtterance {
    let start = range(&stretches).start;
    CallerUtterance {
        stretches,
        over: over(start, speeches),
        at_end: at_end(start, speeches),
    }
}

fn latest(start: usize, speeches: &[AgentSpeech]) -> Option<(usize, usize)> {
    let begun = speeches.partition_point(|speech| speech.range().start < start);
    let latest = begun.checked_sub(1)?;
    Some((latest, speeches[latest].range().end))
}

/// The speech that goes on when something begins at `start`.
fn over(start: usize, speeches: &[AgentSpeech]) -> Option<usize> {
    let goes_on = |(_, end): &(usize, usize)| *end >= start + AGENT_REACTION;
    latest(start, speeches)
        .filter(goes_on)
        .map(|(speech, _)| speech)
}

/// The speech that ends about then: nobody can hear whether it would have gone on.
fn at_end(start: usize, speeches: &[AgentSpeech]) -> Option<usize> {
    let ends = |(_, end): &(usize, usize)| {
        (start.saturating_sub(AGENT_PAUSE)..start + AGENT_REACTION).contains(end)
    };
    latest(start, speeches)
        .filter(ends)
        .map(|(speech, _)| speech)
}

/// Whether a speech follows this sound with nothing else that it could answer.
fn is_all_there_is(
    sound: &CallerUtterance,
    utterances: &[CallerUtterance],
    speeches: &[AgentSpeech],
) -> bool {
    let end = sound.range().end;
    let next = speeches.iter().find(|speech| speech.range().start >= end);
    let Some(answer) = next.map(|speech| speech.range().start) else {
        return false;
    };
    let before = speeches
        .iter()
        .rev()
        .find(|speech| speech.range().start < end);
    let before = before.map_or(0, |speech| speech.range().end);
    answer - end < PATIENCE
        && before > 0
        && answer > before + PATIENCE
        && !utterances
            .iter()
            .any(|voice| (before.saturating_sub(PATIENCE)..answer).contains(&voice.range().start))
}

impl FloorHistory {
    /// What came of each speech, with what each utterance asks for.
    pub(super) fn ends(&self, asks: &[Expect]) -> Vec<SpeechEnd> {
        let ends = self.speeches.iter().enumerate();
        ends.map(|(index, speech)| self.end(index, speech, asks))
            .collect()
    }

    fn end(&self, index: usize, speech: &AgentSpeech, asks: &[Expect]) -> SpeechEnd {
        let end = speech.range().end;
        if end + END_MARGIN > self.length_ms {
            return SpeechEnd::Open;
        }
        let is_cut = speech.stretches.last().is_some_and(|last| last.is_cut);
        let over = self.utterances.iter().zip(asks).enumerate().rev();
        let stopping = over
            .filter(|(_, (utterance, _))| utterance.over == Some(index))
            .find(|(_, (utterance, asks))| {
                // An agent may have finished just then; only who was to stop is believed to have stopped.
                let would = is_cut || **asks == Expect::Stop;
                would && end <= utterance.range().end + STOP_WINDOW
            });
        stopping.map_or(SpeechEnd::Completed, |(utterance, _)| {
            SpeechEnd::StoppedFor(utterance)
        })
    }

    /// For each speech, the utterance that it answers. A greeting answers none, nor does an agent who speaks
    /// again without having been asked.
    pub(super) fn answers(&self, asks: &[Expect]) -> Vec<Option<usize>> {
        let mut earliest = 0;
        let mut answers = Vec::new();
        for (index, speech) in self.speeches.iter().enumerate() {
            let start = speech.range().start;
            let begun = self.utterances.partition_point(|u| u.range().start < start);
            let asked = (earliest..begun).rev().find(|at| {
                let utterance = &self.utterances[*at];
                let is_for_another = utterance.over.is_some() && asks[*at] == Expect::Ignore;
                !is_for_another && utterance.over != Some(index)
            });
            if asked.is_some() {
                earliest = begun;
            }
            answers.push(asked);
        }
        answers
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::slice;

    fn of(caller: &[(usize, usize)], agent: &[(usize, usize)]) -> FloorHistory {
        let all = |pairs: &[(usize, usize)]| -> Vec<Stretch> {
            pairs
                .iter()
                .map(|(start, end)| Stretch::voice(*start, *end))
                .collect()
        };
        floor(&all(caller), &all(agent), 60_000)
    }

    fn utterances(floor: &FloorHistory) -> Vec<(usize, usize)> {
        let ranges = floor.utterances.iter().map(CallerUtterance::range);
        ranges.map(|range| (range.start, range.end)).collect()
    }

    use Expect::{Ignore, Respond, Stop};

    #[test]
    fn a_question_is_answered_and_a_greeting_answers_none() {
        let floor = of(&[(3_000, 4_000)], &[(500, 2_000), (4_700, 8_000)]);
        assert_eq!(floor.answers(&[Respond]), [None, Some(0)]);
        assert_eq!(floor.utterances[0].over, None);
    }

    #[test]
    fn a_pause_does_not_end_an_utterance_and_a_long_one_does() {
        let floor = of(&[(0, 1_000), (2_900, 4_000)], &[(5_000, 6_000)]);
        assert_eq!(utterances(&floor), [(0, 4_000)]);
        let floor = of(&[(0, 1_000), (3_600, 4_000)], &[(5_000, 6_000)]);
        assert_eq!(utterances(&floor), [(0, 1_000), (3_600, 4_000)]);
        assert_eq!(floor.answers(&[Respond, Respond]), [Some(1)]);
    }

    #[test]
    fn an_agent_that_begins_in_a_pause_cuts_off_who_goes_on_at_once() {
        let floor = of(&[(0, 1_000), (1_900, 4_000)], &[(1_700, 6_000)]);
        assert_eq!(utterances(&floor), [(0, 4_000)]);
        // A caller who had heard some of the answer interrupts.
        let floor = of(&[(0, 1_000), (2_400, 4_000)], &[(1_700, 6_000)]);
        assert_eq!(utterances(&floor), [(0, 1_000), (2_400, 4_000)]);
        assert_eq!(floor.utterances[1].over, Some(0));
    }

    #[test]
    fn a_back_channel_is_not_answered_and_the_agent_goes_on_in_its_pauses() {
        let floor = of(
            &[(0, 1_000), (3_000, 3_300)],
            &[(1_700, 2_950), (3_400, 6_000)],
        );
        assert_eq!(floor.speeches.len(), 1);
        assert_eq!(floor.answers(&[Respond, Ignore]), [Some(0)]);
        assert_eq!(floor.ends(&[Respond, Ignore]), [SpeechEnd::Completed]);
    }

    #[test]
    fn an_interruption_stops_the_agent_and_is_answered() {
        let floor = of(
            &[(0, 1_000), (3_000, 4_500)],
            &[(1_700, 3_600), (5_200, 6_000)],
        );
        let asks = [Respond, Stop];
        assert_eq!(floor.utterances[1].over, Some(0));
        let ends = [SpeechEnd::StoppedFor(1), SpeechEnd::Completed];
        assert_eq!(floor.ends(&asks), ends);
        assert_eq!(floor.answers(&asks), [Some(0), Some(1)]);
    }

    #[test]
    fn who_begins_over_the_last_word_interrupts_nobody() {
        let floor = of(&[(0, 1_000), (3_500, 4_500)], &[(1_700, 3_600)]);
        assert_eq!(floor.utterances[1].over, None);
        assert_eq!(floor.ends(&[Respond, Respond]), [SpeechEnd::Completed]);
    }

    #[test]
    fn after_an_interruption_a_question_is_another_utterance() {
        let agent = [(1_700, 3_060)];
        let floor = of(&[(0, 1_000), (3_000, 3_800), (5_800, 7_000)], &agent);
        assert_eq!(utterances(&floor).len(), 3);
        assert_eq!(
            (floor.utterances[1].over, floor.utterances[1].at_end),
            (None, Some(0))
        );
        let floor = of(&[(0, 1_000), (3_000, 3_800), (5_000, 7_000)], &agent);
        assert_eq!(utterances(&floor).len(), 2, "a caller who hesitates");
    }

    #[test]
    fn an_agent_that_ends_after_a_back_channel_stopped_for_it_only_if_it_was_cut() {
        let caller = [Stretch::voice(0, 1_000), Stretch::voice(3_000, 3_300)];
        let mut speech = Stretch::voice(1_700, 3_600);
        for is_cut in [false, true] {
            speech.is_cut = is_cut;
            let floor = floor(&caller, slice::from_ref(&speech), 60_000);
            let stopped = floor.ends(&[Respond, Ignore])[0] == SpeechEnd::StoppedFor(1);
            assert_eq!(stopped, is_cut);
        }
    }

    #[test]
    fn a_cough_alone_startles_and_one_sound_of_many_does_not() {
        let cut = Stretch {
            is_cut: true,
            ..Stretch::voice(1_700, 5_000)
        };
        let agent = [cut, Stretch::voice(6_500, 9_000)];
        let caller = [Stretch::voice(0, 1_000)];
        let startled_by = |sounds: &[Range<usize>]| startling(sounds, &caller, &agent).len();
        let (cough, click) = (4_500..4_800, 4_500..4_550);
        assert_eq!(startled_by(slice::from_ref(&cough)), 1);
        assert_eq!(startled_by(slice::from_ref(&click)), 0);
        let television = [3_000..3_300, 3_800..4_100, cough, 5_300..5_700];
        assert_eq!(startled_by(&television), 0);
    }

    #[test]
    fn an_agent_that_breaks_off_for_a_cough_and_goes_on_later_stopped_for_it() {
        let cough = Stretch {
            sure: Vec::new(),
            ..Stretch::voice(4_500, 4_800)
        };
        let question = Stretch::voice(0, 1_000);
        for (is_cut, stops) in [(true, 2), (false, 1)] {
            let first = Stretch {
                is_cut,
                ..Stretch::voice(1_700, 5_000)
            };
            let agent = [first, Stretch::voice(6_500, 9_000)];
            let floor = floor(&[question.clone(), cough.clone()], &agent, 60_000);
            assert_eq!(floor.speeches.len(), stops);
        }
    }

    #[test]
    fn a_cough_counts_where_the_agent_may_react_to_it() {
        let cough = |start| Stretch {
            sure: Vec::new(),
            ..Stretch::voice(start, start + 300)
        };
        let agent = [Stretch::voice(1_700, 4_000), Stretch::voice(9_000, 9_500)];
        let with = |sound| {
            floor(&[Stretch::voice(0, 1_000), sound], &agent, 60_000)
                .utterances
                .len()
        };
        assert_eq!(with(cough(2_500)), 2, "over the agent");
        assert_eq!(with(cough(8_000)), 2, "and then the agent spoke");
        assert_eq!(with(cough(1_200)), 1, "while a question waits");
    }
}
