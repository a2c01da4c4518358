"""Redis's commands on a lock-free table inside the process.

``MemoryCachePool`` answers redis-py's calls without a server, a socket or pickling: values keep
their types, and objects come back as themselves.

>>> from memory_cache_pool import MemoryCachePool
>>> pool = MemoryCachePool()
>>> pool.set("signal:BTCUSDT", 0.73, ex=60)
True
>>> pool.get("signal:BTCUSDT")
0.73
"""

from memory_cache_pool import _tasks as _tasks  # Watches forks and the end from now on.
from memory_cache_pool._errors import CacheError, DataError, OutOfMemoryError, WrongTypeError
from memory_cache_pool._native import (
    CacheConfig,
    CacheStats,
    ManualClock,
    MemoryCachePool,
    __version__,
)

__all__ = [
    "CacheConfig",
    "CacheError",
    "CacheStats",
    "DataError",
    "ManualClock",
    "MemoryCachePool",
    "OutOfMemoryError",
    "WrongTypeError",
]
