//! Engines that conversations share: servers with slots, and requests that wait for one in the order in
//! which they came.
//!
//! Only simulated engines stand in a pool: a real one has its own queue, which is measured.

mod limit;
mod servers;
#[cfg(test)]
mod test_theory;

use crate::clock::Clock;
use crate::event::{StageName, Tick, nanos};
use crate::scenario::pool;
use crate::stage::{Again, StageError, Watched};
use limit::Limit;
use servers::{Servers, Taken};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::ops::Range;
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::Duration;

/// The pools of a world, by stage.
#[derive(Default)]
pub struct Pools {
    all: Vec<(StageName, Rc<Pool>)>,
}

/// Servers of one stage.
pub struct Pool {
    name: StageName,
    clock: Clock,
    queue_max: usize,
    batch_size: u32,
    batch_wait: Duration,
    window: Range<Tick>,
    servers: RefCell<Servers>,
    limit: RefCell<Option<Limit>>,
    waiting: RefCell<VecDeque<Rc<Request>>>,
    /// The batch that still has room, while it waits for more requests.
    filling: RefCell<Option<Rc<Batch>>>,
    /// When the server that was ordered begins to work; `None` if none was ordered.
    ordered: Watched<Option<Tick>>,
    asked: RefCell<Asked>,
}

/// A request that waits for a slot.
#[derive(Default)]
struct Request {
    granted: RefCell<Option<Slot>>,
    waker: RefCell<Option<Waker>>,
}

/// Requests that a slot serves at once.
struct Batch {
    taken: Taken,
    /// Requests that are in the batch now; `joined` counts all that ever were.
    members: Cell<u32>,
    joined: Cell<u32>,
    begins: Tick,
    is_full: Watched<bool>,
}

/// A place in a slot, until it is dropped.
pub struct Slot {
    pool: Rc<Pool>,
    batch: Rc<Batch>,
}

/// Counts of what a pool was asked for within the time that is measured. Spans are in microseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Asked {
    pub requests: u64,
    /// Requests refused because too many waited.
    pub refused_full: u64,
    /// Requests refused because of the rate limit.
    pub refused_rate: u64,
    pub waiting_max: u64,
    /// How long slots would work on all requests that the rate limit let in.
    pub work_us: u64,
    /// The time that slots were busy, summed over slots; `slots_us` is the time that they were there.
    pub busy_us: u64,
    pub slots_us: u64,
    /// Slots that there can be at most.
    pub slots_max: u64,
}

impl Pools {
    /// The pools of a world whose time is `clock`'s. Requests are counted within `window`.
    pub fn of(pools: &pool::Pools, clock: &Clock, window: &Range<Tick>) -> Pools {
        let ready = |(stage, pool)| (stage, Rc::new(Pool::new(stage, pool, clock, window)));
        Pools {
            all: pools.by_stage().map(ready).collect(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    pub fn of_stage(&self, name: StageName) -> Option<&Rc<Pool>> {
        let found = self.all.iter().find(|(stage, _)| *stage == name);
        found.map(|(_, pool)| pool)
    }

    /// Puts servers that were ordered to work when it is time; never returns.
    pub async fn tend(&self) -> std::convert::Infallible {
        let tending = self.all.iter().map(|(_, pool)| Box::pin(pool.tend()));
        let mut tending: Vec<_> = tending.collect();
        poll_fn(|context| {
            for pool in &mut tending {
                let _ = pool.as_mut().poll(context);
            }
            Poll::Pending
        })
        .await
    }

    /// What each pool was asked for until now.
    pub fn asked(&self) -> impl Iterator<Item = (StageName, Asked)> {
        self.all.iter().map(|(name, pool)| (*name, pool.asked()))
    }
}

impl Pool {
    fn new(name: StageName, pool: &pool::Pool, clock: &Clock, window: &Range<Tick>) -> Pool {
        let limit = pool
            .requests_per_minute
            .map(|rate| Limit::new(rate, pool.burst));
        Pool {
            name,
            clock: clock.clone(),
            queue_max: pool.queue.map_or(usize::MAX, |queue| queue as usize),
            batch_size: pool.batch,
            batch_wait: Duration::from_secs_f64(pool.batch_wait_ms / 1e3),
            window: window.clone(),
            servers: RefCell::new(Servers::new(pool, window.clone())),
            limit: RefCell::new(limit),
            waiting: RefCell::default(),
            filling: RefCell::default(),
            ordered: Watched::default(),
            asked: RefCell::default(),
        }
    }

    /// Waits for a slot, in the order of asking. The work that is to be done in it takes `span`. Dropping
    /// the future leaves the queue.
    ///
    /// # Errors
    /// Too many wait already, or the rate limit is exceeded.
    pub async fn slot(self: &Rc<Self>, span: Duration) -> Result<Slot, StageError> {
        let now = self.clock.now();
        let is_counted = self.window.contains(&now);
        let mut uncounted = Asked::default();
        let slot = {
            let mut asked = self.asked.borrow_mut();
            let asked = if is_counted {
                &mut *asked
            } else {
                &mut uncounted
            };
            asked.requests += 1;
            if let Some(limit) = &mut *self.limit.borrow_mut()
                && !limit.lets_through(now)
            {
                asked.refused_rate += 1;
                return Err(self.refused("its rate limit is exceeded (429)"));
            }
            // A slot does this for a whole batch at once.
            asked.work_us += nanos(span) / 1_000 / u64::from(self.batch_size);
            let slot = self.free_slot(now);
            if slot.is_none() {
                let mut waiting = self.waiting.borrow_mut();
                if waiting.len() >= self.queue_max {
                    asked.refused_full += 1;
                    return Err(self.refused("all its slots are busy and its queue is full (503)"));
                }
                waiting.push_back(Rc::default());
                asked.waiting_max = asked.waiting_max.max(waiting.len() as u64);
            }
            slot
        };
        let slot = match slot {
            Some(slot) => slot,
            None => self.wait(now).await,
        };
        slot.begins().await;
        Ok(slot)
    }

    fn refused(&self, why: &str) -> StageError {
        StageError::Refused {
            error: format!("the pool of {} refuses: {why}", self.name.name()),
            again: Again::NotBefore(Duration::ZERO),
        }
    }

    /// A free slot, or room in a batch; `None` if there is none, or if others wait for one already.
    fn free_slot(self: &Rc<Self>, now: Tick) -> Option<Slot> {
        if !self.waiting.borrow().is_empty() {
            return None;
        }
        self.join_or_open(now)
    }

    fn join_or_open(self: &Rc<Self>, now: Tick) -> Option<Slot> {
        let mut filling = self.filling.borrow_mut();
        let batch = match filling
            .take()
            .filter(|batch| batch.has_room(self.batch_size, now))
        {
            Some(batch) => batch,
            None => Rc::new(Batch {
                taken: self.servers.borrow_mut().take(now)?,
                members: Cell::new(0),
                joined: Cell::new(0),
                begins: match self.batch_size {
                    1 => now,
                    _ => now + self.batch_wait,
                },
                is_full: Watched::default(),
            }),
        };
        batch.members.set(batch.members.get() + 1);
        batch.joined.set(batch.joined.get() + 1);
        if batch.joined.get() < self.batch_size {
            *filling = Some(batch.clone());
        } else if self.batch_size > 1 {
            batch.is_full.set(true);
        }
        Some(Slot {
            pool: Rc::clone(self),
            batch,
        })
    }

    /// Waits at the end of the queue, where the request stands already.
    async fn wait(self: &Rc<Self>, now: Tick) -> Slot {
        let request = self.waiting.borrow().back().cloned().unwrap_or_default();
        let place = Place {
            pool: self,
            request: request.clone(),
        };
        self.order(now);
        let slot = poll_fn(|context| match request.granted.take() {
            Some(slot) => Poll::Ready(slot),
            None => {
                *request.waker.borrow_mut() = Some(context.waker().clone());
                Poll::Pending
            }
        })
        .await;
        drop(place);
        slot
    }

    fn order(&self, now: Tick) {
        let mut servers = self.servers.borrow_mut();
        servers.order(self.waiting.borrow().len(), now);
        if servers.ordered() != self.ordered.get() {
            self.ordered.set(servers.ordered());
        }
    }

    /// Serves those that wait, as far as slots are free.
    fn serve(self: &Rc<Self>) {
        let now = self.clock.now();
        while !self.waiting.borrow().is_empty() {
            let Some(slot) = self.join_or_open(now) else {
                return;
            };
            let request = self.waiting.borrow_mut().pop_front();
            if let Some(request) = request {
                *request.granted.borrow_mut() = Some(slot);
                if let Some(waker) = request.waker.take() {
                    waker.wake();
                }
            }
        }
    }

    async fn tend(self: &Rc<Self>) {
        loop {
            self.ordered.until(|at| at.is_some()).await;
            if let Some(at) = self.ordered.get() {
                self.clock.sleep_until(at).await;
            }
            let now = self.clock.now();
            self.servers.borrow_mut().add(now);
            self.ordered.set(None);
            self.serve();
            self.order(now);
        }
    }

    fn asked(&self) -> Asked {
        let mut servers = self.servers.borrow_mut();
        // Servers are there to the end of the time that is measured, also when the last call ended before.
        servers.count(self.clock.now().max(self.window.end));
        let (busy_ns, slots_ns) = servers.busy_and_there();
        let us = |ns: u128| u64::try_from(ns / 1_000).unwrap_or(u64::MAX);
        Asked {
            busy_us: us(busy_ns),
            slots_us: us(slots_ns),
            slots_max: servers.slots_max(),
            ..*self.asked.borrow()
        }
    }
}

/// A place in the queue. Dropping it leaves the queue.
struct Place<'a> {
    pool: &'a Rc<Pool>,
    request: Rc<Request>,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut waiting = self.pool.waiting.borrow_mut();
        waiting.retain(|request| !Rc::ptr_eq(request, &self.request));
    }
}

impl Batch {
    fn has_room(&self, size: u32, now: Tick) -> bool {
        let is_alive = self.members.get() > 0;
        // A batch that begins now still takes a request that comes now.
        is_alive && self.joined.get() < size && now <= self.begins
    }
}

impl Slot {
    /// Waits until the batch is full or has waited long enough, and its server works.
    async fn begins(&self) {
        let Slot { pool, batch } = self;
        if pool.clock.now() < batch.begins {
            tokio::select! {
                biased;
                () = batch.is_full.until(|is| is) => {}
                () = pool.clock.sleep_until(batch.begins) => {}
            }
        }
        pool.clock.sleep_until(batch.taken.works_from).await;
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let members = self.batch.members.get() - 1;
        self.batch.members.set(members);
        if members == 0 {
            let now = self.pool.clock.now();
            self.pool
                .servers
                .borrow_mut()
                .free(self.batch.taken.server, now);
            self.pool.serve();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn pool(clock: &Clock, pool: &pool::Pool) -> Rc<Pool> {
        let window = Tick::ZERO..Tick::from_ms(60_000);
        Rc::new(Pool::new(StageName::Answer, pool, clock, &window))
    }

    /// Asks at a time for work of `span_ms`, and gives up at `given_up_ms`; returns when the work began.
    async fn ask(pool: &Rc<Pool>, at_ms: u64, span_ms: u64, given_up_ms: u64) -> Option<Tick> {
        let clock = &pool.clock;
        clock.sleep_until(Tick::from_ms(at_ms)).await;
        let work = async {
            let _slot = pool.slot(ms(span_ms)).await.ok()?;
            let begun = clock.now();
            clock.sleep_until(begun + ms(span_ms)).await;
            Some(begun)
        };
        tokio::select! {
            biased;
            begun = work => begun,
            () = clock.sleep_until(Tick::from_ms(given_up_ms)) => None,
        }
    }

    #[test]
    fn what_is_given_up_frees_its_slot_or_leaves_the_queue() {
        let clock = Clock::virtual_time(1);
        let pool = pool(&clock, &pool::Pool::default());
        let never = u64::MAX / 1_000_000;
        let all = async {
            tokio::join!(
                biased;
                ask(&pool, 0, 1_000, 300),
                ask(&pool, 10, 1_000, 200),
                ask(&pool, 20, 500, never),
            )
        };
        let (_, waited_in_vain, third) = clock.block_on(all).expect("it ends");
        assert_eq!((waited_in_vain, third), (None, Some(Tick::from_ms(300))));
        let asked = pool.asked();
        assert_eq!((asked.requests, asked.work_us), (3, 2_500_000));
        assert_eq!(asked.busy_us, 800_000);
        assert_eq!((asked.slots_us, asked.waiting_max), (60_000_000, 2));
    }

    #[test]
    fn a_batch_begins_when_it_is_full_or_has_waited_and_ends_with_its_longest() {
        let clock = Clock::virtual_time(1);
        let batches = pool::Pool {
            batch: 2,
            batch_wait_ms: 50.0,
            ..pool::Pool::default()
        };
        let pool = pool(&clock, &batches);
        let never = u64::MAX / 1_000_000;
        let all = async {
            tokio::join!(
                biased;
                ask(&pool, 0, 100, never),
                ask(&pool, 20, 400, never),
                ask(&pool, 30, 100, never),
            )
        };
        let begun = clock.block_on(all).expect("it ends");
        let at = |ms| Some(Tick::from_ms(ms));
        // The third opens a batch when the longest of the first is over, and nobody joins.
        assert_eq!(begun, (at(20), at(20), at(470)));
    }
}
