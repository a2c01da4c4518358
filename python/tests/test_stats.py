"""Statistics and facts about keys."""

import pytest

from memory_cache_pool import CacheConfig, DataError, MemoryCachePool


def test_hits_misses_and_operations_are_counted(pool):
    pool.set("k", 1)
    pool.get("k")
    pool.get("k")
    pool.get("missing")
    pool.delete("k")
    stats = pool.get_stats()
    assert (stats.hits, stats.misses, stats.sets, stats.deletes) == (2, 1, 1, 1)
    assert stats.hit_rate == 2 / 3
    assert stats.operations == 5
    assert stats.key_count == 0


def test_every_way_to_read_counts(pool):
    pool.set("k", 1)
    pool["k"]
    pool.get("k")
    pool.mget("k", "missing")
    pool.hget("h", "f")
    stats = pool.get_stats()
    assert stats.hits >= 3
    assert stats.misses >= 1


def test_memory_and_keys_are_those_of_now(pool):
    before = pool.get_stats().memory_usage
    for i in range(1_000):
        pool.set(f"k{i}", "x" * 100)
    stats = pool.get_stats()
    assert stats.key_count == 1_000
    assert stats.memory_usage > before + 100_000
    assert stats.memory_usage == (
        stats.record_bytes
        + stats.retired_bytes
        + stats.idle_bytes
        + stats.table_bytes
        + stats.wheel_bytes
        + stats.eviction_bytes
    )


def test_expirations_are_counted(pool, clock):
    pool.set("k", 1, ex=1)
    clock.advance(2)
    pool._cleanup_expired_keys()
    assert pool.get_stats().expirations == 1


def test_reset_begins_anew_but_keeps_the_keys(pool):
    pool.set("k", 1)
    pool.get("k")
    pool.reset_stats()
    stats = pool.get_stats()
    assert (stats.hits, stats.operations, stats.hit_rate) == (0, 0, 0.0)
    assert stats.key_count == 1


def test_without_statistics_nothing_is_counted():
    pool = MemoryCachePool(CacheConfig(enable_stats=False))
    pool.set("k", 1)
    pool.get("k")
    assert pool.get_stats().operations == 0
    assert pool.get_stats().key_count == 1


def test_statistics_can_be_printed(pool):
    assert "hit_rate" in repr(pool.get_stats())


def test_info_is_a_dict_of_numbers_and_texts(pool):
    pool.set("k", 1)
    info = pool.info()
    assert isinstance(info, dict)
    assert info["used_memory"] == pool.get_stats().memory_usage or info["used_memory"] > 0
    assert isinstance(info["keyspace_hits"], int)
    assert isinstance(info["hit_rate"], float)
    assert isinstance(info["maxmemory_policy"], str)
    assert set(pool.info("memory")) < set(info)


def test_info_takes_several_sections(pool):
    memory, stats = pool.info("memory"), pool.info(section="stats")
    assert not set(memory) & set(stats)
    assert set(pool.info("memory", "stats")) == set(memory) | set(stats)
    assert set(pool.info("STATS", "stats")) == set(stats)
    assert set(pool.info("stats", "everything")) == set(pool.info("all")) == set(pool.info())
    with pytest.raises(DataError, match="nonsense"):
        pool.info("memory", "nonsense")


def test_debug_keys_tells_each_key(pool):
    pool.set("s", "x", ex=10)
    pool.hset("h", "f", 1)
    pool.set("o", {"a": 1})
    for _ in range(5):
        pool.get("s")
    facts = {each["key"]: each for each in pool.debug_keys()}
    assert set(facts) == {"s", "h", "o"}
    assert facts["s"]["type"] == "string"
    assert facts["h"]["type"] == "hash"
    assert facts["s"]["ttl"] == 10
    assert facts["h"]["ttl"] == -1
    assert facts["s"]["access_count"] >= 1
    assert all(each["memory_estimate"] > 0 for each in facts.values())


def test_statistics_add_up_over_threads(pool, run_in_threads):
    pool.set("k", 1)

    def read():
        for _ in range(1_000):
            pool.get("k")

    run_in_threads(*[read] * 8)
    assert pool.get_stats().hits == 8_000
