"""Calls pipelines that voicesim serves in another process, each slow in a known way: what the probe measures is held
against what the pipeline tells of itself, and against what was injected: double.py VOICESIM FOLDER TURNS."""
import json
import subprocess
import sys
from pathlib import Path

voicesim, work, turns = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
DELAYS = [300, 700, 1_500]
WITHIN_MS = 5


def median(values):
    return sorted(values)[len(values) // 2]


def report(*arguments):
    done = subprocess.run([voicesim, "-q", *map(str, arguments), "--json"], capture_output=True, text=True)
    if done.returncode not in (0, 1):
        sys.exit(f"{arguments}: {done.returncode}\n{done.stderr}")
    return json.loads(done.stdout)


caller = work / "caller.toml"
question = json.dumps(str(Path("audio/fixtures/piper-graphics.wav").resolve()))
caller.write_text(f"[[turn]]\nwav = {question}\n" * turns)
heard = {}
for delay in DELAYS:
    double = work / f"double-{delay}.toml"
    double.write_text(
        "[speculation]\nenabled = false\n"
        + "".join(f'[{stage}]\nengine = "simulated"\nlatency = {{ fixed_ms = {ms} }}\n' for stage, ms in [("stt", 100), ("answer", delay), ("tts", 100)])
    )
    out = work / f"served-{delay}"
    serving = [voicesim, "-q", "serve", str(double), "--listen", "127.0.0.1:0", "--calls", "1", "--at-once", "1", "--out", str(out)]
    serve = subprocess.Popen(serving, stdout=subprocess.PIPE, text=True)
    address = serve.stdout.readline().strip()
    probed = report("probe", caller, "--agent", address, "--no-transcribe")
    serve.wait(20)
    told = report("report", out / "call-001")
    pairs = [(row["e2e_ns"], own["e2e_ns"]) for row, own in zip(probed["detail"], told["detail"])]
    if len(pairs) != turns or len(told["detail"]) != turns or any(None in pair for pair in pairs):
        sys.exit(f"{delay} ms: not every turn was answered")
    apart = [(row - own) / 1e6 for row, own in pairs]
    heard[delay] = median([row / 1e6 for row, _ in pairs])
    print(f"  answers of {delay:5} ms  {turns} turns  e2e p50 {heard[delay]:7.1f}  less what the pipeline tells: {min(apart):+.1f} least  {median(apart):+.1f} p50  {max(apart):+.1f} most")
    if abs(median(apart)) > WITHIN_MS:
        sys.exit(f"wrong: {median(apart):.1f} ms apart, more than {WITHIN_MS}")
for delay in DELAYS[1:]:
    injected, measured = delay - DELAYS[0], heard[delay] - heard[DELAYS[0]]
    print(f"  {injected} ms more were injected, {measured:.1f} more were measured at p50")
