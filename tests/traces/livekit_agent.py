"""Runs a session of the real livekit-agents without a network: engines that only take their time, two turns.

livekit_agent.py FOLDER writes livekit.otlp.json, livekit.pb and history.json.
"""
import asyncio
import json
import sys
import time
from pathlib import Path

from export import Exporter
from livekit import rtc
from livekit.agents import Agent, AgentSession, llm, stt, telemetry, tts
from livekit.agents.testing import fake_job_context
from livekit.agents.types import APIConnectOptions, DEFAULT_API_CONNECT_OPTIONS
from livekit.agents.voice import io
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

RATE = 16_000


def silence(seconds):
    samples = int(RATE * seconds)
    return rtc.AudioFrame(b"\0\0" * samples, RATE, 1, samples)


class Script(stt.RecognizeStream):
    """Hears what the script says, whatever sounds."""

    async def _run(self):
        async def drain():
            async for _ in self._input_ch:
                pass

        drained = asyncio.create_task(drain())
        while True:
            words = await self._stt.words.get()
            send = self._event_ch.send_nowait
            send(stt.SpeechEvent(stt.SpeechEventType.START_OF_SPEECH))
            await asyncio.sleep(0.6)
            data = [stt.SpeechData(language="en", text=words, confidence=1.0)]
            send(stt.SpeechEvent(stt.SpeechEventType.INTERIM_TRANSCRIPT, alternatives=data))
            send(stt.SpeechEvent(stt.SpeechEventType.END_OF_SPEECH))
            await asyncio.sleep(0.15)
            send(stt.SpeechEvent(stt.SpeechEventType.FINAL_TRANSCRIPT, alternatives=data))
            if words is None:
                break
        await drained


class Recogniser(stt.STT):
    def __init__(self):
        super().__init__(capabilities=stt.STTCapabilities(streaming=True, interim_results=True))
        self.words = asyncio.Queue()

    async def _recognize_impl(self, *_, **__):
        raise NotImplementedError

    def stream(self, *, language=None, conn_options=DEFAULT_API_CONNECT_OPTIONS):
        return Script(stt=self, conn_options=conn_options, sample_rate=RATE)


class Words(llm.LLMStream):
    async def _run(self):
        await asyncio.sleep(0.2)
        for word in ["We ", "open ", "at ", "eight. ", "Anything ", "else?"]:
            delta = llm.ChoiceDelta(role="assistant", content=word)
            self._event_ch.send_nowait(llm.ChatChunk(id="x", delta=delta))
            await asyncio.sleep(0.01)


class Model(llm.LLM):
    def chat(self, *, chat_ctx, tools=None, conn_options=DEFAULT_API_CONNECT_OPTIONS, **_):
        return Words(self, chat_ctx=chat_ctx, tools=tools or [], conn_options=conn_options)


class Sound(tts.ChunkedStream):
    async def _run(self, output_emitter):
        output_emitter.initialize(
            request_id="x", sample_rate=RATE, num_channels=1, mime_type="audio/pcm"
        )
        await asyncio.sleep(0.1)
        output_emitter.push(b"\0\0" * int(RATE * 0.8))
        output_emitter.flush()


class Voice(tts.TTS):
    def __init__(self):
        super().__init__(
            capabilities=tts.TTSCapabilities(streaming=False), sample_rate=RATE, num_channels=1
        )

    def synthesize(self, text, *, conn_options=DEFAULT_API_CONNECT_OPTIONS):
        return Sound(tts=self, input_text=text, conn_options=conn_options)


class Microphone(io.AudioInput):
    def __init__(self):
        super().__init__(label="script")

    async def __anext__(self):
        await asyncio.sleep(0.02)
        return silence(0.02)


class Speaker(io.AudioOutput):
    """Plays as long as the sound lasts, and hears nothing."""

    def __init__(self):
        super().__init__(
            label="script", capabilities=io.AudioOutputCapabilities(pause=False), sample_rate=RATE
        )
        self.length = 0.0
        self.playing = None

    async def capture_frame(self, frame):
        await super().capture_frame(frame)
        if self.length == 0.0:
            self.on_playback_started(created_at=time.time())
        self.length += frame.duration

    def flush(self):
        super().flush()
        if self.length:
            self.playing = asyncio.create_task(self.play(self.length))
            self.length = 0.0

    async def play(self, seconds):
        await asyncio.sleep(seconds)
        self.on_playback_finished(playback_position=seconds, interrupted=False)

    def clear_buffer(self):
        if self.playing and not self.playing.done():
            self.playing.cancel()
            self.on_playback_finished(playback_position=0.1, interrupted=True)


async def main(folder):
    exporter = Exporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    telemetry.set_tracer_provider(provider)
    with fake_job_context():
        ears = Recogniser()
        session = AgentSession(stt=ears, llm=Model(), tts=Voice(), vad=None, turn_handling={"turn_detection": "stt"})
        session.input.audio = Microphone()
        session.output.audio = Speaker()
        await session.start(Agent(instructions="Answer."), record=False)
        for words in ["When do you open?", "And on Sunday?"]:
            await asyncio.sleep(0.5)
            ears.words.put_nowait(words)
            await asyncio.sleep(5)
        history = session.history.to_dict(exclude_metrics=False)
        (folder / "history.json").write_text(json.dumps(history, default=str))
        await session.aclose()
    exporter.write(folder / "livekit.otlp.json", folder / "livekit.pb")


asyncio.run(main(Path(sys.argv[1])))
