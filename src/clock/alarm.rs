//! A deadline that is moved about.

use super::{Clock, timeline};
use crate::event::Tick;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// Rings at one deadline at a time, in virtual time behind everything else that is due then. Setting it to
/// the deadline it has costs nothing, so it can be set anew whenever something happened.
pub struct Alarm {
    clock: Clock,
    deadline: Option<Tick>,
    wait: Wait,
}

enum Wait {
    Nothing,
    Deadline(Sleep),
    /// The deadline has come, and everything else that is due then goes first.
    Others(Sleep),
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
    /// An alarm that is not set.
    pub fn new(clock: Clock) -> Alarm {
        Alarm {
            clock,
            deadline: None,
            wait: Wait::Nothing,
        }
    }

    /// Has the alarm ring at `deadline`; never if `None`.
    pub fn set(&mut self, deadline: Option<Tick>) {
        if self.deadline != deadline {
            self.deadline = deadline;
            self.wait = match deadline {
                Some(at) => Wait::Deadline(self.clock.sleep(at)),
                None => Wait::Nothing,
            };
        }
    }

    /// Waits until the alarm rings, which it does once for each time that it was set.
    pub async fn rings(&mut self) {
        poll_fn(|context| {
            if let Wait::Deadline(sleep) = &mut self.wait {
                ready!(Pin::new(sleep).poll(context));
                self.wait = self.clock.behind().map_or(Wait::Nothing, Wait::Others);
                if let Wait::Nothing = self.wait {
                    return Poll::Ready(());
                }
            }
            match &mut self.wait {
                Wait::Others(sleep) => Pin::new(sleep).poll(context),
                _ => Poll::Pending,
            }
        })
        .await;
        (self.deadline, self.wait) = (None, Wait::Nothing);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[test]
    fn it_rings_once_behind_what_else_is_due_then() {
        let clock = Clock::virtual_time(1);
        let done = Cell::new(0);
        let ring = async {
            let mut alarm = Alarm::new(clock.clone());
            alarm.set(Some(Tick(7)));
            alarm.set(Some(Tick(5)));
            alarm.rings().await;
            (clock.now(), done.get())
        };
        let other = async {
            for at in [3, 5] {
                clock.sleep_until(Tick(at)).await;
                done.set(at);
            }
        };
        let both = async { tokio::join!(biased; ring, other) };
        let (rung, ()) = clock.block_on(both).expect("it ends");
        assert_eq!(rung, (Tick(5), 5));
    }

    #[test]
    fn it_can_be_put_off_while_it_lets_others_go_first() {
        let clock = Clock::virtual_time(1);
        let mut alarm = Alarm::new(clock.clone());
        alarm.set(Some(Tick(5)));
        let rung = clock.block_on(async {
            tokio::select! {
                biased;
                () = alarm.rings() => {}
                () = clock.sleep_until(Tick(5)) => alarm.set(Some(Tick(9))),
            }
            alarm.rings().await;
            clock.now()
        });
        assert_eq!(rung.expect("it ends"), Tick(9));
    }
}
