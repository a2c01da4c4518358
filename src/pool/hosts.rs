//! What a host in the process can have beyond Redis: atomic read-modify-write, single-flight
//! loading, and values no older than the reader accepts.

use super::{
    MemoryCachePool,
    engine::{Step, Touch},
    strings::{copy_of, with_bytes, with_last_bytes},
};
use crate::{
    error::{Error, LoadError},
    record::{Content, Live},
    tally::Tally,
};
use std::time::Duration;

/// What [`update`](MemoryCachePool::update) is to do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Update {
    /// Leave the key as it is.
    Keep,
    /// Set this value; the time to live stays.
    Set(Vec<u8>),
    /// Remove the key.
    Remove,
}

impl MemoryCachePool {
    /// Changes the string at `key` by a function of its value, atomically, and returns the value
    /// afterwards.
    ///
    /// `change` sees `None` when the key does not exist. It is called again when another write came
    /// first, so that it should have no effects of its own. Should it panic, nothing has changed.
    /// It runs under a pin: it should be short and must not block.
    ///
    /// ```
    /// use memory_cache_pool::{MemoryCachePool, Update};
    ///
    /// let pool = MemoryCachePool::default();
    /// pool.set("best_bid", "100.5")?;
    /// let best = pool.update("best_bid", |old| match old {
    ///     Some(old) if old < b"101.0".as_slice() => Update::Set(b"101.0".to_vec()),
    ///     _ => Update::Keep,
    /// })?;
    /// assert_eq!(best.as_deref(), Some(&b"101.0"[..]));
    /// # Ok::<(), memory_cache_pool::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::WrongType`] when it is not a string; or as [`set`](Self::set). Nothing has changed
    /// then.
    pub fn update(
        &self,
        key: impl AsRef<[u8]>,
        mut change: impl FnMut(Option<&[u8]>) -> Update,
    ) -> Result<Option<Vec<u8>>, Error> {
        let engine = &*self.engine;
        let guard = engine.pin_to_write();
        engine.write(&guard, key.as_ref(), Tally::Sets, |live| {
            let update = match live {
                None => change(None),
                Some(live) => with_last_bytes(live, |bytes| change(Some(bytes)))?,
            };
            Ok(match update {
                Update::Keep => Step::Keep(live.map(|live| copy_of(live, true)).transpose()?),
                Update::Remove => Step::Remove(None),
                Update::Set(value) => {
                    let deadline = live.map_or_else(|| engine.default_deadline(), Live::deadline);
                    Step::Write(Content::Built(value.clone()), deadline, Some(value))
                }
            })
        })
    }

    /// Returns the value of `key`, and loads and sets it first if it does not exist.
    ///
    /// One thread loads a key; others that ask for it meanwhile **wait** for the load, and get its
    /// value or its error. Should `load` panic, the panic goes on in its thread and another waiter
    /// loads. A hit waits for nobody.
    ///
    /// # Errors
    ///
    /// [`LoadError::Load`] with what `load` returned, [`LoadError::Cache`] with what
    /// [`get`](Self::get) or [`set`](Self::set) returned, and [`LoadError::Reentrant`] when `load`
    /// asks for the key that it is loading.
    pub fn get_or_insert_with<E: Clone + Send + Sync + 'static>(
        &self,
        key: impl AsRef<[u8]>,
        load: impl FnOnce() -> Result<Vec<u8>, E>,
    ) -> Result<Vec<u8>, LoadError<E>> {
        let key = key.as_ref();
        if let Some(value) = self.get(key).map_err(LoadError::Cache)? {
            return Ok(value);
        }
        self.engine.flights.run(key, || self.get(key), load, |value| self.set(key, value))
    }

    /// Returns the value of `key` if it was written at most `max_age` ago.
    ///
    /// This is not expiry: an older value stays, and others may accept it.
    ///
    /// # Errors
    ///
    /// [`Error::WrongType`] when it is not a string.
    pub fn get_fresh(
        &self,
        key: impl AsRef<[u8]>,
        max_age: Duration,
    ) -> Result<Option<Vec<u8>>, Error> {
        let fresh = self.engine.read(key.as_ref(), Touch::Yes, |live| {
            (self.age_of(live) <= max_age).then(|| with_bytes(live, <[u8]>::to_vec))
        });
        fresh.flatten().transpose()
    }

    /// How long ago the value of `key` was written, in whole milliseconds.
    ///
    /// Measured with the coarse clock at the write, it may come out a few milliseconds too long,
    /// never too short. EXPIRE and its kin do not count as writes. An increment takes the time from
    /// the pool's last look at the clock, which every other write and every 64th increment renews:
    /// the age of a counter may come out too long by the pause that preceded its increment.
    #[must_use]
    pub fn age(&self, key: impl AsRef<[u8]>) -> Option<Duration> {
        self.engine.read(key.as_ref(), Touch::No, |live| self.age_of(live))
    }

    pub(super) fn age_of(&self, live: Live<'_>) -> Duration {
        let now = self.engine.clock.now_millis().saturating_sub(self.engine.began);
        Duration::from_millis(now.saturating_sub(live.written()))
    }
}
