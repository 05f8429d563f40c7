//! A straight line through times, by the work that they took: the slope that half of all pairs lie over (Theil, 1950;
//! Sen, 1968), which a disturbed job here and there does not tilt.

use super::sample::thinned;

/// Pairs grow with the square of the number of times; more than these tell no more.
const POINTS_MAX: usize = 700;

/// How times grow with the work.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Line {
    /// Milliseconds for each unit of work; never below 0.
    pub slope: f64,
    /// The share of the variance that the work explains, 0 to 1.
    pub explained: f64,
}

/// The line through times that ended, as (work, ms); `None` if the work is always the same, or more of it does not take
/// longer.
pub(super) fn through(points: &[(f64, f64)]) -> Option<Line> {
    let some = thinned(points, POINTS_MAX);
    let mut slopes = Vec::with_capacity(some.len() * some.len() / 2);
    for (index, (work, ms)) in some.iter().enumerate() {
        for (other, other_ms) in &some[index + 1..] {
            if (other - work).abs() > 1e-9 {
                slopes.push((other_ms - ms) / (other - work));
            }
        }
    }
    if slopes.len() < 10 {
        return None;
    }
    let middle = slopes.len() / 2;
    let (_, slope, _) = slopes.select_nth_unstable_by(middle, f64::total_cmp);
    let slope = *slope;
    if slope <= 0.0 {
        return None;
    }
    let variance = |values: &[f64]| {
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n
    };
    let whole: Vec<f64> = points.iter().map(|(_, ms)| *ms).collect();
    let left: Vec<f64> = points.iter().map(|(work, ms)| ms - slope * work).collect();
    let explained = 1.0 - variance(&left) / variance(&whole).max(1e-12);
    Some(Line {
        slope,
        explained: explained.clamp(0.0, 1.0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Seed;

    #[test]
    fn a_line_is_found_again_though_some_jobs_were_disturbed() {
        let mut stream = Seed(4).stream("fit", 0, 0, "line");
        let points: Vec<(f64, f64)> = (0..400)
            .map(|_| {
                let work = 20.0 + 60.0 * stream.uniform();
                let disturbed = if stream.uniform() < 0.1 { 900.0 } else { 0.0 };
                (work, 15.0 + 2.5 * work + 4.0 * stream.normal() + disturbed)
            })
            .collect();
        let line = through(&points).expect("a line");
        assert!((line.slope - 2.5).abs() < 0.05, "{line:?}");
    }

    #[test]
    fn what_does_not_grow_with_the_work_has_no_line() {
        let same: Vec<(f64, f64)> = (0..50).map(|n| (3.0, f64::from(n))).collect();
        assert_eq!(through(&same), None);
        let falls: Vec<(f64, f64)> = (0..50)
            .map(|n| (f64::from(n), 90.0 - f64::from(n)))
            .collect();
        assert_eq!(through(&falls), None);
        assert_eq!(through(&[]), None);
    }
}
