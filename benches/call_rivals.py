"""What other measurers of recorded calls make of calls of which everything is known, beside voicesim.

call_rivals.py DIR VOICESIM: DIR is what `cargo bench --bench call -- DIR` or tests/calls/make.py writes. Needs numpy and
imageio-ffmpeg, and compares with what is installed of voicebench==0.2.* and callback-voice==0.1.* (Python 3.12).

voicebench's rule is applied as it is: the last segment of the question, and the agent's first one that begins after the
question's onset. callback-voice measures only calls that it made itself, of which it has the caller's clean sound; here
its detector hears both channels of the recording, and the answer is the first onset from 20 ms before the question's end;
one that began before that is not found.
"""

import collections
import json
import pathlib
import re
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor

import imageio_ffmpeg
import numpy as np

FOLDER, VOICESIM = pathlib.Path(sys.argv[1]), sys.argv[2]
RATE = 16_000
# A question is found if its end is found so near.
NEAR_MS = 1_500


def voicebench():
    from voicebench.vad import VadConfig, detect_segments

    def rule(caller, agent):
        question = [(s.start, s.end) for s in detect_segments(caller, RATE, VadConfig())]
        return question, [(s.start, s.end) for s in detect_segments(agent, RATE, VadConfig())], None

    return rule


def callback_voice():
    from callback_voice.providers.vad.silero_vad import SileroVad
    from callback_voice.scoring.timeline.speech_segments import speech_segments

    def rule(caller, agent):
        sides = [[(s.start_s, s.end_s) for s in speech_segments(side, SileroVad())] for side in (caller, agent)]
        return *sides, 0.02

    return rule


RIVALS = {"voicebench": voicebench, "callback-voice": callback_voice}


def heard_by(rule, name):
    """For every gap how far off the rival is, in milliseconds; None where it finds none."""
    ffmpeg = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", FOLDER / name, "-ar", str(RATE), "-f", "f32le", "-"]
    sound = np.frombuffer(subprocess.run(ffmpeg, stdout=subprocess.PIPE, check=True).stdout, "<f4").reshape(-1, 2)
    caller, agent, margin = rule(*(np.ascontiguousarray(sound[:, side]) for side in (0, 1)))
    found = []
    for end, start in TRUTH[name]:
        question = [s for s in caller if 1e3 * s[1] > end - NEAR_MS and 1e3 * s[0] < end]
        if not question or abs(1e3 * question[-1][1] - end) >= NEAR_MS:
            found.append(None)
            continue
        asked = question[0][0] if margin is None else question[-1][1] - margin
        if margin is not None and any(s[0] <= asked < s[1] for s in agent):
            # An answer that began over the question is none to it.
            found.append(None)
            continue
        answer = next((s[0] for s in agent if s[0] > asked), None)
        found.append(None if answer is None else abs(1e3 * (answer - question[-1][1]) - (start - end)))
    return found


def heard_by_voicesim(name):
    command = [VOICESIM, "measure", FOLDER / name, "--no-transcribe", "--json", "-q"]
    rows = json.loads(subprocess.run(command, capture_output=True).stdout)["detail"]
    rows = [row for row in rows if row["caller_end_ns"] is not None and row["agent_start_ns"] is not None]
    found = []
    for end, start in TRUTH[name]:
        def far(row):
            return abs(row["caller_end_ns"] / 1e6 - end) + abs(row["agent_start_ns"] / 1e6 - start)
        row = min(rows, key=far, default=None)
        if row is None or min(abs(row["caller_end_ns"] / 1e6 - end), abs(row["agent_start_ns"] / 1e6 - start)) > NEAR_MS:
            found.append(None)
        elif row.get("doubtful"):
            found.append("doubtful")
        else:
            found.append(abs((row["agent_start_ns"] - row["caller_end_ns"]) / 1e6 - (start - end)))
    return found


def heard(rival, name):
    return name, heard_by_voicesim(name) if rival == "voicesim" else heard_by(RIVALS[rival](), name)


def kind_of(name):
    parted = re.match(r"(?:seen|unseen)_([^_]+)_", name)
    return parted[1] if parted else name.rsplit("-", 1)[0]


TRUTH = json.loads((FOLDER / "truth.json").read_text())

if __name__ == "__main__":
    print(f"{'':24} {'':15} gaps found doubtful  <30ms <50ms <100ms >300ms, of those without doubt")
    table = collections.defaultdict(dict)
    for rival in ["voicesim", *RIVALS]:
        try:
            rival == "voicesim" or RIVALS[rival]()
        except ImportError:
            print(f"{rival} is not installed", file=sys.stderr)
            continue
        with ProcessPoolExecutor(2) as pool:
            for name, found in pool.map(heard, [rival] * len(TRUTH), TRUTH):
                table[kind_of(name)].setdefault(rival, []).extend(found)
    for kind, rivals in table.items():
        for rival, found in rivals.items():
            off = [one for one in found if isinstance(one, float)]
            doubtful = found.count("doubtful")
            counts = "".join(f"{sum(one <= limit for one in off):6}" for limit in (30, 50, 100))
            far = sum(one > 300 for one in off)
            print(f"{kind:24} {rival:15} {len(found):4} {len(off) + doubtful:5} {doubtful:8} {counts} {far:6}")
