"""Kills voicesim at random times, and has hostile servers answer it: nothing may be lost, hang, panic, or take
memory without end. Usage: attack.py VOICESIM FOLDER [--kills N] [--servers N]. Counts are printed; exit 1 if
anything did not hold."""

import argparse
import json
import os
import pathlib
import random
import resource
import shutil
import signal
import socket
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor

ROOT = pathlib.Path(__file__).resolve().parents[2]
KEY = "sk-attack-0123456789abcdef"
# What a reader may say of what is left: whole, flagged, or refused.
FLAGS = ("not whole", "stopped or killed")
MEMORY_MAX = 2 << 30
SERVER_S_MAX = 150

failures = []


def fails(what):
    failures.append(what)
    print(f"NOT HELD: {what}", flush=True)


# ------------------------------------------------------------------ kills

COMMANDS = [
    ["run", "audio/simulations/scripted.toml", "--clock", "virtual"],
    ["simulate", "audio/simulations/assistant.toml", "--conversations", "400", "--threads", "1", "--events", "all"],
    ["simulate", "audio/simulations/load.toml", "--worlds", "1", "--threads", "1"],
    ["measure", "--caller", "audio/fixtures/en-us-average.wav", "--agent", "audio/fixtures/en-us-reply.wav",
     "--no-transcribe"],
    ["import", "tests/it/data/traces", "--format", "retell"],
]


def kills(voicesim, folder, count):
    draw = random.Random(1)
    environment = dict(os.environ, VOICESIM_MODELS="/nonexistent/models")
    commands, whole = [], {}
    for number, command in enumerate(COMMANDS):
        out = folder / f"whole-{number}"
        begun = time.monotonic()
        held = subprocess.run([voicesim, *command, "--out", out, "-q"], cwd=ROOT, env=environment,
                              capture_output=True)
        if held.returncode not in (0, 1):
            fails(f"{' '.join(command)} cannot be killed, it ends with {held.returncode}: {held.stderr.decode()[:200]}")
            continue
        commands.append(number)
        whole[number] = (time.monotonic() - begun, out)
    killed = half = finished = 0
    for nth in range(count if commands else 0):
        number = commands[nth % len(commands)]
        lasts, kept = whole[number]
        out = folder / f"killed-{number}"
        shutil.rmtree(out, ignore_errors=True)
        with subprocess.Popen([voicesim, *COMMANDS[number], "--out", out, "-q"], cwd=ROOT, env=environment,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as child:
            time.sleep(draw.uniform(0, lasts * 1.05))
            child.send_signal(signal.SIGKILL)
            finished += child.wait() in (0, 1)
        killed += 1
        half += left(voicesim, out, kept, f"kill {nth} of {' '.join(COMMANDS[number][:2])}", environment)
    print(f"kills: {killed}, of which {half} left half a folder and {finished} came too late")


def left(voicesim, out, kept, what, environment):
    """Whether what is left says that it is half; events are a beginning of those of the whole."""
    if not out.exists() or not any(out.iterdir()):
        return False
    events, all_events = out / "events.jsonl", kept / "events.jsonl"
    if events.is_file() and all_events.is_file():
        lines = events.read_bytes()
        if not all_events.read_bytes().startswith(lines):
            fails(f"{what}: its events are no beginning of the whole's")
    read = subprocess.run([voicesim, "report", out, "-q"], capture_output=True, env=environment, timeout=120)
    said = read.stdout.decode(errors="replace")
    is_flagged = any(flag in said for flag in FLAGS)
    is_half = (out / "unfinished").exists()
    if read.returncode not in (0, 2):
        fails(f"{what}: report ends with {read.returncode}: {read.stderr.decode()[:300]}")
    if read.returncode == 0 and is_half and not is_flagged:
        fails(f"{what}: half a folder is reported as a whole one")
    if not is_half and read.returncode != 0 and (out / "header.json").is_file():
        fails(f"{what}: a whole folder is refused: {read.stderr.decode()[:300]}")
    return is_half


# ------------------------------------------------------------------ servers

def head(status="200 OK", kind="text/event-stream", more=""):
    return f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\n{more}\r\n".encode()


def piece(text):
    return b"data: " + json.dumps({"choices": [{"delta": {"content": text}}]}).encode() + b"\n\n"


def forever(connection, first, again, pause=0.0):
    connection.sendall(first)
    while True:
        connection.sendall(again)
        if pause:
            time.sleep(pause)


def hang(connection):
    while connection.recv(4096):
        pass


CLOSE = "Connection: close\r\n"


def behaviours(canary):
    """What servers do that they should not, by name: each is given the connection after it read a request."""
    send = lambda *parts: lambda c: [c.sendall(part) for part in parts]
    moved = lambda code: send(head(f"{code} Moved", more=f"Location: {canary}/steal\r\nContent-Length: 0\r\n{CLOSE}"))
    deep = b"[" * 200_000
    mixed = {
        "says nothing": hang,
        "closes at once": lambda c: None,
        "half a status line": send(b"HTTP/1.1 2"),
        "no HTTP": send(b"\x16\x03\x01\x00\x00 SSH-2.0 hello\r\n"),
        "endless headers": lambda c: forever(c, b"HTTP/1.1 200 OK\r\n", b"X-A: " + b"y" * 8000 + b"\r\n"),
        "one endless header": lambda c: forever(c, b"HTTP/1.1 200 OK\r\nX: ", b"y" * 65536),
        "endless status": lambda c: forever(c, b"HTTP/1.1 200 ", b"O" * 65536),
        "huge length": send(head(more=f"Content-Length: {10**15}\r\n"), piece("Yes.")),
        "negative length": send(head(more="Content-Length: -1\r\n"), piece("Yes.")),
        "two lengths": send(head(more="Content-Length: 3\r\nContent-Length: 4000\r\n"), b"abc"),
        "redirects 307": moved(307),
        "redirects 301": moved(301),
        "redirects 308": moved(308),
        "endless body": lambda c: forever(c, head(more=CLOSE), b"z" * 65536),
        "endless pieces": lambda c: forever(c, head(more=CLOSE), piece("word and word ") * 100),
        "endless pings": lambda c: forever(c, head(more=CLOSE), b": ping\n\n" * 1000),
        "slow pings": lambda c: forever(c, head(more=CLOSE), b": ping\n\n", 0.2),
        "a drip": lambda c: forever(c, head(more=CLOSE), b"d", 0.2),
        "endless white space": lambda c: forever(c, head(kind="application/json", more=CLOSE), b" " * 65536),
        "deep JSON": send(head(kind="application/json", more=CLOSE), deep),
        "deep JSON in an event": send(head(more=CLOSE), b"data: " + deep + b"\n\n"),
        "an event of 64 MB": send(head(more=CLOSE), b"data: " + b"x" * (64 << 20) + b"\n\n"),
        "an answer of 64 MB": send(head(more=CLOSE), piece("word " * (13 << 20))),
        "binary": send(head(kind="application/octet-stream", more=CLOSE), os.urandom(100_000)),
        "HTML": send(head(kind="text/html", more=CLOSE), b"<html><title>\x1b[2JLog in</title></html>"),
        "no body": send(head(more="Content-Length: 0\r\n" + CLOSE)),
        "an error with the key": send(head("401 No", "application/json", CLOSE),
                                      json.dumps({"error": {"message": f"bad key {KEY}"}}).encode()),
        "an error of 64 MB": send(head("500 No", "application/json", CLOSE), b'{"error":"' + b"E" * (64 << 20) + b'"}'),
        "an endless error": lambda c: forever(c, head("500 No", more=CLOSE), b"E" * 65536),
        "the key in pieces": send(head(more=CLOSE), *[piece(KEY[n:n + 3]) for n in range(0, len(KEY), 3)],
                                  b"data: [DONE]\n\n"),
        "busy for a year": send(head("429 Busy", more="Retry-After: 31536000\r\nContent-Length: 0\r\n" + CLOSE)),
        "busy for ever": send(head("503 Busy", more="Retry-After: 1e400\r\nContent-Length: 0\r\n" + CLOSE)),
        "a chunk of 2^64": send(head(more="Transfer-Encoding: chunked\r\n"), b"ffffffffffffffff\r\nabc"),
        "a chunk of no size": send(head(more="Transfer-Encoding: chunked\r\n"), b"zz\r\nabc\r\n"),
        "endless chunk size": lambda c: forever(c, head(more="Transfer-Encoding: chunked\r\n"), b"0" * 65536),
        "endless chunk extension": lambda c: forever(c, head(more="Transfer-Encoding: chunked\r\n"), b"1;" + b"a" * 65536),
        "a gzip bomb": send(head(more="Content-Encoding: gzip\r\n" + CLOSE), bomb()),
        "no gzip": send(head(more="Content-Encoding: gzip\r\n" + CLOSE), b"not at all"),
        "103 again and again": lambda c: forever(c, b"", b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"),
        "switches protocols": send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n\x81\x05hello"),
    }
    return mixed


def bomb():
    import gzip
    return gzip.compress(b"\0" * (256 << 20), 9)


def serve(behave):
    listener = socket.create_server(("127.0.0.1", 0))

    def one(connection):
        with connection:
            connection.settimeout(SERVER_S_MAX)
            try:
                got = b""
                while b"\r\n\r\n" not in got:
                    more = connection.recv(65536)
                    if not more:
                        return
                    got += more
                behave(connection)
            except OSError:
                pass

    def accept():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=one, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    return listener, f"http://127.0.0.1:{listener.getsockname()[1]}"


STAGES = {
    "answer": 'engine = "openai"\nurl = "{url}/v1"\nmodel = "m"\nkey_env = "ATTACK_KEY"',
    "tts": 'engine = "openai"\nurl = "{url}/v1"\nmodel = "m"\nkey_env = "ATTACK_KEY"',
    "stt": 'engine = "openai"\nurl = "{url}/v1"\nmodel = "m"\nkey_env = "ATTACK_KEY"',
}
SIMULATED = 'engine = "simulated"\nlatency = {{ fixed_ms = 100 }}'


def hostile(voicesim, folder, stage, name, behave):
    listener, url = serve(behave)
    place = folder / f"{stage}-{name}".replace(" ", "-").replace("^", "")
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    tables = []
    for other in ("stt", "answer", "tts"):
        table = STAGES[stage] if other == stage else SIMULATED
        tables.append(f"[{other}]\n" + table.format(url=url))
    wav = ROOT / "audio/fixtures/en-us-average.wav"
    scenario = "\n".join([*tables, "[speculation]\nenabled = false", f'[[turn]]\nwav = "{wav}"'])
    (place / "s.toml").write_text(scenario + "\n")
    environment = dict(os.environ, ATTACK_KEY=KEY, VOICESIM_MODELS="/nonexistent/models")
    command = [voicesim, "run", place / "s.toml", "--clock", "virtual", "--out", place / "out", "-q"]
    begun = time.monotonic()
    what = f"server that {name}, as {stage}"
    try:
        held = subprocess.run(["/usr/bin/env", "bash", "-c", 'ulimit -v 6000000; exec "$@"', "_", *command], cwd=place,
                              env=environment, capture_output=True, timeout=SERVER_S_MAX)
    except subprocess.TimeoutExpired:
        fails(f"{what}: hangs for {SERVER_S_MAX} s")
        return 0
    finally:
        listener.close()
    if held.returncode not in (0, 1, 2, 3):
        fails(f"{what}: ends with {held.returncode}: {held.stderr.decode(errors='replace')[-300:]}")
    said = held.stdout + held.stderr
    if KEY.encode() in said or b"\x1b" in said:
        fails(f"{what}: the key or an escape sequence is printed")
    for path in place.rglob("*"):
        if path.is_file() and KEY.encode() in path.read_bytes():
            fails(f"{what}: {path} holds the key")
    shutil.rmtree(place, ignore_errors=True)
    return time.monotonic() - begun


def servers(voicesim, folder, count):
    called = []
    canary, address = serve(lambda connection: called.append(True))
    every = [(stage, name, behave) for name, behave in behaviours(address).items() for stage in STAGES]
    # The answer first: it is streamed, and has most to get wrong.
    every.sort(key=lambda one: one[0] != "answer")
    chosen = every[:count]
    with ThreadPoolExecutor(8) as pool:
        took = list(pool.map(lambda one: hostile(voicesim, folder, *one), chosen))
    canary.close()
    if called:
        fails(f"the address of a redirect was called {len(called)} times")
    print(f"hostile servers: {len(chosen)} of {len(every)}, the longest {max(took, default=0):.0f} s")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("voicesim", type=pathlib.Path)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--servers", type=int, default=60)
    asked = parser.parse_args()
    folder = asked.folder.resolve()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    voicesim = asked.voicesim.resolve()
    kills(voicesim, folder, asked.kills)
    servers(voicesim, folder, asked.servers)
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    print(f"the most memory that one took: {children >> 10} MiB")
    if children << 10 > MEMORY_MAX:
        fails(f"one took {children >> 10} MiB")
    raise SystemExit(1 if failures else 0)


if __name__ == "__main__":
    main()
