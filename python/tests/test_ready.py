"""Short values that are read again: the same object may come out, never another value."""

import random
import sys
import sysconfig

import pytest

from memory_cache_pool import MemoryCachePool

#: Objects are shared under the interpreter's lock only.
with_lock = pytest.mark.skipif(
    bool(sysconfig.get_config_var("Py_GIL_DISABLED")), reason="there is no lock"
)


def read_often(pool, key):
    values = [pool.get(key) for _ in range(4)] + [pool[key]]
    assert all(type(value) is type(values[0]) and value == values[0] for value in values)
    return values[-1]


@with_lock
@pytest.mark.parametrize("value", ["", "a text", "x" * 64, b"", b"bytes", b"y" * 63])
def test_what_is_read_often_is_made_once(value):
    pool = MemoryCachePool()
    pool.set("k", value)
    assert read_often(pool, "k") is pool.get("k")


def test_a_value_of_the_same_length_and_place_is_not_taken_for_the_one_before():
    pool = MemoryCachePool()
    for i in range(1_000):
        value = b"%016d" % i if i % 3 else f"text{i:012}"
        pool.set("k", value)
        assert read_often(pool, "k") == value


def test_a_str_is_not_taken_for_the_bytes_that_were_there():
    pool = MemoryCachePool()
    for _ in range(50):
        for value in (b"same", "same", "säme", "säme".encode(), b"\xffsame"):
            pool.set("k", value)
            found = read_often(pool, "k")
            assert (type(found), found) == (type(value), value)


def test_a_change_of_the_text_is_seen():
    pool = MemoryCachePool()
    pool.set("k", "abcdefgh")
    read_often(pool, "k")
    pool.setrange("k", 0, "X")
    assert read_often(pool, "k") == "Xbcdefgh"
    pool.append("k", "!")
    assert read_often(pool, "k") == "Xbcdefgh!"
    pool.set("n", 7)
    assert read_often(pool, "n") == 7
    pool.incr("n")
    assert read_often(pool, "n") == 8


def test_any_values_read_in_turns_come_out_as_they_went_in():
    pool, model, random_ = MemoryCachePool(), {}, random.Random(7)
    alphabets = ["ab", "aä", "01"]
    for _ in range(20_000):
        key = f"k{random_.randrange(40)}"
        if random_.random() < 0.3:
            value = "".join(random_.choices(random_.choice(alphabets), k=random_.choice([0, 1, 7, 8, 9, 17, 70])))
            model[key] = value.encode() if random_.random() < 0.5 else value
            pool.set(key, model[key])
        found = pool.get(key)
        assert (type(found), found) == (type(model.get(key)), model.get(key))


@with_lock
def test_objects_that_are_ready_go_with_their_pool():
    pool = MemoryCachePool()
    pool.set("k", b"a value that nobody else has")
    value = read_often(pool, "k")
    shared = sys.getrefcount(value)
    del pool
    assert sys.getrefcount(value) < shared
