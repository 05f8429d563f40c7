//! What a caller's client says to a session, besides what the caller says: for protocols in which the client decides.

use crate::stage::queue;
use std::future::pending;

/// Words of a client that may wait for the session.
pub(crate) const CONTROLS_WAITING_MAX: usize = 64;

/// Tells the client that what it asked for cannot be done.
pub(crate) type Refuse = Box<dyn FnOnce()>;

/// A word of a client.
pub(crate) enum Control {
    /// Whether the client says when a turn of the caller is over and when it wants a reply; else the session decides.
    CallerEndsTurns(bool),
    /// What was heard of the caller is a turn. Refused if nothing was.
    Commit(Refuse),
    /// A reply is wanted to what was heard. Refused if there is nothing to reply to, or a reply on its way.
    Respond(Refuse),
    /// The reply that is on its way is to end.
    Stop,
}

/// The next word of a client; waits for ever where there is none.
pub(super) async fn next(from: &mut Option<queue::Receiver<Control>>) -> Control {
    let next = match from {
        Some(from) => from.recv().await,
        None => None,
    };
    match next {
        Some(control) => control,
        None => pending().await,
    }
}
