"""Several threads on one pool."""

import sys
import threading

import pytest

import stress
from memory_cache_pool import CacheConfig, MemoryCachePool


@pytest.fixture(autouse=True)
def hectic():
    """Switches threads as often as the interpreter can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.parametrize("threads", [4, 8])
def test_no_increment_is_lost(threads, run_in_threads):
    pool = MemoryCachePool()

    def work():
        for _ in range(1_000):
            pool.incr("n")
            pool.hincrby("h", "n")
            pool.incrbyfloat("f", 1)

    run_in_threads(*[work] * threads)
    total = threads * 1_000
    assert int(pool.get("n")) == total
    assert int(pool.hget("h", "n")) == total
    assert float(pool.get("f")) == total


def test_one_thread_wins_each_key(run_in_threads):
    pool = MemoryCachePool()
    wins = []

    def work():
        for i in range(1_000):
            if pool.set(f"k{i}", i, nx=True):
                wins.append(i)

    run_in_threads(*[work] * 6)
    assert sorted(wins) == list(range(1_000))


def test_each_element_is_popped_once(run_in_threads):
    pool = MemoryCachePool()
    pool.rpush("l", *range(4_000))
    pool.sadd("s", *range(2_000))
    from_list, from_set = [], []

    def pop():
        while (value := pool.lpop("l")) is not None:
            from_list.append(value)
        while (value := pool.spop("s")) is not None:
            from_set.append(value)

    run_in_threads(*[pop] * 4)
    assert sorted(from_list) == list(range(4_000))
    assert sorted(from_set) == list(range(2_000))


def test_a_hash_is_seen_whole(run_in_threads):
    pool = MemoryCachePool()
    pool.hset("h", {"a": 0, "b": 0, "c": [0]})
    done = threading.Event()

    def write():
        for i in range(3_000):
            pool.hset("h", {"a": i, "b": i, "c": [i]})
        done.set()

    def read():
        while not done.is_set():
            seen = pool.hgetall("h")
            assert seen["a"] == seen["b"] == seen["c"][0]

    run_in_threads(write, read, read, read)


def test_readers_see_their_keys_values_while_others_write_and_clear(run_in_threads):
    pool = MemoryCachePool(CacheConfig(max_keys=100))

    def write(seed):
        def run():
            for i in range(2_000):
                key = f"k{(i * seed) % 150}"
                pool.set(key, {"key": key} if i % 2 else key, px=1 + i % 5)
                seen = pool.get(key)
                assert seen is None or seen == key or seen["key"] == key
                if i % 251 == 0:
                    pool.flushall()
                    pool.keys()
                    pool.debug_keys()
                    pool.cleanup_expired_keys()

        return run

    run_in_threads(*(write(seed) for seed in (1, 3, 5, 7, 11, 13)))


def test_a_scan_returns_what_stays(run_in_threads):
    pool = MemoryCachePool()
    stays = {f"stays:{i}" for i in range(500)}
    pool.mset(dict.fromkeys(stays, 1))
    done = threading.Event()

    def churn():
        for i in range(20_000):
            pool.set(f"comes:{i}", i)
            pool.delete(f"comes:{i - 500}")
        done.set()

    def scan():
        while not done.is_set():
            assert stays <= set(pool.scan_iter())

    run_in_threads(churn, scan, scan)


def test_two_seconds_of_everything():
    report = stress.run(seconds=2, threads=8)
    assert report.wrong == []
    assert report.operations > 1_000


def test_a_leak_is_seen_in_all_figures_of_memory():
    report = stress.run(seconds=2, threads=2, leak=40 << 20)
    assert not report.is_flat()
    # From one quarter of the run to the next, outside of Python and inside.
    assert report.growth()["allocated"][0] > 8 << 20
    assert report.growth()["traced"][0] > 8 << 20
    assert report.growth()["resident"][0] > 16 << 20


def test_memory_that_stays_the_same_is_flat():
    still = [stress.Sample(seconds, 50 << 20, 10 << 20, 1 << 20) for seconds in range(40)]
    assert stress.Report(1, [], still, None).is_flat()
