"""What the tests share: a pool whose time stands still until it is moved, and waiting without sleep."""

import threading

import pytest

from memory_cache_pool import CacheConfig, ManualClock, MemoryCachePool

#: Seconds after which a test that waits for another thread gives up.
PATIENCE = 30


class Clock:
    """A manual clock that is moved in seconds."""

    def __init__(self):
        self.manual = ManualClock()

    def advance(self, seconds):
        self.manual.advance(seconds)

    def now(self):
        """Seconds since 1970."""
        return self.manual.now()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def pool(clock):
    return MemoryCachePool(CacheConfig(clock=clock.manual))


@pytest.fixture
def run_in_threads():
    """Runs functions at the same time, and raises the first error of any."""

    def run(*functions):
        errors = []
        barrier = threading.Barrier(len(functions))

        def guarded(function):
            try:
                barrier.wait(PATIENCE)
                function()
            except BaseException as error:
                errors.append(error)

        threads = [threading.Thread(target=guarded, args=(each,)) for each in functions]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE)
            assert not thread.is_alive(), "a thread hangs"
        if errors:
            raise errors[0]

    return run
