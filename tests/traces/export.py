"""An exporter of opentelemetry-sdk that keeps what the OTLP exporters of the library would send."""
from google.protobuf import json_format
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult


class Exporter(SpanExporter):
    def __init__(self):
        self.spans = []

    def export(self, spans):
        self.spans.extend(spans)
        return SpanExportResult.SUCCESS

    def shutdown(self):
        pass

    def write(self, as_json, as_protobuf):
        request = encode_spans(self.spans)
        as_protobuf.write_bytes(request.SerializeToString())
        # protobuf's own JSON: ids are base64 here, which OTLP has in hexadecimal digits.
        as_json.write_text(json_format.MessageToJson(request, indent=None))
