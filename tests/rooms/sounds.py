"""What the studies of rooms share: the voices and noises of tests/calls/make.py, and how sound is written."""

import importlib.util
import pathlib
import wave

import numpy as np

RATE = 16_000
# A script waits this long before it speaks.
BEGINS_MS = 400

spec = importlib.util.spec_from_file_location("calls", pathlib.Path(__file__).parent.parent / "calls" / "make.py")
calls = importlib.util.module_from_spec(spec)
spec.loader.exec_module(calls)


def write(path, sound):
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((np.clip(sound, -1, 1) * 32_767).astype("<i2").tobytes())


def quietest(clip):
    """The quietest 20 ms in the middle of a clip."""
    power = np.convolve(clip**2, np.ones(RATE // 50), "same")
    begin, end = int(0.3 * len(clip)), int(0.75 * len(clip))
    return begin + int(np.argmin(power[begin:end]))
