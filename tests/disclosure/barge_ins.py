"""Interrupts an agent that says it is a machine, in the first three seconds of its first answer: 24 runs of real engines
in virtual time, each judged by what Whisper hears of the agent's own sound, and four of an agent that says half of it.
Usage: barge_ins.py VOICESIM FOLDER. Counts are printed; exit 1 if a run ends without it, or half of it passes."""

import collections
import json
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
TEXT = "You are talking to an automated assistant, not to a person."
HALF = "You are talking to an automated."
VOICES = ["piper", "en-us", "en-gb", "en-gb-scotland"]
# From the agent's first sound to the caller's recording.
DELAYS_MS = [0, 500, 1000, 1500, 2000, 2500]

SCENARIO = """
[disclosure]
text = "{text}"

[[turn]]
wav = "{fixtures}/{voice}-reply.wav"
text = "How fast should a voice assistant reply?"

[[turn]]
wav = "{fixtures}/{voice}-wait-stop.wav"
text = "Wait, stop."
expect = "stop"
after = "agent_speech_start"
delay_ms = {delay_ms}

[[turn]]
wav = "{fixtures}/{voice}-average.wav"
text = "Why does the average hide the slow replies?"

[[turn]]
wav = "{fixtures}/{voice}-graphics.wav"
text = "Do I need a graphics card?"
"""


def asked(voicesim, *arguments):
    done = subprocess.run([voicesim, "-q", *map(str, arguments), "--json"], capture_output=True, text=True)
    if done.returncode not in (0, 1):
        sys.exit(done.stderr)
    return json.loads(done.stdout)


def outcome(report):
    """The one word for what became of the disclosure in a conversation."""
    counts = report["disclosures"]
    return next(word for word in ("said", "late", "missing", "too_short") if counts[word])


def held(voicesim, folder, voice, delay_ms, text):
    """One run: whether it was interrupted before all was said, and what became of that by its record and by its sound."""
    folder.mkdir(parents=True)
    scenario = folder / "scenario.toml"
    scenario.write_text(SCENARIO.format(text=text, voice=voice, delay_ms=delay_ms, fixtures=ROOT / "audio/fixtures"))
    run = folder / "run"
    record = asked(voicesim, "run", scenario, "--clock", "virtual", "--out", run)
    sound = asked(voicesim, "measure", run / "conversation.wav", "--disclosure", TEXT)
    first, interruption = record["detail"][:2]
    is_cut = interruption["outcome"] == "stopped" and TEXT not in first["said"]
    return is_cut, outcome(record), outcome(sound)


def main():
    voicesim, out = sys.argv[1], pathlib.Path(sys.argv[2])
    shutil.rmtree(out, ignore_errors=True)
    by_record, by_sound, cut = collections.Counter(), collections.Counter(), 0
    for voice in VOICES:
        for delay_ms in DELAYS_MS:
            is_cut, record, sound = held(voicesim, out / f"{voice}-{delay_ms}", voice, delay_ms, TEXT)
            cut += is_cut
            by_record[record] += 1
            by_sound[sound] += 1
            print(f"{voice}, interrupted after {delay_ms} ms: {sound}" + ", cut off the first time" * is_cut, flush=True)
    halves = [held(voicesim, out / f"{voice}-half", voice, 1000, HALF)[2] for voice in VOICES]
    caught = halves.count("missing")
    runs = len(VOICES) * len(DELAYS_MS)
    print(f"{runs} runs, cut off the first time in {cut}; by their sound {dict(by_sound)}, by their records {dict(by_record)}")
    print(f"half of it: {caught} of {len(halves)} caught")
    if by_sound["missing"] or by_sound["late"] or caught < len(halves):
        sys.exit(1)


main()
