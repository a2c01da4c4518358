"""Strings and counters."""

import types

import pytest

from memory_cache_pool import DataError, MemoryCachePool, WrongTypeError


def test_what_was_set_is_got_until_it_is_deleted(pool):
    assert pool.set("k", "v") is True
    assert pool.get("k") == "v"
    assert pool.delete("k") == 1
    assert pool.get("k") is None


def test_get_of_a_missing_key_returns_the_default(pool):
    assert pool.get("missing") is None
    assert pool.get("missing", 7) == 7
    assert pool.get("missing", default="x") == "x"


def test_a_key_is_the_same_as_text_and_as_bytes(pool):
    pool.set("kéy", "v")
    assert pool.get("kéy".encode()) == "v"
    pool.set(b"raw", 1)
    assert pool.get("raw") == 1
    assert pool.exists("kéy", "kéy".encode()) == 2


@pytest.mark.parametrize("key", [1, None, 1.5, ["k"], object()])
def test_a_key_that_is_neither_text_nor_bytes_is_refused(pool, key):
    with pytest.raises((TypeError, DataError)):
        pool.set(key, "v")
    with pytest.raises((TypeError, DataError)):
        pool.get(key)
    assert pool.dbsize() == 0


def test_nx_sets_only_what_is_missing(pool):
    assert pool.set("k", "1", nx=True) is True
    assert pool.set("k", "2", nx=True) in (None, False)
    assert pool.get("k") == "1"


def test_xx_sets_only_what_exists(pool):
    assert pool.set("k", "1", xx=True) in (None, False)
    assert not pool.exists("k")
    pool.set("k", "1")
    assert pool.set("k", "2", xx=True) is True
    assert pool.get("k") == "2"


def test_set_with_get_returns_what_was_there(pool):
    assert pool.set("k", "1", get=True) is None
    assert pool.set("k", 2, get=True) == "1"
    assert pool.set("k", "3", get=True) == 2
    pool.rpush("list", "x")
    with pytest.raises(WrongTypeError):
        pool.set("list", "v", get=True)
    assert pool.lrange("list", 0, -1) == ["x"]


def test_options_of_set_that_contradict_each_other_are_refused(pool):
    for options in [
        {"nx": True, "xx": True},
        {"ex": 1, "px": 1},
        {"ex": 1, "keepttl": True},
        {"exat": 1, "pxat": 1},
    ]:
        with pytest.raises((DataError, ValueError)):
            pool.set("k", "v", **options)
    assert not pool.exists("k")


@pytest.mark.parametrize("options", [{"ex": 0}, {"ex": -1}, {"px": 0}, {"px": -5}, {"ex": 2**63}])
def test_a_time_to_live_that_cannot_be_is_refused(pool, options):
    with pytest.raises((DataError, ValueError, OverflowError)):
        pool.set("k", "v", **options)
    assert not pool.exists("k")


def test_an_unknown_option_of_set_is_a_type_error(pool):
    with pytest.raises(TypeError):
        pool.set("k", "v", expires=3)


def test_setnx_setex_psetex_and_getset(pool):
    assert pool.setnx("k", "1") in (True, 1)
    assert pool.setnx("k", "2") in (False, 0)
    assert pool.setex("e", 10, "v") is True
    assert pool.ttl("e") == 10
    assert pool.psetex("p", 1500, "v") is True
    assert pool.pttl("p") == 1500
    assert pool.getset("k", "3") == "1"
    assert pool.getset("new", "3") is None
    assert pool.get("k") == "3"


def test_getdel_takes_the_value_away(pool):
    pool.set("k", 1.5)
    assert pool.getdel("k") == 1.5
    assert pool.getdel("k") is None


def test_getex_changes_the_time_to_live(pool):
    pool.set("k", "v")
    assert pool.getex("k", ex=10) == "v"
    assert pool.ttl("k") == 10
    assert pool.getex("k", persist=True) == "v"
    assert pool.ttl("k") == -1
    assert pool.getex("k", px=1500) == "v"
    assert pool.pttl("k") == 1500
    assert pool.getex("k") == "v"
    assert pool.pttl("k") == 1500
    assert pool.getex("missing", ex=10) is None


def test_mset_and_mget(pool):
    assert pool.mset({"a": 1, "b": "2", b"c": None}) is True
    assert pool.mget("a", "b", "missing") == [1, "2", None]
    assert pool.mget(["a", "b"]) == [1, "2"]
    assert pool.mget(["a"], "b") == [1, "2"]
    assert pool.exists("c") == 1


def test_any_mapping_will_do(pool):
    mapping = types.MappingProxyType({"a": 1, b"b": [2]})
    assert pool.mset(mapping) is True
    assert pool.set_many(mapping, px=1500) is True
    assert pool.hset("h", mapping) == 2
    assert pool.mget("a", "b") == [1, [2]]
    assert pool.pttl("b") == 1500
    for nothing in ([("a", 1)], "a", 3):
        with pytest.raises((TypeError, DataError)):
            pool.mset(nothing)


def test_mget_shows_none_for_other_types(pool):
    pool.rpush("l", 1)
    pool.set("s", 1)
    assert pool.mget("l", "s") == [None, 1]


def test_msetnx_sets_all_or_nothing(pool):
    assert pool.msetnx({"a": "1", "b": "2"}) in (True, 1)
    assert pool.msetnx({"b": "3", "c": "4"}) in (False, 0)
    assert pool.mget("a", "b", "c") == ["1", "2", None]


def test_counters(pool):
    assert pool.incr("n") == 1
    assert pool.incr("n", 5) == 6
    assert pool.incr("n", amount=-2) == 4
    assert pool.incrby("n", 3) == 7
    assert pool.decr("n") == 6
    assert pool.decr("n", 4) == 2
    assert pool.decrby("n", 1) == 1
    assert int(pool.get("n")) == 1


@pytest.mark.parametrize("start", ["41", b"41", 41])
def test_every_way_to_write_an_integer_can_be_incremented(pool, start):
    pool.set("n", start)
    assert pool.incr("n") == 42
    assert int(pool.get("n")) == 42


@pytest.mark.parametrize("value", ["x", "", " 1", "1.5", b"\xff", 1.5, {"a": 1}, [1]])
def test_what_is_no_integer_cannot_be_incremented(pool, value):
    pool.set("k", value)
    with pytest.raises((DataError, WrongTypeError, ValueError)):
        pool.incr("k")
    assert pool.get("k") == value


def test_an_increment_that_overflows_changes_nothing(pool):
    pool.set("n", 2**63 - 1)
    with pytest.raises((DataError, ValueError, OverflowError)):
        pool.incr("n")
    assert int(pool.get("n")) == 2**63 - 1


def test_incrbyfloat(pool):
    assert pool.incrbyfloat("f", 0.1) == pytest.approx(0.1)
    assert pool.incrbyfloat("f", 0.2) == 0.3
    pool.set("f", 1.5)
    assert pool.incrbyfloat("f", 1) == 2.5
    pool.set("s", "10.50")
    assert pool.incrbyfloat("s", 0.1) == 10.6
    pool.set("s", "x")
    with pytest.raises((DataError, ValueError)):
        pool.incrbyfloat("s", 0.1)


def test_append_and_strlen_and_ranges(pool):
    assert pool.append("k", "Hello") == 5
    assert pool.append("k", " World") == 11
    assert pool.get("k") == "Hello World"
    assert pool.strlen("k") == 11
    assert pool.strlen("missing") == 0
    assert pool.getrange("k", 0, 4) == "Hello"
    assert pool.getrange("k", -5, -1) == "World"
    assert pool.substr("k", 0, 4) == "Hello"
    assert pool.setrange("k", 6, "Redis") == 11
    assert pool.get("k") == "Hello Redis"


def test_a_number_behaves_as_its_text(pool):
    pool.set("n", 123)
    assert pool.strlen("n") == 3
    assert pool.append("n", "4") == 4
    assert int(pool.get("n")) == 1234
    pool.set("b", b"ab")
    assert pool.append("b", b"\xff") == 3
    assert pool.get("b") == b"ab\xff"


def test_string_commands_refuse_other_types(pool):
    pool.rpush("l", "x")
    for call in [
        lambda: pool.get("l"),
        lambda: pool.incr("l"),
        lambda: pool.append("l", "x"),
        lambda: pool.strlen("l"),
        lambda: pool.getrange("l", 0, 1),
        lambda: pool.setrange("l", 0, "x"),
        lambda: pool.getset("l", "x"),
        lambda: pool.getdel("l"),
        lambda: pool.getex("l"),
    ]:
        with pytest.raises(WrongTypeError):
            call()
    assert pool.lrange("l", 0, -1) == ["x"]
    pool.set("l", "now a string")
    assert pool.get("l") == "now a string"


def test_get_many_and_set_many_are_batches():
    pool = MemoryCachePool()
    pool.set_many({"a": 1, "b": "2"}, ex=60)
    assert list(pool.get_many(["a", "b", "missing"])) == [1, "2", None]
    assert 0 < pool.ttl("a") <= 60


def test_a_value_no_older_than_asked_for_is_fresh(pool, clock):
    pool.set("quote", 101.5)
    assert pool.age("quote") == pytest.approx(0.0)
    clock.advance(0.25)
    assert pool.age("quote") == pytest.approx(0.25)
    assert pool.get_fresh("quote", 0.25) == 101.5
    assert pool.get_fresh("quote", 0.2) is None
    assert pool.get("quote") == 101.5
    assert pool.age("missing") is None
    assert pool.get_fresh("missing", 1) is None
