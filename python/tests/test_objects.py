"""Objects, which are kept by reference."""

import gc
import sys
import threading
import weakref

import pytest
from samples import OBJECTS, Tracked, drain

from memory_cache_pool import CacheConfig, MemoryCachePool, WrongTypeError


@pytest.mark.parametrize("value", OBJECTS, ids=repr)
def test_an_object_comes_back_as_itself(pool, value):
    pool.set("k", value)
    assert pool.get("k") is value
    assert pool["k"] is value
    assert pool.mget("k")[0] is value


def test_an_array_is_not_copied(pool):
    numpy = pytest.importorskip("numpy")
    prices = numpy.arange(1000.0)
    pool.set("prices", prices)
    assert pool.get("prices") is prices


def test_sharing_means_that_changes_are_seen(pool):
    book = {"bid": 1}
    pool.set("book", book)
    book["bid"] = 2
    assert pool.get("book") == {"bid": 2}


def test_copies_are_shared_with_nobody():
    pool = MemoryCachePool(CacheConfig(copy_values=True))
    book = {"levels": [1, 2]}
    pool.set("book", book)
    book["levels"].append(3)
    assert pool.get("book") == {"levels": [1, 2]}
    pool.hset("h", {"f": book})
    pool.rpush("l", book)
    book["levels"].append(4)
    assert pool.hget("h", "f") == {"levels": [1, 2, 3]}
    assert pool.lindex("l", 0) == {"levels": [1, 2, 3]}


def test_a_copy_that_fails_changes_nothing():
    pool = MemoryCachePool(CacheConfig(copy_values=True))
    pool.set("k", "before")
    with pytest.raises(TypeError):
        pool.set("k", threading.Lock())
    assert pool.get("k") == "before"


def test_string_commands_refuse_objects(pool):
    pool.set("k", {"a": 1})
    for call in [lambda: pool.incr("k"), lambda: pool.append("k", "x"), lambda: pool.strlen("k")]:
        with pytest.raises(WrongTypeError):
            call()
    assert pool.get("k") == {"a": 1}


def test_an_object_lives_until_its_key_is_deleted(pool):
    value = Tracked()
    seen = weakref.ref(value)
    pool.set("k", value)
    del value
    gc.collect()
    assert seen() is not None and pool.get("k") is seen()
    pool.delete("k")
    drain(pool)
    assert seen() is None


@pytest.mark.parametrize("end", ["overwrite", "flushall", "expire", "getdel", "rename", "evict"])
def test_an_object_is_let_go_however_it_ends(pool, clock, end):
    if end == "evict":
        pool = MemoryCachePool(CacheConfig(max_keys=50, eviction_policy="lru"))
    value = Tracked()
    seen = weakref.ref(value)
    pool.set("k", value, ex=1)
    del value
    if end == "overwrite":
        pool.set("k", 1)
    elif end == "flushall":
        pool.flushall()
    elif end == "expire":
        clock.advance(2)
        pool._cleanup_expired_keys()
    elif end == "getdel":
        assert pool.getdel("k") is seen()
    elif end == "rename":
        pool.set("other", 1)
        pool.rename("other", "k")
    drain(pool)
    assert seen() is None


def test_objects_end_with_their_pool():
    pool = MemoryCachePool()
    values = [Tracked() for _ in range(100)]
    seen = [weakref.ref(value) for value in values]
    for i, value in enumerate(values):
        pool.set(f"k{i}", value)
    del values, value, pool
    gc.collect()
    assert [each() for each in seen if each() is not None] == []


def test_cycles_are_estimated_and_come_back(pool):
    cycle = []
    cycle.append(cycle)
    pool.set("cycle", cycle)
    assert pool.get("cycle") is cycle
    knot = {"name": "knot"}
    knot["self"] = knot
    pool.hset("h", {"f": knot})
    copied = pool.hget("h", "f")
    assert copied["self"] is copied
    deep = []
    for _ in range(100_000):
        deep = [deep]
    pool.set("deep", deep)
    assert pool.get("deep") is deep
    pool.delete("deep")
    while deep:
        deep = deep.pop()


def test_a_larger_object_has_a_larger_estimate(pool):
    pool.set("small", [0] * 10)
    pool.set("large", [str(i) for i in range(10_000)])
    estimate = {each["key"]: each["memory_estimate"] for each in pool.debug_keys()}
    assert estimate["large"] > 10 * estimate["small"] > 0


def test_objects_count_against_max_memory():
    pool = MemoryCachePool(CacheConfig(max_memory="4mb"))
    for i in range(2_000):
        pool.set(f"k{i}", [bytes(10_000)])
    assert pool.get_stats().evictions > 1_000
    assert pool.get_stats().memory_usage <= 5 << 20


class Reentrant:
    """Enters the pool from each of its special methods, each of them once at a time."""

    inside = set()

    def __init__(self, pool, log):
        self.pool = pool
        self.log = log

    def enter(self, name):
        if name in self.inside:
            return
        self.log.append(name)
        self.inside.add(name)
        self.pool.set("from:" + name, 1)
        self.pool.get("k")
        self.pool.delete("k2")
        self.inside.discard(name)

    def __del__(self):
        self.enter("del")

    def __eq__(self, other):
        self.enter("eq")
        return self is other

    def __hash__(self):
        self.enter("hash")
        return 7

    def __sizeof__(self):
        self.enter("sizeof")
        return 100

    def __deepcopy__(self, memo):
        self.enter("deepcopy")
        return self


@pytest.mark.parametrize("copies", [False, True])
def test_an_object_may_enter_the_pool_from_its_methods(copies):
    pool = MemoryCachePool(CacheConfig(copy_values=copies, max_keys=100))
    log = []
    for i in range(500):
        pool.set("k", Reentrant(pool, log))
        pool.set("k2", Reentrant(pool, log))
        pool.set(f"k{i}", Reentrant(pool, log))
    pool.flushall()
    drain(pool)
    assert "del" in log
    assert pool.set("after", 1) is True
    log.clear()


def test_a_finalizer_that_raises_harms_nobody(pool, monkeypatch):
    class Bad:
        def __del__(self):
            raise RuntimeError("from a finalizer")

    raised = []
    monkeypatch.setattr(sys, "unraisablehook", lambda error: raised.append(error.exc_type))
    pool.set("k", Bad())
    pool.set("k", 1)
    drain(pool)
    assert pool.get("k") == 1
    assert raised == [RuntimeError]


def test_a_size_that_cannot_be_told_is_no_error(pool):
    class Odd:
        def __sizeof__(self):
            raise RuntimeError("unknown")

    value = Odd()
    pool.set("k", value)
    assert pool.get("k") is value


def test_finalizers_run_with_other_threads_in_the_pool(run_in_threads):
    pool = MemoryCachePool(CacheConfig(max_keys=64))
    log = []

    def churn(seed):
        def run():
            for i in range(2_000):
                pool.set(f"k{(i * seed) % 200}", Reentrant(pool, log))
                pool.get(f"k{i % 200}")
                if i % 97 == 0:
                    pool.flushall()

        return run

    run_in_threads(*(churn(seed) for seed in (1, 3, 7, 11)))
    pool.flushall()
    drain(pool)
    assert log.count("del") > 1_000


def test_the_garbage_collector_may_run_inside_any_call(pool):
    threshold = gc.get_threshold()
    gc.set_threshold(1)
    try:
        for i in range(300):
            cycle = Tracked()
            cycle.self = cycle
            cycle.pool = pool
            pool.set(f"k{i % 10}", cycle)
            pool.hset("h", {f"f{i % 10}": [cycle.__class__]})
            pool.keys()
            pool.debug_keys()
    finally:
        gc.set_threshold(*threshold)
    assert len(pool.keys("k*")) == 10
