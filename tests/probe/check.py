"""Calls a bot of the real pipecat, and holds what the probe measures against the bot's own log, and what pipecat tells of
itself beside it: check.py VOICESIM FOLDER TURNS."""
import array
import json
import socket
import subprocess
import sys
import wave
from pathlib import Path

voicesim, work, turns = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
QUESTION = "audio/fixtures/piper-graphics.wav"
DELAYS = [300, 700, 1_500]
WITHIN_MS = 20


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def peak():
    with wave.open(QUESTION) as file:
        return max(abs(sample) for sample in array.array("h", file.readframes(file.getnframes())))


scenario = work / "pipecat.toml"
question = json.dumps(str(Path(QUESTION).resolve()))
scenario.write_text("".join(f"[[turn]]\nwav = {question}\ndelay_ms = 700\n" for _ in range(turns)))
port, log, breakdown = free_port(), work / "bot.jsonl", work / "breakdown.jsonl"
bot = subprocess.Popen(
    [sys.executable, "tests/probe/bot.py", str(port), str(log), str(breakdown), str(peak() / 100), *map(str, DELAYS)],
    stdout=subprocess.PIPE,
    stderr=open(work / "bot.log", "w"),
    text=True,
)
if bot.stdout.readline().strip() != "ready":
    sys.exit((work / "bot.log").read_text()[-2_000:])
probe = [voicesim, "-q", "probe", str(scenario), "--agent", f"ws://127.0.0.1:{port}", "--protocol", "pipecat"]
probe += ["--no-transcribe", "--json", "--for", "3600"]
done = subprocess.run(probe, capture_output=True, text=True)
bot.terminate()
bot.wait(10)
if done.returncode not in (0, 1):
    sys.exit(f"{done.returncode}: {done.stderr}")
report = json.loads(done.stdout)
truth = [json.loads(line) for line in log.read_text().splitlines()]
rows = report["detail"]
if len(rows) != turns or len(truth) != turns:
    sys.exit(f"{len(rows)} turns of {turns} were measured, the bot answered {len(truth)}: {report['probe']['ended']}")

errors, doubtful = {delay: [] for delay in DELAYS}, 0
for row, own in zip(rows, truth):
    if row.get("doubtful") is not None:
        doubtful += 1
        continue
    if row["e2e_ns"] is None:
        sys.exit(f"turn {row['turn']} was not answered: {row['outcome']}")
    spoken = own["voiced_ns"] - own["rest_ns"]
    errors[own["delay_ms"]].append((row["e2e_ns"] - (own["out_ns"] - spoken)) / 1e6)

print(f"{turns} turns, {doubtful} doubtful; what the probe measures less the bot's own log, ms:")
for delay, found in errors.items():
    if not found:
        sys.exit(f"every answer after {delay} ms is doubtful: this machine is too busy")
    found.sort()
    middle = found[len(found) // 2]
    print(f"  answers after {delay:5} ms  {len(found):3} turns  {found[0]:+6.1f} least  {middle:+6.1f} median  {found[-1]:+6.1f} most")

imported = subprocess.run([voicesim, "-q", "import", str(breakdown), "--out", str(work / "imported")], capture_output=True, text=True)
if imported.returncode != 0:
    sys.exit(f"pipecat's breakdown: {imported.returncode}: {imported.stderr}")
told = json.loads(subprocess.run([voicesim, "-q", "report", str(work / "imported"), "--json"], capture_output=True, text=True, check=True).stdout)
own = told["detail"]
if len(own) != turns:
    sys.exit(f"pipecat's breakdown tells of {len(own)} turns of {turns}")
apart = sorted((row["e2e_ns"] - of["e2e_ns"]) / 1e6 for row, of in zip(rows, own) if row.get("doubtful") is None)
print(f"what the caller heard less pipecat's own on_latency_breakdown, ms: {apart[0]:+.1f} least  {apart[len(apart) // 2]:+.1f} median  {apart[-1]:+.1f} most")

facts = report["probe"]
print(f"  frames {facts['frame_late_p99_ms']} ms late at p99, {facts['frame_late_max_ms']} at most; {facts['underruns']} underruns")
worst = max(abs(error) for found in errors.values() for error in found)
if worst > WITHIN_MS:
    sys.exit(f"wrong: one is {worst:.1f} ms off, more than {WITHIN_MS}")
