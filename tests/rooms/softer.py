"""Judges callers who come back softer: softer.py VOICES FOLDER VOICESIM.

Each of 13 voices asks a question, and 4 s later another one, 0 to 12 dB softer, in steady noise that is 15 to 60 dB under
the first. Asked of simulated engines in virtual time: in how many of a hundred the second question is answered from
where it ends, to 400 ms. VOICES are the packages that tests/calls/test.sh unpacks.
"""

import json
import pathlib
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import make as rooms
from sounds import BEGINS_MS, calls, RATE, write

OUT, VOICESIM = pathlib.Path(sys.argv[2]), sys.argv[3]
SOFTER_DB, NOISE_DB = (0, 4, 6, 8, 10, 12), (15, 20, 25, 30, 40, 60)
SEED, LEAD_S, BETWEEN_S, AFTER_S, NEAR_MS = 5, 1.5, 4, 2, 400
SIMULATED = [flag for stage in ("stt", "answer", "tts") for flag in (f"--{stage}", "simulated")]

def make():
    OUT.mkdir(parents=True, exist_ok=True)
    voices = {name: load() for group in calls.voices() for name, load in group.items()}
    random = np.random.default_rng(SEED)
    truth = {}
    for number, clips in enumerate(voices.values()):
        first, second = (calls.trimmed(rooms.question(random, clips)) for _ in range(2))
        first *= 0.25
        second *= calls.rms_of_speech(first) / calls.rms_of_speech(second)
        begin = int(LEAD_S * RATE) + len(first) + BETWEEN_S * RATE
        for softer in SOFTER_DB:
            said = np.zeros(begin + len(second) + AFTER_S * RATE)
            said[int(LEAD_S * RATE) :][: len(first)] += first
            said[begin:][: len(second)] += second * 10 ** (-softer / 20)
            for under in NOISE_DB:
                noise = calls.coloured(random, len(said)) * calls.rms_of_speech(first) * 10 ** (-under / 20)
                path = f"{number:02}_{softer}_{under}.wav"
                write(OUT / path, said + noise)
                truth[path] = 1e3 * (begin + len(second)) / RATE
    (OUT / "truth.json").write_text(json.dumps(truth))


def is_answered(path, end):
    with tempfile.TemporaryDirectory() as out:
        command = [VOICESIM, "run", "--wav", str(OUT / path), *SIMULATED, "--clock", "virtual", "--no-audio", "--out", f"{out}/run", "--json"]
        run = subprocess.run(command, capture_output=True, text=True)
        if run.returncode not in (0, 1):
            sys.exit(f"{path}: {run.stderr}")
        rows = json.loads(run.stdout)["detail"]
    answered = [row["caller_end_ns"] for row in rows if None not in (row["caller_end_ns"], row["e2e_ns"])]
    return any(abs(at / 1e6 - BEGINS_MS - end) < NEAR_MS for at in answered)


def main():
    if not (OUT / "truth.json").exists():
        make()
    truth = json.loads((OUT / "truth.json").read_text())
    with ThreadPoolExecutor(2) as pool:
        found = dict(zip(truth, pool.map(is_answered, truth, truth.values())))
    print(f"{'noise, dB':10}", *(f"{-softer:4} dB" for softer in SOFTER_DB))
    for under in NOISE_DB:
        cells = ([heard for path, heard in found.items() if path.endswith(f"_{softer}_{under}.wav")] for softer in SOFTER_DB)
        print(f"{-under:10}", *(f"{100 * np.mean(cell):5.0f} %" for cell in cells))


main()
