"""Judges where voices end for the ear, and whom an endpoint cuts off: ends.py VOICES FOLDER VOICESIM [SETTING...].

A third of the utterances are one clip of a voice, a third are two with 200 to 1,200 ms of silence between them (joined), and a
third are one clip with as much silence at its quietest moment (parted); each is heard quiet, with white and pink noise 20
dB under it, and with pink noise 10 dB under it. Every utterance is asked by itself, of simulated engines in virtual time.
For each kind: how late the voice ended for the ear where the utterance truly ended (marked on the clean sound), and for
each SETTING of [endpointing] (as in "silence_ms = 700"; "quiet: silence_ms = 700" for that kind alone) the mean wait for
the endpoint from the true end, and the share of the pauses that were taken for the end: of people, and of synthetic
voices. VOICES are the packages that tests/calls/test.sh unpacks.
"""

import json
import pathlib
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from sounds import BEGINS_MS, calls, quietest, RATE, write

OUT, VOICESIM, SETTINGS = pathlib.Path(sys.argv[2]), sys.argv[3], sys.argv[4:] or ["silence_ms = 300", "silence_ms = 700"]
EACH, SEED, LEAD_S, AFTER_S = 18, 7, 1, 2
KINDS = {"quiet": None, "white 20 dB": ("white", 20), "pink 20 dB": ("pink", 20), "pink 10 dB": ("pink", 10)}
PEOPLE = ("allison", "june", "ivr", "carlo")
# What is committed so much before a pause or an end belongs to it: soft ends are lost in noise.
NEAR_MS = 250

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
                way = (None, "joined", "parted")[index % 3]
                if way:
                    gap = random.uniform(200, 1_200)
                    at = len(said) if way == "joined" else quietest(said)
                    rest = clips[random.integers(len(clips))] if way == "joined" else said[at:]
                    pause = (1e3 * (LEAD_S + at / RATE), gap)
                    said = np.concatenate([said[:at], np.zeros(int(gap * RATE / 1e3)), rest])
                whose = "people" if "-" in name and name.split("-")[0] in PEOPLE else "synthetic"
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
                    truth[path] = (kind, whose, way, 1e3 * (LEAD_S + len(said) / RATE), pause)
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


def asked(setting, kind):
    """The setting, if it is for utterances of this kind."""
    only, _, rest = setting.rpartition(": ")
    return rest if only in ("", kind) else None


def main():
    if not (OUT / "truth.json").exists():
        make()
    truth = json.loads((OUT / "truth.json").read_text())
    with ThreadPoolExecutor(2) as pool:
        jobs = {}
        for setting in SETTINGS:
            for path, (kind, *_) in truth.items():
                if table := asked(setting, kind):
                    jobs[setting, path] = pool.submit(endpoints, path, table)
        found = {key: job.result() for key, job in jobs.items()}
    for kind in KINDS:
        lags = []
        for setting in SETTINGS:
            waits, cuts = {"people": [], "synthetic": []}, {}
            for path, (own, whose, way, end, pause) in truth.items():
                if own != kind or (setting, path) not in found:
                    continue
                ends = [(voice - end, at - end) for voice, at in found[setting, path] if at > end - NEAR_MS / 2]
                waits[whose].append(ends[0][1] if ends else 1e3 * AFTER_S)
                lags += [ends[0][0]] if ends else []
                if pause:
                    begin, length = pause
                    cut = any(begin - NEAR_MS < at < begin + length for _, at in found[setting, path])
                    cuts.setdefault((whose, way), []).append(cut)
            if all(waits.values()):
                both = sum(waits.values(), [])
                told = ", ".join(f"{whose} {np.mean(own):.0f}" for whose, own in waits.items())
                shares = ", ".join(f"{whose} {way} {100 * np.mean(own):.0f} %" for (whose, way), own in sorted(cuts.items()))
                print(f"{kind:12} {setting}: waits {np.mean(both):.0f} ms ({told}; p95 {np.percentile(both, 95):.0f}), cuts {100 * np.mean(sum(cuts.values(), [])):.0f} % ({shares})")
        if lags:
            low, middle, high = np.percentile(lags, [5, 50, 95])
            print(f"{kind:12} the voice ends {middle:.0f} ms late ({low:.0f} to {high:.0f})")


main()
