"""Hammers one pool from several threads: objects, times to live, eviction and cleanup all at once.

    python python/tests/stress.py [SECONDS] [THREADS]

Each value tells the key that it was written under, so that a value read under another key is seen.

Now and then all threads stop, the pool is emptied, garbage is collected, and the C library's allocator
gives back the pages that it has no use for, of which it keeps the more the busier the threads were. What
is left is noted three times: what is resident, what the allocator has handed out, and what tracemalloc
counts. Over the last half none of them may grow. `--leak N` loses N bytes a second on purpose, half of
them outside of what Python counts. The exit status is 1 when anything was wrong.
"""

import argparse
import asyncio
import contextlib
import ctypes
import dataclasses
import gc
import random
import statistics
import sys
import threading
import time
import tracemalloc

from memory_cache_pool import CacheConfig, MemoryCachePool

KEYS = 5_000
#: What the last half may grow by: relative, and in bytes whatever the size.
GROWTH = 0.02
SLACK = 256 << 10
#: glibc's name for a parameter of its allocator.
M_ARENA_MAX = -8
#: How often all threads stop.
RESTS = 40


class CountOfHeap(ctypes.Structure):
    """glibc's `struct mallinfo2`."""

    _fields_ = [
        (name, ctypes.c_size_t)
        for name in (
            "arena", "ordblks", "smblks", "hblks", "hblkhd",
            "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost",
        )
    ]  # fmt: skip


class Heap:
    """The C library's allocator; only glibc's can be asked."""

    def __init__(self):
        self.library = ctypes.CDLL(None)
        self.is_known = hasattr(self.library, "mallinfo2")
        if self.is_known:
            self.library.mallinfo2.restype = CountOfHeap
            # One arena instead of one for each thread, which take minutes to reach their sizes.
            self.library.mallopt(M_ARENA_MAX, 1)
        self.library.malloc.argtypes = [ctypes.c_size_t]
        self.library.malloc.restype = ctypes.c_void_p

    def give_back_free_pages(self):
        if self.is_known:
            self.library.malloc_trim(0)

    def bytes_in_use(self):
        if not self.is_known:
            return 0
        count = self.library.mallinfo2()
        return count.uordblks + count.hblkhd

    def lose(self, size):
        """A leak, of memory that is used."""
        ctypes.memset(self.library.malloc(size), 1, size)


@dataclasses.dataclass
class Sample:
    """Bytes of memory at one moment."""

    seconds: float
    resident: int
    allocated: int
    traced: int

    @classmethod
    def now(cls, seconds, heap):
        heap.give_back_free_pages()
        return cls(seconds, resident_bytes(), heap.bytes_in_use(), tracemalloc.get_traced_memory()[0])


@dataclasses.dataclass
class Report:
    """What a run came to."""

    operations: int
    wrong: list
    samples: list
    stats: object

    def growth(self):
        """By how much each figure grew from the third quarter to the last, and what it was, in bytes."""
        quarter = max(1, len(self.samples) // 4)
        third, last = self.samples[2 * quarter : 3 * quarter], self.samples[-quarter:]

        def typical(samples, name):
            return statistics.median(getattr(sample, name) for sample in samples)

        names = ("resident", "allocated", "traced")
        return {
            name: (typical(last, name) - typical(third, name), typical(third, name))
            for name in names
        }

    def is_flat(self):
        """Whether none grew by more than is allowed."""
        return all(
            growth <= max(SLACK, GROWTH * size) for growth, size in self.growth().values()
        )


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

    def run(self, rest):
        kinds = [self.strings, self.strings, self.hashes, self.lists, self.sets]
        while not rest.is_over:
            if rest.is_due:
                rest.join()
            for _ in range(100):
                kind = self.random.randrange(len(kinds))
                kinds[kind](f"{'sshlm'[kind]}:{self.random.randrange(KEYS)}")
            self.operations += 100
            if self.random.randrange(20) == 0:
                self.seldom()


class Rest:
    """Where all threads stop, and go on together."""

    def __init__(self, threads):
        self.barrier = threading.Barrier(threads + 1, timeout=60)
        self.is_due = self.is_over = False

    def join(self):
        self.barrier.wait()
        self.barrier.wait()

    @contextlib.contextmanager
    def of_all(self):
        self.is_due = True
        self.barrier.wait()
        try:
            yield
        finally:
            self.is_due = False
            self.barrier.wait()


def at_rest(pool, seconds, heap):
    """What is left when nobody uses the pool and nothing is in it."""
    pool.flushall()
    gc.collect()
    return Sample.now(seconds, heap)


def run(seconds, threads=8, config=None, leak=0):
    """Runs it, losing so many bytes a second, and returns the report. The rests come on top."""
    config = config or CacheConfig(
        max_keys=3_000, max_memory="16mb", default_ttl=5, cleanup_interval=0.01
    )
    pool, heap, rest = MemoryCachePool(config), Heap(), Rest(threads)
    wrong, samples, errors, lost = [], [], [], []
    workers = [Worker(pool, seed, wrong) for seed in range(threads)]

    def guarded(worker):
        try:
            worker.run(rest)
        except BaseException as error:
            errors.append(error)
            rest.barrier.abort()

    def lose(size):
        if size:
            heap.lose(size)
            lost.append(b"x" * size)

    async def watch():
        begin, every = time.monotonic(), seconds / RESTS
        await pool.start_cleanup_task()
        for _ in range(RESTS):
            await asyncio.sleep(every)
            lose(int(leak / 2 * every))
            with rest.of_all():
                samples.append(at_rest(pool, time.monotonic() - begin, heap))
        await pool.stop_cleanup_task()

    tracemalloc.start()
    running = [threading.Thread(target=guarded, args=(worker,)) for worker in workers]
    for thread in running:
        thread.start()
    try:
        asyncio.run(watch())
    except threading.BrokenBarrierError:
        # By a thread that says why.
        if not errors:
            raise
    finally:
        rest.is_over = True
        for thread in running:
            thread.join()
        tracemalloc.stop()
    if errors:
        raise errors[0]
    return Report(sum(worker.operations for worker in workers), wrong, samples, pool.get_stats())


def main():
    parser = argparse.ArgumentParser(description="Hammers one pool from several threads.")
    parser.add_argument("seconds", type=float, nargs="?", default=60)
    parser.add_argument("threads", type=int, nargs="?", default=8)
    parser.add_argument("--leak", type=int, default=0, help="bytes a second, on purpose")
    arguments = parser.parse_args()
    report = run(arguments.seconds, arguments.threads, leak=arguments.leak)
    print(f"{report.operations:,} operations in {arguments.seconds:g} s on {arguments.threads} threads")
    print(f"{len(report.wrong)} values under a wrong key {report.wrong[:3]}")
    for sample in report.samples[:: max(1, len(report.samples) // 12)]:
        print(
            f"{sample.seconds:7.1f} s  resident {sample.resident / 2**20:7.1f} MiB"
            f"  allocated {sample.allocated / 2**20:7.2f} MiB  traced {sample.traced / 2**20:7.2f} MiB"
        )
    for name, (growth, size) in report.growth().items():
        print(
            f"{name}: {growth / 2**20:+.2f} MiB over the last half, of {size / 2**20:.1f} MiB"
            f" ({growth / max(size, 1):+.2%})"
        )
    print(report.stats)
    is_sound = not report.wrong and report.is_flat()
    print("ok" if is_sound else "FAILED")
    return 0 if is_sound else 1


if __name__ == "__main__":
    sys.exit(main())
