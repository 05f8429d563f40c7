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
    /// This is what the recogniser makes of the utterance so far, and it was probably not all.
    GoesOn { text: Arc<str> },
    /// The recogniser is through with the utterance of this turn.
    Transcribed { turn: TurnId, text: Arc<str> },
    /// The interruption policy says that the agent should stop for the utterance of this turn; it `may_resume` if that was
    /// for nothing.
    MustStop { turn: TurnId, may_resume: bool },
    /// Nothing more was heard of the sound that made the agent stop.
    NothingMore,
    /// The caller's client says that the agent should stop.
    ToldToStop,
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

    /// The agent speaks first.
    pub(super) fn greets(&mut self) {
        self.reply = Reply::Pending;
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
            Happened::GoesOn { text } => {
                let question = together(&self.unanswered, &text);
                match self.guess.as_ref() {
                    Some(guess) if !text.is_empty() && *guess != question => self.drop_guess(),
                    _ => Vec::new(),
                }
            }
            Happened::Transcribed { turn, text } => self.transcribed(turn, text),
            Happened::MustStop { turn, may_resume } => self.must_stop(turn, may_resume),
            Happened::NothingMore => self.nothing_more(),
            Happened::ToldToStop => self.told_to_stop(),
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

    fn must_stop(&mut self, turn: TurnId, may_resume: bool) -> Vec<Do> {
        let mut all = self.hearing.iter_mut().chain(&mut self.transcribing);
        let over_agent = all.find(|utterance| utterance.turn == turn && utterance.over_agent);
        let Some(utterance) = over_agent else {
            return Vec::new();
        };
        let (reply, stop) = match (self.reply, may_resume) {
            (Reply::Audible, true) => (Reply::Held, Do::HoldReply),
            (Reply::Audible, false) => (Reply::None, Do::DropReply(ReplyEnd::Stopped)),
            // Another sound made it stop, perhaps for nothing; this one did ask for it.
            (Reply::Held, false) => (Reply::None, Do::LetGo),
            _ => return Vec::new(),
        };
        utterance.over_agent = false;
        self.reply = reply;
        vec![stop, Do::EndOverlap(turn)]
    }

    /// What is being said has the floor from now on. A question whose answer was not heard stays one.
    fn told_to_stop(&mut self) -> Vec<Do> {
        let stop = match std::mem::replace(&mut self.reply, Reply::None) {
            Reply::None => return Vec::new(),
            Reply::Held => Do::LetGo,
            Reply::Pending | Reply::Audible => Do::DropReply(ReplyEnd::Stopped),
        };
        let over_agent = self.hearing.as_mut().filter(|heard| heard.over_agent);
        let ended = over_agent.map(|heard| {
            heard.over_agent = false;
            Do::EndOverlap(heard.turn)
        });
        [stop].into_iter().chain(ended).collect()
    }

    /// Whether something that was said is still to be understood.
    pub(super) fn is_understanding(&self) -> bool {
        self.transcribing.iter().any(|said| !said.over_agent)
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
#[path = "test_turn.rs"]
mod tests;
