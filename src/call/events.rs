//! From who had the floor to what happened, as the marks of a session would have it.

use super::Words;
use super::floor::{CallerUtterance, FloorHistory, SpeechEnd};
use super::kinds::Judged;
use crate::event::{
    EndpointCause, InterruptionDecision, Mark, OutputNote, ReplyEnd, SessionEnd, StageName, Tick,
    TurnId, VisitId,
};
use std::collections::BTreeMap;

/// Silence in mid-answer from which on it is a gap, in milliseconds. Voices pause up to that long between two
/// sentences, and a recording does not tell one from the other.
const GAP_MIN: usize = 600;
/// Ends and beginnings are known this well, in milliseconds: an answer that begins so little before the question
/// ends begins with its end.
const UNCERTAINTY: usize = 20;
/// An answer that begins up to this long before the caller's last sound, in milliseconds, cuts nobody off:
/// people do it all the time.
const EARLY: usize = 200;

/// What happened, in order: which speech answers which utterance, and how each ended, is decided.
pub(super) fn marks(
    floor: &FloorHistory,
    judged: &[Judged],
    (answers, ends): (&[Option<usize>], &[SpeechEnd]),
    words: Option<&Words>,
) -> Vec<(Tick, TurnId, Mark)> {
    let mut answered: BTreeMap<usize, usize> = BTreeMap::new();
    for (speech, utterance) in answers.iter().enumerate() {
        if let Some(utterance) = utterance {
            answered.insert(*utterance, speech);
        }
    }
    let mut marks = Marks::default();
    for (index, utterance) in floor.utterances.iter().enumerate() {
        let said = words.map(|words| words.caller[index].as_str());
        marks.utterance(index, utterance, &judged[index], said);
        let answer = answered
            .get(&index)
            .and_then(|speech| floor.speeches[*speech].proper())
            .map(|first| first.start);
        marks.endpoint(index, floor, answer);
    }
    for (index, (end, answers)) in ends.iter().zip(answers).enumerate() {
        let said = words.map(|words| words.agent[index].as_str());
        marks.speech(floor, index, (*end, *answers), (said, words));
    }
    let cause = SessionEnd::Finished;
    marks.add(floor.length_ms, TurnId(0), Mark::SessionEnded { cause });
    // Stable: what happens at once stays in the order of causes.
    marks.0.sort_by_key(|(tick, ..)| *tick);
    marks.0
}

/// What was due of the agent in a call, and what happened in it.
pub(super) fn with_due(
    due: Option<Mark>,
    happened: Vec<(Tick, TurnId, Mark)>,
) -> Vec<(Tick, TurnId, Mark)> {
    let due = due.map(|due| (Tick::ZERO, TurnId(0), due));
    due.into_iter().chain(happened).collect()
}

#[derive(Default)]
struct Marks(Vec<(Tick, TurnId, Mark)>);

fn tick(ms: usize) -> Tick {
    Tick::from_ms(ms as u64)
}

fn nanos(ms: usize) -> u64 {
    ms as u64 * 1_000_000
}

fn turn_of(utterance: usize) -> TurnId {
    TurnId(u32::try_from(utterance + 1).unwrap_or(u32::MAX))
}

impl Marks {
    fn add(&mut self, ms: usize, turn: TurnId, mark: Mark) {
        self.0.push((tick(ms), turn, mark));
    }

    fn utterance(
        &mut self,
        index: usize,
        utterance: &CallerUtterance,
        judged: &Judged,
        said: Option<&str>,
    ) {
        let turn = turn_of(index);
        let end = utterance.range().end;
        for (number, stretch) in utterance.stretches.iter().enumerate() {
            let (at, onset) = (tick(stretch.start), tick(stretch.onset));
            self.add(stretch.start, turn, Mark::CallerSpeechStarted { at });
            if number == 0 {
                self.add(stretch.start, turn, Mark::VoiceStarted { onset });
                self.add(stretch.start, turn, Mark::Judged { asks: judged.asks });
                if utterance.over.is_some() {
                    self.add(stretch.start, turn, Mark::OverlapStarted { onset });
                }
            } else {
                self.add(stretch.start, turn, Mark::VoiceResumed { at: onset });
            }
            let last_voiced = tick(stretch.last_voiced);
            self.add(
                stretch.end,
                turn,
                Mark::CallerSpeechEnded {
                    at: tick(stretch.end),
                    doubt: None,
                },
            );
            self.add(stretch.end, turn, Mark::VoicePaused { last_voiced });
        }
        if let Some((decision, since_onset)) = &judged.decision {
            let since_onset_ns = crate::event::nanos(*since_onset);
            let decided = Mark::Decision(Box::new(InterruptionDecision {
                policy: "classifier".into(),
                verdict: decision.verdict,
                since_onset_ns,
                probability: decision.probability,
                reasons: decision.reasons.clone(),
            }));
            self.add(end, turn, decided);
        }
        if utterance.over.is_some() {
            self.add(end, turn, Mark::OverlapEnded { at: tick(end) });
        }
        if let Some(said) = said {
            let visit = VisitId(turn.0);
            let note = OutputNote::Final {
                text: said.into(),
                audio_ns: nanos(utterance.range().len()),
                sureness: None,
            };
            let stage = StageName::SpeechToText;
            self.add(end, turn, Mark::Output { stage, visit, note });
        }
    }

    /// When the utterance was over for somebody who heard the recording only: with the beginning of the answer,
    /// with the next utterance, or when an answer had not come for too long.
    fn endpoint(&mut self, index: usize, floor: &FloorHistory, answer: Option<usize>) {
        let utterance = &floor.utterances[index];
        let end = utterance.range().end;
        let last_voiced = utterance
            .stretches
            .last()
            .map_or(end, |last| last.last_voiced);
        let next = floor
            .utterances
            .get(index + 1)
            .map(|next| next.range().start);
        let at = match answer {
            Some(start) if start + EARLY > end => start.max(end),
            Some(start) => start,
            None => {
                (end + super::floor::PATIENCE).min(next.map_or(usize::MAX, |next| next.max(end)))
            }
        };
        if at > floor.length_ms {
            // The call ended first.
            return;
        }
        let committed = Mark::EndpointCommitted {
            last_voiced: tick(last_voiced),
            cause: EndpointCause::Silence,
            decision: None,
        };
        self.add(at, turn_of(index), committed);
    }

    fn speech(
        &mut self,
        floor: &FloorHistory,
        index: usize,
        (end, answers): (SpeechEnd, Option<usize>),
        (said, words): (Option<&str>, Option<&Words>),
    ) {
        let speech = &floor.speeches[index];
        let range = speech.range();
        let turn = answers.map_or(TurnId(0), turn_of);
        let proper = speech.proper();
        let begun = proper.map_or(range.start, |stretch| stretch.start);
        let asked_until = answers.map_or(0, |utterance| floor.utterances[utterance].range().end);
        let is_with_end = begun < asked_until && asked_until - begun <= UNCERTAINTY;
        let start = if is_with_end { asked_until } else { begun };
        if let Some(utterance) = answers {
            let asked = floor.utterances[utterance].stretches.last();
            let end_doubt = asked.and_then(|last| last.end_doubt);
            let start_doubt = proper.and_then(|first| first.start_doubt);
            // Whether an answer came too early depends on all that the caller is taken to have said.
            let is_early = start + EARLY <= asked_until;
            let said = &floor.utterances[utterance].stretches;
            let mut doubts = said.iter().filter_map(|it| it.start_doubt.or(it.end_doubt));
            let any = is_early.then(|| doubts.next()).flatten();
            if let Some(doubt) = end_doubt.or(start_doubt).or(any) {
                self.add(start, turn, Mark::Doubtful { doubt });
            }
            let first = floor
                .agent_sounds
                .partition_point(|sound| sound.end <= asked_until);
            let first = floor
                .agent_sounds
                .get(first)
                .map(|sound| sound.start.max(asked_until));
            if let Some(sound) = first.filter(|sound| *sound < start) {
                self.add(sound, turn, Mark::AgentSound { at: tick(sound) });
            }
        }
        let question = answers
            .zip(words)
            .map(|(utterance, words)| words.caller[utterance].clone());
        let question = question.unwrap_or_default();
        self.add(
            start,
            turn,
            Mark::ReplyStarted {
                question: question.into(),
            },
        );
        self.add(start, turn, Mark::Audible { at: tick(start) });
        let mut heard = 0;
        let mut since = start;
        for pair in speech.stretches.windows(2) {
            let gap = pair[0].end..pair[1].start;
            if gap.len() >= GAP_MIN {
                let (at, gap_ns) = (tick(gap.start), nanos(gap.len()));
                self.add(gap.end, turn, Mark::PlaybackGap { at, gap_ns });
                heard += gap.start.saturating_sub(since);
                since = gap.end;
            }
        }
        heard += range.end.saturating_sub(since);
        // A speech that was stopped in a pause ended there, and not before.
        let over = match end {
            SpeechEnd::StoppedFor(utterance) => floor.utterances[utterance].range().start,
            SpeechEnd::Completed | SpeechEnd::Open => 0,
        };
        let at = range.end.max(over);
        let ended = Mark::ReplyEnded {
            end: match end {
                SpeechEnd::Completed => ReplyEnd::Completed,
                SpeechEnd::StoppedFor(_) => ReplyEnd::Stopped,
                SpeechEnd::Open => ReplyEnd::Abandoned,
            },
            at: tick(at),
            heard: said.unwrap_or_default().into(),
            heard_ns: nanos(heard),
        };
        self.add(at, turn, ended);
    }
}
