//! A value that one part of a conversation shows to others, who wait for it to change.

use std::cell::{Cell, RefCell};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

/// A value that others wait for. It stays on one thread: a conversation is one task.
#[derive(Default)]
pub struct Watched<T> {
    value: Cell<T>,
    /// A place for each who waits: whom to wake, if they have not been woken since. Wakers are not compared to tell who
    /// waits already: two that wake the same task need not look alike.
    waiting: RefCell<Vec<Place>>,
}

#[derive(Default)]
enum Place {
    #[default]
    Free,
    Taken(Option<Waker>),
}

impl<T: Copy> Watched<T> {
    /// The value now.
    pub fn get(&self) -> T {
        self.value.get()
    }

    /// Changes the value, and wakes those who wait for it.
    pub fn set(&self, value: T) {
        self.value.set(value);
        for place in self.waiting.borrow_mut().iter_mut() {
            if let Place::Taken(waker) = place
                && let Some(waker) = waker.take()
            {
                waker.wake();
            }
        }
    }

    /// Waits until `is_such` holds for the value.
    pub async fn until(&self, is_such: impl Fn(T) -> bool + Unpin) {
        Wait {
            watched: self,
            is_such,
            place: None,
        }
        .await;
    }
}

/// Somebody who waits, and their place.
struct Wait<'a, T, F> {
    watched: &'a Watched<T>,
    is_such: F,
    place: Option<usize>,
}

impl<T: Copy, F: Fn(T) -> bool + Unpin> Future for Wait<'_, T, F> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        if (this.is_such)(this.watched.value.get()) {
            return Poll::Ready(());
        }
        let mut waiting = this.watched.waiting.borrow_mut();
        let place = *this.place.get_or_insert_with(|| {
            let free = waiting.iter().position(|it| matches!(it, Place::Free));
            free.unwrap_or_else(|| {
                waiting.push(Place::Free);
                waiting.len() - 1
            })
        });
        match &mut waiting[place] {
            Place::Taken(Some(waker)) => waker.clone_from(context.waker()),
            free => *free = Place::Taken(Some(context.waker().clone())),
        }
        Poll::Pending
    }
}

impl<T, F> Drop for Wait<'_, T, F> {
    fn drop(&mut self) {
        if let Some(place) = self.place {
            self.watched.waiting.borrow_mut()[place] = Place::Free;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::pin::pin;
    use std::sync::Arc;
    use std::task::Wake;

    struct Nobody;

    impl Wake for Nobody {
        fn wake(self: Arc<Self>) {}
    }

    /// A waker that looks like no other.
    fn waker() -> Waker {
        Waker::from(Arc::new(Nobody))
    }

    #[test]
    fn who_waits_is_kept_once_whatever_their_wakers_look_like() {
        let watched = Watched::<u32>::default();
        for _ in 0..10 {
            let mut waits = pin!(watched.until(|value| value == 1));
            for _ in 0..10 {
                let polled = waits.as_mut().poll(&mut Context::from_waker(&waker()));
                assert!(polled.is_pending());
            }
        }
        assert_eq!(watched.waiting.borrow().len(), 1);
        let mut waits = pin!(watched.until(|value| value == 1));
        watched.set(1);
        assert!(
            waits
                .as_mut()
                .poll(&mut Context::from_waker(&waker()))
                .is_ready()
        );
    }
}
