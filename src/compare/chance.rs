//! What chance could have made of the same conversations: how often each column counts on either side.

use crate::rng::{Draw, Seed};

/// How many shuffles are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Effort {
    /// Shuffles for the p-values. The least p-value is 1 / (`shuffles` + 1).
    pub shuffles: u32,
    /// Whether the intervals of differences are looked for, which takes most of the time.
    pub has_intervals: bool,
    /// The seed of all that is drawn.
    pub seed: u64,
}

impl Default for Effort {
    /// Enough shuffles to tell a difference among a hundred lines.
    fn default() -> Effort {
        Effort {
            shuffles: 2_499,
            has_intervals: true,
            seed: 1,
        }
    }
}

/// The most pairs of which every way to swap them is looked at: 2048 ways.
const ALL_SWAPS_MAX: usize = 11;

/// What is drawn from: the number of columns on each side, and whether they belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Columns {
    pub base: usize,
    pub new: usize,
    pub is_paired: bool,
}

/// How often each column counts. The first columns are the base's, the others the new side's.
#[derive(Debug)]
pub(super) struct Weights {
    width: usize,
    all: Vec<u32>,
}

impl Weights {
    pub(super) fn iter(&self) -> impl Iterator<Item = &[u32]> {
        self.all.chunks_exact(self.width.max(1))
    }
}

/// The columns that lie on the base's side if nothing but a coin decides: 0 or 1 each. With few pairs every way
/// is there once, the true one too; otherwise the true one has to be counted besides.
pub(super) struct Shuffles {
    pub weights: Weights,
    pub are_all: bool,
}

impl Columns {
    pub(super) fn width(self) -> usize {
        self.base + self.new
    }

    pub(super) fn shuffles(self, effort: &Effort) -> Shuffles {
        let are_all = self.is_paired && self.base <= ALL_SWAPS_MAX;
        let mut all = Vec::new();
        match are_all {
            true => {
                for swaps in 0..1_u64 << self.base {
                    self.swap(&mut all, |pair| swaps >> pair & 1 == 1);
                }
            }
            false => {
                let source = Seed(effort.seed).source("compare", "shuffle");
                for number in 0..effort.shuffles {
                    let mut draw = source.draw(0, number);
                    match self.is_paired {
                        true => self.swap(&mut all, |_| draw.uniform() < 0.5),
                        false => self.deal(&mut all, &mut draw),
                    }
                }
            }
        }
        let weights = Weights {
            width: self.width(),
            all,
        };
        Shuffles { weights, are_all }
    }

    /// Adds a shuffle in which each pair is as it is, or swapped.
    fn swap(self, all: &mut Vec<u32>, mut is_swapped: impl FnMut(usize) -> bool) {
        let first = all.len();
        all.extend((0..self.base).map(|pair| u32::from(!is_swapped(pair))));
        for pair in first..first + self.base {
            all.push(1 - all[pair]);
        }
    }

    /// Adds a shuffle in which the base has as many columns as before, drawn from all (Fisher and Yates).
    fn deal(self, all: &mut Vec<u32>, draw: &mut Draw) {
        let mut order: Vec<usize> = (0..self.width()).collect();
        let first = all.len();
        all.resize(first + self.width(), 0);
        for place in 0..self.base {
            let other = place + below(draw, self.width() - place);
            order.swap(place, other);
            all[first + order[place]] = 1;
        }
    }
}

/// A whole number below `bound`.
fn below(draw: &mut Draw, bound: usize) -> usize {
    // Rounding down is meant; no bound here is near 2^53.
    ((draw.uniform() * bound as f64) as usize).min(bound.saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(base: usize, new: usize, is_paired: bool) -> Columns {
        Columns {
            base,
            new,
            is_paired,
        }
    }

    #[test]
    fn a_pair_is_never_on_one_side() {
        for pairs in [3, 20] {
            let shuffles = columns(pairs, pairs, true).shuffles(&Effort::default());
            assert_eq!(shuffles.are_all, pairs == 3);
            for weights in shuffles.weights.iter() {
                assert!((0..pairs).all(|pair| weights[pair] + weights[pairs + pair] == 1));
            }
        }
    }

    #[test]
    fn few_pairs_are_swapped_in_every_way() {
        let shuffles = columns(3, 3, true).shuffles(&Effort::default());
        let mut all: Vec<&[u32]> = shuffles.weights.iter().collect();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 8);
    }

    #[test]
    fn sides_keep_their_size_and_every_column_is_dealt_alike() {
        let effort = Effort::default();
        let shuffles = columns(10, 30, false).shuffles(&effort);
        let mut counts = [0; 40];
        for weights in shuffles.weights.iter() {
            assert_eq!(weights.iter().sum::<u32>(), 10);
            counts.iter_mut().zip(weights).for_each(|(c, w)| *c += w);
        }
        // A quarter of them each, within four standard deviations.
        let expected = f64::from(effort.shuffles) / 4.0;
        let far = 4.0 * (expected * 0.75).sqrt();
        assert!(
            counts
                .iter()
                .all(|c| (f64::from(*c) - expected).abs() < far)
        );
    }
}
