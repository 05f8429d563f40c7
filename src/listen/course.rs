//! The order in which a judge is given pairs: random, each side first as often as a coin says, and some pairs again
//! later with their sides exchanged.

use crate::rng::Seed;

/// As many presentations lie between a pair and its repeat at least, as far as there are so many.
const APART: usize = 5;

/// A repeat comes so many pairs behind the earliest place at most.
const WITHIN: f64 = 15.0;

/// What is given to a judge at one time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Presentation {
    /// The pair, by its place.
    pub pair: usize,
    /// Whether the sides of the pair are exchanged.
    pub is_exchanged: bool,
    /// The number of the presentation that this one repeats, counted from one.
    pub repeats: Option<u32>,
}

/// The course of one judge through `pairs` pairs, of which this share is given again.
pub(super) fn course(pairs: usize, repeats: f64, seed: Seed, judge: &str) -> Vec<Presentation> {
    let mut luck = seed.stream("listen", 0, 0, judge);
    let mut order: Vec<usize> = (0..pairs).collect();
    luck.shuffle(&mut order);
    let sides: Vec<bool> = order.iter().map(|_| luck.uniform() < 0.5).collect();
    let places = pairs.saturating_sub(APART).max(usize::from(pairs > 0));
    // Rounding up is meant: whoever asks for repeats gets one.
    let count = ((pairs as f64 * repeats).ceil() as usize).min(places);
    // One out of each of so many stretches of one length: whoever stops early has had their share.
    let again: Vec<usize> = (0..count)
        .map(|stretch| {
            let (from, to) = (stretch * places / count, (stretch + 1) * places / count);
            from + (luck.uniform() * (to - from) as f64) as usize
        })
        .collect();
    // Everything has a place on one line: pairs at whole numbers, repeats behind theirs.
    let mut line: Vec<(f64, usize, bool)> = (0..pairs)
        .map(|place| (place as f64, place, false))
        .collect();
    for place in again {
        let from = (place + APART).min(pairs.saturating_sub(1)) as f64;
        let at = from + luck.uniform() * (pairs as f64 - from).min(WITHIN);
        line.push((at, place, true));
    }
    line.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut numbers = vec![None; pairs];
    let mut given = Vec::with_capacity(line.len());
    for (index, (_, place, is_again)) in line.into_iter().enumerate() {
        let (Some(pair), Some(is_exchanged), Some(number)) =
            (order.get(place), sides.get(place), numbers.get_mut(place))
        else {
            continue;
        };
        let repeats = number.filter(|_| is_again);
        number.get_or_insert(index as u32 + 1);
        given.push(Presentation {
            pair: *pair,
            is_exchanged: *is_exchanged != is_again,
            repeats,
        });
    }
    given
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn who_stops_early_has_had_repeats() {
        let given = course(1_000, 0.1, Seed(1), "anna");
        let again = given.iter().take(100).filter(|one| one.repeats.is_some());
        assert!((7..=10).contains(&again.count()));
    }

    #[test]
    fn every_pair_is_given_once_and_a_tenth_again_later_and_the_other_way_round() {
        let given = course(100, 0.1, Seed(1), "anna");
        assert_eq!(given.len(), 110);
        let firsts: BTreeSet<usize> = given
            .iter()
            .filter(|one| one.repeats.is_none())
            .map(|one| one.pair)
            .collect();
        assert_eq!(firsts.len(), 100);
        for (index, again) in given.iter().enumerate() {
            let Some(number) = again.repeats else {
                continue;
            };
            let before = given[number as usize - 1];
            assert_eq!(before.pair, again.pair);
            assert_ne!(before.is_exchanged, again.is_exchanged);
            assert!(
                index >= number as usize - 1 + APART,
                "{index} repeats {number}"
            );
        }
        assert_eq!(given.iter().filter(|one| one.repeats.is_some()).count(), 10);
        let exchanged = given.iter().filter(|one| one.is_exchanged).count();
        assert!((30..80).contains(&exchanged), "{exchanged} of 110");
    }

    #[test]
    fn a_course_is_known_by_its_seed_and_judge() {
        let of = |seed, judge| course(40, 0.1, Seed(seed), judge);
        assert_eq!(of(1, "anna"), of(1, "anna"));
        assert_ne!(of(1, "anna"), of(2, "anna"));
        assert_ne!(of(1, "anna"), of(1, "ben"));
    }

    #[test]
    fn few_pairs_are_repeated_as_far_as_they_can_be() {
        assert!(course(0, 0.1, Seed(1), "a").is_empty());
        for pairs in 1..8 {
            let given = course(pairs, 1.0, Seed(1), "a");
            let again = given.iter().filter(|one| one.repeats.is_some()).count();
            assert!(again >= 1, "{pairs} pairs");
            assert_eq!(given.len(), pairs + again);
        }
    }
}
