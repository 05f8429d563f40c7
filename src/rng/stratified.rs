//! Random numbers that are spread evenly over conversations.
//!
//! Of [`STRATA`] conversations in a row of a group, each has its number for the same purpose and turn in another of as many
//! equal parts of the unit interval: a Latin hypercube (McKay, Beckman and Conover 1979, "A comparison of three methods for
//! selecting values of input variables"). Each number by itself is as random as before, and figures of many conversations
//! differ less from seed to seed. Groups have nothing in common, so that what they differ by tells the intervals.

use super::Seed;
use super::counter::{Source, philox};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Conversations are dealt into so many groups, by their numbers.
pub const GROUPS: u32 = 64;

/// Parts of the unit interval, a power of two: a p95 lies in one and a half of them.
pub(super) const STRATA: u32 = 1 << (2 * HALF_BITS + 1);
const HALF_BITS: u32 = 2;

/// How simulated conversations come to their random numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Sampling {
    /// Each by itself.
    #[default]
    Independent,
    /// Spread evenly over conversations.
    Stratified,
}

/// What everything random in a scenario comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Randomness {
    /// The seed of the scenario.
    pub seed: Seed,
    /// How conversations come to their numbers.
    pub sampling: Sampling,
}

impl Randomness {
    /// The source of what `name` needs for `purpose`. Make it once and keep it: this hashes.
    pub fn source(self, name: &str, purpose: &str) -> Source {
        let source = self.seed.source(name, purpose);
        match self.sampling {
            Sampling::Independent => source,
            Sampling::Stratified => source.stratified(),
        }
    }
}

impl From<Seed> for Randomness {
    fn from(seed: Seed) -> Randomness {
        Randomness {
            seed,
            sampling: Sampling::Independent,
        }
    }
}

/// The part of the unit interval in which the first number of a conversation lies, for `turn`, and for `other`, whatever
/// else its numbers are for: from 0 below [`STRATA`].
pub(super) fn stratum(key: [u32; 2], conversation: u32, turn: u32, other: u32) -> u32 {
    let (group, nth) = (conversation % GROUPS, conversation / GROUPS);
    let (block, place) = (nth / STRATA, nth % STRATA);
    // No conversation has so many numbers that one would be drawn under this block.
    let words = philox([u32::MAX, turn, block << 6 | group, other], key);
    // A Feistel network, which maps places to places: each round changes one part by a table of random numbers that the
    // other one chooses from.
    let (mut high, mut low) = (place >> HALF_BITS, place & ((1 << HALF_BITS) - 1));
    for (round, word) in words.into_iter().enumerate() {
        match round % 2 {
            0 => high ^= word >> (3 * low) & ((1 << (HALF_BITS + 1)) - 1),
            _ => low ^= word >> (2 * high) & ((1 << HALF_BITS) - 1),
        }
    }
    high << HALF_BITS | low
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stratified(seed: u64) -> Source {
        let seed = Seed(seed);
        let sampling = Sampling::Stratified;
        Randomness { seed, sampling }.source("stt", "latency")
    }

    #[test]
    fn each_group_has_one_number_in_each_part_of_the_unit_interval() {
        let source = stratified(1);
        for (group, turn, block) in [(0_u32, 1, 0_u32), (63, 1, 0), (5, 2, 3)] {
            let mut parts: Vec<u32> = (0..STRATA)
                .map(|place| {
                    let conversation: u32 = (block * STRATA + place) * GROUPS + group;
                    let number = source.draw(conversation.into(), turn).uniform();
                    (number * f64::from(STRATA)) as u32
                })
                .collect();
            assert!(!parts.is_sorted(), "{parts:?}");
            parts.sort_unstable();
            assert!(parts.into_iter().eq(0..STRATA));
        }
    }

    #[test]
    fn groups_turns_blocks_and_purposes_are_dealt_in_orders_of_their_own() {
        let order = |source: Source, group: u32, turn, block: u32| -> Vec<u32> {
            let number = |place: u32| {
                let conversation: u32 = (block * STRATA + place) * GROUPS + group;
                source.draw(conversation.into(), turn).uniform()
            };
            let part = |place: u32| (number(place) * f64::from(STRATA)) as u32;
            (0..STRATA).map(part).collect()
        };
        let base = order(stratified(1), 0, 1, 0);
        for other in [
            order(stratified(1), 1, 1, 0),
            order(stratified(1), 0, 2, 0),
            order(stratified(1), 0, 1, 1),
            order(stratified(2), 0, 1, 0),
        ] {
            assert_ne!(base, other);
        }
    }

    /// Orders that go together would bend what is drawn by two of them.
    #[test]
    fn numbers_for_two_purposes_are_not_correlated() {
        let of = |purpose| {
            let sampling = Sampling::Stratified;
            let seed = Seed(3);
            Randomness { seed, sampling }.source("test", purpose)
        };
        let (one, other) = (of("one"), of("other"));
        let count = 64 * GROUPS * STRATA;
        let product = |conversation: u32| {
            let number = |source: Source| source.draw(conversation.into(), 1).uniform() - 0.5;
            12.0 * number(one) * number(other)
        };
        let correlation = (0..count).map(product).sum::<f64>() / f64::from(count);
        assert!(correlation.abs() < 0.01, "{correlation}");
    }

    #[test]
    fn later_numbers_of_a_turn_are_independent() {
        let source = stratified(1);
        let second = |conversation| {
            let mut draw = source.draw(conversation, 1);
            draw.uniform();
            draw.uniform()
        };
        let independent = |conversation| {
            let mut draw = Seed(1).source("stt", "latency").draw(conversation, 1);
            draw.uniform();
            draw.uniform()
        };
        assert!((0..100).all(|number| second(number) == independent(number)));
    }
}
