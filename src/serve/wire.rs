//! The connection to a caller, as everybody on this side of it uses it.

use crate::event::Event;
use crate::protocol::socket::Outgoing;
use crate::protocol::{FromCaller, Junk, Message, Refused, ToCaller};
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

    /// Says what is said before anything else.
    pub(crate) fn hello(&self) {
        let messages = self.protocol.borrow_mut().hello();
        self.send(messages);
    }

    /// The rate of the caller's sound, in Hz, if the caller need not say it.
    pub(super) fn caller_rate(&self) -> Option<u32> {
        self.protocol.borrow().caller_rate()
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

    /// Tells the caller what happened, as far as callers are told.
    pub(crate) fn tell(&self, event: &Event) {
        let messages = self.protocol.borrow_mut().event(event);
        self.send(messages);
    }

    /// Reads what the caller sent, and answers what is to be answered at once.
    pub(super) fn read(&self, message: Message) -> Result<Vec<FromCaller>, Junk> {
        let (events, answers) = self.protocol.borrow_mut().read(message)?;
        self.send(answers);
        Ok(events)
    }

    /// Tells the caller that something cannot be done that was asked for.
    pub(super) fn refuse(&self, what: Refused) {
        let messages = self.protocol.borrow_mut().refuse(what);
        self.send(messages);
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
