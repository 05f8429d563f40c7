//! `latency.hlog`: the histograms as an HDR interval log, which other HdrHistogram tools read.

use crate::measure::Measurement;
use hdrhistogram::serialization::V2DeflateSerializer;
use hdrhistogram::serialization::interval_log::{IntervalLogWriterBuilder, Tag};
use std::io::{self, Write};
use std::time::Duration;

/// Writes one interval that spans the run, tagged with the metric's or hop's name (`hop.NAME`).
/// Values are nanoseconds.
pub fn write(measured: &Measurement, length: Duration, mut out: impl Write) -> io::Result<()> {
    let mut serializer = V2DeflateSerializer::new();
    let mut log = IntervalLogWriterBuilder::new()
        .add_comment("voicesim latencies in nanoseconds")
        .begin_log_with(&mut out, &mut serializer)?;
    let metrics = measured
        .metrics
        .iter()
        .map(|(metric, waits)| (metric.name().to_owned(), waits));
    let hops = measured
        .hops
        .iter()
        .map(|(hop, waits)| (format!("hop.{hop}"), waits));
    for (name, waits) in metrics.chain(hops) {
        let Some(hdr) = waits.answered().hdr() else {
            continue;
        };
        log.write_histogram(hdr, Duration::ZERO, length, Tag::new(&name))
            .map_err(|error| io::Error::other(format!("{error:?}")))?;
    }
    drop(log);
    out.flush()
}
