//! The machine that jobs compute on, shared with other programs: how many threads it has room for, and
//! what others took of it while a job ran.

use super::room::{Room, Went};
use super::usage::{self, Spent, Usage, processors};
use crate::event::{Cost, nanos};
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Whoever has nothing to do looks at the machine so often, so that what is known is not old.
pub(super) const LOOKS_EVERY: Duration = Duration::from_millis(250);

/// What others did in a shorter time is not known well: the system counts in steps of 10 ms.
const SPAN_MIN: Duration = Duration::from_millis(100);
/// A span of about this length is taken if there is one: an editor that redraws for 50 ms is no load.
const SPAN: Duration = Duration::from_millis(400);
/// What was longer ago says nothing of now.
const SPAN_MAX: Duration = Duration::from_secs(2);

/// A job that took less of a processor than this only waited for a program of its own, whose time looks
/// like that of others.
const COMPUTES: f64 = 0.05;

/// It is not looked at before a job asks: simulations have many clocks, and compute nothing.
pub(super) struct Machine {
    origin: Instant,
    known: Mutex<Option<Known>>,
    #[cfg(test)]
    is_idle: bool,
}

struct Known {
    /// If the system tells.
    processors: Option<u32>,
    room: Room,
    /// Readings of the last [`SPAN_MAX`], some [`SPAN_MIN`] apart.
    looks: VecDeque<Usage>,
}

/// What a job was given.
#[derive(Debug, Clone, Copy)]
pub(super) struct Given {
    /// Threads that it could have used.
    pub(super) wanted: u32,
    pub(super) granted: u32,
    /// Threads that were busy with other jobs.
    pub(super) concurrent: u32,
}

impl Machine {
    pub(super) fn new() -> Machine {
        Machine {
            origin: Instant::now(),
            known: Mutex::new(None),
            #[cfg(test)]
            is_idle: false,
        }
    }

    /// One that nobody else is on.
    #[cfg(test)]
    pub(super) fn idle() -> Machine {
        Machine {
            is_idle: true,
            ..Machine::new()
        }
    }

    fn known(&self) -> MutexGuard<'_, Option<Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at what others do, unless somebody just did.
    pub(super) fn look(&self) {
        let mut known = self.known();
        let known = known.get_or_insert_with(Known::new);
        known.look(|| Usage::read(self.origin), self.origin.elapsed());
    }

    /// The most threads that a job may have now that wants `wanted`, at least one.
    pub(super) fn room(&self, wanted: u32) -> u32 {
        #[cfg(test)]
        if self.is_idle {
            return wanted;
        }
        if wanted <= 1 {
            return wanted;
        }
        let mut known = self.known();
        let known = known.get_or_insert_with(Known::new);
        let now = Usage::read(self.origin);
        if let Some(held) = known.lately(now).and_then(Spent::held) {
            known.room.sees(held);
        }
        known.look(|| now, now.at);
        known.room.threads(now.at).clamp(1, wanted)
    }

    /// Runs a job and measures what it takes, and what others take meanwhile.
    pub(super) fn timed(&self, given: Given, job: impl FnOnce()) -> Cost {
        let before = Usage::read(self.origin);
        let (begun, own) = (Instant::now(), usage::own());
        job();
        let (wall, own) = (begun.elapsed(), usage::own().saturating_sub(own));
        let after = Usage::read(self.origin);
        let spent = Spent {
            wall,
            own,
            others: after.since(before).others,
        };
        let mut known = self.known();
        let known = known.get_or_insert_with(Known::new);
        known.over(given, spent, after);
        Cost {
            wall_ns: nanos(wall),
            cpu_ns: nanos(own),
            threads: given.granted,
            concurrent: given.concurrent,
            others_ns: known
                .processors
                .and_then(|processors| taken(spent, given.wanted, processors))
                .map(nanos),
            ..Cost::default()
        }
    }
}

impl Known {
    fn new() -> Known {
        let processors = processors();
        let usable = std::thread::available_parallelism().map_or(1, usize::from);
        let usable = u32::try_from(usable).unwrap_or(u32::MAX);
        Known {
            processors,
            room: Room::new(usable, processors.unwrap_or(usable)),
            looks: VecDeque::new(),
        }
    }

    /// A job is over, and `now` was read behind it.
    fn over(&mut self, given: Given, spent: Spent, now: Usage) {
        if spent.own < spent.wall.mul_f64(COMPUTES) {
            self.looks.clear();
        } else {
            let threads = given.granted.max(1);
            let could = spent.wall.as_secs_f64() * f64::from(threads);
            let went = Went {
                threads,
                computed: spent.own.as_secs_f64() / could,
                held: spent.held(),
            };
            self.room.went(now.at, went);
        }
        self.look(|| now, now.at);
    }

    /// Keeps a reading of now, unless there is one of almost the same time.
    fn look(&mut self, read: impl FnOnce() -> Usage, now: Duration) {
        let is_recent = |last: &Usage| now.saturating_sub(last.at) < SPAN_MIN;
        if self.looks.back().is_some_and(is_recent) {
            return;
        }
        self.looks.push_back(read());
        let is_old = |look: &Usage| now.saturating_sub(look.at) > SPAN_MAX;
        while self.looks.front().is_some_and(is_old) {
            self.looks.pop_front();
        }
    }

    /// What happened lately, until now.
    fn lately(&self, now: Usage) -> Option<Spent> {
        let age = |look: &&Usage| now.at.saturating_sub(look.at);
        let of_use = || {
            let looks = self.looks.iter();
            looks.filter(|look| (SPAN_MIN..=SPAN_MAX).contains(&age(look)))
        };
        let since = of_use()
            .rfind(|look| age(look) >= SPAN)
            .or_else(|| of_use().next())?;
        Some(now.since(*since))
    }
}

/// What others took of the cores that a job could have used: all that they took, less what the machine had
/// to spare beside those.
fn taken(spent: Spent, wanted: u32, processors: u32) -> Option<Duration> {
    let wanted = wanted.clamp(1, processors);
    let spare = spent.wall * (processors - wanted);
    let taken = spent.others?.saturating_sub(spare);
    // A step of the system's counter may be longer than the job.
    Some(taken.min(spent.wall * wanted))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn usage(at: u64, own: u64, all: u64) -> Usage {
        Usage {
            at: ms(at),
            own: ms(own),
            all: Some(ms(all)),
        }
    }

    fn known(looks: &[Usage]) -> Known {
        let mut known = Known {
            processors: Some(2),
            room: Room::new(2, 2),
            looks: VecDeque::new(),
        };
        for look in looks {
            known.look(|| *look, look.at);
        }
        known
    }

    #[test]
    fn what_happened_lately_is_of_a_span_that_is_neither_short_nor_old() {
        let since = |looks: &[u64], now: u64| {
            let looks: Vec<Usage> = looks.iter().map(|at| usage(*at, 0, 0)).collect();
            let lately = known(&looks).lately(usage(now, 0, 0));
            lately.map(|spent| spent.wall.as_millis() as u64)
        };
        assert_eq!(since(&[], 500), None);
        assert_eq!(since(&[450], 500), None);
        assert_eq!(since(&[0, 250], 300), Some(300));
        assert_eq!(since(&[0, 250, 500, 750], 1_000), Some(500));
        assert_eq!(since(&[0], 2_500), None);
        assert_eq!(since(&[0, 2_300], 2_500), Some(200));
    }

    #[test]
    fn looks_are_few_and_none_is_old() {
        let looks: Vec<Usage> = (0..10_000).map(|at| usage(at, 0, 0)).collect();
        let known = known(&looks);
        assert!(known.looks.len() <= 21, "{}", known.looks.len());
        assert!(known.looks.iter().all(|look| look.at >= ms(7_900)));
    }

    #[test]
    fn a_core_that_is_to_spare_is_not_taken() {
        let spent = Spent {
            wall: ms(200),
            own: ms(180),
            others: Some(ms(190)),
        };
        let check = |wanted, processors, expected| {
            assert_eq!(taken(spent, wanted, processors), Some(ms(expected)));
        };
        check(2, 2, 190);
        check(1, 2, 0);
        check(2, 3, 0);
        check(1, 1, 190);
        // More threads than there are processors cannot be had anyhow.
        check(8, 2, 190);
        let unknown = Spent {
            others: None,
            ..spent
        };
        assert_eq!(taken(unknown, 2, 2), None);
    }

    #[test]
    fn a_tick_in_a_short_job_is_no_load() {
        let spent = Spent {
            wall: ms(1),
            own: ms(1),
            others: Some(ms(10)),
        };
        assert_eq!(taken(spent, 2, 2), Some(ms(2)));
    }

    #[test]
    fn a_job_that_waited_for_a_program_of_its_own_leaves_nothing_known_of_others() {
        let given = Given {
            wanted: 1,
            granted: 1,
            concurrent: 0,
        };
        let looks = |own| {
            let mut known = known(&[usage(0, 0, 0), usage(200, 0, 0)]);
            let spent = Spent {
                wall: ms(300),
                own: ms(own),
                others: Some(ms(300 - own)),
            };
            known.over(given, spent, usage(500, own, 300));
            known.looks.len()
        };
        assert_eq!(looks(1), 1);
        assert_eq!(looks(290), 3);
    }

    #[test]
    fn a_job_among_other_programs_tells_the_next_ones() {
        let mut known = known(&[]);
        let given = Given {
            wanted: 2,
            granted: 2,
            concurrent: 0,
        };
        let spent = Spent {
            wall: ms(2_000),
            own: ms(2_200),
            others: None,
        };
        known.over(given, spent, usage(2_000, 2_200, 2_200));
        assert_eq!(known.room.threads(ms(2_000)), 1);
    }
}
