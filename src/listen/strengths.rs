//! How strong systems are, from which of two was preferred (Bradley and Terry, 1952), and how sure that is.
//!
//! A system of strength a is preferred to one of strength b with probability 1 / (1 + exp(b - a)). A choice of neither
//! counts as half a choice of each. Each two systems that were ever compared are given one such choice besides, which
//! for two systems is what Firth (1993) adds: so a system that won every time has a strength, and a wide interval.

use std::collections::BTreeMap;

/// The quantile of the normal distribution for an interval of 95 %.
pub(super) const Z: f64 = 1.959_964;

/// Newton's method is at its end after less than ten rounds; this many are the bound.
const ROUNDS_MAX: usize = 100;
const CLOSE_ENOUGH: f64 = 1e-10;

/// Which of two systems was preferred, once.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Comparison {
    /// What was judged: choices about the same turn resemble each other.
    pub turn: usize,
    /// The two systems, by their places.
    pub systems: [usize; 2],
    /// 1 if the first of them was preferred, 0 if the other one was, 0.5 if neither.
    pub share: f64,
}

/// A figure and its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Estimate {
    /// The figure.
    pub value: f64,
    /// The lower end of its interval.
    pub low: f64,
    /// The upper end of its interval.
    pub high: f64,
}

/// The strengths of systems, on the scale of the logarithm of odds.
#[derive(Debug, Clone)]
pub(super) struct Strengths {
    values: Vec<f64>,
    /// Covariances by the model, and by how choices about the same turn go together.
    covariances: Vec<Matrix>,
}

type Matrix = Vec<Vec<f64>>;

impl Strengths {
    /// The strengths of `systems` systems; `None` if some of them were never compared with the others, not even by way
    /// of a third.
    pub(super) fn of(comparisons: &[Comparison], systems: usize) -> Option<Strengths> {
        let mut compared = comparisons.to_vec();
        compared.extend(besides(comparisons, systems));
        if !are_connected(&compared, systems) {
            return None;
        }
        let mut values = vec![0.0; systems];
        for _ in 0..ROUNDS_MAX {
            let (gradient, information) = slopes(&compared, &values);
            let inverse = pseudo_inverse(&information)?;
            let step: Vec<f64> = inverse.iter().map(|row| product(row, &gradient)).collect();
            for (value, step) in values.iter_mut().zip(&step) {
                *value += step;
            }
            if step.iter().all(|step| step.abs() < CLOSE_ENOUGH) {
                break;
            }
        }
        let (_, information) = slopes(&compared, &values);
        let model = pseudo_inverse(&information)?;
        let mut covariances = Vec::new();
        covariances.extend(clustered(comparisons, &values, &model));
        covariances.push(model);
        Some(Strengths {
            values,
            covariances,
        })
    }

    /// The strength of one system above the mean of all.
    pub(super) fn strength(&self, system: usize) -> Estimate {
        let value = self.values.get(system).copied().unwrap_or_default();
        let spread = self.spread(|covariance| at(covariance, system, system));
        Estimate {
            value,
            low: value - spread,
            high: value + spread,
        }
    }

    /// How probable it is that the first of two systems is preferred.
    pub(super) fn preference(&self, [first, other]: [usize; 2]) -> Estimate {
        let of = |system| self.values.get(system).copied().unwrap_or_default();
        let difference: f64 = of(first) - of(other);
        let spread = self.spread(|covariance| {
            at(covariance, first, first) + at(covariance, other, other)
                - 2.0 * at(covariance, first, other)
        });
        Estimate {
            value: logistic(difference),
            low: logistic(difference - spread),
            high: logistic(difference + spread),
        }
    }

    /// Half the width of an interval, by whatever makes it wider.
    fn spread(&self, variance: impl Fn(&Matrix) -> f64) -> f64 {
        let widest = self.covariances.iter().map(variance).fold(0.0, f64::max);
        Z * libm::sqrt(widest)
    }
}

pub(super) fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + libm::exp(-x))
}

/// A choice of neither for each two systems that were compared.
fn besides(comparisons: &[Comparison], systems: usize) -> Vec<Comparison> {
    let mut both = Vec::new();
    for first in 0..systems {
        for other in first + 1..systems {
            let is_theirs =
                |one: &Comparison| [[first, other], [other, first]].contains(&one.systems);
            if comparisons.iter().any(is_theirs) {
                both.push(Comparison {
                    turn: usize::MAX,
                    systems: [first, other],
                    share: 0.5,
                });
            }
        }
    }
    both
}

fn are_connected(comparisons: &[Comparison], systems: usize) -> bool {
    let mut group: Vec<usize> = (0..systems).collect();
    for one in comparisons {
        let [a, b] = one
            .systems
            .map(|system| group.get(system).copied().unwrap_or_default());
        for of in &mut group {
            if *of == a {
                *of = b;
            }
        }
    }
    group.windows(2).all(|two| two.first() == two.last())
}

/// The slope of the log-likelihood, and Fisher's information.
fn slopes(comparisons: &[Comparison], values: &[f64]) -> (Vec<f64>, Matrix) {
    let systems = values.len();
    let mut gradient = vec![0.0; systems];
    let mut information = vec![vec![0.0; systems]; systems];
    for one in comparisons {
        let [first, other] = one.systems;
        let p = probability(one, values);
        let weight = p * (1.0 - p);
        add(&mut gradient, first, one.share - p);
        add(&mut gradient, other, p - one.share);
        for (row, column, sign) in [
            (first, first, 1.0),
            (other, other, 1.0),
            (first, other, -1.0),
            (other, first, -1.0),
        ] {
            if let Some(row) = information.get_mut(row) {
                add(row, column, sign * weight);
            }
        }
    }
    (gradient, information)
}

fn probability(one: &Comparison, values: &[f64]) -> f64 {
    let [first, other] = one
        .systems
        .map(|system| values.get(system).copied().unwrap_or_default());
    logistic(first - other)
}

/// The covariance by how choices about the same turn go together (Liang and Zeger, 1986); `None` if no turn was judged
/// more than once.
fn clustered(comparisons: &[Comparison], values: &[f64], model: &Matrix) -> Option<Matrix> {
    let systems = values.len();
    let mut scores: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
    for one in comparisons {
        let score = scores.entry(one.turn).or_insert_with(|| vec![0.0; systems]);
        let [first, other] = one.systems;
        let left = one.share - probability(one, values);
        add(score, first, left);
        add(score, other, -left);
    }
    let turns = scores.len();
    if turns < 2 || turns == comparisons.len() {
        return None;
    }
    let mut meat = vec![vec![0.0; systems]; systems];
    for score in scores.values() {
        for (row, own) in meat.iter_mut().zip(score) {
            for (cell, other) in row.iter_mut().zip(score) {
                *cell += own * other;
            }
        }
    }
    let few = turns as f64 / (turns - 1) as f64;
    let mut covariance = times(&times(model, &meat), model);
    for cell in covariance.iter_mut().flatten() {
        *cell *= few;
    }
    Some(covariance)
}

/// The inverse of an information matrix whose rows add up to nothing: strengths are known but for a constant.
fn pseudo_inverse(information: &Matrix) -> Option<Matrix> {
    let systems = information.len();
    let constant = 1.0 / systems as f64;
    let shifted: Matrix = information
        .iter()
        .map(|row| row.iter().map(|cell| cell + constant).collect())
        .collect();
    let mut inverse = inverse(shifted)?;
    for cell in inverse.iter_mut().flatten() {
        *cell -= constant;
    }
    Some(inverse)
}

/// The inverse by Gauss and Jordan, with pivots; `None` of a singular matrix.
fn inverse(mut matrix: Matrix) -> Option<Matrix> {
    let size = matrix.len();
    for (place, row) in matrix.iter_mut().enumerate() {
        row.extend((0..size).map(|column| f64::from(u8::from(column == place))));
    }
    for column in 0..size {
        let pivot = (column..size).max_by(|a, b| {
            let size_of = |row: &usize| at(&matrix, *row, column).abs();
            size_of(a).total_cmp(&size_of(b))
        })?;
        matrix.swap(column, pivot);
        let mut own = matrix.get(column)?.clone();
        let lead = *own.get(column)?;
        if lead.abs() < 1e-12 || !lead.is_finite() {
            return None;
        }
        own.iter_mut().for_each(|cell| *cell /= lead);
        for (place, row) in matrix.iter_mut().enumerate() {
            let factor = row.get(column).copied().unwrap_or_default();
            if place != column {
                for (cell, own) in row.iter_mut().zip(&own) {
                    *cell -= factor * own;
                }
            }
        }
        *matrix.get_mut(column)? = own;
    }
    matrix.iter_mut().for_each(|row| {
        row.drain(..size);
    });
    Some(matrix)
}

fn times(a: &Matrix, b: &Matrix) -> Matrix {
    let columns = b.first().map_or(0, Vec::len);
    let cell = |row: &Vec<f64>, column| -> f64 {
        let of = b
            .iter()
            .map(|other| other.get(column).copied().unwrap_or_default());
        row.iter().zip(of).map(|(one, other)| one * other).sum()
    };
    a.iter()
        .map(|row| (0..columns).map(|column| cell(row, column)).collect())
        .collect()
}

fn product(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(one, other)| one * other).sum()
}

fn at(matrix: &Matrix, row: usize, column: usize) -> f64 {
    matrix
        .get(row)
        .and_then(|row| row.get(column))
        .copied()
        .unwrap_or_default()
}

fn add(to: &mut [f64], place: usize, more: f64) {
    if let Some(cell) = to.get_mut(place) {
        *cell += more;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Seed;

    fn wins(first: usize, other: usize, won: usize, lost: usize) -> Vec<Comparison> {
        let one = |(turn, share)| Comparison {
            turn,
            systems: [first, other],
            share,
        };
        let shares = std::iter::repeat_n(1.0, won).chain(std::iter::repeat_n(0.0, lost));
        shares.enumerate().map(one).collect()
    }

    #[test]
    fn of_two_systems_the_preference_is_the_share_of_choices_and_half_one_each() {
        let fitted = Strengths::of(&wins(0, 1, 30, 10), 2).expect("compared");
        let preference = fitted.preference([0, 1]);
        assert!(
            (preference.value - 30.5 / 41.0).abs() < 1e-9,
            "{preference:?}"
        );
        assert!(
            preference.low > 0.5 && preference.high < 0.87,
            "{preference:?}"
        );
        let other = fitted.preference([1, 0]);
        assert!((other.value + preference.value - 1.0).abs() < 1e-12);
        assert!((other.low + preference.high - 1.0).abs() < 1e-12);
    }

    #[test]
    fn who_wins_every_time_has_a_strength_and_a_wide_interval() {
        let fitted = Strengths::of(&wins(0, 1, 5, 0), 2).expect("compared");
        let preference = fitted.preference([0, 1]);
        assert!(
            preference.value > 0.85 && preference.low < 0.6,
            "{preference:?}"
        );
    }

    #[test]
    fn systems_that_were_never_compared_have_no_strengths() {
        assert!(Strengths::of(&wins(0, 1, 5, 5), 3).is_none());
        assert!(Strengths::of(&[], 2).is_none());
        let mut chain = wins(0, 1, 5, 5);
        chain.extend(wins(2, 1, 5, 5));
        assert!(Strengths::of(&chain, 3).is_some(), "by way of a third");
    }

    /// Judges who prefer by these strengths, each two systems in every turn; how far a turn is its own is `common`.
    fn judged(
        strengths: &[f64],
        (turns, judges): (usize, usize),
        common: f64,
        seed: u64,
    ) -> Vec<Comparison> {
        let mut luck = Seed(seed).stream("listen", 0, 0, "judges");
        let mut all = Vec::new();
        for turn in 0..turns {
            let own: Vec<f64> = strengths
                .iter()
                .map(|strength| strength + common * luck.normal())
                .collect();
            for _ in 0..judges {
                for first in 0..strengths.len() {
                    for other in first + 1..strengths.len() {
                        let p = logistic(own[first] - own[other]);
                        let share = f64::from(u8::from(luck.uniform() < p));
                        all.push(Comparison {
                            turn,
                            systems: [first, other],
                            share,
                        });
                    }
                }
            }
        }
        all
    }

    /// In how many of 100 experiments each known strength lies within its interval, the least and the most of them.
    fn coverage(strengths: &[f64], shape: (usize, usize)) -> (u32, u32) {
        let mean = strengths.iter().sum::<f64>() / strengths.len() as f64;
        let mut within = vec![0_u32; strengths.len() + 1];
        for seed in 0..100 {
            let all = judged(strengths, shape, 0.0, seed);
            let fitted = Strengths::of(&all, strengths.len()).expect("compared");
            for (system, strength) in strengths.iter().enumerate() {
                let own = fitted.strength(system);
                within[system] += u32::from((own.low..=own.high).contains(&(strength - mean)));
            }
            let preference = fitted.preference([0, 1]);
            let known = logistic(strengths[0] - strengths[1]);
            let is_within = (preference.low..=preference.high).contains(&known);
            within[strengths.len()] += u32::from(is_within);
        }
        let (least, most) = (within.iter().min(), within.iter().max());
        (*least.expect("some"), *most.expect("some"))
    }

    #[test]
    fn known_strengths_lie_within_their_intervals_in_ninety_one_to_ninety_nine_of_a_hundred() {
        for (strengths, shape) in [
            (&[0.0, 0.0][..], (60, 1)),
            (&[0.6, 0.0], (60, 1)),
            (&[0.0, 0.8, 0.3], (40, 1)),
            (&[0.4, 0.0, 1.2, 0.9], (30, 2)),
        ] {
            let (least, most) = coverage(strengths, shape);
            assert!(
                least >= 91 && most <= 99,
                "{strengths:?} in {shape:?}: {least} to {most} of 100"
            );
        }
    }

    #[test]
    fn many_judges_of_few_turns_are_not_taken_for_many_turns() {
        let mut within = 0;
        for seed in 0..100 {
            let all = judged(&[0.0, 0.0], (30, 8), 1.0, seed);
            let fitted = Strengths::of(&all, 2).expect("compared");
            let preference = fitted.preference([0, 1]);
            within += u32::from((preference.low..=preference.high).contains(&0.5));
        }
        assert!(within >= 88, "{within} of 100");
    }
}
