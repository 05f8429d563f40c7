//! A provider's rate limit.

use crate::event::Tick;
use std::time::Duration;

/// Lets requests through at a rate, some of them at once (the generic cell rate algorithm, ITU-T I.371).
pub(super) struct Limit {
    /// The time between two requests at the rate.
    every: Duration,
    /// How far requests may be ahead of the rate.
    ahead: Duration,
    /// When the next request is due at the rate.
    due: Tick,
}

impl Limit {
    /// `burst` requests, at least one, may come at once.
    pub(super) fn new(requests_per_minute: f64, burst: u32) -> Limit {
        // Slower than once in an age is never.
        let every =
            Duration::try_from_secs_f64(60.0 / requests_per_minute).unwrap_or(Duration::MAX);
        Limit {
            every,
            ahead: every.saturating_mul(burst.saturating_sub(1)),
            due: Tick::ZERO,
        }
    }

    /// Whether a request at `now` is let through.
    pub(super) fn lets_through(&mut self, now: Tick) -> bool {
        let due = self.due.max(now);
        let is_let_through = due.since(now) <= self.ahead;
        if is_let_through {
            self.due = due + self.every;
        }
        is_let_through
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn let_through(limit: &mut Limit, at_ms: impl IntoIterator<Item = u64>) -> Vec<u64> {
        let mut through: Vec<u64> = at_ms.into_iter().collect();
        through.retain(|at| limit.lets_through(Tick::from_ms(*at)));
        through
    }

    #[test]
    fn requests_at_the_rate_are_let_through() {
        let mut limit = Limit::new(60.0, 1);
        let every_second = [0, 1_000, 2_000, 3_000];
        assert_eq!(let_through(&mut limit, every_second), every_second);
    }

    #[test]
    fn of_more_only_those_at_the_rate_are_behind_a_burst() {
        let mut limit = Limit::new(60.0, 3);
        let ten_a_second = (0..30).map(|n| n * 100);
        assert_eq!(
            let_through(&mut limit, ten_a_second),
            [0, 100, 200, 1_000, 2_000]
        );
    }

    #[test]
    fn once_in_an_age_is_once() {
        let mut limit = Limit::new(1e-20, 1);
        assert_eq!(let_through(&mut limit, [0, 1, u64::MAX / 2_000_000]), [0]);
    }

    #[test]
    fn what_was_not_used_is_kept_up_to_a_burst() {
        let mut limit = Limit::new(60.0, 2);
        let at = [0, 0, 0, 60_000, 60_000, 60_000];
        assert_eq!(let_through(&mut limit, at), [0, 0, 60_000, 60_000]);
    }
}
