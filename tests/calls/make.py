"""Makes recordings of calls of which everything is known, from voices, music and noises that are not our own.

make.py VOICES OUT [KIND...]: VOICES is a folder that the Debian packages named in test.sh were unpacked in. The
truth is marked on the clean stems:
a question ends with its last sample above -40 dB of its peak, an answer begins with its first one. OUT/truth.json has
for every file [[end, start], ...] in milliseconds.
"""

import json
import pathlib
import subprocess
import sys
import wave

import imageio_ffmpeg
import numpy as np
from scipy import signal

RATE = 16_000
FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()
ROOT = pathlib.Path(sys.argv[1])
SOUNDS = ROOT / "usr/share/asterisk/sounds"
CALLS, TURNS = 10, 8
NARROW = signal.firwin(255, 3_600, fs=RATE)

TEXTS = {
    "en": ["What are your opening hours on Sunday?", "I would like to change my appointment, please.", "Do you deliver to the islands as well?",
           "Could you tell me the price of a single room for two nights?", "Yes.", "My number is four seven one nine.", "How do I get there by train?",
           "We are open from nine until half past five.", "Thank you for calling, how can I help you today?", "That will be twelve pounds fifty.",
           "I have found your booking. It is for two people on Friday at eight.", "No, we close at six on weekdays.", "One moment.", "Please hold the line while I look that up for you."],
    "de": ["Wann haben Sie am Sonntag geöffnet?", "Ich möchte meinen Termin verschieben.", "Liefern Sie auch auf die Inseln?", "Ja.",
           "Wir haben von neun bis halb sechs geöffnet.", "Das macht zwölf Euro fünfzig.", "Einen Augenblick bitte, ich sehe nach."],
}


def decoded(path):
    raw = subprocess.run([FFMPEG, "-v", "error", "-i", str(path), "-ac", "1", "-ar", str(RATE), "-f", "f32le", "-"], stdout=subprocess.PIPE, check=True).stdout
    return np.frombuffer(raw, "<f4").astype(np.float64)


def said(command):
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env={"LD_LIBRARY_PATH": str(ROOT / "usr/lib/x86_64-linux-gnu"), "PATH": "/usr/bin:/bin"})
    sound = decoded("/tmp/said.wav")
    return sound


def flite(voice, *options):
    return lambda text: said([str(ROOT / "usr/bin/flite"), "-voice", voice, *options, "-t", text, "-o", "/tmp/said.wav"])


def espeak(voice, *options):
    return lambda text: said(["espeak-ng", "-v", voice, *options, "-w", "/tmp/said.wav", text])


def trimmed(sound):
    """From the first to the last sample above -40 dB of the peak; the peak a tenth to a third of full scale."""
    loud = np.flatnonzero(np.abs(sound) > 0.01 * np.abs(sound).max())
    return sound[loud[0] : loud[-1] + 1] / np.abs(sound).max()


def people(folder, low=0.25, high=6.0):
    """Prompts that were spoken by somebody, without what else is in the folder."""
    clips = []
    for path in sorted((SOUNDS / folder).glob("*.wav")):
        if any(word in path.name for word in ("beep", "tone", "tt-", "monkeys", "silence", "confbridge-lock", "ascending", "descending")):
            continue
        sound = decoded(path)
        if len(sound) and np.abs(sound).max() > 0.05:
            clip = trimmed(sound)
            if low * RATE < len(clip) < high * RATE:
                clips.append(clip)
    return clips


def machine(speak, language="en"):
    return [trimmed(speak(text)) for text in TEXTS[language]]


def voices():
    seen = {
        "allison-en": lambda: people("en_US_f_Allison"),
        "june-fr": lambda: people("fr_CA_f_June"),
        "ivr-ru": lambda: people("ru_RU_f_IvrvoiceRU"),
        "kal16": lambda: machine(flite("kal16")),
        "rms": lambda: machine(flite("rms")),
        "rms-monotone": lambda: machine(flite("rms", "--setf", "int_f0_target_mean=110", "--setf", "int_f0_target_stddev=1")),
        "espeak-us": lambda: machine(espeak("en-us")),
        "espeak-f4": lambda: machine(espeak("en-gb+f4")),
    }
    unseen = {
        "carlo-it": lambda: people("it_IT_m_Carlo"),
        "allison-es": lambda: people("es_MX_f_Allison"),
        "awb": lambda: machine(flite("awb")),
        "slt-monotone": lambda: machine(flite("slt", "--setf", "int_f0_target_stddev=0")),
        "espeak-de": lambda: machine(espeak("de"), "de"),
    }
    return seen, unseen


def music():
    tunes = []
    for path in sorted(list((ROOT / "usr/share/games").rglob("*.ogg"))):
        if "music" in str(path) or "bgm" in str(path):
            sound = decoded(path)
            if len(sound) > 20 * RATE:
                tunes.append((path.stem, sound / np.abs(sound).max()))
    return tunes


class Maker:
    def __init__(self, seed, voices, tunes):
        self.random = np.random.default_rng(seed)
        self.voices = voices
        self.tunes = tunes

    def pick(self, name):
        clips = self.voices[name]
        return clips[self.random.integers(len(clips))]

    def call(self, gap=lambda r: r.choice([r.uniform(-400, 200), r.uniform(200, 1500), r.uniform(1500, 5000)], p=[0.12, 0.63, 0.25])):
        """Two stems, and where each question ends and its answer begins."""
        random = self.random
        names = list(self.voices)
        caller, agent = random.choice(names, 2, replace=False)
        level = [10 ** (random.uniform(-20, -6) / 20) for _ in range(2)]
        at = int(RATE * random.uniform(0.3, 1.5))
        parts, truth = ([], []), []
        if random.random() < 0.5:
            greeting = self.pick(agent)
            parts[1].append((at, greeting))
            at += len(greeting) + int(RATE * random.uniform(0.4, 1.5))
        for _ in range(TURNS):
            question = self.pick(caller)
            while len(question) < 0.3 * RATE:
                question = self.pick(caller)
            parts[0].append((at, question))
            end = at + len(question)
            if random.random() < 0.3:
                more = self.pick(caller)
                start = end + int(RATE * random.uniform(0.15, 0.9))
                parts[0].append((start, more))
                end = start + len(more)
            # Nobody is answered before having said anything.
            start = max(end + int(RATE * gap(random) / 1e3), at + int(0.3 * RATE), parts[0][-1][0] + int(0.3 * RATE))
            answer = self.pick(agent)
            while len(answer) < 0.9 * RATE:
                answer = np.concatenate([answer, np.zeros(int(RATE * random.uniform(0.1, 0.3))), self.pick(agent)])
            parts[1].append((start, answer))
            truth.append((1e3 * end / RATE, 1e3 * start / RATE))
            at = max(end, start + len(answer)) + int(RATE * random.uniform(0.5, 1.6))
        stems = []
        for own, gain in zip(parts, level):
            stem = np.zeros(at + RATE)
            for begin, clip in own:
                stem[begin : begin + len(clip)] += gain * clip
            stems.append(stem)
        return stems, truth, (caller, agent), parts


def dither(random, stem):
    return stem + random.normal(0, 10 ** (-75 / 20), len(stem))


def rms_of_speech(stem):
    frames = stem[: len(stem) // 320 * 320].reshape(-1, 320)
    level = np.sqrt((frames**2).mean(1))
    return np.sqrt((level[level > level.max() * 0.05] ** 2).mean())


def coloured(random, count):
    """Noise of a room or a line: falls with frequency by 0 to 6 dB an octave."""
    white = random.normal(0, 1, count)
    pole = random.uniform(0, 0.9)
    sound = signal.lfilter([1], [1, -pole], white)
    return sound / np.sqrt((sound**2).mean())


def noisy(db):
    def add(maker, stems, _):
        sides = [0] if maker.random.random() < 0.5 else [0, 1]
        for side in sides:
            stems[side] = stems[side] + coloured(maker.random, len(stems[side])) * rms_of_speech(stems[side]) * 10 ** (-db / 20)
        return stems

    return add


def stream(maker, count, names):
    sound = np.zeros(count)
    at = 0
    while at < count:
        clip = maker.pick(maker.random.choice(names))
        part = clip[: count - at]
        sound[at : at + len(part)] += part
        at += len(part) + int(RATE * maker.random.uniform(0.02, 0.4))
    return sound


def babble(db):
    def add(maker, stems, _):
        names = list(maker.voices)
        crowd = sum(stream(maker, len(stems[0]), names) for _ in range(6))
        crowd *= rms_of_speech(stems[0]) * 10 ** (-db / 20) / np.sqrt((crowd**2).mean())
        stems[0] = stems[0] + crowd
        return stems

    return add


def television(db):
    def add(maker, stems, _):
        show = stream(maker, len(stems[0]), list(maker.voices))
        _, tune = maker.tunes[maker.random.integers(len(maker.tunes))]
        show = show + 0.3 * np.resize(tune, len(show))
        stems[0] = stems[0] + show * rms_of_speech(stems[0]) * 10 ** (-db / 20) / rms_of_speech(show)
        return stems

    return add


def hold_music(maker, stems, truth):
    """Music in waits of more than 1.2 s, up to 150 ms before the answer."""
    for end, start in truth:
        if start - end > 1_200:
            _, tune = maker.tunes[maker.random.integers(len(maker.tunes))]
            begin, stop = int(RATE * (end + 300) / 1e3), int(RATE * (start - maker.random.uniform(150, 400)) / 1e3)
            offset = maker.random.integers(len(tune) - (stop - begin) - 1)
            part = tune[offset : offset + stop - begin].copy()
            ramp = min(len(part), 800)
            part[:ramp] *= np.linspace(0, 1, ramp)
            part[-ramp:] *= np.linspace(1, 0, ramp)
            stems[1][begin:stop] += 10 ** (maker.random.uniform(-30, -16) / 20) * part / max(np.sqrt((part**2).mean()), 1e-3) * 0.3
    return stems


def leak(db_range, delay_range):
    def add(maker, stems, _):
        random = maker.random
        stems = [stem.copy() for stem in stems]
        clean = [stem.copy() for stem in stems]
        for into in ([0], [1], [0, 1])[random.integers(3)]:
            delay = int(RATE * random.uniform(*delay_range) / 1e3)
            taps = signal.firwin2(33, [0, 0.02, 0.2, 0.5, 1], [0.2, random.uniform(0.5, 1), 1, random.uniform(0.2, 1), 0.1])
            late = signal.lfilter(taps, [1], clean[1 - into])
            gain = 10 ** (random.uniform(*db_range) / 20) * random.choice([-1, 1])
            stems[into][delay:] += gain * late[: len(late) - delay]
        return stems

    return add


def typing(maker, stems, truth):
    """Key clicks on the agent's side in waits of more than 700 ms."""
    random = maker.random
    for end, start in truth:
        at = end + 150
        while at < start - 120:
            length = int(RATE * random.uniform(0.003, 0.012))
            click = random.normal(0, 1, length) * np.exp(-np.arange(length) / (length / 4))
            begin = int(RATE * at / 1e3)
            stems[1][begin : begin + length] += 10 ** (random.uniform(-36, -20) / 20) * click
            at += random.uniform(80, 260)
    return stems


def comfort(maker, stems, truth):
    """Comfort noise only while the agent is silent, as with discontinuous transmission."""
    for side in (0, 1):
        noise = coloured(maker.random, len(stems[side])) * 10 ** (maker.random.uniform(-60, -45) / 20)
        active = np.convolve(np.abs(stems[side]) > 0, np.ones(1600), "same") > 0.5
        stems[side] = stems[side] + np.where(active, 0, noise)
    return stems


def offset(maker, stems, _):
    side = maker.random.integers(2)
    stems[side] = stems[side] + maker.random.choice([-1, 1]) * maker.random.uniform(0.01, 0.1)
    return stems


def apart(maker, stems, _):
    side = maker.random.integers(2)
    stems[side] = stems[side] * 10 ** (-30 / 20) * 0.1 / np.abs(stems[side]).max()
    return stems


def clipped(maker, stems, _):
    side = maker.random.integers(2)
    stems[side] = np.clip(stems[side] * 0.9 / np.abs(stems[side]).max() * 10 ** (maker.random.uniform(3, 12) / 20), -0.99, 0.99)
    return stems


def dropouts(maker, stems, _):
    """Packets of 20 ms that were lost, 2 of 100, and filled with silence."""
    for side in (0, 1):
        stem = stems[side].copy()
        for begin in np.flatnonzero(maker.random.random(len(stem) // 320) < 0.02):
            stem[begin * 320 : begin * 320 + 320] = 0
        stems[side] = stem
    return stems


def plain(maker, stems, _):
    return stems


def through(*arguments, suffix, rate=None):
    def codec(path):
        coded = path.with_suffix(suffix)
        subprocess.run([FFMPEG, "-v", "error", "-y", "-i", path, *arguments, coded], check=True)
        path.unlink()
        if suffix != ".wav" and suffix != ".mp3":
            subprocess.run([FFMPEG, "-v", "error", "-y", "-i", coded, "-c:a", "pcm_s16le", path], check=True)
            coded.unlink()
            return path
        return coded

    return codec


def ulaw(path):
    coded = path.with_name(path.stem + "-u.wav")
    subprocess.run([FFMPEG, "-v", "error", "-y", "-i", path, "-ar", "8000", "-c:a", "pcm_mulaw", coded], check=True)
    path.unlink()
    return coded


def at_8khz(path):
    coded = path.with_name(path.stem + "-8.wav")
    subprocess.run([FFMPEG, "-v", "error", "-y", "-i", path, "-ar", "8000", coded], check=True)
    path.unlink()
    return coded


KINDS = {
    "quiet-16k": (plain, None),
    "quiet-8k": (plain, at_8khz),
    "ulaw": (plain, ulaw),
    "mp3": (plain, through("-b:a", "48k", suffix=".mp3")),
    "opus": (plain, through("-c:a", "libopus", "-b:a", "32k", "-application", "voip", suffix=".ogg")),
    "leak-sidetone": (leak((-40, -12), (0, 5)), None),
    "leak-near": (leak((-40, -12), (5, 60)), None),
    "leak-far": (leak((-40, -12), (60, 250)), None),
    "leak-late-8k": (leak((-30, -12), (250, 400)), ulaw),
    "noise-20": (noisy(20), None),
    "noise-20-8k": (noisy(20), ulaw),
    "noise-10": (noisy(10), None),
    "babble-20": (babble(20), None),
    "tv-30": (television(30), None),
    "hold-music": (hold_music, None),
    "hold-music-8k": (hold_music, ulaw),
    "typing": (typing, None),
    "comfort": (comfort, None),
    "dc-offset": (offset, None),
    "30-db-apart": (apart, None),
    "clipped": (clipped, None),
    "dropouts": (dropouts, None),
}


def write(path, stems):
    sound = np.stack(stems, 1)
    peak = np.abs(sound).max()
    if peak > 1:
        sound = sound / peak
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((32767 * sound).astype("<i2").tobytes())


def main():
    out = pathlib.Path(sys.argv[2])
    out.mkdir(parents=True, exist_ok=True)
    chosen = sys.argv[3:]
    seen, unseen = voices()
    tunes = music()
    truths = json.loads((out / "truth.json").read_text()) if chosen and (out / "truth.json").exists() else {}
    for part, makers in (("seen", seen), ("unseen", unseen)):
        loaded = {name: make() for name, make in makers.items()}
        # What a telephone does not carry nobody can hear the end of.
        narrow = {name: [trimmed(np.convolve(clip, NARROW)) for clip in clips] for name, clips in loaded.items()}
        tunes_of = tunes[::2] if part == "seen" else tunes[1::2]
        for number, (kind, (surround, codec)) in enumerate(KINDS.items()):
            if chosen and kind not in chosen:
                continue
            maker = Maker(1_000 * number + (part == "unseen"), loaded, tunes_of)
            for index in range(CALLS if part == "seen" else CALLS // 2):
                maker.voices = narrow if codec in (ulaw, at_8khz) else loaded
                stems, truth, who, _ = maker.call()
                stems = surround(maker, stems, truth)
                stems = [dither(maker.random, stem) for stem in stems]
                path = out / f"{part}_{kind}_{index}_{who[0]}_{who[1]}.wav"
                write(path, stems)
                if codec:
                    path = codec(path)
                truths[path.name] = [[round(a, 3), round(b, 3)] for a, b in truth]
    (out / "truth.json").write_text(json.dumps(truths))
    print(len(truths), "calls", sum(map(len, truths.values())), "gaps")


if __name__ == "__main__":
    main()
