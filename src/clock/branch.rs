//! A part of a task that is left alone until it was woken itself.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Wake, Waker};

/// A branch of a `join!` or `select!` that is polled only when it was woken itself. The macros poll every
/// branch whenever any of them was woken; with this, what happens in one part of a conversation costs the
/// others nothing.
pub struct Branch<'a, T> {
    future: Pin<Box<dyn Future<Output = T> + 'a>>,
    woken: Arc<Woken>,
    waker: Waker,
}

struct Woken {
    is: AtomicBool,
    /// The waker of the task that polls the branch.
    parent: OnceLock<Waker>,
    /// What stands in for this when another task has come to poll the branch.
    successor: OnceLock<Arc<Woken>>,
}

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if let Some(successor) = self.successor.get() {
            successor.wake_by_ref();
        } else if !self.is.swap(true, Ordering::AcqRel)
            && let Some(parent) = self.parent.get()
        {
            parent.wake_by_ref();
        }
    }
}

impl Woken {
    /// Counts as woken, since a branch is polled the first time without being woken.
    fn new() -> Woken {
        Woken {
            is: AtomicBool::new(true),
            parent: OnceLock::new(),
            successor: OnceLock::new(),
        }
    }
}

impl<'a, T> Branch<'a, T> {
    /// Wraps the future of a branch.
    pub fn new(future: impl Future<Output = T> + 'a) -> Branch<'a, T> {
        let woken = Arc::new(Woken::new());
        Branch {
            future: Box::pin(future),
            waker: Waker::from(woken.clone()),
            woken,
        }
    }
}

/// Whether two wakers are of one task. Clones of one waker may have tables of functions at different addresses, one for each
/// unit that the compiler made of the code, and then [`Waker::will_wake`] does not see it.
fn is_of_one_task(one: &Waker, other: &Waker) -> bool {
    one.will_wake(other) || (!one.data().is_null() && one.data() == other.data())
}

impl<T> Future for Branch<'_, T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        let this = &mut *self;
        let parent = context.waker();
        let known = this.woken.parent.get_or_init(|| parent.clone());
        if !is_of_one_task(known, parent) {
            // Whoever holds the old waker wakes the new parent from now on. What was woken meanwhile
            // is looked at: a branch that is new was woken.
            let woken = Arc::new(Woken::new());
            _ = woken.parent.set(parent.clone());
            _ = this.woken.successor.set(woken.clone());
            this.waker = Waker::from(woken.clone());
            this.woken = woken;
        }
        if !this.woken.is.swap(false, Ordering::AcqRel) {
            return Poll::Pending;
        }
        this.future
            .as_mut()
            .poll(&mut Context::from_waker(&this.waker))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::event::Tick;
    use std::cell::Cell;
    use std::future::poll_fn;

    #[test]
    fn it_is_polled_only_when_it_was_woken_itself() {
        let clock = Clock::virtual_time(1);
        let polled = Cell::new(0);
        let quiet = Branch::new(poll_fn(|_| {
            polled.set(polled.get() + 1);
            Poll::<()>::Pending
        }));
        let busy = async {
            for count in 1..=10 {
                clock.sleep_until(Tick(count)).await;
            }
        };
        let both = async {
            tokio::select! {
                biased;
                () = quiet => {}
                () = busy => {}
            }
        };
        clock.block_on(both).expect("it ends");
        assert_eq!(polled.get(), 1);
    }

    #[test]
    fn a_branch_that_is_handed_on_wakes_whoever_polls_it_now() {
        let clock = Clock::virtual_time(1);
        let mut sleeper = Branch::new(clock.sleep_until(Tick(5)));
        let done = clock.block_on(async {
            // It is polled once inside of another branch, which is given up then.
            let first = Branch::new(poll_fn(|context| {
                assert!(Pin::new(&mut sleeper).poll(context).is_pending());
                Poll::Ready(())
            }));
            first.await;
            Branch::new(&mut sleeper).await;
            clock.now()
        });
        assert_eq!(done.expect("it ends"), Tick(5));
    }

    #[test]
    fn branches_take_turns_as_if_they_were_not_there() {
        let clock = Clock::virtual_time(1);
        let order = std::cell::RefCell::new(Vec::new());
        let sleeper = |name: u64, every: u64| {
            let (clock, order) = (&clock, &order);
            Branch::new(async move {
                for count in 1..=3 {
                    clock.sleep_until(Tick(every * count)).await;
                    order.borrow_mut().push((name, clock.now().0));
                }
            })
        };
        let both = async { tokio::join!(biased; sleeper(1, 2), sleeper(2, 3)) };
        clock.block_on(both).expect("it ends");
        let expected = [(1, 2), (2, 3), (1, 4), (2, 6), (1, 6), (2, 9)];
        assert_eq!(*order.borrow(), expected);
    }
}
