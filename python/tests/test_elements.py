"""Objects in hashes, lists and sets, which are kept by reference."""

import dataclasses
import decimal
import gc
import threading
import weakref

import pytest
from samples import OBJECTS, Order, Tracked, drain

from memory_cache_pool import CacheConfig, CacheError, ManualClock, MemoryCachePool


@dataclasses.dataclass(frozen=True)
class Venue:
    name: str


@pytest.mark.parametrize("value", OBJECTS, ids=repr)
def test_an_object_in_a_hash_comes_back_as_itself(pool, value):
    pool.hset("h", {"f": value, "n": 1})
    assert pool.hget("h", "f") is value
    assert pool.hmget("h", "f", "n")[0] is value
    assert pool.hgetall("h")["f"] is value
    assert pool.hvals("h")[0] is value
    assert value in pool.hrandfield("h", 2, withvalues=True)
    assert dict(pool.hscan_iter("h"))["f"] is value


@pytest.mark.parametrize("value", OBJECTS, ids=repr)
def test_an_object_in_a_list_comes_back_as_itself(pool, value):
    pool.rpush("l", value, 1)
    assert pool.lrange("l", 0, -1)[0] is value
    assert pool.lindex("l", 0) is value
    assert pool.lmove("l", "m", "LEFT", "LEFT") is value
    assert pool.rpoplpush("m", "l") is value
    assert pool.lmpop(1, "l")[1][0] is value
    pool.lset("l", 0, value)
    assert pool.rpop("l", 2)[0] is value


@pytest.mark.parametrize("value", [(1, 2), decimal.Decimal("1.10"), frozenset("ab"), Order, len])
def test_an_object_in_a_set_comes_back_as_itself(pool, value):
    pool.sadd("s", value, 1)
    assert any(member is value for member in pool.smembers("s"))
    assert pool.smove("s", "t", value) is True
    assert pool.srandmember("t") is value
    assert pool.sunionstore("u", "s", "t") == 2
    assert list(pool.sinter("u", "t"))[0] is value
    assert list(pool.sdiff("t", "s"))[0] is value
    assert list(pool.sscan_iter("t"))[0] is value
    assert pool.spop("t") is value


def test_many_objects_come_back_as_themselves(pool):
    objects = [[i] for i in range(3_000)]
    pool.rpush("l", *objects)
    pool.hset("h", {f"f{i}": value for i, value in enumerate(objects)})
    assert all(a is b for a, b in zip(pool.lrange("l", 0, -1), objects))
    assert all(pool.hget("h", f"f{i}") is value for i, value in enumerate(objects))


def test_changes_of_an_element_are_seen(pool):
    levels = [1, 2]
    pool.hset("h", "levels", levels)
    levels.append(3)
    assert pool.hget("h", "levels") == [1, 2, 3]


def test_copies_of_elements_are_shared_with_nobody():
    pool = MemoryCachePool(CacheConfig(copy_values=True))
    book = {"levels": [1]}
    pool.hset("h", "f", book)
    pool.rpush("l", book)
    pool.sadd("s", (1, 2))
    book["levels"].append(2)
    pool.hget("h", "f")["levels"].append(3)
    pool.lrange("l", 0, -1)[0]["levels"].append(3)
    pool.hgetall("h")["f"]["levels"].append(3)
    assert pool.hget("h", "f") == pool.lindex("l", 0) == pool.hvals("h")[0] == {"levels": [1]}
    assert pool.smembers("s") == {(1, 2)}


def test_equal_objects_are_one_member(pool):
    assert pool.sadd("s", (1, 2), decimal.Decimal("1.5"), Venue("nyse")) == 3
    assert pool.sadd("s", (1, 2), Venue("nyse")) == 0
    assert pool.sismember("s", (1, 2))
    assert pool.smismember("s", [decimal.Decimal("1.5"), (3, 4), Venue("nyse")]) == [1, 0, 1]
    assert not pool.sismember("s", Venue("arca"))
    pool.sadd("t", Venue("nyse"))
    assert pool.sinter("s", "t") == {Venue("nyse")}
    assert pool.srem("s", (1, 2), (9, 9)) == 1
    assert pool.smembers("s") == {decimal.Decimal("1.5"), Venue("nyse")}


def test_a_member_that_went_can_come_again(pool):
    for _ in range(500):
        assert pool.sadd("s", (1, 2)) == 1
        assert pool.sismember("s", (1, 2))
        assert pool.srem("s", (1, 2)) == 1
        assert not pool.sismember("s", (1, 2))


def test_objects_of_one_hash_are_told_apart(pool):
    class Same:
        def __init__(self, name):
            self.name = name

        def __hash__(self):
            return 7

        def __eq__(self, other):
            return isinstance(other, Same) and self.name == other.name

    assert pool.sadd("s", *[Same(str(i % 50)) for i in range(100)]) == 50
    assert pool.sismember("s", Same("49")) and not pool.sismember("s", Same("50"))


def test_what_cannot_be_hashed_is_no_member(pool):
    for call in [pool.sadd, pool.srem, pool.sismember]:
        with pytest.raises(TypeError, match="unhashable"):
            call("s", [1])


def test_elements_of_a_list_are_found_by_equality(pool):
    pool.rpush("l", {"id": 1}, "x", {"id": 2}, {"id": 1}, 7, {"id": 1})
    assert pool.lpos("l", {"id": 1}) == 0
    assert pool.lpos("l", {"id": 1}, rank=-1) == 5
    assert pool.lpos("l", {"id": 1}, count=0) == [0, 3, 5]
    assert pool.lpos("l", {"id": 1}, rank=2, count=1) == [3]
    assert pool.lpos("l", {"id": 1}, rank=-1, count=0, maxlen=3) == [5, 3]
    assert pool.lpos("l", {"id": 3}) is None
    assert pool.linsert("l", "BEFORE", {"id": 2}, "here") == 7
    assert pool.linsert("l", "AFTER", {"id": 3}, "here") == -1
    assert pool.lrem("l", -1, {"id": 1}) == 1
    assert pool.lrange("l", 0, -1) == [{"id": 1}, "x", "here", {"id": 2}, {"id": 1}, 7]
    assert pool.lrem("l", 1, {"id": 1}) == 1
    assert pool.lrem("l", 0, {"id": 1}) == 1
    assert pool.lrange("l", 0, -1) == ["x", "here", {"id": 2}, 7]


def test_an_object_is_no_text_and_no_number(pool):
    value = [1]
    pool.hset("h", "f", value)
    for call in [lambda: pool.hincrby("h", "f"), lambda: pool.hincrbyfloat("h", "f", 1.5)]:
        with pytest.raises(CacheError):
            call()
    assert pool.hstrlen("h", "f") == 0
    assert pool.hget("h", "f") is value


def ways_to_go(pool, value):
    """For each way in which an element goes: what puts it there, and what takes it away."""
    return {
        "hset": (lambda: pool.hset("k", "f", value), lambda: pool.hset("k", "f", 1)),
        "hset many": (
            lambda: pool.hset("k", {"f": value, "g": value, "h": 1}),
            lambda: pool.hset("k", {"f": 1, "g": 2}),
        ),
        "hdel": (lambda: pool.hset("k", {"f": value, "g": 1}), lambda: pool.hdel("k", "f")),
        "lpop": (lambda: pool.rpush("k", value, 1), lambda: pool.lpop("k")),
        "last pop": (lambda: pool.rpush("k", value), lambda: pool.rpop("k")),
        "pop of some": (lambda: pool.rpush("k", value, 1, 2), lambda: pool.lpop("k", 2)),
        "lset": (lambda: pool.rpush("k", value), lambda: pool.lset("k", 0, 1)),
        "lrem": (lambda: pool.rpush("k", value, 1), lambda: pool.lrem("k", 0, value)),
        "ltrim": (lambda: pool.rpush("k", value, 1), lambda: pool.ltrim("k", 1, -1)),
        "max_len": (lambda: pool.rpush("k", value), lambda: pool.rpush("k", 1, max_len=1)),
        "srem": (lambda: pool.sadd("k", value, 1), lambda: pool.srem("k", value)),
        "spop": (lambda: pool.sadd("k", value), lambda: pool.spop("k")),
        "store": (lambda: pool.sadd("k", value), lambda: pool.sinterstore("k", "k", "none")),
        "delete": (lambda: pool.rpush("k", value), lambda: pool.delete("k")),
        "set": (lambda: pool.hset("k", "f", value), lambda: pool.set("k", 1)),
        "rename": (
            lambda: (pool.rpush("k", value), pool.set("other", 1)),
            lambda: pool.rename("other", "k"),
        ),
        "flushall": (lambda: pool.rpush("k", value), pool.flushall),
        "refused": (lambda: pool.set("k", 1), lambda: pytest.raises(Exception, pool.rpush, "k", value)),
        "not set": (lambda: pool.hset("k", "f", 1), lambda: pool.hsetnx("k", "f", value)),
    }


@pytest.mark.parametrize("way", [
    "hset", "hset many", "hdel", "lpop", "last pop", "pop of some", "lset", "lrem", "ltrim",
    "max_len", "srem", "spop", "store", "delete", "set", "rename", "flushall", "refused", "not set",
])
def test_an_object_ends_when_its_last_element_goes(pool, way):
    value = Tracked()
    put, take = ways_to_go(pool, value)[way]
    end = weakref.ref(value)
    put()
    take()
    del value, put, take
    drain(pool)
    assert end() is None


def test_an_object_lives_as_long_as_one_of_its_elements(pool):
    value = Tracked()
    end = weakref.ref(value)
    pool.rpush("k", value)
    del value
    pool.copy("k", "l")
    pool.delete("k")
    drain(pool)
    assert pool.lindex("l", 0) is end()
    pool.rename("l", "m")
    drain(pool)
    assert pool.lmove("m", "n", "LEFT", "RIGHT") is end()
    drain(pool)
    assert end() is not None
    pool.delete("n")
    drain(pool)
    assert end() is None


def test_objects_end_with_a_key_that_expires():
    clock = ManualClock()
    pool = MemoryCachePool(CacheConfig(clock=clock))
    value = Tracked()
    end = weakref.ref(value)
    pool.rpush("k", value)
    pool.expire("k", 5)
    del value
    clock.advance(6)
    assert pool.cleanup_expired_keys() == 1
    drain(pool)
    assert end() is None


def test_objects_end_with_a_key_that_is_evicted():
    pool = MemoryCachePool(CacheConfig(max_keys=50))
    ends = []
    for i in range(500):
        value = Tracked()
        ends.append(weakref.ref(value))
        pool.hset(f"k{i}", "f", value)
    del value
    drain(pool)
    assert sum(end() is not None for end in ends) <= 50


def test_objects_end_with_the_pool():
    pool = MemoryCachePool()
    value = Tracked()
    end = weakref.ref(value)
    pool.hset("h", "f", value)
    pool.sadd("s", value)
    del value, pool
    gc.collect()
    assert end() is None


def test_what_elements_hold_counts_against_the_limit():
    pool = MemoryCachePool(CacheConfig(max_memory="4mb"))
    before = pool.get_stats().memory_usage
    pool.rpush("k", [bytes(1_000_000)])
    assert pool.get_stats().memory_usage - before >= 1_000_000
    for i in range(20):
        pool.rpush(f"k{i}", [bytes(1_000_000)])
    drain(pool)
    assert pool.get_stats().memory_usage < 6_000_000


class Reentrant:
    """Uses the pool when it is hashed, compared, and when it ends."""

    def __init__(self, pool):
        self.pool = pool

    def use(self):
        self.pool.rpush("used", (1, 2))
        self.pool.sadd("used:set", "x")
        self.pool.lpop("used")

    def __hash__(self):
        self.use()
        return 1

    def __eq__(self, other):
        self.use()
        return isinstance(other, Reentrant)

    def __deepcopy__(self, memo):
        self.use()
        return Reentrant(self.pool)

    def __del__(self):
        self.use()


@pytest.mark.parametrize("copies", [False, True])
def test_an_element_may_use_the_pool_from_its_methods(copies):
    pool = MemoryCachePool(CacheConfig(copy_values=copies))
    for i in range(300):
        assert pool.sadd("s", Reentrant(pool), "plain") >= 0
        pool.rpush("l", Reentrant(pool), max_len=5)
        pool.hset("h", f"f{i % 3}", Reentrant(pool))
    assert pool.scard("s") == 2
    assert pool.lrem("l", 0, Reentrant(pool)) == 5
    pool.flushall()
    drain(pool)


def test_threads_find_whole_objects(pool):
    wrong = []

    def work(seed):
        for i in range(3_000):
            key = f"k{(seed + i) % 5}"
            pool.rpush("l:" + key, [key, i], max_len=20)
            pool.hset("h:" + key, f"f{i % 7}", [key, i])
            pool.sadd("s:" + key, (key, i % 30))
            seen = pool.lrange("l:" + key, 0, -1) + pool.hvals("h:" + key)
            seen += [pool.lpop("l:" + key) or [key], pool.spop("s:" + key) or [key]]
            wrong.extend(value for value in seen if value[0] != key)
            if i % 100 == 0:
                pool.copy("l:" + key, "l:copy:" + key, replace=True)
                pool.delete("h:" + key)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
