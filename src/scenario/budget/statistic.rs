//! What of a histogram a budget limits.

/// A statistic of a histogram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Statistic {
    Mean,
    Percentile(Percentile),
    Max,
}

/// A percentile above 0 and up to 100, in thousandths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Percentile(u32);

impl Statistic {
    /// The statistic that a name ends with, and the name before it: `e2e_latency_p95`.
    pub(super) fn at_end_of(name: &str) -> Option<(&str, Statistic)> {
        if let Some(what) = name.strip_suffix("_mean") {
            return Some((what, Statistic::Mean));
        }
        if let Some(what) = name.strip_suffix("_max") {
            return Some((what, Statistic::Max));
        }
        let (what, digits) = name.rsplit_once("_p")?;
        Some((what, Statistic::Percentile(Percentile::read(digits)?)))
    }
}

impl Percentile {
    const DECIMALS: usize = 3;
    const MAX: u32 = 100_000;

    /// Reads it as it is written in a key, where an underscore stands for the point: `99_9`. `None`
    /// if it is none, or has more than three decimals.
    pub fn read(text: &str) -> Option<Percentile> {
        let (whole, decimals) = text.split_once('_').unwrap_or((text, "0"));
        let is_number = |part: &str, length: usize| {
            (1..=length).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
        };
        if !is_number(whole, 3) || !is_number(decimals, Self::DECIMALS) {
            return None;
        }
        let thousandths: u32 = format!("{whole}{decimals:0<3}").parse().ok()?;
        (1..=Self::MAX)
            .contains(&thousandths)
            .then_some(Percentile(thousandths))
    }

    /// As a share, above 0 and up to 1.
    pub fn quantile(self) -> f64 {
        f64::from(self.0) / f64::from(Self::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_the_nearest_share() {
        for (text, quantile) in [
            ("50", 0.5),
            ("95", 0.95),
            ("99_9", 0.999),
            ("99_99", 0.9999),
            ("0_001", 0.000_01),
            ("100", 1.0),
        ] {
            let read = Percentile::read(text).map(Percentile::quantile);
            assert_eq!(read, Some(quantile), "{text}");
        }
    }

    #[test]
    fn what_is_no_percentile_is_none() {
        for text in [
            "", "0", "0_000", "100_1", "9_9_9", "1000", "99_", "_9", "+9", "99_9999",
        ] {
            assert_eq!(Percentile::read(text), None, "{text}");
        }
    }
}
