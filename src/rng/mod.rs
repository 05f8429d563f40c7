//! Named random streams: a new draw in one place never shifts an old one elsewhere.
//!
//! [`Stream`] hashes its name for every turn. [`Source`] hashes it once and then counts, which
//! costs a few nanoseconds a draw: for millions of simulated conversations.

mod counter;
mod stratified;

pub use counter::{Draw, Source};
pub use stratified::{GROUPS, Randomness, Sampling};

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use sha2::{Digest, Sha256};

/// The seed of everything random in a run. It is always known and always printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Seed(pub u64);

/// A generator for one purpose of one turn of one conversation. Its stream depends on nothing
/// else, and is the same on every machine and in every version.
pub struct Stream(ChaCha8Rng);

impl Seed {
    /// The stream of what `name` needs for `purpose` in one turn of one conversation.
    pub fn stream(self, name: &str, conversation: u64, turn: u64, purpose: &str) -> Stream {
        let mut hash = Sha256::new();
        for part in [name.as_bytes(), purpose.as_bytes()] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        for number in [self.0, conversation, turn] {
            hash.update(number.to_le_bytes());
        }
        Stream(ChaCha8Rng::from_seed(hash.finalize().into()))
    }
}

impl Stream {
    /// Uniform in the open interval (0, 1): never exactly 0, so its logarithm exists.
    pub fn uniform(&mut self) -> f64 {
        ((self.0.next_u64() >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    }

    /// Puts values in a random order (Durstenfeld 1964, "Algorithm 235: Random permutation").
    pub fn shuffle<T>(&mut self, values: &mut [T]) {
        for last in (1..values.len()).rev() {
            // Rounding down is meant.
            let place = (self.uniform() * (last + 1) as f64) as usize;
            values.swap(last, place.min(last));
        }
    }

    /// A standard normal draw (Box and Muller, 1958). `libm` keeps it equal between machines.
    pub fn normal(&mut self) -> f64 {
        let radius = libm::sqrt(-2.0 * libm::log(self.uniform()));
        radius * libm::cos(2.0 * std::f64::consts::PI * self.uniform())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shuffling_loses_nothing_and_moves_things() {
        let mut values: Vec<usize> = (0..40).collect();
        Seed(1).stream("test", 0, 0, "shuffle").shuffle(&mut values);
        assert!(!values.is_sorted());
        values.sort_unstable();
        assert!(values.into_iter().eq(0..40));
    }

    #[test]
    fn a_stream_is_known_by_all_of_its_names() {
        let first = |name, conversation, turn, purpose| {
            Seed(1).stream(name, conversation, turn, purpose).uniform()
        };
        let base = first("stt", 0, 0, "latency");
        assert_eq!(base, first("stt", 0, 0, "latency"));
        for other in [
            first("tts", 0, 0, "latency"),
            first("stt", 1, 0, "latency"),
            first("stt", 0, 1, "latency"),
            first("stt", 0, 0, "error"),
            Seed(2).stream("stt", 0, 0, "latency").uniform(),
        ] {
            assert_ne!(base, other);
        }
    }

    #[test]
    fn normal_draws_have_mean_zero_and_variance_one() {
        let mut stream = Seed(7).stream("test", 0, 0, "normal");
        let draws: Vec<f64> = (0..20_000).map(|_| stream.normal()).collect();
        let mean = draws.iter().sum::<f64>() / draws.len() as f64;
        let variance = draws.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / draws.len() as f64;
        assert!(mean.abs() < 0.03, "mean {mean}");
        assert!((variance - 1.0).abs() < 0.05, "variance {variance}");
    }
}
