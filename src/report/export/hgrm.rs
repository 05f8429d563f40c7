//! A percentile distribution as HdrHistogram's tools write it (`.hgrm`), which its plotters read. In
//! milliseconds; a value is the top of its bucket, as those tools have it, so it lies up to 0.1 % above the
//! exact one.

use crate::event::{Hop, Metric};
use crate::measure::Measurement;
use crate::nearest::nearest;
use hdrhistogram::Histogram as Hdr;
use std::io::{self, Write};

/// Lines between 0 and 50 %, between 50 and 75 %, and so on.
const TICKS_PER_HALF_DISTANCE: u64 = 5;
const NS_PER_MS: f64 = 1e6;

/// The metric that is written unless another one is asked for.
pub const METRIC: &str = Metric::E2eLatency.name();

/// How alike a metric's name is to what was typed at least, for it to be offered.
const ALIKE_MIN: f64 = 0.6;

/// Why there is no such distribution.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum HgrmError {
    #[error("there is no metric {name:?}{meant}; name one of {} or of {}", Metric::ALL.map(Metric::name).join(", "), hops().join(", "))]
    Unknown { name: String, meant: String },
    #[error("nothing was measured of {name}; {there}")]
    Empty { name: String, there: String },
}

fn hops() -> [String; Hop::ALL.len()] {
    Hop::ALL.map(|hop| format!("hop.{hop}"))
}

/// The histogram of a metric, or of a hop named `hop.NAME`.
pub fn histogram<'a>(measured: &'a Measurement, name: &str) -> Result<&'a Hdr<u64>, HgrmError> {
    let found = match name.strip_prefix("hop.") {
        Some(hop) => Hop::named(hop).map(|hop| measured.hops.get(&hop)),
        None => Metric::named(name).map(|metric| measured.metrics.get(&metric)),
    };
    let histogram = found.ok_or_else(|| HgrmError::Unknown {
        name: name.to_owned(),
        meant: meant(name),
    })?;
    histogram
        .and_then(|waits| waits.answered().hdr())
        .ok_or_else(|| HgrmError::Empty {
            name: name.to_owned(),
            there: there(measured),
        })
}

/// The name that is most like it.
fn meant(name: &str) -> String {
    let metrics = Metric::ALL.map(|metric| metric.name().to_owned());
    let nearest = nearest(name, metrics.into_iter().chain(hops()), ALIKE_MIN);
    nearest.map_or_else(String::new, |nearest| format!(" (did you mean {nearest}?)"))
}

/// The names of what has been measured.
fn there(measured: &Measurement) -> String {
    let metrics = measured
        .metrics
        .keys()
        .map(|metric| metric.name().to_owned());
    let hops = measured.hops.keys().map(|hop| format!("hop.{hop}"));
    let names: Vec<String> = metrics.chain(hops).collect();
    match names.is_empty() {
        true => "no turn was answered, and there is no other metric to write".into(),
        false => format!("--metric can be {}", names.join(", ")),
    }
}

/// Writes the distribution of a histogram of nanoseconds.
pub fn write(histogram: &Hdr<u64>, mut out: impl Write) -> io::Result<()> {
    let ms = |value_ns: f64| value_ns / NS_PER_MS;
    writeln!(
        out,
        "{:>12} {:>14} {:>10} {:>14}\n",
        "Value", "Percentile", "TotalCount", "1/(1-Percentile)"
    )?;
    let (all, mut count, mut level) = (histogram.len(), 0, Level::ZERO);
    for bucket in histogram.iter_recorded() {
        count += bucket.count_at_value();
        let value = ms(bucket.value_iterated_to() as f64);
        while count < all && level.is_reached(count, all) {
            level.line(value, count, &mut out)?;
            level.rise();
        }
        // All values are there: one line with the level that comes next, and a last one.
        if count == all {
            level.line(value, count, &mut out)?;
            writeln!(out, "{value:12.3} {:.12} {count:10}", 1.0)?;
        }
    }
    let sub_buckets = (2 * 10_u64.pow(histogram.sigfig().into())).next_power_of_two();
    writeln!(
        out,
        "#[Mean    = {:12.3}, StdDeviation   = {:12.3}]\n#[Max     = {:12.3}, Total count    = {:12}]\n#[Buckets = {:12}, SubBuckets     = {:12}]",
        ms(histogram.mean()),
        ms(histogram.stdev()),
        ms(histogram.max() as f64),
        histogram.len(),
        histogram.buckets(),
        sub_buckets,
    )
}

/// A percentile that a line is written for, exactly: floating point would step past values that lie on it.
/// The share above it is `rest` of twice the ticks, halved `halvings` times.
#[derive(Debug, Clone, Copy)]
struct Level {
    rest: u64,
    halvings: u32,
}

impl Level {
    const WHOLE: u64 = 2 * TICKS_PER_HALF_DISTANCE;
    const ZERO: Level = Level {
        rest: Self::WHOLE,
        halvings: 0,
    };

    /// Whether `count` of `all` values reach this percentile.
    fn is_reached(self, count: u64, all: u64) -> bool {
        // There is no further halving once less than one value lies above it, so this stays below 2^70.
        let above = (u128::from(all - count) * u128::from(Self::WHOLE)) << self.halvings;
        above <= u128::from(all) * u128::from(self.rest)
    }

    /// Goes on to the next tick. The distance between ticks halves with the distance to the end.
    fn rise(&mut self) {
        self.rest -= 1;
        if self.rest == TICKS_PER_HALF_DISTANCE {
            self.rest = Self::WHOLE;
            self.halvings += 1;
        }
    }

    fn line(self, value_ms: f64, count: u64, out: &mut impl Write) -> io::Result<()> {
        let parts = u128::from(Self::WHOLE) << self.halvings;
        let rest = self.rest as f64 / parts as f64;
        writeln!(
            out,
            "{value_ms:12.3} {:.12} {count:10} {:14.2}",
            1.0 - rest,
            1.0 / rest
        )
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_recorded::recorded;
    use super::*;
    use crate::measure::Histogram;

    fn text(histogram: &Hdr<u64>) -> String {
        let mut bytes = Vec::new();
        write(histogram, &mut bytes).expect("written");
        String::from_utf8(bytes).expect("UTF-8")
    }

    #[test]
    fn the_latency_of_a_run_is_this_distribution() {
        let folder = recorded("recorded");
        let e2e = histogram(folder.all()[0].measured(), METRIC).expect("answers");
        insta::assert_snapshot!(text(e2e));
    }

    #[test]
    fn every_line_is_what_the_histogram_says_of_it() {
        let mut of = Histogram::default();
        (1..=100_000).for_each(|step| of.record(step * 10_007));
        let hdr = of.hdr().expect("recorded");
        let text = text(hdr);
        let lines = text.lines().skip(2).filter(|line| !line.starts_with('#'));
        let mut last = (0.0, 0);
        for line in lines {
            let cells: Vec<f64> = line
                .split_whitespace()
                .map(|c| c.parse().expect("a number"))
                .collect();
            let (value, quantile, count) = (cells[0], cells[1], cells[2] as u64);
            let own = hdr.value_at_quantile(quantile) as f64 / 1e6;
            assert!((value - own).abs() <= own * 1e-3 + 1e-3, "{line}: {own}");
            assert!(value >= last.0 && count >= last.1);
            last = (value, count);
        }
        assert_eq!(last.1, 100_000);
    }

    #[test]
    fn a_percentile_that_lies_on_a_value_is_that_value() {
        let mut of = Histogram::default();
        // Apart by more than a bucket, so that each is a line of its own.
        (1..=40).for_each(|step: u64| of.record(step * 10_000_000));
        let text = text(of.hdr().expect("recorded"));
        for (percentile, count) in [
            ("0.100", 4),
            ("0.300", 12),
            ("0.750", 30),
            ("0.775", 31),
            ("0.950", 38),
        ] {
            let start = format!("{percentile}000000000");
            let line = text
                .lines()
                .find(|line| line.contains(&start))
                .expect("a line");
            let cells: Vec<&str> = line.split_whitespace().collect();
            assert_eq!(cells[2], count.to_string(), "{line}");
            let value: f64 = cells[0].parse().expect("a number");
            assert!((value - 10.0 * f64::from(count)).abs() < 0.5, "{line}");
        }
    }

    #[test]
    fn what_is_no_metric_or_was_not_measured_is_told() {
        let folder = recorded("recorded");
        let measured = folder.all()[0].measured();
        assert!(histogram(measured, "hop.transcription").is_ok());
        let error = |name| histogram(measured, name).expect_err(name).to_string();
        let unknown = error("e2e_latencies");
        assert!(unknown.contains("did you mean e2e_latency?"), "{unknown}");
        assert!(unknown.contains("hop.model_response"), "{unknown}");
        let empty = error("hop.model_response");
        assert!(
            empty.contains("--metric can be") && empty.contains("hop.answer"),
            "{empty}"
        );
        let nothing = histogram(&Measurement::of_nothing(), METRIC).expect_err("nothing");
        assert!(
            nothing.to_string().contains("no turn was answered"),
            "{nothing}"
        );
    }
}
