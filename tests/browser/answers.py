"""Copies a run folder whose agent says more in every answer: answers.py FROM TO"""

import json
import pathlib
import shutil
import sys


def main(source, target):
    source, target = pathlib.Path(source), pathlib.Path(target)
    target.mkdir()
    for name in ["header.json", "conversation.wav"]:
        shutil.copy(source / name, target / name)
    events = [json.loads(line) for line in (source / "events.jsonl").read_text().splitlines()]
    for event in events:
        if event["mark"] == "reply_ended" and event["heard"]:
            event["heard"] += " Is there anything else?"
    (target / "events.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events))


main(*sys.argv[1:])
