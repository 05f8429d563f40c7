"""The bare turns of benches/simulate.rs in Cimba's Python package, which compiles them: eight events, lognormal stages;
alone, and of fifty callers who share eight slots of a language model.

    pip install cimba
    python3 benches/simulate_cimba.py [TURNS] [REPEATS]
"""

import math
import statistics
import sys
import time

import cimba as cb
from cimba import inputs

# Median in seconds and sigma: speech, endpoint, transcript, first token, first sentence, first audio, network, playback.
STAGES = [(1.5, 0.5), (0.5, 0.15), (0.12, 0.3), (0.35, 0.4), (0.15, 0.3), (0.15, 0.35), (0.05, 0.3), (2.5, 0.5)]
TURN_S = sum(median * math.exp(0.5 * sigma * sigma) for median, sigma in STAGES)


def stage(place):
    median, sigma = STAGES[place]
    return inputs.dist.lognormal(mean=math.log(median), sigma=sigma)


class Turns(cb.Model):
    """What both models have: a turn's stages, and its latencies."""

    speech: cb.Input[float] = stage(0)
    endpoint: cb.Input[float] = stage(1)
    transcript: cb.Input[float] = stage(2)
    token: cb.Input[float] = stage(3)
    sentence: cb.Input[float] = stage(4)
    audio: cb.Input[float] = stage(5)
    network: cb.Input[float] = stage(6)
    playback: cb.Input[float] = stage(7)
    latencies: cb.Dataset
    turns: cb.Output[float]
    mean: cb.Output[float]

    @cb.on_end
    def measure(self):
        self.turns = self.latencies.sample_count()
        self.mean = self.latencies.sample_mean()


class Alone(Turns):
    @cb.process
    def caller(self):
        while True:
            cb.hold(self.speech.next())
            asked = cb.now()
            cb.hold(self.endpoint.next())
            cb.hold(self.transcript.next())
            cb.hold(self.token.next())
            cb.hold(self.sentence.next())
            cb.hold(self.audio.next())
            cb.hold(self.network.next())
            self.latencies.record(cb.now() - asked)
            cb.hold(self.playback.next())


class Pooled(Turns):
    slots: cb.Resource = cb.Resource(capacity=8)

    @cb.process(copies=50)
    def caller(self):
        while True:
            cb.hold(self.speech.next())
            asked = cb.now()
            cb.hold(self.endpoint.next())
            cb.hold(self.transcript.next())
            self.slots.acquire(1)
            cb.hold(self.token.next())
            cb.hold(self.sentence.next())
            self.slots.release(1)
            cb.hold(self.audio.next())
            cb.hold(self.network.next())
            self.latencies.record(cb.now() - asked)
            cb.hold(self.playback.next())


def main():
    turns = int(sys.argv[1]) if len(sys.argv) > 1 else 2_000_000
    repeats = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    for name, make, callers in [("alone", Alone, 1), ("50 callers on 8 slots", Pooled, 50)]:
        model = make()

        def run(seconds, seed):
            window = cb.Window(warmup=0, duration=seconds)
            start = time.perf_counter()
            results = cb.Experiment(model, replications=1, window=window, seed=seed).run()
            took = time.perf_counter() - start
            count, mean = (float(column.values.ravel()[0]) for column in (results[model].turns, results[model].mean))
            return count / took, mean

        run(TURN_S, 0)  # Compiles it.
        rates, means = zip(*(run(turns * TURN_S / callers, seed) for seed in range(1, repeats + 1)))
        print(f"Cimba, {name}: {statistics.median(rates):,.0f} turns/s on one core, mean {1e3 * statistics.mean(means):.1f} ms")


if __name__ == "__main__":
    main()
