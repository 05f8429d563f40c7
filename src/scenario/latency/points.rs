//! Quantiles as they were measured, with straight lines in between.

/// The latency that the share `below` of draws lies under.
pub(crate) fn quantile_ms(points: &[(f64, f64)], below: f64) -> f64 {
    let next = points.partition_point(|(share, _)| *share <= below);
    match (
        next.checked_sub(1).and_then(|i| points.get(i)),
        points.get(next),
    ) {
        (Some((share, ms)), Some((next_share, next_ms))) => {
            ms + (next_ms - ms) * ((below - share) / (next_share - share))
        }
        (Some((_, ms)), None) | (None, Some((_, ms))) => *ms,
        (None, None) => 0.0,
    }
}

/// The share of draws that lies under `limit_ms` or at it.
pub(crate) fn quantile_share(points: &[(f64, f64)], limit_ms: f64) -> f64 {
    let next = points.partition_point(|(_, ms)| *ms <= limit_ms);
    match (
        next.checked_sub(1).and_then(|i| points.get(i)),
        points.get(next),
    ) {
        (Some((share, ms)), Some((next_share, next_ms))) => {
            share + (next_share - share) * ((limit_ms - ms) / (next_ms - ms))
        }
        (None, Some(_)) => 0.0,
        (_, None) => 1.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POINTS: [(f64, f64); 4] = [(0.0, 100.0), (0.5, 200.0), (0.9, 200.0), (1.0, 400.0)];

    #[test]
    fn quantiles_lie_on_straight_lines() {
        for (below, ms) in [
            (0.0, 100.0),
            (0.25, 150.0),
            (0.7, 200.0),
            (0.95, 300.0),
            (1.0, 400.0),
        ] {
            let found = quantile_ms(&POINTS, below);
            assert!((found - ms).abs() < 1e-9, "{found} at {below}");
        }
    }

    #[test]
    fn shares_are_what_the_quantiles_say() {
        for (ms, below) in [
            (99.0, 0.0),
            (100.0, 0.0),
            (150.0, 0.25),
            (200.0, 0.9),
            (300.0, 0.95),
            (400.0, 1.0),
        ] {
            let found = quantile_share(&POINTS, ms);
            assert!((found - below).abs() < 1e-12, "{found} at {ms}");
        }
    }
}
