//! Two versions of an agent on the same suite: what became better, what worse, turn by turn.

use super::cell::{NOTHING, plus, ratio};
use super::shuffles::{SHUFFLES, against_chance, draws};
use super::table::columns;
use super::{Column, Evaluated, Figure, Part, SOUND, Spoken};
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A difference is one if chance would make any as large in less than one of twenty comparisons.
const SIGNIFICANCE: f64 = 0.05;

/// Two evaluations, held against each other.
#[derive(Debug, Clone, Serialize)]
pub struct Paired {
    /// Turns that both have spoken, in the same condition: the figures are of these alone.
    pub turns: usize,
    /// Turns that one of them has and the other has not.
    pub base_only: usize,
    pub new_only: usize,
    pub differences: Vec<Difference>,
}

/// A figure of both.
#[derive(Debug, Clone, Serialize)]
pub struct Difference {
    pub figure: Figure,
    pub column: Column,
    pub base: f64,
    pub new: f64,
    /// The probability that chance makes any of the differences so large.
    pub p: f64,
}

impl Difference {
    /// Whether it is beyond chance.
    pub fn is_real(&self) -> bool {
        self.p < SIGNIFICANCE
    }

    /// Whether it is beyond chance, and the new version is the worse one.
    pub fn is_worse(&self) -> bool {
        self.is_real() && self.new > self.base
    }
}

/// A turn as both spoke it.
type Pair<'a> = [&'a Spoken; 2];

impl Paired {
    /// Holds `new` against `base`. To see what chance makes, the two versions of a recording are swapped, in all of its
    /// conditions together.
    pub fn of(base: &Evaluated, new: &Evaluated) -> Paired {
        let [old, fresh] = [base, new].map(|of| {
            let turns = of.turns.iter().map(|turn| (key(turn), turn));
            turns.collect::<BTreeMap<_, &Spoken>>()
        });
        let pairs: Vec<Pair<'_>> = fresh
            .iter()
            .filter_map(|(key, turn)| Some([*old.get(key)?, *turn]))
            .collect();
        let mut recordings: BTreeMap<&Arc<str>, Vec<usize>> = BTreeMap::new();
        for (place, [_, turn]) in pairs.iter().enumerate() {
            recordings.entry(&turn.case).or_default().push(place);
        }
        let of_pairs = Evaluated {
            turns: pairs.iter().map(|[_, turn]| (*turn).clone()).collect(),
            ..new.clone()
        };
        let columns = columns(&of_pairs);
        let places: Vec<(Figure, &Column, Vec<usize>)> = Figure::ALL
            .iter()
            .flat_map(|figure| columns.iter().map(move |column| (*figure, column)))
            .map(|(figure, column)| {
                let both =
                    |pair: &Pair<'_>| pair.iter().all(|turn| turn.parts.contains_key(&figure));
                let own = pairs
                    .iter()
                    .enumerate()
                    .filter(|(_, pair)| column.has(pair[1]) && both(pair));
                (figure, column, own.map(|(place, _)| place).collect())
            })
            .filter(|(.., own): &(_, _, Vec<usize>)| !own.is_empty())
            .collect();
        let mut is_swapped = vec![false; pairs.len()];
        let sides = |is_swapped: &[bool]| {
            let of = |(figure, _, own): &(Figure, &Column, Vec<usize>)| {
                let mut sums = [NOTHING; 2];
                for place in own {
                    for side in 0..2 {
                        let turn = pairs[*place][side ^ usize::from(is_swapped[*place])];
                        let part: Part = turn.parts.get(figure).copied().unwrap_or(NOTHING);
                        sums[side] = plus(sums[side], part);
                    }
                }
                Some((ratio(sums[0])?, ratio(sums[1])?))
            };
            places.iter().map(of).collect::<Vec<Option<(f64, f64)>>>()
        };
        let off = |sides: &[Option<(f64, f64)>]| {
            let off =
                |both: &Option<(f64, f64)>| both.map_or(f64::NAN, |(base, new)| (new - base).abs());
            sides.iter().map(off).collect::<Vec<f64>>()
        };
        let observed = sides(&is_swapped);
        let mut shuffles = draws(new.seed, "versions");
        let shuffled: Vec<Vec<f64>> = (0..SHUFFLES)
            .map(|_| {
                for own in recordings.values() {
                    let coin = shuffles.uniform() < 0.5;
                    own.iter().for_each(|place| is_swapped[*place] = coin);
                }
                off(&sides(&is_swapped))
            })
            .collect();
        let chances = against_chance(&off(&observed), &shuffled);
        let differences = places.iter().zip(observed).zip(chances);
        Paired {
            turns: pairs.len(),
            base_only: old.len() - pairs.len(),
            new_only: fresh.len() - pairs.len(),
            differences: differences
                .filter_map(|(((figure, column, _), both), (_, p))| {
                    let (base, new) = both?;
                    let column = (*column).clone();
                    Some(Difference {
                        figure: *figure,
                        column,
                        base,
                        new,
                        p,
                    })
                })
                .collect(),
        }
    }

    /// Whether anything became worse.
    pub fn is_worse(&self) -> bool {
        self.differences.iter().any(Difference::is_worse)
    }
}

/// A turn and its condition.
fn key(turn: &Spoken) -> (&str, Option<&str>) {
    (&turn.case, turn.labels.get(SOUND).map(|sound| &**sound))
}

#[cfg(test)]
mod tests {
    use super::super::weak::tests::planted;
    use super::*;

    #[test]
    fn what_became_worse_is_found_and_a_version_is_no_worse_than_itself() {
        let base = planted(1, 20, 0.1, ("ann", 1.0));
        let same = Paired::of(&base, &base);
        assert_eq!((same.turns, same.base_only, same.new_only), (160, 0, 0));
        assert!(
            same.differences
                .iter()
                .all(|it| it.base == it.new && !it.is_real())
        );
        let worse = planted(1, 20, 0.2, ("ann", 1.0));
        let found = Paired::of(&base, &worse);
        let of_all = found
            .differences
            .iter()
            .find(|it| it.figure == Figure::WordErrorRate && it.column == Column::All);
        assert!(of_all.is_some_and(Difference::is_worse), "{of_all:?}");
        assert!(found.is_worse());
        let better = Paired::of(&worse, &base);
        assert!(!better.is_worse() && better.differences.iter().any(Difference::is_real));
    }

    #[test]
    fn turns_of_one_version_alone_are_counted_and_in_no_figure() {
        let base = planted(1, 5, 0.1, ("ann", 1.0));
        let mut new = base.clone();
        new.turns.truncate(10);
        let found = Paired::of(&base, &new);
        assert_eq!((found.turns, found.base_only, found.new_only), (10, 30, 0));
    }
}
