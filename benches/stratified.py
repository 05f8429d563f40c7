"""How much less the figures of stratified simulations differ from seed to seed than those of independent ones.

    python3 benches/stratified.py VOICESIM [SEEDS]

For each scenario, of as many simulations of 2,048 conversations with seeds of their own: the standard deviation of the p50
and the p95 of the end-to-end latency in percent of their means, the widths of the intervals that one simulation tells in
percent, and how many times as many independent conversations were as certain.
"""

import json
import pathlib
import statistics
import subprocess
import sys

VOICESIM, SEEDS = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 40
SCENARIOS = ("assistant", "endpointing", "telephone", "hedging")
FOLDER = pathlib.Path(__file__).parent.parent / "audio" / "simulations"


def simulated(name, sampling, seed):
    command = [VOICESIM, "simulate", str(FOLDER / f"{name}.toml"), "--conversations", "2048", "--threads", "2", "--json",
               "--seed", str(seed), "--set", f"sampling={sampling}"]
    document = json.loads(subprocess.run(command, capture_output=True, text=True, check=False).stdout)
    figures = document["metrics"]["e2e_latency"]
    told = document["intervals"]
    widths = [told[f"e2e_latency_{p}_ms"] for p in ("p50", "p95")]
    return [figures["p50_ms"], figures["p95_ms"]], [width["high"] - width["low"] for width in widths]


def main():
    for name in SCENARIOS:
        spread = {}
        for sampling in ("independent", "stratified"):
            figures, widths = zip(*(simulated(name, sampling, seed) for seed in range(1, SEEDS + 1)))
            means = [statistics.mean(column) for column in zip(*figures)]
            off = [100 * statistics.stdev(column) / mean for column, mean in zip(zip(*figures), means)]
            wide = [100 * statistics.mean(column) / mean for column, mean in zip(zip(*widths), means)]
            spread[sampling] = off
            print(f"{name}, {sampling}: p50 {means[0]:.0f} ms +- {off[0]:.3f} %, interval {wide[0]:.2f} % wide; "
                  f"p95 {means[1]:.0f} ms +- {off[1]:.3f} %, interval {wide[1]:.2f} % wide")
        saves = [(one / other) ** 2 for one, other in zip(spread["independent"], spread["stratified"])]
        print(f"{name}: as certain as {saves[0]:.1f} (p50) and {saves[1]:.1f} (p95) times as many independent ones")


main()
