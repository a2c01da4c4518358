"""The pool against what else a Python process can keep its values in.

    python python/benchmarks/compare.py [--test] [--threads 1,4,8] [--rounds N] [--seconds S]

Prints nanoseconds an operation: the median over rounds of a batch's mean, and the 99th percentile of
single calls, in which the clock's own time is included. The contenders take turns within each round, and ratios are
medians of the ratios within rounds. Batches are so short that few of them are interrupted by whatever
else the machine does; a server of another process waits for its turn all the same. `--test` runs all of it
once, briefly, and its figures mean nothing. Each contender stores 16-byte values under sixteen hot keys of
12 characters.
"""

import argparse
import os
import platform
import sys

import contenders
from measure import Case, measure, ratio
from redis_server import redis_server

KEYS = [f"BTCUSDT:{i:04}" for i in range(16)]
VALUE = b"0123456789abcdef"

POOL, ITEMS = "memory_cache_pool", "  its items (no TTL)"
METHOD, LOCKED = "method over a dict (no TTL)", "class with lock and TTL"
#: What is to be shown on one thread: operation, contender, other, at most so many times its time.
GOALS = [
    ("GET", POOL, METHOD, 1.3),
    ("GET", POOL, "dict (no TTL)", 2.2),
    ("GET", ITEMS, METHOD, 1.0),
    ("SET EX", POOL, LOCKED, 0.4),
    ("GET", POOL, LOCKED, 1 / 4),
    ("GET", POOL, "cachetools.TTLCache with a lock", 1 / 15),
    ("GET", POOL, "fakeredis", 1 / 300),
    ("GET", POOL, "redis-py, unix socket", 1 / 500),
    ("GET", POOL, "  its pipeline of 100", 1 / 100),
]


def roster(socket):
    """Everyone who can take part here, and who cannot."""
    makers = [
        contenders.pool_itself,
        contenders.pool_items,
        contenders.bare_dict,
        contenders.plain_method,
        contenders.locked_with_ttl,
        contenders.cachetools_ttl,
        contenders.theine,
        contenders.diskcache,
        contenders.fakeredis,
    ]
    if socket is not None:
        makers += [contenders.redis_py(socket), contenders.redis_pipeline(socket)]
    present = []
    for make in makers:
        try:
            present.append(make(KEYS, VALUE))
        except ImportError as error:
            print(f"without {error.name}: it is not installed")
    return present


def show(operation, by_threads, names):
    """Prints the table of one operation."""
    head = "".join(f"{f'{threads} thr.':>11}{'p99':>10}" for threads in by_threads)
    print(f"\n{operation + ', ns':32}{head}")
    for name in names:
        line = f"{name:32}"
        for figures in by_threads.values():
            figure = figures[name]
            line += f"{figure.median:>11,.0f}{figure.p99:>10,.0f}"
        print(line)


def judge(figures):
    """Prints the ratios that were aimed at, and those that came out."""
    print(f"\n{'on one thread':66}{'ratio':>10}{'goal':>12}")
    for operation, one, other, goal in GOALS:
        if {one, other} <= set(figures.get(operation, {})):
            came = ratio(figures[operation][one], figures[operation][other])
            what = f"{operation}: {one.strip()} / {other.strip()}"
            verdict = "reached" if came <= goal else "missed"
            shown = [f"{each:.2f}" if each >= 0.1 else f"1/{1 / each:,.0f}" for each in (came, goal)]
            print(f"{what:66}{shown[0]:>10}{shown[1]:>12}  {verdict}")


def main():
    parser = argparse.ArgumentParser(description="Compares the pool with others.")
    parser.add_argument("--test", action="store_true", help="run everything once, briefly")
    parser.add_argument("--threads", default="1,4,8", help="numbers of threads, with commas")
    parser.add_argument("--rounds", type=int, default=150)
    parser.add_argument("--seconds", type=float, default=0.0004, help="of each batch; short ones are seldom interrupted")
    arguments = parser.parse_args()
    rounds, seconds = (1, 0.001) if arguments.test else (arguments.rounds, arguments.seconds)
    numbers = [int(number) for number in arguments.threads.split(",")]
    print(f"CPython {platform.python_version()}, {os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}")
    with redis_server() as socket:
        if socket is None:
            print("without redis-py: there is no redis-server")
        present = roster(socket)
        alone = {}
        for operation in contenders.OPERATIONS:
            ways = {each.name: each.ways[operation] for each in present if operation in each.ways}
            by_threads = {}
            for threads in numbers:
                cases = {name: Case(way, KEYS, VALUE) for name, way in ways.items()}
                few = rounds if threads == 1 else max(1, rounds // 15)
                by_threads[threads] = measure(cases, threads, few, seconds)
            show(operation, by_threads, list(ways))
            alone[operation] = by_threads.get(1, {})
        if 1 in numbers:
            judge(alone)
        for each in present:
            each.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
