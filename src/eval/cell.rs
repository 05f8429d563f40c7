//! A figure of a segment, and how sure it is.

use super::{Figure, Part, Unit};
use crate::interval::{Z, wilson};
use serde::Serialize;
use std::collections::BTreeMap;

/// With fewer turns than this a cell tells little, and reports grey it.
pub const FEW: usize = 20;

/// A figure of some turns.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Cell {
    /// Turns that say something of the figure.
    pub turns: usize,
    pub value: f64,
    /// The interval of 95 %; null where the turns are one recording alone.
    pub interval: Option<(f64, f64)>,
}

impl Cell {
    /// The figure of turns, each with the recording that it is of: turns of one recording resemble each other, and count
    /// together. `None` if no turn says anything.
    pub fn of<'a>(figure: Figure, turns: impl Iterator<Item = (&'a str, Part)>) -> Option<Cell> {
        let mut recordings: BTreeMap<&str, Part> = BTreeMap::new();
        let mut count = 0;
        let mut sum = NOTHING;
        for (recording, part) in turns {
            count += 1;
            sum = plus(sum, part);
            let own = recordings.entry(recording).or_insert(NOTHING);
            *own = plus(*own, part);
        }
        let value = ratio(sum)?;
        Some(Cell {
            turns: count,
            value,
            interval: interval(figure, sum, &recordings.into_values().collect::<Vec<_>>()),
        })
    }
}

pub(super) const NOTHING: Part = Part {
    above: 0.0,
    below: 0.0,
};

pub(super) fn plus(sum: Part, part: Part) -> Part {
    Part {
        above: sum.above + part.above,
        below: sum.below + part.below,
    }
}

/// The figure of a sum; `None` of nothing.
pub(super) fn ratio(sum: Part) -> Option<f64> {
    (sum.below > 0.0).then(|| sum.above / sum.below)
}

/// The interval of a ratio of sums over recordings. Its variance is that of a ratio estimator (Cochran 1977, "Sampling
/// Techniques", 6.4). A share near 0 or 1 has Wilson's interval of as many turns as would have that variance (after Korn and
/// Graubard 1998, "Confidence intervals for proportions with small expected number of positive counts"), where all agree of
/// as many as there are recordings.
fn interval(figure: Figure, sum: Part, recordings: &[Part]) -> Option<(f64, f64)> {
    let count = recordings.len() as f64;
    if recordings.len() < 2 {
        return None;
    }
    let value = ratio(sum)?;
    let squares: f64 = recordings
        .iter()
        .map(|own| own.above - value * own.below)
        .map(|off| off * off)
        .sum();
    let variance = count / (count - 1.0) * squares / (sum.below * sum.below);
    let is_share = matches!(figure.unit(), Unit::Share | Unit::Rate) && value <= 1.0;
    if !is_share {
        let half = Z * variance.sqrt();
        return Some(((value - half).max(0.0), value + half));
    }
    let of_coins = value * (1.0 - value);
    let size = match variance > 0.0 && of_coins > 0.0 {
        true => (of_coins / variance).min(sum.below),
        false => count,
    };
    Some(wilson(value, size))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Seed;
    use proptest::prelude::*;

    fn part(above: f64, below: f64) -> Part {
        Part { above, below }
    }

    fn of(figure: Figure, parts: &[Part]) -> Option<Cell> {
        let names: Vec<String> = (0..parts.len()).map(|n| n.to_string()).collect();
        Cell::of(
            figure,
            names.iter().map(String::as_str).zip(parts.iter().copied()),
        )
    }

    #[test]
    fn words_are_added_up_before_they_are_divided() {
        let cell = of(Figure::WordErrorRate, &[part(1.0, 2.0), part(0.0, 18.0)]);
        assert_eq!(cell.map(|cell| (cell.turns, cell.value)), Some((2, 0.05)));
        assert_eq!(of(Figure::WordErrorRate, &[]), None);
        assert_eq!(of(Figure::WordErrorRate, &[part(0.0, 0.0)]), None);
    }

    #[test]
    fn no_cut_off_of_thirty_is_not_known_to_be_none_at_all() {
        let cell = of(Figure::CutOffShare, &[part(0.0, 1.0); 30]).expect("a cell");
        let (low, high) = cell.interval.expect("an interval");
        assert_eq!(low, 0.0);
        assert!((0.1..0.15).contains(&high), "{high}");
    }

    #[test]
    fn one_recording_in_many_conditions_is_one_recording() {
        let same = Cell::of(Figure::CutOffShare, [("a", part(1.0, 1.0)); 30].into_iter());
        assert_eq!(same.and_then(|cell| cell.interval), None);
        let pairs = (0..30).map(|n| (["a", "b", "c"][n / 10], part(f64::from(n < 10), 1.0)));
        let (low, high) = Cell::of(Figure::CutOffShare, pairs)
            .and_then(|cell| cell.interval)
            .expect("an interval");
        // Three coins, not thirty.
        assert!(low < 0.1 && high > 0.7, "{low} to {high}");
    }

    #[test]
    fn nine_and_a_half_of_ten_intervals_hold_the_truth() {
        for (truth, words) in [(0.1, 8), (0.03, 12)] {
            let mut held = 0;
            for seed in 0..400 {
                let mut stream = Seed(seed).stream("test", 0, 0, "cells");
                let parts: Vec<Part> = (0..60)
                    .map(|_| {
                        let wrong = (0..words).filter(|_| stream.uniform() < truth).count();
                        part(wrong as f64, f64::from(words))
                    })
                    .collect();
                let cell = of(Figure::WordErrorRate, &parts).expect("a cell");
                let (low, high) = cell.interval.expect("an interval");
                held += u32::from((low..=high).contains(&truth));
            }
            assert!((366..=394).contains(&held), "{held} of 400 at {truth}");
        }
    }

    proptest! {
        #[test]
        fn an_interval_is_around_its_figure(
            parts in prop::collection::vec((0.0..20.0f64, 1.0..20.0f64), 2..40),
        ) {
            let parts: Vec<Part> = parts.into_iter().map(|(above, below)| part(above, below)).collect();
            for figure in [Figure::WordErrorRate, Figure::E2eLatency] {
                let cell = of(figure, &parts).expect("a cell");
                let (low, high) = cell.interval.expect("an interval");
                prop_assert!(low <= cell.value + 1e-9 && cell.value <= high + 1e-9);
            }
        }
    }
}
