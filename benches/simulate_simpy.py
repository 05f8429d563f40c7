"""The bare turns of benches/simulate.rs in SimPy: eight events, lognormal stages; alone, and of fifty callers who
share eight slots of a language model.

    pip install simpy
    python3 benches/simulate_simpy.py [TURNS] [REPEATS]
"""

import math
import random
import statistics
import sys
import time

import simpy

# Median in seconds and sigma: speech, endpoint, transcript, first token, first sentence, first audio, network, playback.
STAGES = [(1.5, 0.5), (0.5, 0.15), (0.12, 0.3), (0.35, 0.4), (0.15, 0.3), (0.15, 0.35), (0.05, 0.3), (2.5, 0.5)]


def simulate(turns):
    environment = simpy.Environment()
    draw = random.Random(1).lognormvariate
    latencies = []

    stages = [(math.log(median), sigma) for median, sigma in STAGES]
    speech, waits, playback = stages[0], stages[1:7], stages[7]

    def caller():
        timeout = environment.timeout
        for _ in range(turns):
            yield timeout(draw(*speech))
            asked = environment.now
            for wait in waits:
                yield timeout(draw(*wait))
            latencies.append(environment.now - asked)
            yield timeout(draw(*playback))

    environment.process(caller())
    start = time.perf_counter()
    environment.run()
    return turns / (time.perf_counter() - start), latencies


def simulate_pooled(turns, callers=50, slots=8):
    environment = simpy.Environment()
    model = simpy.Resource(environment, slots)
    draw = random.Random(1).lognormvariate
    latencies = []
    stages = [(math.log(median), sigma) for median, sigma in STAGES]

    def caller():
        timeout = environment.timeout
        for _ in range(turns // callers):
            yield timeout(draw(*stages[0]))
            asked = environment.now
            yield timeout(draw(*stages[1]))
            yield timeout(draw(*stages[2]))
            with model.request() as slot:
                yield slot
                yield timeout(draw(*stages[3]))
                yield timeout(draw(*stages[4]))
            yield timeout(draw(*stages[5]))
            yield timeout(draw(*stages[6]))
            latencies.append(environment.now - asked)
            yield timeout(draw(*stages[7]))

    for _ in range(callers):
        environment.process(caller())
    start = time.perf_counter()
    environment.run()
    return len(latencies) / (time.perf_counter() - start), latencies


def main():
    turns = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    repeats = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    for name, model in [("alone", simulate), ("50 callers on 8 slots", simulate_pooled)]:
        rates, latencies = zip(*(model(turns) for _ in range(repeats)))
        cuts = statistics.quantiles(latencies[-1], n=100)
        print(f"SimPy {simpy.__version__}, {name}: {statistics.median(rates):,.0f} turns/s, "
              f"mean {1e3 * statistics.mean(latencies[-1]):.1f} ms, "
              f"p50/p95/p99 {1e3 * cuts[49]:.0f}/{1e3 * cuts[94]:.0f}/{1e3 * cuts[98]:.0f} ms")


if __name__ == "__main__":
    main()
