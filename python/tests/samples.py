"""Objects that tests keep in pools, and how to see that they are let go."""

import dataclasses
import datetime
import decimal
import gc
import threading


@dataclasses.dataclass
class Order:
    symbol: str
    quantity: int


class Tracked:
    """An object whose end can be seen."""


def drain(pool):
    """Lets the pool drop what it has retired."""
    for i in range(4_000):
        pool.set(f"drain:{i % 200}", i)
    pool._cleanup_expired_keys()
    gc.collect()


#: Of many kinds: some can be hashed, some compared, some copied.
OBJECTS = [
    {"bid": 1.0, "nested": {"a": [1, 2]}},
    [1, "two", None],
    (1, 2),
    {1, 2},
    Order("BTCUSDT", 3),
    decimal.Decimal("1.10"),
    datetime.datetime(2026, 1, 2, tzinfo=datetime.timezone.utc),
    threading.Lock(),
    lambda: None,
    len,
    Order,
]
