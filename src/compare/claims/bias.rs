//! By how much what is heard differs from what is claimed, and how sure that is.
//!
//! The bias is the median of the differences: a few turns that were joined wrongly do not move it. Its 95 % interval
//! holds the values that a sign test does not refuse. Turns of one call resemble each other, so a call counts as one:
//! the sum of the signs of its differences may as well have been the opposite, if the value is the median. Up to
//! [`EXACT_MAX`] calls every way to turn the signs is looked at; beyond, the sum is compared with the normal
//! distribution that it then has (a sign-flip test as Good 2005, "Permutation, Parametric and Bootstrap Tests of
//! Hypotheses", 3.2, inverted). With one turn a call that is the sign test's own interval.

use crate::measure::Interval;
use serde::Serialize;

/// What is taken for independent of each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Independent {
    /// Calls.
    Calls,
    /// Turns, since there are too few calls.
    Turns,
}

/// With fewer than six not even signs that all agree are beyond chance, at 95 %.
const CALLS_MIN: usize = 6;
/// With more, signs are not turned in every way.
const EXACT_MAX: usize = 12;
/// The square of the normal distribution's 97.5th percentile.
const CHI_SQUARE: f64 = 3.841_458_8;
const SIGNIFICANCE: f64 = 0.05;

/// The median of values in order; `None` if there are none.
pub(super) fn median(sorted: &[f64]) -> Option<f64> {
    let middle = sorted.len() / 2;
    match sorted.len() % 2 {
        1 => Some(sorted[middle]),
        _ => Some(sorted.get(middle.checked_sub(1)?)?.midpoint(sorted[middle])),
    }
}

/// The percentile of values in order, by nearest rank.
pub(super) fn percentile(sorted: &[f64], percent: usize) -> Option<f64> {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied()
}

/// The interval of the median of the differences of calls, and what it takes for independent; `None` if there are too
/// few of either.
pub(super) fn interval(calls: &[Vec<f64>]) -> (Option<Interval>, Independent) {
    let calls: Vec<&[f64]> = calls.iter().map(Vec::as_slice).collect();
    if calls.len() >= CALLS_MIN {
        return (of_groups(&calls), Independent::Calls);
    }
    let turns: Vec<&[f64]> = calls.iter().flat_map(|call| call.chunks(1)).collect();
    match turns.len() >= CALLS_MIN {
        true => (of_groups(&turns), Independent::Turns),
        false => (None, Independent::Turns),
    }
}

/// The values that the test does not refuse; `None` if it refuses not even those beyond all that was measured.
fn of_groups(groups: &[&[f64]]) -> Option<Interval> {
    let mut values: Vec<f64> = groups
        .iter()
        .flat_map(|group| group.iter().copied())
        .collect();
    values.sort_by(f64::total_cmp);
    let (least, most) = (*values.first()?, *values.last()?);
    if !is_refused(groups, least - 1.0) || !is_refused(groups, most + 1.0) {
        return None;
    }
    // Places of values, and of the gaps after them: the test changes nowhere else.
    let at = |place: usize| match place % 2 {
        0 => values[place / 2],
        _ => values[place / 2].midpoint(values[place / 2 + 1]),
    };
    let middle = values.len() - 1;
    let low = last_kept(0, middle, |place| !is_refused(groups, at(place)));
    let high = last_kept(2 * middle, middle, |place| !is_refused(groups, at(place)));
    // A gap that is not refused is so up to its ends.
    Some(Interval {
        low: values[low / 2],
        high: values[high.div_ceil(2)],
    })
}

/// The place nearest to `refused` that is kept, between it and `kept`: by halving.
fn last_kept(mut refused: usize, mut kept: usize, is_kept: impl Fn(usize) -> bool) -> usize {
    if is_kept(refused) {
        return refused;
    }
    while refused.abs_diff(kept) > 1 {
        let middle = refused.midpoint(kept);
        match is_kept(middle) {
            true => kept = middle,
            false => refused = middle,
        }
    }
    kept
}

/// Whether the median of the differences is another one than `value`, beyond chance.
fn is_refused(groups: &[&[f64]], value: f64) -> bool {
    let sign = |own: &f64| match own.total_cmp(&value) {
        std::cmp::Ordering::Greater => 1.0,
        std::cmp::Ordering::Equal => 0.0,
        std::cmp::Ordering::Less => -1.0,
    };
    let sums: Vec<f64> = groups
        .iter()
        .map(|group| group.iter().map(sign).sum())
        .collect();
    let sum: f64 = sums.iter().sum();
    if sums.len() > EXACT_MAX {
        let squares: f64 = sums.iter().map(|own| own * own).sum();
        return sum * sum > CHI_SQUARE * squares;
    }
    let ways = 1_u32 << sums.len();
    let as_far = (0..ways).filter(|way| {
        let turned = |(place, own): (usize, &f64)| match way >> place & 1 {
            1 => -own,
            _ => *own,
        };
        let other: f64 = sums.iter().enumerate().map(turned).sum();
        other.abs() >= sum.abs()
    });
    (as_far.count() as f64) < SIGNIFICANCE * f64::from(ways)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Seed;

    #[test]
    fn single_turns_have_the_interval_of_the_sign_test() {
        // The interval of twenty values reaches from the sixth to the fifteenth (Conover 1999, 3.2: 95.9 %).
        let turns: Vec<Vec<f64>> = (1..=20).map(|value| vec![f64::from(value)]).collect();
        let (interval, independent) = interval(&turns);
        let interval = interval.expect("an interval");
        assert_eq!((interval.low, interval.high), (6.0, 15.0));
        assert_eq!(independent, Independent::Calls);
        // That of ten reaches from the second to the ninth (97.9 %): all ways to turn their signs are tried.
        let (ten, _) = super::interval(&turns[..10]);
        let ten = ten.expect("an interval");
        assert_eq!((ten.low, ten.high), (2.0, 9.0));
    }

    #[test]
    fn few_calls_fall_back_on_turns_and_few_turns_on_nothing() {
        let call: Vec<f64> = (0..30).map(f64::from).collect();
        let (of_one, independent) = interval(std::slice::from_ref(&call));
        assert!(of_one.is_some() && independent == Independent::Turns);
        assert_eq!(interval(&[call[..5].to_vec()]).0, None);
        assert_eq!(interval(&[]).0, None);
    }

    #[test]
    fn differences_that_are_all_the_same_leave_no_doubt() {
        let (same, _) = interval(&vec![vec![490.0; 4]; 8]);
        let same = same.expect("an interval");
        assert_eq!((same.low, same.high), (490.0, 490.0));
    }

    #[test]
    fn one_call_with_most_of_the_turns_tells_nothing_beyond_itself() {
        let mut calls = vec![vec![490.0; 1_000]];
        calls.extend(vec![vec![490.0]; 12]);
        assert_eq!(interval(&calls).0, None);
    }

    /// Differences of 490 ms, those of a call alike, hold 490 in 95 of 100 intervals or so.
    #[test]
    fn the_interval_holds_the_truth_as_often_as_it_says() {
        for (calls, turns) in [(8, 6), (30, 6), (150, 1)] {
            let mut held = 0;
            for trial in 0..400 {
                let mut random = Seed(7).stream("claims", trial, 0, &format!("{calls}"));
                // The sum of four uniform numbers is near enough to normal.
                let mut normal = |sd: f64| {
                    sd * (0..4).map(|_| random.uniform() - 0.5).sum::<f64>() * 3f64.sqrt()
                };
                let of_call = |_| {
                    let own = 490.0 + normal(60.0);
                    (0..turns).map(|_| own + normal(80.0)).collect::<Vec<f64>>()
                };
                let all: Vec<Vec<f64>> = (0..calls).map(of_call).collect();
                let found = interval(&all).0.expect("an interval");
                held += u32::from(found.low <= 490.0 && 490.0 <= found.high);
            }
            let share = f64::from(held) / 400.0;
            assert!((0.925..=0.985).contains(&share), "{calls} calls: {share}");
        }
    }
}
