"""The cleanup task."""

import asyncio
import threading

from memory_cache_pool import CacheConfig, ManualClock, MemoryCachePool

PATIENCE = 30


def expiring_pool():
    """A pool with one key that has expired, and a fast cleanup."""
    clock = ManualClock()
    pool = MemoryCachePool(CacheConfig(clock=clock, cleanup_interval=0.001))
    pool.set("k", 1, ex=1)
    clock.advance(2)
    return pool


async def until_clean(pool):
    async def poll():
        while pool.dbsize() > 0:
            await asyncio.sleep(0.001)

    await asyncio.wait_for(poll(), PATIENCE)


def test_the_task_removes_what_has_expired():
    pool = expiring_pool()

    async def main():
        await pool.start_cleanup_task()
        await until_clean(pool)
        await pool.stop_cleanup_task()

    asyncio.run(main())
    assert pool.get_stats().expirations == 1


def test_starting_and_stopping_twice_is_no_error():
    pool = expiring_pool()

    async def main():
        await pool.stop_cleanup_task()
        await pool.start_cleanup_task()
        before = len(asyncio.all_tasks()) + threading.active_count()
        await pool.start_cleanup_task()
        assert len(asyncio.all_tasks()) + threading.active_count() == before
        await pool.stop_cleanup_task()
        await pool.stop_cleanup_task()
        await pool.start_cleanup_task()
        await until_clean(pool)
        await pool.stop_cleanup_task()

    asyncio.run(main())


def test_it_works_again_in_another_loop():
    pool = expiring_pool()

    async def start():
        await pool.start_cleanup_task()

    async def use():
        await pool.start_cleanup_task()
        await until_clean(pool)
        await pool.stop_cleanup_task()

    asyncio.run(start())  # Ends without having stopped it.
    asyncio.run(use())
    asyncio.run(use())


def test_stop_in_another_loop_does_not_raise():
    pool = expiring_pool()

    async def start():
        await pool.start_cleanup_task()

    async def stop():
        await pool.stop_cleanup_task()

    asyncio.run(start())
    asyncio.run(stop())


def test_no_task_is_left_behind():
    pool = expiring_pool()

    async def main():
        await pool.start_cleanup_task()
        await asyncio.sleep(0)
        await pool.stop_cleanup_task()
        await asyncio.sleep(0)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(main())


def test_a_pool_may_end_while_its_task_runs():
    async def main():
        pool = expiring_pool()
        await pool.start_cleanup_task()
        await asyncio.sleep(0)
        del pool
        await asyncio.sleep(0)

    asyncio.run(main())


def test_leaving_an_async_context_stops_the_task():
    async def main():
        async with expiring_pool() as pool:
            await pool.start_cleanup_task()
            await until_clean(pool)
        await asyncio.sleep(0)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(main())


def test_commands_need_no_await():
    pool = MemoryCachePool()

    async def worker(i):
        pool.set(f"k{i}", i)
        await asyncio.sleep(0)
        return pool.get(f"k{i}")

    async def main():
        return await asyncio.gather(*(worker(i) for i in range(100)))

    assert asyncio.run(main()) == list(range(100))
