//! A small histogram, one of many on a page.

use super::{PATH_UNITS, PATH_WIDTH, Picture, Svg, ms_in_words};
use crate::measure::{Histogram, ms};
use crate::picture::Axis;
use std::fmt::Write;

/// A histogram, and what could not be shown of it.
pub struct Small {
    pub picture: Svg,
    /// How many lie beyond the end, in words.
    pub beyond: Option<String>,
}

const BINS: usize = 40;
const HEIGHT: f64 = 64.0;

/// How many times the 99th percentile a tail may reach; what lies beyond is gathered in the last bar.
const TAIL: f64 = 1.6;

/// Values that differ by less than this share of them are one value.
const SAME: f64 = 0.02;

/// The picture of a histogram; `None` if nothing was recorded.
pub fn histogram(name: &str, of: &Histogram) -> Option<Small> {
    let (summary, hdr) = (of.summary()?, of.hdr()?);
    let low = ms(hdr.min());
    let high = match summary.p99_ms * TAIL {
        end if summary.max_ms > end => end,
        _ => summary.max_ms,
    };
    let axis = match high - low < SAME * high {
        true => Axis::around("", [0.0, 2.0 * high], ""),
        false => Axis::around("", [low, high], ""),
    };
    let mut bins = [0_u64; BINS];
    let mut beyond = 0;
    for bucket in hdr.iter_recorded() {
        let value = ms(bucket.value_iterated_to()).min(summary.max_ms);
        if value > high {
            beyond += bucket.count_at_value();
        }
        // The share is in 0..=1.
        let bin = (axis.share(value) * BINS as f64) as usize;
        bins[bin.min(BINS - 1)] += bucket.count_at_value();
    }
    let says = format!(
        "{} values from {} to {}, p50 {}, p95 {}",
        summary.count,
        ms_in_words(low.min(summary.max_ms)),
        ms_in_words(summary.max_ms),
        ms_in_words(summary.p50_ms),
        ms_in_words(summary.p95_ms)
    );
    let mut picture = Picture::new(HEIGHT + 20.0, &format!("Histogram of {name}"), &says);
    picture.path("bar", (0.0, HEIGHT), &bars(&bins));
    picture.level("axis", HEIGHT);
    for value in [summary.p50_ms, summary.p95_ms] {
        picture.upright("at", axis.share(value), HEIGHT, HEIGHT + 5.0);
    }
    if let [(_, first), .., (_, last)] = axis.ticks() {
        picture.label("", 0.0, HEIGHT + 18.0, first);
        picture.label("", 1.0, HEIGHT + 18.0, &format!("{last} ms"));
    }
    Some(Small {
        picture: picture.finish(),
        beyond: (beyond > 0)
            .then(|| format!("{beyond} beyond {}, in the last bar", ms_in_words(high))),
    })
}

/// A bar for every bin that holds anything, the fullest as high as there is room, none too low to be seen.
fn bars(bins: &[u64]) -> String {
    let most = bins.iter().copied().max().unwrap_or(0).max(1) as f64;
    let (full, width) = (PATH_UNITS * HEIGHT, PATH_WIDTH / bins.len() as f64);
    let mut path = String::new();
    for (bin, count) in bins.iter().enumerate().filter(|(_, count)| **count > 0) {
        let height = (*count as f64 / most * full).max(PATH_UNITS * 1.5);
        let left = bin as f64 * width;
        let _ = write!(
            path,
            "M{:.0} {full}V{:.0}h{:.0}V{full}z",
            left + 1.0,
            full - height,
            width - 2.0
        );
    }
    path
}

#[cfg(test)]
mod tests {
    use super::super::test_numbers::points;
    use super::*;

    fn of(spans_ms: &[u64]) -> Option<Small> {
        let mut histogram = Histogram::default();
        spans_ms
            .iter()
            .for_each(|ms| histogram.record(ms * 1_000_000));
        super::histogram("answer", &histogram)
    }

    #[test]
    fn bars_lie_inside_of_their_frame() {
        for spans in [&[5][..], &[0, 0], &[7, 7, 7], &[1, 100, 3_600_000]] {
            let svg = of(spans).expect("a histogram").picture.0;
            let points = points(&svg);
            assert!(!points.is_empty() && !svg.contains("NaN"), "{svg}");
            assert!(
                points
                    .iter()
                    .all(|(x, y)| (0.0..=1_000.0).contains(x) && (0.0..=256.0).contains(y))
            );
        }
    }

    #[test]
    fn a_long_tail_is_counted_and_nothing_is_made_of_nothing() {
        let mut spans: Vec<u64> = (100..300).collect();
        spans.push(90_000);
        let beyond = of(&spans).expect("a histogram").beyond.expect("a tail");
        assert!(beyond.starts_with("1 beyond "), "{beyond}");
        assert!(of(&[]).is_none());
    }

    #[test]
    fn bars_are_as_high_as_their_counts() {
        let path = bars(&[2, 0, 1]);
        assert_eq!(path, "M1 256V0h331V256zM668 256V128h331V256z");
    }
}
