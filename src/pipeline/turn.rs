//! Whose turn it is: a state machine without time, sound or waiting.
//!
//! The floor is told what happened and answers with what to do. An utterance that the caller goes on with
//! before the reply to its first half is audible counts as one question: the first half is kept and
//! asked again together with the rest.
//!
//! While the caller pauses, a reply to what was said so far may be prepared in case that was all. It
//! is kept if that turns out to be the question, and dropped if the caller goes on.

use crate::event::{ReplyEnd, TurnId};
use std::sync::Arc;

/// What the session tells the floor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Happened {
    /// The caller began to speak.
    VoiceStarted,
    /// The caller goes on after a pause.
    VoiceResumed,
    /// The caller's utterance is over.
    Committed,
    /// What the recogniser makes of the utterance so far, while the caller pauses.
    Guessed { turn: TurnId, text: Arc<str> },
    /// The recogniser is through with the utterance of this turn.
    Transcribed { turn: TurnId, text: Arc<str> },
    /// The interruption policy says that the agent should stop; it `may_resume` if that was for
    /// nothing.
    MustStop { may_resume: bool },
    /// Nothing more was heard of the sound that made the agent stop.
    NothingMore,
    /// The reply is heard.
    Audible,
    /// The reply ended by itself. `caller_is_voiced`: somebody talks over its very end.
    ReplyOver { caller_is_voiced: bool },
}

/// What the floor tells the session to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Do {
    /// Hand the utterance to the recogniser as it comes.
    Listen(TurnId),
    /// Watch the utterance for an interruption, until all of it has been understood.
    WatchOverlap,
    EndOverlap(TurnId),
    /// Prepare a reply of which nothing is heard yet.
    Speculate {
        turn: TurnId,
        question: Arc<str>,
    },
    /// What was prepared is the reply.
    KeepSpeculation,
    DropSpeculation,
    StartReply {
        turn: TurnId,
        question: Arc<str>,
    },
    /// Give the reply up.
    DropReply(ReplyEnd),
    /// Fall silent, and keep the rest of the reply.
    HoldReply,
    /// Go on where the reply was held.
    ResumeReply,
    /// Give the held reply up.
    LetGo,
    /// Say nothing in reply to this turn.
    NoReply(TurnId),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct HeardTurn {
    turn: TurnId,
    /// Whether the utterance was spoken over the agent, who did not stop for it.
    over_agent: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reply {
    None,
    Pending,
    Audible,
    /// Silent since a sound of whatever kind interrupted it.
    Held,
}

/// The questions that are still to be answered, joined with what is said now.
fn together(unanswered: &[Arc<str>], text: &Arc<str>) -> Arc<str> {
    if unanswered.is_empty() {
        return text.clone();
    }
    format!("{} {text}", unanswered.join(" ")).into()
}

/// Who speaks, who is heard, what is still to be answered.
#[derive(Debug)]
pub(super) struct Floor {
    last_turn: TurnId,
    hearing: Option<HeardTurn>,
    transcribing: Vec<HeardTurn>,
    reply: Reply,
    /// The question to which a reply is being prepared in case the caller has finished.
    guess: Option<Arc<str>>,
    /// Questions whose answer nobody has heard a sound of.
    unanswered: Vec<Arc<str>>,
}

impl Floor {
    pub(super) fn new() -> Floor {
        Floor {
            last_turn: TurnId(0),
            hearing: None,
            transcribing: Vec::new(),
            reply: Reply::None,
            guess: None,
            unanswered: Vec::new(),
        }
    }

    /// Whether nobody speaks and nothing is on its way.
    pub(super) fn is_idle(&self) -> bool {
        self.hearing.is_none() && self.transcribing.is_empty() && self.reply == Reply::None
    }

    pub(super) fn happened(&mut self, what: Happened) -> Vec<Do> {
        match what {
            Happened::VoiceStarted => self.voice_started(),
            Happened::VoiceResumed => {
                if let (Some(heard), Reply::None) = (&mut self.hearing, self.reply) {
                    heard.over_agent = false;
                }
                self.drop_guess()
            }
            Happened::Committed => {
                let Some(utterance) = self.hearing.take() else {
                    return Vec::new();
                };
                self.transcribing.push(utterance);
                Vec::new()
            }
            Happened::Guessed { turn, text } => self.guessed(turn, text),
            Happened::Transcribed { turn, text } => self.transcribed(turn, text),
            Happened::MustStop { may_resume } => self.must_stop(may_resume),
            Happened::NothingMore => self.nothing_more(),
            Happened::Audible => {
                self.reply = Reply::Audible;
                self.unanswered.clear();
                Vec::new()
            }
            Happened::ReplyOver { caller_is_voiced } => self.reply_over(caller_is_voiced),
        }
    }

    fn voice_started(&mut self) -> Vec<Do> {
        self.last_turn = TurnId(self.last_turn.0 + 1);
        let turn = self.last_turn;
        let over_agent = self.reply == Reply::Audible;
        self.hearing = Some(HeardTurn { turn, over_agent });
        let mut todo = vec![Do::Listen(turn)];
        todo.extend(self.drop_guess());
        match self.reply {
            Reply::None | Reply::Held => {}
            Reply::Pending => {
                self.reply = Reply::None;
                todo.push(Do::DropReply(ReplyEnd::Superseded));
            }
            Reply::Audible => todo.push(Do::WatchOverlap),
        }
        todo
    }

    /// Whether it is worth to know now what the caller has said so far.
    pub(super) fn may_guess(&self) -> bool {
        let has_floor = self.hearing.is_some_and(|heard| !heard.over_agent);
        let is_next = self.transcribing.iter().all(|earlier| earlier.over_agent);
        has_floor && is_next && matches!(self.reply, Reply::None | Reply::Held)
    }

    /// Whether all that was heard since the agent stopped has been understood, and said nothing.
    pub(super) fn may_resume(&self) -> bool {
        self.reply == Reply::Held && self.hearing.is_none() && self.transcribing.is_empty()
    }

    fn nothing_more(&mut self) -> Vec<Do> {
        if !self.may_resume() {
            return Vec::new();
        }
        self.reply = Reply::Audible;
        vec![Do::ResumeReply]
    }

    /// The caller said something: the agent was stopped for good.
    fn let_go(&mut self) -> Option<Do> {
        let was_held = self.reply == Reply::Held;
        was_held.then(|| {
            self.reply = Reply::None;
            Do::LetGo
        })
    }

    fn guessed(&mut self, turn: TurnId, text: Arc<str>) -> Vec<Do> {
        let is_heard = self.hearing.is_some_and(|heard| heard.turn == turn);
        if !is_heard || !self.may_guess() || text.is_empty() {
            return Vec::new();
        }
        let question = together(&self.unanswered, &text);
        if self.guess.as_ref() == Some(&question) {
            return Vec::new();
        }
        let mut todo = self.drop_guess();
        todo.extend(self.let_go());
        self.guess = Some(question.clone());
        todo.push(Do::Speculate { turn, question });
        todo
    }

    fn drop_guess(&mut self) -> Vec<Do> {
        let dropped = self.guess.take().map(|_| Do::DropSpeculation);
        dropped.into_iter().collect()
    }

    fn transcribed(&mut self, turn: TurnId, text: Arc<str>) -> Vec<Do> {
        let Some(index) = self.transcribing.iter().position(|u| u.turn == turn) else {
            return Vec::new();
        };
        let utterance = self.transcribing.remove(index);
        if utterance.over_agent {
            return vec![Do::EndOverlap(turn), Do::NoReply(turn)];
        }
        let mut todo = Vec::new();
        if !text.is_empty() {
            todo.extend(self.let_go());
            self.unanswered.push(text);
        }
        let goes_on = self.hearing.is_some_and(|heard| !heard.over_agent)
            || self.transcribing.iter().any(|later| !later.over_agent);
        if goes_on || self.unanswered.is_empty() {
            todo.extend(self.drop_guess());
            todo.push(Do::NoReply(turn));
            return todo;
        }
        let question = match self.unanswered.as_slice() {
            [question] => question.clone(),
            questions => questions.join(" ").into(),
        };
        if self.guess.take_if(|guess| *guess == question).is_some() {
            self.reply = Reply::Pending;
            todo.push(Do::KeepSpeculation);
            return todo;
        }
        todo.extend(self.drop_guess());
        if self.reply != Reply::None {
            todo.push(Do::DropReply(ReplyEnd::Superseded));
        }
        self.reply = Reply::Pending;
        todo.push(Do::StartReply { turn, question });
        todo
    }

    fn must_stop(&mut self, may_resume: bool) -> Vec<Do> {
        let mut latest = self
            .hearing
            .iter_mut()
            .chain(self.transcribing.iter_mut().rev());
        let over_agent = latest.find(|utterance| utterance.over_agent);
        let (Some(utterance), Reply::Audible) = (over_agent, self.reply) else {
            return Vec::new();
        };
        utterance.over_agent = false;
        let turn = utterance.turn;
        let stop = if may_resume {
            self.reply = Reply::Held;
            Do::HoldReply
        } else {
            self.reply = Reply::None;
            Do::DropReply(ReplyEnd::Stopped)
        };
        vec![stop, Do::EndOverlap(turn)]
    }

    /// An utterance that is voiced when the agent falls silent, or is again later, has the floor: it
    /// is heard like any other. One that had ended before belongs to what it was spoken over.
    fn reply_over(&mut self, caller_is_voiced: bool) -> Vec<Do> {
        self.reply = Reply::None;
        self.unanswered.clear();
        match &mut self.hearing {
            Some(heard) if heard.over_agent => {
                heard.over_agent = !caller_is_voiced;
                vec![Do::EndOverlap(heard.turn)]
            }
            _ => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: TurnId = TurnId(1);
    const STOP: Happened = Happened::MustStop { may_resume: false };
    const SECOND: TurnId = TurnId(2);

    fn text(turn: TurnId, text: &str) -> Happened {
        let text = text.into();
        Happened::Transcribed { turn, text }
    }

    fn reply(turn: TurnId, question: &str) -> Do {
        let question = question.into();
        Do::StartReply { turn, question }
    }

    /// A floor on which the agent answers aloud.
    fn answering() -> Floor {
        let mut floor = Floor::new();
        floor.happened(Happened::VoiceStarted);
        floor.happened(Happened::Committed);
        floor.happened(text(FIRST, "a question"));
        floor.happened(Happened::Audible);
        floor
    }

    #[test]
    fn a_question_is_answered() {
        let mut floor = Floor::new();
        assert_eq!(floor.happened(Happened::VoiceStarted), [Do::Listen(FIRST)]);
        assert!(floor.happened(Happened::Committed).is_empty());
        assert!(!floor.is_idle());
        assert_eq!(floor.happened(text(FIRST, "why")), [reply(FIRST, "why")]);
        floor.happened(Happened::Audible);
        let over = Happened::ReplyOver {
            caller_is_voiced: false,
        };
        assert!(floor.happened(over).is_empty());
        assert!(floor.is_idle());
    }

    #[test]
    fn a_caller_who_goes_on_before_the_reply_is_heard_asks_one_question() {
        let mut floor = Floor::new();
        floor.happened(Happened::VoiceStarted);
        floor.happened(Happened::Committed);
        floor.happened(text(FIRST, "tell me"));
        assert_eq!(
            floor.happened(Happened::VoiceStarted),
            [Do::Listen(SECOND), Do::DropReply(ReplyEnd::Superseded)]
        );
        floor.happened(Happened::Committed);
        assert_eq!(
            floor.happened(text(SECOND, "the time")),
            [reply(SECOND, "tell me the time")]
        );
    }

    #[test]
    fn a_noise_before_the_reply_only_delays_it() {
        let mut floor = Floor::new();
        floor.happened(Happened::VoiceStarted);
        floor.happened(Happened::Committed);
        floor.happened(text(FIRST, "why"));
        floor.happened(Happened::VoiceStarted);
        floor.happened(Happened::Committed);
        assert_eq!(floor.happened(text(SECOND, "")), [reply(SECOND, "why")]);
    }

    #[test]
    fn half_a_question_waits_while_the_other_half_is_spoken() {
        let mut floor = Floor::new();
        floor.happened(Happened::VoiceStarted);
        floor.happened(Happened::Committed);
        floor.happened(Happened::VoiceStarted);
        assert_eq!(floor.happened(text(FIRST, "tell me")), [Do::NoReply(FIRST)]);
        floor.happened(Happened::Committed);
        assert_eq!(
            floor.happened(text(SECOND, "why")),
            [reply(SECOND, "tell me why")]
        );
    }

    #[test]
    fn a_sound_over_the_agent_that_need_not_stop_is_not_answered() {
        let mut floor = answering();
        assert_eq!(
            floor.happened(Happened::VoiceStarted),
            [Do::Listen(SECOND), Do::WatchOverlap]
        );
        assert!(floor.happened(Happened::Committed).is_empty());
        assert_eq!(
            floor.happened(text(SECOND, "yeah")),
            [Do::EndOverlap(SECOND), Do::NoReply(SECOND)]
        );
    }

    #[test]
    fn an_interruption_takes_the_floor_and_is_answered() {
        let mut floor = answering();
        floor.happened(Happened::VoiceStarted);
        assert_eq!(
            floor.happened(STOP),
            [Do::DropReply(ReplyEnd::Stopped), Do::EndOverlap(SECOND)]
        );
        assert!(floor.happened(STOP).is_empty());
        floor.happened(Happened::Committed);
        assert_eq!(
            floor.happened(text(SECOND, "no, wait")),
            [reply(SECOND, "no, wait")]
        );
    }

    #[test]
    fn an_interruption_that_is_understood_late_still_takes_the_floor() {
        let mut floor = answering();
        floor.happened(Happened::VoiceStarted);
        floor.happened(Happened::Committed);
        assert_eq!(
            floor.happened(STOP),
            [Do::DropReply(ReplyEnd::Stopped), Do::EndOverlap(SECOND)]
        );
        assert_eq!(
            floor.happened(text(SECOND, "wait")),
            [reply(SECOND, "wait")]
        );
    }

    /// A floor on which the agent was stopped by a sound that nobody has understood yet.
    fn holding() -> Floor {
        let mut floor = answering();
        floor.happened(Happened::VoiceStarted);
        assert_eq!(
            floor.happened(Happened::MustStop { may_resume: true }),
            [Do::HoldReply, Do::EndOverlap(SECOND)]
        );
        floor
    }

    #[test]
    fn an_agent_that_stopped_for_nothing_goes_on() {
        let mut floor = holding();
        assert!(!floor.may_resume() && !floor.is_idle());
        assert!(floor.happened(Happened::NothingMore).is_empty());
        floor.happened(Happened::Committed);
        assert!(!floor.may_resume());
        assert_eq!(floor.happened(text(SECOND, "")), [Do::NoReply(SECOND)]);
        assert!(floor.may_resume());
        assert_eq!(floor.happened(Happened::NothingMore), [Do::ResumeReply]);
        let over = Happened::ReplyOver {
            caller_is_voiced: false,
        };
        assert!(floor.happened(over).is_empty() && floor.is_idle());
    }

    #[test]
    fn an_agent_that_stopped_for_a_question_answers_that() {
        let mut floor = holding();
        let guess = Happened::Guessed {
            turn: SECOND,
            text: "no".into(),
        };
        assert_eq!(
            floor.happened(guess),
            [
                Do::LetGo,
                Do::Speculate {
                    turn: SECOND,
                    question: "no".into()
                }
            ]
        );
        let mut floor = holding();
        floor.happened(Happened::Committed);
        assert_eq!(
            floor.happened(text(SECOND, "no, wait")),
            [Do::LetGo, reply(SECOND, "no, wait")]
        );
    }

    #[test]
    fn a_question_that_begins_over_the_last_word_is_answered() {
        let mut floor = answering();
        floor.happened(Happened::VoiceStarted);
        let over = Happened::ReplyOver {
            caller_is_voiced: true,
        };
        assert_eq!(floor.happened(over), [Do::EndOverlap(SECOND)]);
        floor.happened(Happened::Committed);
        assert_eq!(
            floor.happened(text(SECOND, "and then")),
            [reply(SECOND, "and then")]
        );
    }

    #[test]
    fn a_caller_who_pauses_while_the_agent_ends_and_goes_on_is_answered() {
        let mut floor = answering();
        floor.happened(Happened::VoiceStarted);
        let over = Happened::ReplyOver {
            caller_is_voiced: false,
        };
        assert_eq!(floor.happened(over), [Do::EndOverlap(SECOND)]);
        floor.happened(Happened::VoiceResumed);
        floor.happened(Happened::Committed);
        assert_eq!(
            floor.happened(text(SECOND, "and then")),
            [reply(SECOND, "and then")]
        );
    }

    #[test]
    fn what_was_prepared_in_a_pause_is_the_reply_if_that_was_all() {
        let mut floor = Floor::new();
        floor.happened(Happened::VoiceStarted);
        let (turn, question) = (FIRST, Arc::<str>::from("why"));
        let guess = Happened::Guessed {
            turn,
            text: question.clone(),
        };
        let speculate = Do::Speculate {
            turn,
            question: question.clone(),
        };
        assert_eq!(floor.happened(guess), [speculate]);
        floor.happened(Happened::Committed);
        assert_eq!(floor.happened(text(FIRST, "why")), [Do::KeepSpeculation]);
    }

    #[test]
    fn a_caller_who_goes_on_voids_what_was_prepared() {
        let guess = || Happened::Guessed {
            turn: FIRST,
            text: "tell me".into(),
        };
        let mut floor = Floor::new();
        floor.happened(Happened::VoiceStarted);
        floor.happened(guess());
        assert_eq!(
            floor.happened(Happened::VoiceResumed),
            [Do::DropSpeculation]
        );
        floor.happened(guess());
        floor.happened(Happened::Committed);
        // The whole was something else.
        assert_eq!(
            floor.happened(text(FIRST, "tell me why")),
            [Do::DropSpeculation, reply(FIRST, "tell me why")]
        );
        // Committed, and not yet transcribed.
        let mut floor = Floor::new();
        floor.happened(Happened::VoiceStarted);
        floor.happened(guess());
        floor.happened(Happened::Committed);
        assert_eq!(
            floor.happened(Happened::VoiceStarted),
            [Do::Listen(SECOND), Do::DropSpeculation]
        );
        assert_eq!(floor.happened(text(FIRST, "tell me")), [Do::NoReply(FIRST)]);
    }

    #[test]
    fn nothing_is_prepared_for_a_sound_over_the_agent() {
        let mut floor = answering();
        floor.happened(Happened::VoiceStarted);
        assert!(!floor.may_guess());
        let (turn, text) = (SECOND, "yeah".into());
        assert!(floor.happened(Happened::Guessed { turn, text }).is_empty());
    }

    #[test]
    fn nothing_understood_is_nothing_answered() {
        let mut floor = Floor::new();
        floor.happened(Happened::VoiceStarted);
        floor.happened(Happened::Committed);
        assert_eq!(floor.happened(text(FIRST, "")), [Do::NoReply(FIRST)]);
        assert!(floor.is_idle());
    }
}
