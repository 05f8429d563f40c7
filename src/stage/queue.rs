//! A bounded queue between two parts of one conversation.
//!
//! A conversation is one task on one thread, so nothing here is locked: a simulated turn puts some forty
//! values into queues, and would spend a third of its time on the atomics of one that threads can share.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};

/// Puts values in. Clones put into the same queue.
pub struct Sender<T>(Rc<RefCell<Queue<T>>>);

/// Takes values out, in the order in which they were put in.
pub struct Receiver<T>(Rc<RefCell<Queue<T>>>);

struct Queue<T> {
    waiting: Waiting<T>,
    capacity: usize,
    senders: usize,
    is_received: bool,
    receiver: Option<Waker>,
    /// Senders that wait for room, in the order in which they came, each with its number. Wakers are not compared to tell
    /// who waits already: two that wake the same task need not look alike.
    full: VecDeque<(u64, Waker)>,
    /// Senders that have waited so far.
    waited: u64,
}

/// Values in their order. Most queues never hold more than one, which needs no room of its own.
struct Waiting<T> {
    first: Option<T>,
    /// Those behind the first; there are none without it.
    others: VecDeque<T>,
}

impl<T> Waiting<T> {
    const fn new() -> Waiting<T> {
        Waiting {
            first: None,
            others: VecDeque::new(),
        }
    }

    fn len(&self) -> usize {
        usize::from(self.first.is_some()) + self.others.len()
    }

    fn push_back(&mut self, value: T) {
        match self.first {
            None => self.first = Some(value),
            Some(_) => self.others.push_back(value),
        }
    }

    fn pop_front(&mut self) -> Option<T> {
        let first = self.first.take();
        self.first = self.others.pop_front();
        first
    }
}

/// The value was not put in, and is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the queue is full, or nobody receives any more")]
pub struct Refused;

/// A queue that holds up to `capacity` values.
pub fn channel<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    let queue = Rc::new(RefCell::new(Queue {
        waiting: Waiting::new(),
        capacity,
        senders: 1,
        is_received: true,
        receiver: None,
        full: VecDeque::new(),
        waited: 0,
    }));
    (Sender(queue.clone()), Receiver(queue))
}

impl<T> Sender<T> {
    /// Puts `value` in; waits while the queue is full. Fails if nobody receives. Dropping the future gives
    /// the value up.
    pub async fn send(&self, value: T) -> Result<(), Refused> {
        let mut value = Some(value);
        let mut own = None;
        poll_fn(|context| {
            let mut queue = self.0.borrow_mut();
            if !queue.is_received {
                return Poll::Ready(Err(Refused));
            }
            if queue.waiting.len() >= queue.capacity {
                queue.wait(&mut own, context.waker());
                return Poll::Pending;
            }
            if let Some(value) = value.take() {
                queue.put(value);
            }
            Poll::Ready(Ok(()))
        })
        .await
    }

    /// Puts `value` in at once. Fails if the queue is full, or nobody receives.
    pub fn try_send(&self, value: T) -> Result<(), Refused> {
        let mut queue = self.0.borrow_mut();
        if !queue.is_received || queue.waiting.len() >= queue.capacity {
            return Err(Refused);
        }
        queue.put(value);
        Ok(())
    }

    /// Whether nobody receives any more.
    pub fn is_closed(&self) -> bool {
        !self.0.borrow().is_received
    }
}

impl<T> Queue<T> {
    /// Has a sender, whose number is `own` if it has waited before, wait for room.
    fn wait(&mut self, own: &mut Option<u64>, waker: &Waker) {
        let number = *own.get_or_insert_with(|| {
            self.waited += 1;
            self.waited
        });
        match self.full.iter_mut().find(|(other, _)| *other == number) {
            Some((_, before)) => before.clone_from(waker),
            None => self.full.push_back((number, waker.clone())),
        }
    }

    fn wake_senders(&mut self) {
        while let Some((_, waker)) = self.full.pop_front() {
            waker.wake();
        }
    }

    fn put(&mut self, value: T) {
        self.waiting.push_back(value);
        if let Some(receiver) = self.receiver.take() {
            receiver.wake();
        }
    }
}

impl<T> Receiver<T> {
    /// The next value; `None` when the queue is empty and nobody sends any more. Dropping the future
    /// loses nothing.
    pub async fn recv(&mut self) -> Option<T> {
        poll_fn(|context| {
            let mut queue = self.0.borrow_mut();
            if let Some(value) = queue.waiting.pop_front() {
                queue.wake_senders();
                return Poll::Ready(Some(value));
            }
            if queue.senders == 0 {
                return Poll::Ready(None);
            }
            match &mut queue.receiver {
                Some(waker) => waker.clone_from(context.waker()),
                none => *none = Some(context.waker().clone()),
            }
            Poll::Pending
        })
        .await
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Sender<T> {
        self.0.borrow_mut().senders += 1;
        Sender(self.0.clone())
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        let mut queue = self.0.borrow_mut();
        queue.senders -= 1;
        if queue.senders == 0
            && let Some(receiver) = queue.receiver.take()
        {
            receiver.wake();
        }
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        let mut queue = self.0.borrow_mut();
        queue.is_received = false;
        let lost = std::mem::replace(&mut queue.waiting, Waiting::new());
        queue.wake_senders();
        // What is dropped may reach for this queue.
        drop(queue);
        drop(lost);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::event::Tick;

    fn run<T>(future: impl Future<Output = T>) -> T {
        Clock::virtual_time(1).block_on(future).expect("it ends")
    }

    #[test]
    fn values_come_out_in_order_and_then_nothing() {
        let (sender, mut receiver) = channel(2);
        let put = async move {
            for value in 0..5 {
                sender.send(value).await.expect("somebody receives");
            }
        };
        let take = async {
            let mut all = Vec::new();
            while let Some(value) = receiver.recv().await {
                all.push(value);
            }
            all
        };
        let ((), all) = run(async { tokio::join!(biased; put, take) });
        assert_eq!(all, [0, 1, 2, 3, 4]);
    }

    #[test]
    fn a_full_queue_makes_senders_wait_and_refuses_who_does_not() {
        let clock = Clock::virtual_time(1);
        let (sender, mut receiver) = channel(1);
        assert_eq!(sender.try_send(1), Ok(()));
        assert_eq!(sender.try_send(2), Err(Refused));
        let put = async {
            sender.send(3).await.expect("somebody receives");
            clock.now()
        };
        let take = async {
            clock.sleep_until(Tick(7)).await;
            receiver.recv().await
        };
        let both = clock.block_on(async { tokio::join!(biased; put, take) });
        assert_eq!(both.expect("it ends"), (Tick(7), Some(1)));
    }

    #[test]
    fn without_a_receiver_a_value_is_refused() {
        let (sender, receiver) = channel(1);
        assert!(!sender.is_closed());
        drop(receiver);
        assert!(sender.is_closed());
        assert_eq!(sender.try_send(1), Err(Refused));
        assert_eq!(run(sender.send(1)), Err(Refused));
    }

    #[test]
    fn the_last_sender_ends_it_also_for_one_who_waits() {
        let (sender, mut receiver) = channel::<u32>(1);
        let other = sender.clone();
        let clock = Clock::virtual_time(1);
        let leave = async {
            drop(sender);
            clock.sleep_until(Tick(5)).await;
            drop(other);
        };
        let both = clock.block_on(async { tokio::join!(biased; receiver.recv(), leave) });
        assert_eq!(both.expect("it ends").0, None);
    }
}
