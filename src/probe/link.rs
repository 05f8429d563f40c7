//! The connection of a call, which may have to be made once more.

use crate::event::Tick;
use crate::protocol::ToAgent;
use crate::protocol::socket::{Came, Connection};
use std::pin::Pin;

/// A call that is being made: the agent, spoken to over a connection, or why there is none.
pub(crate) type Dialling<'a> =
    Pin<Box<dyn Future<Output = Result<(Box<dyn ToAgent>, Connection), String>> + 'a>>;

/// How an agent is called again whose connection broke off.
pub(crate) struct Redial<'a> {
    /// How often in a call, at most.
    pub retries: u32,
    /// Calls once more, after a wait: how often that was done, from one.
    pub dial: &'a dyn Fn(u32) -> Dialling<'a>,
}

/// The way to the agent.
pub(super) enum Link<'a> {
    Open(Connection),
    Dialling(Dialling<'a>),
    /// Nobody calls any more.
    Over,
}

/// What is new on the way to the agent.
pub(super) enum News {
    Came(Tick, Came),
    /// The agent was called again.
    Called(Result<(Box<dyn ToAgent>, Connection), String>),
}

impl Link<'_> {
    /// What comes next. Dropping the future loses nothing.
    pub(super) async fn next(&mut self) -> News {
        match self {
            Link::Open(connection) => {
                let (at, came) = connection.next().await;
                News::Came(at, came)
            }
            Link::Dialling(dialling) => {
                let called = dialling.await;
                *self = Link::Over;
                News::Called(called)
            }
            Link::Over => std::future::pending().await,
        }
    }

    /// What has come already.
    pub(super) fn waiting(&mut self) -> Option<(Tick, Came)> {
        match self {
            Link::Open(connection) => connection.waiting(),
            Link::Dialling(_) | Link::Over => None,
        }
    }
}
