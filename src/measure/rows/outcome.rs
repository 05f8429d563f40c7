//! How a turn came out.

use super::gathered::Gathered;
use crate::event::{Expect, ReplyEnd};
use crate::measure::both::DEAD_AIR;
use crate::measure::reason::Reason;
use crate::measure::turn_marks::TurnMarks;
use serde::de::IntoDeserializer;
use serde::de::value::{Error, StrDeserializer};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How a turn came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The reply to the whole utterance became audible.
    Answered,
    /// The reply was dropped before it was audible.
    Interrupted,
    /// The endpoint was committed before the last speech of the turn, and the caller heard something of the reply.
    CutOff,
    /// The agent stopped, as asked.
    Stopped,
    /// The agent went on, as asked.
    Ignored,
    /// The reply or the stop that was asked for did not come.
    Missed,
    /// A reply or a stop came that nobody asked for.
    Spurious,
    /// An engine failed.
    Failed,
    /// The call ended first.
    Abandoned,
    /// The turn was never asked: what it was to follow did not come, or the call was over.
    NotAsked,
}

impl Outcome {
    /// The name in reports: `cut_off`.
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Answered => "answered",
            Outcome::Interrupted => "interrupted",
            Outcome::CutOff => "cut_off",
            Outcome::Stopped => "stopped",
            Outcome::Ignored => "ignored",
            Outcome::Missed => "missed",
            Outcome::Spurious => "spurious",
            Outcome::Failed => "failed",
            Outcome::Abandoned => "abandoned",
            Outcome::NotAsked => "not_asked",
        }
    }

    /// The outcome of that name; `None` if there is none.
    pub(super) fn named(name: &str) -> Option<Outcome> {
        let name: StrDeserializer<'_, Error> = name.into_deserializer();
        Outcome::deserialize(name).ok()
    }

    /// Whether this is the outcome that `expect` asks for. Without an expectation only a failure is wrong.
    pub fn is_as_expected(self, expect: Option<Expect>) -> bool {
        match expect {
            Some(Expect::Respond) => self == Outcome::Answered,
            Some(Expect::Stop) => self == Outcome::Stopped,
            Some(Expect::Ignore) => self == Outcome::Ignored,
            None => !matches!(self, Outcome::Failed | Outcome::NotAsked),
        }
    }
}

/// An endpoint that was committed while the caller had more to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum EarlyCommit {
    /// The caller went on before anything was heard: the reply was taken back.
    Voided,
    /// The caller heard something of the reply to half a question. Of several commits this one counts.
    Heard,
}

impl Gathered<'_> {
    /// How the row came out, by what was expected of it.
    pub(super) fn outcome(&self, expect: Option<Expect>) -> Outcome {
        match expect {
            _ if self.was_never_spoken => Outcome::NotAsked,
            Some(Expect::Stop) if self.stopped_at.is_some() => match self.answered() {
                // On a recording nothing was asked for: an answer is the outcome, as without an expectation.
                Some(utterance) if utterance.asks.is_some() && self.is_unplanned() => {
                    Outcome::Answered
                }
                _ => Outcome::Stopped,
            },
            Some(Expect::Stop | Expect::Ignore) if self.is_open => Outcome::Abandoned,
            // The agent fell silent before it was stopped, and answered.
            Some(Expect::Stop) if self.answered().is_some() => Outcome::Answered,
            Some(Expect::Stop) => Outcome::Missed,
            Some(Expect::Ignore) if self.stopped_at.is_some() || self.answered().is_some() => {
                Outcome::Spurious
            }
            Some(Expect::Ignore) => Outcome::Ignored,
            Some(Expect::Respond) => self.outcome_of_question(),
            None => {
                let last = self.utterances.last().map(|(_, utterance)| *utterance);
                last.and_then(outcome_of_sound)
                    .unwrap_or_else(|| self.outcome_of_question())
            }
        }
    }

    /// Whether an endpoint was committed while the caller had more to say, and nothing of the reply was heard.
    pub(super) fn has_voided_commit(&self, expect: Option<Expect>) -> bool {
        let asks = !matches!(expect, Some(Expect::Stop | Expect::Ignore));
        asks && self.early_commit() == Some(EarlyCommit::Voided)
    }

    /// An endpoint that was committed while the caller had more to say. What tells is what the caller did next: a
    /// cough, or a sound that the ear went on hearing, cuts nobody off.
    fn early_commit(&self) -> Option<EarlyCommit> {
        // On a recording an utterance goes on over what was taken for its end.
        let goes_on = |u: &TurnMarks| {
            u.committed
                .zip(self.speech_ended)
                .is_some_and(|(at, end)| at < end)
        };
        if self
            .utterances
            .iter()
            .any(|(_, u)| u.asks.is_some() && u.had_the_floor() && goes_on(u))
        {
            return Some(EarlyCommit::Heard);
        }
        let said = |utterance: &TurnMarks| !utterance.heard.is_empty() || utterance.has_failed();
        let sounded = |u: &TurnMarks| [u.audible, u.filler, u.agent_sound] != [None; 3];
        let words = self.utterances.iter().map(|(_, u)| *u).filter(|u| said(u));
        // Nothing was said behind the last.
        let before = words.rev().skip(1);
        let early = before.filter(|u| u.had_the_floor() && u.committed.is_some());
        early
            .map(|u| match sounded(u) {
                true => EarlyCommit::Heard,
                false => EarlyCommit::Voided,
            })
            .max()
    }

    /// Why the turn should have been answered and was not; `None` if it was answered, or asked for no answer.
    /// `waited` is how long the caller waited for an answer.
    pub(super) fn unanswered(
        &self,
        expect: Option<Expect>,
        outcome: Outcome,
        waited: Duration,
    ) -> Option<Reason> {
        if matches!(expect, Some(Expect::Stop | Expect::Ignore)) {
            return None;
        }
        let failed = || match self.utterances.iter().any(|(_, u)| u.was_refused) {
            true => Reason::Refused,
            false => Reason::Failed,
        };
        let left = || match self.has_hung_up {
            true => Reason::HungUp,
            false => Reason::BeganAgain,
        };
        let reason = match outcome {
            Outcome::Failed => failed(),
            Outcome::NotAsked => return self.has_hung_up.then_some(Reason::HungUp),
            Outcome::Interrupted => left(),
            Outcome::Missed => Reason::NothingCame,
            Outcome::Abandoned => Reason::RunEnded,
            // Who was cut off and then not answered at all either, is not answered.
            Outcome::CutOff if self.answered().is_none() => match self.was_given_up {
                true => left(),
                false if self.is_open => Reason::RunEnded,
                false => Reason::NothingCame,
            },
            _ => return None,
        };
        let was_asked = self.speech_ended.is_some();
        // Where nobody says that an answer was wanted, who soon goes on was only pausing, and at the end of a
        // recording nothing may have been missing.
        let is_planned = !self.is_unplanned();
        let is_sure = outcome == Outcome::Failed || is_planned && was_asked || waited > DEAD_AIR;
        is_sure.then_some(reason)
    }

    /// Whether nobody says beforehand what is asked for, as on a recording.
    fn is_unplanned(&self) -> bool {
        self.plan.is_none() && self.made_up.is_none()
    }

    fn outcome_of_question(&self) -> Outcome {
        let question = self.question();
        if self.utterances.iter().any(|(_, u)| u.has_failed()) {
            Outcome::Failed
        } else if self.early_commit() == Some(EarlyCommit::Heard) {
            Outcome::CutOff
        } else if question.is_some_and(|utterance| utterance.audible.is_some()) {
            Outcome::Answered
        } else if self.was_given_up {
            Outcome::Interrupted
        } else {
            let ended = question.and_then(|utterance| utterance.ended.as_ref());
            match ended.map(|ended| ended.end) {
                Some(ReplyEnd::Superseded) => Outcome::Interrupted,
                Some(ReplyEnd::Abandoned) => Outcome::Abandoned,
                None if self.is_open || question.is_some_and(|u| u.committed.is_none()) => {
                    Outcome::Abandoned
                }
                _ => Outcome::Missed,
            }
        }
    }
}

/// The outcome of an utterance of which nothing was expected; `None` if it has to be taken for a question.
fn outcome_of_sound(utterance: &TurnMarks) -> Option<Outcome> {
    let end = utterance.ended.as_ref().map(|ended| ended.end);
    if utterance.audible.is_some() || utterance.has_failed() {
        None
    } else if utterance.over_agent.is_some() {
        Some(match utterance.must_stop {
            Some(_) => Outcome::Stopped,
            None => Outcome::Ignored,
        })
    } else if end == Some(ReplyEnd::Silent) {
        Some(Outcome::Ignored)
    } else if end.is_none() && utterance.stt.first_output.is_some() {
        Some(match utterance.heard.is_empty() {
            true => Outcome::Ignored,
            // The caller went on before there was a reply to this part.
            false => Outcome::Interrupted,
        })
    } else {
        None
    }
}
