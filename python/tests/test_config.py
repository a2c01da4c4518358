"""Configuration, limits and errors."""

import copy
import datetime
import inspect
import pickle

import pytest

import memory_cache_pool
from memory_cache_pool import (
    CacheConfig,
    DataError,
    ManualClock,
    MemoryCachePool,
    OutOfMemoryError,
    WrongTypeError,
)


def test_the_users_fields_are_taken_by_name():
    config = CacheConfig(
        max_memory=64 << 20,
        max_keys=10_000,
        default_ttl=300,
        eviction_policy="lru",
        cleanup_interval=1.0,
        enable_stats=True,
        thread_safe=True,
    )
    assert config.max_memory == 64 << 20
    assert config.max_keys == 10_000
    assert config.default_ttl == 300
    assert config.cleanup_interval == 1.0
    assert config.enable_stats is True
    assert config.thread_safe is True
    assert MemoryCachePool(config).set("k", 1) is True
    assert MemoryCachePool(config=config).get("k") is None


def test_configs_are_equal_by_their_fields_and_tell_them():
    a, b = CacheConfig(max_keys=5, default_ttl=2), CacheConfig(default_ttl=2, max_keys=5)
    assert a == b
    assert a != CacheConfig(max_keys=6, default_ttl=2)
    assert a != "something else"
    assert "max_keys=5" in repr(a)
    assert eval(repr(a), {"CacheConfig": CacheConfig}) == a


def test_unknown_fields_are_type_errors_and_positions_too():
    with pytest.raises(TypeError):
        CacheConfig(max_size=3)
    with pytest.raises(TypeError):
        CacheConfig(1000)
    with pytest.raises(TypeError):
        MemoryCachePool({"max_keys": 3})


@pytest.mark.parametrize(
    "field, value",
    [
        ("max_memory", 0),
        ("max_memory", -1),
        ("max_memory", 1000),
        ("max_memory", "64 parsecs"),
        ("max_keys", 0),
        ("max_keys", -5),
        ("max_keys", 2**70),
        ("default_ttl", 0),
        ("default_ttl", -1),
        ("default_ttl", float("nan")),
        ("default_ttl", float("inf")),
        ("eviction_policy", "mru"),
        ("cleanup_interval", 0),
        ("cleanup_interval", -0.5),
        ("list_max_len", 0),
        ("capacity", 0),
    ],
)
def test_a_bad_value_is_a_value_error_that_names_the_field(field, value):
    with pytest.raises(ValueError, match=field):
        MemoryCachePool(CacheConfig(**{field: value}))


@pytest.mark.parametrize("value", [object(), [1], 1j])
@pytest.mark.parametrize("field", inspect.signature(CacheConfig).parameters)
def test_a_value_of_the_wrong_type_is_a_type_error_that_names_the_field(field, value):
    with pytest.raises(TypeError, match=field):
        CacheConfig(**{field: value})


@pytest.mark.parametrize("field", ["enable_stats", "thread_safe", "copy_values"])
def test_a_choice_is_a_bool_and_nothing_that_counts_as_one(field):
    for value in ("yes", 1, 0, 2.0):
        with pytest.raises(TypeError, match=f"{field} has to be a bool, not {type(value).__name__}"):
            CacheConfig(**{field: value})


@pytest.mark.parametrize(
    "policy",
    [
        "lru",
        "lfu",
        "noeviction",
        "allkeys-lru",
        "allkeys-lfu",
        "allkeys-random",
        "volatile-lru",
        "volatile-lfu",
        "volatile-random",
        "volatile-ttl",
    ],
)
def test_every_policy_of_redis_is_taken(policy):
    pool = MemoryCachePool(CacheConfig(eviction_policy=policy, max_keys=10))
    pool.set("k", 1, ex=60)
    assert pool.get("k") == 1


def test_sizes_may_be_texts():
    assert MemoryCachePool(CacheConfig(max_memory="64mb")).set("k", 1)
    with pytest.raises(ValueError, match="max_memory"):
        MemoryCachePool(CacheConfig(max_memory="64"))


def test_a_default_time_to_live_is_for_what_has_none():
    clock = ManualClock()
    pool = MemoryCachePool(CacheConfig(default_ttl=2.5, clock=clock))
    pool.set("k", 1)
    pool.set("longer", 1, ex=10)
    pool.set("object", {"a": 1})
    pool.hset("h", "f", 1)
    assert pool.pttl("k") == 2500
    assert pool.pttl("object") == 2500
    assert pool.pttl("h") == 2500
    assert pool.ttl("longer") == 10
    clock.advance(3)
    assert sorted(pool.keys()) == ["longer"]


def test_a_time_to_live_may_be_a_timedelta():
    pool = MemoryCachePool(CacheConfig(default_ttl=datetime.timedelta(minutes=1)))
    pool.set("k", 1)
    assert 59_000 < pool.pttl("k") <= 60_000


def test_max_keys_is_kept_by_eviction():
    pool = MemoryCachePool(CacheConfig(max_keys=100, eviction_policy="lru"))
    for i in range(1_000):
        pool.set(f"k{i}", i)
    assert pool.dbsize() <= 100
    assert pool.get_stats().evictions >= 900
    assert pool.get("k999") == 999


def test_a_full_pool_without_eviction_refuses_and_keeps():
    pool = MemoryCachePool(CacheConfig(max_keys=2, eviction_policy="noeviction"))
    pool.set("a", 1)
    pool.set("b", [2])
    for call in [
        lambda: pool.set("c", 3),
        lambda: pool.set("c", {"object": 3}),
        lambda: pool.hset("c", "f", 1),
        lambda: pool.lpush("c", [1]),
        lambda: pool.incr("c"),
    ]:
        with pytest.raises(OutOfMemoryError):
            call()
    assert sorted(pool.keys()) == ["a", "b"]
    assert pool.set("a", 4) is True
    pool.delete("b")
    assert pool.set("c", 3) is True


def test_a_key_that_is_too_long_is_refused(pool):
    with pytest.raises((DataError, ValueError)):
        pool.set("k" * 70_000, 1)
    assert pool.get("k" * 70_000) is None
    assert pool.dbsize() == 0


def test_errors_are_those_of_redis_when_it_is_there():
    redis = pytest.importorskip("redis")
    assert issubclass(WrongTypeError, redis.exceptions.ResponseError)
    assert issubclass(DataError, redis.exceptions.DataError)
    assert issubclass(OutOfMemoryError, redis.exceptions.ResponseError)
    assert issubclass(WrongTypeError, redis.RedisError)


def test_a_wrong_type_says_what_redis_says(pool):
    pool.rpush("l", 1)
    with pytest.raises(WrongTypeError, match="another type|wrong kind of value"):
        pool.get("l")


def test_a_pool_refuses_to_be_copied_or_pickled():
    pool = MemoryCachePool()
    for refuse in (pickle.dumps, copy.deepcopy):
        with pytest.raises(TypeError):
            refuse(pool)


def test_a_pool_tells_what_it_is():
    pool = MemoryCachePool(CacheConfig(max_keys=10))
    pool.set("k", 1)
    assert repr(pool).startswith("<MemoryCachePool") or repr(pool).startswith("MemoryCachePool")


def test_pools_do_not_share_keys():
    a, b = MemoryCachePool(), MemoryCachePool()
    a.set("k", 1)
    assert b.get("k") is None


def test_everything_public_is_listed_and_described():
    for name in memory_cache_pool.__all__:
        assert getattr(memory_cache_pool, name).__doc__, f"{name} has no docstring"
    methods = [
        (name, method)
        for name, method in inspect.getmembers(MemoryCachePool)
        if not name.startswith("_") and callable(method)
    ]
    assert len(methods) > 90
    undocumented = [name for name, method in methods if len((method.__doc__ or "").strip()) < 20]
    assert undocumented == []


def test_every_command_has_a_signature():
    unsigned = []
    for name, method in inspect.getmembers(MemoryCachePool, callable):
        if not name.startswith("_"):
            try:
                inspect.signature(method)
            except ValueError:
                unsigned.append(name)
    assert unsigned == []
