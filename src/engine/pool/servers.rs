//! The servers of a pool: which slot is free, when one is cold, and when there are more or fewer of them.

use crate::event::Tick;
use crate::scenario::pool::{Pool, Scale};
use std::ops::Range;
use std::time::Duration;

/// Servers with slots. They do not know what is done in a slot.
pub(super) struct Servers {
    all: Vec<Server>,
    slots: u32,
    least: usize,
    scale: Option<Scale>,
    cold_start: Duration,
    idle: Duration,
    /// When the server that was ordered begins to work; `None` if none was ordered.
    ordered: Option<Tick>,
    /// The time within which slots and busy slots are counted.
    window: Range<Tick>,
    counted_until: Tick,
    busy_ns: u128,
    slots_ns: u128,
}

struct Server {
    busy: u32,
    /// When the server was last asked or busy; `None` if it never was.
    used: Option<Tick>,
    added: Tick,
    /// Until then it starts.
    works_from: Tick,
}

/// A slot that was free.
pub(super) struct Taken {
    pub(super) server: usize,
    /// Until then its server starts.
    pub(super) works_from: Tick,
}

impl Servers {
    pub(super) fn new(pool: &Pool, window: Range<Tick>) -> Servers {
        let server = |_| Server::new(Tick::ZERO);
        Servers {
            all: (0..pool.servers).map(server).collect(),
            slots: pool.slots,
            least: pool.servers as usize,
            scale: pool.scale.clone(),
            cold_start: Duration::from_secs_f64(pool.cold_start_ms / 1e3),
            idle: Duration::from_secs_f64(pool.idle_s),
            ordered: None,
            window,
            counted_until: Tick::ZERO,
            busy_ns: 0,
            slots_ns: 0,
        }
    }

    /// Takes a slot of the first working server that has a free one, else of the first server that has one.
    pub(super) fn take(&mut self, now: Tick) -> Option<Taken> {
        self.count(now);
        let cold = |server: &Server| self.is_cold(server, now);
        let free = || {
            let servers = self.all.iter().enumerate();
            servers.filter(|(_, server)| server.busy < self.slots)
        };
        let works = free().find(|(_, server)| !cold(server) && server.works_from <= now);
        let (index, _) = works.or_else(|| free().next())?;
        let is_cold = cold(&self.all[index]);
        let server = &mut self.all[index];
        if is_cold {
            server.works_from = now + self.cold_start;
        }
        server.busy += 1;
        server.used = Some(now);
        Some(Taken {
            server: index,
            works_from: server.works_from,
        })
    }

    fn is_cold(&self, server: &Server, now: Tick) -> bool {
        let is_forgotten = |used: Tick| now.since(used) >= self.idle;
        server.busy == 0 && server.used.is_none_or(is_forgotten)
    }

    /// Gives a slot back.
    pub(super) fn free(&mut self, server: usize, now: Tick) {
        self.count(now);
        if let Some(server) = self.all.get_mut(server) {
            server.busy = server.busy.saturating_sub(1);
            server.used = Some(now);
        }
    }

    /// Orders another server if too many requests wait.
    pub(super) fn order(&mut self, waiting: usize, now: Tick) {
        let Some(scale) = &self.scale else {
            return;
        };
        let is_wanted = waiting > scale.when_waiting as usize;
        if is_wanted && self.ordered.is_none() && self.all.len() < scale.servers_max as usize {
            self.ordered = Some(now + Duration::from_secs_f64(scale.delay_s));
        }
    }

    /// When the server that was ordered begins to work; `None` if none was ordered.
    pub(super) fn ordered(&self) -> Option<Tick> {
        self.ordered
    }

    /// Puts a server to work that was ordered for now.
    pub(super) fn add(&mut self, now: Tick) {
        if self.ordered.is_some_and(|at| at <= now) {
            self.count(now);
            self.ordered = None;
            self.all.push(Server::new(now));
        }
    }

    /// Counts slots up to `now`, and takes idle servers away.
    pub(super) fn count(&mut self, now: Tick) {
        let within = |from: Tick, to: Tick| -> u128 {
            let (from, to) = (from.max(self.window.start), to.min(self.window.end));
            to.since(from).as_nanos()
        };
        let span = within(self.counted_until, now);
        let busy: u64 = self.all.iter().map(|server| u64::from(server.busy)).sum();
        self.busy_ns += span * u128::from(busy);
        self.slots_ns += span * u128::from(self.slots) * self.all.len() as u128;
        if let Some(scale) = &self.scale {
            let patience = Duration::from_secs_f64(scale.away_after_s);
            while self.all.len() > self.least
                && let Some(last) = self.all.last()
                && last.busy == 0
            {
                let away = last.used.unwrap_or(last.added) + patience;
                if away > now {
                    break;
                }
                // The server was counted as if it were still there.
                let too_much = within(away.max(self.counted_until), now);
                self.slots_ns -= too_much * u128::from(self.slots);
                self.all.pop();
            }
        }
        self.counted_until = now;
    }

    /// Slots that were busy, and slots that were there, each times nanoseconds, within the window.
    pub(super) fn busy_and_there(&self) -> (u128, u128) {
        (self.busy_ns, self.slots_ns)
    }

    /// Slots that there can be at most.
    pub(super) fn slots_max(&self) -> u64 {
        let scaled = self
            .scale
            .as_ref()
            .map_or(0, |scale| scale.servers_max as usize);
        u64::from(self.slots) * scaled.max(self.least) as u64
    }
}

impl Server {
    fn new(now: Tick) -> Server {
        Server {
            busy: 0,
            used: None,
            added: now,
            works_from: Tick::ZERO,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn s(seconds: u64) -> Tick {
        Tick::from_ms(seconds * 1_000)
    }

    fn servers(pool: Pool) -> Servers {
        Servers::new(&pool, s(0)..s(1_000))
    }

    #[test]
    fn slots_are_taken_server_by_server_until_none_is_free() {
        let mut two = servers(Pool {
            slots: 2,
            servers: 2,
            ..Pool::default()
        });
        let mut take = || two.take(s(1)).map(|taken| taken.server);
        assert_eq!(
            [take(), take(), take(), take()],
            [Some(0), Some(0), Some(1), Some(1)]
        );
        assert_eq!(take(), None);
        two.free(0, s(2));
        assert_eq!(two.take(s(2)).map(|taken| taken.server), Some(0));
    }

    #[test]
    fn a_server_that_nobody_asks_for_long_is_cold() {
        let mut one = servers(Pool {
            slots: 2,
            cold_start_ms: 3_000.0,
            idle_s: 60.0,
            ..Pool::default()
        });
        let mut take = |at: Tick| one.take(at).map(|taken| taken.works_from);
        assert_eq!(take(s(10)), Some(s(13)));
        assert_eq!(take(s(11)), Some(s(13)), "it starts once");
        one.free(0, s(20));
        one.free(0, s(20));
        assert_eq!(one.take(s(79)).map(|taken| taken.works_from), Some(s(13)));
        one.free(0, s(80));
        assert_eq!(one.take(s(140)).map(|taken| taken.works_from), Some(s(143)));
    }

    fn scaled() -> Servers {
        servers(Pool {
            slots: 1,
            scale: Some(Scale {
                servers_max: 2,
                when_waiting: 1,
                delay_s: 30.0,
                away_after_s: 100.0,
            }),
            ..Pool::default()
        })
    }

    #[test]
    fn a_server_is_ordered_once_when_too_many_wait_and_works_later() {
        let mut scaled = scaled();
        assert!(scaled.take(s(0)).is_some());
        scaled.order(1, s(5));
        assert_eq!(scaled.ordered(), None);
        scaled.order(2, s(6));
        scaled.order(3, s(7));
        assert_eq!(scaled.ordered(), Some(s(36)));
        scaled.add(s(35));
        assert!(scaled.take(s(35)).is_none());
        scaled.add(s(36));
        assert!(scaled.take(s(36)).is_some());
        scaled.order(9, s(37));
        assert_eq!(scaled.ordered(), None, "there are two already");
    }

    #[test]
    fn an_idle_server_is_taken_away_and_slots_are_counted_as_long_as_they_are_there() {
        let mut scaled = scaled();
        assert!(scaled.take(s(0)).is_some());
        scaled.order(2, s(0));
        scaled.add(s(30));
        assert!(scaled.take(s(30)).is_some());
        scaled.free(1, s(50));
        scaled.count(s(900));
        let seconds = 1_000_000_000;
        // One to the end, the other from 30 s to 150 s, of which it was busy for 20 s.
        assert_eq!(scaled.busy_and_there(), (920 * seconds, 1_020 * seconds));
        scaled.count(s(5_000));
        assert_eq!(scaled.busy_and_there(), (1_020 * seconds, 1_120 * seconds));
    }
}
