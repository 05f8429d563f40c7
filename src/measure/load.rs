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
    /// How long slots would work on all requests that the rate limit let in; and the sum of the squares of
    /// that, one for each world.
    pub work_us: u64,
    pub work_us_squared: u128,
    /// Slots that were busy and that were there, each times how long.
    pub busy_us: u64,
    pub slots_us: u64,
    /// Slots that there can be at most, in one world.
    pub slots_max: u64,
}

/// The share of slots that saturated pools keep busy, at least.
const BUSY_MIN: f64 = 0.98;

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
        let squares = u128::from(US_MAX) * u128::from(US_MAX);
        counts.all(|count| count <= count_max)
            && times.all(|us| us <= US_MAX)
            && pools.clone().all(|pool| pool.work_us_squared <= squares)
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

    /// Whether a pool is asked for more than it can ever do, beyond doubt: by three standard errors of the
    /// work that worlds bring, which are independent of each other; of a single world, by twice. Its slots
    /// are busy all the time then: what else was asked for was not wanted in the end.
    pub fn is_saturated(&self, pool: &PoolFigures) -> bool {
        let share = self.asked_share(pool);
        let busy = pool.busy_us as f64 / (pool.slots_max as f64 * self.window_us as f64).max(1.0);
        if busy < BUSY_MIN {
            return false;
        }
        if self.worlds < 2 {
            return share > 2.0;
        }
        let (worlds, work) = (self.worlds as f64, pool.work_us as f64);
        let squares = pool.work_us_squared as f64 - work * work / worlds;
        let doubt = libm::sqrt(squares.max(0.0) / (worlds - 1.0) * worlds) / work.max(1.0);
        share * (1.0 - 3.0 * doubt) > 1.0
    }
}

impl PoolFigures {
    fn merge(&mut self, other: &PoolFigures) {
        self.requests += other.requests;
        self.refused_full += other.refused_full;
        self.refused_rate += other.refused_rate;
        self.waiting_max = self.waiting_max.max(other.waiting_max);
        self.work_us += other.work_us;
        self.work_us_squared += other.work_us_squared;
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

    /// Two worlds of a second, in which two slots are asked for so much.
    fn two_worlds(work_us: [u64; 2]) -> (LoadFigures, PoolFigures) {
        let load = LoadFigures {
            worlds: 2,
            window_us: 2_000_000,
            ..LoadFigures::default()
        };
        let square = |us: u64| u128::from(us) * u128::from(us);
        let pool = PoolFigures {
            work_us: work_us.iter().sum(),
            work_us_squared: work_us.into_iter().map(square).sum(),
            slots_max: 2,
            busy_us: 3_990_000,
            ..PoolFigures::default()
        };
        (load, pool)
    }

    #[test]
    fn a_pool_is_saturated_when_it_is_asked_for_more_than_it_can_do_beyond_doubt() {
        let is_saturated = |work_us| {
            let (load, pool) = two_worlds(work_us);
            load.is_saturated(&pool)
        };
        assert!(!is_saturated([1_900_000, 1_900_000]));
        assert!(!is_saturated([1_800_000, 2_400_000]), "it may be luck");
        assert!(is_saturated([2_290_000, 2_310_000]));
        let (load, pool) = two_worlds([2_290_000, 2_310_000]);
        let busy_us = 2_000_000;
        assert!(
            !load.is_saturated(&PoolFigures { busy_us, ..pool }),
            "its slots are free at times"
        );
        let (load, pool) = two_worlds([1_000_000, 1_000_000]);
        assert_eq!(load.asked_share(&pool), 0.5);
    }

    #[test]
    fn one_world_alone_is_saturated_only_if_it_is_asked_for_twice_what_it_can_do() {
        let one = |work_us| {
            let (load, pool) = two_worlds([work_us, 0]);
            let load = LoadFigures {
                worlds: 1,
                window_us: 1_000_000,
                ..load
            };
            let busy_us = 1_995_000;
            load.is_saturated(&PoolFigures { busy_us, ..pool })
        };
        assert!(!one(3_900_000));
        assert!(one(4_100_000));
    }
}
