"""Makes questions in rooms: make.py VOICES FOLDER [others].

Each question is written quiet, and with babble, a television, music, one voice and steady noise under it, which go on for
8 s after it, 20, 15 and 10 dB under the question's own level. VOICES are the packages that tests/calls/test.sh unpacks.
Where each question ends is marked on the clean sound, as tests/calls/make.py does. With `others` a dozen voices of
espeak-ng ask in their place, other questions in other rooms: nothing was chosen by those.
"""

import json
import pathlib
import sys

import numpy as np
from scipy import signal
from sounds import calls, RATE, write

SEED, LEAD_S, AFTER_S = 1, 1.5, 8
KINDS, LEVELS_DB = ("babble", "tv", "music", "voice", "noise"), (20, 15, 10)

def stream(random, voices, count):
    """Somebody who talks on and on."""
    sound, at = np.zeros(count), -int(RATE * random.uniform(0, 2))
    while at < count:
        clips = voices[random.integers(len(voices))]
        clip = clips[random.integers(len(clips))]
        begin = max(at, 0)
        part = clip[begin - at : count - at]
        sound[begin : begin + len(part)] += part
        at += len(clip) + int(RATE * random.uniform(0.02, 0.6))
    return sound


def tune(random, tunes, count):
    chosen = tunes[random.integers(len(tunes))]
    start = random.integers(max(len(chosen) - count - 1, 1))
    return np.resize(chosen[start:], count)


def in_a_room(random, sound, rt60=0.4):
    count = int(RATE * rt60)
    tail = random.normal(0, 1, count) * 10 ** (-3 * np.arange(count) / count)
    tail[: RATE * 3 // 1_000] = 0
    tail /= np.sqrt((tail**2).sum())
    tail[0] = 1
    return signal.fftconvolve(sound, tail)[: len(sound)]


def background(kind, random, others, tunes, count):
    if kind == "babble":
        crowd = (stream(random, others, count) * random.uniform(0.4, 1) for _ in range(random.integers(5, 10)))
        return in_a_room(random, sum(crowd))
    if kind == "tv":
        one = [others[random.integers(len(others))]]
        return in_a_room(random, stream(random, one, count) + 0.1 * tune(random, tunes, count))
    if kind == "music":
        return tune(random, tunes, count)
    if kind == "voice":
        return stream(random, [others[random.integers(len(others))]], count)
    return calls.coloured(random, count)


def question(random, clips):
    parts = []
    while sum(map(len, parts)) < 1.2 * RATE:
        parts += [clips[random.integers(len(clips))], np.zeros(int(RATE * random.uniform(0.08, 0.22)))]
    return calls.trimmed(np.concatenate(parts[:-1])[: 8 * RATE]) * 10 ** (random.uniform(-20, -4) / 20)


def other_voices():
    names = ("en-029+m2", "en-gb-x-rp+f1", "en-us+m5", "en-gb-scotland+f3", "nl+m4", "es+f2", "fr-fr+m1", "pt+f5", "pl+m6", "sv+f1", "it+m7", "en-gb-x-gbclan+m3")
    speak = lambda name, nth: calls.machine(calls.espeak(name, "-s", str(130 + 8 * nth), "-p", str(30 + 4 * nth)))
    return {name: lambda name=name, nth=nth: speak(name, nth) for nth, name in enumerate(names)}


def main():
    out = pathlib.Path(sys.argv[2])
    out.mkdir(parents=True, exist_ok=True)
    is_other = sys.argv[3:] == ["others"]
    groups = [other_voices()] if is_other else calls.voices()
    voices = {name: load() for group in groups for name, load in group.items()}
    tunes = [tune for _, tune in calls.music()]
    random = np.random.default_rng(77 if is_other else SEED)
    truth = {}
    for number in range(4 * len(voices)):
        who = list(voices)[number % len(voices)]
        said = question(random, voices[who])
        lead = int(RATE * LEAD_S)
        length = lead + len(said) + RATE * AFTER_S
        quiet = random.normal(0, 1e-4, length + 2 * RATE)
        quiet[lead : lead + len(said)] += said
        write(out / f"{number:03}_quiet.wav", quiet)
        truth[f"{number:03}"] = 1e3 * (lead + len(said)) / RATE
        others = [clips for name, clips in voices.items() if name != who]
        # Half of the backgrounds are there before the caller speaks.
        begins = 0 if number % 2 else lead
        for kind in KINDS:
            sound = background(kind, random, others, tunes, length - begins)
            sound *= calls.rms_of_speech(said) / max(calls.rms_of_speech(sound), 1e-6)
            for level in LEVELS_DB:
                noisy = quiet.copy()
                noisy[begins:length] += sound * 10 ** (-level / 20)
                write(out / f"{number:03}_{kind}-{level}.wav", noisy)
    (out / "truth.json").write_text(json.dumps(truth))


if __name__ == "__main__":
    main()
