"""What voicebench's detector makes of the calls that `cargo bench --bench call -- DIR` keeps in DIR.

pip install 'voicebench==0.2.*'; python benches/call_voicebench.py DIR [THRESHOLD_DB]
"""

import collections
import json
import sys
import wave

import numpy as np
from voicebench.vad import VadConfig, detect_segments

folder = sys.argv[1]
config = VadConfig(threshold_db=float(sys.argv[2])) if len(sys.argv) > 2 else VadConfig()
off, asked = collections.defaultdict(list), collections.Counter()
for name, gaps in json.load(open(f"{folder}/truth.json")).items():
    with wave.open(f"{folder}/{name}") as call:
        sound = np.frombuffer(call.readframes(call.getnframes()), "<i2").reshape(-1, 2)
        rate = call.getframerate()
    sides = (np.ascontiguousarray(sound[:, side], dtype=np.float32) / 32768 for side in (0, 1))
    caller, agent = (detect_segments(side, rate, config) for side in sides)
    kind = name.rsplit("-", 1)[0]
    for end, start in gaps:
        asked[kind] += 1
        # Its rule: the last segment of the question, and the agent's first one that begins after the question's onset.
        question = [s for s in caller if 1e3 * s.end > end - 1_500 and 1e3 * s.start < end]
        answer = question and next((s for s in agent if s.start > question[0].start), None)
        if answer and abs(1e3 * question[-1].end - end) < 1_500:
            off[kind].append(abs(1e3 * (answer.start - question[-1].end) - (start - end)))
for kind, count in asked.items():
    found = sorted(off[kind]) or [float("nan")]
    p50, p95, worst = (found[min(int(len(found) * q), len(found) - 1)] for q in (0.5, 0.95, 1))
    print(f"{kind:22} found {len(off[kind]):3} of {count}  off by p50 {p50:.1f}  p95 {p95:.1f}  max {worst:.1f} ms")
