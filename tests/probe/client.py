"""Talks to a pipeline that voicesim serves through OpenAI's own client of the Realtime API: client.py VOICESIM."""
import array
import asyncio
import base64
import subprocess
import sys
import time
import wave

from openai import AsyncOpenAI

RATE = 24_000
FRAME = RATE // 50
# What a client sees of a turn, each kind when it first comes.
TURN = [
    "session.created",
    "session.updated",
    "input_audio_buffer.speech_started",
    "input_audio_buffer.speech_stopped",
    "input_audio_buffer.committed",
    "response.created",
    "response.output_item.added",
    "response.content_part.added",
    "response.output_audio_transcript.delta",
    "response.output_audio.delta",
    "response.output_audio.done",
    "response.output_audio_transcript.done",
    "response.done",
]


def question():
    """A recording at 24 kHz, with silence behind it."""
    with wave.open("audio/fixtures/piper-graphics.wav") as file:
        heard = array.array("h", file.readframes(file.getnframes()))
    sound = array.array("h", [heard[at * 2 // 3] for at in range(len(heard) * 3 // 2)])
    sound.extend([0] * (4 * RATE))
    return sound


async def talk(address):
    seen, samples = [], 0
    client = AsyncOpenAI(api_key="none", websocket_base_url=address)
    async with client.realtime.connect(model="voicesim") as connection:
        await connection.session.update(session={"type": "realtime", "instructions": "Be brief."})

        async def send(sound):
            due = time.monotonic()
            for at in range(0, len(sound), FRAME):
                frame = base64.b64encode(sound[at : at + FRAME].tobytes()).decode()
                await connection.input_audio_buffer.append(audio=frame)
                due += 0.02
                await asyncio.sleep(max(0, due - time.monotonic()))

        sending = asyncio.create_task(send(question()))
        async for event in connection:
            if event.type not in seen:
                seen.append(event.type)
            if event.type == "response.output_audio.delta":
                samples += len(base64.b64decode(event.delta)) // 2
            if event.type == "response.done":
                break
        sending.cancel()
    if event.response.status != "completed" or seen != TURN or samples < RATE // 4:
        sys.exit(f"wrong: {event.response.status}, {samples} samples, {seen}")
    print(f"  a turn in {len(seen)} kinds of events, as they should come, {samples / RATE:.1f} s of sound")


serving = ["serve", "--listen", "127.0.0.1:0", "--calls", "1", "--protocol", "realtime"]
engines = [word for stage in ("stt", "answer", "tts") for word in (f"--{stage}", "simulated")]
serve = subprocess.Popen([sys.argv[1], "-q", *serving, *engines], stdout=subprocess.PIPE, text=True)
asyncio.run(asyncio.wait_for(talk(serve.stdout.readline().strip()), 60))
serve.wait(20)
