//! Waits in few buckets, so that there is room for those of every figure in every batch.

use super::histogram::Histogram;
use serde::{Deserialize, Serialize};

/// Buckets to a power of two: each is 0.8 % wide.
const PER_OCTAVE: u32 = 128;

/// Spans below 2^16 ns, 66 µs, share one bucket: nothing that a report shows is so short.
const LOWEST_BITS: u32 = 16;

/// A bucket beyond this is one of spans that no clock counts.
const INDEX_MAX: u32 = (u64::BITS - LOWEST_BITS) * PER_OCTAVE;

/// Waits in buckets, and their sums.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Coarse {
    /// The bucket of the first of `counts`.
    first: u32,
    counts: Vec<u32>,
    came: u64,
    in_vain: u64,
    /// Waits in vain of which nobody knows how long they lasted, besides `in_vain`.
    unbounded: u64,
    /// Nanoseconds of all waits, those in vain with what they lasted at least.
    sum_ns: u128,
}

/// Waits in buckets, to be kept in a file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KeptCoarse {
    /// The sum as text: it may have more digits than other programs keep of a number.
    sum_ns: String,
    #[serde(skip_serializing_if = "is_zero", default)]
    in_vain: u64,
    #[serde(skip_serializing_if = "is_zero", default)]
    unbounded: u64,
    /// Buckets and how many waits lie in each, the first bucket first.
    buckets: Vec<(u32, u32)>,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

fn index(span_ns: u64) -> u32 {
    let bits = u64::BITS - span_ns.leading_zeros();
    if bits <= LOWEST_BITS {
        return 0;
    }
    // The seven bits behind the highest one.
    let behind = (span_ns >> (bits - 8)) as u32 - PER_OCTAVE;
    (bits - LOWEST_BITS - 1) * PER_OCTAVE + behind + 1
}

/// The least span of a bucket.
fn bottom_ns(index: u32) -> f64 {
    match index.checked_sub(1) {
        None => 0.0,
        Some(index) => {
            let octave = libm::exp2(f64::from(index / PER_OCTAVE + LOWEST_BITS));
            octave * (1.0 + f64::from(index % PER_OCTAVE) / f64::from(PER_OCTAVE))
        }
    }
}

/// The part of a bucket that lies below `span_ms`, 0 to 1.
pub(super) fn part_below(index: u32, span_ms: f64) -> f64 {
    let (bottom, top) = (bottom_ns(index), bottom_ns(index + 1));
    ((span_ms * 1e6 - bottom) / (top - bottom)).clamp(0.0, 1.0)
}

/// The time, in milliseconds, that this part of a bucket lies below.
pub(super) fn at_part(index: u32, part: f64) -> f64 {
    let (bottom, top) = (bottom_ns(index), bottom_ns(index + 1));
    (bottom + part * (top - bottom)) / 1e6
}

impl Coarse {
    pub(super) fn came(&mut self, span_ns: u64) {
        self.came_often(span_ns, 1);
    }

    fn came_often(&mut self, span_ns: u64, often: u32) {
        self.add_to(index(span_ns), often);
        self.came += u64::from(often);
        self.sum_ns += u128::from(span_ns) * u128::from(often);
    }

    pub(super) fn in_vain(&mut self, at_least_ns: u64) {
        self.in_vain += 1;
        self.sum_ns += u128::from(at_least_ns);
    }

    /// Adds so many waits in vain of which nobody knows how long they lasted.
    pub(super) fn in_vain_unbounded(&mut self, count: u64) {
        self.unbounded += count;
    }

    fn add_to(&mut self, index: u32, count: u32) {
        if self.counts.is_empty() {
            self.first = index;
        }
        if index < self.first {
            let more = (self.first - index) as usize;
            self.counts.splice(0..0, std::iter::repeat_n(0, more));
            self.first = index;
        }
        let place = (index - self.first) as usize;
        if place >= self.counts.len() {
            self.counts.resize(place + 1, 0);
        }
        self.counts[place] = self.counts[place].saturating_add(count);
    }

    pub(super) fn merge(&mut self, other: &Coarse) {
        for (index, count) in other.buckets() {
            self.add_to(index, count);
        }
        self.came += other.came;
        self.in_vain += other.in_vain;
        self.unbounded += other.unbounded;
        self.sum_ns += other.sum_ns;
    }

    /// Buckets that hold something and how many, the first bucket first.
    pub(super) fn buckets(&self) -> impl Iterator<Item = (u32, u32)> {
        let counts = (self.first..).zip(self.counts.iter().copied());
        counts.filter(|(_, count)| *count > 0)
    }

    /// How many waits ended.
    pub(super) fn answered(&self) -> u64 {
        self.came
    }

    /// How many waits there are, those in vain included.
    pub(super) fn count(&self) -> u64 {
        self.bounded() + self.unbounded
    }

    /// How many waits there are of which it is known how long they lasted at least.
    pub(super) fn bounded(&self) -> u64 {
        self.came + self.in_vain
    }

    /// The sum of all waits in milliseconds, those in vain with what they lasted at least.
    pub(super) fn sum_ms(&self) -> f64 {
        self.sum_ns as f64 / 1e6
    }

    /// About how many waits ended within `span_ms`: those of the bucket that it lies in count by the part of the
    /// bucket below it.
    pub(super) fn within(&self, span_ms: f64) -> f64 {
        let span_ns = span_ms * 1e6;
        let own = index(span_ns as u64);
        let below: f64 = self
            .buckets()
            .take_while(|(index, _)| *index < own)
            .map(|(_, count)| f64::from(count))
            .sum();
        let at = own.checked_sub(self.first).map(|place| place as usize);
        let at = at.and_then(|place| self.counts.get(place)).copied();
        below + f64::from(at.unwrap_or(0)) * part_below(own, span_ms)
    }

    pub(super) fn kept(&self) -> KeptCoarse {
        KeptCoarse {
            sum_ns: self.sum_ns.to_string(),
            in_vain: self.in_vain,
            unbounded: self.unbounded,
            buckets: self.buckets().collect(),
        }
    }

    /// The waits that were kept.
    ///
    /// # Errors
    /// What in them cannot be, as the end of a sentence that begins with their name.
    pub(super) fn of_kept(kept: &KeptCoarse, count_max: u64) -> Result<Coarse, String> {
        let sum_ns: u128 = kept
            .sum_ns
            .parse()
            .map_err(|_| format!("has the sum {:?}, which is no number", kept.sum_ns))?;
        if kept.in_vain > count_max || kept.unbounded > count_max {
            return Err("counts more than there can be".into());
        }
        let mut own = Coarse {
            in_vain: kept.in_vain,
            unbounded: kept.unbounded,
            sum_ns,
            ..Coarse::default()
        };
        for (index, count) in kept.buckets.iter().copied() {
            if index > INDEX_MAX {
                return Err(format!("has a bucket {index}, which there is none of"));
            }
            own.add_to(index, count);
            own.came += u64::from(count);
        }
        let most_ns = u128::from(own.count()) * u128::from(u64::MAX);
        if own.came > count_max || sum_ns > most_ns {
            return Err("counts more than there can be".into());
        }
        Ok(own)
    }

    /// The waits of a finer histogram.
    pub(super) fn of_histogram(histogram: &Histogram) -> Coarse {
        let mut own = Coarse::default();
        for (top_ns, count) in histogram.buckets() {
            own.came_often(top_ns, u32::try_from(count).unwrap_or(u32::MAX));
        }
        own.sum_ns = histogram.sum_ns();
        own
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_span_lies_in_its_bucket_which_is_narrow(span_ns in 70_000u64..4_000_000_000_000) {
            let own = index(span_ns);
            let (bottom, top) = (bottom_ns(own), bottom_ns(own + 1));
            prop_assert!(bottom <= span_ns as f64 && (span_ns as f64) < top);
            prop_assert!(top / bottom < 1.009);
        }

        #[test]
        fn what_was_kept_or_added_up_is_the_same(
            spans in prop::collection::vec(0u64..10_000_000_000, 0..60),
            in_vain in prop::collection::vec(0u64..10_000_000_000, 0..9),
            split in 0usize..60,
        ) {
            let of = |spans: &[u64]| {
                let mut own = Coarse::default();
                spans.iter().for_each(|span| own.came(*span));
                own
            };
            let mut whole = of(&spans);
            in_vain.iter().for_each(|span| whole.in_vain(*span));
            let again = Coarse::of_kept(&whole.kept(), 1 << 40).expect("waits");
            prop_assert_eq!(&again, &whole);
            let split = split.min(spans.len());
            let mut parts = of(&spans[..split]);
            parts.merge(&of(&spans[split..]));
            in_vain.iter().for_each(|span| parts.in_vain(*span));
            prop_assert_eq!(&parts, &whole);
            prop_assert_eq!(whole.within(20_000.0), spans.len() as f64);
        }
    }

    #[test]
    fn a_part_of_a_bucket_counts_by_its_part() {
        let mut own = Coarse::default();
        (1..=1_000).for_each(|ms| own.came(ms * 1_000_000));
        for ms in [1.5, 250.0, 777.7, 1_000.0] {
            assert!(
                (own.within(ms) - ms).abs() <= 1.5,
                "{ms}: {}",
                own.within(ms)
            );
        }
    }
}
