"""Timing: unrolled batches in interleaved rounds, and single calls for what is seldom and slow."""

import gc
import random
import re
import statistics
import threading
import time
from typing import NamedTuple

#: Statements of one unrolled pass.
UNROLLED = 16


class Figure(NamedTuple):
    """Nanoseconds an operation: the median of the batches' means, and the 99th percentile of single calls."""

    median: float
    p99: float
    #: The mean of each round's batch, for ratios within rounds.
    rounds: list


class Case:
    """One operation of one contender, compiled."""

    def __init__(self, way, keys, value):
        self.way = way
        keys = [way.prefix + key for key in keys]
        names = {**way.names, "keys": keys, "value": value, "clock": time.perf_counter_ns}
        bound = "".join(f"    {name} = {name}_\n" for name in names)
        given = ", ".join(f"{name}_" for name in names)
        locals_of_keys = "".join(f"    key{i} = keys[{i}]\n" for i in range(UNROLLED))
        calls = "".join(
            "        " + re.sub(r"\bkey\b", f"key{i}", way.statement) + "\n" for i in range(UNROLLED)
        )
        # Single calls go over the keys; the clock's own time is part of each.
        source = (
            f"def batch(passes, {given}):\n{bound}{locals_of_keys}"
            f"    for _ in range(passes):\n{calls}"
            f"def single(nanos, {given}):\n{bound}"
            f"    for i in range(len(nanos)):\n        key = keys[i % {UNROLLED}]\n"
            f"        began = clock()\n        {way.statement}\n        nanos[i] = clock() - began\n"
        )
        scope = {}
        exec(source, scope)
        arguments = tuple(names.values())
        self.batch = lambda passes: scope["batch"](passes, *arguments)
        self.single = lambda nanos: scope["single"](nanos, *arguments)
        self.passes = 1

    def calibrate(self, seconds):
        """Finds how many passes take about so long, when nobody interrupts."""
        while True:
            taken = min(self.seconds_taken() for _ in range(3))
            if taken > seconds / 4 or self.passes > 1 << 20:
                break
            self.passes *= 2
        self.passes = max(1, int(self.passes * seconds / max(taken, 1e-9)))

    def seconds_taken(self):
        """How long the passes take once."""
        began = time.perf_counter()
        self.batch(self.passes)
        taken = time.perf_counter() - began
        self.way.tidy()
        return taken

    def nanos_per_operation(self, threads):
        """The mean over one batch of each thread."""
        # Threads take their time to start: the more is to be done then.
        passes = self.passes if threads == 1 else max(1, self.passes * 20 // threads)
        if threads == 1:
            began = time.perf_counter_ns()
            self.batch(passes)
            taken = time.perf_counter_ns() - began
        else:
            taken = together(threads, lambda: self.batch(passes))
        self.way.tidy()
        return taken / (passes * threads * UNROLLED * self.way.operations)

    def single_calls(self, threads):
        """Nanoseconds an operation of single calls, on each thread."""
        calls = max(10, min(2_000, self.passes * UNROLLED // 4) // threads)
        nanos = [[0] * calls for _ in range(threads)]
        if threads == 1:
            self.single(nanos[0])
        else:
            left = list(nanos)
            together(threads, lambda: self.single(left.pop()))
        self.way.tidy()
        return [each / self.way.operations for one in nanos for each in one]


def together(threads, run):
    """Nanoseconds from the start of the first thread to the end of the last."""
    barrier = threading.Barrier(threads + 1)

    def work():
        barrier.wait()
        run()

    running = [threading.Thread(target=work) for _ in range(threads)]
    for thread in running:
        thread.start()
    barrier.wait()
    began = time.perf_counter_ns()
    for thread in running:
        thread.join()
    return time.perf_counter_ns() - began


def measure(cases, threads, rounds, seconds):
    """Figures by the names of the cases; the cases take turns in each round, in a new order."""
    means = {name: [] for name in cases}
    singles = {name: [] for name in cases}
    for case in cases.values():
        case.calibrate(seconds)
    order = list(cases)
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        for _ in range(rounds):
            random.shuffle(order)
            for name in order:
                means[name].append(cases[name].nanos_per_operation(threads))
                singles[name].extend(cases[name].single_calls(threads))
            gc.collect()
    finally:
        if was_enabled:
            gc.enable()
    return {
        name: Figure(statistics.median(means[name]), percentile(singles[name], 0.99), means[name])
        for name in cases
    }


def percentile(values, part):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * part))]


def ratio(one, other):
    """The median of the ratios within rounds."""
    return statistics.median(a / b for a, b in zip(one.rounds, other.rounds))
