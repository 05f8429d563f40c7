//! The work on the reply that is on its way, beside the conversation: each goes on without the other being looked at.

use crate::clock::Branch;
use crate::event::ReplyEnd;
use crate::stage::Watched;
use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Work on a reply.
pub(super) type ReplyWork = Branch<'static, ReplyEnd>;

/// The work on one reply at a time, which goes on while it is polled.
#[derive(Default)]
pub(super) struct AtWork {
    work: RefCell<Option<ReplyWork>>,
    /// How the work ended, until somebody takes notice.
    ended: Watched<Option<ReplyEnd>>,
}

impl AtWork {
    /// Goes on with this work, in place of any other.
    pub(super) fn go_on(&self, work: ReplyWork) {
        self.ended.set(None);
        let before = self.work.borrow_mut().replace(work);
        // What is dropped may reach for this place.
        drop(before);
    }

    /// Takes the work away, to go on with it later; dropped, it is given up. `None` if there was none.
    pub(super) fn take(&self) -> Option<ReplyWork> {
        let ended = self.ended.get();
        self.ended.set(None);
        match ended {
            Some(end) => Some(Branch::new(async move { end })),
            None => self.work.borrow_mut().take(),
        }
    }

    /// Waits for the work to end, once for each that is gone on with.
    pub(super) async fn over(&self) -> ReplyEnd {
        loop {
            self.ended.until(|ended| ended.is_some()).await;
            if let Some(end) = self.ended.get() {
                self.ended.set(None);
                return end;
            }
        }
    }

    /// Does what can be done now; to be polled behind whoever hands work to it. Whoever polls is woken when there is more
    /// to do.
    pub(super) fn poll(&self, context: &mut Context<'_>) {
        let mut work = self.work.borrow_mut();
        if let Some(going_on) = work.as_mut()
            && let Poll::Ready(end) = Pin::new(going_on).poll(context)
        {
            *work = None;
            self.ended.set(Some(end));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::event::Tick;
    use std::future::poll_fn;
    use std::rc::Rc;

    /// Polls the work as long as `beside` goes on.
    fn run<T>(clock: &Clock, at_work: &AtWork, beside: impl Future<Output = T>) -> T {
        let mut beside = Box::pin(beside);
        let both = poll_fn(|context| {
            let polled = beside.as_mut().poll(context);
            at_work.poll(context);
            polled
        });
        clock.block_on(both).expect("it ends")
    }

    fn lasting(clock: &Clock, ms: u64) -> ReplyWork {
        let clock = clock.clone();
        Branch::new(async move {
            clock.sleep_until(Tick::from_ms(ms)).await;
            ReplyEnd::Completed
        })
    }

    #[test]
    fn each_work_ends_once() {
        let clock = Clock::virtual_time(1);
        let at_work = AtWork::default();
        let ends = run(&clock, &at_work, async {
            at_work.go_on(lasting(&clock, 5));
            let first = (at_work.over().await, clock.now());
            at_work.go_on(lasting(&clock, 9));
            [first, (at_work.over().await, clock.now())]
        });
        let at = |ms| (ReplyEnd::Completed, Tick::from_ms(ms));
        assert_eq!(ends, [at(5), at(9)]);
    }

    #[test]
    fn what_is_taken_away_rests_until_it_goes_on() {
        let clock = Clock::virtual_time(1);
        let at_work = Rc::new(AtWork::default());
        let over = run(&clock, &at_work, async {
            at_work.go_on(lasting(&clock, 5));
            clock.sleep_until(Tick::from_ms(1)).await;
            let work = at_work.take();
            clock.sleep_until(Tick::from_ms(20)).await;
            assert!(at_work.take().is_none());
            at_work.go_on(work.expect("work that is not over"));
            (at_work.over().await, clock.now())
        });
        assert_eq!(over, (ReplyEnd::Completed, Tick::from_ms(20)));
    }
}
