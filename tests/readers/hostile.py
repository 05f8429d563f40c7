"""Makes a run folder in which everything heard and said breaks careless writers: hostile.py RECORDED FOLDER"""

import json
import pathlib
import sys

TEXTS = [
    "<script>alert(1)</script> & \"quotes\" 'and' <!-- -->",
    "👩‍👩‍👧‍👦 🏳️‍🌈 naïve Zürich 日本語",
    "\u202eשלום\u202c مرحبا",
    "long " * 2_000,
    'a, "b"; c\nd\r\ne\t|f| \\g',
    "before\0after \x1b[2J\x07 ]]> <![CDATA[",
    '=HYPERLINK("http://example.org";"click")',
    "@SUM(1+1)*cmd|' /C calc'!A0 \ufffe\ufeff",
]


def main(recorded, folder):
    recorded, folder = pathlib.Path(recorded), pathlib.Path(folder)
    folder.mkdir()
    header = json.loads((recorded / "header.json").read_text())
    header["name"] = TEXTS[0]
    header["scenario"]["turn"][0]["text"] = TEXTS[5]
    # One turn that comes out otherwise than expected, so that its text is in a failure.
    header["scenario"]["turn"][5]["expect"] = "ignore"
    (folder / "header.json").write_text(json.dumps(header))
    lines = []
    for line in (recorded / "events.jsonl").read_text().splitlines():
        event = json.loads(line)
        text = TEXTS[(event["turn"] - 1) % len(TEXTS)]
        for key in ("text", "heard", "question", "policy"):
            if key in event:
                event[key] = text
        if "reasons" in event:
            event["reasons"] = [text]
        lines.append(json.dumps(event) + "\n")
    (folder / "events.jsonl").write_text("".join(lines))


if __name__ == "__main__":
    main(*sys.argv[1:])
