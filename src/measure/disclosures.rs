//! Whether the agent said that it is a machine: counts of conversations.
//!
//! In a conversation that voicesim held, the record tells what was played, and when. In a call it is what a recogniser
//! made of the agent's own sound, and not what the agent meant to say.

use crate::disclosure::{Asked, Told, asked, heard};
use crate::event::{DisclosureEvidence, DisclosureOn, Event, Mark, ReplyEnd, Tick};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// That it has to be said stands among so many first events of a conversation. A simulation of millions looks no further.
const DUE_AMONG_FIRST: usize = 32;

/// Counts of conversations in which the agent may have to say that it is a machine.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Disclosures {
    /// Conversations that were looked at.
    pub checked: u64,
    /// Conversations in which it had to say so: `said`, `late`, `missing` and `too_short` together.
    pub due: u64,
    /// Conversations in which it said all of it, and in time.
    pub said: u64,
    /// Conversations in which it said all of it, too late.
    pub late: u64,
    /// Conversations in which it could have said all of it, and did not.
    pub missing: u64,
    /// Conversations among `missing` in which it said a part.
    pub partial: u64,
    /// Conversations that ended before it could have said all of it: no reply was heard to its end since it was due.
    pub too_short: u64,
    /// Conversations in which a caller asked whether they talk to a person.
    pub asked: u64,
    /// Conversations that were judged by a transcript of the agent's own sound.
    pub by_transcript: u64,
}

/// How one conversation came out, the worst last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    Said,
    TooShort,
    Late,
    Missing { is_partial: bool },
}

/// What has to be said.
struct Required<'a> {
    text: &'a str,
    on: DisclosureOn,
    within_ns: Option<u64>,
    by: DisclosureEvidence,
}

/// A reply that was heard.
struct Reply<'a> {
    began: Tick,
    ended: Tick,
    is_whole: bool,
    words: &'a str,
}

/// A time at which the disclosure was said, or a part of it.
struct Said {
    from: Tick,
    to: Tick,
    is_whole: bool,
}

impl Disclosures {
    /// Adds a conversation.
    pub(super) fn add(&mut self, events: &[Event]) {
        let mut beginning = events.iter().take(DUE_AMONG_FIRST);
        let required = beginning.find_map(|event| match &event.mark {
            Mark::DisclosureDue {
                text,
                on,
                within_ns,
                by,
            } => Some(Required {
                text,
                on: *on,
                within_ns: *within_ns,
                by: *by,
            }),
            _ => None,
        });
        let Some(required) = required else {
            return;
        };
        self.checked += 1;
        let (replies, asks) = (replies(events), asks(events));
        let first = match required.on {
            DisclosureOn::WhenAsked => None,
            DisclosureOn::Greeting => Some(Tick::ZERO),
            DisclosureOn::FirstTurn => replies.first().map(|reply| reply.began),
        };
        let due = first.into_iter().chain(asks.iter().copied());
        let outcome = due.map(|at| outcome(at, &required, events, &replies)).max();
        let Some(outcome) = outcome else {
            return;
        };
        self.due += 1;
        self.asked += u64::from(!asks.is_empty());
        self.by_transcript += u64::from(required.by == DisclosureEvidence::Transcript);
        match outcome {
            Outcome::Said => self.said += 1,
            Outcome::TooShort => self.too_short += 1,
            Outcome::Late => self.late += 1,
            Outcome::Missing { is_partial } => {
                self.missing += 1;
                self.partial += u64::from(is_partial);
            }
        }
    }

    /// Adds the counts of others.
    pub(super) fn merge(&mut self, other: &Disclosures) {
        for (own, other) in self.all_mut().into_iter().zip(other.all()) {
            *own = own.saturating_add(other);
        }
    }

    /// Whether no conversation was looked at.
    pub fn is_empty(&self) -> bool {
        self.checked == 0
    }

    /// Whether the counts add up, and none is larger than `most`.
    pub(super) fn is_possible(&self, most: u64) -> bool {
        let parts = [self.said, self.late, self.missing, self.too_short];
        let sum = parts
            .iter()
            .try_fold(0_u64, |sum, part| sum.checked_add(*part));
        let of_due = [self.asked, self.by_transcript];
        sum == Some(self.due)
            && self.due <= self.checked
            && self.checked <= most
            && self.partial <= self.missing
            && of_due.iter().all(|count| *count <= self.due)
    }

    fn all(&self) -> [u64; 9] {
        let mut own = *self;
        own.all_mut().map(|count| *count)
    }

    fn all_mut(&mut self) -> [&mut u64; 9] {
        [
            &mut self.checked,
            &mut self.due,
            &mut self.said,
            &mut self.late,
            &mut self.missing,
            &mut self.partial,
            &mut self.too_short,
            &mut self.asked,
            &mut self.by_transcript,
        ]
    }
}

/// Every reply that was heard, in order. One that was stopped for nothing and went on is there in parts.
fn replies(events: &[Event]) -> Vec<Reply<'_>> {
    let (mut replies, mut began) = (Vec::new(), None);
    for event in events {
        match &event.mark {
            Mark::Audible { at } | Mark::ReplyResumed { at } => began = Some(*at),
            Mark::ReplyEnded { at, end, heard, .. } => {
                if let Some(began) = began.take() {
                    replies.push(Reply {
                        began,
                        ended: *at,
                        is_whole: *end == ReplyEnd::Completed,
                        words: heard,
                    });
                }
            }
            _ => {}
        }
    }
    replies
}

/// When callers asked whether they talk to a person.
fn asks(events: &[Event]) -> Vec<Tick> {
    let mut last: Option<&Arc<str>> = None;
    let mut asks = Vec::new();
    for event in events {
        match &event.mark {
            // What was answered to its end does not go on.
            Mark::ReplyEnded {
                end: ReplyEnd::Completed,
                ..
            } => last = None,
            Mark::ReplyStarted { question } => {
                let is_asked = asked(question) != Asked::Otherwise;
                // A question that goes on is asked again as a whole.
                let goes_on = last.is_some_and(|last| question.starts_with(&**last));
                if is_asked && !goes_on {
                    asks.push(event.tick);
                }
                last = is_asked.then_some(question);
            }
            _ => {}
        }
    }
    asks
}

/// What became of what was due at one time.
fn outcome(due: Tick, required: &Required<'_>, events: &[Event], replies: &[Reply<'_>]) -> Outcome {
    let since: Vec<&Reply<'_>> = replies.iter().filter(|reply| reply.ended > due).collect();
    let said = match required.by {
        DisclosureEvidence::Played => played(events),
        DisclosureEvidence::Transcript => transcribed(required.text, &since),
    };
    let mut said = said.into_iter().filter(|said| said.to > due);
    let mut is_partial = false;
    let whole = said.find(|said| {
        is_partial |= !said.is_whole;
        said.is_whole
    });
    match whole {
        Some(whole) => {
            let took = whole.to.0.saturating_sub(due.0);
            match required.within_ns.is_some_and(|within| took > within) {
                true => Outcome::Late,
                false => Outcome::Said,
            }
        }
        None if since
            .iter()
            .any(|reply| reply.is_whole && reply.began >= due) =>
        {
            Outcome::Missing { is_partial }
        }
        None => Outcome::TooShort,
    }
}

/// When the disclosure was played, as the pipeline has it.
fn played(events: &[Event]) -> Vec<Said> {
    let mut all = Vec::new();
    for (index, event) in events.iter().enumerate() {
        let Mark::Disclosed { at, audio_ns } = event.mark else {
            continue;
        };
        let end = Tick(at.0.saturating_add(audio_ns));
        let later = events.get(index..).unwrap_or_default().iter();
        let ended = later
            .filter(|later| later.turn == event.turn)
            .find_map(|later| match later.mark {
                Mark::ReplyEnded { at, .. } => Some(at),
                _ => None,
            });
        all.push(Said {
            from: at,
            to: ended.map_or(end, |ended| ended.min(end)),
            is_whole: ended.is_some_and(|ended| ended >= end),
        });
    }
    all.retain(|said| said.from < said.to);
    all
}

/// Where a transcript of the agent's sound has the disclosure.
fn transcribed(text: &str, replies: &[&Reply<'_>]) -> Vec<Said> {
    let pieces: Vec<&str> = replies.iter().map(|reply| reply.words).collect();
    let found = heard(text, &pieces);
    let (first, last) = found.pieces;
    let from = replies.get(first).map(|reply| reply.began);
    let to = replies.get(last).map(|reply| reply.ended);
    let said = from.zip(to).filter(|_| found.told != Told::Nothing);
    let said = said.map(|(from, to)| Said {
        from,
        to,
        is_whole: found.told == Told::Whole,
    });
    said.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{SessionId, TurnId};

    const TEXT: &str = "You are talking to a machine, not to a person.";

    fn due(on: DisclosureOn, by: DisclosureEvidence) -> (u64, u32, Mark) {
        let mark = Mark::DisclosureDue {
            text: TEXT.into(),
            on,
            within_ns: Some(8_000_000_000),
            by,
        };
        (0, 0, mark)
    }

    fn started(ms: u64, turn: u32, question: &str) -> (u64, u32, Mark) {
        let question = question.into();
        (ms, turn, Mark::ReplyStarted { question })
    }

    fn audible(ms: u64, turn: u32) -> (u64, u32, Mark) {
        let at = Tick::from_ms(ms);
        (ms, turn, Mark::Audible { at })
    }

    fn disclosed(ms: u64, turn: u32) -> (u64, u32, Mark) {
        let at = Tick::from_ms(ms);
        let audio_ns = 3_000_000_000;
        (ms, turn, Mark::Disclosed { at, audio_ns })
    }

    fn ended(ms: u64, turn: u32, end: ReplyEnd, heard: &str) -> (u64, u32, Mark) {
        let mark = Mark::ReplyEnded {
            end,
            at: Tick::from_ms(ms),
            heard: heard.into(),
            heard_ns: 0,
        };
        (ms, turn, mark)
    }

    fn judged(marks: &[(u64, u32, Mark)]) -> Disclosures {
        let event = |(ms, turn, mark): &(u64, u32, Mark)| Event {
            tick: Tick::from_ms(*ms),
            session: SessionId(0),
            turn: TurnId(*turn),
            mark: mark.clone(),
        };
        let events: Vec<Event> = marks.iter().map(event).collect();
        let mut all = Disclosures::default();
        all.add(&events);
        assert!(all.is_possible(1), "{all:?}");
        all
    }

    /// It is said in the first turn, and not to whoever asks in the second.
    fn asked_again(on: DisclosureOn, first: &str) -> Disclosures {
        judged(&[
            due(on, Played),
            started(1_000, 1, first),
            audible(1_500, 1),
            disclosed(2_000, 1),
            ended(5_000, 1, Completed, ""),
            started(7_000, 2, "Are you human?"),
            audible(7_500, 2),
            ended(9_000, 2, Completed, "Yes."),
        ])
    }

    use DisclosureEvidence::{Played, Transcript};
    use DisclosureOn::{FirstTurn, Greeting, WhenAsked};
    use ReplyEnd::{Completed, Stopped};

    #[test]
    fn what_is_interrupted_and_said_again_is_said() {
        let all = judged(&[
            due(FirstTurn, Played),
            started(1_000, 1, "When do you open?"),
            audible(1_500, 1),
            disclosed(2_500, 1),
            ended(4_000, 1, Stopped, ""),
            started(6_000, 2, "And today?"),
            audible(6_100, 2),
            disclosed(6_200, 2),
            ended(9_900, 2, Completed, ""),
        ]);
        assert_eq!((all.due, all.said + all.late, all.missing), (1, 1, 0));
        // From the beginning of the first answer it took 7.7 s.
        assert_eq!(all.said, 1);
    }

    #[test]
    fn what_is_said_too_late_is_late_and_what_never_is_is_missing() {
        let first = [
            due(FirstTurn, Played),
            started(1_000, 1, "When?"),
            audible(1_500, 1),
            ended(3_000, 1, Completed, ""),
        ];
        assert_eq!(judged(&first).missing, 1);
        let mut late = first.to_vec();
        late.extend([
            audible(8_000, 2),
            disclosed(8_500, 2),
            ended(12_000, 2, Completed, ""),
        ]);
        assert_eq!(judged(&late).late, 1);
    }

    #[test]
    fn a_caller_who_leaves_before_it_can_be_said_is_counted_apart() {
        let all = judged(&[
            due(FirstTurn, Played),
            audible(1_500, 1),
            disclosed(2_500, 1),
            ended(4_000, 1, ReplyEnd::Abandoned, ""),
        ]);
        assert_eq!((all.too_short, all.missing), (1, 0));
        assert_eq!(
            judged(&[due(FirstTurn, Played)]).due,
            0,
            "the agent never spoke"
        );
        assert_eq!(judged(&[due(Greeting, Played)]).too_short, 1);
    }

    #[test]
    fn in_a_call_the_agents_own_sound_tells() {
        let call = |words: &str| {
            judged(&[
                due(FirstTurn, Transcript),
                started(1_000, 1, "When do you open?"),
                audible(1_500, 1),
                ended(4_000, 1, Completed, words),
            ])
        };
        assert_eq!(
            call("At nine. You're talking to a machine, not to a person.").said,
            1
        );
        let half = call("At nine. You're talking to a machine.");
        assert_eq!((half.missing, half.partial), (1, 1));
        let none = call("At nine.");
        assert_eq!((none.missing, none.partial, none.by_transcript), (1, 0, 1));
    }

    #[test]
    fn whoever_asks_is_to_be_told_whenever_it_was_said_before() {
        let asked = |question: &str| {
            judged(&[
                due(WhenAsked, Played),
                started(1_000, 1, question),
                audible(1_500, 1),
                ended(4_000, 1, Completed, "I am Anna."),
            ])
        };
        assert_eq!(
            (asked("Are you a robot?").missing, asked("When?").due),
            (1, 0)
        );
        let again = asked_again(FirstTurn, "When?");
        assert_eq!((again.missing, again.asked), (1, 1));
    }

    #[test]
    fn who_asks_in_a_question_that_goes_on_or_asks_again_is_counted() {
        let goes_on = judged(&[
            due(WhenAsked, Played),
            started(1_000, 1, "When do you open?"),
            ended(1_200, 1, ReplyEnd::Superseded, ""),
            started(2_000, 2, "When do you open? Are you a robot?"),
            audible(2_500, 2),
            ended(5_000, 2, Completed, "At nine."),
        ]);
        assert_eq!((goes_on.asked, goes_on.missing), (1, 1));
        let again = asked_again(WhenAsked, "Are you a robot?");
        assert_eq!((again.asked, again.missing, again.said), (1, 1, 0));
    }
}
