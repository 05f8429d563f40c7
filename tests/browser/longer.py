"""Copies a run folder with its sound repeated until it is too long to be part of a page: longer.py FROM TO"""

import pathlib
import shutil
import sys
import wave


def main(source, target):
    source, target = pathlib.Path(source), pathlib.Path(target)
    target.mkdir()
    for name in ["header.json", "events.jsonl"]:
        shutil.copy(source / name, target / name)
    with wave.open(str(source / "conversation.wav")) as sound:
        parameters, frames = sound.getparams(), sound.readframes(sound.getnframes())
    with wave.open(str(target / "conversation.wav"), "wb") as longer:
        longer.setparams(parameters)
        longer.writeframes(frames * (12_000_000 // len(frames) + 1))


main(*sys.argv[1:])
