"""Reads the exports of a folder with other programs, and compares them with its report: read.py RUN FILES"""

import json
import math
import pathlib
import sys
from decimal import Decimal

import duckdb
import junitparser
from hdrh.histogram import HdrHistogram
from hdrh.log import HistogramLogReader

# Three digits, as histograms keep them.
DIGITS = 1e-3
NS_PER_MS = 1e6
# Of whole conversations, not of turns.
NOT_OF_TURNS = {"playback_gap", "overlap", "talk_over", "dead_air"}


def check(holds, what):
    if not holds:
        sys.exit(f"not so: {what}")


def near(one, other):
    return abs(one - other) <= DIGITS * max(abs(one), abs(other)) + 1e-3


def table(path):
    """The columns of a file of turns: every integer and every text in it."""
    read = "read_csv" if path.suffix == ".csv" else "read_parquet"
    # A column without any value has no type that CSV could tell.
    options = ", header = true, all_varchar = true, max_line_size = 100000000" if path.suffix == ".csv" else ""
    relation = duckdb.sql(f"select * from {read}('{path}'{options})")
    return relation.columns, relation.fetchall()


def integers(columns, rows, name):
    index = columns.index(name)
    return sorted(int(row[index]) for row in rows if row[index] is not None and row[index] != "")


def turns(files, report):
    """CSV and Parquet: as many rows as the report has turns, and its percentiles."""
    csv_columns, csv_rows = table(files / "turns.csv")
    columns, rows = table(files / "turns.parquet")
    check(csv_columns == columns, "both tables have the same columns")
    check(len(rows) == len(csv_rows) == report["turns"], "a row for each turn")
    figures = {f"{name}_ns": of for name, of in report["metrics"].items() if name not in NOT_OF_TURNS}
    figures |= {f"hop_{name}_ns": of for name, of in report["hops"].items()}
    for name, summary in figures.items():
        values = integers(columns, rows, name)
        check(values == integers(csv_columns, csv_rows, name), f"{name} is the same in both tables")
        check(len(values) == summary["count"], f"{name} has {summary['count']} values")
        among_all(name, values, summary)
        # The columns hold what was answered.
        summary = summary.get("answered", summary)
        nearest_rank = values[math.ceil(0.95 * len(values)) - 1]
        path = files / "turns.parquet"
        by_duckdb = duckdb.sql(f"select quantile_disc({name}, 0.95) from read_parquet('{path}')").fetchall()[0][0]
        check(by_duckdb == nearest_rank, f"{name}: p95 by duckdb is {by_duckdb}, by rank {nearest_rank}")
        check(near(by_duckdb / NS_PER_MS, summary["p95_ms"]), f"{name}: p95 {by_duckdb} ns, {summary['p95_ms']} ms")
        check(values[-1] / NS_PER_MS == summary["max_ms"], f"{name}: the maximum is exact")
    hops = [name for name in columns if name.startswith("hop_")]
    for row in rows:
        e2e = row[columns.index("e2e_ns")]
        parts = sum(row[columns.index(hop)] or 0 for hop in hops)
        check(e2e is None or e2e == parts, "hops add up to the latency")
    texts(columns, rows, csv_rows, report)


def among_all(name, values, summary):
    """A percentile counts every turn without an answer as slower than every answer."""
    unanswered = summary.get("unanswered", {"count": 0})["count"]
    rank = math.ceil(0.95 * (len(values) + unanswered))
    if rank > len(values):
        check(summary["p95_ms"] is None and "p95_over_ms" in summary, f"{name}: p95 falls among turns without an answer")
    else:
        p95 = values[rank - 1] / NS_PER_MS
        check(near(p95, summary["p95_ms"]), f"{name}: p95 among all is {p95}, not {summary['p95_ms']} ms")


def texts(columns, rows, csv_rows, report):
    """What was heard and said: in Parquet as it is, in CSV without formulas."""
    details = report.get("detail") or []
    for row, csv_row, detail in zip(rows, csv_rows, details):
        for key in ("heard", "said"):
            index = columns.index(key)
            check(row[index] == detail[key], f"Parquet has {detail[key]!r}")
            text = detail[key].replace("\0", "\ufffd")
            harmless = "'" + text if text[:1] in ("=", "+", "-", "@", "\t", "\r", "\n") else text
            check((csv_row[index] or "") == harmless, f"CSV has {harmless!r}, not {csv_row[index]!r}")


def decoded(run, files, tag):
    """A histogram of latency.hlog; of a run that was made by hand there is none."""
    path = run / "latency.hlog"
    if not path.exists():
        return None
    whole = HdrHistogram(1_000, 3_600_000_000_000, 3)
    log = HistogramLogReader(str(path), whole)
    while True:
        histogram = log.get_next_interval_histogram()
        if histogram is None:
            return None
        if histogram.get_tag() == tag:
            return histogram


def lines(text):
    """Value, percentile and count of each line of a distribution, and what stands below them."""
    body = text.split("\n\n", 1)[1].splitlines()
    rows = [line.split() for line in body if not line.startswith("#")]
    return [(Decimal(row[0]), Decimal(row[1]), int(row[2])) for row in rows], [l for l in body if l.startswith("#")]


def distributions(run, files, report):
    """The histograms, by another implementation: percentiles as reported, the distribution line by line."""
    summaries = dict(report["metrics"]) | {f"hop.{name}": of for name, of in report["hops"].items()}
    read = 0
    # A histogram holds what was answered.
    summaries = {name: summary.get("answered", summary) for name, summary in summaries.items()}
    for name, summary in summaries.items():
        histogram = decoded(run, files, name)
        if histogram is None:
            check(not (run / "latency.hlog").exists(), f"latency.hlog has {name}")
            continue
        read += 1
        check(histogram.get_total_count() == summary["count"], f"{name}: {summary['count']} values")
        for key, percentile in (("p50_ms", 50), ("p90_ms", 90), ("p95_ms", 95), ("p99_ms", 99), ("max_ms", 100)):
            # By nearest rank. It rounds a rank that is no whole number, down too: of few values that is another one.
            count = summary["count"]
            rank = math.ceil(Decimal(percentile) * count / 100)
            value = histogram.get_value_at_percentile(100 * rank / count) / NS_PER_MS
            # The report never shows more than the maximum, which it knows exactly.
            own = min(value, summary["max_ms"])
            exact = own == summary[key] or key == "max_ms" and near(own, summary[key])
            check(exact, f"{name} {key}: {own} by hdrhistogram, {summary[key]} reported")
    rows, footer = lines((files / "e2e_latency.hgrm").read_text())
    e2e = summaries["e2e_latency"]
    check(rows[-1][1] == 1 and rows[-1][2] == e2e["count"], "the distribution ends with all values")
    for value, percentile, _ in rows:
        if percentile in (Decimal("0.5"), Decimal("0.9"), Decimal("0.95")):
            check(near(float(value), e2e[f"p{percentile * 100:.0f}_ms"]), f"percentile {percentile} is {value}")
    histogram = decoded(run, files, "e2e_latency")
    if histogram is not None:
        # The steps of hdrhistogram's own iterator over percentiles are others than those of HdrHistogram itself, so
        # each line is looked up among what was recorded.
        recorded = [
            (Decimal(step.value_iterated_to), step.total_count_to_this_value)
            for step in histogram.get_recorded_iterator()
        ]
        for line in rows:
            least = next(step for step in recorded if step[1] >= line[1] * recorded[-1][1])
            theirs = (round(least[0] / 1_000_000, 3), least[1])
            check((line[0], line[2]) == theirs, f"{line}: {theirs} by hdrhistogram")
        mean = float(footer[0].split()[2].rstrip(","))
        check(abs(histogram.get_mean_value() / NS_PER_MS - mean) < 1e-3, f"the mean {mean}")
    return read


def trace(files):
    """Perfetto: spans of a thread lie behind or inside one another, and what names a turn inside its turn."""
    events = json.loads((files / "trace.json").read_text(), parse_float=Decimal)["traceEvents"]
    spans = [event for event in events if event["ph"] == "X"]
    end = lambda event: event["ts"] + event.get("dur", 0)
    turn_of = lambda event: (event["pid"], event["args"]["turn"])
    turns = {turn_of(event): event for event in spans if event["name"].startswith("turn ")}
    for event in spans + [event for event in events if event["ph"] == "i"]:
        if "turn" in event["args"]:
            turn = turns[turn_of(event)]
            check(turn["ts"] <= event["ts"] and end(event) <= end(turn), f"{event} lies in its turn")
    threads = {}
    for event in sorted(spans, key=lambda event: (event["ts"], -end(event))):
        open_until = threads.setdefault((event["pid"], event["tid"]), [])
        while open_until and open_until[-1] <= event["ts"]:
            open_until.pop()
        check(not open_until or end(event) <= open_until[-1], f"{event} lies across another span")
        open_until.append(end(event))
    check(turns, "there are turns")
    return len(spans)


def tests(files, report):
    """JUnit: as many tests and failures as there are expectations and budgets."""
    suites = list(junitparser.JUnitXml.fromfile(str(files / "junit.xml")))
    cases = [case for suite in suites for case in suite]
    failures = [case for case in cases if case.result]
    budgets = report["budgets"]
    asked = [row for row in report.get("detail") or [] if row["expect"] is not None]
    wanted = {"respond": "answered", "stop": "stopped", "ignore": "ignored"}
    missed = [row for row in asked if row["outcome"] != wanted[row["expect"]]]
    check(len(cases) == len(asked) + len(budgets), f"{len(cases)} tests")
    wrong = len(missed) + sum(not budget["pass"] for budget in budgets)
    check(len(failures) == wrong, f"{len(failures)} failures, {wrong} wrong")
    return len(cases)


def main(run, files):
    run, files = pathlib.Path(run), pathlib.Path(files)
    report = json.loads((files / "report.json").read_text())
    turns(files, report)
    histograms = distributions(run, files, report)
    spans = trace(files)
    cases = tests(files, report)
    print(
        f"{run.name}: {report['turns']} turns by duckdb, {histograms} histograms by hdrhistogram, "
        f"{spans} spans, {cases} tests by junitparser: as reported"
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
