//! What becomes of what a caller's client decides.

use super::Conversation;
use crate::event::{EndpointCause, TurnId};
use crate::pipeline::control::{Control, Refuse};
use crate::pipeline::turn::Happened;
use std::sync::Arc;

/// Replies that are asked for one by one, by a client that also ends the caller's turns.
#[derive(Default)]
pub(super) struct OnRequest {
    /// Whether the client decides.
    pub(super) is_on: bool,
    /// What may be replied to.
    pub(super) question: Option<(TurnId, Arc<str>, bool)>,
    /// A reply is wanted as soon as what was said is understood.
    wanted: Option<Refuse>,
}

impl Conversation<'_> {
    pub(super) fn told(&mut self, what: Control) {
        match what {
            Control::CallerEndsTurns(is_on) => self.on_request.is_on = is_on,
            Control::Commit(refuse) => match self.utterance.is_some() {
                true => self.commit(EndpointCause::Told),
                false => refuse(),
            },
            Control::Respond(refuse) => self.respond(refuse),
            Control::Stop => {
                if self.agent.has_reply() {
                    let todo = self.floor.happened(Happened::ToldToStop);
                    self.carry_out(todo);
                }
            }
        }
    }

    fn respond(&mut self, refuse: Refuse) {
        match self.on_request.question.take() {
            Some((turn, question, interrupts)) => self.agent.reply(turn, question, interrupts),
            None if self.floor.is_understanding() => self.on_request.wanted = Some(refuse),
            None => refuse(),
        }
    }

    /// Replies to a question, now or when that is asked for.
    pub(super) fn reply_to(&mut self, turn: TurnId, question: Arc<str>, interrupts: bool) {
        match self.on_request.is_on && self.on_request.wanted.take().is_none() {
            true => self.on_request.question = Some((turn, question, interrupts)),
            false => self.agent.reply(turn, question, interrupts),
        }
    }

    /// There is nothing to reply to in what was said.
    pub(super) fn no_reply(&mut self) {
        if !self.floor.is_understanding()
            && let Some(refuse) = self.on_request.wanted.take()
        {
            refuse();
        }
    }
}
