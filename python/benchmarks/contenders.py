"""What is compared: each contender says how it does an operation, as the statement that is timed.

A statement sees `key` and `value` and what the contender puts beside them. It is repeated for each of the
hot keys, unrolled, so that a loop costs nothing.
"""

import collections
import datetime
import shutil
import tempfile
import threading
import time
from typing import Any, Callable, NamedTuple

OPERATIONS = ["GET", "SET EX", "HGET", "LPUSH"]
TTL = 60
FIELDS = {"bid": b"0123456789abcdef", "ask": b"fedcba9876543210", "size": b"0000000000000001"}


class Way(NamedTuple):
    """How a contender does an operation."""

    statement: str
    #: Names that the statement uses.
    names: dict[str, Any]
    #: Operations that one statement does.
    operations: int = 1
    #: Called between batches, and not timed.
    tidy: Callable[[], Any] = lambda: None
    #: What the keys begin with.
    prefix: str = ""


class Contender(NamedTuple):
    """A name, the operations it can do, and what to do at the end."""

    name: str
    ways: dict[str, Way]
    close: Callable[[], Any] = lambda: None


class PlainMethod:
    """The least that a class in Python can do."""

    def __init__(self):
        self._d = {}

    def get(self, k):
        return self._d.get(k)

    def set(self, k, v, ex=None):
        self._d[k] = v


class LockedWithTtl:
    """What people write: a dict, a lock, and a deadline beside each value."""

    def __init__(self):
        self._lock = threading.Lock()
        self._values = {}

    def get(self, key):
        with self._lock:
            entry = self._values.get(key)
            if entry is None:
                return None
            value, deadline = entry
            if deadline is not None and time.monotonic() >= deadline:
                del self._values[key]
                return None
            return value

    def set(self, key, value, ex=None):
        deadline = None if ex is None else time.monotonic() + ex
        with self._lock:
            self._values[key] = (value, deadline)
        return True


class LockedTtlCache:
    """cachetools' cache, under a lock as its documentation asks."""

    def __init__(self):
        import cachetools

        self._lock = threading.Lock()
        self._cache = cachetools.TTLCache(maxsize=100_000, ttl=TTL)

    def get(self, key):
        with self._lock:
            return self._cache.get(key)

    def set(self, key, value):
        with self._lock:
            self._cache[key] = value


def fill(store, keys, value):
    """Sets the keys by item."""
    for key in keys:
        store[key] = value


def pool_itself(keys, value):
    from memory_cache_pool import MemoryCachePool

    pool = MemoryCachePool()
    return commands("memory_cache_pool", pool, keys, value)


def pool_items(keys, value):
    from memory_cache_pool import MemoryCachePool

    pool = MemoryCachePool()
    fill(pool, keys, value)
    ways = {
        "GET": Way("pool[key]", {"pool": pool}),
        "SET EX": Way("pool[key] = value", {"pool": pool}),
    }
    return Contender("  its items (no TTL)", ways)


def bare_dict(keys, value):
    values, hashes = dict.fromkeys(keys, value), {"hash:" + key: dict(FIELDS) for key in keys}
    lists = collections.defaultdict(collections.deque)
    ways = {
        "GET": Way("get(key)", {"get": values.get}),
        "SET EX": Way("values[key] = value", {"values": values}),
        "HGET": Way("hashes[key].get('bid')", {"hashes": hashes}, prefix="hash:"),
        "LPUSH": Way("lists[key].appendleft(value)", {"lists": lists}, tidy=lists.clear),
    }
    return Contender("dict (no TTL)", ways)


def plain_method(keys, value):
    store = PlainMethod()
    fill(store._d, keys, value)
    ways = {
        "GET": Way("get(key)", {"get": store.get}),
        "SET EX": Way("set(key, value, ex=60)", {"set": store.set}),
    }
    return Contender("method over a dict (no TTL)", ways)


def locked_with_ttl(keys, value):
    store = LockedWithTtl()
    for key in keys:
        store.set(key, value)
    ways = {
        "GET": Way("get(key)", {"get": store.get}),
        "SET EX": Way("set(key, value, ex=60)", {"set": store.set}),
    }
    return Contender("class with lock and TTL", ways)


def cachetools_ttl(keys, value):
    store = LockedTtlCache()
    for key in keys:
        store.set(key, value)
    ways = {
        "GET": Way("get(key)", {"get": store.get}),
        "SET EX": Way("set(key, value)", {"set": store.set}),
    }
    return Contender("cachetools.TTLCache with a lock", ways)


def theine(keys, value):
    import theine

    cache = theine.Cache(100_000)
    ttl = datetime.timedelta(seconds=TTL)
    for key in keys:
        cache.set(key, value)
    ways = {
        "GET": Way("get(key)", {"get": cache.get}),
        "SET EX": Way("set(key, value, ttl)", {"set": cache.set, "ttl": ttl}),
    }
    return Contender("theine", ways, getattr(cache, "close", lambda: None))


def diskcache(keys, value):
    import diskcache

    directory = tempfile.mkdtemp()
    cache = diskcache.Cache(directory)
    fill(cache, keys, value)

    def close():
        cache.close()
        shutil.rmtree(directory)

    ways = {
        "GET": Way("get(key)", {"get": cache.get}),
        "SET EX": Way("set(key, value, expire=60)", {"set": cache.set}),
    }
    return Contender("diskcache", ways, close)


def commands(name, client, keys, value, close=lambda: None):
    """Redis's commands of a client."""
    lists = ["list:" + key for key in keys]
    for key in keys:
        client.set(key, value)
        client.hset("hash:" + key, mapping=FIELDS)
    ways = {
        "GET": Way("get(key)", {"get": client.get}),
        "SET EX": Way("set(key, value, ex=60)", {"set": client.set}),
        "HGET": Way("hget(key, 'bid')", {"hget": client.hget}, prefix="hash:"),
        "LPUSH": Way(
            "lpush(key, value)",
            {"lpush": client.lpush},
            tidy=lambda: client.delete(*lists),
            prefix="list:",
        ),
    }
    return Contender(name, ways, close)


def fakeredis(keys, value):
    import fakeredis

    return commands("fakeredis", fakeredis.FakeRedis(), keys, value)


def redis_py(socket):
    """redis-py over a unix socket."""

    def make(keys, value):
        import redis

        client = redis.Redis(unix_socket_path=socket)
        return commands("redis-py, unix socket", client, keys, value, client.close)

    return make


def redis_pipeline(socket):
    """The same, a hundred commands at a time."""

    def make(keys, value):
        import redis

        client = redis.Redis(unix_socket_path=socket)
        lists = ["list:" + key for key in keys]
        commands("", client, keys, value)

        def way(call, tidy=lambda: None):
            def batch(key, value):
                pipeline = client.pipeline(transaction=False)
                for _ in range(100):
                    call(pipeline, key, value)
                pipeline.execute()

            return Way("batch(key, value)", {"batch": batch}, 100, tidy)

        ways = {
            "GET": way(lambda pipeline, key, value: pipeline.get(key)),
            "SET EX": way(lambda pipeline, key, value: pipeline.set(key, value, ex=60)),
            "HGET": way(lambda pipeline, key, value: pipeline.hget("hash:" + key, "bid")),
            "LPUSH": way(
                lambda pipeline, key, value: pipeline.lpush("list:" + key, value),
                lambda: client.delete(*lists),
            ),
        }
        return Contender("  its pipeline of 100", ways, client.close)

    return make
