"""How much longer the same jobs take on the real clock than on the virtual one:
    voicesim run S.toml --clock virtual --no-audio --out v1      # then real --out r, then virtual --out v2
    python3 benches/real_clock.py r v1 v2
Jobs are paired by stage and input; those that other programs disturbed in one of the runs are left out. Prints the median
ratio of wall and CPU time, with the 95 % interval of a median (order statistics), by stage and threads."""
import json
import math
import sys
from pathlib import Path
from statistics import median


def jobs(folder):
    """Wall and CPU time and threads of each undisturbed job, by stage, input, and how often that came before."""
    seen, found = {}, {}
    for line in (Path(folder) / "events.jsonl").open():
        event = json.loads(line)
        cost = event.get("cost")
        if event["mark"] != "exit" or event.get("end") != "done" or not cost or not event.get("input"):
            continue
        name = event["stage"], event["input"]
        nth = seen[name] = seen.get(name, 0) + 1
        if cost.get("others_ns", 0) < 0.4 * cost["wall_ns"]:
            found[(*name, nth)] = cost
    return found


def told(ratios):
    ratios = sorted(ratios)
    n = len(ratios)
    if n < 6:
        return f"{median(ratios):.2f} (n {n}, too few)"
    half = 0.98 * math.sqrt(n)
    low, high = max(0, math.floor(n / 2 - half)), min(n - 1, math.ceil(n / 2 + half))
    return f"{median(ratios):.2f} ({ratios[low]:.2f} to {ratios[high]:.2f}, n {n})"


def main(real, *virtual):
    real, virtual = jobs(real), [jobs(folder) for folder in virtual]
    groups = {}
    for key, cost in real.items():
        others = [run[key] for run in virtual if key in run and run[key]["threads"] == cost["threads"]]
        if others and cost["wall_ns"] >= 20e6:
            group = groups.setdefault((key[0], cost["threads"]), [])
            group.append([cost[of] / median(other[of] for other in others) for of in ("wall_ns", "cpu_ns")])
    print("| stage, threads | wall, real over virtual | CPU |\n|---|---|---|")
    for (stage, threads), pairs in sorted(groups.items()):
        walls, cpus = zip(*pairs)
        print(f"| {stage}, {threads} | {told(walls)} | {told(cpus)} |")


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
