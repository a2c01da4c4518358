"""When another thread gets the interpreter: during what is long, and never during a plain read."""

import sys
import threading

import pytest

from memory_cache_pool import CacheConfig, ManualClock, MemoryCachePool

PATIENCE = 30

pytestmark = pytest.mark.skipif(
    not getattr(sys, "_is_gil_enabled", lambda: True)(), reason="there is no GIL here"
)


@pytest.fixture
def waiting():
    """A thread that waits for nothing but the GIL once `go` is set; nobody is interrupted for it."""
    go, ran = threading.Event(), threading.Event()

    def work():
        go.wait(PATIENCE)
        ran.set()

    thread = threading.Thread(target=work)
    thread.start()
    before = sys.getswitchinterval()
    sys.setswitchinterval(PATIENCE)
    yield go, ran
    sys.setswitchinterval(before)
    go.set()
    thread.join(PATIENCE)


CLOCK = ManualClock()


@pytest.fixture
def full():
    pool = MemoryCachePool(CacheConfig(clock=CLOCK))
    pool.mset({f"k{i}": i for i in range(20_000)})
    pool.set("object", {"a": 1})
    return pool


def test_single_key_commands_keep_it(full, waiting):
    go, ran = waiting
    go.set()
    for i in range(300):
        full.get(f"k{i}")
        full["object"]
        full.set(f"k{i}", "v", ex=60)
        full.incr("n")
        full.hset("h", "f", 1)
        full.hget("h", "f")
    assert not ran.is_set()


def keys(pool):
    pool.keys("*1*")


def flushall(pool):
    pool.mset({f"k{i}": i for i in range(1_000)})
    pool.flushall()


def cleanup(pool):
    pool.set_many({f"k{i}": i for i in range(1_000)}, px=1)
    CLOCK.advance(1)
    pool.cleanup_expired_keys()


@pytest.mark.parametrize("call", [keys, flushall, cleanup])
def test_what_is_long_lets_others_run(full, waiting, call):
    go, ran = waiting
    go.set()
    for _ in range(500):
        call(full)
        if ran.is_set():
            break
    assert ran.is_set()
