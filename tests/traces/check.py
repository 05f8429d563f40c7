"""Holds what voicesim imports and exports against the real libraries: check.py VOICESIM FOLDER."""
import http.server
import json
import re
import subprocess
import sys
import threading
from pathlib import Path

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from prometheus_client.parser import text_string_to_metric_families

voicesim, work = sys.argv[1], Path(sys.argv[2])
root = Path(__file__).parent.parent.parent
checked = 0


def check(is_so, what):
    global checked
    checked += 1
    if not is_so:
        sys.exit(f"wrong: {what}")


def run(*arguments, code=0):
    done = subprocess.run([voicesim, "-q", *map(str, arguments)], capture_output=True, text=True)
    check(done.returncode == code, f"{arguments}: {done.returncode}\n{done.stderr}")
    return done.stdout


def imported(name):
    out = work / (name.replace(".", "-") + "-imported")
    run("import", work / name, "--out", out)
    report = json.loads(run("report", out, "--json"))
    return report, json.loads((out / "import.json").read_text())


def spans_of(path):
    request = ExportTraceServiceRequest.FromString((work / path).read_bytes())
    for resource in request.resource_spans:
        for scope in resource.scope_spans:
            yield from scope.spans


def attribute(span, name):
    for pair in span.attributes:
        if pair.key == name:
            return getattr(pair.value, pair.value.WhichOneof("value"))
    return None


def adds_up(report):
    for row in report["detail"]:
        if row["e2e_ns"] is not None and row["hops_ns"]:
            check(sum(row["hops_ns"].values()) == row["e2e_ns"], f"hops of {row}")


# LiveKit's spans: as its own attribute says, in JSON and in protobuf.
told = [attribute(span, "lk.e2e_latency") for span in spans_of("livekit.pb") if span.name == "agent_turn"]
for name in ["livekit.otlp.json", "livekit.pb"]:
    report, record = imported(name)
    heard = [row["e2e_ns"] / 1e9 for row in report["detail"]]
    check(len(heard) == len(told) == 2, f"{name}: {heard} {told}")
    for ours, theirs in zip(heard, told):
        check(abs(ours - theirs) < 0.002, f"{name}: {ours} and {theirs}")
    adds_up(report)
    check(record["problems"] == {}, f"{name}: {record['problems']}")
    check(len(record["pauses"]) == 2, "pauses")

# Its chat history has the same latencies.
report, _ = imported("history.json")
for row, theirs in zip(report["detail"], told):
    check(abs(row["e2e_ns"] / 1e9 - theirs) < 0.002, f"history: {row['e2e_ns']} and {theirs}")

# pipecat's spans.
told = [attribute(span, "turn.user_bot_latency_seconds") for span in spans_of("pipecat.pb") if span.name == "turn"]
told = [latency for latency in told if latency is not None]
for name in ["pipecat.otlp.json", "pipecat.pb"]:
    report, record = imported(name)
    heard = [row["e2e_ns"] for row in report["detail"] if row["e2e_ns"] is not None]
    check(heard == [round(latency * 1e9) for latency in told], f"{name}: {heard} {told}")
    check(any("answer" in row["hops_ns"] for row in report["detail"]), f"{name} has no answer")

# Its breakdown: to the microsecond.
lines = [json.loads(line) for line in (work / "breakdown.jsonl").read_text().splitlines()]
report, _ = imported("breakdown.jsonl")
check(len(report["detail"]) == len(lines) == 3, "three turns")
for row, line in zip(report["detail"], lines):
    check(abs(row["e2e_ns"] / 1e9 - line["total_secs"]) < 1e-6, f"{row} {line}")
    named = {part["key"]: part["duration_secs"] for part in line["contributions"]}
    for key in ["transcription", "sentence_aggregation", "speech_synthesis", "output_transport"]:
        if key in named:
            check(abs(row["hops_ns"][key] / 1e9 - named[key]) < 1e-6, f"{key} of {row}")
adds_up(report)

# The lines of the guide are the ones that wrote it.
guide = (root / "src/guide/traces.md").read_text()
blocks = re.findall(r"```python\n(.*?)```", guide, re.S)
check(any("def write_breakdowns" in block for block in blocks), "the guide's breakdown")
own = (root / "tests/traces/breakdown.py").read_text()
lines = next(block for block in blocks if "def write_breakdowns" in block).split()
check(own.split()[-len(lines) + 2:] == lines[2:], "the guide's lines are those of breakdown.py")

# Our spans, received as a collector does: sums of hops equal the report to the nanosecond.
received = []


class Collector(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        received.append((self.path, ExportTraceServiceRequest.FromString(body)))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Collector)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_port}"


def sums(requests):
    hops, visits = {}, 0
    spans = [s for _, r in requests for rs in r.resource_spans for ss in rs.scope_spans for s in ss.spans]
    turns = {s.span_id: s for s in spans if attribute(s, "voicesim.turn") is not None}
    for span in spans:
        visits += attribute(span, "voicesim.stage") is not None
        if attribute(span, "voicesim.hop") is not None:
            number = attribute(turns[span.parent_span_id], "voicesim.turn")
            length = span.end_time_unix_nano - span.start_time_unix_nano
            hops[number] = hops.get(number, 0) + length
    return hops, visits, len(turns)


recorded = root / "tests/it/data/recorded"
report = json.loads(run("report", recorded, "--json"))
expected = {row["turn"]: row["e2e_ns"] for row in report["detail"] if row["e2e_ns"] is not None}
run("report", recorded, "--otlp", url)
check(received[0][0] == "/v1/traces", received[0][0])
hops, visits, turns = sums(received)
check(hops == expected, f"{hops} and {expected}")
check(visits > len(expected), "visits of stages")

# And while a run goes on.
received.clear()
run("run", root / "audio/demo.toml", "--recorded", recorded, "--out", work / "live", "--otlp", url)
live, _, _ = sums(received)
check(live == expected, f"live: {live} and {expected}")

# Prometheus: its own parser, and p95 within a bucket of the report.
run("report", recorded, "--prometheus", work / "figures.prom")
families = {family.name: family for family in text_string_to_metric_families((work / "figures.prom").read_text())}
e2e = families["voicesim_e2e_latency_seconds"]
buckets = [(float(s.labels["le"]), s.value) for s in e2e.samples if s.name.endswith("_bucket")]
count = next(s.value for s in e2e.samples if s.name.endswith("_count"))
check(count == buckets[-1][1] > 0, "the last bucket has all")
check(all(a[1] <= b[1] for a, b in zip(buckets, buckets[1:])), "buckets never fall")
p95 = report["metrics"]["e2e_latency"]["p95_ms"]
bound = next(le for le, below in buckets if below >= 0.95 * count)
lower = max([le for le, _ in buckets if le < bound], default=0)
if p95 is not None:
    check(lower * 0.999 <= p95 / 1e3 <= bound * 1.001, f"p95 {p95} in {lower}..{bound}")
check("voicesim_hop_seconds" in families and "voicesim_turns" in families, list(families))

print(f"{checked} checks: traces of pipecat and livekit-agents, a collector and Prometheus agree")
