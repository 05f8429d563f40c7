//! Statistics of a histogram that a budget can limit.

/// A statistic of a histogram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Statistic {
    /// The mean.
    Mean,
    /// A percentile, by the nearest rank.
    Percentile(Percentile),
    /// The largest value.
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

    /// Reads a percentile as it is written in a key, where an underscore stands for the point: `99_9`. `None`
    /// for anything else, and for more than three decimals.
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

    /// The percentile of a whole percentage, at least 1 and at most 100.
    pub fn whole(percent: u32) -> Percentile {
        Percentile(percent.clamp(1, 100) * 1_000)
    }

    /// The percentile as a share, above 0 and up to 1.
    pub fn share(self) -> f64 {
        f64::from(self.0) / f64::from(Self::MAX)
    }

    /// The nearest rank of the percentile among `count` values, 1 for the least. It is computed in whole
    /// numbers, since 0.55 of 100 is more than 55 in floating point.
    pub fn rank(self, count: u64) -> u64 {
        let rank = (u128::from(self.0) * u128::from(count)).div_ceil(u128::from(Self::MAX));
        // The rank is at most the count.
        u64::try_from(rank).unwrap_or(count).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_the_nearest_rank() {
        for (text, count, rank) in [
            ("50", 6, 3),
            ("55", 100, 55),
            ("95", 20, 19),
            ("95", 21, 20),
            ("99_9", 1_000, 999),
            ("99_99", 1_000, 1_000),
            ("0_001", 7, 1),
            ("100", 7, 7),
            ("100", u64::MAX, u64::MAX),
        ] {
            let read = Percentile::read(text).expect("a percentile");
            assert_eq!(read.rank(count), rank, "p{text} of {count}");
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
