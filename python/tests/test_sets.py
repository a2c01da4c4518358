"""Sets."""

import pytest

from memory_cache_pool import WrongTypeError


def test_members_come_and_go(pool):
    assert pool.sadd("s", "a", "b", "a") == 2
    assert pool.sadd("s", "a") == 0
    assert pool.smembers("s") == {"a", "b"}
    assert pool.scard("s") == 2
    assert pool.sismember("s", "a") in (True, 1)
    assert pool.sismember("s", "x") in (False, 0)
    assert pool.srem("s", "a", "x") == 1
    assert pool.srem("s", "b") == 1
    assert pool.exists("s") == 0


def test_what_is_missing(pool):
    assert pool.smembers("s") == set()
    assert pool.scard("s") == 0
    assert pool.spop("s") is None
    assert pool.srandmember("s") is None
    assert not pool.sismember("s", "x")


def test_members_keep_their_types(pool):
    pool.sadd("s", "a", 1, 2.5, b"raw")
    assert pool.smembers("s") == {"a", 1, 2.5, b"raw"}
    assert pool.sismember("s", 1)
    assert pool.srem("s", 2.5) == 1


def test_smismember(pool):
    pool.sadd("s", "a", "b")
    assert [bool(there) for there in pool.smismember("s", ["a", "x", "b"])] == [True, False, True]
    assert [bool(there) for there in pool.smismember("s", "a", "x")] == [True, False]


def test_pops_and_random_members(pool):
    pool.sadd("s", "a", "b", "c")
    assert pool.srandmember("s") in ("a", "b", "c")
    assert sorted(pool.srandmember("s", 5)) == ["a", "b", "c"]
    assert len(pool.srandmember("s", -5)) == 5
    popped = pool.spop("s")
    rest = pool.spop("s", 5)
    assert {popped, *rest} == {"a", "b", "c"}
    assert pool.exists("s") == 0


def test_algebra(pool):
    pool.sadd("a", 1, 2, 3)
    pool.sadd("b", 2, 3, 4)
    assert pool.sinter("a", "b") == {2, 3}
    assert pool.sinter(["a", "b"]) == {2, 3}
    assert pool.sunion("a", "b") == {1, 2, 3, 4}
    assert pool.sdiff("a", "b") == {1}
    assert pool.sinterstore("i", "a", "b") == 2
    assert pool.sunionstore("u", ["a", "b"]) == 4
    assert pool.sdiffstore("d", "a", "b") == 1
    assert (pool.smembers("i"), pool.smembers("d")) == ({2, 3}, {1})
    assert pool.sintercard(2, ["a", "b"]) == 2
    assert pool.sintercard(2, ["a", "b"], 1) == 1


def test_smove(pool):
    pool.sadd("a", "x")
    assert pool.smove("a", "b", "x") in (True, 1)
    assert pool.smove("a", "b", "x") in (False, 0)
    assert pool.smembers("b") == {"x"}


def test_scanning_members(pool):
    pool.sadd("s", *range(500))
    assert set(pool.sscan_iter("s")) == set(range(500))
    cursor, page = pool.sscan("s")
    seen = set(page)
    while cursor != 0:
        cursor, page = pool.sscan("s", cursor, count=50)
        seen.update(page)
    assert seen == set(range(500))


def test_other_types_are_refused(pool):
    pool.set("x", "x")
    for call in [
        lambda: pool.sadd("x", 1),
        lambda: pool.srem("x", 1),
        lambda: pool.smembers("x"),
        lambda: pool.sismember("x", 1),
        lambda: pool.scard("x"),
        lambda: pool.sinter("x", "missing"),
    ]:
        with pytest.raises(WrongTypeError):
            call()
    assert pool.get("x") == "x"
