//! Spans as JSON, read one at a time: a trace may be larger than memory.
//!
//! Exporters disagree about what lies around a span (resources and scopes, Jaeger's `data`, a bare list, a line each), and
//! about the names of its parts. So containers are gone through whatever their order, and what has a name and a beginning
//! is a span.

use super::value::Value;
use super::{Span, Spans};
use crate::trace::TraceError;
use base64::Engine;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value as Json};
use std::cell::Cell;
use std::fmt;
use std::io::{self, BufReader, Read};
use std::rc::Rc;

/// More bytes without the end of a span than this are no trace.
const SPAN_BYTES_MAX: u64 = 16 << 20;
/// Attributes within attributes, as Phoenix nests them.
const DEPTH_MAX: usize = 6;

/// What holds spans, or holds what holds them.
const CONTAINERS: &[&str] = &[
    "resourceSpans",
    "resource_spans",
    "batches",
    "scopeSpans",
    "scope_spans",
    "instrumentationLibrarySpans",
    "spans",
    "data",
    "traces",
    "trace",
    "observations",
    "result",
    "results",
];

pub(super) fn read(input: impl Read, is_kept: &dyn Fn(&Span) -> bool) -> Result<Spans, TraceError> {
    let since_span = Rc::new(Cell::new(0));
    let bounded = Bounded {
        input,
        since_span: since_span.clone(),
    };
    let mut spans = Spans::default();
    let mut failure = None;
    let mut taken = |span: Span| {
        since_span.set(0);
        match spans.take(span, is_kept) {
            Ok(()) => true,
            Err(error) => {
                failure = Some(error);
                false
            }
        }
    };
    let mut reader = BufReader::with_capacity(1 << 16, bounded);
    let mut wrong = None;
    let mut has_any = false;
    while wrong.is_none() {
        if is_at_end(&mut reader)? {
            break;
        }
        has_any = true;
        let mut document = serde_json::Deserializer::from_reader(&mut reader);
        let walked = Walk { taken: &mut taken }.deserialize(&mut document);
        wrong = walked.err();
    }
    if let Some(failure) = failure {
        return Err(failure);
    }
    match wrong {
        None if has_any => Ok(spans),
        None => Err(TraceError::Wrong("is empty".into())),
        // The last line of a file that is still being written.
        Some(error) if error.is_eof() && !spans.kept.is_empty() => {
            spans
                .problems
                .add(crate::trace::problems::Problem::Cut, || {
                    format!("the file ends in the middle ({error}); what came before was read")
                });
            Ok(spans)
        }
        Some(error) => Err(TraceError::Wrong(format!("is no whole JSON: {error}"))),
    }
}

/// Passes over what stands between documents.
fn is_at_end(reader: &mut impl io::BufRead) -> Result<bool, TraceError> {
    loop {
        let buffer = reader.fill_buf().map_err(TraceError::Read)?;
        let Some(first) = buffer.first() else {
            return Ok(true);
        };
        match first {
            b' ' | b'\t' | b'\r' | b'\n' | b',' | 0xEF | 0xBB | 0xBF => reader.consume(1),
            _ => return Ok(false),
        }
    }
}

/// Refuses to read on when too much has come without a span.
struct Bounded<R> {
    input: R,
    since_span: Rc<Cell<u64>>,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(buffer)?;
        self.since_span.set(self.since_span.get() + read as u64);
        match self.since_span.get() > SPAN_BYTES_MAX {
            true => Err(io::Error::other(
                "16 MiB of it without a span; this is no trace, or one span of it is too long",
            )),
            false => Ok(read),
        }
    }
}

/// Goes through whatever holds spans.
struct Walk<'a> {
    taken: &'a mut dyn FnMut(Span) -> bool,
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("spans")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list
            .next_element_seed(Walk { taken: self.taken })?
            .is_some()
        {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut own = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            if CONTAINERS.contains(&key.as_str()) {
                map.next_value_seed(Walk { taken: self.taken })?;
            } else if IGNORED.contains(&key.as_str()) {
                map.next_value::<IgnoredAny>()?;
            } else {
                own.insert(key, map.next_value()?);
            }
        }
        if let Some(span) = span(&own)
            && !(self.taken)(span)
        {
            return Err(A::Error::custom("too many spans"));
        }
        Ok(())
    }

    // What is no container holds nothing.
    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }
    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        Ok(())
    }
    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        Ok(())
    }
    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        Ok(())
    }
    fn visit_str<E: Error>(self, _: &str) -> Result<(), E> {
        Ok(())
    }
    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }
}

/// Parts of spans that may be long and say nothing of latency.
const IGNORED: &[&str] = &[
    "resource",
    "scope",
    "links",
    "events",
    "logs",
    "process",
    "processes",
];

/// A span, if the object is one.
fn span(own: &Map<String, Json>) -> Option<Span> {
    let get = |names: &[&str]| names.iter().find_map(|name| own.get(*name));
    let context = own.get("context").and_then(Json::as_object);
    let within =
        |names: &[&str]| get(names).or_else(|| names.iter().find_map(|name| context?.get(*name)));
    let name = get(&["name", "operationName", "span_name"])?.as_str()?;
    let start_ns = time_ns(own, &START)?;
    let end_ns = time_ns(own, &END).or_else(|| {
        // Jaeger's duration, in microseconds.
        let duration = own.get("duration")?.as_u64()?;
        start_ns.checked_add(duration.checked_mul(1_000)?)
    });
    let ids = ["traceId", "trace_id", "traceID"];
    let mut span = Span {
        trace: within(&ids).and_then(id).unwrap_or_default(),
        id: within(&["spanId", "span_id", "spanID", "id"])
            .and_then(id)
            .unwrap_or_default() as u64,
        parent: get(&[
            "parentSpanId",
            "parent_span_id",
            "parent_id",
            "parentId",
            "parentObservationId",
        ])
        .and_then(id)
        .or_else(|| jaeger_parent(own))
        .unwrap_or_default() as u64,
        name: name.chars().take(200).collect(),
        start_ns,
        end_ns: end_ns.unwrap_or_default(),
        has_failed: has_failed(own),
        ..Span::default()
    };
    for key in ["attributes", "tags", "metadata"] {
        if let Some(attributes) = own.get(key) {
            keep(&mut span, attributes, "", 0);
        }
    }
    // Langfuse has these beside the attributes.
    if let Some(session) = own.get("sessionId").and_then(Value::of_json) {
        span.keep("session.id", session);
    }
    Some(span)
}

/// Attributes as OTLP's and Jaeger's lists of keys and values, or as an object, flat or nested.
fn keep(span: &mut Span, attributes: &Json, prefix: &str, depth: usize) {
    match attributes {
        Json::Array(list) => {
            for pair in list {
                let Some(key) = pair.get("key").and_then(Json::as_str) else {
                    continue;
                };
                let value = pair.get("value").map(inner);
                if let Some(value) = value.and_then(Value::of_json) {
                    span.keep(key, value);
                }
            }
        }
        Json::Object(map) if depth < DEPTH_MAX => {
            for (key, value) in map {
                let name = match prefix.is_empty() || prefix == "attributes" {
                    true => key.clone(),
                    false => format!("{prefix}.{key}"),
                };
                match Value::of_json(value) {
                    Some(value) => span.keep(&name, value),
                    None => keep(span, value, &name, depth + 1),
                }
            }
        }
        _ => {}
    }
}

/// The value inside of OTLP's wrapping.
fn inner(value: &Json) -> &Json {
    const NAMES: [&str; 8] = [
        "stringValue",
        "intValue",
        "doubleValue",
        "boolValue",
        "string_value",
        "int_value",
        "double_value",
        "bool_value",
    ];
    let found = NAMES.iter().find_map(|name| value.get(name));
    found.unwrap_or(value)
}

/// Names of a time, and what its unit is.
type TimeNames = [(&'static [&'static str], u64); 3];
const START: TimeNames = [
    (&["startTimeUnixNano", "start_time_unix_nano"], 1),
    (&["start_time", "startTime"], 1_000),
    (&["start_time_ms"], 1_000_000),
];
const END: TimeNames = [
    (&["endTimeUnixNano", "end_time_unix_nano"], 1),
    (&["end_time", "endTime"], 1_000),
    (&["end_time_ms"], 1_000_000),
];

fn time_ns(own: &Map<String, Json>, names: &TimeNames) -> Option<u64> {
    for (names, unit_ns) in names {
        let Some(value) = names.iter().find_map(|name| own.get(*name)) else {
            continue;
        };
        return match value {
            Json::Number(number) => match number.as_u64() {
                Some(time) if *unit_ns == 1 => Some(time),
                // Jaeger has microseconds; an exporter may have nanoseconds under the same name.
                Some(time) if time >= 100_000_000_000_000_000 => Some(time),
                Some(time) => time.checked_mul(*unit_ns),
                None => {
                    let seconds = number.as_f64().filter(|it| (0.0..1e11).contains(it))?;
                    Some((seconds * 1e9) as u64)
                }
            },
            Json::String(text) => match text.parse::<u64>() {
                Ok(time) => Some(time),
                Err(_) => written(text),
            },
            _ => None,
        };
    }
    None
}

/// A time as text: RFC 3339.
fn written(text: &str) -> Option<u64> {
    let text = text.trim();
    let time: jiff::Timestamp = text.parse().or_else(|_| format!("{text}Z").parse()).ok()?;
    u64::try_from(time.as_nanosecond()).ok()
}

/// An id in hexadecimal digits (with 0x or dashes or without), or as base64, as protobuf's own JSON has it.
fn id(value: &Json) -> Option<u128> {
    let text = value.as_str()?.trim();
    let plain = text.strip_prefix("0x").unwrap_or(text).replace('-', "");
    if plain.is_empty() {
        return None;
    }
    if plain.len() <= 32
        && let Ok(id) = u128::from_str_radix(&plain, 16)
    {
        return Some(id);
    }
    let bytes = base64::engine::general_purpose::STANDARD.decode(text).ok();
    match bytes.filter(|bytes| matches!(bytes.len(), 8 | 16)) {
        Some(bytes) => Some(super::protobuf::id(&bytes)),
        // Somebody's own id: any text tells spans apart.
        None => Some(hashed(text)),
    }
}

fn hashed(text: &str) -> u128 {
    text.bytes()
        .fold(0x6c62_272e_07bb_0142, |hash: u128, byte| {
            (hash ^ u128::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        })
}

fn jaeger_parent(own: &Map<String, Json>) -> Option<u128> {
    let references = own.get("references")?.as_array()?;
    references.iter().find_map(|one| id(one.get("spanID")?))
}

fn has_failed(own: &Map<String, Json>) -> bool {
    let status = own.get("status");
    let code = status.and_then(|status| status.get("code").or(status.get("status_code")));
    let code = code.or_else(|| own.get("status_code")).or(status);
    match code {
        Some(Json::Number(number)) => number.as_u64() == Some(2),
        Some(Json::String(text)) => text.to_uppercase().contains("ERROR"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: u64 = 1_764_000_000_000_000_000;

    fn spans(text: &str) -> Vec<Span> {
        read(text.as_bytes(), &|_| true).expect("spans").kept
    }

    #[test]
    fn every_shape_of_a_span_is_the_same_span() {
        let shapes = [
            r#"{"resourceSpans":[{"resource":{"attributes":[]},"scopeSpans":[{"spans":[{"traceId":"0000000000000000000000000000000a","spanId":"0000000000000002","parentSpanId":"0000000000000001","name":"turn","startTimeUnixNano":"1764000000000000000","endTimeUnixNano":"1764000001500000000","attributes":[{"key":"turn.number","value":{"intValue":"3"}}]}]}]}]}"#,
            // Protobuf's own JSON, as Tempo has it.
            r#"{"batches":[{"scopeSpans":[{"spans":[{"traceId":"AAAAAAAAAAAAAAAAAAAACg==","spanId":"AAAAAAAAAAI=","parentSpanId":"AAAAAAAAAAE=","name":"turn","startTimeUnixNano":"1764000000000000000","endTimeUnixNano":"1764000001500000000","attributes":[{"key":"turn.number","value":{"intValue":"3"}}]}]}]}]}"#,
            // Jaeger.
            r#"{"data":[{"traceID":"0a","spans":[{"traceID":"0a","spanID":"2","operationName":"turn","references":[{"refType":"CHILD_OF","traceID":"0a","spanID":"1"}],"startTime":1764000000000000,"duration":1500000,"tags":[{"key":"turn.number","type":"int64","value":3}]}]}]}"#,
            // What an exporter prints, and Phoenix keeps.
            r#"{"name":"turn","context":{"trace_id":"0x0000000000000000000000000000000a","span_id":"0x0000000000000002"},"parent_id":"0x0000000000000001","start_time":"2025-11-24T16:00:00.000000Z","end_time":"2025-11-24T16:00:01.500000Z","attributes":{"turn.number":3}}"#,
            // Langfuse.
            r#"[{"id":"2","traceId":"0a","parentObservationId":"1","type":"SPAN","name":"turn","startTime":"2025-11-24T16:00:00.000Z","endTime":"2025-11-24T16:00:01.500Z","metadata":{"attributes":{"turn":{"number":3}}}}]"#,
        ];
        for shape in shapes {
            let spans = spans(shape);
            let [span] = spans.as_slice() else {
                panic!("{shape}: {spans:?}");
            };
            assert_eq!((span.trace, span.id, span.parent), (10, 2, 1), "{shape}");
            assert_eq!(span.name, "turn");
            assert_eq!(span.start_ns, START, "{shape}");
            assert_eq!(span.end_ns, START + 1_500_000_000, "{shape}");
            assert_eq!(span.number(&["turn.number"]), Some(3.0), "{shape}");
        }
    }

    #[test]
    fn documents_stand_one_after_the_other_and_a_cut_one_keeps_what_came_before() {
        let line = r#"{"spans":[{"name":"a","startTimeUnixNano":"1764000000000000000"}]}"#;
        assert_eq!(spans(&format!("{line}\n{line}\n")).len(), 2);
        assert_eq!(spans(&format!("\u{feff}{line}")).len(), 1);
        let cut = read(format!("{line}\n{}", &line[..40]).as_bytes(), &|_| true).expect("spans");
        assert_eq!(cut.kept.len(), 1);
        assert_eq!(cut.problems.count(crate::trace::problems::Problem::Cut), 1);
        assert!(read("nothing".as_bytes(), &|_| true).is_err());
    }

    #[test]
    fn what_goes_on_without_a_span_is_given_up() {
        let endless = "[".bytes().chain(std::iter::repeat_n(b'1', 20 << 20));
        let endless: Vec<u8> = endless.collect();
        let error = read(endless.as_slice(), &|_| true).expect_err("no trace");
        assert!(error.to_string().contains("16 MiB"), "{error}");
    }
}
