//! Work that a server does, far away or on this machine: requests on a thread of their own.
//!
//! In real time what comes back is delivered when it comes, and giving a request up ends it: its
//! connection is closed. In virtual time the clock stands still while a request runs to its end or its
//! bound; then every item is delivered at the start and the wall time after which it came. Given up, such
//! a request is over already, and the server never knew.

use super::timeline::Timeline;
use super::{Clock, Kind, within};
use crate::event::{Cost, Tick, nanos};
use futures_util::{FutureExt, Stream, StreamExt};
use std::any::Any;
use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::panic::AssertUnwindSafe;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;
use tokio::runtime::{Builder, Handle};
use tokio::sync::{mpsc, oneshot};
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep_until};

/// Items that may wait to be taken: more than a spoken answer has, so that reading an answer never waits for
/// a voice, and it is known how fast the answer came.
const ITEMS_WAITING_MAX: usize = 4_096;

/// Runs requests. Dropping it ends those that are under way.
pub struct Remote {
    runtime: Handle,
    timeline: Option<Rc<Timeline>>,
    /// Ends the thread by being dropped.
    _stop: oneshot::Sender<()>,
}

/// How long a server may be silent.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// The most time from the request to the first item.
    pub first: Duration,
    /// The most time from one item to the next.
    pub next: Duration,
    /// The most time from the request to its end.
    pub all: Duration,
}

/// What comes of a request, in this order: any number of `Item`s, then `Done`, `TimedOut` or `Panicked`.
#[derive(Debug)]
pub enum Answered<T> {
    /// An item, and how long after the request it came.
    Item(Duration, T),
    /// The answer has come to its end; what the request took.
    Done(Cost),
    /// The server was silent for too long, and the request is given up.
    TimedOut(Silence),
    /// Reading the answer panicked, with this message; the next request finds everything as it was.
    Panicked(String),
}

/// Which patience was at its end, and how long it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Silence {
    /// [`Patience::first`]: no item came.
    First(Duration),
    /// [`Patience::next`]: no item came after an earlier one.
    Next(Duration),
    /// [`Patience::all`]: the request did not come to its end.
    All(Duration),
}

impl Clock {
    /// A thread for requests to a server.
    ///
    /// # Errors
    /// If there is no thread or no runtime to be had.
    pub fn remote(&self, name: &str) -> io::Result<Remote> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel::<()>();
        thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || {
                // Nothing is ever sent: the wait ends with the sender.
                _ = runtime.block_on(stopped);
                // A name that is still being looked up is not waited for.
                runtime.shutdown_background();
            })?;
        Ok(Remote {
            runtime: handle,
            timeline: match &self.0 {
                Kind::Real(_) => None,
                Kind::Virtual(lane) => Some(Rc::clone(lane.timeline())),
            },
            _stop: stop,
        })
    }
}

impl Remote {
    /// Begins a request whose items come out of `items`. Dropping the request gives it up.
    pub fn request<T, S>(&self, patience: Patience, items: S) -> Request<T>
    where
        T: Send + 'static,
        S: Stream<Item = T> + Send + 'static,
    {
        let (sender, receiver) = mpsc::channel(ITEMS_WAITING_MAX);
        let task = self.runtime.spawn(run(items, patience, sender));
        Request {
            items: receiver,
            task: task.abort_handle(),
            replay: self.timeline.as_ref().map(|timeline| Replay {
                timeline: Rc::clone(timeline),
                start: timeline.now(),
                came: None,
            }),
        }
    }

    /// Runs a future to its end while everything else stands still; `None` if that takes longer than
    /// `longest`.
    pub fn wait_for<T: Send + 'static>(
        &self,
        longest: Duration,
        future: impl Future<Output = T> + Send + 'static,
    ) -> Option<T> {
        let task = self
            .runtime
            .spawn(async move { within(longest, future).await });
        parked_until(task).ok()?
    }
}

/// A request under way.
pub struct Request<T> {
    items: mpsc::Receiver<(Duration, Answered<T>)>,
    task: AbortHandle,
    /// The items and their times in virtual time; `None` in real time.
    replay: Option<Replay<T>>,
}

struct Replay<T> {
    timeline: Rc<Timeline>,
    start: Tick,
    /// All that came of the request; `None` before the first look.
    came: Option<VecDeque<(Duration, Answered<T>)>>,
}

impl<T> Request<T> {
    /// What comes of the request next; `None` behind the end. Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<Answered<T>> {
        let Some(replay) = &mut self.replay else {
            return self.items.recv().await.map(|(_, item)| item);
        };
        let came = replay.came.get_or_insert_with(|| {
            let mut all = VecDeque::new();
            while let Some(item) = parked_until(self.items.recv()) {
                all.push_back(item);
            }
            all
        });
        let (after, _) = came.front()?;
        replay.timeline.sleep_until(replay.start + *after).await;
        came.pop_front().map(|(_, item)| item)
    }
}

impl<T> Drop for Request<T> {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Takes items as they come, and hands them on with the time after which they came.
async fn run<T>(
    items: impl Stream<Item = T>,
    patience: Patience,
    sender: mpsc::Sender<(Duration, Answered<T>)>,
) {
    let mut items = pin!(items);
    let begun = Instant::now();
    let end = begun + patience.all;
    let mut silence = Silence::First(patience.first);
    loop {
        let (Silence::First(span) | Silence::Next(span) | Silence::All(span)) = silence;
        let deadline = (Instant::now() + span).min(end);
        let came = tokio::select! {
            biased;
            // A server that never pauses is bounded too.
            () = std::future::ready(()), if Instant::now() >= end => Err(end),
            // What comes at the last moment is in time.
            item = AssertUnwindSafe(items.next()).catch_unwind() => Ok(item),
            () = sleep_until(deadline) => Err(deadline),
        };
        let after = begun.elapsed();
        let answered = match came {
            Ok(Err(panic)) => Answered::Panicked(message_of(&*panic)),
            Ok(Ok(Some(item))) => Answered::Item(after, item),
            Ok(Ok(None)) => Answered::Done(Cost {
                wall_ns: nanos(after),
                ..Cost::default()
            }),
            Err(deadline) if deadline == end => Answered::TimedOut(Silence::All(patience.all)),
            Err(_) => Answered::TimedOut(silence),
        };
        let goes_on = matches!(answered, Answered::Item(..));
        let is_wanted = sender.send((after, answered)).await.is_ok();
        if !(goes_on && is_wanted) {
            return;
        }
        silence = Silence::Next(patience.next);
    }
}

/// What a panic said.
fn message_of(panic: &(dyn Any + Send)) -> String {
    let words = panic.downcast_ref::<&str>().copied();
    let words = words.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    words.unwrap_or("no message").to_owned()
}

/// Holds this thread up until the future is done. Unlike a runtime's own way it may be used anywhere.
fn parked_until<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut future: Pin<&mut F> = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
        thread::park();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::stream;

    const LONG: Duration = Duration::from_secs(600);

    const ENDLESS: Patience = Patience {
        first: LONG,
        next: LONG,
        all: LONG,
    };

    /// An item after each of these waits, in milliseconds; the last one never ends.
    fn items(waits: Vec<u64>) -> impl Stream<Item = usize> + Send + 'static {
        stream::iter(waits.into_iter().enumerate()).then(async |(index, ms)| {
            tokio::time::sleep(Duration::from_millis(ms)).await;
            index
        })
    }

    /// All that comes of a request, with the ticks at which it comes.
    async fn all(clock: &Clock, mut request: Request<usize>) -> Vec<(Tick, Answered<usize>)> {
        let mut all = Vec::new();
        while let Some(answered) = request.next().await {
            all.push((clock.now(), answered));
        }
        all
    }

    #[test]
    fn on_either_clock_items_come_when_they_came_and_then_the_end() {
        for clock in [Clock::real(1), Clock::virtual_time(1)] {
            let remote = clock.remote("test").expect("a thread");
            clock.start();
            let came = clock
                .block_on(all(&clock, remote.request(ENDLESS, items(vec![5, 0, 20]))))
                .expect("it ends");
            let [(first, Answered::Item(after, 0)), second, third, done] = came.as_slice() else {
                panic!("three items and an end, not {came:?}");
            };
            assert!(*after >= Duration::from_millis(5));
            assert!(*first >= Tick::from_ms(5) && second.0 <= third.0);
            assert!(third.0 >= Tick::from_ms(25));
            assert!(matches!(done.1, Answered::Done(cost) if cost.wall_ns >= 25_000_000));
            if clock.name() == "virtual" {
                assert_eq!(*first, Tick::ZERO + *after);
            }
        }
    }

    #[test]
    fn in_virtual_time_the_others_go_on_while_an_item_is_on_its_way() {
        let clock = Clock::virtual_time(1);
        let remote = clock.remote("test").expect("a thread");
        let passes = async {
            for ms in 1..=4 {
                clock.sleep_until(Tick::from_ms(ms)).await;
            }
            clock.now()
        };
        let request = all(&clock, remote.request(ENDLESS, items(vec![30])));
        let (came, passed) = clock
            .block_on(async { tokio::join!(biased; request, passes) })
            .expect("it ends");
        assert_eq!(passed, Tick::from_ms(4));
        assert!(came[0].0 > passed);
    }

    #[test]
    fn whoever_is_silent_for_too_long_is_given_up() {
        let ms = Duration::from_millis;
        let patience = |first, next, all| Patience { first, next, all };
        for (patience, waits, expected) in [
            (
                patience(ms(5), LONG, LONG),
                vec![600_000],
                Silence::First(ms(5)),
            ),
            (
                patience(LONG, ms(5), LONG),
                vec![0, 600_000],
                Silence::Next(ms(5)),
            ),
            (
                patience(LONG, LONG, ms(20)),
                vec![0, 600_000],
                Silence::All(ms(20)),
            ),
            (
                patience(LONG, LONG, ms(20)),
                vec![1; 10_000],
                Silence::All(ms(20)),
            ),
        ] {
            let clock = Clock::virtual_time(1);
            let remote = clock.remote("test").expect("a thread");
            let request = remote.request(patience, items(waits));
            let came = clock.block_on(all(&clock, request)).expect("it ends");
            let last = came.last().map(|(_, answered)| answered);
            assert!(
                matches!(last, Some(Answered::TimedOut(silence)) if *silence == expected),
                "{came:?}"
            );
        }
    }

    #[test]
    fn in_real_time_giving_a_request_up_ends_it() {
        let clock = Clock::real(1);
        let remote = clock.remote("test").expect("a thread");
        let (alive, mut ended) = mpsc::channel::<()>(1);
        let forever = stream::once(async move {
            std::future::pending::<()>().await;
            drop(alive);
            0
        });
        let mut request = remote.request(ENDLESS, forever);
        clock
            .block_on(async {
                tokio::select! {
                    biased;
                    _ = request.next() => panic!("nothing comes"),
                    () = std::future::ready(()) => {}
                }
                drop(request);
                assert_eq!(ended.recv().await, None);
            })
            .expect("it ends");
    }

    #[test]
    fn an_answer_whose_reading_panics_is_told_and_the_next_one_is_read() {
        for clock in [Clock::real(1), Clock::virtual_time(1)] {
            let remote = clock.remote("test").expect("a thread");
            let panics = stream::once(async { panic!("on purpose") });
            let told = all(&clock, remote.request(ENDLESS, panics));
            let told = clock.block_on(told).expect("it ends");
            let [(_, Answered::Panicked(what))] = told.as_slice() else {
                panic!("a panic that is told, not {told:?}");
            };
            assert_eq!(what, "on purpose");
            let next = all(&clock, remote.request(ENDLESS, items(vec![0])));
            let next = clock.block_on(next).expect("it ends");
            assert!(matches!(next[0], (_, Answered::Item(_, 0))));
        }
    }

    #[test]
    fn a_wait_is_bounded() {
        let clock = Clock::virtual_time(1);
        let remote = clock.remote("test").expect("a thread");
        assert_eq!(remote.wait_for(LONG, async { 7 }), Some(7));
        let never = std::future::pending::<()>();
        assert_eq!(remote.wait_for(Duration::from_millis(5), never), None);
    }
}
