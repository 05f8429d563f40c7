//! Virtual time: a small executor that goes from one timer to the next without waiting.
//!
//! Time stands still while code runs and jumps to the earliest timer when nothing is left to do.
//! Timers of one tick fire in the order in which they were set, one at a time, so a run without
//! measured durations repeats exactly. tokio's channels, `join!` and `select!` work on it; what
//! needs tokio's own timers or sockets does not.

use super::machine::Machine;
use super::queue::{Place, Queue};
use super::timers::{TimerId, Timers};
use super::worker::{is_worth_waiting, share};
use crate::event::Tick;
use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

/// A time that passes only when nothing is left to do. Its ticks count from its making.
pub(super) struct Timeline {
    now: Cell<Tick>,
    timers: RefCell<Timers>,
    cores: VirtualCores,
    /// Where jobs compute in truth.
    machine: Machine,
}

struct VirtualCores {
    total: u32,
    /// Jobs that are under way, also those that were given up.
    busy: RefCell<Vec<Busy>>,
    queue: Queue,
}

/// Cores that a job keeps busy until a known tick.
#[derive(Debug, Clone, Copy)]
pub(super) struct Busy {
    pub(super) until: Tick,
    pub(super) cores: u32,
    pub(super) is_brief: bool,
}

impl Timeline {
    pub(super) fn new(cores: u32) -> Timeline {
        Timeline {
            now: Cell::new(Tick::ZERO),
            timers: RefCell::default(),
            cores: VirtualCores {
                total: cores.max(1),
                busy: RefCell::new(Vec::new()),
                queue: Queue::default(),
            },
            machine: Machine::new(),
        }
    }

    pub(super) fn now(&self) -> Tick {
        self.now.get()
    }

    pub(super) fn sleep_until(self: &Rc<Self>, deadline: Tick) -> Sleep {
        Sleep {
            timeline: Rc::clone(self),
            deadline,
            waits_its_turn: false,
            timer: None,
        }
    }

    /// Waits until everything else that is due now has happened.
    pub(super) fn behind(self: &Rc<Self>) -> Sleep {
        Sleep {
            timeline: Rc::clone(self),
            deadline: self.now.get(),
            waits_its_turn: true,
            timer: None,
        }
    }

    /// Runs `future` to its end, jumping over the time in which it only waits. `None` if it waits
    /// for something that no timer will bring.
    pub(super) fn block_on<F: Future>(&self, future: F) -> Option<F::Output> {
        let mut future = pin!(future);
        let woken = Arc::new(Woken(AtomicBool::new(true)));
        let waker = Waker::from(Arc::clone(&woken));
        let mut context = Context::from_waker(&waker);
        loop {
            while woken.0.swap(false, Ordering::Relaxed) {
                if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
                    return Some(output);
                }
            }
            let (deadline, timer) = self.timers.borrow_mut().fire()?;
            self.now.set(self.now.get().max(deadline));
            timer.wake();
        }
    }

    pub(super) fn cores(&self) -> u32 {
        self.cores.total
    }

    /// The jobs that wait for cores.
    pub(super) fn queue(&self) -> &Queue {
        &self.cores.queue
    }

    pub(super) fn machine(&self) -> &Machine {
        &self.machine
    }

    /// Takes up to `wanted` free cores, and no more than other programs leave of the machine. Returns how
    /// many, and how many were busy; if none is free, `Err` with the tick at which one will be.
    pub(super) fn take_cores(&self, wanted: u32) -> Result<(u32, u32), Tick> {
        let (granted, taken) = self.free_cores(wanted)?;
        Ok((self.machine.room(granted), taken))
    }

    /// Up to `wanted` of the cores that no job keeps busy, whatever other programs leave of the machine, as simulated work
    /// takes them. Returns how many, and how many were busy; if none is free, or if a brief job is worth waiting for, `Err`
    /// with the tick at which to ask again.
    pub(super) fn free_cores(&self, wanted: u32) -> Result<(u32, u32), Tick> {
        let now = self.now.get();
        let total = self.cores.total;
        let mut busy = self.cores.busy.borrow_mut();
        busy.retain(|job| job.until > now);
        let taken: u32 = busy.iter().map(|job| job.cores).sum();
        let first = |jobs: &mut dyn Iterator<Item = &Busy>| jobs.map(|job| job.until).min();
        let brief = first(&mut busy.iter().filter(|job| job.is_brief));
        match (share(total, taken, wanted), brief) {
            (0, _) => Err(first(&mut busy.iter()).unwrap_or(now)),
            (granted, Some(until)) if is_worth_waiting(granted, total, wanted) => Err(until),
            (granted, _) => Ok((granted, taken)),
        }
    }

    /// Waits until a worker that is busy until then is free and `take` finds cores, as [`Timeline::take_cores`] and
    /// [`Timeline::free_cores`] do; returns what it found. Whoever waits comes before those who come as cores are free.
    pub(super) async fn wait_for_cores(
        self: &Rc<Self>,
        busy_until: &Cell<Tick>,
        take: impl Fn(&Timeline) -> Result<(u32, u32), Tick>,
    ) -> (u32, u32) {
        let mut place: Option<Place> = None;
        loop {
            let now = self.now();
            let free_at = if busy_until.get() > now {
                busy_until.get()
            } else if let Some(turn) = self.queue().turn_before(place.as_ref(), now) {
                turn
            } else {
                match take(self) {
                    Ok(taken) => return taken,
                    Err(free_at) => free_at,
                }
            };
            let place = place.get_or_insert_with(|| Place::behind_all(self));
            self.sleep_until(place.takes_turn(free_at)).await;
        }
    }

    /// Has a job keep cores busy.
    pub(super) fn keep_cores(&self, job: Busy) {
        self.cores.busy.borrow_mut().push(job);
    }
}

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Waits for a tick. It is over when its own timer has fired, not just when the time has come.
pub(super) struct Sleep {
    timeline: Rc<Timeline>,
    deadline: Tick,
    /// Whether it waits behind everything else that is due, even if the deadline has come.
    waits_its_turn: bool,
    /// The timer, once it is set, and the waker that it wakes.
    timer: Option<TimerId>,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let Sleep {
            timeline,
            deadline,
            waits_its_turn,
            timer,
        } = &mut *self;
        let Some(set) = *timer else {
            if *deadline <= timeline.now.get() && !*waits_its_turn {
                return Poll::Ready(());
            }
            let waker = context.waker().clone();
            *timer = Some(timeline.timers.borrow_mut().set(*deadline, waker));
            return Poll::Pending;
        };
        match timeline.timers.borrow_mut().waker(set) {
            None => Poll::Ready(()),
            Some(waker) => {
                waker.clone_from(context.waker());
                Poll::Pending
            }
        }
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(timer) = self.timer {
            self.timeline.timers.borrow_mut().cancel(timer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_passes_at_once_and_to_the_nanosecond() {
        let timeline = Rc::new(Timeline::new(1));
        let hour = Tick(3_600_000_000_001);
        let woke = timeline.block_on(async {
            timeline.sleep_until(hour).await;
            timeline.now()
        });
        assert_eq!(woke, Some(hour));
    }

    #[test]
    fn timers_of_one_tick_fire_in_the_order_they_were_set() {
        let timeline = Rc::new(Timeline::new(1));
        let order = RefCell::new(Vec::new());
        let sleeper = |name: &'static str, first: u64| {
            let (timeline, order) = (&timeline, &order);
            async move {
                timeline.sleep_until(Tick(first)).await;
                timeline.sleep_until(Tick(100)).await;
                order.borrow_mut().push(name);
            }
        };
        timeline.block_on(async {
            tokio::join!(biased; sleeper("set last", 30), sleeper("set first", 10), sleeper("set second", 20))
        });
        assert_eq!(order.into_inner(), ["set first", "set second", "set last"]);
    }

    #[test]
    fn a_dropped_timer_does_not_hold_time_up() {
        let timeline = Rc::new(Timeline::new(1));
        let now = timeline.block_on(async {
            tokio::select! {
                biased;
                () = timeline.sleep_until(Tick(5)) => {}
                () = timeline.sleep_until(Tick(1_000)) => {}
            }
            timeline.now()
        });
        assert_eq!(now, Some(Tick(5)));
        assert_eq!(timeline.timers.borrow().len(), 0);
    }

    #[test]
    fn waiting_for_what_cannot_come_ends() {
        let timeline = Timeline::new(1);
        assert_eq!(timeline.block_on(std::future::pending::<()>()), None);
    }
}
