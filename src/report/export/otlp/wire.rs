//! Spans as OTLP: a request of protobuf, or one of JSON in a line.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{InstrumentationScope, KeyValue, any_value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;
use serde_json::{Value, json};
use std::fmt::Write;

/// What a backend shows as the service.
const SERVICE: &str = "voicesim";

/// A request with these spans. Several, one after the other, are one with the spans of all.
pub fn protobuf(spans: Vec<Span>) -> Vec<u8> {
    let scope = InstrumentationScope {
        name: SERVICE.into(),
        version: env!("CARGO_PKG_VERSION").into(),
        ..InstrumentationScope::default()
    };
    let request = ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(Resource {
                attributes: vec![super::text("service.name", SERVICE)],
                ..Resource::default()
            }),
            scope_spans: vec![ScopeSpans {
                scope: Some(scope),
                spans,
                schema_url: String::new(),
            }],
            schema_url: String::new(),
        }],
    };
    request.encode_to_vec()
}

/// A request with these spans as a line of JSON, as the collector's file exporter writes them.
pub fn json_line(spans: &[Span]) -> String {
    let spans: Vec<Value> = spans.iter().map(span).collect();
    let request = json!({"resourceSpans": [{
        "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": SERVICE}}]},
        "scopeSpans": [{
            "scope": {"name": SERVICE, "version": env!("CARGO_PKG_VERSION")},
            "spans": spans,
        }],
    }]});
    request.to_string() + "\n"
}

fn span(span: &Span) -> Value {
    let attributes: Vec<Value> = span.attributes.iter().map(attribute).collect();
    let mut object = json!({
        "traceId": hex(&span.trace_id),
        "spanId": hex(&span.span_id),
        "name": span.name,
        "kind": span.kind,
        // Whole numbers of 64 bits are text in protobuf's JSON.
        "startTimeUnixNano": span.start_time_unix_nano.to_string(),
        "endTimeUnixNano": span.end_time_unix_nano.to_string(),
        "attributes": attributes,
    });
    if !span.parent_span_id.is_empty() {
        object["parentSpanId"] = hex(&span.parent_span_id).into();
    }
    if let Some(status) = &span.status {
        object["status"] = json!({"code": status.code});
    }
    object
}

fn attribute(pair: &KeyValue) -> Value {
    let value = match pair.value.as_ref().and_then(|value| value.value.as_ref()) {
        Some(any_value::Value::StringValue(text)) => json!({"stringValue": text}),
        Some(any_value::Value::BoolValue(flag)) => json!({"boolValue": flag}),
        Some(any_value::Value::IntValue(number)) => json!({"intValue": number.to_string()}),
        Some(any_value::Value::DoubleValue(number)) => json!({"doubleValue": number}),
        _ => json!({}),
    };
    json!({"key": pair.key, "value": value})
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
