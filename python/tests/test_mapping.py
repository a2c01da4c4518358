"""A pool as a mapping and as a context."""

import asyncio

import pytest

from memory_cache_pool import MemoryCachePool


def test_items(pool):
    pool["k"] = {"a": 1}
    assert pool["k"] == {"a": 1}
    assert "k" in pool and b"k" in pool
    assert "missing" not in pool
    del pool["k"]
    assert "k" not in pool


def test_a_missing_key_is_a_key_error(pool):
    with pytest.raises(KeyError) as error:
        pool["missing"]
    assert error.value.args == ("missing",)
    with pytest.raises(KeyError):
        del pool["missing"]


def test_an_item_that_has_expired_is_missing(pool, clock):
    pool.set("k", 1, ex=1)
    clock.advance(2)
    assert "k" not in pool
    with pytest.raises(KeyError):
        pool["k"]


def test_length_and_iteration(pool):
    assert len(pool) == 0
    pool.mset({"a": 1, "b": 2})
    assert len(pool) == pool.dbsize() == 2
    assert sorted(pool) == ["a", "b"]
    assert dict((key, pool[key]) for key in pool) == {"a": 1, "b": 2}


def test_a_pool_is_true_even_when_empty(pool):
    assert bool(pool)


def test_iteration_survives_changes(pool):
    pool.mset({f"k{i}": i for i in range(1_000)})
    for key in pool:
        del pool[key]
    assert len(pool) == 0


def test_with():
    with MemoryCachePool() as pool:
        pool["k"] = 1
        assert pool["k"] == 1
    with pytest.raises(ZeroDivisionError):
        with MemoryCachePool():
            1 / 0


def test_async_with():
    async def use():
        async with MemoryCachePool() as pool:
            pool["k"] = 1
            assert pool["k"] == 1

    asyncio.run(use())


def test_something_else_is_not_in_a_pool(pool):
    with pytest.raises(TypeError):
        1 in pool
    with pytest.raises(TypeError):
        pool[1]
