//! What was measured of one piece of work.

use super::maximum::Time;

/// The fractional part of the golden ratio.
pub(super) const GOLDEN: f64 = 0.618_033_988_749_894_9;

/// A latency that was measured, and what it was measured of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// How long it took; at least so long if it was given up.
    pub time: Time,
    /// Seconds of audio or characters; `None` if it is not known.
    pub work: Option<f64>,
    /// Which conversation it is of, counted over all that was read.
    pub conversation: u32,
    /// Which question of the conversation it is for, counted from one.
    pub question: u32,
    /// Whether other programs held the cores that it computed on.
    pub is_disturbed: bool,
    /// Threads that it computed on; 0 if it computed elsewhere, or nobody measured it.
    pub threads: u32,
}

impl Sample {
    /// A latency of which nothing is known but whose it is.
    pub(super) fn of(time: Time, conversation: u32, question: u32) -> Sample {
        Sample {
            time,
            work: None,
            conversation,
            question,
            is_disturbed: false,
            threads: 0,
        }
    }
}

/// At most `most` of what was measured, from all over it: those whose place, times the golden ratio, has the least
/// fractions, so that no rhythm in it (as of the questions of conversations) decides which ones are taken.
pub(super) fn thinned<T: Copy>(all: &[T], most: usize) -> Vec<T> {
    if all.len() <= most {
        return all.to_vec();
    }
    let key = |place: usize| (place as f64 * GOLDEN).fract();
    let mut places: Vec<usize> = (0..all.len()).collect();
    places.sort_by(|one, other| key(*one).total_cmp(&key(*other)));
    places.truncate(most);
    places.sort_unstable();
    places
        .into_iter()
        .filter_map(|place| all.get(place).copied())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_thinned_keeps_its_kinds_in_their_shares() {
        for (count, period) in [(32_000, 8), (8_000, 2), (20_000, 5), (4_001, 3)] {
            let all: Vec<usize> = (0..count).collect();
            let some = thinned(&all, 4_000);
            assert!((3_900..=4_000).contains(&some.len()), "{}", some.len());
            assert!(some.is_sorted());
            for kind in 0..period {
                let share =
                    some.iter().filter(|n| *n % period == kind).count() as f64 / some.len() as f64;
                assert!(
                    (share * period as f64 - 1.0).abs() < 0.05,
                    "{share} of {count} are of kind {kind} of {period}"
                );
            }
        }
        assert_eq!(thinned(&[1, 2, 3], 3), [1, 2, 3]);
    }
}
