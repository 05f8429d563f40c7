//! Intervals of shares.

/// The quantile of the normal distribution for intervals of 95 %.
pub(crate) const Z: f64 = 1.959_964;

/// Wilson's interval of 95 % of a share among `size` trials, which lies within 0..=1 and holds the share (Wilson 1927, "Probable
/// inference, the law of succession, and statistical inference").
pub(crate) fn wilson(share: f64, size: f64) -> (f64, f64) {
    let squared = Z * Z;
    let middle = (share + squared / (2.0 * size)) / (1.0 + squared / size);
    let half = Z / (1.0 + squared / size)
        * libm::sqrt(share * (1.0 - share) / size + squared / (4.0 * size * size));
    (
        (middle - half).clamp(0.0, share),
        (middle + half).clamp(share, 1.0),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn none_of_thirty_may_be_one_of_nine() {
        let (low, high) = wilson(0.0, 30.0);
        assert_eq!(low, 0.0);
        assert!((high - 0.113_5).abs() < 1e-4, "{high}");
        let (low, high) = wilson(1.0, 30.0);
        assert!((low - 0.886_5).abs() < 1e-4 && high == 1.0, "{low}");
    }
}
