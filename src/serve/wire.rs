//! The connection to a caller, as everybody on this side of it uses it.

use crate::event::{Event, Mark, OutputNote, StageName};
use crate::protocol::socket::Outgoing;
use crate::protocol::{FromCaller, Junk, Message, ToCaller};
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// Says things to the caller.
pub(crate) struct Wire {
    protocol: RefCell<Box<dyn ToCaller>>,
    outgoing: Outgoing,
    /// The caller reads nothing any more.
    is_stalled: Cell<bool>,
}

impl Wire {
    pub(crate) fn new(protocol: Box<dyn ToCaller>, outgoing: Outgoing) -> Rc<Wire> {
        Rc::new(Wire {
            protocol: RefCell::new(protocol),
            outgoing,
            is_stalled: Cell::new(false),
        })
    }

    pub(crate) fn is_stalled(&self) -> bool {
        self.is_stalled.get()
    }

    /// The rate of the agent's sound, in Hz.
    pub(super) fn rate(&self) -> u32 {
        self.protocol.borrow().rate()
    }

    pub(super) fn sound(&self, samples: &[f32]) {
        let messages = self.protocol.borrow_mut().sound(samples);
        self.send(messages);
    }

    pub(super) fn clear(&self) {
        let messages = self.protocol.borrow_mut().clear();
        self.send(messages);
    }

    /// Tells the caller what was understood and what is said.
    pub(crate) fn tell(&self, event: &Event) {
        let Mark::Output { stage, note, .. } = &event.mark else {
            return;
        };
        let messages = match (stage, note) {
            (StageName::SpeechToText, OutputNote::Final { text, .. }) => {
                self.protocol.borrow_mut().heard(text)
            }
            (StageName::Clauses, OutputNote::Clause { text }) => {
                self.protocol.borrow_mut().said(text)
            }
            _ => return,
        };
        self.send(messages);
    }

    /// Reads what the caller sent, and answers what is to be answered at once.
    pub(super) fn read(&self, message: Message) -> Result<Vec<FromCaller>, Junk> {
        let (events, answers) = self.protocol.borrow_mut().read(message)?;
        self.send(answers);
        Ok(events)
    }

    pub(crate) fn goodbye(&self) {
        let messages = self.protocol.borrow_mut().goodbye();
        self.send(messages);
    }

    fn send(&self, messages: Vec<Message>) {
        for message in messages {
            if self.outgoing.send(message).is_err() {
                self.is_stalled.set(true);
            }
        }
    }
}
