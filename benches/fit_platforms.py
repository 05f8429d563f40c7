"""Fits a profile to half of the calls of each hosted platform, and holds it against the other half:
    python3 benches/fit_platforms.py TURNS.csv target/debug/voicesim
TURNS.csv has the columns platform, call, run, turn, e2e_latency_ms and usable, a line a turn of calls that were measured
whole. Errors are in percent of the held-back half; "chance" is where its own figure lies in 95 of 100 halves like it,
whole calls drawn anew; "perfect" is the figure of the fitted half itself."""
import csv
import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path


def figure(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, max(0, -int(-share * len(values) // 1) - 1))]


def of(calls):
    return [ms for call in calls for ms in call]


def chance(calls, share):
    draw = random.Random(1)
    drawn = sorted(figure(of(draw.choices(calls, k=len(calls))), share) for _ in range(1000))
    return drawn[25], drawn[974]


def predicted(voicesim, calls, folder):
    half = folder / "half.csv"
    with half.open("w") as out:
        out.write("call,e2e_ms\n")
        for number, call in enumerate(calls):
            out.writelines(f"{number},{ms}\n" for ms in call)
    run = lambda *what: subprocess.run([voicesim, *what], check=True, capture_output=True, text=True).stdout
    imported, profile = folder / "imported", folder / "half.toml"
    run("import", str(half), "--out", str(imported), "-q")
    fit = json.loads(run("fit", str(imported), "--out", str(profile), "--json", "-q"))
    simulated = json.loads(run("simulate", "--profile", str(profile), "--conversations", "5000", "--json", "-q"))
    stage = next(iter(fit["stages"].values()))
    return stage["family"], simulated["metrics"]["e2e_latency"]


def main(turns, voicesim):
    platforms = {}
    with open(turns, newline="") as lines:
        for row in csv.DictReader(lines):
            if row["usable"] == "1" and float(row["e2e_latency_ms"]) > 0:
                calls = platforms.setdefault(row["platform"], {})
                calls.setdefault((row["run"], row["call"]), []).append(float(row["e2e_latency_ms"]))
    print("| platform | turns fitted | chosen | p50 | chance | perfect | p95 | chance | perfect |")
    print("|---|---|---|---|---|---|---|---|---|")
    held, all_figures = 0, 0
    for platform, calls in sorted(platforms.items()):
        calls = [calls[key] for key in sorted(calls)]
        fitted, kept = calls[::2], calls[1::2]
        with tempfile.TemporaryDirectory() as folder:
            family, e2e = predicted(voicesim, fitted, Path(folder))
        cells = []
        for share, name in ((0.5, "p50_ms"), (0.95, "p95_ms")):
            truth, (low, high) = figure(of(kept), share), chance(kept, share)
            cells.append(f"{100 * (e2e[name] / truth - 1):+.1f} %")
            cells.append(f"{100 * (low / truth - 1):+.1f} to {100 * (high / truth - 1):+.1f} %")
            cells.append(f"{100 * (figure(of(fitted), share) / truth - 1):+.1f} %")
            held, all_figures = held + (low <= e2e[name] <= high), all_figures + 1
        print(f"| {platform} | {len(of(fitted))} | {family} | {' | '.join(cells)} |")
    print(f"\n{held} of {all_figures} predictions lie within chance of the held-back half.")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
