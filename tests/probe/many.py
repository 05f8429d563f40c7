"""How late frames go out when many calls are held at once, to a pipeline that voicesim serves on the same machine:
many.py VOICESIM FOLDER CALLS... For a quiet machine; half a minute each."""
import json
import subprocess
import sys
from pathlib import Path

voicesim, work = sys.argv[1], Path(sys.argv[2])
work.mkdir(parents=True, exist_ok=True)
caller, agent = work / "many.toml", work / "agent.toml"
question = json.dumps(str(Path("audio/fixtures/piper-graphics.wav").resolve()))
caller.write_text(f"[[turn]]\nwav = {question}\n" * 5)
stages = [("stt", 100), ("answer", 300), ("tts", 100)]
agent.write_text("".join(f'[{stage}]\nengine = "simulated"\nlatency = {{ fixed_ms = {ms} }}\n' for stage, ms in stages))
for calls in sys.argv[3:]:
    serving = [voicesim, "-q", "serve", str(agent), "--listen", "127.0.0.1:0", "--calls", calls, "--at-once", calls]
    serve = subprocess.Popen(serving, stdout=subprocess.PIPE, text=True)
    address = serve.stdout.readline().strip()
    calling = [voicesim, "-q", "probe", str(caller), "--agent", address, "--calls", calls, "--no-transcribe", "--json"]
    done = subprocess.run(calling, capture_output=True, text=True)
    if done.returncode not in (0, 1):
        sys.exit(f"{calls} calls: {done.returncode}\n{done.stderr}")
    serve.wait(30)
    told = json.loads(done.stdout)
    facts, e2e = told["probe"], told["metrics"]["e2e_latency"]
    doubtful = told.get("doubtful", 0)
    print(f"{calls:>3} calls: frames {facts['frame_late_p99_ms']:.2f} ms late at p99, {facts['frame_late_max_ms']:.1f} at most; e2e p50 {e2e['p50_ms']:.0f}, p95 {e2e['p95_ms']:.0f} ms of {e2e['count']} answers; doubtful {doubtful}")
