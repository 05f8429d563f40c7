//! Figures of latencies, how far chance reaches in them, and how far off a prediction may be.

use super::{NET, SHOWN_MS, WHOLE};
use crate::event::Hop;
use crate::measure::Interval;
use crate::rng::Seed;

/// Runs are drawn so often, with the same ones several times and others not.
const RESAMPLES: usize = 500;

/// Steps of a distribution that is drawn.
const DRAWN: usize = 200;

/// The statistics that are compared, and the share of turns that lie below each; `None` for the mean.
pub(super) const STATISTICS: [(&str, Option<f64>); 5] = [
    ("mean", None),
    ("p50", Some(0.5)),
    ("p90", Some(0.9)),
    ("p95", Some(0.95)),
    ("p99", Some(0.99)),
];

/// The error that is allowed, in milliseconds.
pub(super) fn bound(what: &str, statistic: &str, measured_ms: f64) -> Option<f64> {
    let (share, least_ms) = match statistic {
        "p50" => (0.03, 10.0),
        "p95" => (0.05, 20.0),
        _ => return None,
    };
    match what {
        WHOLE => Some(share * measured_ms),
        // A small difference of large numbers.
        NET => Some((share * measured_ms).max(least_ms)),
        _ => None,
    }
}

/// Where a figure stands: the whole first, then what lies behind the endpoint, then hops in path order.
pub(super) fn place(name: &str) -> usize {
    match name {
        WHOLE => 0,
        NET => 1,
        hop => {
            2 + Hop::ALL
                .iter()
                .position(|own| own.name() == hop)
                .unwrap_or(Hop::ALL.len())
        }
    }
}

pub(super) fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values
}

/// A percentile of sorted values, or their mean.
pub(super) fn figure(values: &[f64], share: Option<f64>) -> f64 {
    let n = values.len();
    match share {
        None => values.iter().sum::<f64>() / n.max(1) as f64,
        Some(share) => {
            let rank = (share * n as f64).ceil() as usize;
            let index = rank.saturating_sub(1).min(n.saturating_sub(1));
            values.get(index).copied().unwrap_or(0.0)
        }
    }
}

/// Where a figure would lie in 95 of 100 runs like these: whole groups are drawn anew.
pub(super) fn interval(groups: &[Vec<f64>], share: Option<f64>, what: &str) -> Interval {
    let mut stream = Seed(1).stream("validate", 0, 0, what);
    let mut drawn: Vec<f64> = Vec::with_capacity(RESAMPLES);
    for _ in 0..RESAMPLES {
        let some = (0..groups.len()).flat_map(|_| {
            let index = (stream.uniform() * groups.len() as f64) as usize;
            groups.get(index).into_iter().flatten().copied()
        });
        drawn.push(figure(
            &sorted(some.collect::<Vec<f64>>().into_iter()),
            share,
        ));
    }
    let drawn = sorted(drawn.into_iter());
    Interval {
        low: figure(&drawn, Some(0.025)),
        high: figure(&drawn, Some(0.975)),
    }
}

/// Where the error of a prediction lies in 95 of 100 runs like these, in percent of what they measure; `None` where
/// next to nothing was measured.
pub(super) fn error_interval(predicted_ms: f64, measured: &Interval) -> Option<Interval> {
    (measured.low >= SHOWN_MS).then(|| Interval {
        low: 100.0 * (predicted_ms / measured.high - 1.0),
        high: 100.0 * (predicted_ms / measured.low - 1.0),
    })
}

/// The times that even steps of shares lie below, for a picture.
pub(super) fn quantiles(values: &[f64]) -> Vec<f64> {
    let share = |step: usize| step as f64 / DRAWN as f64;
    (0..=DRAWN)
        .map(|step| figure(values, Some(share(step))))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_were_measured() {
        let values: Vec<f64> = (1..=100).map(f64::from).collect();
        assert_eq!(figure(&values, Some(0.5)), 50.0);
        assert_eq!(figure(&values, Some(0.95)), 95.0);
        assert_eq!(figure(&values, None), 50.5);
        assert_eq!(figure(&[], Some(0.5)), 0.0);
    }

    #[test]
    fn an_interval_holds_the_figure_and_narrows_with_more_conversations() {
        let groups = |count: u32| -> Vec<Vec<f64>> {
            (0..count)
                .map(|n| vec![f64::from(n * 7_919 % 100); 4])
                .collect()
        };
        let wide = interval(&groups(20), Some(0.5), "a");
        let narrow = interval(&groups(200), Some(0.5), "a");
        assert!(wide.low <= 50.0 && 50.0 <= wide.high, "{wide:?}");
        assert!(
            narrow.high - narrow.low < 0.6 * (wide.high - wide.low),
            "{narrow:?}, {wide:?}"
        );
    }

    #[test]
    fn a_bound_behind_the_endpoint_is_never_a_few_milliseconds() {
        assert_eq!(bound(WHOLE, "p50", 1_000.0), Some(30.0));
        assert_eq!(bound(NET, "p50", 33.0), Some(10.0));
        assert_eq!(bound(NET, "p95", 1_000.0), Some(50.0));
        assert_eq!(bound(WHOLE, "p99", 1_000.0), None);
        assert_eq!(bound("answer", "p50", 1_000.0), None);
    }

    #[test]
    fn the_error_of_a_prediction_is_as_wide_as_what_was_measured() {
        let measured = Interval {
            low: 80.0,
            high: 125.0,
        };
        let error = error_interval(100.0, &measured).expect("an interval");
        assert!((error.low + 20.0).abs() < 1e-9 && (error.high - 25.0).abs() < 1e-9);
        let nothing = Interval {
            low: 0.0,
            high: 2.0,
        };
        assert!(error_interval(1.0, &nothing).is_none());
    }

    #[test]
    fn a_distribution_is_drawn_from_its_least_to_its_greatest() {
        let values: Vec<f64> = (1..=1_000).map(f64::from).collect();
        let drawn = quantiles(&values);
        assert_eq!(
            (drawn.len(), drawn[0], drawn[100], drawn[200]),
            (201, 1.0, 500.0, 1_000.0)
        );
    }
}
