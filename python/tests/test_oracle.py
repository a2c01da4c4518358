"""The same calls to the pool and to fakeredis, which have to return the same."""

import inspect
import random

import pytest

from memory_cache_pool import MemoryCachePool

fakeredis = pytest.importorskip("fakeredis")
redis = pytest.importorskip("redis")
pytestmark = pytest.mark.filterwarnings("ignore:Call to deprecated")

#: Calls as users of redis-py write them, by name and arguments; `K` and `V` stand for keys and values.
FIXED = [
    ("set", ("k", "v"), {}),
    ("set", ("k", "w"), {"nx": True}),
    ("set", ("k", "w"), {"xx": True}),
    ("set", ("new", "w"), {"xx": True}),
    ("set", ("k", "x"), {"get": True}),
    ("set", ("t", "x"), {"ex": 100}),
    ("set", ("t", "y"), {"keepttl": True}),
    ("get", ("k",), {}),
    ("get", ("missing",), {}),
    ("ttl", ("t",), {}),
    ("ttl", ("k",), {}),
    ("ttl", ("missing",), {}),
    ("expire", ("k", 100), {}),
    ("expire", ("missing", 100), {}),
    ("expire", ("k", 50), {"gt": True}),
    ("persist", ("k",), {}),
    ("persist", ("k",), {}),
    ("pexpire", ("k", 100_000), {}),
    ("exists", ("k", "t", "missing"), {}),
    ("type", ("k",), {}),
    ("type", ("missing",), {}),
    ("append", ("k", "abc"), {}),
    ("strlen", ("k",), {}),
    ("getrange", ("k", 0, 2), {}),
    ("setrange", ("k", 2, "zz"), {}),
    ("getset", ("k", "q"), {}),
    ("getdel", ("k",), {}),
    ("setnx", ("k", "1"), {}),
    ("setnx", ("k", "2"), {}),
    ("setex", ("k", 100, "1"), {}),
    ("psetex", ("k", 100_000, "1"), {}),
    ("incr", ("k",), {}),
    ("incr", ("k", 5), {}),
    ("incrby", ("k", 5), {}),
    ("decr", ("k",), {}),
    ("decrby", ("k", 3), {}),
    ("incrbyfloat", ("fl", 1.5), {}),
    ("mset", ({"m1": "1", "m2": "2"},), {}),
    ("msetnx", ({"m2": "1", "m3": "2"},), {}),
    ("msetnx", ({"m4": "1", "m5": "2"},), {}),
    ("mget", (["m1", "m3", "m4"],), {}),
    ("mget", ("m1", "m2"), {}),
    ("rename", ("m1", "m9"), {}),
    ("renamenx", ("m9", "m2"), {}),
    ("renamenx", ("m9", "m8"), {}),
    ("rename", ("missing", "x"), {}),
    ("copy", ("m8", "m7"), {}),
    ("copy", ("m8", "m7"), {}),
    ("copy", ("m8", "m7"), {"replace": True}),
    ("unlink", ("m8", "missing"), {}),
    ("delete", ("m7", "m7", "missing"), {}),
    ("hset", ("h", "f", "1"), {}),
    ("hset", ("h",), {"mapping": {"f": "2", "g": "3"}}),
    ("hget", ("h", "f"), {}),
    ("hget", ("h", "missing"), {}),
    ("hgetall", ("h",), {}),
    ("hgetall", ("missing",), {}),
    ("hmget", ("h", ["f", "missing"]), {}),
    ("hmget", ("h", "f", "g"), {}),
    ("hexists", ("h", "f"), {}),
    ("hlen", ("h",), {}),
    ("hstrlen", ("h", "f"), {}),
    ("hsetnx", ("h", "f", "9"), {}),
    ("hsetnx", ("h", "new", "9"), {}),
    ("hincrby", ("h", "f", 5), {}),
    ("hincrbyfloat", ("h", "f", 0.5), {}),
    ("hdel", ("h", "g", "missing"), {}),
    ("lpush", ("l", "a", "b"), {}),
    ("rpush", ("l", "c"), {}),
    ("lpushx", ("missing", "c"), {}),
    ("rpushx", ("l", "d"), {}),
    ("lrange", ("l", 0, -1), {}),
    ("llen", ("l",), {}),
    ("lindex", ("l", 1), {}),
    ("lindex", ("l", 99), {}),
    ("lset", ("l", 1, "A"), {}),
    ("lset", ("l", 99, "A"), {}),
    ("linsert", ("l", "before", "A", "0"), {}),
    ("lpos", ("l", "A"), {}),
    ("lpos", ("l", "A"), {"count": 0}),
    ("lpos", ("l", "missing"), {}),
    ("lrem", ("l", 1, "0"), {}),
    ("lmove", ("l", "l2", "LEFT", "RIGHT"), {}),
    ("rpoplpush", ("l", "l2"), {}),
    ("lmpop", (2, "missing", "l2"), {"direction": "LEFT", "count": 1}),
    ("ltrim", ("l", 0, 0), {}),
    ("lpop", ("l",), {}),
    ("lpop", ("l",), {}),
    ("lpop", ("l", 2), {}),
    ("rpop", ("l2", 5), {}),
    ("sadd", ("s", "a", "b", "c"), {}),
    ("sadd", ("s", "a"), {}),
    ("smembers", ("s",), {}),
    ("smembers", ("missing",), {}),
    ("scard", ("s",), {}),
    ("sismember", ("s", "a"), {}),
    ("sismember", ("s", "x"), {}),
    ("smismember", ("s", ["a", "x"]), {}),
    ("srem", ("s", "a", "x"), {}),
    ("sadd", ("s2", "b", "z"), {}),
    ("sinter", ("s", "s2"), {}),
    ("sunion", (["s", "s2"],), {}),
    ("sdiff", ("s", "s2"), {}),
    ("sintercard", (2, ["s", "s2"]), {}),
    ("sinterstore", ("d", "s", "s2"), {}),
    ("sunionstore", ("d", ["s", "s2"]), {}),
    ("sdiffstore", ("d", "s", "s2"), {}),
    ("smove", ("s", "s2", "c"), {}),
    ("smove", ("s", "s2", "missing"), {}),
    ("spop", ("missing",), {}),
    ("srandmember", ("missing",), {}),
    ("get", ("h",), {}),
    ("hget", ("s", "f"), {}),
    ("lpush", ("s", "f"), {}),
    ("incr", ("fl",), {}),
    ("dbsize", (), {}),
    ("flushall", (), {}),
    ("dbsize", (), {}),
]

KEYS = ["a", "b", "c", "d"]
VALUES = ["", "x", "yy", "7", "-3", "1.5"]


def outcome(client, name, arguments, options):
    """What a call returns, or that it was refused."""
    try:
        result = getattr(client, name)(*arguments, **options)
    except (redis.RedisError, ValueError, TypeError) as error:
        return "refused", type(error).__name__ if "WrongType" in type(error).__name__ else ""
    if isinstance(result, tuple):
        result = list(result)
    return result


def normal(result, name):
    """Results as far as both sides promise them."""
    if isinstance(result, tuple):
        return result[0]
    if name in ("keys", "hkeys", "hvals", "sort"):
        return sorted(result)
    if name in ("incrbyfloat", "hincrbyfloat"):
        return float(result)
    if name == "smismember":
        return [bool(each) for each in result]
    if name in ("set", "setnx", "msetnx", "renamenx", "smove", "sismember", "hsetnx", "copy", "hexists"):
        return result if isinstance(result, (str, list)) else bool(result)
    return result


def texts(result):
    """Numbers that INCR has left as text on one side and as number on the other."""
    if isinstance(result, list):
        return [texts(each) for each in result]
    if isinstance(result, dict):
        return {key: texts(value) for key, value in result.items()}
    if isinstance(result, set):
        return {texts(each) for each in result}
    if isinstance(result, float) and result.is_integer():
        return str(int(result))
    if isinstance(result, (int, float)) and not isinstance(result, bool):
        return str(result)
    return result


@pytest.fixture
def oracle():
    return fakeredis.FakeRedis(version=(7, 0), decode_responses=True)


def compare(pool, oracle, name, arguments, options):
    ours = outcome(pool, name, arguments, options)
    theirs = outcome(oracle, name, arguments, options)
    ours, theirs = (texts(normal(each, name)) for each in (ours, theirs))
    assert ours == theirs, (name, arguments, options)


def test_calls_in_a_row_return_the_same(oracle):
    pool = MemoryCachePool()
    for name, arguments, options in FIXED:
        compare(pool, oracle, name, arguments, options)


def test_types_of_results_are_those_of_redis_py(oracle):
    pool = MemoryCachePool()
    differing = []
    for name, arguments, options in FIXED:
        ours = outcome(pool, name, arguments, options)
        theirs = outcome(oracle, name, arguments, options)
        # True and False are numbers where redis-py returns 1 and 0.
        if not isinstance(ours, type(theirs)) and name not in ("get", "mget", "hgetall", "getset"):
            differing.append((name, arguments, ours, theirs))
    assert differing == []


def draw(random):
    """A random call."""
    key, other = random.choice(KEYS), random.choice(KEYS)
    value, number = random.choice(VALUES), random.randint(-3, 6)
    field = random.choice("fgh")
    return random.choice(
        [
            ("set", (key, value), {"nx": random.random() < 0.3}),
            ("set", (key, value), {"ex": 1000, "xx": random.random() < 0.3}),
            ("get", (key,), {}),
            ("append", (key, value), {}),
            ("incr", (key, number), {}),
            ("getrange", (key, number, 3), {}),
            ("setrange", (key, abs(number), value), {}),
            ("delete", (key, other), {}),
            ("exists", (key, other), {}),
            ("type", (key,), {}),
            ("rename", (key, other), {}),
            ("expire", (key, 1000 + number), {}),
            ("ttl", (key,), {}),
            ("persist", (key,), {}),
            ("keys", ("*",), {}),
            ("mget", ([key, other],), {}),
            ("hset", (key, field, value), {}),
            ("hget", (key, field), {}),
            ("hgetall", (key,), {}),
            ("hdel", (key, field), {}),
            ("hincrby", (key, field, number), {}),
            ("hkeys", (key,), {}),
            ("lpush", (key, value, "z"), {}),
            ("rpush", (key, value), {}),
            ("lpop", (key,), {}),
            ("rpop", (key, abs(number) + 1), {}),
            ("lrange", (key, number, 4), {}),
            ("lindex", (key, number), {}),
            ("lrem", (key, number, value), {}),
            ("ltrim", (key, number, 3), {}),
            ("lset", (key, number, value), {}),
            ("linsert", (key, "after", value, "n"), {}),
            ("rpoplpush", (key, other), {}),
            ("sadd", (key, value, field), {}),
            ("srem", (key, value), {}),
            ("smembers", (key,), {}),
            ("sismember", (key, value), {}),
            ("sinter", (key, other), {}),
            ("sunionstore", (key, other, random.choice(KEYS)), {}),
            ("smove", (key, other, value), {}),
            ("scard", (key,), {}),
            ("flushall", (), {}) if random.random() < 0.1 else ("dbsize", (), {}),
        ]
    )


@pytest.mark.parametrize("seed", range(8))
def test_random_calls_return_the_same(oracle, seed):
    pool = MemoryCachePool()
    source = random.Random(seed)
    for _ in range(400):
        compare(pool, oracle, *draw(source))


#: What redis-py's methods take that the pool's do not, as it cannot have a use for it.
WITHOUT = {"set": ["ifeq", "ifne", "ifdeq", "ifdne"]}
#: What the pool's methods take under another name.
RENAMED = {"get": {"key": "name"}, "set": {"key": "name"}}
#: What only the pool's methods take.
BEYOND = {"get": ["default"]}


#: `hset` is left out: fields may be given as keywords, and have any name.
COMMANDS_OF_BOTH = [
    pytest.param(name, method, getattr(redis.Redis, name), id=name)
    for name, method in inspect.getmembers(MemoryCachePool, callable)
    if not name.startswith("_") and hasattr(redis.Redis, name) and name != "hset"
]


def parameters(method, *kinds):
    every = list(inspect.signature(method).parameters.values())[1:]
    return [(each.name, each.default) for each in every if each.kind in kinds]


@pytest.mark.parametrize("name, ours, theirs", COMMANDS_OF_BOTH)
def test_arguments_have_redis_pys_names_and_order(name, ours, theirs):
    plain = inspect.Parameter.POSITIONAL_OR_KEYWORD
    renamed = RENAMED.get(name, {})
    mine = [renamed.get(each, each) for each, _ in parameters(ours, plain)]
    wanted = [each for each, _ in parameters(theirs, plain) if each not in WITHOUT.get(name, [])]
    assert mine == wanted + BEYOND.get(name, [])
    several = inspect.Parameter.VAR_POSITIONAL
    assert bool(parameters(ours, several)) == bool(parameters(theirs, several))


@pytest.mark.parametrize("name, ours, theirs", COMMANDS_OF_BOTH)
def test_arguments_that_redis_py_needs_not_are_not_needed(name, ours, theirs):
    plain, empty = inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.empty
    needed = {each for each, default in parameters(theirs, plain) if default is empty}
    renamed = RENAMED.get(name, {})
    mine = {renamed.get(each, each) for each, default in parameters(ours, plain) if default is empty}
    assert mine == needed


def test_get_and_set_take_the_key_under_both_names():
    pool = MemoryCachePool()
    assert pool.set(name="k", value=1, ex=60) is True
    assert pool.set(key="k", value=2, xx=True) is True
    assert pool.get(name="k") == pool.get(key="k") == 2
    assert pool.get(name="missing", default=3) == 3
    for arguments in ({}, {"nam": "k"}, {"name": "k", "key": "k"}):
        with pytest.raises(TypeError):
            pool.get(**arguments)
    with pytest.raises(TypeError):
        pool.get("k", name="k")
