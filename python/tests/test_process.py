"""A pool and the life of its process: exit, fork, interpreters."""

import os
import subprocess
import sys
import textwrap

import pytest

PATIENCE = 60


def run(program):
    """Runs a program in another process; its output, once it has ended well."""
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-W", "error::ResourceWarning", "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, (done.returncode, done.stdout, done.stderr)
    assert done.stderr == ""
    return done.stdout.strip()


def test_the_interpreter_ends_with_full_pools():
    assert run("""
        from memory_cache_pool import MemoryCachePool
        class Value:
            def __del__(self):
                pass
        pool = MemoryCachePool()
        for i in range(1000):
            pool.set(f"k{i}", Value())
            pool.hset("h", {f"f{i}": [i]})
        pool.set("self", pool)
        for i in range(500):
            pool.delete(f"k{i}")
        print("end")
    """) == "end"


def test_the_interpreter_ends_while_other_threads_use_the_pool():
    assert run("""
        import threading, time
        from memory_cache_pool import MemoryCachePool
        pool = MemoryCachePool()
        begun = threading.Barrier(5)
        def work():
            begun.wait()
            while True:
                pool.set("k", {"a": 1})
                pool.get("k")
                pool.keys()
        for _ in range(4):
            threading.Thread(target=work, daemon=True).start()
        begun.wait()
        print("end")
    """) == "end"


def test_the_interpreter_ends_with_a_cleanup_task_running():
    assert run("""
        import asyncio
        from memory_cache_pool import CacheConfig, MemoryCachePool
        pool = MemoryCachePool(CacheConfig(cleanup_interval=0.001))
        async def main():
            await pool.start_cleanup_task()
            for i in range(1000):
                pool.set(f"k{i}", [i], px=1)
            await asyncio.sleep(0.01)
        asyncio.run(main())
        print("end")
    """) == "end"


def test_values_that_threads_leave_behind_are_dropped():
    assert run("""
        import gc, threading, weakref
        from memory_cache_pool import MemoryCachePool
        class Value: pass
        pool = MemoryCachePool()
        seen = []
        def work():
            for i in range(100):
                value = Value()
                seen.append(weakref.ref(value))
                pool.set("k", value)
        for _ in range(20):
            thread = threading.Thread(target=work)
            thread.start()
            thread.join()
        del pool
        gc.collect()
        print(sum(each() is not None for each in seen))
    """) == "0"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_child_reads_what_the_parent_had_or_is_told():
    assert run("""
        import os, sys
        from memory_cache_pool import MemoryCachePool
        pool = MemoryCachePool()
        pool.set("k", 1)
        pool.set("o", {"a": 1})
        sys.stdout.flush()
        child = os.fork()
        if child == 0:
            code = 0
            try:
                pool.get("k")
                pool.set("mine", 1)
            except RuntimeError as error:
                code = 0 if "fork" in str(error) else 2
            else:
                code = 0 if pool.get("k") == 1 and pool.get("mine") == 1 else 3
            os._exit(code)
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) == 0, status
        assert pool.get("k") == 1
        assert pool.get("mine") is None
        print("end")
    """) == "end"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_child_may_make_a_pool_of_its_own():
    assert run("""
        import os, sys
        from memory_cache_pool import MemoryCachePool
        before = MemoryCachePool()
        before.set("k", [1])
        child = os.fork()
        if child == 0:
            pool = MemoryCachePool()
            for i in range(1000):
                pool.set(f"k{i}", {"i": i})
            sys.exit(0 if pool.get("k7") == {"i": 7} and len(pool) == 1000 else 1)
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) == 0, status
        print("end")
    """) == "end"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_fork_while_others_write_leaves_a_child_that_can_end():
    assert run("""
        import os, sys, threading, warnings
        warnings.simplefilter("ignore", DeprecationWarning)
        from memory_cache_pool import MemoryCachePool
        pool = MemoryCachePool()
        done = threading.Event()
        def work():
            i = 0
            while not done.is_set():
                i += 1
                pool.set(f"k{i % 1000}", [i])
        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for _ in range(10):
            child = os.fork()
            if child == 0:
                MemoryCachePool().set("k", 1)
                os._exit(0)
            _, status = os.waitpid(child, 0)
            assert os.waitstatus_to_exitcode(status) == 0, status
        done.set()
        for thread in threads:
            thread.join()
        print("end")
    """) == "end"


def test_multiprocessing_by_spawn_needs_a_pool_a_process():
    assert run("""
        import pickle
        from memory_cache_pool import MemoryCachePool
        try:
            pickle.dumps(MemoryCachePool())
        except TypeError as error:
            assert "process" in str(error) or "pickle" in str(error), error
            print("refused")
    """) == "refused"


@pytest.mark.skipif(not hasattr(sys, "_is_gil_enabled"), reason="this interpreter always has a GIL")
def test_an_import_does_not_bring_the_gil_back():
    assert run("""
        import sys, sysconfig
        before = sys._is_gil_enabled()
        import memory_cache_pool
        assert sys._is_gil_enabled() == before
        print("end")
    """) == "end"


def test_the_package_needs_nothing_else():
    assert run("""
        import sys
        sys.modules["redis"] = None
        import memory_cache_pool as m
        assert issubclass(m.WrongTypeError, Exception)
        pool = m.MemoryCachePool()
        pool.rpush("l", 1)
        try:
            pool.get("l")
        except m.WrongTypeError:
            print("end")
    """) == "end"


def test_many_pools_come_and_go():
    assert run("""
        import resource
        from memory_cache_pool import MemoryCachePool
        def peak():
            return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        def churn():
            for _ in range(100):
                pool = MemoryCachePool()
                for i in range(100):
                    pool.set(f"k{i}", ["x" * 1000])
        churn()
        before = peak()
        for _ in range(5):
            churn()
        print("flat" if peak() - before < 20_000 else peak() - before)
    """) == "flat"
