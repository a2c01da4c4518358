"""Hashes."""

import pytest

from memory_cache_pool import DataError, WrongTypeError


def test_a_dict_as_second_argument(pool):
    assert pool.hset("h", {"bid": 100.5, "ask": 101}) == 2
    assert pool.hgetall("h") == {"bid": 100.5, "ask": 101}
    assert pool.hset("h", {"bid": 100.25, "size": 3}) == 1
    assert pool.hget("h", "bid") == 100.25


def test_a_mapping_by_name_and_fields_as_keywords(pool):
    assert pool.hset("h", mapping={"a": 1}) == 1
    assert pool.hset("h", b="2", c=None) == 2
    assert pool.hgetall("h") == {"a": 1, "b": "2", "c": None}
    assert pool.hset("h", {"d": 1}, e=2) == 2
    assert pool.hlen("h") == 5


def test_field_and_value(pool):
    assert pool.hset("h", "f", "v") == 1
    assert pool.hset("h", "f", "w") == 0
    assert pool.hget("h", "f") == "w"


def test_hset_without_fields_is_refused(pool):
    for call in [lambda: pool.hset("h"), lambda: pool.hset("h", {})]:
        with pytest.raises((DataError, TypeError, ValueError)):
            call()
    assert pool.exists("h") == 0


def test_what_is_missing(pool):
    assert pool.hget("h", "f") is None
    assert pool.hgetall("h") == {}
    assert pool.hkeys("h") == []
    assert pool.hvals("h") == []
    assert pool.hlen("h") == 0
    assert pool.hexists("h", "f") is False
    assert pool.hdel("h", "f") == 0
    assert pool.hmget("h", ["f"]) == [None]


def test_hdel_removes_fields_and_an_empty_hash(pool):
    pool.hset("h", {"a": 1, "b": 2, "c": 3})
    assert pool.hdel("h", "a", "missing") == 1
    assert pool.hdel("h", "b", "c") == 2
    assert pool.exists("h") == 0


def test_reads(pool):
    pool.hset("h", {"a": 1, "b": "two"})
    assert pool.hexists("h", "a") is True
    assert sorted(pool.hkeys("h")) == ["a", "b"]
    assert sorted(pool.hvals("h"), key=str) == [1, "two"]
    assert pool.hmget("h", ["a", "x", "b"]) == [1, None, "two"]
    assert pool.hmget("h", "a", "b") == [1, "two"]
    assert pool.hstrlen("h", "b") == 3
    assert pool.hstrlen("h", "x") == 0


def test_hsetnx_and_hmset(pool):
    assert pool.hsetnx("h", "f", 1) in (True, 1)
    assert pool.hsetnx("h", "f", 2) in (False, 0)
    assert pool.hget("h", "f") == 1
    assert pool.hmset("h", {"g": 2}) is True
    assert pool.hgetall("h") == {"f": 1, "g": 2}


def test_increments(pool):
    assert pool.hincrby("h", "n") == 1
    assert pool.hincrby("h", "n", 5) == 6
    assert pool.hincrbyfloat("h", "f", 0.1) == pytest.approx(0.1)
    assert pool.hincrbyfloat("h", "f", 0.2) == 0.3
    pool.hset("h", "n", 41)
    assert pool.hincrby("h", "n", 1) == 42
    pool.hset("h", "t", "text")
    with pytest.raises((DataError, ValueError)):
        pool.hincrby("h", "t")


def test_random_fields(pool):
    assert pool.hrandfield("h") is None
    pool.hset("h", {"a": 1, "b": 2})
    assert pool.hrandfield("h") in ("a", "b")
    assert sorted(pool.hrandfield("h", 5)) == ["a", "b"]
    assert len(pool.hrandfield("h", -5)) == 5


def test_scanning_fields(pool):
    fields = {f"f{i}": i for i in range(500)}
    pool.hset("h", fields)
    assert dict(pool.hscan_iter("h")) == fields
    assert set(dict(pool.hscan_iter("h", match="f1*"))) == {f for f in fields if f.startswith("f1")}
    cursor, page = pool.hscan("h")
    seen = dict(page)
    while cursor != 0:
        cursor, page = pool.hscan("h", cursor, count=50)
        seen.update(page)
    assert seen == fields


def test_scanning_fields_without_their_values(pool):
    fields = {f"f{i}": i for i in range(500)}
    pool.hset("h", fields)
    assert set(pool.hscan_iter("h", no_values=True)) == set(fields)
    assert set(pool.hscan_iter("h", "f12*", no_values=True)) == {f for f in fields if f.startswith("f12")}
    cursor, page = pool.hscan("h", no_values=True)
    seen = set(page)
    assert isinstance(page, list)
    while cursor != 0:
        cursor, page = pool.hscan("h", cursor, count=50, no_values=True)
        seen.update(page)
    assert seen == set(fields)
    assert pool.hscan("missing", no_values=True) == (0, [])
    assert pool.hscan("missing", no_values=False) == (0, {})


def test_fields_may_be_bytes(pool):
    pool.hset("h", {b"f": 1})
    assert pool.hget("h", "f") == 1
    assert pool.hgetall("h") == {"f": 1}


def test_other_types_are_refused(pool):
    pool.set("s", "x")
    for call in [
        lambda: pool.hset("s", "f", 1),
        lambda: pool.hset("s", {"f": 1}),
        lambda: pool.hget("s", "f"),
        lambda: pool.hgetall("s"),
        lambda: pool.hdel("s", "f"),
        lambda: pool.hlen("s"),
        lambda: pool.hincrby("s", "f"),
    ]:
        with pytest.raises(WrongTypeError):
            call()
    assert pool.get("s") == "x"


def test_a_hash_keeps_its_time_to_live_over_changes(pool, clock):
    pool.hset("h", "f", 1)
    pool.expire("h", 10)
    pool.hset("h", "g", 2)
    assert pool.ttl("h") == 10
    clock.advance(11)
    assert pool.hgetall("h") == {}
