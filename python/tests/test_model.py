"""Random sequences of commands against a plain dict, with time moved by hand."""

import fnmatch

from hypothesis import settings, strategies
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from memory_cache_pool import CacheConfig, ManualClock, MemoryCachePool, WrongTypeError

KEYS = strategies.sampled_from(["a", "b", "c", "key:1", "key:2"])
FIELDS = strategies.sampled_from(["f", "g", "h"])
SCALARS = strategies.one_of(
    strategies.none(),
    strategies.booleans(),
    strategies.integers(-(2**66), 2**66),
    strategies.floats(allow_nan=False),
    strategies.text(strategies.characters(codec="utf-8"), max_size=20),
    strategies.binary(max_size=20),
)
VALUES = strategies.one_of(
    SCALARS,
    strategies.lists(SCALARS, max_size=2),
    strategies.dictionaries(strategies.text("xyz", max_size=2), SCALARS, max_size=2),
)
MILLIS = strategies.one_of(strategies.none(), strategies.integers(1, 3_000))
COUNTS = strategies.integers(-4, 4)


class Hash(dict):
    """A hash of the model; values that are dicts are no hashes."""


class Sequence(list):
    """A list of the model."""


class Model(RuleBasedStateMachine):
    """The pool and a dict of (value, deadline), side by side."""

    def __init__(self):
        super().__init__()
        self.clock = ManualClock()
        self.pool = MemoryCachePool(CacheConfig(clock=self.clock))
        self.now = 0
        self.model = {}

    def live(self, key):
        """The value of a key, or None; what has expired is removed."""
        if key in self.model:
            value, deadline = self.model[key]
            if deadline is None or self.now <= deadline:
                return value
            del self.model[key]
        return None

    def exists(self, key):
        self.live(key)
        return key in self.model

    def put(self, key, value, keep=False):
        deadline = self.model[key][1] if keep and self.exists(key) else None
        self.model[key] = (value, deadline)

    def same(self, ours, theirs):
        assert ours == theirs and type(ours) is type(theirs), (ours, theirs)

    def expects(self, call, key, kind):
        """Runs a command on a key, which has to be refused when the key is of another type."""
        value = self.live(key) if self.exists(key) else kind()
        if not isinstance(value, kind):
            try:
                call()
            except WrongTypeError:
                return None
            raise AssertionError("no WrongTypeError")
        self.result = call()
        return value

    @rule(millis=strategies.integers(1, 2_000))
    def time_passes(self, millis):
        self.clock.advance(millis / 1000)
        self.now += millis

    @rule(key=KEYS, value=VALUES, millis=MILLIS, nx=strategies.booleans())
    def set(self, key, value, millis, nx):
        done = self.pool.set(key, value, px=millis, nx=nx)
        if nx and self.exists(key):
            assert not done
        else:
            assert done is True
            self.model[key] = (value, None if millis is None else self.now + millis)

    @rule(key=KEYS)
    def get(self, key):
        missing = object()
        value = self.live(key) if self.exists(key) else missing
        if isinstance(value, (Hash, Sequence)):
            try:
                self.pool.get(key)
            except WrongTypeError:
                return
            raise AssertionError("no WrongTypeError")
        seen = self.pool.get(key, missing)
        if value is missing:
            assert seen is missing
        else:
            self.same(seen, value)

    @rule(keys=strategies.lists(KEYS, max_size=3, min_size=1))
    def delete(self, keys):
        there = {key for key in keys if self.exists(key)}
        assert self.pool.delete(*keys) == len(there)
        for key in there:
            del self.model[key]

    @rule(keys=strategies.lists(KEYS, max_size=3, min_size=1))
    def exist(self, keys):
        assert self.pool.exists(*keys) == sum(self.exists(key) for key in keys)

    @rule(key=KEYS, millis=strategies.integers(-5, 3_000))
    def pexpire(self, key, millis):
        assert self.pool.pexpire(key, millis) is self.exists(key)
        if self.exists(key):
            if millis <= 0:
                del self.model[key]
            else:
                self.model[key] = (self.model[key][0], self.now + millis)

    @rule(key=KEYS)
    def persist(self, key):
        has_deadline = self.exists(key) and self.model[key][1] is not None
        assert self.pool.persist(key) is has_deadline
        if has_deadline:
            self.put(key, self.model[key][0])

    @rule(key=KEYS)
    def pttl(self, key):
        if not self.exists(key):
            expected = -2
        else:
            deadline = self.model[key][1]
            expected = -1 if deadline is None else deadline - self.now
        assert self.pool.pttl(key) == expected

    @rule(pattern=strategies.sampled_from(["*", "key:*", "?", "a", "nothing"]))
    def keys(self, pattern):
        there = [key for key in list(self.model) if self.exists(key)]
        wanted = sorted(key for key in there if fnmatch.fnmatchcase(key, pattern))
        assert sorted(self.pool.keys(pattern)) == wanted
        assert sorted(set(self.pool.scan_iter(pattern))) == wanted

    @rule(key=KEYS, fields=strategies.dictionaries(FIELDS, VALUES, min_size=1))
    def hset(self, key, fields):
        value = self.expects(lambda: self.pool.hset(key, fields), key, Hash)
        if value is not None:
            assert self.result == len(set(fields) - set(value))
            self.put(key, Hash({**value, **fields}), keep=True)

    @rule(key=KEYS, field=FIELDS)
    def hget(self, key, field):
        value = self.expects(lambda: self.pool.hget(key, field), key, Hash)
        if value is not None:
            self.same(self.result, value.get(field))

    @rule(key=KEYS)
    def hgetall(self, key):
        value = self.expects(lambda: self.pool.hgetall(key), key, Hash)
        if value is not None:
            assert self.result == dict(value)

    @rule(key=KEYS, fields=strategies.lists(FIELDS, min_size=1, max_size=3))
    def hdel(self, key, fields):
        value = self.expects(lambda: self.pool.hdel(key, *fields), key, Hash)
        if value is not None:
            left = Hash({field: each for field, each in value.items() if field not in fields})
            assert self.result == len(value) - len(left)
            self.keep_or_remove(key, left)

    @rule(key=KEYS, values=strategies.lists(VALUES, min_size=1, max_size=4), left=strategies.booleans())
    def push(self, key, values, left):
        push = self.pool.lpush if left else self.pool.rpush
        value = self.expects(lambda: push(key, *values), key, Sequence)
        if value is not None:
            whole = values[::-1] + value if left else value + values
            assert self.result == len(whole)
            self.put(key, Sequence(whole), keep=True)

    @rule(key=KEYS, left=strategies.booleans(), count=strategies.one_of(strategies.none(), strategies.integers(1, 3)))
    def pop(self, key, left, count):
        pop = self.pool.lpop if left else self.pool.rpop
        value = self.expects(lambda: pop(key, count), key, Sequence)
        if value is not None:
            rest = list(value) if left else value[::-1]
            taken, rest = rest[: count or 1], rest[count or 1 :]
            expected = (taken if count else taken[0]) if value else None
            assert self.result == expected
            self.keep_or_remove(key, Sequence(rest if left else rest[::-1]))

    @rule(key=KEYS, start=COUNTS, stop=COUNTS)
    def lrange(self, key, start, stop):
        value = self.expects(lambda: self.pool.lrange(key, start, stop), key, Sequence)
        if value is not None:
            first = max(0, start + len(value) if start < 0 else start)
            last = stop + len(value) if stop < 0 else stop
            assert self.result == value[first : last + 1 if last >= 0 else 0]

    @rule()
    def flush(self):
        self.pool.flushall()
        self.model.clear()

    @rule()
    def clean(self):
        gone = sum(not self.exists(key) for key in list(self.model))
        assert self.pool.cleanup_expired_keys() <= gone + len(self.model) + 5

    def keep_or_remove(self, key, value):
        if value:
            self.put(key, value, keep=True)
        else:
            self.model.pop(key, None)

    @invariant()
    def the_model_knows_every_key(self):
        there = sorted(key for key in list(self.model) if self.exists(key))
        assert sorted(self.pool) == there


Model.TestCase.settings = settings(
    max_examples=120, stateful_step_count=40, deadline=None, derandomize=True
)
TestAgainstADict = Model.TestCase
