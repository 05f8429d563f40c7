"""Judges endpointing policies on sentences with a pause inside: halves.py VOICES FOLDER VOICESIM.

Every utterance is a sentence of a voice and ends with silence. Every other one is parted at its quietest moment by 200 to
1,200 ms of silence (short ones are as frequent as long ones, by their logarithm). Each is asked by itself in virtual time, by a patient
Smart Turn, so that every pause is heard to its end: of people who speak five languages without words, since the
recogniser knows English alone, and of English synthetic voices with Whisper's words. Then `voicesim endpoint eval` says
what each policy would have done: the mean wait over the share of pauses cut, as a table and as a picture
(FOLDER/people.svg, FOLDER/synthetic.svg). VOICES are the packages that tests/calls/test.sh unpacks.
"""

import pathlib
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from sounds import calls, quietest, RATE, write

OUT, VOICESIM = pathlib.Path(sys.argv[2]), sys.argv[3]
EACH, SEED, LEAD_S, AFTER_S = 24, 24, 1, 3
PEOPLE = ("allison-en", "june-fr", "ivr-ru", "carlo-it", "allison-es")
ENGLISH = ("en-us", "en-gb+f4", "en-us+m3", "en-gb-scotland+f2")

def groups():
    every = {name: load for group in calls.voices() for name, load in group.items()}
    yield "people", {name: every[name] for name in PEOPLE}
    yield "synthetic", {name: lambda name=name: calls.machine(calls.espeak(name)) for name in ENGLISH}


def make(folder, voices):
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(SEED)
    for name, load in voices.items():
        clips = [clip for clip in load() if len(clip) > 1.2 * RATE]
        for index in range(EACH):
            said = clips[random.integers(len(clips))]
            if index % 2:
                at, gap = quietest(said), np.exp(random.uniform(np.log(200), np.log(1_200)))
                said = np.concatenate([said[:at], np.zeros(int(gap * RATE / 1e3)), said[at:]])
            whole = random.normal(0, 1e-4, len(said) + (LEAD_S + AFTER_S) * RATE)
            whole[LEAD_S * RATE :][: len(said)] += said * 10 ** (random.uniform(-22, -4) / 20)
            write(folder / f"{name}-{index:02}.wav", whole)


def hold(path, stt, out):
    stages = f'[stt]\nengine = "{stt}"\n' + "".join(f'[{stage}]\nengine = "simulated"\n' for stage in ("answer", "tts"))
    patient = '[endpointing]\npolicy = "smart_turn"\nthreshold = 0.999\npatience_ms = 2500\n'
    scenario = out.with_suffix(".toml")
    scenario.write_text(f'{stages}{patient}[[turn]]\nwav = "{path.resolve()}"\n')
    command = [VOICESIM, "run", str(scenario), "--clock", "virtual", "--no-audio", "--out", str(out), "--json"]
    run = subprocess.run(command, capture_output=True, text=True)
    if run.returncode not in (0, 1):
        sys.exit(f"{path}: {run.stderr}")


def main():
    for group, voices in groups():
        sounds, runs = OUT / group, OUT / f"{group}-runs"
        if not sounds.exists():
            make(sounds, voices)
        runs.mkdir(exist_ok=True)
        stt = "simulated" if group == "people" else "whisper"
        with ThreadPoolExecutor(2) as pool:
            jobs = [pool.submit(hold, path, stt, runs / path.stem) for path in sorted(sounds.glob("*.wav")) if not (runs / path.stem).exists()]
            for job in jobs:
                job.result()
        print(f"{group}:", flush=True)
        subprocess.run([VOICESIM, "endpoint", "eval", str(runs), "--svg", str(OUT / f"{group}.svg")], check=True)


main()
