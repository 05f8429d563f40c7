"""Copies a run folder and makes its words hostile: hostile.py FROM TO

No sound, no end, and in place of what was said: markup, letters that run from right to left, ten thousand characters
without a blank, controls.
"""

import json
import pathlib
import sys

WORDS = [
    "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">",
    "שלום \u202e עולם, مرحبا بالعالم \u2066",
    "W" * 10_000,
    "👩‍👩‍👧‍👦🏴󠁧󠁢󠁳󠁣󠁴󠁿 \u0000\u001b[2J]]> --> </style></svg></title><h1>x</h1>",
    "</bdi></p></article></main>",
    "'\" onmouseover=alert(1) x='",
    "{{ page.title }} {% raw %} &lt;b&gt; &#60;",
]


def hostile(value, state):
    """Every text of an event, and every name of a header, made hostile."""
    if isinstance(value, dict):
        return {
            key: words(state) if key in ("text", "question", "heard") and isinstance(inner, str) and inner
            else reasons(inner, state) if key == "reasons"
            else hostile(inner, state)
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [hostile(inner, state) for inner in value]
    return value


def words(state):
    state.append(0)
    return WORDS[len(state) % len(WORDS)]


def reasons(inner, state):
    return [words(state) for _ in inner]


def main(source, target):
    source, target = pathlib.Path(source), pathlib.Path(target)
    target.mkdir()
    header = json.loads((source / "header.json").read_text())
    header["name"] = WORDS[0] + WORDS[1]
    header["notes"] = WORDS
    header["engines"] = {stage: WORDS[3] for stage in header["engines"]}
    header["machine"] = WORDS[2]
    (target / "header.json").write_text(json.dumps(header))
    state = []
    lines = (source / "events.jsonl").read_text().splitlines()
    events = [json.dumps(hostile(json.loads(line), state)) for line in lines[: len(lines) * 9 // 10]]
    (target / "events.jsonl").write_text("\n".join(events) + "\n{\"tick\":")


main(*sys.argv[1:])
