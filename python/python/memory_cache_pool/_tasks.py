"""The cleanup task, and what happens to it, and to the pools, around a fork and at the end."""

import atexit
import os
import weakref

from memory_cache_pool import _native

#: Pools whose cleanup is running.
_running = weakref.WeakSet()

#: Pools whose cleanup was stopped for a fork.
_paused = []


async def start(pool):
    """Starts the cleanup of a pool, whatever loop this runs in."""
    pool._start_cleanup()
    _running.add(pool)


async def stop(pool):
    """Stops the cleanup of a pool."""
    stop_now(pool)


async def enter(pool):
    """What ``async with`` binds."""
    return pool


def stop_now(pool):
    """Stops the cleanup of a pool, and waits for a slice of its work at most."""
    _running.discard(pool)
    pool._stop_cleanup()


def _before_fork():
    for pool in list(_running):
        pool._stop_cleanup()
        _paused.append(pool)
    _native._before_fork()


def _after_fork_in_parent():
    _native._after_fork()
    while _paused:
        _paused.pop()._start_cleanup()


def _after_fork_in_child():
    _native._after_fork()
    _paused.clear()
    _running.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before_fork,
        after_in_parent=_after_fork_in_parent,
        after_in_child=_after_fork_in_child,
    )
atexit.register(_native._at_exit)
