"""Lists."""

import pytest

from memory_cache_pool import CacheConfig, DataError, MemoryCachePool, WrongTypeError


def test_pushes_and_ranges(pool):
    assert pool.lpush("l", 1) == 1
    assert pool.lpush("l", "two", 3.0) == 3
    assert pool.lrange("l", 0, -1) == [3.0, "two", 1]
    assert pool.rpush("l", b"four", None) == 5
    assert pool.lrange("l", -2, -1) == [b"four", None]
    assert pool.lrange("l", 1, 1) == ["two"]
    assert pool.lrange("l", 5, 9) == []
    assert pool.lrange("missing", 0, -1) == []
    assert pool.llen("l") == 5
    assert pool.llen("missing") == 0


def test_pops(pool):
    pool.rpush("l", 1, 2, 3, 4, 5)
    assert pool.lpop("l") == 1
    assert pool.rpop("l") == 5
    assert pool.lpop("l", 2) == [2, 3]
    assert pool.rpop("l", count=9) == [4]
    assert pool.lpop("l") is None
    assert pool.rpop("l", 2) is None
    assert pool.exists("l") == 0


def test_lpop_with_none_is_a_single_pop(pool):
    pool.rpush("l", "a", "b")
    assert pool.lpop("l", None) == "a"
    assert pool.lpop("l", 1) == ["b"]


def test_a_negative_count_is_refused(pool):
    pool.rpush("l", 1)
    with pytest.raises((DataError, ValueError, OverflowError)):
        pool.lpop("l", -1)
    assert pool.llen("l") == 1


def test_pushes_to_what_exists_only(pool):
    assert pool.lpushx("l", 1) == 0
    assert pool.rpushx("l", 1) == 0
    pool.rpush("l", 1)
    assert pool.lpushx("l", 0) == 2
    assert pool.rpushx("l", 2) == 3
    assert pool.lrange("l", 0, -1) == [0, 1, 2]


def test_access_by_index(pool):
    pool.rpush("l", "a", "b", "c")
    assert pool.lindex("l", 0) == "a"
    assert pool.lindex("l", -1) == "c"
    assert pool.lindex("l", 3) is None
    assert pool.lset("l", 1, "B") is True
    assert pool.lrange("l", 0, -1) == ["a", "B", "c"]
    with pytest.raises(Exception, match="index"):
        pool.lset("l", 9, "x")
    with pytest.raises(Exception, match="exist|no such key"):
        pool.lset("missing", 0, "x")


def test_linsert(pool):
    pool.rpush("l", "a", "c")
    assert pool.linsert("l", "BEFORE", "c", "b") == 3
    assert pool.linsert("l", "after", "c", "d") == 4
    assert pool.linsert("l", "before", "x", "y") == -1
    assert pool.linsert("missing", "before", "x", "y") == 0
    assert pool.lrange("l", 0, -1) == ["a", "b", "c", "d"]


def test_lrem_and_ltrim(pool):
    pool.rpush("l", "a", "b", "a", "c", "a")
    assert pool.lrem("l", -1, "a") == 1
    assert pool.lrange("l", 0, -1) == ["a", "b", "a", "c"]
    assert pool.lrem("l", 0, "a") == 2
    assert pool.ltrim("l", 1, 1) is True
    assert pool.lrange("l", 0, -1) == ["c"]
    pool.ltrim("l", 5, 9)
    assert pool.exists("l") == 0


def test_lpos(pool):
    pool.rpush("l", "a", "b", "a", "b")
    assert pool.lpos("l", "b") == 1
    assert pool.lpos("l", "b", rank=-1) == 3
    assert pool.lpos("l", "b", count=0) == [1, 3]
    assert pool.lpos("l", "x") is None
    assert pool.lpos("l", "x", count=1) == []


def test_moves_between_lists(pool):
    pool.rpush("a", 1, 2, 3)
    assert pool.lmove("a", "b", "LEFT", "RIGHT") == 1
    assert pool.rpoplpush("a", "b") == 3
    assert pool.lrange("b", 0, -1) == [3, 1]
    assert pool.lmove("missing", "b") is None
    assert pool.rpoplpush("missing", "b") is None


def test_lmpop(pool):
    pool.rpush("b", 1, 2, 3)
    popped = pool.lmpop(2, "a", "b", direction="LEFT", count=2)
    assert list(popped) == ["b", [1, 2]]
    assert pool.lmpop(1, "missing", direction="LEFT") is None


def test_a_list_can_be_a_ring_buffer():
    pool = MemoryCachePool(CacheConfig(list_max_len=3))
    for i in range(10):
        pool.rpush("l", i)
    assert pool.lrange("l", 0, -1) == [7, 8, 9]


def test_other_types_are_refused(pool):
    pool.set("s", "x")
    for call in [
        lambda: pool.lpush("s", 1),
        lambda: pool.rpush("s", 1),
        lambda: pool.lpop("s"),
        lambda: pool.lrange("s", 0, -1),
        lambda: pool.llen("s"),
        lambda: pool.lindex("s", 0),
    ]:
        with pytest.raises(WrongTypeError):
            call()
    assert pool.get("s") == "x"


def test_a_long_list_keeps_its_order(pool):
    pool.rpush("l", *range(5000))
    assert pool.lrange("l", 0, -1) == list(range(5000))
    assert pool.lrange("l", 2500, 2502) == [2500, 2501, 2502]
