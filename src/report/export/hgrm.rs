//! A percentile distribution as HdrHistogram's tools write it (`.hgrm`), which its plotters read. In
//! milliseconds; a value is the top of its bucket, as those tools have it, so it lies up to 0.1 % above the
//! exact one.

use crate::event::Hop;
use crate::measure::{Histogram, METRICS, Measurement};
use hdrhistogram::Histogram as Hdr;
use std::io::{self, Write};

/// Between 0 and 50 %, between 50 and 75 %, and so on.
const TICKS_PER_HALF_DISTANCE: u32 = 5;
const NS_PER_MS: f64 = 1e6;

/// The metric unless another is asked for.
pub const METRIC: &str = "e2e_latency";

/// Why there is no such distribution.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum HgrmError {
    #[error("there is no metric {name:?}{meant}; name one of {} or of {}", METRICS.join(", "), hops().join(", "))]
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
        Some(hop) => Hop::ALL
            .into_iter()
            .find(|own| own.name() == hop)
            .map(|hop| measured.hops.get(&hop)),
        None => METRICS
            .into_iter()
            .find(|own| *own == name)
            .map(|metric| measured.metrics.get(metric)),
    };
    let histogram = found.ok_or_else(|| HgrmError::Unknown {
        name: name.to_owned(),
        meant: meant(name),
    })?;
    histogram
        .and_then(Histogram::hdr)
        .ok_or_else(|| HgrmError::Empty {
            name: name.to_owned(),
            there: there(measured),
        })
}

/// The name that is most like it.
fn meant(name: &str) -> String {
    let alike = |other: &String| strsim::normalized_damerau_levenshtein(name, other);
    let all = METRICS.map(str::to_owned).into_iter().chain(hops());
    let nearest = all
        .filter(|other| alike(other) > 0.6)
        .max_by(|a, b| alike(a).total_cmp(&alike(b)));
    nearest.map_or_else(String::new, |nearest| format!(" (did you mean {nearest}?)"))
}

/// What has been measured instead.
fn there(measured: &Measurement) -> String {
    let metrics = measured.metrics.keys().map(|metric| (*metric).to_owned());
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
    let mut count = 0;
    for step in histogram.iter_quantiles(TICKS_PER_HALF_DISTANCE) {
        count += step.count_since_last_iteration();
        let value = ms(step.value_iterated_to() as f64);
        let quantile = step.quantile_iterated_to();
        write!(out, "{value:12.3} {quantile:.12} {count:10}")?;
        // The last line has none.
        match quantile < 1.0 {
            true => writeln!(out, " {:14.2}", 1.0 / (1.0 - quantile))?,
            false => writeln!(out)?,
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

#[cfg(test)]
mod tests {
    use super::super::test_recorded::recorded;
    use super::*;

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
