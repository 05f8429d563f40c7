"""Judges interruptions in rooms: interruptions.py VOICES FOLDER VOICESIM [EACH [POLICY...]].

The caller asks a question in a room whose sound goes on; over the answer, 2 s later, the caller says one of the REQUESTS,
or one of the ACKNOWLEDGEMENTS, and the sound goes on for 3 s more: EACH of both in quiet and in every sound, 20, 15 and 10
dB under the caller. Heard by Whisper, decided by each POLICY of [interruption], on the virtual clock. For each kind: the share of
the requests that the agent stopped for, within 1.5 s of their end, and after how long; the share of the acknowledgements
that stopped it; how often it stopped in the seconds in which nobody spoke. VOICES are the packages that
tests/calls/test.sh unpacks.
"""

import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import make as rooms
from sounds import calls, RATE, write

VOICESIM, EACH, POLICIES = sys.argv[3], int((sys.argv[4:] or [12])[0]), sys.argv[5:] or ["classifier", "vad_500ms"]
# Sounds of an earlier call are taken again if there are as many.
OUT = pathlib.Path(sys.argv[2]) / str(EACH)
KINDS = [("quiet", 0)] + [(kind, level) for kind in ("babble", "tv", "music", "noise") for level in (20, 15, 10)]
SEED, DELAY_MS, BEFORE_S, AFTER_S, LATE_S = 11, 1_500, 2, 3, 1.5
# The question's own recording goes on so long, into the answer; soon after it comes the next one.
REST_S = 1.7
# Neither policy nor weights were made with these.
REQUESTS = ["Wait a second.", "Stop, please.", "No, not that one.", "Excuse me, which street?", "Hold on, I need a pen.", "That is not right.",
            "What about Sunday?", "Can I speak to somebody?", "I said two, not three.", "Hang on.", "Sorry, could you say that again?", "How much is it?"]
ACKNOWLEDGEMENTS = ["Mm-hmm.", "Okay.", "Yeah.", "Uh-huh.", "Right.", "I see.", "All right.", "Sure.", "Oh, okay.", "Yes.", "Great.", "Good, good."]
ANSWER = ("Our shop on the market square is open from eight in the morning until half past six in the evening, and the one near the station"
          " stays open until nine, except on public holidays, when both of them close at noon and the telephone is answered by the main office instead.")

def speakers():
    return [calls.flite("kal16"), calls.flite("rms"), calls.flite("awb"), calls.flite("slt"), calls.espeak("en-us", "-s", "165"),
            calls.espeak("en-gb+f4", "-s", "150"), calls.espeak("en-gb-scotland+m3", "-s", "160"), calls.espeak("en-us+f2", "-p", "65", "-s", "185")]


def make():
    OUT.mkdir(parents=True, exist_ok=True)
    voices = {name: load() for group in calls.voices() for name, load in group.items()}
    tunes = [tune for _, tune in calls.music()]
    random = np.random.default_rng(SEED)
    said, truth = {}, {}
    who = speakers()
    question = calls.trimmed(who[0]("What are your opening hours?")) * 10 ** (-12 / 20)

    def in_room(words, before, after, kind, level):
        whole = random.normal(0, 1e-4, int((before + after) * RATE) + len(words))
        if kind != "quiet":
            sound = rooms.background(kind, random, list(voices.values()), tunes, len(whole))
            whole += sound * calls.rms_of_speech(words) / max(calls.rms_of_speech(sound), 1e-6) * 10 ** (-level / 20)
        whole[int(before * RATE) :][: len(words)] += words
        return whole

    for kind, level in KINDS:
        write(OUT / f"{kind}-{level}-question.wav", in_room(question, 1, REST_S, kind, level))
        for texts, meant in ((REQUESTS, "stop"), (ACKNOWLEDGEMENTS, "ignore")):
            for index in range(EACH):
                # Every voice comes to say every text.
                speaker, text = index % len(who), texts[(index + index // len(who)) % len(texts)]
                if (speaker, text) not in said:
                    said[speaker, text] = calls.trimmed(who[speaker](text))
                words = said[speaker, text] * 10 ** (-12 / 20)
                path = f"{kind}-{level}-{meant}-{index:02}.wav"
                write(OUT / path, in_room(words, BEFORE_S, AFTER_S, kind, level))
                truth[path] = (f"{kind} {level} dB" if level else kind, meant, text, len(words) / RATE)
    (OUT / "truth.json").write_text(json.dumps(truth))


def scenario(policy, paths, truth):
    turns = "".join(
        f'[[turn]]\nwav = "{path.rsplit("-", 2)[0]}-question.wav"\n[[turn]]\nwav = "{path}"\ntext = {json.dumps(truth[path][2])}\nexpect = "{truth[path][1]}"\n'
        f'after = "agent_speech_start"\ndelay_ms = {DELAY_MS}\n'
        for path in paths
    )
    return (f'[answer]\nengine = "simulated"\nlatency = {{ fixed_ms = 100 }}\ntext = {json.dumps(ANSWER)}\n'
            f'[tts]\nengine = "espeak"\nvoice = "en-us+f3"\n[interruption]\npolicy = "{policy}"\n{turns}')


def run(policy, paths, truth):
    """When the agent stopped, in seconds since each sound began; None where it did not. What was said over no answer, since
    the question before it got none, is left out."""
    with tempfile.TemporaryDirectory() as out:
        file = OUT / f"{policy}.toml"
        file.write_text(scenario(policy, paths, truth))
        command = [VOICESIM, "run", str(file), "--clock", "virtual", "--no-audio", "--out", f"{out}/run", "--json"]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode not in (0, 1):
            sys.exit(f"{file}: {done.stderr}")
        rows = json.loads(done.stdout)["detail"]
        events = [json.loads(line) for line in open(f"{out}/run/events.jsonl")]
    stops = sorted(event["tick"] for event in events if event["mark"] == "decision" and event["verdict"] == "stop")
    questions = [row for row in rows if row["expect"] == "respond"]
    found = {}
    for path, question in zip(paths, questions, strict=True):
        if question["agent_start_ns"] is None:
            continue
        begin = question["agent_start_ns"] / 1e9 + DELAY_MS / 1e3
        own = [tick / 1e9 - begin for tick in stops if 0 <= tick / 1e9 - begin < 9]
        found[path] = own[0] if own else None
    return found


def main():
    if not (OUT / "truth.json").exists():
        make()
    truth = json.loads((OUT / "truth.json").read_text())
    for policy in POLICIES:
        print(f"{policy}\n{'':14} {'recall':>7} {'p50, ms':>8} {'p90, ms':>8} {'false stops':>12} {'alone, stops in s':>18}")
        for kind, level in KINDS:
            name = f"{kind} {level} dB" if level else kind
            paths = [path for path, (own, *_) in truth.items() if own == name]
            found = run(policy, paths, truth)
            delays, false, alone, seconds = [], 0, 0, 0.0
            for path, at in found.items():
                _, meant, _, length = truth[path]
                seconds += min(at or BEFORE_S, BEFORE_S)
                if at is not None and at < BEFORE_S:
                    alone += 1
                elif at is not None and at < BEFORE_S + length + LATE_S:
                    delays += [1e3 * (at - BEFORE_S)] if meant == "stop" else []
                    false += meant == "ignore"
            asked = sum(truth[path][1] == "stop" for path in found)
            p50, p90 = np.percentile(delays, [50, 90]) if delays else (np.nan, np.nan)
            print(f"{name:14} {len(delays) / max(asked, 1):7.2f} {p50:8.0f} {p90:8.0f} {false / max(len(found) - asked, 1):12.2f} {alone:11} in {seconds:3.0f}"
                  + f", {len(paths) - len(found)} questions were not answered" * (len(paths) > len(found)), flush=True)


main()
