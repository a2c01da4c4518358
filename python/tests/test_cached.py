"""Functions whose results are kept."""

import asyncio
import inspect
import threading

import pytest

from memory_cache_pool import MemoryCachePool

PATIENCE = 30


def test_a_result_is_computed_once(pool):
    calls = []

    @pool.cached(ttl=60)
    def add(a, b=1):
        """Adds."""
        calls.append((a, b))
        return a + b

    assert [add(1), add(1), add(1, b=1), add(2)] == [2, 2, 2, 3]
    assert calls[0] == (1, 1) and (2, 1) in calls
    assert len(calls) <= 3
    assert add.__name__ == "add" and add.__doc__ == "Adds."


def test_a_result_is_computed_again_when_its_time_is_over(pool, clock):
    calls = []

    @pool.cached(ttl=10)
    def load(key):
        calls.append(key)
        return len(calls)

    assert (load("a"), load("a")) == (1, 1)
    clock.advance(11)
    assert load("a") == 2


def test_none_is_a_result_too(pool):
    calls = []

    @pool.cached(ttl=10)
    def nothing():
        calls.append(1)

    assert (nothing(), nothing()) == (None, None)
    assert len(calls) == 1


def test_objects_come_back_as_themselves(pool):
    @pool.cached(ttl=10)
    def book(symbol):
        return {"symbol": symbol}

    assert book("a") is book("a")
    assert book("a") is not book("b")


def test_functions_do_not_share_results(pool):
    @pool.cached(ttl=10)
    def first(x):
        return "first", x

    @pool.cached(ttl=10)
    def second(x):
        return "second", x

    assert first(1) == ("first", 1)
    assert second(1) == ("second", 1)


def test_arguments_of_different_types_are_different(pool):
    @pool.cached(ttl=10)
    def kind(x):
        return type(x).__name__

    assert [kind(1), kind("1"), kind(b"1"), kind(1.5)] == ["int", "str", "bytes", "float"]


def test_an_error_is_not_kept(pool):
    calls = []

    @pool.cached(ttl=10)
    def flaky():
        calls.append(1)
        if len(calls) == 1:
            raise ZeroDivisionError("first")
        return "second"

    with pytest.raises(ZeroDivisionError, match="first"):
        flaky()
    assert flaky() == "second"


def test_threads_that_miss_together_load_once(pool, run_in_threads):
    calls = []
    has_begun, may_end = threading.Event(), threading.Event()

    @pool.cached(ttl=10)
    def load(key):
        calls.append(key)
        has_begun.set()
        may_end.wait(PATIENCE)
        return object()

    results = []

    def reader():
        results.append(load("k"))

    def conductor():
        has_begun.wait(PATIENCE)
        may_end.set()

    run_in_threads(*[reader] * 8, conductor)
    assert calls == ["k"]
    assert len({id(result) for result in results}) == 1


def test_an_error_of_the_loader_reaches_whoever_waits_or_they_load(pool, run_in_threads):
    has_begun, may_end = threading.Event(), threading.Event()

    @pool.cached(ttl=10)
    def load():
        has_begun.set()
        may_end.wait(PATIENCE)
        raise LookupError("not there")

    failures = []

    def reader():
        try:
            load()
        except LookupError as error:
            failures.append(error)

    def conductor():
        has_begun.wait(PATIENCE)
        may_end.set()

    run_in_threads(*[reader] * 8, conductor)
    assert len(failures) == 8


def test_different_keys_load_at_the_same_time(pool, run_in_threads):
    together = threading.Barrier(2)

    @pool.cached(ttl=10)
    def load(key):
        together.wait(PATIENCE)
        return key

    run_in_threads(lambda: load("a"), lambda: load("b"))


def test_a_loader_may_use_the_pool_and_other_loaders(pool):
    @pool.cached(ttl=10)
    def inner(x):
        return x + 1

    @pool.cached(ttl=10)
    def outer(x):
        pool.set("used", x)
        return inner(x) * 2

    assert outer(1) == 4
    assert pool.get("used") == 1


def test_a_loader_that_asks_for_itself_is_an_error_and_no_deadlock(pool):
    @pool.cached(ttl=10)
    def endless(x):
        return endless(x)

    with pytest.raises((RuntimeError, RecursionError)):
        endless(1)


def test_async_functions(pool):
    calls = []

    @pool.cached(ttl=10)
    async def load(key):
        calls.append(key)
        await asyncio.sleep(0)
        return {"key": key}

    assert inspect.iscoroutinefunction(load)

    async def main():
        first = await asyncio.gather(*(load("a") for _ in range(20)))
        assert len({id(result) for result in first}) == 1
        assert await load("a") is first[0]
        await load("b")

    asyncio.run(main())
    assert calls == ["a", "b"]


def test_an_async_error_is_not_kept(pool):
    calls = []

    @pool.cached(ttl=10)
    async def flaky():
        calls.append(1)
        await asyncio.sleep(0)
        if len(calls) == 1:
            raise LookupError("first")
        return "second"

    async def main():
        first = await asyncio.gather(*(flaky() for _ in range(3)), return_exceptions=True)
        assert any(isinstance(each, LookupError) for each in first)
        assert await flaky() == "second"

    asyncio.run(main())


def test_a_cancelled_load_does_not_hang_those_who_wait(pool):
    async def main():
        begun = asyncio.Event()
        may_end = asyncio.Event()
        calls = []

        @pool.cached(ttl=10)
        async def load():
            calls.append(1)
            begun.set()
            await may_end.wait()
            return "loaded"

        first = asyncio.ensure_future(load())
        await begun.wait()
        second = asyncio.ensure_future(load())
        await asyncio.sleep(0)
        first.cancel()
        may_end.set()
        assert await asyncio.wait_for(second, PATIENCE) == "loaded"
        with pytest.raises(asyncio.CancelledError):
            await first

    asyncio.run(main())


def test_another_loop_finds_what_the_first_has_loaded(pool):
    calls = []

    @pool.cached(ttl=10)
    async def load():
        calls.append(1)
        await asyncio.sleep(0)
        return "v"

    assert asyncio.run(load()) == "v"
    assert asyncio.run(load()) == "v"
    assert calls == [1]


def test_a_method_is_cached_by_its_arguments():
    pool = MemoryCachePool()

    class Desk:
        @staticmethod
        @pool.cached(ttl=10)
        def price(symbol):
            return object()

    assert Desk.price("a") is Desk.price("a")
