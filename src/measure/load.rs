//! Figures of a load: its calls, and the pools of engines that they share.

use crate::event::StageName;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Sums over worlds, from the time that is measured. Only integers are added up, so the order makes no
/// difference.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadFigures {
    /// Worlds that were simulated.
    pub worlds: u64,
    /// How long was measured in all worlds together, in microseconds.
    pub window_us: u64,
    /// Calls that began in the measured time.
    pub calls: u64,
    /// How long calls were open, added up over all of them, in microseconds.
    pub call_us: u64,
    /// The most calls that were open at once in any world.
    pub calls_max: u64,
    /// Figures of each pool, by its stage.
    pub pools: BTreeMap<StageName, PoolFigures>,
}

/// Figures of the pool of one stage.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoolFigures {
    /// Requests to the pool, refused ones included.
    pub requests: u64,
    /// Requests that were refused because too many waited.
    pub refused_full: u64,
    /// Requests that were refused because of the rate limit.
    pub refused_rate: u64,
    /// The most requests that waited at once.
    pub waiting_max: u64,
    /// How long slots would work on all requests that the rate limit let in, in microseconds.
    pub work_us: u64,
    /// How long slots were busy, added up over all slots, in microseconds.
    pub busy_us: u64,
    /// How long slots were there, busy or not, added up over all slots, in microseconds.
    pub slots_us: u64,
    /// The most slots that there can be in one world.
    pub slots_max: u64,
}

impl LoadFigures {
    /// Adds the figures of other worlds.
    pub fn merge(&mut self, other: &LoadFigures) {
        self.worlds += other.worlds;
        self.window_us += other.window_us;
        self.calls += other.calls;
        self.call_us += other.call_us;
        self.calls_max = self.calls_max.max(other.calls_max);
        for (stage, pool) in &other.pools {
            self.pools.entry(*stage).or_default().merge(pool);
        }
    }

    /// Whether figures that were read can be added up without overflowing: counts up to `count_max`, and
    /// times up to a million years.
    pub(super) fn is_possible(&self, count_max: u64) -> bool {
        const US_MAX: u64 = 1 << 55;
        let pools = self.pools.values();
        let counts = pools.clone().flat_map(|pool| {
            [
                pool.requests,
                pool.refused_full,
                pool.refused_rate,
                pool.waiting_max,
                pool.slots_max,
            ]
        });
        let mut counts = counts.chain([self.worlds, self.calls, self.calls_max]);
        let times = pools
            .clone()
            .flat_map(|pool| [pool.work_us, pool.busy_us, pool.slots_us]);
        let mut times = times.chain([self.window_us, self.call_us]);
        counts.all(|count| count <= count_max) && times.all(|us| us <= US_MAX)
    }

    /// How many calls were open on average; zero if nothing was measured.
    pub fn calls_mean(&self) -> f64 {
        self.call_us as f64 / self.window_us.max(1) as f64
    }

    /// How many calls began in a minute, on average.
    pub fn calls_per_minute(&self) -> f64 {
        self.calls as f64 / (self.window_us.max(1) as f64 / 60e6)
    }

    /// The work that a pool is asked for, as a share of what all its slots can do at most.
    pub fn asked_share(&self, pool: &PoolFigures) -> f64 {
        pool.work_us as f64 / (pool.slots_max as f64 * self.window_us as f64).max(1.0)
    }
}

impl PoolFigures {
    fn merge(&mut self, other: &PoolFigures) {
        self.requests += other.requests;
        self.refused_full += other.refused_full;
        self.refused_rate += other.refused_rate;
        self.waiting_max = self.waiting_max.max(other.waiting_max);
        self.work_us += other.work_us;
        self.busy_us += other.busy_us;
        self.slots_us += other.slots_us;
        self.slots_max = self.slots_max.max(other.slots_max);
    }

    /// The share of the pool's slots that were busy, in 0..=1.
    pub fn busy_share(&self) -> f64 {
        self.busy_us as f64 / self.slots_us.max(1) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_of_slots_times_time() {
        let load = LoadFigures {
            worlds: 2,
            window_us: 2_000_000,
            ..LoadFigures::default()
        };
        let pool = PoolFigures {
            work_us: 2_000_000,
            busy_us: 1_000_000,
            slots_us: 4_000_000,
            slots_max: 2,
            ..PoolFigures::default()
        };
        assert_eq!((load.asked_share(&pool), pool.busy_share()), (0.5, 0.25));
    }
}
