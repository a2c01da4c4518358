"""A program that uses the package as users do, for the type checkers to look at; it can be run too."""

from __future__ import annotations

import asyncio
import datetime
import sys
from typing import Any, Optional

if sys.version_info >= (3, 11):
    from typing import assert_type
else:
    from typing_extensions import assert_type

from memory_cache_pool import (
    CacheConfig,
    CacheStats,
    DataError,
    ManualClock,
    MemoryCachePool,
    WrongTypeError,
)

clock = ManualClock()
config = CacheConfig(
    max_memory="64mb",
    max_keys=1000,
    default_ttl=datetime.timedelta(minutes=5),
    eviction_policy="lru",
    cleanup_interval=0.5,
    enable_stats=True,
    thread_safe=True,
    clock=clock,
)
pool = MemoryCachePool(config)

pool.set("k", {"bid": 1.0}, ex=60)
pool.set(b"k", 1, px=datetime.timedelta(seconds=1), nx=True)
value: Any = pool.get("k")
pool.get("k", 0)
assert_type(pool.exists("k", b"k"), int)
assert_type(pool.delete("k"), int)
assert_type(pool.keys("*"), list[str])
assert_type(pool.ttl("k"), int)
assert_type(pool.expire("k", 5), bool)
assert_type(pool.incr("n"), int)
assert_type(pool.incrbyfloat("f", 1.5), float)
assert_type(pool.hset("h", {"f": 1}), int)
assert_type(pool.hset("h", mapping={"f": 1}, g=2), int)
assert_type(pool.hset("h", "f", 1), int)
assert_type(pool.hgetall("h"), dict[str, Any])
assert_type(pool.hkeys("h"), list[str])
assert_type(pool.hscan("h"), tuple[int, dict[str, Any]])
assert_type(pool.hscan("h", no_values=True), tuple[int, list[str]])
assert_type(list(pool.hscan_iter("h", no_values=True)), list[str])
assert_type(pool.lpush("l", 1, "two"), int)
assert_type(pool.lrange("l", 0, -1), list[Any])
assert_type(pool.sadd("s", 1), int)
assert_type(pool.smembers("s"), set[Any])
assert_type(pool.mget("k", "n"), list[Any])
assert_type(pool.dbsize(), int)
assert_type(len(pool), int)
assert_type(pool.get_stats(), CacheStats)
assert_type(pool.get_stats().hit_rate, float)
assert_type(pool.info("memory", "stats"), dict[str, Any])
assert_type(pool.cleanup_expired_keys(), int)
assert_type(pool.randomkey(), Optional[str])
for key in pool.scan_iter("h*"):
    assert_type(key, str)
for key in pool:
    assert_type(key, str)
for fact in pool.debug_keys():
    fact["key"]

pool["k"] = [1]
first: list[int] = pool["k"]
assert "k" in pool
del pool["k"]


@pool.cached(ttl=30)
def price(symbol: str, depth: int = 1) -> float:
    return 1.5 * depth


@pool.cached(ttl=30)
async def remote_price(symbol: str) -> float:
    return 2.5


assert_type(price("BTCUSDT", depth=2), float)


async def main() -> None:
    await pool.start_cleanup_task()
    assert_type(await remote_price("BTCUSDT"), float)
    await pool.stop_cleanup_task()
    async with MemoryCachePool() as other:
        assert_type(other, MemoryCachePool)


asyncio.run(main())
with MemoryCachePool() as scoped:
    assert_type(scoped, MemoryCachePool)
try:
    pool.lpush("l", 1)
    pool.incr("l")
except WrongTypeError:
    clock.advance(1.5)
except DataError as error:
    raise AssertionError from error
