"""What can go wrong, as exceptions: those of redis-py where it is installed."""

try:
    from redis import exceptions as _redis
except Exception:  # Whatever keeps redis-py from being there, or from working.
    _RESPONSE_ERROR, _DATA_ERROR, _OUT_OF_MEMORY = (Exception,), (), ()
else:
    _RESPONSE_ERROR, _DATA_ERROR = (_redis.ResponseError,), (_redis.DataError,)
    _OUT_OF_MEMORY = (getattr(_redis, "OutOfMemoryError", _redis.ResponseError),)


class CacheError(*_RESPONSE_ERROR):
    """A command was refused; nothing has changed."""


class WrongTypeError(CacheError):
    """The key holds a value of another type than the command is for."""


class DataError(CacheError, *_DATA_ERROR, ValueError):
    """An argument, or the value that it meets, is not what the command takes."""


class OutOfMemoryError(CacheError, *_OUT_OF_MEMORY):
    """The pool holds as much as it may, and its policy lets nothing go."""


for _error in (CacheError, WrongTypeError, DataError, OutOfMemoryError):
    _error.__module__ = "memory_cache_pool"
del _error
