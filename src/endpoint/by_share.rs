//! Looks up what is known for some shares of cut-offs at the shares between them.

/// The value at a share of cut-offs: on a straight line between two entries, by the logarithm of their shares, and that of
/// the nearest entry beyond the first and the last. Shares of entries are positive and rise. `None` without entries.
pub(super) fn at_share<T>(
    entries: &[T],
    share: f64,
    share_of: impl Fn(&T) -> f64,
    value_of: impl Fn(&T) -> f64,
) -> Option<f64> {
    let after = entries.partition_point(|entry| share_of(entry) <= share);
    let low = entries.get(after.saturating_sub(1))?;
    let high = entries.get(after).unwrap_or(low);
    let span = libm::log(share_of(high) / share_of(low));
    let way = match span > 0.0 {
        true => libm::log(share / share_of(low)) / span,
        false => 0.0,
    };
    Some(value_of(low) + way * (value_of(high) - value_of(low)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn between_two_shares_lies_a_line_and_beyond_them_nothing_changes() {
        let at = |share| at_share(&[(0.01, 900.0), (0.04, 500.0)], share, |it| it.0, |it| it.1);
        for (share, value) in [
            (0.001, 900.0),
            (0.01, 900.0),
            (0.02, 700.0),
            (0.04, 500.0),
            (0.5, 500.0),
        ] {
            let found = at(share).expect("entries");
            assert!((found - value).abs() < 1e-9, "{found} at {share}");
        }
        assert_eq!(at_share(&[], 0.1, |it: &f64| *it, |it| *it), None);
    }
}
