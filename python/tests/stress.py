"""Hammers one pool from several threads: objects, times to live, eviction and cleanup all at once.

    python python/tests/stress.py [SECONDS] [THREADS]

Each value tells the key that it was written under, so that a value read under another key is seen. The
resident memory and what tracemalloc counts are noted as it goes; over the last half they have to stay
flat. The exit status is 1 when anything was wrong.
"""

import asyncio
import dataclasses
import gc
import random
import sys
import threading
import time
import tracemalloc

from memory_cache_pool import CacheConfig, MemoryCachePool

KEYS = 5_000
#: What the last half may grow by: relative, and in bytes whatever the size.
GROWTH = 0.05
SLACK = 4 << 20


@dataclasses.dataclass
class Sample:
    """Memory at one moment."""

    seconds: float
    resident: int
    traced: int


@dataclasses.dataclass
class Report:
    """What a run came to."""

    operations: int
    wrong: list
    samples: list
    stats: object

    def growth(self):
        """By how much resident and traced memory grew from the middle quarter to the last, in bytes."""
        quarter = max(1, len(self.samples) // 4)
        middle, last = self.samples[2 * quarter : 3 * quarter], self.samples[-quarter:]

        def mean(samples, of):
            return sum(map(of, samples)) / len(samples)

        return [
            (mean(last, of) - mean(middle, of), mean(middle, of))
            for of in (lambda each: each.resident, lambda each: each.traced)
        ]

    def is_flat(self):
        """Whether neither grew by more than is allowed."""
        return all(growth <= max(SLACK, GROWTH * size) for growth, size in self.growth())


class Quote:
    """An object that knows its key, and that enters the pool when it ends."""

    __slots__ = ("key", "pool", "more")

    def __init__(self, key, pool):
        self.key = key
        self.pool = pool
        self.more = [key] * 8

    def __del__(self):
        self.pool.exists(self.key)


def resident_bytes():
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * 4096


def belongs(key, value):
    """Whether a value was written under the key."""
    if value is None:
        return True
    if isinstance(value, Quote):
        return value.key == key
    if isinstance(value, dict):
        return value["key"] == key
    if isinstance(value, tuple):
        return value[0] == key
    if isinstance(value, bytes):
        value = value.decode()
    return value == key or str(value).startswith(key + "|")


class Worker:
    """One thread's work."""

    def __init__(self, pool, seed, wrong):
        self.pool = pool
        self.random = random.Random(seed)
        self.wrong = wrong
        self.operations = 0

    def value(self, key):
        kind = self.random.randrange(5)
        if kind == 0:
            return Quote(key, self.pool)
        if kind == 1:
            cycle = {"key": key}
            cycle["self"] = cycle
            return cycle
        if kind == 2:
            return key.encode()
        if kind == 3:
            return key + "|" + "x" * self.random.randrange(2_000)
        return key

    def check(self, key, value):
        if not belongs(key, value):
            self.wrong.append((key, value))

    def strings(self, key):
        choice = self.random.randrange(10)
        if choice < 4:
            self.check(key, self.pool.get(key))
        elif choice < 7:
            self.pool.set(key, self.value(key), px=self.random.randrange(1, 50))
        elif choice < 8:
            self.pool.set(key, self.value(key))
        elif choice < 9:
            self.pool.delete(key)
        else:
            self.pool.expire(key, 1)

    def hashes(self, key):
        field = self.random.choice("abcdef")
        choice = self.random.randrange(6)
        if choice < 2:
            self.pool.hset(key, {field: self.value(key)})
        elif choice < 3:
            self.check(key, self.pool.hget(key, field))
        elif choice < 4:
            for value in self.pool.hgetall(key).values():
                self.check(key, value)
        elif choice < 5:
            self.pool.hdel(key, field)
        else:
            self.pool.pexpire(key, 20)

    def lists(self, key):
        choice = self.random.randrange(6)
        if choice < 2:
            if self.pool.lpush(key, self.value(key)) > 50:
                self.pool.delete(key)
        elif choice < 4:
            self.check(key, self.pool.rpop(key))
        else:
            for value in self.pool.lrange(key, 0, 10):
                self.check(key, value)

    def member(self, key):
        number = self.random.randrange(30)
        return (key, number) if number % 2 else f"{key}|{number}"

    def sets(self, key):
        choice = self.random.randrange(4)
        if choice == 0:
            self.pool.sadd(key, self.member(key))
        elif choice == 1:
            self.pool.srem(key, self.member(key))
        elif choice == 2:
            self.check(key, self.pool.spop(key))
        else:
            for value in self.pool.smembers(key):
                self.check(key, value)

    def seldom(self):
        choice = self.random.randrange(40)
        if choice == 0:
            self.pool.flushall()
        elif choice < 10:
            self.pool.keys("s:1*")
        elif choice < 20:
            self.pool.debug_keys()
        elif choice < 30:
            self.pool.cleanup_expired_keys()
        else:
            self.pool.get_stats()

    def run(self, until):
        kinds = [self.strings, self.strings, self.hashes, self.lists, self.sets]
        while time.monotonic() < until:
            for _ in range(100):
                kind = self.random.randrange(len(kinds))
                kinds[kind](f"{'sshlm'[kind]}:{self.random.randrange(KEYS)}")
            self.operations += 100
            if self.random.randrange(20) == 0:
                self.seldom()


def run(seconds, threads=8, config=None):
    """Runs it and returns the report."""
    config = config or CacheConfig(
        max_keys=3_000, max_memory="16mb", default_ttl=5, cleanup_interval=0.01
    )
    pool = MemoryCachePool(config)
    wrong, samples, errors = [], [], []
    begin = time.monotonic()
    workers = [Worker(pool, seed, wrong) for seed in range(threads)]

    def guarded(worker):
        try:
            worker.run(begin + seconds)
        except BaseException as error:
            errors.append(error)

    async def watch():
        await pool.start_cleanup_task()
        while (passed := time.monotonic() - begin) < seconds:
            samples.append(Sample(passed, resident_bytes(), tracemalloc.get_traced_memory()[0]))
            await asyncio.sleep(min(0.25, seconds / 40))
        await pool.stop_cleanup_task()

    tracemalloc.start()
    running = [threading.Thread(target=guarded, args=(worker,)) for worker in workers]
    for thread in running:
        thread.start()
    try:
        asyncio.run(watch())
    finally:
        for thread in running:
            thread.join()
        tracemalloc.stop()
    if errors:
        raise errors[0]
    return Report(sum(worker.operations for worker in workers), wrong, samples, pool.get_stats())


def main(arguments):
    seconds = float(arguments[0]) if arguments else 60
    threads = int(arguments[1]) if len(arguments) > 1 else 8
    report = run(seconds, threads)
    gc.collect()
    print(f"{report.operations:,} operations in {seconds:g} s on {threads} threads")
    print(f"{len(report.wrong)} values under a wrong key {report.wrong[:3]}")
    for sample in report.samples[:: max(1, len(report.samples) // 12)]:
        print(
            f"{sample.seconds:7.1f} s  resident {sample.resident / 2**20:7.1f} MiB"
            f"  traced {sample.traced / 2**20:7.2f} MiB"
        )
    for name, (growth, size) in zip(("resident", "traced"), report.growth()):
        print(f"{name}: {growth / 2**20:+.2f} MiB over the last half, of {size / 2**20:.1f} MiB")
    print(report.stats)
    is_sound = not report.wrong and report.is_flat()
    print("ok" if is_sound else "FAILED")
    return 0 if is_sound else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
