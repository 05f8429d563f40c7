//! Student's t: whether a few conversations differ by more than they differ among themselves.

use std::f64::consts::FRAC_2_PI;

/// A difference of means, and how far it can be trusted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Student {
    difference: f64,
    standard_error: f64,
    degrees: u32,
}

impl Student {
    /// The difference of pairs of values, from that of each pair; `None` with fewer than two pairs.
    pub(super) fn of_pairs(pairs: &[(f64, f64)]) -> Option<Student> {
        let differences: Vec<f64> = pairs.iter().map(|(base, new)| new - base).collect();
        let count = differences.len() as f64;
        let (mean, squares) = moments(&differences);
        Some(Student {
            difference: mean,
            standard_error: libm::sqrt(squares / (count - 1.0) / count),
            degrees: u32::try_from(pairs.len().checked_sub(1)?)
                .ok()
                .filter(|d| *d > 0)?,
        })
    }

    /// The difference of two sides whose values are no pairs, with one variance for both.
    pub(super) fn of_sides(base: &[f64], new: &[f64]) -> Option<Student> {
        let degrees = (base.len() + new.len()).checked_sub(2).filter(|d| *d > 0)?;
        let ((base_mean, base_squares), (new_mean, new_squares)) = (moments(base), moments(new));
        let variance = (base_squares + new_squares) / degrees as f64;
        let parts = 1.0 / base.len() as f64 + 1.0 / new.len() as f64;
        let one = Student {
            difference: new_mean - base_mean,
            standard_error: libm::sqrt(variance * parts),
            degrees: u32::try_from(degrees).ok()?,
        };
        one.difference.is_finite().then_some(one)
    }

    /// The probability of a difference at least as large, either way, where there is none.
    pub(super) fn p(&self) -> f64 {
        match (self.standard_error > 0.0, self.difference == 0.0) {
            (true, _) => two_sided(self.difference / self.standard_error, self.degrees),
            (false, true) => 1.0,
            // All conversations agree.
            (false, false) => 0.0,
        }
    }

    pub(super) fn difference(&self) -> f64 {
        self.difference
    }

    /// Half the width of the 95 % interval.
    pub(super) fn half(&self) -> f64 {
        let (mut low, mut high) = (0.0, 1e6);
        for _ in 0..80 {
            let middle = (low + high) / 2.0;
            match two_sided(middle, self.degrees) > 0.05 {
                true => low = middle,
                false => high = middle,
            }
        }
        high * self.standard_error
    }
}

/// The mean, and the sum of squares around it.
fn moments(values: &[f64]) -> (f64, f64) {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    (mean, values.iter().map(|v| (v - mean) * (v - mean)).sum())
}

/// The probability that |t| is at least so large, for whole degrees of freedom (Abramowitz and Stegun 1964,
/// 26.7.3 and 26.7.4).
fn two_sided(t: f64, degrees: u32) -> f64 {
    let n = f64::from(degrees);
    let theta = libm::atan(t.abs() / libm::sqrt(n));
    let (sine, cosine) = (libm::sin(theta), libm::cos(theta));
    let is_odd = degrees % 2 == 1;
    let (mut term, mut sum) = match is_odd {
        true => (cosine, cosine),
        false => (1.0, 1.0),
    };
    let mut k = if is_odd { 3.0 } else { 2.0 };
    while k <= n - 2.0 + 0.5 {
        term *= cosine * cosine * (k - 1.0) / k;
        sum += term;
        k += 2.0;
    }
    let inside = match (is_odd, degrees) {
        (true, 1) => FRAC_2_PI * theta,
        (true, _) => FRAC_2_PI * (theta + sine * sum),
        (false, _) => sine * sum,
    };
    (1.0 - inside).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_tables() {
        for (degrees, t) in [
            (1, 12.706_204_7),
            (2, 4.302_652_7),
            (3, 3.182_446_3),
            (4, 2.776_445_1),
            (5, 2.570_581_8),
            (10, 2.228_138_9),
            (63, 1.998_340_5),
        ] {
            let p = two_sided(t, degrees);
            assert!((p - 0.05).abs() < 1e-6, "{degrees}: {p}");
        }
    }

    #[test]
    fn pairs_that_all_differ_alike_differ() {
        let pairs = [(100.0, 130.0), (400.0, 431.0), (250.0, 279.0)];
        let student = Student::of_pairs(&pairs).expect("three");
        assert!(student.p() < 0.001);
        assert!((student.half() - 4.302_652_7 / 3f64.sqrt()).abs() < 1e-3);
        let base: Vec<f64> = pairs.iter().map(|(base, _)| *base).collect();
        let new: Vec<f64> = pairs.iter().map(|(_, new)| *new).collect();
        assert!(Student::of_sides(&base, &new).expect("six").p() > 0.5);
    }

    #[test]
    fn one_pair_or_nothing_tells_nothing() {
        assert_eq!(Student::of_pairs(&[(1.0, 2.0)]), None);
        assert_eq!(Student::of_pairs(&[]), None);
        assert_eq!(Student::of_sides(&[], &[1.0, 2.0, 3.0]), None);
        assert_eq!(Student::of_sides(&[1.0], &[2.0]), None);
    }
}
