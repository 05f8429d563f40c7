"""Judges what rooms do to endpoints: judge.py FOLDER VOICESIM [FLAG...]. FOLDER is what make.py wrote.

Every question is asked by itself, of simulated engines in virtual time. Beside its quiet twin: whether the answer comes
within 200 ms of that one's; how many answers look over 50 ms faster though nothing says that they are doubtful.
"""

import json
import pathlib
import subprocess
import sys
import tempfile
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor

FOLDER, VOICESIM, FLAGS = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3:]
SIMULATED = [flag for stage in ("stt", "answer", "tts") for flag in (f"--{stage}", "simulated")]
# A script waits this long before it speaks.
BEGINS_MS = 400


def rows(path):
    with tempfile.TemporaryDirectory() as out:
        command = [VOICESIM, "run", "--wav", str(path), *SIMULATED, "--clock", "virtual", "--no-audio", "--out", f"{out}/run", "--json", *FLAGS]
        run = subprocess.run(command, capture_output=True, text=True)
        if run.returncode not in (0, 1):
            sys.exit(f"{path}: {run.stderr}")
        return json.loads(run.stdout)["detail"]


def asked(rows, end):
    """The row of the question that ends there: the nearest, of those that do not end long before."""
    far = lambda row: row["caller_end_ns"] / 1e6 - BEGINS_MS - end
    near = [row for row in rows if row["caller_end_ns"] is not None and abs(far(row)) < 2_500]
    near = [row for row in near if far(row) > -400] or near
    return min(near, key=lambda row: abs(far(row)), default=None)


def main():
    truth = json.loads((FOLDER / "truth.json").read_text())
    paths = sorted(FOLDER.glob("*.wav"))
    with ThreadPoolExecutor(2) as pool:
        found = dict(zip(paths, pool.map(rows, paths)))
    kinds = defaultdict(list)
    for path in paths:
        number, kind = path.stem.split("_")
        twin = asked(found[FOLDER / f"{number}_quiet.wav"], truth[number])
        if twin and twin["e2e_ns"] is not None:
            kinds[kind].append((asked(found[path], truth[number]), twin))
    print(f"{'kind':10} {'asked':>6} {'answered':>9} {'within 200 ms, %':>17} {'over 50 ms faster':>18} {'doubtful, %':>12}")
    for kind, pairs in kinds.items():
        came = [(row, twin) for row, twin in pairs if row and row["e2e_ns"] is not None]
        near = sum(abs(row["agent_start_ns"] - twin["agent_start_ns"]) <= 200e6 for row, twin in came)
        sure = [(row, twin) for row, twin in came if not row.get("doubtful")]
        faster = sum(twin["e2e_ns"] - row["e2e_ns"] > 50e6 for row, twin in sure)
        doubtful = len(came) - len(sure)
        count = len(pairs)
        print(f"{kind:10} {count:6} {len(came):9} {100 * near / count:17.0f} {faster:18} {100 * doubtful / count:12.0f}")


main()
