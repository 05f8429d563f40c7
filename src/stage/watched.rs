//! A value that one part of a conversation shows to others, who wait for it to change.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::task::{Poll, Waker};

/// A value that others wait for. It stays on one thread: a conversation is one task.
#[derive(Default)]
pub struct Watched<T> {
    value: Cell<T>,
    waiting: RefCell<Vec<Waker>>,
}

impl<T: Copy> Watched<T> {
    /// The value now.
    pub fn get(&self) -> T {
        self.value.get()
    }

    /// Changes the value, and wakes those who wait for it.
    pub fn set(&self, value: T) {
        self.value.set(value);
        for waker in self.waiting.borrow_mut().drain(..) {
            waker.wake();
        }
    }

    /// Waits until `is_such` holds for the value.
    pub async fn until(&self, is_such: impl Fn(T) -> bool) {
        poll_fn(|context| {
            if is_such(self.value.get()) {
                return Poll::Ready(());
            }
            let mut waiting = self.waiting.borrow_mut();
            if !waiting.iter().any(|waker| waker.will_wake(context.waker())) {
                waiting.push(context.waker().clone());
            }
            Poll::Pending
        })
        .await;
    }
}
