//! Many p-values at once.

/// The p-values, corrected for looking at all of them (Holm 1979): the smallest times their number, the next one
/// times one less, and so on, none below the one before it, none above 1.
pub(crate) fn holm(p_values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|a, b| p_values[*a].total_cmp(&p_values[*b]));
    let mut corrected = vec![1.0; p_values.len()];
    let mut floor = 0.0_f64;
    for (rank, index) in order.into_iter().enumerate() {
        let rest = (p_values.len() - rank) as f64;
        floor = floor.max((p_values[index] * rest).min(1.0));
        corrected[index] = floor;
    }
    corrected
}

/// The p-values, each at least as large as all before it: who looks at one thing after the other, and stops at the
/// first that may be chance, need not correct for what comes later.
pub(crate) fn in_sequence(p_values: &[f64]) -> Vec<f64> {
    let mut floor = 0.0_f64;
    let largest = p_values.iter().map(|p| {
        floor = floor.max(*p);
        floor
    });
    largest.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_counts_as_often_as_there_are_lines() {
        assert_eq!(holm(&[0.03, 0.01, 0.04]), [0.06, 0.03, 0.06]);
        assert_eq!(holm(&[0.5, 0.9]), [1.0, 1.0]);
        assert!(holm(&[]).is_empty());
    }
}
