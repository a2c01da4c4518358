"""What goes in comes out."""

import math
import sys

import pytest

PLAIN = [
    "",
    "text",
    "naïve ☃ 𝄞",
    "nul\0inside",
    "123",
    b"",
    b"bytes",
    b"\x00\xff\xfe",
    b"123",
    # The longest that is encoded without an allocation, and the next.
    b"z" * 20,
    b"z" * 21,
    0,
    1,
    -1,
    255,
    2**31,
    2**63 - 1,
    -(2**63),
    2**63,
    2**200,
    -(2**200),
    0.0,
    -0.0,
    1.5,
    -2.25,
    1e300,
    5e-324,
    math.inf,
    -math.inf,
    True,
    False,
    None,
    "x" * 100_000,
    b"y" * 100_000,
]


def same(a, b):
    """Equal, of the same type, and of the same sign."""
    return type(a) is type(b) and a == b and repr(a) == repr(b)


@pytest.mark.parametrize("value", PLAIN, ids=lambda value: repr(value)[:20])
def test_a_plain_value_keeps_its_type_everywhere(pool, value):
    missing = object()
    pool.set("k", value)
    assert same(pool.get("k", missing), value)
    assert same(pool["k"], value)
    assert same(pool.mget("k")[0], value)
    pool.hset("h", {"f": value})
    assert same(pool.hget("h", "f"), value)
    assert same(pool.hgetall("h")["f"], value)
    pool.rpush("l", value)
    assert same(pool.lrange("l", 0, -1)[0], value)
    assert same(pool.lpop("l"), value)
    pool.sadd("s", value)
    (member,) = pool.smembers("s")
    assert same(member, value)
    assert pool.sismember("s", value)


def test_nan_comes_back_as_nan(pool):
    pool.set("k", math.nan)
    assert math.isnan(pool.get("k"))


def test_none_that_was_set_is_not_a_missing_key(pool):
    pool.set("k", None)
    assert pool.get("k", "default") is None
    assert pool.exists("k") == 1
    assert "k" in pool
    assert pool["k"] is None


def test_true_is_not_one_and_text_is_not_bytes(pool):
    pool.rpush("l", 1, True, 1.0, "1", b"1")
    assert [type(each) for each in pool.lrange("l", 0, -1)] == [int, bool, float, str, bytes]


class Text(str):
    """A subclass that carries more than its text."""


def test_a_subclass_of_a_plain_type_is_not_cut_down_to_it(pool):
    value = Text("x")
    value.note = 1
    pool.set("k", value)
    assert type(pool.get("k")) is Text
    assert pool.get("k").note == 1


def test_text_with_a_lone_surrogate_comes_back_or_is_refused(pool):
    text = "\ud800"
    try:
        pool.set("k", text)
    except (UnicodeEncodeError, ValueError, TypeError):
        assert pool.exists("k") == 0
    else:
        assert pool.get("k") == text


@pytest.mark.parametrize("make", [bytearray, memoryview])
def test_other_buffers_come_back_equal(pool, make):
    value = make(bytearray(b"raw"))
    pool.set("k", value)
    assert bytes(pool.get("k")) == b"raw"


def test_an_overwrite_changes_the_type(pool):
    for value in [1, "x", b"y", {"a": 1}, 2.5, None, [1]]:
        pool.set("k", value)
        assert same(pool.get("k"), value)


def test_values_that_are_got_are_not_kept_alive_twice(pool):
    value = "some text that is long enough to be its own object"
    before = sys.getrefcount(value)
    for _ in range(100):
        pool.set("k", value)
        pool.get("k")
    assert sys.getrefcount(value) <= before + 2
