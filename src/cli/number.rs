//! Numbers that flags take.

use crate::scenario::unit;

/// The longest time that a flag takes: a day.
const SECONDS_MAX: u64 = 86_400;

/// Whole seconds, up to a day.
pub(super) fn seconds(text: &str) -> Result<u64, String> {
    let number = text.trim().parse().ok();
    number
        .filter(|seconds| (1..=SECONDS_MAX).contains(seconds))
        .ok_or_else(|| {
            unit::fix("_s", text)
                .unwrap_or_else(|| format!("give whole seconds from 1 to {SECONDS_MAX}"))
        })
}

/// Whole milliseconds.
pub(super) fn milliseconds(text: &str) -> Result<u32, String> {
    text.trim().parse().map_err(|_| {
        unit::fix("_ms", text).unwrap_or_else(|| "give whole milliseconds, as in 300".to_owned())
    })
}

/// A share, as `0.05` or `5%`; `None` of what is no number.
pub(super) fn share(text: &str) -> Option<f64> {
    let (number, unit) = match text.strip_suffix('%') {
        Some(percent) => (percent, 100.0),
        None => (text, 1.0),
    };
    number
        .trim()
        .parse::<f64>()
        .map(|number| number / unit)
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_is_told_to_be_left_out() {
        assert_eq!(seconds("60"), Ok(60));
        assert_eq!(milliseconds("300"), Ok(300));
        let refused = |error: Result<_, String>, cure: &str| assert_eq!(error, Err(cure.into()));
        refused(seconds("60s"), "write 60 without a unit (seconds)");
        refused(seconds("2 min"), "write 120 without a unit (seconds)");
        refused(seconds("0"), "give whole seconds from 1 to 86400");
        let error = milliseconds("0.3s").map(u64::from);
        refused(error, "write 300 without a unit (milliseconds)");
        let error = milliseconds("-1").map(u64::from);
        refused(error, "give whole milliseconds, as in 300");
    }
}
