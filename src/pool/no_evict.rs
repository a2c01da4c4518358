//! Keys that are spared from eviction, whatever the policy.
//!
//! The mark is the key's, not its value's: whatever is written to the key keeps it, as it keeps a
//! time to live under KEEPTTL, and it ends with the key: by DEL, by its deadline, or by FLUSHALL. A
//! bit of the record carries it, so that it changes with the record's slot, and nobody can see a
//! spared key without it.

use super::{
    MemoryCachePool,
    engine::{Engine, Step},
};
use crate::{error::Error, evict::spared::Part, record::Live, tally::Tally};

/// What a record adds to the sums of what is spared.
fn part_of(live: Option<Live<'_>>) -> Part {
    match live {
        Some(live) if live.is_spared() => Part { keys: 1, bytes: live.memory() as u64 },
        _ => Part::default(),
    }
}

impl Engine {
    /// Notes that a slot with a spared record, or with one that was, has changed.
    #[cold]
    #[inline(never)]
    pub(super) fn note_spared(&self, before: Option<Live<'_>>, after: Option<Live<'_>>) {
        self.evictor.spared.change(part_of(before), part_of(after));
    }

    /// Whether a spared record may take the place of `live`: it needs so many bytes.
    ///
    /// # Errors
    ///
    /// `NoEvictLimit` when more would be spared than may be. What is spared already may be written
    /// again, as long as it does not grow.
    #[cold]
    #[inline(never)]
    pub(super) fn check_spared(&self, live: Option<Live<'_>>, bytes: usize) -> Result<(), Error> {
        let (sum, before) = (self.evictor.spared.sum(), part_of(live));
        let percent = u64::from(self.config.no_evict_percent);
        // The quotient first, or a pool without a limit would wrap.
        let share = |most: u64| (most / 100).saturating_mul(percent) + most % 100 * percent / 100;
        let most_keys = share(self.evictor.max_keys().map_or(u64::MAX, |keys| keys as u64));
        let most_bytes = share(self.evictor.max_memory().unwrap_or(u64::MAX));
        let has_key = before.keys == 1 || sum.keys < most_keys;
        let grows = bytes as u64 > before.bytes;
        let after = sum.bytes.saturating_sub(before.bytes).saturating_add(bytes as u64);
        if has_key && (!grows || after <= most_bytes) { Ok(()) } else { Err(Error::NoEvictLimit) }
    }

    /// Whether what is written in the place of `live` is to be spared; it will take so many bytes,
    /// with all that hangs below it. Asked before anybody is evicted for it.
    ///
    /// # Errors
    ///
    /// As [`check_spared`](Self::check_spared).
    #[inline(always)]
    pub(super) fn spares(
        &self,
        live: Option<Live<'_>>,
        is_asked_for: bool,
        bytes: impl FnOnce() -> usize,
    ) -> Result<bool, Error> {
        let is_spared = is_asked_for || live.is_some_and(Live::is_spared);
        if is_spared {
            self.check_spared(live, bytes())?;
        }
        Ok(is_spared)
    }
}

impl MemoryCachePool {
    /// Spares `key` from eviction, or spares it no longer; false when it does not exist.
    ///
    /// No policy chooses a spared key. The mark stays whatever is written to the key, until it is
    /// taken back or the key is deleted or expires; COPY and RENAME do not carry it to another key.
    /// So that there is always somebody to evict, only a
    /// [share](crate::CacheConfig::no_evict_percent) of `max_keys` and of `max_memory` may be
    /// spared.
    ///
    /// Lock-free. O(1): the record is replaced, as EXPIRE does. Does not count as a use of the key.
    ///
    /// ```
    /// use memory_cache_pool::{CacheConfig, MemoryCachePool};
    ///
    /// let pool = MemoryCachePool::new(CacheConfig::new().max_keys(100))?;
    /// pool.set("position:BTCUSDT", "2.5")?;
    /// pool.set_no_evict("position:BTCUSDT", true)?;
    /// for tick in 0..1_000 {
    ///     pool.set(format!("tick:{tick}"), "61837.63")?;
    /// }
    /// assert!(pool.exists("position:BTCUSDT"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::NoEvictLimit`] when as much is spared as may be; or as [`set`](Self::set). Nothing
    /// has changed then.
    pub fn set_no_evict(&self, key: impl AsRef<[u8]>, is_spared: bool) -> Result<bool, Error> {
        let engine = &*self.engine;
        let guard = engine.pin_to_write();
        engine.write(&guard, key.as_ref(), Tally::OtherOperations, |live| match live {
            None => Ok(Step::Keep(false)),
            Some(live) if live.is_spared() == is_spared => Ok(Step::Keep(true)),
            Some(_) => Ok(Step::Spare(is_spared, true)),
        })
    }
}
