"""Runs a pipeline of the real pipecat without a network: services that only take their time, three turns.

pipecat_pipeline.py FOLDER writes pipecat.otlp.json, pipecat.pb (as exporters do) and breakdown.jsonl.
"""
import asyncio
import sys
import time
from pathlib import Path

from export import Exporter
from breakdown import write_breakdowns
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from pipecat.frames.frames import (
    BotStartedSpeakingFrame,
    BotStoppedSpeakingFrame,
    EndFrame,
    LLMContextFrame,
    LLMFullResponseEndFrame,
    LLMFullResponseStartFrame,
    LLMTextFrame,
    TranscriptionFrame,
    TTSAudioRawFrame,
    UserStartedSpeakingFrame,
    UserStoppedSpeakingFrame,
    VADUserStartedSpeakingFrame,
    VADUserStoppedSpeakingFrame,
)
from pipecat.observers.user_bot_latency_observer import UserBotLatencyObserver
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.frame_processor import FrameProcessor
from pipecat.services.llm_service import LLMService
from pipecat.services.tts_service import TTSService
from pipecat.utils.tracing.service_decorators import traced_llm, traced_tts
from pipecat.workers.runner import WorkerRunner


class Model(LLMService):
    @traced_llm
    async def answer(self, context):
        await self.push_frame(LLMFullResponseStartFrame())
        await self.start_ttfb_metrics()
        await asyncio.sleep(0.12)
        await self.stop_ttfb_metrics()
        for word in ["We ", "open ", "at ", "eight."]:
            await self.push_frame(LLMTextFrame(word))
            await asyncio.sleep(0.01)
        await self.push_frame(LLMFullResponseEndFrame())

    def can_generate_metrics(self):
        return True

    async def process_frame(self, frame, direction):
        await super().process_frame(frame, direction)
        if isinstance(frame, LLMContextFrame):
            await self.answer(frame.context)
        else:
            await self.push_frame(frame, direction)


class Voice(TTSService):
    def can_generate_metrics(self):
        return True

    @traced_tts
    async def run_tts(self, text, context_id=None):
        await self.start_ttfb_metrics()
        await asyncio.sleep(0.08)
        await self.stop_ttfb_metrics()
        for _ in range(3):
            yield TTSAudioRawFrame(b"\0\0" * 4800, 24000, 1)


class Speaker(FrameProcessor):
    """Says that the bot speaks, as a transport does."""

    def __init__(self):
        super().__init__()
        self.speaks = False
        self.done = asyncio.Event()

    async def process_frame(self, frame, direction):
        await super().process_frame(frame, direction)
        await self.push_frame(frame, direction)
        if isinstance(frame, TTSAudioRawFrame) and not self.speaks:
            self.speaks = True
            await asyncio.sleep(0.02)
            await self.broadcast_frame(BotStartedSpeakingFrame)
            await asyncio.sleep(0.3)
            await self.broadcast_frame(BotStoppedSpeakingFrame)
            self.speaks = False
            self.done.set()


async def main(folder):
    exporter = Exporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    latency = UserBotLatencyObserver()
    breakdown = folder / "breakdown.jsonl"
    write_breakdowns(latency, breakdown, "offline")
    speaker = Speaker()
    worker = PipelineWorker(
        Pipeline([Model(), Voice(sample_rate=24000), speaker]),
        params=PipelineParams(enable_metrics=True),
        enable_tracing=True,
        enable_rtvi=False,
        conversation_id="offline",
        cancel_on_idle_timeout=False,
        observers=[latency],
    )
    started = asyncio.Event()

    @worker.event_handler("on_pipeline_started")
    async def _(_worker, _frame):
        started.set()

    async def caller():
        await asyncio.wait_for(started.wait(), 10)
        for number in range(3):
            speaker.done.clear()
            await worker.queue_frame(VADUserStartedSpeakingFrame())
            await worker.queue_frame(UserStartedSpeakingFrame())
            await asyncio.sleep(0.3)
            await worker.queue_frame(VADUserStoppedSpeakingFrame(stop_secs=0.2))
            await asyncio.sleep(0.05)
            text = f"Question {number}"
            await worker.queue_frame(TranscriptionFrame(text, "caller", str(time.time())))
            await worker.queue_frame(UserStoppedSpeakingFrame())
            context = LLMContext([{"role": "user", "content": text}])
            await worker.queue_frame(LLMContextFrame(context))
            await asyncio.wait_for(speaker.done.wait(), 20)
            await asyncio.sleep(0.3)
        await asyncio.sleep(3)
        await worker.queue_frame(EndFrame())

    runner = WorkerRunner()
    await runner.add_workers(worker)
    await asyncio.gather(runner.run(), caller())
    provider.shutdown()
    exporter.write(folder / "pipecat.otlp.json", folder / "pipecat.pb")


asyncio.run(main(Path(sys.argv[1])))
