//! Latency histograms: HDR, three significant digits, one microsecond to one hour.

use hdrhistogram::Histogram as Hdr;
use serde::Serialize;

const LOWEST_NS: u64 = 1_000;
const HIGHEST_NS: u64 = 3_600_000_000_000;

/// Latencies of one name. Percentiles come from the histogram, within 0.1 % of the exact value;
/// mean and maximum are exact.
#[derive(Debug, Clone, Default)]
pub struct Histogram {
    /// Made on first use. `None` also if the bounds were refused, which these are not.
    hdr: Option<Hdr<u64>>,
    sum_ns: u128,
    max_ns: u64,
    count: u64,
}

/// What a table shows of a histogram, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Summary {
    pub count: u64,
    pub mean_ms: f64,
    pub p50_ms: f64,
    pub p90_ms: f64,
    pub p95_ms: f64,
    pub p99_ms: f64,
    pub max_ms: f64,
}

impl Histogram {
    pub fn record(&mut self, span_ns: u64) {
        if self.hdr.is_none() {
            self.hdr = Hdr::new_with_bounds(LOWEST_NS, HIGHEST_NS, 3).ok();
        }
        if let Some(hdr) = &mut self.hdr {
            hdr.saturating_record(span_ns.min(HIGHEST_NS));
        }
        self.sum_ns += u128::from(span_ns);
        self.max_ns = self.max_ns.max(span_ns);
        self.count += 1;
    }

    /// Adds what another one has recorded.
    pub fn add(&mut self, other: &Histogram) {
        match (&mut self.hdr, &other.hdr) {
            // Both have the same bounds, so this cannot fail.
            (Some(hdr), Some(more)) => _ = hdr.add(more),
            (None, more) => self.hdr.clone_from(more),
            (Some(_), None) => {}
        }
        self.sum_ns += other.sum_ns;
        self.max_ns = self.max_ns.max(other.max_ns);
        self.count += other.count;
    }

    /// `None` if nothing was recorded.
    pub fn summary(&self) -> Option<Summary> {
        let hdr = self.hdr.as_ref()?;
        // A histogram answers with the top of a bucket, which may lie above the largest value.
        let ms = |quantile: f64| super::ms(hdr.value_at_quantile(quantile).min(self.max_ns));
        Some(Summary {
            count: self.count,
            mean_ms: self.sum_ns as f64 / self.count as f64 / 1e6,
            p50_ms: ms(0.5),
            p90_ms: ms(0.9),
            p95_ms: ms(0.95),
            p99_ms: ms(0.99),
            max_ms: super::ms(self.max_ns),
        })
    }

    /// In milliseconds; `None` if nothing was recorded.
    pub fn percentile_ms(&self, quantile: f64) -> Option<f64> {
        let hdr = self.hdr.as_ref()?;
        Some(super::ms(hdr.value_at_quantile(quantile).min(self.max_ns)))
    }

    /// The histogram itself, for export.
    pub fn hdr(&self) -> Option<&Hdr<u64>> {
        self.hdr.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_within_a_thousandth() {
        let mut histogram = Histogram::default();
        for ms in 1..=1_000u64 {
            histogram.record(ms * 1_000_000);
        }
        let summary = histogram.summary().expect("recorded");
        for (actual, expected) in [
            (summary.p50_ms, 500.0),
            (summary.p90_ms, 900.0),
            (summary.p99_ms, 990.0),
        ] {
            assert!((actual / expected - 1.0).abs() < 1.1e-3, "{actual}");
        }
        assert_eq!((summary.mean_ms, summary.max_ms), (500.5, 1_000.0));
    }

    #[test]
    fn two_histograms_make_one() {
        let of = |spans: std::ops::RangeInclusive<u64>| {
            let mut histogram = Histogram::default();
            spans.for_each(|ms| histogram.record(ms * 1_000_000));
            histogram
        };
        let mut sum = Histogram::default();
        sum.add(&of(1..=400));
        sum.add(&of(401..=1_000));
        sum.add(&Histogram::default());
        assert_eq!(sum.summary(), of(1..=1_000).summary());
    }

    #[test]
    fn nothing_recorded_is_nothing_to_show_and_extremes_are_kept() {
        let mut histogram = Histogram::default();
        assert!(histogram.summary().is_none());
        histogram.record(0);
        histogram.record(u64::MAX);
        let summary = histogram.summary().expect("recorded");
        assert_eq!(summary.count, 2);
        assert_eq!(summary.max_ms, u64::MAX as f64 / 1e6);
    }
}
