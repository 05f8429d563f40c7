//! Looking for the greatest number that keeps a goal, by doubling and then bisection. A greater number must
//! never keep the goal where a lesser one does not.

/// Doubling stops at this number: nobody needs more.
const GREATEST: f64 = 1_073_741_824.0;

/// The least real number that is tried, as a part of the first one.
const LEAST_SHARE: f64 = 1.0 / 1_024.0;

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
    /// This number keeps the goal, and a slightly greater one does not.
    AtLimit(f64),
    /// This number keeps the goal, and no greater one may be tried.
    AtBound(f64),
    /// The least number that may be tried does not keep the goal.
    Nothing,
}

/// Two questions about a number: whether it may be tried, which costs nothing, and whether it keeps the goal.
pub(super) struct Search<A, K> {
    pub numbers: Numbers,
    pub may: A,
    pub keeps: K,
}

impl Numbers {
    /// A number between two, the lesser of which keeps the goal; `None` if they are near enough.
    fn between(self, low: f64, high: f64) -> Option<f64> {
        let middle = match self {
            Numbers::Whole => ((low + high) / 2.0).floor(),
            Numbers::Real if high <= low * PRECISION => return None,
            // There is no ratio to zero: halve what misses, down to a thousandth.
            Numbers::Real if low == 0.0 && high < LEAST_SHARE => return None,
            Numbers::Real if low == 0.0 => rounded(high / 2.0),
            Numbers::Real => rounded((low * high).sqrt()),
        };
        (low < middle && middle < high).then_some(middle)
    }

    fn least(self, first: f64) -> f64 {
        match self {
            Numbers::Whole => first.min(0.0),
            Numbers::Real => rounded(first * LEAST_SHARE),
        }
    }
}

/// The number, rounded to four significant digits.
fn rounded(value: f64) -> f64 {
    format!("{value:.3e}").parse().unwrap_or(value)
}

impl<E, A: Fn(f64) -> bool, K: FnMut(f64) -> Result<bool, E>> Search<A, K> {
    /// Searches from `first`, which may be tried and is not negative.
    pub(super) fn from(&mut self, first: f64) -> Result<Found, E> {
        match (self.keeps)(first)? {
            true => self.above(first),
            false => self.below(first),
        }
    }

    /// Doubles from a number that keeps the goal.
    fn above(&mut self, mut low: f64) -> Result<Found, E> {
        while low < GREATEST {
            let next = if low > 0.0 { 2.0 * low } else { 1.0 };
            if !(self.may)(next) {
                let most = self.last_allowed(low, next);
                return match most > low {
                    true if (self.keeps)(most)? => Ok(Found::AtBound(most)),
                    true => self.bisect(low, most),
                    false => Ok(Found::AtBound(low)),
                };
            }
            if !(self.keeps)(next)? {
                return self.bisect(low, next);
            }
            low = next;
        }
        Ok(Found::AtBound(low))
    }

    /// Tries the least number below one that does not keep the goal.
    fn below(&mut self, high: f64) -> Result<Found, E> {
        let mut least = self.numbers.least(high);
        if !(self.may)(least) {
            least = self.last_allowed(high, least);
        }
        if least < high && (self.keeps)(least)? {
            return self.bisect(least, high);
        }
        Ok(Found::Nothing)
    }

    fn bisect(&mut self, mut low: f64, mut high: f64) -> Result<Found, E> {
        while let Some(middle) = self.numbers.between(low, high) {
            match (self.keeps)(middle)? {
                true => low = middle,
                false => high = middle,
            }
        }
        Ok(Found::AtLimit(low))
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

    /// What is found, and in how many steps.
    fn search(
        numbers: Numbers,
        allowed: RangeInclusive<f64>,
        first: f64,
        limit: f64,
    ) -> (Found, usize) {
        let mut steps = 0;
        let mut search = Search {
            numbers,
            may: |value| allowed.contains(&value),
            keeps: |value: f64| {
                assert!(allowed.contains(&value), "{value} may not be tried");
                steps += 1;
                Ok::<_, ()>(value <= limit)
            },
        };
        let found = search.from(first).expect("no errors");
        (found, steps)
    }

    #[test]
    fn whole_numbers_are_found_to_the_last_one() {
        let every = 1.0..=1e9;
        for (first, limit) in [
            (1.0, 1.0),
            (1.0, 37.0),
            (300.0, 511.0),
            (300.0, 45.0),
            (64.0, 999_999.0),
        ] {
            let (found, steps) = search(Numbers::Whole, every.clone(), first, limit);
            assert_eq!(found, Found::AtLimit(limit), "from {first}");
            assert!(steps <= 40, "{steps} steps to {limit}");
        }
    }

    #[test]
    fn real_numbers_are_found_to_a_hundredth() {
        for (first, limit) in [(1.0, 0.3), (1.0, 812.0), (250.0, 2.0), (0.0, 0.7)] {
            let (found, steps) = search(Numbers::Real, 0.0..=1e6, first, limit);
            let Found::AtLimit(value) = found else {
                panic!("{found:?} from {first}");
            };
            assert!(
                value <= limit && limit < value * 1.011,
                "{value} for {limit}"
            );
            assert!(steps <= 40, "{steps} steps to {limit}");
        }
    }

    #[test]
    fn the_bounds_of_a_key_are_tried_and_never_passed() {
        let (whole, real) = (Numbers::Whole, Numbers::Real);
        let found = |numbers, allowed, first, limit| search(numbers, allowed, first, limit).0;
        assert_eq!(
            found(whole, 32.0..=10_000.0, 300.0, 1e9),
            Found::AtBound(10_000.0)
        );
        assert_eq!(
            found(whole, 32.0..=10_000.0, 300.0, 9_999.0),
            Found::AtLimit(9_999.0)
        );
        assert_eq!(
            found(whole, 32.0..=10_000.0, 300.0, 32.0),
            Found::AtLimit(32.0)
        );
        assert_eq!(found(whole, 32.0..=10_000.0, 300.0, 31.0), Found::Nothing);
        assert_eq!(found(whole, 5.0..=5.0, 5.0, 5.0), Found::AtBound(5.0));
        assert_eq!(found(real, 0.0..=1.0, 0.7, 2.0), Found::AtBound(1.0));
        assert_eq!(
            found(whole, 1.0..=1e12, 1.0, 1e12),
            Found::AtBound(GREATEST)
        );
    }

    #[test]
    fn an_error_ends_it() {
        let mut search = Search {
            numbers: Numbers::Whole,
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
