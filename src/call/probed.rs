//! A call that was held by a probe: what the caller said when is known, and what was asked for; what is
//! listened for is the agent, and where a voice detector has the caller end.

use super::floor::{self, FloorHistory};
use super::kinds::Judged;
use super::known::{Known, KnownSpeech, in_ms};
use super::segments::{self, Stretch};
use super::track::Track;
use super::{CallError, Tracks, Words, events};
use crate::event::{
    Doubt, EndpointCause, Event, Expect, Mark, SessionEnd, StageName, Tick, TurnId, VisitEnd,
    VisitFailure, VisitId,
};
use crate::record::store::RunFolder;
use crate::record::tap;
use std::ops::Range;

/// What was heard of a probe's call.
pub struct Probed {
    floor: FloorHistory,
    /// The turn of each utterance.
    turn_of: Vec<usize>,
}

impl Probed {
    /// Who had the floor, with the voice detector at `threshold` (in 0..1).
    pub fn of(known: &Known, tracks: &Tracks, threshold: f32) -> Probed {
        // Neither can be heard on the other's side.
        let nobody = Track::default();
        let agent = segments::heard(&tracks.agent, &nobody, threshold);
        let caller = segments::heard(&tracks.caller, &nobody, threshold).stretches;
        let turns = known.turns.iter().map(|turn| turn.stretches(&caller));
        let turns: Vec<Vec<Stretch>> = turns.collect();
        let (mut floor, turn_of) =
            floor::floor_of_turns(&turns, &agent.stretches, tracks.length_ms());
        for (utterance, turn) in floor.utterances.iter_mut().zip(&turn_of) {
            // An agent that stops at once seems to have ended by itself, to somebody who does not know that it was
            // to stop.
            let start = utterance.range().start;
            let spoke = utterance
                .at_end
                .filter(|at| floor.speeches[*at].range().end > start);
            if known.turns[*turn].expect == Expect::Stop && utterance.over.is_none() {
                utterance.over = spoke;
            }
        }
        let floor = FloorHistory {
            agent_sounds: agent.sounds,
            other_voices_db: [None, agent.other_voice_db],
            ..floor
        };
        Probed { floor, turn_of }
    }

    pub fn floor(&self) -> &FloorHistory {
        &self.floor
    }

    /// The words of the call: the caller's as the agent says that it understood them, the agent's as `words` has them or
    /// else as the agent says.
    fn words(&self, known: &Known, words: Option<&Words>) -> Words {
        let starts = |index: usize| {
            self.floor
                .utterances
                .get(index)
                .map(|u| ms(u.range().start))
        };
        let caller = (0..self.floor.utterances.len())
            .map(|index| told(&known.heard, starts(index), starts(index + 1)))
            .collect();
        let begins = |index: usize| self.floor.speeches.get(index).map(|s| ms(s.range().start));
        let agent = match words {
            Some(words) => words.agent.clone(),
            // What is said is told before it sounds.
            None => (0..self.floor.speeches.len())
                .map(|index| {
                    let before = index.checked_sub(1).and_then(&begins);
                    told(&known.spoke, before, begins(index))
                })
                .collect(),
        };
        Words {
            caller,
            agent,
            sureness: [None; 2],
        }
    }

    /// What happened, as far as it is known and can be heard; in `folder`, too, if there is one. What was `due` of the
    /// agent, and is to be looked for in its words, comes first.
    ///
    /// # Errors
    /// If it cannot be recorded.
    pub fn events(
        &self,
        known: &Known,
        words: Option<&Words>,
        due: Option<Mark>,
        folder: Option<RunFolder>,
    ) -> Result<Vec<Event>, CallError> {
        let floor = &self.floor;
        let asks: Vec<Expect> = self
            .turn_of
            .iter()
            .map(|turn| known.turns[*turn].expect)
            .collect();
        let judged: Vec<Judged> = asks
            .iter()
            .map(|asks| Judged {
                asks: *asks,
                decision: None,
            })
            .collect();
        let (answers, ends) = (floor.answers(&asks), floor.ends(&asks));
        let words = self.words(known, words);
        let heard = events::marks(floor, &judged, (&answers, &ends), Some(&words));
        let mut marks = self.of_turns(known);
        let tells = !known.heard.is_empty();
        let is_kept = |mark: &Mark| match mark {
            // The end comes last, and is this one.
            Mark::SessionEnded { .. } => false,
            // An agent that never tells what it understood may have understood all.
            Mark::Output { .. } => tells,
            _ => true,
        };
        marks.extend(heard.into_iter().filter(|(.., mark)| is_kept(mark)));
        marks.extend(self.waited_for(known, &marks));
        marks.extend(self.doubts(known, &answers));
        marks.extend(self.failures(known, &answers));
        marks.sort_by_key(|(tick, ..)| *tick);
        let last = marks.last().map_or(Tick::ZERO, |(tick, ..)| *tick);
        let cause = match known.has_failed || known.is_cut_short {
            true => SessionEnd::Aborted,
            false => SessionEnd::Finished,
        };
        marks.push((
            last.max(known.ended_at),
            TurnId(0),
            Mark::SessionEnded { cause },
        ));
        Ok(tap::happened(events::with_due(due, marks), folder)?)
    }

    /// The beginnings of turns, and what was not said.
    fn of_turns(&self, known: &Known) -> Vec<(Tick, TurnId, Mark)> {
        let mut marks = Vec::new();
        for (row, turn) in (0..).zip(&known.turns) {
            let (at, mark) = match turn.said {
                KnownSpeech::At { at, .. } => {
                    if turn.is_again {
                        marks.push((at, TurnId(0), Mark::CallerStartedAgain));
                    }
                    let expect = known.is_made_up.then_some(turn.expect);
                    (at, Mark::RowStarted { row, at, expect })
                }
                KnownSpeech::Missed { at, waited_ns } => (at, Mark::RowMissed { row, waited_ns }),
            };
            marks.push((at, TurnId(0), mark));
        }
        if let Some(at) = known.gave_up {
            marks.push((at, TurnId(0), Mark::CallerGaveUp));
        }
        if known.late_max_ns > 0 {
            let lag_ns = known.late_max_ns;
            marks.push((known.ended_at, TurnId(0), Mark::ClockLag { lag_ns }));
        }
        marks
    }

    /// The end of the last utterance, if nothing came of it before the caller hung up: not to answer is a decision too.
    fn waited_for(
        &self,
        known: &Known,
        marks: &[(Tick, TurnId, Mark)],
    ) -> Option<(Tick, TurnId, Mark)> {
        let last = self.floor.utterances.len().checked_sub(1)?;
        let turn = turn_id(last);
        let is_committed = marks
            .iter()
            .any(|(_, of, mark)| *of == turn && matches!(mark, Mark::EndpointCommitted { .. }));
        let stretch = self.floor.utterances[last].stretches.last()?;
        let committed = Mark::EndpointCommitted {
            last_voiced: ms(stretch.last_voiced),
            cause: EndpointCause::Silence,
            decision: None,
        };
        let at = known.ended_at.max(ms(stretch.end));
        (!is_committed && !known.is_cut_short).then_some((at, turn, committed))
    }

    /// Turns during which this machine was late.
    fn doubts(
        &self,
        known: &Known,
        answers: &[Option<usize>],
    ) -> impl Iterator<Item = (Tick, TurnId, Mark)> {
        let utterances = self.floor.utterances.iter().enumerate();
        utterances.filter_map(|(index, utterance)| {
            let asked = ms(utterance.range().end);
            let speech = answers.iter().position(|answer| *answer == Some(index));
            let answered = match speech {
                Some(speech) => ms(self.floor.speeches[speech].range().start),
                None => known.ended_at,
            };
            let is_late = |late: &Range<Tick>| late.start <= answered && asked <= late.end;
            let doubt = Doubt::BusyMachine;
            known.late.iter().any(is_late).then(|| {
                (
                    answered.max(asked),
                    turn_id(index),
                    Mark::Doubtful { doubt },
                )
            })
        })
    }

    /// What failed, in the turns that were on their way.
    fn failures(&self, known: &Known, answers: &[Option<usize>]) -> Vec<(Tick, TurnId, Mark)> {
        let failed = known.failures.iter();
        let failed = failed.filter_map(|(at, error)| {
            let index = self.on_its_way(*at, known, answers)?;
            Some((*at, index, error.clone()))
        });
        let hung_up = known.agent_hung_up.then(|| {
            let last = self.floor.utterances.len().checked_sub(1)?;
            let asks = known.turns[self.turn_of[last]].expect == Expect::Respond;
            let is_left = asks && !answers.contains(&Some(last));
            is_left.then(|| (known.ended_at, last, "the agent hung up".to_owned()))
        });
        let all = failed.chain(hung_up.flatten());
        all.map(|(at, index, error)| {
            let end = VisitEnd::Failed(Box::new(VisitFailure {
                error,
                refused: false,
            }));
            let mark = Mark::Exit {
                stage: StageName::SpeechToSpeech,
                visit: VisitId(0),
                end,
                cost: None,
                input: None,
            };
            (at, turn_id(index), mark)
        })
        .collect()
    }

    /// The utterance whose answer was waited for, or heard, at `at`; `None` if that was over.
    fn on_its_way(&self, at: Tick, known: &Known, answers: &[Option<usize>]) -> Option<usize> {
        let at = in_ms(at);
        let asks = |index: usize| known.turns[self.turn_of[index]].expect;
        let has_begun = |index: &usize| self.floor.utterances[*index].range().start <= at;
        let said = (0..self.floor.utterances.len()).filter(has_begun);
        // Nothing is to come of what asks for nothing.
        let last = said.rev().find(|index| asks(*index) != Expect::Ignore)?;
        let spoken = |index: usize| self.floor.speeches[index].range();
        let begun = (0..answers.len()).filter(|index| spoken(*index).start < at);
        // Who was to stop, and is silent, has.
        let is_answered =
            asks(last) == Expect::Stop || begun.clone().any(|index| answers[index] == Some(last));
        let silent_since = begun.map(|index| spoken(index).end.min(at)).max();
        let is_over = silent_since.is_some_and(|since| at - since >= ANSWER_OVER);
        (!is_answered || !is_over).then_some(last)
    }
}

/// An answer behind which there was silence for so long, in milliseconds, was whole: voices pause that long between
/// sentences.
const ANSWER_OVER: usize = 700;

/// What was told from one moment on and before another.
fn told(texts: &[(Tick, String)], from: Option<Tick>, until: Option<Tick>) -> String {
    let within =
        |at: Tick| from.is_none_or(|from| at >= from) && until.is_none_or(|until| at < until);
    let told: Vec<&str> = texts
        .iter()
        .filter(|(at, _)| within(*at))
        .map(|(_, text)| text.trim())
        .collect();
    told.join(" ")
}

fn turn_id(utterance: usize) -> TurnId {
    TurnId(u32::try_from(utterance + 1).unwrap_or(u32::MAX))
}

fn ms(ms: usize) -> Tick {
    Tick::from_ms(ms as u64)
}

#[cfg(test)]
mod tests {
    use super::super::{CallSource, VAD_THRESHOLD};
    use super::*;
    use crate::audio::{decode, first_audible, last_audible, peak, wav::StereoWriter};
    use crate::call::known::KnownTurn;
    use std::path::Path;

    /// Samples of a millisecond, and where the question and its answer begin.
    const MS: usize = 16;
    const ASKED_MS: usize = 500;
    const WAITED_MS: usize = 900;

    /// What happens in a call to an agent that repeats what it hears, as `change` has it.
    fn events(change: impl FnOnce(&mut Known, usize)) -> (Vec<Event>, usize) {
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("audio/fixtures");
        let voice = decode::read(&fixtures.join("piper-graphics.wav")).expect("a fixture");
        let threshold = 0.01 * peak(&voice);
        let first = first_audible(&voice, threshold).expect("sound");
        let last = last_audible(&voice, threshold).expect("sound");
        let voice = &voice[first..=last];
        let length_ms = voice.len().div_ceil(MS);
        let silence = |ms: usize| vec![0.0; ms * MS];
        let answered_ms = ASKED_MS + length_ms + WAITED_MS;
        let mut caller = [silence(ASKED_MS), voice.to_vec()].concat();
        let mut agent = [silence(answered_ms), voice.to_vec()].concat();
        caller.resize(agent.len() + 1_000 * MS, 0.0);
        agent.resize(caller.len(), 0.0);
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("conversation.wav");
        let mut writer = StereoWriter::create(&path).expect("a file");
        writer.push(&caller, &agent).expect("written");
        writer.finish().expect("written");
        let source = CallSource::Stereo {
            path,
            is_swapped: false,
        };
        let tracks = source.listen_apart(None, &mut |_, _| {}).expect("heard");
        let asked = ms(ASKED_MS);
        let mut known = Known {
            turns: vec![KnownTurn {
                expect: Expect::Respond,
                is_again: false,
                said: KnownSpeech::At {
                    at: asked,
                    speech: vec![(asked..ms(ASKED_MS + length_ms), None)],
                },
            }],
            ended_at: ms(caller.len() / MS),
            ..Known::default()
        };
        change(&mut known, answered_ms);
        let probed = Probed::of(&known, &tracks, VAD_THRESHOLD);
        let events = probed.events(&known, None, None, None).expect("events");
        (events, answered_ms)
    }

    fn has(events: &[Event], is_such: impl Fn(&Mark) -> bool) -> bool {
        events.iter().any(|event| is_such(&event.mark))
    }

    #[test]
    fn an_agent_that_says_what_the_caller_said_is_heard() {
        let (events, answered_ms) = events(|_, _| {});
        let audible = events.iter().find_map(|event| match event.mark {
            Mark::Audible { at } => Some(at.as_ms()),
            _ => None,
        });
        let off_ms = audible.expect("an answer") - answered_ms as f64;
        assert!(off_ms.abs() < 5.0, "{off_ms}");
        assert!(!has(&events, |mark| matches!(mark, Mark::Doubtful { .. })));
    }

    #[test]
    fn a_turn_during_which_this_machine_was_late_is_doubtful() {
        let doubtful = |from_ms: usize| {
            let (events, _) = events(|known, answered_ms| {
                known.late = vec![ms(answered_ms - from_ms)..ms(answered_ms - from_ms + 50)];
                known.late_max_ns = 50_000_000;
            });
            let doubt = Doubt::BusyMachine;
            has(&events, |mark| *mark == Mark::Doubtful { doubt })
        };
        assert!(doubtful(400));
        assert!(
            !doubtful(WAITED_MS + 400),
            "late before the end of the question"
        );
    }

    /// The turn that failed, and why.
    fn failed(events: &[Event]) -> Option<(TurnId, &str)> {
        events.iter().find_map(|event| match &event.mark {
            Mark::Exit {
                end: VisitEnd::Failed(why),
                ..
            } => Some((event.turn, why.error.as_str())),
            _ => None,
        })
    }

    fn breaks(known: &mut Known, at: Tick) {
        known.failures = vec![(at, "the connection broke off".into())];
        (known.ended_at, known.has_failed) = (at, true);
    }

    #[test]
    fn what_breaks_fails_the_turn_that_was_on_its_way() {
        for later_ms in [-100, 300] {
            let (events, _) = events(|known, answered_ms| {
                breaks(known, ms(answered_ms.saturating_add_signed(later_ms)));
            });
            let reason = Some((TurnId(1), "the connection broke off"));
            assert_eq!(failed(&events), reason, "{later_ms} ms into the answer");
            let cause = SessionEnd::Aborted;
            assert_eq!(
                events.last().map(|event| &event.mark),
                Some(&Mark::SessionEnded { cause })
            );
        }
    }

    #[test]
    fn an_answer_that_was_over_when_the_connection_broke_is_one() {
        let (events, _) = events(|known, _| {
            let end = known.ended_at;
            breaks(known, end);
        });
        assert_eq!(failed(&events), None);
        let cause = SessionEnd::Aborted;
        assert_eq!(
            events.last().map(|event| &event.mark),
            Some(&Mark::SessionEnded { cause })
        );
    }

    #[test]
    fn an_agent_that_hangs_up_after_its_answer_has_answered() {
        let (events, _) = events(|known, _| known.agent_hung_up = true);
        assert!(!has(&events, |mark| matches!(mark, Mark::Exit { .. })));
    }
}
