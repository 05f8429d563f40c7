//! Looking for the least or the greatest number that keeps a goal, by doubling and halving and then bisection.
//! Which of the two is wanted shows as soon as one direction ends: where more misses the goal, the greatest.

use crate::report::find::Wanted;

/// Doubling stops at this number: nobody needs more.
const GREATEST: f64 = 1_073_741_824.0;

/// The least real number that is tried, as a part of the first one.
const LEAST_SHARE: f64 = 1.0 / 1_024.0;

/// Nearer to zero than this real numbers are not told apart.
const LEAST: f64 = 1e-6;

/// Real numbers are found to one per cent.
const PRECISION: f64 = 1.01;

/// The kind of numbers that are tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Numbers {
    Whole,
    Real,
}

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Found {
    /// `kept` keeps the goal, and `missed`, slightly less or more, does not.
    AtLimit {
        wanted: Wanted,
        kept: f64,
        missed: f64,
    },
    /// This number keeps the goal, and none beyond it may be tried.
    AtBound { wanted: Wanted, kept: f64 },
    /// Every number that was tried keeps the goal, from the one to the other.
    Everywhere { least: f64, greatest: f64 },
    /// No number that was tried keeps the goal.
    Nothing,
    /// Numbers on both sides of the first one come out otherwise than it, so there is no single limit.
    NotMonotonic,
}

/// Two questions about a number: whether it may be tried, which costs nothing, and whether it keeps the goal.
pub(super) struct Search<A, K> {
    pub numbers: Numbers,
    pub wanted: Option<Wanted>,
    pub may: A,
    pub keeps: K,
}

impl Numbers {
    /// A number between two; `None` if they are near enough.
    fn between(self, low: f64, high: f64) -> Option<f64> {
        let middle = match self {
            Numbers::Whole => ((low + high) / 2.0).floor(),
            Numbers::Real if high <= low * PRECISION => return None,
            // There is no ratio to zero: halve what misses, down to next to nothing.
            Numbers::Real if low == 0.0 && high < LEAST => return None,
            Numbers::Real if low == 0.0 => rounded(high / 2.0),
            Numbers::Real => rounded((low * high).sqrt()),
        };
        (low < middle && middle < high).then_some(middle)
    }
}

/// The number, rounded to four significant digits.
fn rounded(value: f64) -> f64 {
    format!("{value:.3e}").parse().unwrap_or(value)
}

/// One direction in which numbers are tried.
struct Way {
    /// The last number that came out like the first one.
    last: f64,
    is_over: bool,
    /// The number that came out otherwise.
    turned: Option<f64>,
}

impl Way {
    fn from(first: f64, is_open: bool) -> Way {
        Way {
            last: first,
            is_over: !is_open,
            turned: None,
        }
    }
}

impl<E, A: Fn(f64) -> bool, K: FnMut(f64) -> Result<bool, E>> Search<A, K> {
    /// Searches from `first`, which may be tried and is not negative.
    pub(super) fn from(&mut self, first: f64) -> Result<Found, E> {
        let is_kept = (self.keeps)(first)?;
        self.around(first, is_kept)
    }

    /// Searches around a number of which it is known whether it keeps the goal.
    fn around(&mut self, first: f64, is_kept: bool) -> Result<Found, E> {
        // Who looks for the greatest number goes up from one that keeps the goal, and down from one that does not.
        let goes = |way| self.wanted.is_none_or(|wanted| (wanted == way) == is_kept);
        let mut up = Way::from(first, goes(Wanted::Greatest));
        let mut down = Way::from(first, goes(Wanted::Least));
        while !(up.is_over && down.is_over) {
            self.step(&mut up, is_kept, |own, at| own.above(at))?;
            self.step(&mut down, is_kept, |own, at| own.below(first, at))?;
            if up.turned.is_some() || down.turned.is_some() {
                break;
            }
        }
        match (up.turned, down.turned, is_kept) {
            (Some(_), Some(_), _) => Ok(Found::NotMonotonic),
            (Some(missed), None, true) => self.bisect(Wanted::Greatest, up.last, missed),
            (None, Some(missed), true) => self.bisect(Wanted::Least, down.last, missed),
            (Some(kept), None, false) => self.bisect(Wanted::Least, kept, up.last),
            (None, Some(kept), false) => self.bisect(Wanted::Greatest, kept, down.last),
            // What is asked for lies the other way, if anywhere.
            (None, None, false) if self.wanted.is_some() && first > 0.0 => {
                match self.other_way(first)? {
                    Some(kept) => self.around(kept, true),
                    None => Ok(Found::Nothing),
                }
            }
            (None, None, false) => Ok(Found::Nothing),
            (None, None, true) => Ok(match self.wanted {
                Some(Wanted::Greatest) => Found::AtBound {
                    wanted: Wanted::Greatest,
                    kept: up.last,
                },
                Some(Wanted::Least) => Found::AtBound {
                    wanted: Wanted::Least,
                    kept: down.last,
                },
                None => Found::Everywhere {
                    least: down.last,
                    greatest: up.last,
                },
            }),
        }
    }

    /// The first number that keeps the goal, where the wanted one would not be looked for.
    fn other_way(&mut self, first: f64) -> Result<Option<f64>, E> {
        let mut way = Way::from(first, true);
        while !way.is_over {
            match self.wanted {
                Some(Wanted::Least) => {
                    self.step(&mut way, false, |own, at| own.below(first, at))?;
                }
                _ => self.step(&mut way, false, |own, at| own.above(at))?,
            }
        }
        Ok(way.turned)
    }

    /// Tries the next number of a way.
    fn step(
        &mut self,
        way: &mut Way,
        is_kept: bool,
        next: impl Fn(&Self, f64) -> Option<f64>,
    ) -> Result<(), E> {
        if way.is_over {
            return Ok(());
        }
        match next(self, way.last) {
            None => way.is_over = true,
            Some(next) if (self.keeps)(next)? == is_kept => way.last = next,
            Some(next) => (way.turned, way.is_over) = (Some(next), true),
        }
        Ok(())
    }

    /// The next number above one; `None` if there is none to try.
    fn above(&self, low: f64) -> Option<f64> {
        if low >= GREATEST {
            return None;
        }
        let next = if low > 0.0 { 2.0 * low } else { 1.0 };
        match (self.may)(next) {
            true => Some(next),
            false => Some(self.last_allowed(low, next)).filter(|most| *most > low),
        }
    }

    /// The next number below one; `None` if there is none to try.
    fn below(&self, first: f64, high: f64) -> Option<f64> {
        let next = match self.numbers {
            Numbers::Whole => (high / 2.0).floor(),
            Numbers::Real if high <= first * LEAST_SHARE => 0.0,
            Numbers::Real => rounded(high / 2.0),
        };
        let least = match (self.may)(next) {
            true => next,
            false => self.last_allowed(high, next),
        };
        (least < high).then_some(least)
    }

    fn bisect(&mut self, wanted: Wanted, mut kept: f64, mut missed: f64) -> Result<Found, E> {
        while let Some(middle) = self.numbers.between(kept.min(missed), kept.max(missed)) {
            match (self.keeps)(middle)? {
                true => kept = middle,
                false => missed = middle,
            }
        }
        Ok(Found::AtLimit {
            wanted,
            kept,
            missed,
        })
    }

    /// The number nearest to one that may not be tried, seen from one that may.
    fn last_allowed(&self, mut allowed: f64, mut refused: f64) -> f64 {
        // Enough for whole numbers to the last, and for real ones to nine digits.
        for _ in 0..32 {
            let middle = (allowed + refused) / 2.0;
            let middle = match self.numbers {
                Numbers::Whole => middle.floor(),
                Numbers::Real => middle,
            };
            if middle == allowed || middle == refused {
                break;
            }
            match (self.may)(middle) {
                true => allowed = middle,
                false => refused = middle,
            }
        }
        // A bound is a round number more often than not.
        match self.numbers {
            Numbers::Real if (self.may)(rounded(allowed)) => rounded(allowed),
            _ => allowed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ops::RangeInclusive;

    /// What is found where numbers of `kept` keep the goal, and in how many steps.
    fn search(
        numbers: Numbers,
        wanted: Option<Wanted>,
        allowed: RangeInclusive<f64>,
        first: f64,
        kept: RangeInclusive<f64>,
    ) -> (Found, usize) {
        let mut steps = 0;
        let mut search = Search {
            numbers,
            wanted,
            may: |value| allowed.contains(&value),
            keeps: |value: f64| {
                assert!(allowed.contains(&value), "{value} may not be tried");
                steps += 1;
                Ok::<_, ()>(kept.contains(&value))
            },
        };
        let found = search.from(first).expect("no errors");
        (found, steps)
    }

    #[test]
    fn whole_numbers_are_found_to_the_last_one_in_either_direction() {
        let every = 0.0..=1e9;
        for (first, limit) in [
            (1.0, 1.0),
            (1.0, 37.0),
            (300.0, 511.0),
            (300.0, 45.0),
            (64.0, 999_999.0),
        ] {
            let own = |kept| search(Numbers::Whole, None, every.clone(), first, kept);
            let (found, steps) = own(0.0..=limit);
            let greatest = Found::AtLimit {
                wanted: Wanted::Greatest,
                kept: limit,
                missed: limit + 1.0,
            };
            assert_eq!(found, greatest, "from {first}");
            assert!(steps <= 55, "{steps} steps to {limit}");
            let (found, _) = own(limit..=1e9);
            let least = Found::AtLimit {
                wanted: Wanted::Least,
                kept: limit,
                missed: limit - 1.0,
            };
            assert_eq!(found, least, "from {first}");
        }
    }

    #[test]
    fn real_numbers_are_found_to_a_hundredth() {
        for (first, limit) in [(1.0, 0.3), (1.0, 812.0), (250.0, 2.0), (0.0, 0.7)] {
            let (found, steps) = search(Numbers::Real, None, 0.0..=1e6, first, 0.0..=limit);
            let Found::AtLimit { kept, missed, .. } = found else {
                panic!("{found:?} from {first}");
            };
            assert!(kept <= limit && limit < missed && missed < kept * 1.011);
            assert!(steps <= 55, "{steps} steps to {limit}");
        }
    }

    #[test]
    fn the_bounds_of_a_key_are_tried_and_never_passed() {
        let (whole, real) = (Numbers::Whole, Numbers::Real);
        let up = |numbers, allowed, first, limit| {
            let greatest = Some(Wanted::Greatest);
            match search(numbers, greatest, allowed, first, 0.0..=limit).0 {
                Found::AtLimit { kept, .. } => (kept, false),
                Found::AtBound { kept, .. } => (kept, true),
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(up(whole, 32.0..=10_000.0, 300.0, 1e9), (10_000.0, true));
        assert_eq!(up(whole, 32.0..=10_000.0, 300.0, 9_999.0), (9_999.0, false));
        assert_eq!(up(whole, 32.0..=10_000.0, 300.0, 32.0), (32.0, false));
        assert_eq!(up(whole, 5.0..=5.0, 5.0, 5.0), (5.0, true));
        assert_eq!(up(real, 0.0..=1.0, 0.7, 2.0), (1.0, true));
        assert_eq!(up(whole, 1.0..=1e12, 1.0, 1e12), (GREATEST, true));
        let nothing = search(whole, None, 32.0..=10_000.0, 300.0, 0.0..=31.0).0;
        assert_eq!(nothing, Found::Nothing);
        let everywhere = Found::Everywhere {
            least: 32.0,
            greatest: 10_000.0,
        };
        let found = search(whole, None, 32.0..=10_000.0, 300.0, 0.0..=1e9).0;
        assert_eq!(found, everywhere);
    }

    #[test]
    fn a_hill_or_a_valley_is_told_unless_one_side_is_asked_for() {
        let every = 0.0..=1e6;
        let hill = search(Numbers::Whole, None, every.clone(), 100.0, 90.0..=110.0).0;
        assert_eq!(hill, Found::NotMonotonic);
        let least = Some(Wanted::Least);
        let found = search(Numbers::Whole, least, every, 100.0, 90.0..=110.0).0;
        let expected = Found::AtLimit {
            wanted: Wanted::Least,
            kept: 90.0,
            missed: 89.0,
        };
        assert_eq!(found, expected);
    }

    #[test]
    fn an_error_ends_it() {
        let mut search = Search {
            numbers: Numbers::Whole,
            wanted: None,
            may: |_| true,
            keeps: |value| {
                if value < 8.0 {
                    Ok(true)
                } else {
                    Err("stopped")
                }
            },
        };
        assert_eq!(search.from(1.0), Err("stopped"));
    }
}
