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

/// Who had the floor in a call of which it is known what the caller says in each turn, and that nobody leaks into the
/// other's channel: each utterance belongs to one turn. Returns the turns' indices beside their utterances.
pub(super) fn floor_of_turns(
    turns: &[Vec<Stretch>],
    agent: &[Stretch],
    length_ms: usize,
) -> (FloorHistory, Vec<usize>) {
    let voices: Vec<&Stretch> = turns.iter().flatten().collect();
    let speeches = speeches(agent, &voices, &[]);
    let (mut all, mut of) = (Vec::new(), Vec::new());
    for (index, said) in turns.iter().enumerate() {
        let own = utterances(&said.iter().collect::<Vec<_>>(), &speeches);
        of.extend(own.iter().map(|_| index));
        all.extend(own);
    }
    let history = FloorHistory {
        utterances: all,
        speeches,
        length_ms,
        ..FloorHistory::default()
    };
    (history, of)
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
#[path = "test_floor.rs"]
mod tests;
