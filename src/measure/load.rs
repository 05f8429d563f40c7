//! What a load was, and what the engines that its calls share were asked for.

use crate::event::StageName;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Sums over worlds, of the time that is measured. Integers only: in whatever order they are added up, the
/// sum is the same.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadFigures {
    pub worlds: u64,
    /// How long was measured, in microseconds.
    pub window_us: u64,
    /// Calls that began then.
    pub calls: u64,
    /// Calls that were open, times how long.
    pub call_us: u64,
    /// The most that were open at once in any world.
    pub calls_max: u64,
    pub pools: BTreeMap<StageName, PoolFigures>,
}

/// Of the pool of one stage.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoolFigures {
    pub requests: u64,
    /// Because too many waited.
    pub refused_full: u64,
    /// Because of the rate limit.
    pub refused_rate: u64,
    /// The most requests that waited at once.
    pub waiting_max: u64,
    /// How long slots would work on all requests that the rate limit let in.
    pub work_us: u64,
    /// Slots that were busy and that were there, each times how long.
    pub busy_us: u64,
    pub slots_us: u64,
    /// Slots that there can be at most, in one world.
    pub slots_max: u64,
}

impl LoadFigures {
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

    /// Calls that were open on average; zero if nothing was measured.
    pub fn calls_mean(&self) -> f64 {
        self.call_us as f64 / self.window_us.max(1) as f64
    }

    /// Calls that began in a minute, on average.
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

    /// The share of its slots that were busy, in 0..=1.
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
