//! A deadline that is moved about.

use super::{Clock, timeline};
use crate::event::Tick;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};

/// Rings at one deadline at a time. Setting it to the deadline it has costs nothing, so it can be set
/// anew whenever something happened.
pub struct Alarm {
    clock: Clock,
    deadline: Option<Tick>,
    sleep: Option<Sleep>,
}

/// A wait as a value, to be kept for a while.
pub(super) enum Sleep {
    Real(Pin<Box<dyn Future<Output = ()>>>),
    Virtual(timeline::Sleep),
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        match self.get_mut() {
            Sleep::Real(sleep) => sleep.as_mut().poll(context),
            Sleep::Virtual(sleep) => Pin::new(sleep).poll(context),
        }
    }
}

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
            Some(sleep) => Pin::new(sleep).poll(context),
            None => Poll::Pending,
        })
        .await;
        (self.deadline, self.sleep) = (None, None);
    }
}
