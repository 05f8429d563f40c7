//! Which format a file has, and reading it.

use super::mapping::{Log, Mapping};
use super::{How, Imported, TraceError, is_kept, of_spans, spans, table};
use crate::files::{self, Unpacked};
use serde_json::Value;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

/// So much of a file tells its format.
const HEAD_BYTES: u64 = 1 << 18;
/// A log of one document is read whole, and a longer one is refused.
const DOCUMENT_BYTES_MAX: u64 = 256 << 20;
/// A larger file is refused; of traces, little is held.
const FILE_BYTES_MAX: u64 = 1 << 40;
/// A record of a log by lines is no longer.
const LINE_BYTES_MAX: u64 = 64 << 20;
/// Texts that stand in JSON with spans.
const OF_SPANS: &[&str] = &[
    "\"resourceSpans\"",
    "\"resource_spans\"",
    "\"scopeSpans\"",
    "\"operationName\"",
    "\"startTimeUnixNano\"",
    "\"span_id\"",
    "\"spanID\"",
    "\"parentObservationId\"",
    "\"traceId\"",
];

/// The format of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Spans as JSON.
    Json,
    /// Spans as OTLP's protobuf.
    Protobuf,
    /// A table as text.
    Csv,
    /// A table as Parquet.
    Parquet,
    /// A log that a mapping which ships is of.
    Log(&'static str),
}

impl Format {
    /// Every name that `--format` takes.
    pub fn names() -> Vec<&'static str> {
        let own = ["otlp-json", "otlp-protobuf", "csv", "parquet"];
        own.into_iter().chain(Mapping::names()).collect()
    }

    /// The format of a name; `None` if there is none.
    pub fn named(name: &str) -> Option<Format> {
        Some(match name {
            "otlp-json" => Format::Json,
            "otlp-protobuf" => Format::Protobuf,
            "csv" => Format::Csv,
            "parquet" => Format::Parquet,
            name => Format::Log(Mapping::names().find(|own| *own == name)?),
        })
    }
}

pub(super) fn read(
    path: &Path,
    how: &How,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Imported, TraceError> {
    let mut file = files::open(path, FILE_BYTES_MAX).map_err(TraceError::Read)?;
    let about = file.metadata().map_err(TraceError::Read)?;
    let length = about.len();
    let mut begun = Vec::new();
    (&mut file)
        .take(HEAD_BYTES)
        .read_to_end(&mut begun)
        .map_err(TraceError::Read)?;
    if begun.is_empty() {
        return Err(TraceError::Wrong("is empty".into()));
    }
    let mut head = begun.clone();
    let is_packed = head.starts_with(&[0x1F, 0x8B]);
    if is_packed {
        let mut inner = Vec::new();
        // What a cut file has of it is enough to tell.
        let _ = Unpacked::new(head.as_slice())
            .take(HEAD_BYTES)
            .read_to_end(&mut inner);
        head = inner;
    }
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    let format = match how.format {
        Some(format) => Some(format),
        None => recognised(&head, how),
    };
    let told = Told {
        input: io::Cursor::new(begun).chain(file),
        read: 0,
        length,
        progress,
    };
    let input: Box<dyn Read + '_> = match is_packed {
        true => Box::new(Unpacked::new(told)),
        false => Box::new(told),
    };
    match format {
        Some(Format::Json) => spans::from_json(input, &is_kept).map(of_spans),
        Some(Format::Protobuf) => {
            let read = spans::from_protobuf(input, &is_kept).map(of_spans);
            // What was taken for a trace only because it is nothing else, is nothing.
            read.map_err(|error| match (error, how.format) {
                (TraceError::Wrong(_), None) => TraceError::Unknown,
                (error, _) => error,
            })
        }
        Some(Format::Csv) => rows(how, &name, |named, told| {
            table::csv(input, delimiter(&head), named, told)
        }),
        Some(Format::Parquet) => rows(how, &name, |named, told| {
            let file = files::open(path, FILE_BYTES_MAX).map_err(TraceError::Read)?;
            table::parquet(file, named, told)
        }),
        Some(Format::Log(own)) => {
            let mapping = Mapping::shipped().find(|(name, _)| *name == own);
            let (_, mapping) = mapping.ok_or(TraceError::Unknown)?;
            log(input, how.map.as_ref().unwrap_or(&mapping), &name, own)
        }
        None => match &how.map {
            Some(mapping) => log(input, mapping, &name, "--map"),
            None => by_record(input, &name),
        },
    }
}

/// The format by how a file begins; `None` for a log of JSON, which a mapping tells.
fn recognised(head: &[u8], how: &How) -> Option<Format> {
    if head.starts_with(b"PAR1") {
        return Some(Format::Parquet);
    }
    let text = head.strip_prefix(&[0xEF, 0xBB, 0xBF]).unwrap_or(head);
    let first = text.iter().find(|byte| !byte.is_ascii_whitespace());
    if matches!(first, Some(b'{' | b'[')) {
        let text = String::from_utf8_lossy(text);
        let has_spans = OF_SPANS.iter().any(|own| text.contains(own));
        return (has_spans && how.map.is_none()).then_some(Format::Json);
    }
    let is_text = !text.contains(&0) && std::str::from_utf8(&text[..text.len().min(1_024)]).is_ok();
    match (is_text, first) {
        (true, Some(first)) if !first.is_ascii_control() => Some(Format::Csv),
        _ => Some(Format::Protobuf),
    }
}

/// What stands most often between the names of a table's columns.
fn delimiter(head: &[u8]) -> u8 {
    let line = head.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let count = |of: u8| line.iter().filter(|byte| **byte == of).count();
    let all = [b',', b';', b'\t'];
    all.into_iter()
        .rev()
        .max_by_key(|of| count(*of))
        .unwrap_or(b',')
}

/// What a table's rows are told to, its columns' names first.
type Named<'a> = &'a mut dyn FnMut(&[String]) -> Result<(), TraceError>;
type Rows<'a> = &'a mut dyn FnMut(&Value);

/// Reads a table by a mapping of one's own, or by the names of its columns.
fn rows(
    how: &How,
    name: &str,
    read: impl FnOnce(Named<'_>, Rows<'_>) -> Result<(), TraceError>,
) -> Result<Imported, TraceError> {
    // The mapping is known with the names of the columns, which come before the rows.
    let found = std::cell::OnceCell::new();
    let mut log: Option<Log<'_>> = None;
    let mut count = 0;
    let mut named = |names: &[String]| {
        let mapping = match &how.map {
            Some(own) => own.clone(),
            None => Mapping::of_columns(names.iter().map(String::as_str)).ok_or_else(|| {
                TraceError::Wrong(
                    "has no column of a latency whose unit is known, such as e2e_ms, answer_ms or tts_ttfb_s; rename one, or say which is what with --map FILE".into(),
                )
            })?,
        };
        let _ = found.set(mapping);
        Ok(())
    };
    let mut told = |record: &Value| {
        count += 1;
        if log.is_none() {
            log = found.get().map(|mapping| Log::new(mapping, name));
        }
        if let Some(log) = log.as_mut().filter(|_| count <= ROWS_MAX) {
            log.add(record);
        }
    };
    read(&mut named, &mut told)?;
    if count > ROWS_MAX {
        return Err(TraceError::Wrong(format!(
            "has more than {ROWS_MAX} rows; split it and import the parts"
        )));
    }
    let mapping = found.get().ok_or(TraceError::Unknown)?;
    let log = log.ok_or_else(|| TraceError::Wrong("has no rows".into()))?;
    Ok(finished(log, mapping, "table"))
}

/// Longer tables are refused: two million turns take a gigabyte.
const ROWS_MAX: usize = 2_000_000;

fn log(input: impl Read, mapping: &Mapping, name: &str, of: &str) -> Result<Imported, TraceError> {
    let mut log = Log::new(mapping, name);
    records(input, &mut |record| log.add(record))?;
    Ok(finished(log, mapping, of))
}

/// Reads a log by the first shipped mapping that knows its first record.
fn by_record(input: impl Read, name: &str) -> Result<Imported, TraceError> {
    let shipped: Vec<(&str, Mapping)> = Mapping::shipped().collect();
    let mut log: Option<(&str, Log<'_>)> = None;
    let mut unknown = Vec::new();
    records(input, &mut |record| match &mut log {
        Some((_, log)) => log.add(record),
        None => {
            let found = shipped.iter().find(|(_, mapping)| mapping.knows(record));
            match found {
                Some((of, mapping)) => {
                    let mut new = Log::new(mapping, name);
                    for record in unknown.drain(..) {
                        new.add(&record);
                    }
                    new.add(record);
                    log = Some((of, new));
                }
                // The first lines of a log may be of another kind.
                None if unknown.len() < 100 => unknown.push(record.clone()),
                None => {}
            }
        }
    })?;
    let (of, log) = log.ok_or(TraceError::Unknown)?;
    let mapping = shipped.iter().find(|(name, _)| *name == of);
    let (_, mapping) = mapping.ok_or(TraceError::Unknown)?;
    Ok(finished(log, mapping, of))
}

fn finished(log: Log<'_>, mapping: &Mapping, of: &str) -> Imported {
    let mut imported = Imported {
        tables: log.tables,
        passed_over: log.passed_over,
        problems: log.problems,
        ..Imported::default()
    };
    let made = mapping.made.clone();
    imported.formats.insert(format!("log of {of}"), made);
    let tables = &imported.tables;
    let has_table = |name: &str| tables.iter().any(|table| table.call == name);
    let calls = log.calls.into_iter();
    imported.calls = calls
        .filter(|call| !call.turns.is_empty() || has_table(&call.name))
        .collect();
    imported
}

/// The records of a log: lines, a list, or one document.
fn records(input: impl Read, told: &mut dyn FnMut(&Value)) -> Result<(), TraceError> {
    let mut reader = BufReader::with_capacity(1 << 16, input);
    let wrong = |error: serde_json::Error| TraceError::Wrong(error.to_string());
    let mut line = Vec::new();
    let read = (&mut reader)
        .take(LINE_BYTES_MAX)
        .read_until(b'\n', &mut line)
        .map_err(TraceError::Read)?;
    if read == 0 {
        return Err(TraceError::Wrong("is empty".into()));
    }
    let line = match line.strip_prefix(&[0xEF, 0xBB, 0xBF]) {
        Some(rest) => rest.to_vec(),
        None => line,
    };
    match serde_json::from_slice::<Value>(&line) {
        // One record a line.
        Ok(first) if first.is_object() => {
            told(&first);
            by_line(&mut reader, told)
        }
        _ => {
            let mut rest = io::Cursor::new(line).chain(reader).take(DOCUMENT_BYTES_MAX);
            let mut document = serde_json::Deserializer::from_reader(&mut rest);
            let document: Value = serde::Deserialize::deserialize(&mut document).map_err(wrong)?;
            match &document {
                Value::Array(list) => list.iter().for_each(told),
                record => told(record),
            }
            Ok(())
        }
    }
}

fn by_line(reader: &mut impl BufRead, told: &mut dyn FnMut(&Value)) -> Result<(), TraceError> {
    let mut line = Vec::new();
    let mut number = 1;
    loop {
        line.clear();
        number += 1;
        let read = (&mut *reader)
            .take(LINE_BYTES_MAX)
            .read_until(b'\n', &mut line)
            .map_err(TraceError::Read)?;
        if read == 0 {
            return Ok(());
        }
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        match serde_json::from_slice::<Value>(&line) {
            Ok(record) => told(&record),
            // The last line of a file that is still being written.
            Err(error) if error.is_eof() && !line.ends_with(b"\n") => return Ok(()),
            Err(error) => {
                return Err(TraceError::Wrong(format!("line {number}: {error}")));
            }
        }
    }
}

/// Tells how much of a file was read.
struct Told<'a> {
    input: io::Chain<io::Cursor<Vec<u8>>, File>,
    read: u64,
    length: u64,
    progress: &'a mut dyn FnMut(u64, u64),
}

impl Read for Told<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(buffer)?;
        self.read += read as u64;
        (self.progress)(self.read, self.length);
        Ok(read)
    }
}
