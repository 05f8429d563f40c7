"""A bot of the real pipecat behind its own WebSocket transport, without a network: it waits for the caller to fall silent
and answers so many milliseconds after the caller's last voiced frame came in.

bot.py PORT LOG BREAKDOWN THRESHOLD DELAY_MS... writes a line to LOG for each answer, by its monotonic clock: when the last
voiced frame came in, how much of that frame is silent at its end, and when the first frame of the answer went out. And to
BREAKDOWN what pipecat itself tells of each, as it is told when the caller begins and ends.
"""
import array
import asyncio
import json
import math
import sys
import time

from pipecat.frames.frames import (
    InputAudioRawFrame,
    OutputAudioRawFrame,
    TTSAudioRawFrame,
    TTSStoppedFrame,
    UserStartedSpeakingFrame,
    UserStoppedSpeakingFrame,
    VADUserStartedSpeakingFrame,
    VADUserStoppedSpeakingFrame,
)
from pipecat.observers.user_bot_latency_observer import UserBotLatencyObserver
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.frame_processor import FrameProcessor
from pipecat.serializers.protobuf import ProtobufFrameSerializer
from pipecat.transports.websocket.server import (
    SingleClientWebsocketServerParams,
    SingleClientWebsocketServerTransport,
)
from pipecat.workers.runner import WorkerRunner
import wave

sys.path.insert(0, "tests/traces")
from breakdown import write_breakdowns

RATE = 16_000
# What the transport sends at a time, in samples: 40 ms.
PIECE = 640
# Silence that ends a turn; no delay is shorter.
SILENCE_MS = 250


class Logged(ProtobufFrameSerializer):
    """Dates what comes in and what goes out, at the wire."""

    def __init__(self, threshold):
        super().__init__()
        self.threshold = threshold
        self.voiced = None
        self.first_out = None

    async def deserialize(self, data):
        now = time.monotonic_ns()
        frame = await super().deserialize(data)
        if isinstance(frame, InputAudioRawFrame):
            samples = array.array("h", frame.audio)
            loud = [at for at, sample in enumerate(samples) if abs(sample) > self.threshold]
            if loud:
                rest = (len(samples) - 1 - loud[-1]) * 1_000_000_000 // frame.sample_rate
                self.voiced = (now, rest)
        return frame

    async def serialize(self, frame):
        if isinstance(frame, OutputAudioRawFrame) and self.first_out is None:
            self.first_out = time.monotonic_ns()
        return await super().serialize(frame)


class Canned(FrameProcessor):
    """Answers with a recording."""

    def __init__(self, wire, log, delays, sound):
        super().__init__()
        self.wire, self.log, self.delays, self.sound = wire, log, delays, sound
        self.answered = 0

    async def process_frame(self, frame, direction):
        await super().process_frame(frame, direction)
        if not isinstance(frame, InputAudioRawFrame):
            await self.push_frame(frame, direction)

    async def listen(self):
        handled, speaks = None, False
        while True:
            await asyncio.sleep(0.005)
            voiced = self.wire.voiced
            if voiced is None or voiced == handled:
                continue
            if not speaks:
                speaks = True
                await self.push_frame(VADUserStartedSpeakingFrame())
                await self.push_frame(UserStartedSpeakingFrame())
            silence_ns = time.monotonic_ns() - voiced[0]
            if silence_ns < SILENCE_MS * 1_000_000:
                continue
            handled, speaks = voiced, False
            await self.push_frame(VADUserStoppedSpeakingFrame(stop_secs=(silence_ns + voiced[1]) / 1e9))
            await self.push_frame(UserStoppedSpeakingFrame())
            delay = self.delays[self.answered % len(self.delays)]
            self.answered += 1
            due = voiced[0] + delay * 1_000_000
            await asyncio.sleep(max(0, due - time.monotonic_ns()) / 1e9)
            self.wire.first_out = None
            await self.push_frame(TTSAudioRawFrame(self.sound, RATE, 1))
            # Else pipecat takes the bot to go on for seconds.
            await self.push_frame(TTSStoppedFrame())
            while self.wire.first_out is None:
                await asyncio.sleep(0.005)
            line = {"delay_ms": delay, "voiced_ns": voiced[0], "rest_ns": voiced[1], "out_ns": self.wire.first_out}
            self.log.write(json.dumps(line) + "\n")
            self.log.flush()


def voice():
    """A recording, from its first sample that is audible, in whole pieces: what is left over of one answer, the transport
    sends before the next."""
    with wave.open("audio/fixtures/piper-yeah.wav") as file:
        assert file.getframerate() == RATE
        samples = array.array("h", file.readframes(file.getnframes()))
    peak = max(abs(sample) for sample in samples)
    first = next(at for at, sample in enumerate(samples) if abs(sample) > peak / 100)
    sound = samples[first:]
    sound.extend([0] * (-len(sound) % PIECE))
    return sound.tobytes()


async def main(port, log, breakdown, threshold, delays):
    wire = Logged(threshold)
    transport = SingleClientWebsocketServerTransport(
        SingleClientWebsocketServerParams(
            serializer=wire,
            audio_in_enabled=True,
            audio_out_enabled=True,
            audio_in_sample_rate=RATE,
            audio_out_sample_rate=RATE,
        ),
        host="127.0.0.1",
        port=port,
    )
    latency = UserBotLatencyObserver()
    write_breakdowns(latency, breakdown, "probed")
    canned = Canned(wire, log, delays, voice())
    worker = PipelineWorker(
        Pipeline([transport.input(), canned, transport.output()]),
        params=PipelineParams(audio_in_sample_rate=RATE, audio_out_sample_rate=RATE, enable_metrics=True),
        enable_rtvi=False,
        cancel_on_idle_timeout=False,
        observers=[latency],
    )

    @transport.event_handler("on_websocket_ready")
    async def _(_transport):
        print("ready", flush=True)

    @transport.event_handler("on_client_disconnected")
    async def _(_transport, _client):
        await worker.cancel()

    runner = WorkerRunner()
    await runner.add_workers(worker)
    listening = asyncio.create_task(canned.listen())
    await runner.run()
    listening.cancel()


port, path, breakdown, threshold, *delays = sys.argv[1:]
with open(path, "w") as log:
    asyncio.run(main(int(port), log, breakdown, math.floor(float(threshold)), [int(delay) for delay in delays]))
