//! A deadline that is moved about.

use super::Clock;
use crate::event::Tick;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

/// Rings at one deadline at a time. Setting it to the deadline it has costs nothing, so it can be set
/// anew whenever something happened.
pub struct Alarm {
    clock: Clock,
    deadline: Option<Tick>,
    sleep: Option<Sleep>,
}

pub(super) type Sleep = Pin<Box<dyn Future<Output = ()>>>;

impl Alarm {
    pub fn new(clock: Clock) -> Alarm {
        Alarm {
            clock,
            deadline: None,
            sleep: None,
        }
    }

    /// From now on it rings at `deadline`, or never.
    pub fn set(&mut self, deadline: Option<Tick>) {
        if self.deadline != deadline {
            self.deadline = deadline;
            self.sleep = deadline.map(|at| self.clock.sleep(at));
        }
    }

    /// Waits until it rings; once for each time that it was set.
    pub async fn rings(&mut self) {
        poll_fn(|context| match &mut self.sleep {
            Some(sleep) => sleep.as_mut().poll(context),
            None => Poll::Pending,
        })
        .await;
        (self.deadline, self.sleep) = (None, None);
    }
}
