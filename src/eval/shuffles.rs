//! Random numbers for shuffling, from one seed.

use crate::rng::{Seed, Stream};

/// How many shuffles are drawn: the least p-value is a two-thousandth.
pub(super) const SHUFFLES: usize = 1_999;

/// The draws of a purpose.
pub(super) fn draws(seed: u64, purpose: &str) -> Stream {
    Seed(seed).stream("eval", 0, 0, purpose)
}

/// Figures under every shuffle, each divided by its own spread under chance, so that they can be held against each other.
/// `shuffled` has a list of differences for each shuffle, `NAN` where a side had nothing. Returns for each difference how
/// many spreads it is off from what chance gives in the mean, and the probability that chance makes the largest of them
/// all as large (Westfall and Young 1993, "Resampling-Based Multiple Testing", 2.3), the larger the worse.
pub(super) fn against_chance(observed: &[f64], shuffled: &[Vec<f64>]) -> Vec<(f64, f64)> {
    let spreads: Vec<Option<(f64, f64)>> = (0..observed.len())
        .map(|place| spread(shuffled.iter().map(|one| one[place])))
        .collect();
    let off = |place: usize, value: f64| {
        let (mean, deviation) = spreads[place]?;
        value.is_finite().then(|| (value - mean) / deviation)
    };
    let largest: Vec<f64> = shuffled
        .iter()
        .map(|one| {
            let all = one
                .iter()
                .enumerate()
                .filter_map(|(place, value)| off(place, *value));
            all.fold(f64::NEG_INFINITY, f64::max)
        })
        .collect();
    let of = |(place, value): (usize, &f64)| match off(place, *value) {
        None => (0.0, 1.0),
        Some(z) => {
            let as_large = largest.iter().filter(|other| **other >= z - 1e-9).count();
            (z, (as_large + 1) as f64 / (largest.len() + 1) as f64)
        }
    };
    observed.iter().enumerate().map(of).collect()
}

/// Mean and standard deviation; `None` where nothing varies.
fn spread(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    let values: Vec<f64> = values.filter(|value| value.is_finite()).collect();
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values
        .iter()
        .map(|value| (value - mean) * (value - mean))
        .sum();
    let deviation = libm::sqrt(squares / (count - 1.0));
    (values.len() > 1 && deviation > 1e-12).then_some((mean, deviation))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_chance_makes_as_large_is_not_beyond_it() {
        let shuffled: Vec<Vec<f64>> = (0..99).map(|n| vec![f64::from(n), f64::NAN, 7.0]).collect();
        let found = against_chance(&[98.0, 1.0, 7.0], &shuffled);
        assert!((found[0].1 - 0.02).abs() < 1e-9, "{found:?}");
        assert_eq!(found[1], (0.0, 1.0));
        assert_eq!(found[2], (0.0, 1.0));
    }
}
