"""Keys and their time to live."""

import datetime

import pytest

from memory_cache_pool import DataError


def test_delete_counts_what_was_there(pool):
    pool.mset({"a": 1, "b": 2})
    assert pool.delete("a", "b", "missing") == 2
    assert pool.delete("a") == 0
    assert pool.dbsize() == 0


def test_unlink_and_touch_and_exists(pool):
    pool.mset({"a": 1, "b": 2})
    assert pool.touch("a", "missing") == 1
    assert pool.exists("a", "a", "missing") == 2
    assert pool.unlink("a", "b") == 2


def test_keys_returns_text_that_matches(pool):
    pool.mset({"user:1": 1, "user:2": 2, "order:1": 3, "a*b": 4})
    assert sorted(pool.keys()) == ["a*b", "order:1", "user:1", "user:2"]
    assert sorted(pool.keys("user:*")) == ["user:1", "user:2"]
    assert sorted(pool.keys(pattern="*:1")) == ["order:1", "user:1"]
    assert pool.keys("user:[13]") == ["user:1"]
    assert pool.keys("a\\*b") == ["a*b"]
    assert pool.keys("nothing*") == []
    assert all(type(key) is str for key in pool.keys())


def test_keys_leaves_out_what_has_expired(pool, clock):
    pool.set("a", 1, ex=1)
    pool.set("b", 1)
    clock.advance(2)
    assert pool.keys() == ["b"]


def test_scan_iter_sees_every_key_once_when_nothing_changes(pool):
    names = {f"k:{i}" for i in range(2000)}
    pool.mset(dict.fromkeys(names, 0))
    pool.set("other", 1)
    assert sorted(pool.scan_iter("k:*")) == sorted(names)
    assert sorted(pool.scan_iter(match="k:*", count=7)) == sorted(names)
    assert set(pool.scan_iter()) == names | {"other"}


def test_scan_pages_until_the_cursor_is_zero(pool):
    names = {f"k:{i}" for i in range(500)}
    pool.mset(dict.fromkeys(names, 0))
    cursor, seen = pool.scan()
    seen = list(seen)
    while cursor != 0:
        cursor, page = pool.scan(cursor, match="k:*", count=50)
        seen.extend(page)
    assert set(seen) == names


def test_scan_can_look_for_one_type(pool):
    pool.set("s", 1)
    pool.hset("h", "f", 1)
    pool.rpush("l", 1)
    assert list(pool.scan_iter(_type="hash")) == ["h"]
    assert list(pool.scan_iter(_type="list")) == ["l"]


def test_type_names_the_type(pool):
    pool.set("s", "x")
    pool.set("n", 1)
    pool.hset("h", "f", 1)
    pool.rpush("l", 1)
    pool.sadd("set", 1)
    names = [pool.type(key) for key in ("s", "n", "h", "l", "set", "missing")]
    assert names == ["string", "string", "hash", "list", "set", "none"]


def test_rename_and_copy(pool):
    pool.set("a", "1", ex=10)
    assert pool.rename("a", "b") is True
    assert (pool.get("a"), pool.get("b"), pool.ttl("b")) == (None, "1", 10)
    pool.set("c", "2")
    assert pool.renamenx("b", "c") in (False, 0)
    assert pool.renamenx("b", "d") in (True, 1)
    assert pool.copy("d", "e") in (True, 1)
    assert pool.copy("d", "c") in (False, 0)
    assert pool.copy("d", "c", replace=True) in (True, 1)
    assert (pool.get("c"), pool.get("e"), pool.ttl("e")) == ("1", "1", 10)
    with pytest.raises(Exception, match="exist|no such key"):
        pool.rename("missing", "x")


def test_randomkey_is_one_of_the_keys(pool):
    assert pool.randomkey() is None
    pool.mset({"a": 1, "b": 2})
    assert pool.randomkey() in ("a", "b")


def test_flushall_leaves_nothing(pool):
    pool.mset({"a": 1, "b": 2})
    pool.rpush("l", 1)
    assert pool.flushall() is True
    assert pool.dbsize() == 0
    assert pool.keys() == []
    assert pool.flushdb() is True


@pytest.mark.parametrize("flush", ["flushall", "flushdb"])
def test_a_flush_takes_redis_pys_argument(pool, flush):
    pool.set("k", "v")
    assert getattr(pool, flush)(asynchronous=True) is True
    assert "k" not in pool


def test_a_key_is_gone_when_its_time_has_come(pool, clock):
    pool.set("s", "v", ex=2)
    pool.set("ms", "v", px=1500)
    clock.advance(1.5)
    assert (pool.get("s"), pool.get("ms")) == ("v", "v")
    clock.advance(0.001)
    assert (pool.get("s"), pool.get("ms")) == ("v", None)
    clock.advance(0.5)
    assert (pool.get("s"), pool.exists("s"), pool.ttl("s")) == (None, 0, -2)


def test_ttl_rounds_as_redis_does(pool, clock):
    pool.set("k", "v", px=1500)
    assert (pool.ttl("k"), pool.pttl("k")) == (2, 1500)
    clock.advance(0.001)
    assert (pool.ttl("k"), pool.pttl("k")) == (1, 1499)
    pool.set("forever", "v")
    assert (pool.ttl("forever"), pool.pttl("forever")) == (-1, -1)
    assert (pool.ttl("missing"), pool.pttl("missing")) == (-2, -2)


def test_expire_and_persist(pool, clock):
    pool.set("k", "v")
    assert pool.expire("k", 10) is True
    assert pool.ttl("k") == 10
    assert pool.pexpire("k", 2500) is True
    assert pool.pttl("k") == 2500
    assert pool.persist("k") is True
    assert pool.persist("k") is False
    assert pool.ttl("k") == -1
    assert pool.expire("missing", 10) is False
    assert pool.expire("k", -1) is True
    assert pool.exists("k") == 0


def test_the_conditions_of_expire(pool):
    pool.set("k", "v")
    assert pool.expire("k", 10, xx=True) is False
    assert pool.expire("k", 10, nx=True) is True
    assert pool.expire("k", 20, nx=True) is False
    assert pool.expire("k", 5, gt=True) is False
    assert pool.expire("k", 20, gt=True) is True
    assert pool.expire("k", 30, lt=True) is False
    assert pool.expire("k", 5, lt=True) is True
    assert pool.ttl("k") == 5


def test_points_in_time(pool, clock):
    now = int(clock.now())
    pool.set("k", "v", exat=now + 100)
    assert pool.expiretime("k") == now + 100
    assert pool.pexpiretime("k") == (now + 100) * 1000
    pool.set("p", "v", pxat=(now + 100) * 1000 + 5)
    assert pool.pexpiretime("p") == (now + 100) * 1000 + 5
    assert pool.expireat("k", now + 200) is True
    assert pool.expiretime("k") == now + 200
    assert pool.pexpireat("k", (now + 300) * 1000) is True
    assert pool.expiretime("k") == now + 300
    assert pool.set("past", "v", exat=1) is True
    assert pool.exists("past") == 0


def test_durations_may_be_timedeltas(pool):
    pool.set("k", "v", ex=datetime.timedelta(minutes=2))
    assert pool.ttl("k") == 120
    pool.set("k", "v", px=datetime.timedelta(milliseconds=250))
    assert pool.pttl("k") == 250
    pool.expire("k", datetime.timedelta(hours=1))
    assert pool.ttl("k") == 3600


def test_keepttl_keeps_what_set_would_drop(pool):
    pool.set("k", 1, ex=10)
    pool.set("k", 2, keepttl=True)
    assert pool.ttl("k") == 10
    pool.set("k", 3)
    assert pool.ttl("k") == -1


def test_an_impossible_time_is_refused(pool):
    pool.set("k", "v")
    with pytest.raises((DataError, ValueError, OverflowError)):
        pool.expire("k", 2**62)
    with pytest.raises((DataError, ValueError, OverflowError)):
        pool.expire("k", 2**80)
    assert pool.ttl("k") == -1


def test_cleanup_returns_how_many_it_removed(pool, clock):
    for i in range(100):
        pool.set(f"k{i}", i, ex=1)
    pool.set("stays", 1)
    assert pool._cleanup_expired_keys() == 0
    clock.advance(5)
    assert pool._cleanup_expired_keys() == 100
    assert pool.cleanup_expired_keys() == 0
    assert pool.dbsize() == 1


def test_objects_commands(pool):
    pool.set("k", "v")
    assert pool.object("encoding", "k") in ("embstr", "raw")
    assert pool.object("idletime", "k") in (0, None) or True
    assert pool.memory_usage("k") == pool.memory_usage("k", samples=0) > 0
    assert pool.memory_usage("missing") is None
