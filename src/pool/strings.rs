//! Strings: SET and its kin, GET and its kin, ranges.

use super::{
    MemoryCachePool,
    engine::{Engine, Step, Touch},
    options::{Expiry, NewDeadline, Scale, SetOptions, SetReply},
    time::Dates,
};
use crate::{
    error::Error,
    record::{Content, LONGEST_VALUE, Live, Value},
    tally::Tally,
};

/// Keys that a batch looks up together: as many misses as a core keeps in flight.
const BATCH: usize = 16;

impl MemoryCachePool {
    /// Sets `key` to `value`, whatever it held, and drops its time to live (or sets the configured
    /// `default_ttl`).
    ///
    /// Lock-free. O(1) and a copy of the value.
    ///
    /// # Errors
    ///
    /// [`Error::KeyTooLong`], [`Error::ValueTooLong`], [`Error::OutOfMemory`] at `max_keys`,
    /// [`Error::TableFull`]; nothing has changed then.
    #[inline]
    pub fn set(&self, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Result<(), Error> {
        self.engine.put(key.as_ref(), value.as_ref(), self.engine.default_dates())
    }

    /// Sets `key` to `value` as the options say; see [`SetOptions`].
    ///
    /// Lock-free. O(1) and a copy of the value.
    ///
    /// # Errors
    ///
    /// As [`set`](Self::set); [`Error::Syntax`] for options that contradict each other,
    /// [`Error::InvalidExpire`] for a time to live that is zero, negative or too large, and
    /// [`Error::WrongType`] when the value before is asked for and is not a string, and
    /// [`Error::NoEvictLimit`] when as much is spared from eviction as may be. Nothing has changed
    /// then.
    pub fn set_options(
        &self,
        key: impl AsRef<[u8]>,
        value: impl AsRef<[u8]>,
        options: SetOptions,
    ) -> Result<SetReply, Error> {
        let engine = &*self.engine;
        let value = value.as_ref();
        let deadline = options.deadline(|life| engine.present_for(life))?;
        if options.is_plain()
            && let NewDeadline::At(deadline) = deadline
        {
            let dates = Dates { deadline, written: engine.elapsed_coarse() };
            engine.put(key.as_ref(), value, dates)?;
            return Ok(SetReply { was_set: true, previous: None });
        }
        let guard = engine.pin_to_write();
        engine.write(&guard, key.as_ref(), Tally::Sets, |live| {
            let was_set = options.permits(live.is_some());
            let previous = match live {
                Some(live) if options.wants_previous() => Some(copy_of(live, was_set)?),
                _ => None,
            };
            let reply = SetReply { was_set, previous };
            if !was_set {
                return Ok(Step::Keep(reply));
            }
            let deadline = match deadline {
                NewDeadline::Past => return Ok(Step::Remove(reply)),
                NewDeadline::At(deadline) => deadline,
                NewDeadline::Keep => live.map_or_else(|| engine.default_deadline(), Live::deadline),
                NewDeadline::Default => engine.default_deadline(),
            };
            let content = Content::Bytes(value);
            Ok(if options.spares() {
                Step::WriteSpared(content, deadline, reply)
            } else {
                Step::Write(content, deadline, reply)
            })
        })
    }

    /// Sets `key` if it does not exist; false when it does.
    ///
    /// # Errors
    ///
    /// As [`set`](Self::set).
    pub fn setnx(&self, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Result<bool, Error> {
        Ok(self.set_options(key, value, SetOptions::new().nx())?.was_set)
    }

    /// Sets `key` with a time to live in seconds.
    ///
    /// # Errors
    ///
    /// As [`set`](Self::set); [`Error::InvalidExpire`] unless the time is positive and fits.
    pub fn setex(
        &self,
        key: impl AsRef<[u8]>,
        seconds: i64,
        value: impl AsRef<[u8]>,
    ) -> Result<(), Error> {
        self.set_expiring(key.as_ref(), value.as_ref(), Scale::IN_SECONDS.millis(seconds)?)
    }

    /// Sets `key` with a time to live in milliseconds.
    ///
    /// # Errors
    ///
    /// As [`setex`](Self::setex).
    pub fn psetex(
        &self,
        key: impl AsRef<[u8]>,
        millis: i64,
        value: impl AsRef<[u8]>,
    ) -> Result<(), Error> {
        self.set_expiring(key.as_ref(), value.as_ref(), millis)
    }

    /// SET with a time to live of so many milliseconds.
    #[inline]
    fn set_expiring(&self, key: &[u8], value: &[u8], millis: i64) -> Result<(), Error> {
        let life = u64::try_from(millis).ok().filter(|life| *life != 0);
        let dates = self.engine.dates_for(life.ok_or(Error::InvalidExpire)?);
        if dates.deadline > i64::MAX.cast_unsigned() {
            return Err(Error::InvalidExpire);
        }
        self.engine.put(key, value, dates)
    }

    /// Returns a copy of the value of `key`.
    ///
    /// Never waits; may have to take out a key that has expired.
    ///
    /// # Errors
    ///
    /// [`Error::WrongType`] when it is not a string.
    pub fn get(&self, key: impl AsRef<[u8]>) -> Result<Option<Vec<u8>>, Error> {
        self.get_with(key, <[u8]>::to_vec)
    }

    /// Shows the value of `key` where it lies, without a copy, and returns what `look` makes of it.
    ///
    /// The value is held while `look` runs, and with it the memory that anybody retires meanwhile:
    /// `look` should be short and must not block. It may use the pool.
    ///
    /// # Errors
    ///
    /// [`Error::WrongType`] when it is not a string; `look` is not called then.
    #[inline(always)]
    pub fn get_with<R>(
        &self,
        key: impl AsRef<[u8]>,
        look: impl FnOnce(&[u8]) -> R,
    ) -> Result<Option<R>, Error> {
        let engine = &*self.engine;
        let key = key.as_ref();
        // Pinned first, since what a hash is made of takes more registers than the hash.
        let guard = engine.pin();
        let hash = engine.hash(key);
        match engine.look_up(&guard, key, hash, Touch::Yes) {
            None => Ok(None),
            Some(live) => with_bytes(live, look).map(Some),
        }
    }

    /// Shows the values of several keys, each with its position in `keys`; `None` for a key that is
    /// absent or not a string.
    ///
    /// Fetches the memory of several keys at a time, so that their cache misses overlap: for large
    /// keyspaces it is several times faster than as many [`get_with`](Self::get_with). Each value
    /// is read at an instant of its own: the keys are not one snapshot.
    pub fn get_many_with<K: AsRef<[u8]>>(
        &self,
        keys: &[K],
        mut each: impl FnMut(usize, Option<&[u8]>),
    ) {
        look_up_many(&self.engine, keys, |index, live| {
            let shown =
                live.is_some_and(|live| with_bytes(live, |text| each(index, Some(text))).is_ok());
            if !shown {
                each(index, None);
            }
        });
    }

    /// Returns copies of the values of several keys; `None` for a key that is absent or not a
    /// string. Not atomic: see [`get_many_with`](Self::get_many_with).
    #[must_use]
    pub fn mget<K: AsRef<[u8]>>(&self, keys: &[K]) -> Vec<Option<Vec<u8>>> {
        let mut values = Vec::with_capacity(keys.len());
        self.get_many_with(keys, |_, value| values.push(value.map(<[u8]>::to_vec)));
        values
    }

    /// Sets several keys, one after the other; the last of equal keys wins.
    ///
    /// Not yet atomic: others may see some of the keys written and some not.
    ///
    /// # Errors
    ///
    /// As [`set`](Self::set), for the first key that is refused; those before it are written.
    pub fn mset<K: AsRef<[u8]>, V: AsRef<[u8]>>(&self, pairs: &[(K, V)]) -> Result<(), Error> {
        pairs.iter().try_for_each(|(key, value)| self.set(key, value))
    }

    /// Sets `key` and returns the value before; the time to live is dropped.
    ///
    /// # Errors
    ///
    /// As [`set`](Self::set); [`Error::WrongType`] when the value before is not a string.
    pub fn getset(
        &self,
        key: impl AsRef<[u8]>,
        value: impl AsRef<[u8]>,
    ) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.set_options(key, value, SetOptions::new().get())?.previous)
    }

    /// Removes `key` and returns the value before.
    ///
    /// # Errors
    ///
    /// [`Error::WrongType`] when it is not a string; it stays then.
    pub fn getdel(&self, key: impl AsRef<[u8]>) -> Result<Option<Vec<u8>>, Error> {
        let guard = self.engine.pin();
        self.engine.write(&guard, key.as_ref(), Tally::OtherOperations, |live| match live {
            None => Ok(Step::Keep(None)),
            Some(live) => Ok(Step::Remove(Some(copy_of(live, true)?))),
        })
    }

    /// Returns the value of `key` and changes its time to live; one in the past deletes the key.
    ///
    /// # Errors
    ///
    /// [`Error::WrongType`] when it is not a string, [`Error::InvalidExpire`] for a time that is
    /// zero, negative or too large; nothing has changed then.
    pub fn getex(&self, key: impl AsRef<[u8]>, expiry: Expiry) -> Result<Option<Vec<u8>>, Error> {
        let engine = &*self.engine;
        let guard = engine.pin_to_write();
        engine.write(&guard, key.as_ref(), Tally::OtherOperations, |live| {
            let Some(live) = live else { return Ok(Step::Keep(None)) };
            if !matches!(live.value(), Value::Bytes(_) | Value::Integer(_)) {
                return Err(Error::WrongType);
            }
            let deadline = expiry.deadline(|_| engine.clock.now_millis())?;
            let changes = !matches!(deadline, NewDeadline::Keep | NewDeadline::Default);
            let value = Some(copy_of(live, changes)?);
            Ok(match deadline {
                NewDeadline::Keep | NewDeadline::Default => Step::Keep(value),
                NewDeadline::Past => Step::Remove(value),
                NewDeadline::At(deadline) => Step::Redate(deadline, value),
            })
        })
    }

    /// Appends to the value of `key`, which is created if it does not exist; returns its length in
    /// bytes. The time to live stays.
    ///
    /// # Errors
    ///
    /// As [`set`](Self::set); [`Error::WrongType`] when it is not a string.
    pub fn append(&self, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Result<usize, Error> {
        let value = value.as_ref();
        self.rewrite(key.as_ref(), |before| {
            let before = before.unwrap_or_default();
            if before.len() + value.len() > LONGEST_VALUE {
                return Err(Error::ValueTooLong);
            }
            Ok(Some([before, value].concat()))
        })
    }

    /// The length of the value of `key` in bytes; 0 when it does not exist.
    ///
    /// # Errors
    ///
    /// [`Error::WrongType`] when it is not a string.
    pub fn strlen(&self, key: impl AsRef<[u8]>) -> Result<usize, Error> {
        Ok(self.get_with(key, <[u8]>::len)?.unwrap_or(0))
    }

    /// The part of the value from `start` to `end`, both included; negative positions count from
    /// the end, and positions beyond the value are clamped.
    ///
    /// # Errors
    ///
    /// [`Error::WrongType`] when it is not a string.
    pub fn getrange(&self, key: impl AsRef<[u8]>, start: i64, end: i64) -> Result<Vec<u8>, Error> {
        let part = self.get_with(key, |value| {
            let range = clamp_range(start, end, value.len());
            value.get(range).unwrap_or_default().to_vec()
        })?;
        Ok(part.unwrap_or_default())
    }

    /// Overwrites the value from `offset` on, padding with zero bytes; returns its length in bytes.
    /// The time to live stays. An empty `value` changes nothing.
    ///
    /// # Errors
    ///
    /// As [`set`](Self::set); [`Error::WrongType`] when it is not a string,
    /// [`Error::ValueTooLong`] when the value would end beyond 512 MiB.
    pub fn setrange(
        &self,
        key: impl AsRef<[u8]>,
        offset: usize,
        value: impl AsRef<[u8]>,
    ) -> Result<usize, Error> {
        let value = value.as_ref();
        if value.is_empty() {
            return self.strlen(key);
        }
        self.rewrite(key.as_ref(), |before| {
            let end = offset.checked_add(value.len()).filter(|&end| end <= LONGEST_VALUE);
            let end = end.ok_or(Error::ValueTooLong)?;
            let mut after = before.unwrap_or_default().to_vec();
            after.resize(after.len().max(end), 0);
            after[offset..end].copy_from_slice(value);
            Ok(Some(after))
        })
    }

    /// Replaces a string by one made from it, keeping the time to live; returns the length after.
    fn rewrite(
        &self,
        key: &[u8],
        make: impl Fn(Option<&[u8]>) -> Result<Option<Vec<u8>>, Error>,
    ) -> Result<usize, Error> {
        let engine = &*self.engine;
        let guard = engine.pin_to_write();
        engine.write(&guard, key, Tally::Sets, |live| {
            let deadline = live.map_or_else(|| engine.default_deadline(), Live::deadline);
            let made = match live {
                None => make(None)?,
                Some(live) => with_last_bytes(live, |bytes| make(Some(bytes)))??,
            };
            Ok(match made {
                None => Step::Keep(0),
                Some(made) => {
                    let len = made.len();
                    Step::Write(Content::Built(made), deadline, len)
                }
            })
        })
    }
}

/// Looks several keys up, with their cache misses overlapping.
pub(super) fn look_up_many<K: AsRef<[u8]>>(
    engine: &Engine,
    keys: &[K],
    mut each: impl FnMut(usize, Option<Live<'_>>),
) {
    let guard = engine.pin();
    let mut hashes = [0; BATCH];
    for (batch, keys) in keys.chunks(BATCH).enumerate() {
        for (hash, key) in hashes.iter_mut().zip(keys) {
            *hash = engine.hash(key.as_ref());
            engine.table.prefetch_bucket(*hash, &guard);
        }
        for &hash in &hashes[..keys.len()] {
            engine.table.prefetch_records(hash, &guard);
        }
        for (index, (key, &hash)) in keys.iter().zip(&hashes).enumerate() {
            let live = engine.look_up(&guard, key.as_ref(), hash, Touch::Yes);
            each(batch * BATCH + index, live);
        }
    }
}

/// Shows a string's bytes as they are now; a number's are printed for the purpose.
#[inline(always)]
pub(super) fn with_bytes<R>(live: Live<'_>, look: impl FnOnce(&[u8]) -> R) -> Result<R, Error> {
    match live.inline_text() {
        Some(text) => Ok(look(text)),
        None => with_other_bytes(live, look),
    }
}

/// The part of [`with_bytes`] that few need, kept out of the way of the rest.
#[cold]
#[inline(never)]
fn with_other_bytes<R>(live: Live<'_>, look: impl FnOnce(&[u8]) -> R) -> Result<R, Error> {
    match live.value() {
        Value::Bytes(bytes) => Ok(look(bytes)),
        Value::Integer(cell) => Ok(look(itoa::Buffer::new().format(cell.get()).as_bytes())),
        _ => Err(Error::WrongType),
    }
}

/// Shows the last bytes that a string will have: a number is frozen, since the caller replaces it.
pub(super) fn with_last_bytes<R>(
    live: Live<'_>,
    look: impl FnOnce(&[u8]) -> R,
) -> Result<R, Error> {
    if let Value::Integer(cell) = live.value() {
        return Ok(look(itoa::Buffer::new().format(cell.freeze()).as_bytes()));
    }
    with_bytes(live, look)
}

/// A copy of a string; its last value when it `is_replaced`.
pub(super) fn copy_of(live: Live<'_>, is_replaced: bool) -> Result<Vec<u8>, Error> {
    if is_replaced {
        with_last_bytes(live, <[u8]>::to_vec)
    } else {
        with_bytes(live, <[u8]>::to_vec)
    }
}

/// GETRANGE's bounds as a range of indices.
fn clamp_range(start: i64, end: i64, len: usize) -> std::ops::Range<usize> {
    let len = i64::try_from(len).unwrap_or(i64::MAX);
    // Redis answers this case before it clamps.
    if start < 0 && end < 0 && start > end {
        return 0..0;
    }
    let from_end = |position: i64| if position < 0 { (len + position).max(0) } else { position };
    let (start, end) = (from_end(start.max(-len)), from_end(end.max(-len)).min(len - 1));
    if start > end {
        return 0..0;
    }
    let index = |position| usize::try_from(position).unwrap_or(0);
    index(start)..index(end) + 1
}
