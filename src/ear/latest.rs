//! The latest values of something, and how they lie.

use std::collections::VecDeque;

/// Adds a value to the latest ones.
pub(super) fn keep<T>(latest: &mut VecDeque<T>, value: T, most: usize) {
    latest.push_back(value);
    if latest.len() > most {
        latest.pop_front();
    }
}

/// The value below which that share of them lies; `None` of none.
pub(super) fn quantile(values: impl Iterator<Item = f32>, share: f32) -> Option<f32> {
    let mut values: Vec<f32> = values.collect();
    let last = values.len().checked_sub(1)?;
    let at = (last as f32 * share) as usize;
    let (_, value, _) = values.select_nth_unstable_by(at, f32::total_cmp);
    Some(*value)
}
