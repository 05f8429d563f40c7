//! How regularly a device asks for blocks: pure arithmetic on positions and ticks.

use crate::event::Tick;

/// Knows from the latest second or two how early a device asks for a position. A device that was kept waiting asks late,
/// and soon again, for it still keeps to its time.
pub(super) struct Cadence {
    rate: u32,
    /// The position at which the present second began.
    began: u64,
    /// How early positions were asked for at the earliest, in ns from the time at which they would sound if the stream had
    /// begun at zero: in the present second, and in the one before.
    earliest_ns: [i64; 2],
}

impl Cadence {
    pub(super) fn new(rate: u32) -> Cadence {
        Cadence {
            rate: rate.max(1),
            began: 0,
            earliest_ns: [i64::MAX; 2],
        }
    }

    /// The block at `position` was asked for.
    pub(super) fn asked(&mut self, position: u64, at: Tick) {
        if position.saturating_sub(self.began) >= u64::from(self.rate) {
            self.began = position;
            self.earliest_ns = [i64::MAX, self.earliest_ns[0]];
        }
        let early = at.0 as i64 - self.ns(position);
        self.earliest_ns[0] = self.earliest_ns[0].min(early);
    }

    /// When `position` is asked for at the earliest, if the device goes on as it did.
    pub(super) fn expected(&self, position: u64) -> Tick {
        let earliest = self.earliest_ns[0].min(self.earliest_ns[1]);
        let at = self.ns(position).saturating_add(earliest);
        Tick(u64::try_from(at).unwrap_or(0))
    }

    fn ns(&self, position: u64) -> i64 {
        let ns = u128::from(position) * 1_000_000_000 / u128::from(self.rate);
        i64::try_from(ns).unwrap_or(i64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: u32 = 48_000;
    const BLOCK: u64 = 960;

    /// A device that asks for its blocks of 20 ms at these times; when it is expected to ask for the next.
    fn expected(asked_ms: impl IntoIterator<Item = u64>) -> Tick {
        let mut cadence = Cadence::new(RATE);
        let mut next = 0;
        for at in asked_ms {
            cadence.asked(next, Tick::from_ms(at));
            next += BLOCK;
        }
        cadence.expected(next)
    }

    #[test]
    fn a_regular_device_asks_a_block_later() {
        assert_eq!(expected([100, 120, 140]), Tick::from_ms(160));
    }

    #[test]
    fn a_device_that_was_kept_waiting_asks_again_in_its_time() {
        assert_eq!(expected([100, 120, 155]), Tick::from_ms(160));
        assert_eq!(expected([100, 120, 185]), Tick::from_ms(160), "at once");
    }

    #[test]
    fn blocks_that_fill_a_buffer_at_first_say_how_far_ahead_it_is() {
        assert_eq!(expected([100, 100, 100]), Tick::from_ms(120));
    }

    #[test]
    fn what_is_older_than_two_seconds_is_forgotten() {
        let early = (0..10).map(|block| 100 + 20 * block);
        let late = (10..160).map(|block| 115 + 20 * block);
        assert_eq!(expected(early.chain(late)), Tick::from_ms(115 + 20 * 160));
    }
}
