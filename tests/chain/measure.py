"""Measures the chain from the end of a question to the first sound of its answer: measure.py VOICESIM FOLDER [SETTING...].

A hundred questions, ten in each of ten voices of espeak-ng, are asked of Whisper, the retrieval over voicesim's own
documents, and a voice, in virtual time, in which each engine takes as long as it computes. Each SETTING is what follows
[endpointing], as in 'policy = "eot"; cut_offs = 0.2', and may go on with other tables, as in
'silence_ms = 300; [clauses]; first_words = 6', answered by espeak-ng and by Piper. Told: the whole latency, and its hops,
p50 and p95 in milliseconds, how long a transcription and a first clause took at p50, how often the sound was judged to the
end and how long that took at p50 on how many threads, how much work was thrown away, and by how much the whole is longer
than what has to be: the ear's lag, one transcription and the first sound of one clause. That is less than nothing where
these were over before the endpoint. For a quiet machine; some two minutes a setting.
"""

import csv
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile

VOICESIM, OUT = sys.argv[1], pathlib.Path(sys.argv[2])
SETTINGS = sys.argv[3:] or ["silence_ms = 700", "silence_ms = 300", 'policy = "eot"; cut_offs = 0.2']
VOICES = ("en-us", "en-gb", "en-gb-scotland", "en-us+f2", "en-us+m4", "en-gb+f4", "en-gb+m7", "en-us+f5", "en-gb-x-rp+m1", "en-us+m6")
QUESTIONS = (
    "How fast should a voice assistant reply?", "Where is the recording of the conversation kept?", "Do I need a graphics card?",
    "How long is the pause between two speakers?", "Why does the average hide the slow replies?", "Which licence does the speech model have?",
    "How does the assistant know that I have finished?", "Can I use my own documents?", "What is the latency of a phone call?",
    "How do I install the models?",
)


def asked():
    for voice in VOICES:
        for index, question in enumerate(QUESTIONS):
            path = OUT / f"{voice}-{index}.wav"
            if not path.exists():
                subprocess.run(["espeak-ng", "-v", voice, "-w", str(path), question], check=True)
            yield path.resolve(), question


def jobs(folder):
    """Of each answer in milliseconds: its transcription, its first sound, and how much later it came than these and the ear's lag take."""
    table = folder / "turns.csv"
    subprocess.run([VOICESIM, "report", str(folder), "--csv", str(table), "-q"], check=True, stdout=subprocess.DEVNULL)
    begun, job, row = {}, {}, 0
    for line in (folder / "events.jsonl").read_text().splitlines():
        event = json.loads(line)
        if event["mark"] == "row_started":
            row = event["row"] + 1
        key = (row, event.get("stage"))
        if event["mark"] == "begun":
            begun[event["visit"]] = event["tick"]
        is_first_sound = event["mark"] == "output" and event["stage"] == "text_to_speech" and key not in job
        is_words = event["mark"] == "output" and event["stage"] == "speech_to_text"
        # Words that are only confirmed, at the endpoint, have been there before.
        if (is_first_sound or is_words) and event["visit"] in begun:
            job[key] = event["tick"] - begun.pop(event["visit"])
    for row in csv.DictReader(table.open()):
        parts = [job.get((int(row["turn"]), stage)) for stage in ("speech_to_text", "text_to_speech")]
        if row["e2e_ns"] and None not in parts:
            lag = int(row["e2e_ns"]) - int(row["e2e_latency_vad_ns"])
            yield [ns / 1e6 for ns in (*parts, int(row["e2e_ns"]) - lag - sum(parts))]


def judged(folder):
    """How often the sound was judged to the end, and how long that took at p50 on so many threads."""
    took = {}
    for line in (folder / "events.jsonl").read_text().splitlines():
        event = json.loads(line)
        if event["mark"] == "exit" and event["stage"] == "end_of_turn" and event["end"] == "done":
            took.setdefault(event["cost"]["threads"], []).append(event["cost"]["wall_ns"] / 1e6)
    return ", ".join(f"{len(of)} judged in {statistics.median(of):.0f} ms on {threads}" for threads, of in sorted(took.items()))


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    turns = "".join(f'[[turn]]\nwav = "{path}"\ntext = "{question}"\n' for path, question in asked())
    for setting in SETTINGS:
        for voice in ("espeak", "piper"):
            scenario = OUT / "chain.toml"
            table = setting.replace("; ", "\n")
            scenario.write_text(f'cores = 2\n[tts]\nengine = "{voice}"\n[endpointing]\n{table}\n{turns}')
            folder = pathlib.Path(tempfile.mkdtemp(dir=OUT)) / "run"
            command = [VOICESIM, "run", str(scenario), "--clock", "virtual", "--no-audio", "--json", "--out", str(folder)]
            run = subprocess.run(command, capture_output=True, text=True)
            if run.returncode not in (0, 1):
                sys.exit(run.stderr)
            heard, spoken, more = (statistics.median(column) for column in zip(*jobs(folder)))
            document = json.loads(run.stdout)
            every = {"e2e": document["metrics"]["e2e_latency"], **document["hops"]}
            told = ", ".join(f"{name} {of['p50_ms']:.0f} ({of['p95_ms']:.0f})" for name, of in every.items() if of and of.get("p50_ms") is not None)
            cut = document["interruptions"]
            work = document.get("speculation") or {"prepared": 0, "cpu_s": 0, "thrown_away_cpu_s": 0}
            print(
                f"{setting}, {voice}: {told}; transcription {heard:.0f}, first clause {spoken:.0f}, longer than it has to be {more:.0f}; "
                f"{judged(folder) or 'none judged'}; prepared {work['prepared']}, thrown away {work['thrown_away_cpu_s']:.1f} of {work['cpu_s']:.1f} CPU s; cut off {cut['cut_offs']}, taken back {cut['voided_commits']}",
                flush=True,
            )


main()
