//! Simulated engines that compute on the scenario's cores, as engines in this process do.

use crate::scenario::problem::{Problem, Table};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What part of the time of Whisper and Piper was no shorter on two cores than on one: both took 1.6 times as long.
const SERIAL: f64 = 0.4;

const SPREAD_MAX: f64 = 4.0;
/// No latency is made longer than so many times what it mostly is.
const LONGEST_RATIO: f64 = 1e3;

/// `compute` of a simulated engine: it computes on the scenario's cores, one job at a time, and its latency is that
/// on `threads` of them. Work that was given up keeps its cores busy to its end, as in life.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Compute {
    /// Threads that the engine computes on if it gets so many cores, 1 to 256.
    pub threads: u32,
    /// The part of its latency that fewer cores do not make longer, 0 to 1.
    pub serial: f64,
    /// How uneven its latency is on one thread, as a share of how uneven it is on all of them, 0 to 4: threads that work in
    /// step wait for the slowest.
    #[serde(skip_serializing_if = "is_one")]
    pub spread: f64,
}

fn is_one(number: &f64) -> bool {
    *number == 1.0
}

impl Default for Compute {
    fn default() -> Compute {
        Compute {
            threads: 1,
            serial: SERIAL,
            spread: 1.0,
        }
    }
}

impl Compute {
    /// What was given, if its threads and its share can be meant.
    pub(super) fn check(self, at: Table<'_>) -> Result<Compute, Problem> {
        if !(1..=256).contains(&self.threads) {
            let fix = format!("{} threads; give between 1 and 256", self.threads);
            return Err(at.problem("compute", fix));
        }
        if !(0.0..=1.0).contains(&self.serial) {
            let fix = format!(
                "serial = {} is no share; give 0 (twice the cores halve the time) to 1 (they make no difference)",
                self.serial
            );
            return Err(at.problem("compute", fix));
        }
        if !(0.0..=SPREAD_MAX).contains(&self.spread) {
            let fix = format!(
                "spread = {} is no share; give 0 (on one thread it always takes as long) to {SPREAD_MAX}, 1 if it is as uneven on one thread as on all",
                self.spread
            );
            return Err(at.problem("compute", fix));
        }
        Ok(self)
    }

    /// A latency on all threads, made as uneven as it is on `granted` cores; `typical` is what it mostly is.
    pub fn evened(self, granted: u32, span: Duration, typical: Duration) -> Duration {
        let missing = self.threads - granted.clamp(1, self.threads);
        if self.spread == 1.0 || missing == 0 || span.is_zero() || typical.is_zero() {
            return span;
        }
        let share = f64::from(missing) / f64::from(self.threads - 1);
        let spread = 1.0 + share * (self.spread - 1.0);
        let ratio = span.as_secs_f64() / typical.as_secs_f64();
        typical.mul_f64(libm::pow(ratio, spread).min(LONGEST_RATIO))
    }

    /// How long work takes on `granted` cores that takes `span` on all of its threads.
    pub fn on(self, granted: u32, span: Duration) -> Duration {
        let fewer = f64::from(self.threads) / f64::from(granted.clamp(1, self.threads));
        span.mul_f64(self.serial + (1.0 - self.serial) * fewer)
    }

    /// The processor time of such work.
    pub fn cpu(self, span: Duration) -> Duration {
        span.mul_f64(self.serial + (1.0 - self.serial) * f64::from(self.threads))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fewer_cores_make_the_parallel_part_longer_and_no_more() {
        let ms = Duration::from_millis;
        let compute = Compute {
            threads: 2,
            ..Compute::default()
        };
        assert_eq!(compute.on(2, ms(100)), ms(100));
        assert_eq!(compute.on(1, ms(100)), ms(160));
        // More cores than it has threads make no difference, and none is one.
        assert_eq!(compute.on(8, ms(100)), ms(100));
        assert_eq!(compute.on(0, ms(100)), ms(160));
        assert_eq!(compute.cpu(ms(100)), ms(160));
    }

    #[test]
    fn fewer_threads_are_as_uneven_as_their_spread_says() {
        let ms = Duration::from_millis;
        let compute = Compute {
            threads: 2,
            spread: 0.5,
            ..Compute::default()
        };
        let evened = |granted, span| compute.evened(granted, ms(span), ms(100)).as_millis();
        assert_eq!(evened(2, 144), 144);
        assert_eq!(evened(1, 144), 120);
        assert_eq!(evened(1, 100), 100);
        assert_eq!(evened(1, 25), 50);
        let four = Compute {
            threads: 4,
            ..compute
        };
        let between = [4, 3, 2, 1].map(|cores| four.evened(cores, ms(144), ms(100)));
        assert!(
            between.is_sorted_by(|more, fewer| more > fewer),
            "{between:?}"
        );
        assert_eq!(compute.evened(1, ms(144), ms(0)), ms(144));
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for (threads, serial) in [(0, 0.4), (257, 0.4), (2, -0.1), (2, 1.1), (2, f64::NAN)] {
            let compute = Compute {
                threads,
                serial,
                ..Compute::default()
            };
            assert!(compute.check(Table::at(&["stt"])).is_err(), "{compute:?}");
        }
        for spread in [-0.1, 4.1, f64::NAN] {
            let compute = Compute {
                spread,
                ..Compute::default()
            };
            assert!(compute.check(Table::at(&["stt"])).is_err(), "{compute:?}");
        }
    }
}
