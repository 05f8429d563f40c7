//! Spans as OTLP's protobuf, read one at a time.
//!
//! The three messages around a span (a request, the spans of a resource, those of a scope) only hold what is inside, so they
//! are gone through by their tags; a span is read whole by OTLP's own types.

use super::value::Value;
use super::{Span, Spans};
use crate::trace::TraceError;
use crate::trace::problems::Problem;
use opentelemetry_proto::tonic::common::v1::any_value;
use opentelemetry_proto::tonic::trace::v1::Span as Message;
use prost::Message as _;
use std::io::{self, BufRead, BufReader, Read};

/// A longer span is refused.
const SPAN_BYTES_MAX: u64 = 16 << 20;
/// In each message around a span: the field with what is inside of it. A request has resources' spans, those have
/// scopes' spans, and those have spans.
const INSIDE: [u64; 3] = [1, 2, 2];

pub(super) fn read(input: impl Read, is_kept: &dyn Fn(&Span) -> bool) -> Result<Spans, TraceError> {
    let mut reader = Counted {
        input: BufReader::with_capacity(1 << 16, input),
        at: 0,
    };
    let mut spans = Spans::default();
    let walked = requests(&mut reader, &mut |bytes| {
        let message = Message::decode(bytes)
            .map_err(|error| TraceError::Wrong(format!("a span of it cannot be read: {error}")))?;
        spans.take(span(message), is_kept)
    });
    match walked {
        Ok(()) => Ok(spans),
        Err(error) if !spans.kept.is_empty() && !matches!(error, TraceError::TooMany { .. }) => {
            spans.problems.add(Problem::Cut, || {
                format!("the file cannot be read to its end ({error}); what came before was read")
            });
            Ok(spans)
        }
        Err(error) => Err(error),
    }
}

struct Counted<R> {
    input: BufReader<R>,
    at: u64,
}

impl<R: Read> Counted<R> {
    fn byte(&mut self) -> Result<Option<u8>, TraceError> {
        let buffer = self.input.fill_buf().map_err(TraceError::Read)?;
        let byte = buffer.first().copied();
        if byte.is_some() {
            self.input.consume(1);
            self.at += 1;
        }
        Ok(byte)
    }

    /// A number of up to ten bytes; `None` at the end of the file.
    fn varint(&mut self) -> Result<Option<u64>, TraceError> {
        let mut number = 0u64;
        for place in 0..10 {
            let Some(byte) = self.byte()? else {
                return match place {
                    0 => Ok(None),
                    _ => Err(cut()),
                };
            };
            number |= u64::from(byte & 0x7F) << (7 * place);
            if byte & 0x80 == 0 {
                return Ok(Some(number));
            }
        }
        Err(TraceError::Wrong("it is no protobuf".into()))
    }

    fn pass(&mut self, length: u64) -> Result<(), TraceError> {
        let passed = io::copy(&mut (&mut self.input).take(length), &mut io::sink());
        let passed = passed.map_err(TraceError::Read)?;
        self.at += passed;
        match passed == length {
            true => Ok(()),
            false => Err(cut()),
        }
    }

    fn bytes(&mut self, length: u64) -> Result<Vec<u8>, TraceError> {
        if length > SPAN_BYTES_MAX {
            return Err(TraceError::Wrong(
                "a span of it is longer than 16 MiB".into(),
            ));
        }
        let mut bytes = Vec::new();
        let read = (&mut self.input).take(length).read_to_end(&mut bytes);
        let read = read.map_err(TraceError::Read)? as u64;
        self.at += read;
        match read == length {
            true => Ok(bytes),
            false => Err(cut()),
        }
    }
}

fn cut() -> TraceError {
    TraceError::Wrong("it ends in the middle of a message".into())
}

type Taken<'a> = dyn FnMut(&[u8]) -> Result<(), TraceError> + 'a;

/// Goes through a whole file: fields of one request after the other, as a message or with their lengths before them.
fn requests<R: Read>(reader: &mut Counted<R>, taken: &mut Taken<'_>) -> Result<(), TraceError> {
    while let Some(tag) = reader.varint()? {
        match tag {
            // Field 1 of a request.
            0x0A => {
                let length = reader.varint()?.ok_or_else(cut)?;
                message(reader, length, 1, taken)?;
            }
            // The length of a request that follows.
            length => {
                let inner = reader.varint()?.ok_or_else(cut)?;
                if inner != 0x0A {
                    return Err(TraceError::Wrong("it is no OTLP trace".into()));
                }
                let end = (reader.at - 1).saturating_add(length);
                let own = reader.varint()?.ok_or_else(cut)?;
                message(reader, own, 1, taken)?;
                while reader.at < end {
                    match reader.varint()? {
                        Some(0x0A) => {
                            let own = reader.varint()?.ok_or_else(cut)?;
                            message(reader, own, 1, taken)?;
                        }
                        Some(tag) => skip(reader, tag)?,
                        None => return Err(cut()),
                    }
                }
            }
        }
    }
    Ok(())
}

/// Goes through a message of `length` bytes that has what it holds in field `INSIDE[level]`.
fn message<R: Read>(
    reader: &mut Counted<R>,
    length: u64,
    level: usize,
    taken: &mut Taken<'_>,
) -> Result<(), TraceError> {
    let end = reader.at.saturating_add(length);
    while reader.at < end {
        let tag = reader.varint()?.ok_or_else(cut)?;
        if tag != INSIDE[level] << 3 | 2 {
            skip(reader, tag)?;
            continue;
        }
        let length = reader.varint()?.ok_or_else(cut)?;
        match level + 1 < INSIDE.len() {
            true => message(reader, length, level + 1, taken)?,
            false => taken(&reader.bytes(length)?)?,
        }
    }
    Ok(())
}

/// Passes over a field.
fn skip<R: Read>(reader: &mut Counted<R>, tag: u64) -> Result<(), TraceError> {
    match tag & 7 {
        0 => reader.varint()?.ok_or_else(cut).map(|_| ()),
        1 => reader.pass(8),
        2 => {
            let length = reader.varint()?.ok_or_else(cut)?;
            reader.pass(length)
        }
        5 => reader.pass(4),
        _ => Err(TraceError::Wrong("it is no protobuf".into())),
    }
}

/// The number that the bytes of an id are.
pub(super) fn id(bytes: &[u8]) -> u128 {
    let last = bytes.len().saturating_sub(16);
    bytes[last..]
        .iter()
        .fold(0, |id, byte| id << 8 | u128::from(*byte))
}

fn span(message: Message) -> Span {
    let mut span = Span {
        trace: id(&message.trace_id),
        id: id(&message.span_id) as u64,
        parent: id(&message.parent_span_id) as u64,
        name: message.name.chars().take(200).collect(),
        start_ns: message.start_time_unix_nano,
        end_ns: message.end_time_unix_nano,
        has_failed: message.status.is_some_and(|status| status.code == 2),
        ..Span::default()
    };
    for pair in message.attributes {
        let value = match pair.value.and_then(|value| value.value) {
            Some(any_value::Value::StringValue(text)) => Value::Text(text.into()),
            Some(any_value::Value::BoolValue(flag)) => Value::Flag(flag),
            Some(any_value::Value::IntValue(number)) => Value::Whole(number),
            Some(any_value::Value::DoubleValue(number)) => Value::Number(number),
            _ => continue,
        };
        span.keep(&pair.key, value);
    }
    span
}
