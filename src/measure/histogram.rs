//! Latency histograms: HDR, three significant digits, one microsecond to one hour.

use hdrhistogram::Histogram as Hdr;
use serde::{Deserialize, Serialize};

const LOWEST_NS: u64 = 1_000;
const HIGHEST_NS: u64 = 3_600_000_000_000;

/// Latencies of one name. Percentiles come from the histogram, within 0.1 % of the exact value;
/// mean and maximum are exact.
#[derive(Debug, Clone, Default)]
pub struct Histogram {
    /// The buckets, made on first use. `None` also if the bounds were refused, which these are not.
    hdr: Option<Hdr<u64>>,
    sum_ns: u128,
    max_ns: u64,
    count: u64,
}

/// What a table shows of a histogram, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Summary {
    /// How many spans were recorded.
    pub count: u64,
    /// The mean, exact.
    pub mean_ms: f64,
    /// The median, within 0.1 %.
    pub p50_ms: f64,
    /// The 90th percentile, within 0.1 %.
    pub p90_ms: f64,
    /// The 95th percentile, within 0.1 %.
    pub p95_ms: f64,
    /// The 99th percentile, within 0.1 %.
    pub p99_ms: f64,
    /// The largest value, exact.
    pub max_ms: f64,
}

/// A histogram without its empty buckets, to be kept in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Sparse {
    pub count: u64,
    /// The sum as text: it may have more digits than other programs keep of a number.
    pub sum_ns: String,
    pub max_ns: u64,
    /// The lowest value in nanoseconds of each bucket, and how many values lie in it; the lowest bucket
    /// first.
    pub buckets: Vec<(u64, u64)>,
}

impl Histogram {
    /// Records a span in nanoseconds. For percentiles a span above an hour counts as an hour.
    pub fn record(&mut self, span_ns: u64) {
        if self.hdr.is_none() {
            self.hdr = empty();
        }
        if let Some(hdr) = &mut self.hdr {
            hdr.saturating_record(span_ns.min(HIGHEST_NS));
        }
        self.sum_ns += u128::from(span_ns);
        self.max_ns = self.max_ns.max(span_ns);
        self.count += 1;
    }

    /// Adds what another histogram has recorded.
    pub fn add(&mut self, other: &Histogram) {
        match (&mut self.hdr, &other.hdr) {
            // All histograms have the same bounds, so this cannot fail.
            (Some(hdr), Some(more)) => _ = hdr.add(more),
            (None, more) => self.hdr.clone_from(more),
            (Some(_), None) => {}
        }
        self.sum_ns += other.sum_ns;
        self.max_ns = self.max_ns.max(other.max_ns);
        self.count += other.count;
    }

    /// Count, mean, percentiles and maximum; `None` if nothing was recorded.
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

    /// How many spans were recorded.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The sum of all spans in nanoseconds, exact.
    pub fn sum_ns(&self) -> u128 {
        self.sum_ns
    }

    /// The longest span in nanoseconds, exact; 0 if nothing was recorded.
    pub fn max_ns(&self) -> u64 {
        self.max_ns
    }

    /// The highest value in nanoseconds of every bucket that holds something, and how many values it holds,
    /// the lowest bucket first. The last bucket ends at the largest value itself.
    pub fn buckets(&self) -> impl Iterator<Item = (u64, u64)> {
        let recorded = self.hdr.iter().flat_map(Hdr::iter_recorded);
        recorded.map(|bucket| {
            let top_ns = bucket_ns(bucket.value_iterated_to());
            (top_ns.min(self.max_ns), bucket.count_at_value())
        })
    }

    /// A percentile in milliseconds, with `quantile` in 0..=1; `None` if nothing was recorded.
    pub fn percentile_ms(&self, quantile: f64) -> Option<f64> {
        let hdr = self.hdr.as_ref()?;
        Some(super::ms(hdr.value_at_quantile(quantile).min(self.max_ns)))
    }

    /// The value of a rank, from 1 for the least, in milliseconds; `None` if fewer values were recorded.
    pub fn of_rank_ms(&self, rank: u64) -> Option<f64> {
        let mut count = 0;
        let mut buckets = self.hdr.as_ref()?.iter_recorded();
        let bucket = buckets.find(|bucket| {
            count += bucket.count_at_value();
            count >= rank
        })?;
        Some(super::ms(bucket.value_iterated_to().min(self.max_ns)))
    }

    /// The HDR histogram itself, for export; `None` if nothing was recorded.
    pub fn hdr(&self) -> Option<&Hdr<u64>> {
        self.hdr.as_ref()
    }

    pub(super) fn sparse(&self) -> Sparse {
        let of = |hdr: &Hdr<u64>| {
            let recorded = hdr.iter_recorded();
            let bucket = |b: hdrhistogram::iterators::IterationValue<u64>| {
                let lowest_ns = hdr.lowest_equivalent(b.value_iterated_to());
                (lowest_ns, b.count_at_value())
            };
            recorded.map(bucket).collect()
        };
        Sparse {
            count: self.count,
            sum_ns: self.sum_ns.to_string(),
            max_ns: self.max_ns,
            buckets: self.hdr.as_ref().map_or_else(Vec::new, of),
        }
    }

    /// The histogram that `sparse` was made of. Its counts are at most `count_max`, which keeps the sum of
    /// many from overflowing.
    ///
    /// # Errors
    /// What in `sparse` cannot be, as the end of a sentence that begins with the histogram's name.
    pub(super) fn of_sparse(sparse: &Sparse, count_max: u64) -> Result<Histogram, String> {
        let sum_ns: u128 = sparse
            .sum_ns
            .parse()
            .map_err(|_| format!("has the sum {:?}, which is no number", sparse.sum_ns))?;
        let mut own = Histogram {
            hdr: None,
            sum_ns,
            max_ns: sparse.max_ns,
            count: sparse.count,
        };
        if sparse.count > count_max {
            return Err(format!("counts {}, more than there can be", sparse.count));
        }
        let Some((highest_ns, _)) = sparse.buckets.last() else {
            return match (own.count, own.sum_ns, own.max_ns) {
                (0, 0, 0) => Ok(own),
                _ => Err(format!("counts {} values, and has no buckets", own.count)),
            };
        };
        let mut hdr = empty().ok_or("cannot be made")?;
        if *highest_ns != hdr.lowest_equivalent(own.max_ns.min(HIGHEST_NS)) {
            return Err(format!(
                "has the maximum {} ns, which is not in its last bucket",
                own.max_ns
            ));
        }
        let least_ns = fill(&mut hdr, sparse)?;
        let most_ns = u128::from(own.count) * u128::from(own.max_ns);
        if !(least_ns..=most_ns).contains(&sum_ns) {
            return Err(format!(
                "has the sum {sum_ns} ns, which its {} values cannot have",
                own.count
            ));
        }
        own.hdr = Some(hdr);
        Ok(own)
    }
}

/// The highest value that a histogram does not tell from `span_ns`: what it answers with.
pub fn bucket_ns(span_ns: u64) -> u64 {
    let span_ns = span_ns.min(HIGHEST_NS);
    // Values of up to 20 bits lie in buckets of 2^9 ns, those of one bit more in buckets twice as wide: 1,024
    // of them to every power of two.
    let bits = u64::BITS - span_ns.leading_zeros();
    let width = 1_u64 << (9 + bits.saturating_sub(20));
    span_ns | (width - 1)
}

/// A histogram with empty buckets; `None` if the bounds were refused, which these are not.
fn empty() -> Option<Hdr<u64>> {
    Hdr::new_with_bounds(LOWEST_NS, HIGHEST_NS, 3).ok()
}

/// Fills the buckets of `hdr`, which have to hold as many values as `sparse` counts, and returns the least
/// sum that these can have.
fn fill(hdr: &mut Hdr<u64>, sparse: &Sparse) -> Result<u128, String> {
    let count = sparse.count;
    let (mut least_ns, mut rest, mut before) = (0, count, None);
    for (lowest_ns, values) in sparse.buckets.iter().copied() {
        let is_bucket = lowest_ns <= HIGHEST_NS && hdr.lowest_equivalent(lowest_ns) == lowest_ns;
        if !is_bucket || before.is_some_and(|before| before >= lowest_ns) {
            return Err(format!(
                "has a bucket at {lowest_ns} ns, where none begins or not in this order"
            ));
        }
        let remaining = rest.checked_sub(values).filter(|_| values > 0);
        rest = remaining
            .ok_or_else(|| format!("counts {count} values, which are not those of its buckets"))?;
        hdr.saturating_record_n(lowest_ns, values);
        // Up to 2^64 values of up to 2^42 ns: it fits.
        least_ns += u128::from(lowest_ns) * u128::from(values);
        before = Some(lowest_ns);
    }
    // The first bucket begins at 0 ns, and a histogram tells whether it ever saw more than that.
    if (1..LOWEST_NS).contains(&sparse.max_ns) {
        hdr.saturating_record_n(sparse.max_ns, 0);
    }
    match rest {
        0 => Ok(least_ns),
        _ => Err(format!(
            "counts {count} values, which are {rest} more than its buckets hold"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

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
    fn a_rank_is_the_value_that_its_percentile_is() {
        let mut histogram = Histogram::default();
        for ms in 1..=1_000u64 {
            histogram.record(ms * 1_000_000);
        }
        let summary = histogram.summary().expect("recorded");
        for (rank, own) in [
            (500, summary.p50_ms),
            (950, summary.p95_ms),
            (990, summary.p99_ms),
        ] {
            assert_eq!(histogram.of_rank_ms(rank), Some(own));
        }
        assert_eq!(histogram.of_rank_ms(1_000), Some(summary.max_ms));
        assert_eq!(histogram.of_rank_ms(1_001), None);
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

    fn recorded(spans_ns: &[u64]) -> Histogram {
        let mut histogram = Histogram::default();
        spans_ns.iter().for_each(|span| histogram.record(*span));
        histogram
    }

    proptest! {
        #[test]
        fn without_its_empty_buckets_a_histogram_is_the_same(
            spans in prop::collection::vec((any::<u64>(), 0u32..64), 0..200),
            more in prop::collection::vec(any::<u64>(), 0..20),
        ) {
            let spans: Vec<u64> = spans.iter().map(|(span, shift)| span >> shift).collect();
            let mut own = recorded(&spans);
            let mut again = Histogram::of_sparse(&own.sparse(), u64::MAX).expect("a histogram");
            prop_assert_eq!(&again.hdr, &own.hdr);
            prop_assert_eq!(again.sparse(), own.sparse());
            prop_assert_eq!(again.summary(), own.summary());
            // A histogram that is part of a sum must keep this too.
            own.add(&recorded(&more));
            again.add(&recorded(&more));
            prop_assert_eq!(again.hdr.map(|hdr| (hdr.min(), hdr.max(), hdr.len())),
                own.hdr.as_ref().map(|hdr| (hdr.min(), hdr.max(), hdr.len())));
            prop_assert_eq!(again.sum_ns, own.sum_ns);
        }
    }

    proptest! {
        #[test]
        fn buckets_are_those_of_the_histogram(span in any::<u64>(), shift in 0u32..64) {
            let span_ns = span >> shift;
            let hdr = empty().expect("bounds");
            let top_ns = hdr.highest_equivalent(span_ns.min(HIGHEST_NS));
            prop_assert_eq!(bucket_ns(span_ns), top_ns);
        }
    }

    #[test]
    fn whether_a_value_was_zero_is_kept() {
        for spans in [[0].as_slice(), &[1], &[0, 256]] {
            let own = recorded(spans);
            let again = Histogram::of_sparse(&own.sparse(), 9).expect("a histogram");
            let max = |histogram: &Histogram| histogram.hdr().map(Hdr::max);
            assert_eq!(max(&again), max(&own), "{spans:?}");
        }
    }

    #[test]
    fn a_histogram_that_cannot_be_is_refused() {
        let good = recorded(&[1_000_000, 1_000_000, 5_000_000]).sparse();
        let refused = |change: fn(&mut Sparse), says: &str| {
            let mut bad = good.clone();
            change(&mut bad);
            let error = Histogram::of_sparse(&bad, 1 << 40).expect_err(says);
            assert!(error.contains(says), "{error}");
        };
        refused(|bad| bad.count = 4, "1 more than");
        refused(|bad| bad.count = 2, "not those of its buckets");
        refused(|bad| bad.count = u64::MAX, "more than there can be");
        refused(|bad| bad.sum_ns = "much".into(), "no number");
        refused(|bad| bad.sum_ns = "1999999".into(), "cannot have");
        refused(|bad| bad.sum_ns = u128::MAX.to_string(), "cannot have");
        refused(|bad| bad.max_ns = 6_000_000, "last bucket");
        refused(|bad| bad.buckets.clear(), "no buckets");
        refused(|bad| bad.buckets[0].0 += 1, "where none begins");
        refused(|bad| bad.buckets[0].0 = bad.buckets[1].0, "in this order");
        refused(|bad| bad.buckets[0].1 = 0, "not those of its buckets");
        refused(
            |bad| bad.buckets[0].1 = u64::MAX,
            "not those of its buckets",
        );
        refused(|bad| bad.buckets[0].0 = u64::MAX, "where none begins");
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
