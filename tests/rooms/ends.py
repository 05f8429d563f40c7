"""Judges where voices end for the ear, and whom an endpoint cuts off: ends.py VOICES FOLDER VOICESIM [SETTING...].

Half of the utterances are one clip of a voice, half are two with 200 to 1,200 ms of silence between them; each is heard
quiet, with white and pink noise 20 dB under it, and with pink noise 10 dB under it. Every utterance is asked by itself, of
simulated engines in virtual time. For each kind: how late the voice ended for the ear where the utterance truly ended
(marked on the clean sound), and for each SETTING of [endpointing] (as in "silence_ms = 700") the mean wait for the endpoint
from the true end, and the share of the pauses that were taken for the end. VOICES are the packages that
tests/calls/test.sh unpacks.
"""

import importlib.util
import json
import pathlib
import subprocess
import sys
import tempfile
import wave
from concurrent.futures import ThreadPoolExecutor

import numpy as np

HERE = pathlib.Path(__file__).parent
OUT, VOICESIM, SETTINGS = pathlib.Path(sys.argv[2]), sys.argv[3], sys.argv[4:] or ["silence_ms = 300", "silence_ms = 700"]
EACH, SEED, RATE, LEAD_S, AFTER_S = 16, 7, 16_000, 1, 2
KINDS = {"quiet": None, "white 20 dB": ("white", 20), "pink 20 dB": ("pink", 20), "pink 10 dB": ("pink", 10)}
# A script waits this long before it speaks.
BEGINS_MS = 400
# What is committed so much before a pause or an end belongs to it: soft ends are lost in noise.
NEAR_MS = 250

spec = importlib.util.spec_from_file_location("calls", HERE.parent / "calls" / "make.py")
calls = importlib.util.module_from_spec(spec)
spec.loader.exec_module(calls)


def write(path, sound):
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((np.clip(sound, -1, 1) * 32_767).astype("<i2").tobytes())


def noise(kind, random, count):
    spectrum = np.fft.rfft(random.normal(0, 1, count))
    if kind == "pink":
        spectrum /= np.sqrt(np.maximum(np.arange(len(spectrum)), 1))
    sound = np.fft.irfft(spectrum, count)
    return sound / sound.std()


def make():
    OUT.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(SEED)
    truth = {}
    for group in calls.voices():
        for name, load in group.items():
            clips = [clip for clip in load() if len(clip) > 0.8 * RATE]
            for index in range(EACH):
                said, pause = clips[random.integers(len(clips))], None
                if index % 2:
                    gap = random.uniform(200, 1_200)
                    pause = (1e3 * (LEAD_S + len(said) / RATE), gap)
                    said = np.concatenate([said, np.zeros(int(gap * RATE / 1e3)), clips[random.integers(len(clips))]])
                said = said * 10 ** (random.uniform(-22, -4) / 20)
                whole = random.normal(0, 1e-4, len(said) + (LEAD_S + AFTER_S) * RATE)
                whole[LEAD_S * RATE :][: len(said)] += said
                for kind, under in KINDS.items():
                    sound = whole
                    if under:
                        level = calls.rms_of_speech(said) * 10 ** (-under[1] / 20)
                        sound = whole + level * noise(under[0], random, len(whole))
                    path = f"{len(truth):04}.wav"
                    write(OUT / path, sound)
                    truth[path] = (kind, 1e3 * (LEAD_S + len(said) / RATE), pause)
    (OUT / "truth.json").write_text(json.dumps(truth))


def endpoints(path, setting):
    """When the voice ended, and when that was committed, for each endpoint, in milliseconds of the recording."""
    with tempfile.TemporaryDirectory() as out:
        scenario = pathlib.Path(out) / "a.toml"
        engines = "".join(f'[{stage}]\nengine = "simulated"\n' for stage in ("stt", "answer", "tts"))
        scenario.write_text(f'{engines}[endpointing]\n{setting}\n[[turn]]\nwav = "{OUT.resolve() / path}"\n')
        command = [VOICESIM, "run", str(scenario), "--clock", "virtual", "--no-audio", "--out", f"{out}/run", "--json"]
        run = subprocess.run(command, capture_output=True, text=True)
        if run.returncode not in (0, 1):
            sys.exit(f"{path}: {run.stderr}")
        events = map(json.loads, open(f"{out}/run/events.jsonl"))
        committed = [event for event in events if event["mark"] == "endpoint_committed"]
    return [(event["last_voiced"] / 1e6 - BEGINS_MS, event["tick"] / 1e6 - BEGINS_MS) for event in committed]


def main():
    if not (OUT / "truth.json").exists():
        make()
    truth = json.loads((OUT / "truth.json").read_text())
    with ThreadPoolExecutor(2) as pool:
        jobs = {setting: {path: pool.submit(endpoints, path, setting) for path in truth} for setting in SETTINGS}
        found = {setting: {path: job.result() for path, job in of.items()} for setting, of in jobs.items()}
    for kind in KINDS:
        paths = [path for path in truth if truth[path][0] == kind]
        lags = []
        for setting in SETTINGS:
            waits, cut, pauses = [], 0, 0
            for path in paths:
                _, end, pause = truth[path]
                ends = [(voice - end, at - end) for voice, at in found[setting][path] if at > end - NEAR_MS / 2]
                waits.append(ends[0][1] if ends else 1e3 * AFTER_S)
                lags += [ends[0][0]] if ends else []
                if pause:
                    begin, length = pause
                    pauses += 1
                    cut += any(begin - NEAR_MS < at < begin + length for _, at in found[setting][path])
            print(f"{kind:12} {setting:40} waits {np.mean(waits):5.0f} ms, p95 {np.percentile(waits, 95):5.0f}, cuts {100 * cut / pauses:3.0f} % of {pauses} pauses")
        low, middle, high = np.percentile(lags, [5, 50, 95])
        print(f"{kind:12} the voice ends {middle:.0f} ms late ({low:.0f} to {high:.0f})")


main()
