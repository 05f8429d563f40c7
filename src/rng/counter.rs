//! A counter-based source: any draw of any turn of any conversation, without those before it.
//!
//! The numbers are those of Philox4x32-10 (Salmon, Moraes, Dror and Shaw: Parallel random numbers:
//! as easy as 1, 2, 3; SC 2011): ten rounds of multiplication scramble a counter under a key.

use super::Seed;
use super::stratified::{STRATA, stratum};
use sha2::{Digest, Sha256};

/// The multipliers of a round.
const MULTIPLIERS: [u32; 2] = [0xD251_1F53, 0xCD9E_8D57];
/// The increments of the key from round to round.
const KEY_STEPS: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];
const ROUNDS: usize = 10;

/// The turn that [`Source::mood`] counts under. No conversation has as many turns.
const MOOD: u32 = u32::MAX;

/// Random numbers for one purpose in every turn of every conversation. Two sources of different
/// names or purposes have nothing in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Source {
    key: [u32; 2],
    is_stratified: bool,
}

/// The random numbers of one turn, in order. They depend on nothing but the source, the
/// conversation and the turn, and are the same on every machine.
#[derive(Debug, Clone)]
pub struct Draw {
    key: [u32; 2],
    /// The block's number, the turn, and the conversation's lower and upper half.
    counter: [u32; 4],
    /// The second half of a block whose first is used up.
    kept: Option<f64>,
    /// The part of the unit interval in which the next number lies; `None` if that is all of it.
    stratum: Option<u32>,
}

impl Seed {
    /// The source of what `name` needs for `purpose`. Make it once and keep it: this hashes.
    pub fn source(self, name: &str, purpose: &str) -> Source {
        let mut hash = Sha256::new();
        for part in [name.as_bytes(), purpose.as_bytes()] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        hash.update(self.0.to_le_bytes());
        let digest: [u8; 32] = hash.finalize().into();
        let [a, b, c, d, e, f, g, h, ..] = digest;
        Source {
            key: [
                u32::from_le_bytes([a, b, c, d]),
                u32::from_le_bytes([e, f, g, h]),
            ],
            is_stratified: false,
        }
    }
}

impl Source {
    /// This source, with the first number of each turn spread evenly over conversations.
    pub(super) fn stratified(self) -> Source {
        Source {
            is_stratified: true,
            ..self
        }
    }

    /// The numbers of one turn. The turn `u32::MAX` is taken: [`Source::mood`] counts under it.
    pub fn draw(self, conversation: u64, turn: u32) -> Draw {
        let (number, other) = (low_half(conversation), low_half(conversation >> 32));
        Draw {
            key: self.key,
            counter: [0, turn, number, other],
            kept: None,
            stratum: (self.is_stratified).then(|| stratum(self.key, number, turn, other)),
        }
    }

    /// The numbers that every turn of a conversation shares. Make them afresh for each sample, so that all
    /// turns begin with the same number.
    pub fn mood(self, conversation: u64) -> Draw {
        self.draw(conversation, MOOD)
    }
}

impl Draw {
    /// The next number u, uniform in the open interval (0, 1): never 0 or 1, so the logarithms of u and of
    /// 1 - u exist. It is one of 2^52 equally spaced numbers. The numbers of a turn repeat after 2^33.
    #[inline]
    pub fn uniform(&mut self) -> f64 {
        if let Some(kept) = self.kept.take() {
            return kept;
        }
        let [a, b, c, d] = philox(self.counter, self.key);
        self.counter[0] = self.counter[0].wrapping_add(1);
        self.kept = Some(open_unit(c, d));
        let number = open_unit(a, b);
        match self.stratum.take() {
            None => number,
            // A number next to 1 would be rounded to it.
            Some(stratum) => ((f64::from(stratum) + number) / f64::from(STRATA)).min(BELOW_ONE),
        }
    }
}

/// The greatest number that is drawn.
const BELOW_ONE: f64 = 1.0 - f64::EPSILON / 2.0;

/// The middle of one of 2^52 equal parts of the unit interval. With 53 bits the topmost would be
/// rounded to 1.
fn open_unit(low: u32, high: u32) -> f64 {
    let bits = (u64::from(high) << 32 | u64::from(low)) >> 12;
    // The bits become the fraction of a number from 1 to 2, which is exact, as are the sums.
    f64::from_bits(1f64.to_bits() | bits) - 1.0 + f64::EPSILON / 2.0
}

/// One block: four random words for a counter.
pub(super) fn philox(mut counter: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    for _ in 0..ROUNDS {
        let first = u64::from(MULTIPLIERS[0]) * u64::from(counter[0]);
        let second = u64::from(MULTIPLIERS[1]) * u64::from(counter[2]);
        counter = [
            low_half(second >> 32) ^ counter[1] ^ key[0],
            low_half(second),
            low_half(first >> 32) ^ counter[3] ^ key[1],
            low_half(first),
        ];
        key = [
            key[0].wrapping_add(KEY_STEPS[0]),
            key[1].wrapping_add(KEY_STEPS[1]),
        ];
    }
    counter
}

/// The lower 32 bits of `word`; the others are meant to be lost.
fn low_half(word: u64) -> u32 {
    word as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_those_that_random123_publishes() {
        assert_eq!(
            philox([0; 4], [0; 2]),
            [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]
        );
        assert_eq!(
            philox([u32::MAX; 4], [u32::MAX; 2]),
            [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]
        );
        assert_eq!(
            philox(
                [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
                [0xa409_3822, 0x299f_31d0]
            ),
            [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
        );
    }

    #[test]
    fn a_draw_is_known_by_all_of_its_names() {
        let first = |seed, name, purpose, conversation, turn| {
            let source = Seed(seed).source(name, purpose);
            source.draw(conversation, turn).uniform()
        };
        let base = first(1, "stt", "latency", 0, 0);
        assert_eq!(base, first(1, "stt", "latency", 0, 0));
        for other in [
            first(2, "stt", "latency", 0, 0),
            first(1, "tts", "latency", 0, 0),
            first(1, "stt", "error", 0, 0),
            first(1, "sttl", "atency", 0, 0),
            first(1, "stt", "latency", 1, 0),
            first(1, "stt", "latency", 1 << 32, 0),
            first(1, "stt", "latency", 0, 1),
        ] {
            assert_ne!(base, other);
        }
    }

    #[test]
    fn the_first_numbers_of_a_source_stay_what_they_are() {
        let mut draw = Seed(1).source("stt", "latency").draw(7, 3);
        let bits = [draw.uniform().to_bits(), draw.uniform().to_bits()];
        assert_eq!(bits, [4_604_045_479_202_784_809, 4_602_411_069_854_640_562]);
    }

    #[test]
    fn more_draws_in_one_turn_shift_no_other() {
        let source = Seed(1).source("stt", "latency");
        let next = || source.draw(5, 1).uniform();
        let before = next();
        let mut busy = source.draw(5, 0);
        (0..1_000).for_each(|_| {
            busy.uniform();
        });
        assert_eq!(before, next());
    }

    #[test]
    fn the_mood_is_one_for_all_turns_of_a_conversation_and_no_turn_of_its_own() {
        let source = Seed(1).source("stt", "latency");
        assert_eq!(source.mood(5).uniform(), source.mood(5).uniform());
        assert_ne!(source.mood(5).uniform(), source.mood(6).uniform());
        assert_ne!(source.mood(5).uniform(), source.draw(5, 0).uniform());
    }

    #[test]
    fn a_uniform_number_is_never_0_or_1() {
        assert!(open_unit(0, 0) > 0.0);
        assert!(open_unit(u32::MAX, u32::MAX) < 1.0);
        assert_eq!(1.0 - open_unit(u32::MAX, u32::MAX), open_unit(0, 0));
        assert_eq!(open_unit(0, 1 << 31), 0.5 + f64::EPSILON / 2.0);
    }

    #[test]
    fn numbers_fill_the_unit_interval_evenly() {
        let source = Seed(9).source("test", "uniform");
        let mut shares = [0u32; 20];
        for conversation in 0..25_000 {
            let mut draw = source.draw(conversation, 0);
            for _ in 0..4 {
                shares[(draw.uniform() * 20.0) as usize] += 1;
            }
        }
        let chi_square: f64 = shares
            .iter()
            .map(|&n| (f64::from(n) - 5_000.0).powi(2) / 5_000.0)
            .sum();
        // 99.9 % of chi-square with 19 degrees of freedom.
        assert!(chi_square < 43.8, "chi-square {chi_square}");
    }
}
