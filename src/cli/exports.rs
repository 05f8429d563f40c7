//! Files for other programs, made from a folder of results.

use super::file::{refuse_own, unwritable};
use super::{Failure, otlp};
use crate::files::stream_whole;
use crate::measure::Measurement;
use crate::measure::folder::Folder;
use crate::report::calls::folder_name;
use crate::report::export::turn_table::turns;
use crate::report::export::{ExportError, csv, hgrm, junit, parquet, perfetto, prometheus};
use clap::Args;
use std::borrow::Cow;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

#[derive(Debug, Args)]
#[command(
    next_help_heading = "Files for other programs (- is standard output, in place of the report)"
)]
pub(super) struct Exports {
    /// Every turn and its hops, as CSV; text that a spreadsheet would run gets an apostrophe in front
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// Every turn and its hops, as Parquet
    #[arg(long, value_name = "FILE")]
    parquet: Option<PathBuf>,
    /// Percentile distribution of a latency, as HdrHistogram's tools write and plot it
    #[arg(long, value_name = "FILE")]
    hgrm: Option<PathBuf>,
    /// Latency for --hgrm: a metric, or hop.NAME; e2e_latency unless given
    #[arg(long, value_name = "NAME", requires = "hgrm")]
    metric: Option<String>,
    /// Trace of what happened, on a time axis, for ui.perfetto.dev or chrome://tracing
    #[arg(long, value_name = "FILE")]
    perfetto: Option<PathBuf>,
    /// Latencies and counts as Prometheus scrapes them (node_exporter's textfile, a push gateway)
    #[arg(long, value_name = "FILE")]
    prometheus: Option<PathBuf>,
    /// Spans of OpenTelemetry: a span for each conversation, turn, hop and visit of a stage. A file of JSON lines, or of
    /// protobuf if it is called .pb; or a collector that takes OTLP over HTTP
    #[arg(long, value_name = "FILE|URL", value_parser = otlp::parse)]
    otlp: Option<otlp::Target>,
    /// Expectations and budgets as JUnit tests, for CI servers
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
}

impl Exports {
    fn paths(&self) -> impl Iterator<Item = &Path> {
        let all = [
            &self.csv,
            &self.parquet,
            &self.hgrm,
            &self.perfetto,
            &self.junit,
            &self.prometheus,
        ];
        let spans = self.otlp.as_ref().and_then(otlp::Target::file);
        let all = all.into_iter().filter_map(|path| path.as_deref());
        all.chain(spans)
    }

    /// Whether one of the files is written to standard output.
    pub(super) fn is_on_stdout(&self) -> bool {
        self.paths().any(is_stdout)
    }

    /// Refuses files that cannot be written, before any is written.
    pub(super) fn check(&self) -> Result<(), Failure> {
        if self.paths().filter(|path| is_stdout(path)).count() > 1 {
            return Err(Failure::Input(
                "several files are to go to standard output (-), which holds one; name files for the others".into(),
            ));
        }
        let mut files: Vec<&Path> = self.paths().filter(|path| !is_stdout(path)).collect();
        files.sort();
        if let Some(pair) = files.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(Failure::Input(format!(
                "{} is named twice; give each export a file of its own",
                pair[0].display()
            )));
        }
        files.iter().try_for_each(|path| refuse_own("export", path))
    }

    /// Writes the files that were asked for, from a folder of results.
    pub(super) fn write(&self, folder: &Folder, path: &Path) -> Result<(), Failure> {
        if let Some(to) = &self.csv {
            let count = export(to, |out| csv::write(turns(folder), out))?;
            told(to, &format!("{count} turns"));
        }
        if let Some(to) = &self.parquet {
            let count = export(to, |out| parquet::write(turns(folder), out))?;
            told(to, &format!("{count} turns"));
        }
        if let Some(to) = &self.hgrm {
            let whole = whole(folder);
            let metric = self.metric.as_deref().unwrap_or(hgrm::METRIC);
            let histogram = hgrm::histogram(&whole, metric)
                .map_err(|error| Failure::Input(format!("--hgrm {}: {error}", to.display())))?;
            export(to, |out| Ok(hgrm::write(histogram, out)?))?;
            told(to, &format!("{metric}, {} values", histogram.len()));
        }
        if let Some(to) = &self.perfetto {
            let written = export(to, |out| perfetto::write(folder, out))?;
            told(to, &conversations(written));
        }
        if let Some(to) = &self.prometheus {
            let whole = whole(folder);
            let name = folder.all().first().map(|first| &first.header().name);
            let name = match folder {
                Folder::One(_) => name.cloned().unwrap_or_default(),
                Folder::Several(_) => folder_name(path),
            };
            let text = prometheus::text(&name, &whole);
            export(to, |out| Ok(out.write_all(text.as_bytes())?))?;
            told(to, &format!("{} turns", whole.turns));
        }
        if let Some(target) = &self.otlp {
            target.export(folder)?;
        }
        if let Some(to) = &self.junit {
            let (name, whole) = (folder_name(path), whole(folder));
            let count = export(to, |out| Ok(junit::write(folder, &whole, &name, out)?))?;
            told(to, &format!("{count} tests"));
        }
        Ok(())
    }
}

/// The figures of everything in a folder together, with the budgets of the first run in it.
fn whole(folder: &Folder) -> Cow<'_, Measurement> {
    match folder {
        Folder::One(kept) => Cow::Borrowed(kept.measured()),
        Folder::Several(several) => {
            let budgets = several.first().map(|first| first.plan().budgets);
            let each = several.iter().map(|kept| kept.measured());
            Cow::Owned(Measurement::of_many(each, &budgets.unwrap_or_default()))
        }
    }
}

pub(super) fn conversations(written: perfetto::Written) -> String {
    let perfetto::Written {
        conversations,
        left_out,
    } = written;
    match (conversations, left_out) {
        (1, 0) => "1 conversation".into(),
        (_, 0) => format!("{conversations} conversations"),
        _ => format!(
            "the first {conversations} conversations whose events were kept; the other {left_out} are left out"
        ),
    }
}

pub(super) fn is_stdout(path: &Path) -> bool {
    path == Path::new("-")
}

/// Says on stderr what was written.
pub(super) fn told(to: &Path, what: &str) {
    let to = match is_stdout(to) {
        true => "standard output".into(),
        false => to.to_string_lossy(),
    };
    tracing::info!("{to}: {what}");
}

/// Writes one file, as a whole or not at all, or to standard output.
pub(super) fn export<T>(
    to: &Path,
    write: impl FnOnce(&mut (dyn Write + Send)) -> Result<T, ExportError>,
) -> Result<T, Failure> {
    let written = match is_stdout(to) {
        true => {
            let mut out = BufWriter::with_capacity(1 << 16, Pipe { is_open: true });
            write(&mut out).and_then(|written| {
                out.flush()?;
                Ok(written)
            })
        }
        false => stream_whole(to, |out| write(out)),
    };
    written.map_err(|error| match error {
        ExportError::Turns(error) => Failure::input(error),
        ExportError::Events(error) => Failure::input(error),
        ExportError::Nothing { .. } => Failure::input(error),
        ExportError::Write(source) => {
            unwritable(&format!("cannot write {}", to.display()), &source)
        }
    })
}

/// Standard output. A reader that went away, as `head` does, is no failure.
struct Pipe {
    is_open: bool,
}

impl Pipe {
    fn unless_closed(&mut self, written: io::Result<()>) -> io::Result<()> {
        match written {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.is_open = false;
                Ok(())
            }
            written => written,
        }
    }
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.is_open {
            let written = io::stdout().write_all(bytes);
            self.unless_closed(written)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        match self.is_open {
            true => {
                let flushed = io::stdout().flush();
                self.unless_closed(flushed)
            }
            false => Ok(()),
        }
    }
}
