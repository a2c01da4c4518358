"""A trading desk on the pool, from Python: market data is replayed as fast as it goes, and turned into
quotes, signals, risk figures and orders under Redis's commands, while readers poll them.

    python examples/memory_cache_trading_example.py [--data DIR] [--generated] [--ticks N]

Recorded ticks are read from ../shared/market beside the checkout when they are there; otherwise small data
is made, and the first line says so. What was read back is checked; the exit status is 1 when a check
fails, and 2 when the arguments or the data are wrong.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import pathlib
import random
import statistics
import sys
import threading
import time
from collections import Counter, defaultdict, deque
from typing import Callable, Iterator, NamedTuple, TypeVar

from memory_cache_pool import CacheConfig, MemoryCachePool

RECORDED = pathlib.Path(__file__).resolve().parent.parent.parent / "shared" / "market"
MARKET_TTL, SIGNAL_TTL, RISK_TTL, ORDER_TTL = 60, 120, 300, 3_600
#: Returns that momentum and volatility are computed from.
WINDOW = 64
#: Ticks of an instrument between two risk figures, and ticks between two orders.
RISK_EVERY, ORDER_EVERY = 32, 100
OPEN_ORDERS = 16
READERS = 2

T = TypeVar("T")


class Tick(NamedTuple):
    """One quote or trade; a trade has the same bid and ask, and no sizes."""

    seconds: float
    instrument: str
    bid: float
    ask: float
    bid_size: float = 0.0
    ask_size: float = 0.0


class Format(NamedTuple):
    """One kind of file: its name, units per second, venue, and the columns of the numbers."""

    name: str
    per_second: float
    venue: str
    bid: str
    ask: str
    bid_size: str = ""
    ask_size: str = ""


FORMATS = [
    Format("crypto_quotes.csv", 1e9, "", "bid_px", "ask_px", "bid_qty", "ask_qty"),
    Format("crypto_trades.csv", 1e9, "", "price", "price"),
    Format("equity_quotes_20131008.csv", 1e3, "us_equities", "bid_px", "ask_px", "bid_size", "ask_size"),
    Format("equity_trades_20131008.csv", 1e3, "us_equities", "price", "price"),
    Format("fx_quotes_20140502.csv", 1e3, "fx", "bid", "ask"),
]


def read(path: pathlib.Path, format: Format) -> Iterator[Tick]:
    """The ticks of a file; quotes of one side only are left out."""
    with path.open(newline="", encoding="ascii") as file:
        rows = csv.DictReader(file)
        time_column = (rows.fieldnames or [""])[0]
        began = None
        for row in rows:
            if not row[format.bid] or not row[format.ask]:
                continue
            at = float(row[time_column]) / format.per_second
            began = at if began is None else began
            sizes = [float(row[name]) if name else 0.0 for name in (format.bid_size, format.ask_size)]
            instrument = f"{format.venue or row['venue']}:{row['symbol']}"
            yield Tick(at - began, instrument, float(row[format.bid]), float(row[format.ask]), *sizes)


def load(directory: pathlib.Path) -> list[Tick]:
    """All ticks of the files that the directory has, in the order of their time."""
    ticks: list[Tick] = []
    for format in FORMATS:
        path = directory / format.name
        if path.is_file():
            try:
                ticks.extend(read(path, format))
            except (KeyError, ValueError) as error:
                raise WrongInput(f"{path}: {error}") from error
    if not ticks:
        raise WrongInput(f"{directory}: there is no market data")
    return sorted(ticks)


def generate(count: int) -> list[Tick]:
    """Ticks of a seeded random walk."""
    source = random.Random(0x5EED)
    prices = {f"{venue}:{symbol}": price for venue, price in
              [("binance_spot", 60_000.0), ("us_equities", 140.0), ("fx", 1.1)]
              for symbol in ("AAA", "BBB", "CCC", "DDD")}
    names = sorted(prices)
    ticks = []
    for step in range(count):
        name = source.choice(names)
        prices[name] *= 1 + source.uniform(-1e-4, 1e-4)
        bid, ask = prices[name] * 0.9999, prices[name] * 1.0001
        ticks.append(Tick(step / 1e3, name, bid, ask, source.uniform(1, 9), source.uniform(1, 9)))
    return ticks


class WrongInput(Exception):
    """The arguments or the data are wrong."""


class Latencies:
    """Nanoseconds of each call, by command."""

    def __init__(self) -> None:
        self.nanos: defaultdict[str, list[int]] = defaultdict(list)

    def time(self, command: str, call: Callable[[], T]) -> T:
        began = time.perf_counter_ns()
        result = call()
        self.nanos[command].append(time.perf_counter_ns() - began)
        return result

    def add(self, other: "Latencies") -> None:
        for command, nanos in other.nanos.items():
            self.nanos[command].extend(nanos)


class Desk:
    """The writer, with a plain copy of all that it has written."""

    def __init__(self, pool: MemoryCachePool) -> None:
        self.pool = pool
        self.latencies = Latencies()
        #: Each value, and when it was written.
        self.expected: dict[str, tuple[object, float]] = {}
        self.counts: Counter[str] = Counter()
        self.last: dict[str, float] = {}
        self.returns: defaultdict[str, deque[float]] = defaultdict(lambda: deque(maxlen=WINDOW))
        self.seen: Counter[str] = Counter()
        self.open: deque[str] = deque()

    def set(self, key: str, value: object, seconds: int) -> None:
        self.latencies.time("set", lambda: self.pool.set(key, value, ex=seconds))
        self.expected[key] = value, time.monotonic()

    def on_tick(self, tick: Tick, sequence: int) -> None:
        name = tick.instrument
        price = (tick.bid + tick.ask) / 2
        returns = self.returns[name]
        returns.append(price / self.last.get(name, price) - 1)
        self.last[name] = price
        self.seen[name] += 1
        # The tick itself is the value: it is shared with the readers, not copied.
        self.set(f"market:{name}:latest", (sequence, tick), MARKET_TTL)
        self.set(f"signal:{name}:momentum", sum(list(returns)[-16:]), SIGNAL_TTL)
        if tick.bid_size + tick.ask_size > 0:
            imbalance = (tick.bid_size - tick.ask_size) / (tick.bid_size + tick.ask_size)
            self.set(f"signal:{name}:imbalance", imbalance, SIGNAL_TTL)
        if self.seen[name] % RISK_EVERY == 0:
            volatility = statistics.pstdev(returns)
            figures = {"volatility": volatility, "at_risk": 1.645 * volatility * price}
            self.latencies.time("hset", lambda: self.pool.hset(f"risk:{name}", figures))
            self.pool.expire(f"risk:{name}", RISK_TTL)
            self.expected[f"risk:{name}"] = figures, time.monotonic()
        if sequence % ORDER_EVERY == 0:
            self.send_order(name, price)
        venue = name.split(":")[0]
        self.counts[venue] += 1
        self.latencies.time("incr", lambda: self.pool.incr(f"stats:ticks:{venue}"))

    def written_within(self, prefix: str, seconds: float) -> list[str]:
        """The keys of a family that were written so lately."""
        since = time.monotonic() - seconds
        keys = self.expected.items()
        return [key for key, (_, at) in keys if key.startswith(prefix) and at > since]

    def send_order(self, name: str, price: float) -> None:
        """Sends an order; the oldest open one is filled or cancelled."""
        key = f"order:{self.pool.incr('stats:orders'):08}"
        self.set(key, {"instrument": name, "price": price, "status": "new"}, ORDER_TTL)
        self.latencies.time("lpush", lambda: self.pool.lpush("orders:open", key))
        self.open.appendleft(key)
        if len(self.open) > OPEN_ORDERS:
            oldest = self.latencies.time("rpop", lambda: self.pool.rpop("orders:open"))
            assert oldest == self.open.pop(), "orders are closed in their order"
            order = self.pool.get(oldest)
            moved = {**order, "status": "cancelled" if int(oldest[6:]) % 7 == 0 else "filled"}
            self.pool.set(oldest, moved, keepttl=True)
            self.expected[oldest] = moved, self.expected[oldest][1]


class Reader(threading.Thread):
    """Polls while the desk writes, and looks whether what it sees makes sense."""

    def __init__(self, pool: MemoryCachePool, instruments: list[str], has_ended: threading.Event) -> None:
        super().__init__()
        self.pool = pool
        self.instruments = instruments
        self.has_ended = has_ended
        self.latencies = Latencies()
        self.newest: Counter[str] = Counter()
        self.read, self.wrong = 0, 0

    def run(self) -> None:
        risks = [f"risk:{name}" for name in self.instruments]
        momenta = [f"signal:{name}:momentum" for name in self.instruments]
        is_last = False
        while not is_last:
            is_last = self.has_ended.is_set()
            for name in self.instruments:
                self.poll_price(name)
            for key in risks:
                figures = self.latencies.time("hgetall", lambda: self.pool.hgetall(key))
                self.judge(not figures or set(figures) == {"volatility", "at_risk"})
            signals = self.latencies.time("mget (all)", lambda: self.pool.mget(momenta))
            self.judge(all(signal is None or isinstance(signal, float) for signal in signals))

    def poll_price(self, name: str) -> None:
        seen = self.latencies.time("get", lambda: self.pool.get(f"market:{name}:latest"))
        if seen is not None:
            sequence, tick = seen
            self.judge(tick.instrument == name and sequence >= self.newest[name])
            self.newest[name] = sequence

    def judge(self, is_right: bool) -> None:
        self.read += 1
        self.wrong += not is_right


def checks(pool: MemoryCachePool, desk: Desk, readers: list[Reader]) -> Iterator[tuple[str, bool, str]]:
    """What must be true at the end: a name, whether it is, and what was compared."""
    for prefix, seconds in [("market:", MARKET_TTL), ("signal:", SIGNAL_TTL), ("order:", ORDER_TTL)]:
        # On a slow machine the first may have expired, as they are to.
        keys = desk.written_within(prefix, seconds - 5)
        differing = sum(pool.get(key) != desk.expected[key][0] for key in keys)
        mistimed = sum(not 0 < pool.pttl(key) <= seconds * 1000 for key in keys)
        detail = f"{len(keys)} keys, {differing} differ, {mistimed} with a wrong time to live"
        yield prefix.rstrip(":"), bool(keys) and differing + mistimed == 0, detail
    risks = desk.written_within("risk:", RISK_TTL - 5)
    differing = sum(pool.hgetall(key) != desk.expected[key][0] for key in risks)
    yield "risk", differing == 0, f"{len(risks)} hashes, {differing} differ"
    counted = {venue: int(pool.get(f"stats:ticks:{venue}")) for venue in desk.counts}
    yield "tick counters", counted == desk.counts, f"{sum(counted.values())} ticks"
    is_open = pool.lrange("orders:open", 0, -1) == list(desk.open)
    yield "open orders", is_open, f"{len(desk.open)} of {len(pool.keys('order:*'))}"
    read, wrong = (sum(getattr(reader, name) for reader in readers) for name in ("read", "wrong"))
    yield "what readers saw", read > 0 and wrong == 0, f"{read} values, {wrong} wrong"


def report(latencies: Latencies, seconds: float, pool: MemoryCachePool) -> None:
    """Prints what each command has cost."""
    print(f"{'nanoseconds':12}{'calls':>10}{'p50':>10}{'p99':>10}{'p99.9':>10}{'max':>12}")
    for command, nanos in latencies.nanos.items():
        nanos.sort()
        at = [nanos[min(len(nanos) - 1, int(len(nanos) * part))] for part in (0.5, 0.99, 0.999)]
        print(f"{command:12}{len(nanos):>10}{at[0]:>10}{at[1]:>10}{at[2]:>10}{nanos[-1]:>12}")
    calls = sum(map(len, latencies.nanos.values()))
    stats = pool.get_stats()
    print(f"{seconds:.1f} s, {calls / seconds:,.0f} timed calls a second on {READERS + 1} threads")
    print(f"hit rate {stats.hit_rate:.4f}; {stats.key_count} keys, {stats.memory_usage // 1024} KiB")


async def trade(ticks: list[Tick], origin: str) -> bool:
    """Replays the ticks with readers beside it; whether every check has passed."""
    pool = MemoryCachePool(CacheConfig(max_keys=1_000_000, cleanup_interval=0.1))
    await pool.start_cleanup_task()
    instruments = sorted({tick.instrument for tick in ticks})
    print(f"{origin}: {len(ticks)} ticks of {len(instruments)} instruments")
    has_ended = threading.Event()
    readers = [Reader(pool, instruments, has_ended) for _ in range(READERS)]
    for reader in readers:
        reader.start()
    desk = Desk(pool)
    began = time.monotonic()
    try:
        for sequence, tick in enumerate(ticks):
            desk.on_tick(tick, sequence)
            if sequence % 1_024 == 0:
                await asyncio.sleep(0)
    finally:
        has_ended.set()
        for reader in readers:
            reader.join()
    seconds = time.monotonic() - began
    await pool.stop_cleanup_task()
    for reader in readers:
        desk.latencies.add(reader.latencies)
    report(desk.latencies, seconds, pool)
    is_sound = True
    for name, has_passed, detail in checks(pool, desk, readers):
        print(f"{'ok' if has_passed else 'FAILED':8}{name:18}{detail}")
        is_sound = is_sound and has_passed
    return is_sound


def main() -> int:
    parser = argparse.ArgumentParser(description="A trading desk on the pool.")
    parser.add_argument("--data", type=pathlib.Path, help="replay the CSV files of this directory")
    parser.add_argument("--generated", action="store_true", help="replay made data, even if there are files")
    parser.add_argument("--ticks", type=int, help="replay no more than so many")
    arguments = parser.parse_args()
    directory = arguments.data or RECORDED
    try:
        if arguments.generated or not (arguments.data or directory.is_dir()):
            ticks, origin = generate(min(arguments.ticks or 50_000, 1_000_000)), "generated ticks"
        else:
            ticks, origin = load(directory), f"recorded ticks from {directory}"
    except WrongInput as error:
        print(f"memory_cache_trading_example: {error}", file=sys.stderr)
        return 2
    return 0 if asyncio.run(trade(ticks[: arguments.ticks], origin)) else 1


if __name__ == "__main__":
    sys.exit(main())
