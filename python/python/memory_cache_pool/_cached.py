"""``pool.cached``: results of functions, kept in a pool, with single flight."""

import asyncio
import functools
import hashlib
import inspect
import itertools
import pickle
import threading

#: What a pool answers when it has no result.
_MISSING = object()


class _Flight:
    """A call that is under way, and what becomes of it."""

    __slots__ = ("thread", "landed", "result", "error")

    def __init__(self):
        self.thread = threading.get_ident()
        self.landed = threading.Event()
        self.result = _MISSING
        self.error = None


#: Types whose values are told apart by what `repr` says.
_PLAIN = frozenset({str, bytes, int, float, bool, type(None)})

#: Tells functions apart that are made by one and the same line.
_made = itertools.count(1)


def _prefix_of(function):
    name = f"cached:{function.__module__}.{function.__qualname__}"
    return f"{name}#{next(_made)}" if "<locals>" in name else name


def _text_of(value):
    """A text that only equal values of the same type have."""
    if type(value) in _PLAIN:
        return repr(value)
    if type(value) is tuple:
        return f"({', '.join(map(_text_of, value))},)"
    try:
        state = pickle.dumps(value, 5)
    except Exception as cause:
        raise TypeError(
            f"cached() cannot tell a {type(value).__name__} from others, since it cannot be pickled:"
            " hand in a function that makes the key, by `key=`"
        ) from cause
    return f"{type(value).__qualname__}:{hashlib.sha256(state).hexdigest()}"


def _key_of(prefix, args, kwargs):
    """The key of some arguments."""
    parts = [_text_of(each) for each in args]
    parts += [f"{name}={_text_of(each)}" for name, each in sorted(kwargs.items())]
    return f"{prefix}({', '.join(parts)})"


def cached(pool, ttl, key, prefix):
    """The decorator behind ``MemoryCachePool.cached``."""
    if callable(ttl):
        return cached(pool, None, key, prefix)(ttl)

    def decorate(function):
        name = _prefix_of(function) if prefix is None else prefix

        def key_of(args, kwargs):
            return _key_of(name, args, kwargs) if key is None else key(*args, **kwargs)

        is_async = inspect.iscoroutinefunction(function)
        wrap = _wrap_async if is_async else _wrap
        wrapper = wrap(pool, ttl, function, key_of)
        wrapper.cache_key = lambda *args, **kwargs: key_of(args, kwargs)
        wrapper.cache_invalidate = lambda *args, **kwargs: pool.delete(key_of(args, kwargs)) == 1
        return wrapper

    return decorate


def _wrap(pool, ttl, function, key_of):
    flights = {}
    lock = threading.Lock()

    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        key = key_of(args, kwargs)
        while True:
            result = pool.get(key, _MISSING)
            if result is not _MISSING:
                return result
            with lock:
                flight = flights.get(key)
                is_mine = flight is None
                if is_mine:
                    flight = flights[key] = _Flight()
            if is_mine:
                return fly(flight, key, args, kwargs)
            if flight.thread == threading.get_ident():
                raise RuntimeError(f"the function asks for the result that it is to give: {key}")
            flight.landed.wait()
            if flight.error is not None:
                raise flight.error
            if flight.result is not _MISSING:
                return flight.result

    def fly(flight, key, args, kwargs):
        try:
            # Somebody may have landed between our look and our departure.
            result = pool.get(key, _MISSING)
            if result is _MISSING:
                result = function(*args, **kwargs)
                pool.set(key, result, ex=ttl)
            flight.result = result
            return result
        except Exception as error:
            flight.error = error
            raise
        finally:
            # Of an end by KeyboardInterrupt and its like the others hear nothing: they try again.
            with lock:
                del flights[key]
            flight.landed.set()

    return wrapper


def _wrap_async(pool, ttl, function, key_of):
    flights = {}

    @functools.wraps(function)
    async def wrapper(*args, **kwargs):
        key = key_of(args, kwargs)
        # A future belongs to a loop: each loop has flights of its own.
        flight_key = (id(asyncio.get_running_loop()), key)
        while True:
            result = pool.get(key, _MISSING)
            if result is not _MISSING:
                return result
            landed = flights.get(flight_key)
            if landed is None:
                return await fly(flight_key, key, args, kwargs)
            outcome = await asyncio.shield(landed)
            if outcome is not None:
                error, result = outcome
                if error is not None:
                    raise error
                return result

    async def fly(flight_key, key, args, kwargs):
        landed = flights[flight_key] = asyncio.get_running_loop().create_future()
        outcome = None
        try:
            result = await function(*args, **kwargs)
            pool.set(key, result, ex=ttl)
            outcome = (None, result)
            return result
        except Exception as error:
            outcome = (error, None)
            raise
        finally:
            # After a cancellation the others hear nothing: one of them tries again.
            del flights[flight_key]
            if not landed.done():
                landed.set_result(outcome)

    return wrapper
