//! The limits of a pool: what a write asks before it allocates, and the table as the evictor sees it.

use super::{
    MemoryCachePool,
    byte_size::ByteSize,
    config::{self, ConfigError},
    engine::{Engine, Touch},
    policy::EvictionPolicy,
    removal::RemovalCause,
};
use crate::{
    error::Error,
    evict::{
        Admission, Place, Refusal,
        enforce::Entry,
        host::{Cause, Facts, Host},
        local::Local,
        usage::{Tick, Usage},
    },
    reclaim::Guard,
    record::{Live, Record, bytes_of_text},
    sync::yield_now,
    table::{Found, Record as _},
    tally::Tally,
};
use std::time::Duration;

/// Bytes that a thread may have retired before it hurries their release, as a divisor of the limit.
const HURRY_DIVISOR: u64 = 256;
/// But not before it is so many.
const LEAST_HURRIED: u64 = 4 << 10;
/// Retired items that a hurried write frees.
const HURRIED: usize = 8;
/// Times that a write offers the processor to whoever keeps retired records from coming free.
const OFFERS: usize = 256;
/// Bytes that a write expects to need before it knows.
const AHEAD: u64 = 64 << 10;
/// Inserts for each look at how large the table has become. Drawn by lot: the number of keys, which
/// stands still in a full pool, would have every insert look, or none.
const INSERTS_A_LOOK: u32 = 64;

/// A pool as one pinned thread sees it that is looking for somebody to go.
struct View<'v> {
    engine: &'v Engine,
    guard: &'v Guard<'v>,
    /// The hash of the key that is being written, which is not its own victim.
    mine: u64,
}

impl<'v> Host for View<'v> {
    type Seen = Found<'v, Record>;

    fn buckets(&self) -> usize {
        self.engine.table.buckets(self.guard)
    }

    fn visit(&self, bucket: usize, mut see: impl FnMut(Self::Seen)) {
        self.engine.table.sample_bucket(bucket as u64, self.guard, &mut see);
    }

    fn visit_hash(&self, hash: u64, mut see: impl FnMut(Self::Seen)) {
        let is_it = |record| is_of(record, hash);
        if let Some(found) = self.engine.table.find_for_write(hash, is_it, self.guard) {
            see(found);
        }
    }

    fn prefetch(&self, bucket: usize) {
        let bucket = bucket as u64;
        for behind in [1, 2] {
            self.engine.table.prefetch_bucket(bucket.wrapping_add(behind), self.guard);
        }
        self.engine.table.prefetch_all_records(bucket, self.guard);
    }

    fn prefetch_hashes(&self, hash: Option<u64>, records_of: Option<u64>) {
        if let Some(hash) = hash {
            self.engine.table.prefetch_bucket(hash, self.guard);
        }
        if let Some(hash) = records_of {
            self.engine.table.prefetch_records(hash, self.guard);
        }
    }

    fn facts(&self, seen: Self::Seen) -> Facts<'_> {
        let live = self.live(seen);
        let deadline = live.deadline();
        let has_expired = deadline != 0 && self.engine.has_expired(deadline);
        let may_go = !is_of(seen.record, self.mine) && (has_expired || !live.is_spared());
        Facts { usage: live.usage(), deadline, has_expired, may_go }
    }

    fn bytes(&self, seen: Self::Seen) -> usize {
        self.live(seen).memory()
    }

    fn remove(&self, seen: Self::Seen, cause: Cause) -> bool {
        let removed = self.engine.unlink(self.guard, &seen);
        if removed {
            let (tally, cause) = match cause {
                Cause::Evicted => (Tally::Evictions, RemovalCause::Evicted),
                Cause::Expired => (Tally::Expirations, RemovalCause::Expired),
            };
            self.guard.stripe().of(tally).add(1);
            self.engine.note_gone(self.guard, self.live(seen), Some(cause));
        }
        removed
    }

    fn confirm(&self, seen: Self::Seen) -> bool {
        self.engine.table.confirm(&seen)
    }

    fn local(&self) -> &Local {
        self.guard.evict()
    }

    fn random(&self) -> u32 {
        self.guard.random()
    }

    fn used(&self) -> u64 {
        self.engine.used_bytes()
    }

    fn fixed_bytes(&self) -> u64 {
        self.engine.fixed_bytes()
    }

    fn own_retired_bytes(&self) -> u64 {
        own_retired_bytes(self.guard)
    }

    fn retired_bytes(&self) -> u64 {
        self.guard.total(Tally::RetiredBytes)
    }
}

impl View<'_> {
    fn live(&self, seen: Found<'_, Record>) -> Live<'_> {
        // SAFETY: the table holds records of `Draft`'s only, and what is found under a guard lives
        // as long as it.
        unsafe { Live::new(seen.record) }
    }
}

/// Whether a record found under a guard has this hash, as far as it knows.
fn is_of(record: std::ptr::NonNull<Record>, hash: u64) -> bool {
    #[expect(clippy::cast_possible_truncation, reason = "the lower half is compared")]
    let lower = hash as u32;
    // SAFETY: the caller's guard keeps it.
    unsafe { record.as_ref() }.bucket_hash() == lower
}

/// Bytes that the guard's thread has retired and that are not yet free.
fn own_retired_bytes(guard: &Guard<'_>) -> u64 {
    // Below zero when it has freed what another thread retired.
    u64::try_from(guard.stripe().of(Tally::RetiredBytes).get().cast_signed()).unwrap_or(0)
}

impl Engine {
    /// Bytes in use, less than 4 KiB a thread off.
    #[inline]
    pub(super) fn used_bytes(&self) -> u64 {
        self.domain.ledger.taken().saturating_add(self.fixed_bytes())
    }

    /// Bytes of the table, the wheel and the evictor, as of the last look.
    #[inline]
    fn fixed_bytes(&self) -> u64 {
        self.evictor.fixed_bytes()
    }

    /// Looks how large table and evictor are, and lets the table grow only where there is room.
    pub(super) fn look_at_size(&self, guard: &Guard<'_>) {
        let fixed = self.table.bytes(guard) + size_of_val(&self.wheel) + self.evictor.bytes();
        self.evictor.set_fixed_bytes(fixed as u64);
        let room = self.evictor.budget.comfortable().saturating_sub(self.used_bytes());
        self.table.set_room(usize::try_from(room).unwrap_or(usize::MAX));
    }

    /// Makes room for a text, before it is written and before the thread is pinned.
    #[cold]
    #[inline(never)]
    pub(super) fn reserve(&self, key: &[u8], hash: u64, value_len: usize) -> Result<(), Error> {
        let (block, held) = bytes_of_text(key.len(), value_len);
        let bytes = (block + held) as u64;
        if self.used_bytes() + bytes <= self.evictor.budget.comfortable() {
            return Ok(());
        }
        if self.evictor.spared.sum().keys != 0 {
            // Whoever is refused because the key is spared has evicted nobody.
            let guard = self.pin();
            self.spares(self.target_of(&guard, key, hash).live, false, || block + held)?;
        }
        self.wait_a_little(bytes);
        let made = self.make_room(&self.pin(), hash, block, held);
        if made != Err(Error::Stalled) {
            return made;
        }
        // What was evicted just now comes free when others have moved on.
        self.wait_a_little(bytes);
        self.make_room(&self.pin(), hash, block, held)
    }

    /// Pins the current thread for a write whose size will be known when it has seen what is there.
    /// What has to be waited for is waited for before.
    #[inline(always)]
    pub(super) fn pin_to_write(&self) -> Guard<'_> {
        let is_limited = self.evictor.max_memory().is_some();
        if is_limited && self.used_bytes() > self.evictor.budget.comfortable() {
            self.free_ahead();
        }
        let guard = self.pin();
        if guard.is_held_up() { self.pin_after_others(guard) } else { guard }
    }

    /// Frees what is retired, if it is much, or has others do it: one large value may need what the
    /// reserve has, and once the thread is pinned nothing more comes free.
    #[cold]
    #[inline(never)]
    fn free_ahead(&self) {
        if self.evictor.budget.is_much_retired(self.domain.retired_bytes()) {
            self.domain.advance();
            self.evictor.budget.note_retired(self.domain.retired_bytes());
        }
        self.wait_a_little(AHEAD);
    }

    /// Offers the processor to whoever was interrupted while he was pinned, and pins again.
    #[cold]
    #[inline(never)]
    fn pin_after_others<'g>(&'g self, guard: Guard<'g>) -> Guard<'g> {
        drop(guard);
        yield_now();
        self.pin()
    }

    /// Makes room for a record, before it is drafted: a block and what it holds besides.
    #[inline]
    pub(super) fn make_room(
        &self,
        guard: &Guard<'_>,
        hash: u64,
        block: usize,
        held: usize,
    ) -> Result<(), Error> {
        if self.used_bytes() + (block + held) as u64 <= self.evictor.budget.comfortable() {
            return Ok(());
        }
        self.make_room_slowly(guard, hash, block, held)
    }

    #[cold]
    #[inline(never)]
    fn make_room_slowly(
        &self,
        guard: &Guard<'_>,
        hash: u64,
        block: usize,
        held: usize,
    ) -> Result<(), Error> {
        self.look_at_size(guard);
        let most = (self.evictor.budget.most() / HURRY_DIVISOR).max(LEAST_HURRIED);
        guard.hurry(most, HURRIED);
        if guard.random().is_multiple_of(64) || self.used_bytes() > self.evictor.budget.most() {
            guard.trim(most);
        }
        let view = View { engine: self, guard, mine: hash };
        let made = self.evictor.make_room(&view, block + held);
        if held == 0 && guard.has_block(block) && made != Err(Refusal::TooLarge) {
            // It takes nothing that is not taken already.
            return Ok(());
        }
        made.map_err(told)?;
        if self.is_stalled((block + held) as u64) { Err(Error::Stalled) } else { Ok(()) }
    }

    /// Whether it is what was retired that leaves no room for so many bytes.
    fn is_stalled(&self, bytes: u64) -> bool {
        let after = self.used_bytes() + bytes;
        let most = self.evictor.budget.most();
        after > most && after.saturating_sub(self.domain.retired_bytes()) <= most
    }

    /// Lets other threads go on a few times, as long as it is what was retired that leaves no room.
    fn wait_a_little(&self, bytes: u64) {
        for offer in 0..OFFERS {
            if !self.is_stalled(bytes) {
                return;
            }
            if offer > 0 {
                yield_now();
            }
            self.domain.advance();
        }
    }

    /// The access word of a record whose key is absent.
    #[inline]
    pub(super) fn first_usage(&self, hash: u64, is_limited: bool, now: Tick) -> Usage {
        if !is_limited {
            return Usage::new(now, false);
        }
        self.evictor.admit(hash, self.used_bytes()).usage(now)
    }

    /// The access word of a record that takes the place of `live`, or of none.
    #[inline]
    pub(super) fn usage_of_successor(&self, live: Option<Live<'_>>, hash: u64) -> Usage {
        let now = self.evictor.pace.now();
        match live {
            Some(live) => live.usage().inherit(now),
            None => self.first_usage(hash, self.evictor.is_limited(), now),
        }
    }

    /// Takes room for a key before it is published, if the policy cannot promise it for later.
    pub(super) fn take_place(&self, guard: &Guard<'_>, hash: u64) -> Result<Place, Error> {
        let view = View { engine: self, guard, mine: hash };
        self.evictor.take_place(&view).map_err(told)
    }

    /// Gives back what was taken for an insert that did not come about.
    pub(super) fn leave_place(&self, guard: &Guard<'_>, hash: u64, place: Place) {
        self.evictor.leave_place(&View { engine: self, guard, mine: hash }, place);
    }

    /// Notes a record that has replaced another one.
    #[cold]
    #[inline(never)]
    pub(super) fn note_replaced(&self, guard: &Guard<'_>, old: Live<'_>, new: Live<'_>) {
        let (old, new) = (old.usage(), new.usage());
        self.evictor.note_replaced(guard.evict(), old, new, || self.elapsed_recent());
    }

    /// Counts a record that has been published under a key that was absent, and evicts for it.
    #[inline(never)]
    pub(super) fn note_inserted(
        &self,
        guard: &Guard<'_>,
        hash: u64,
        is_in_trial: bool,
        place: Place,
    ) {
        let view = View { engine: self, guard, mine: hash };
        let admission = if is_in_trial { Admission::Trial } else { Admission::Main };
        let entry = Entry { hash, admission, place };
        self.evictor.note_inserted(&view, entry, || self.elapsed_recent());
        if guard.random().is_multiple_of(INSERTS_A_LOOK) {
            self.look_at_size(guard);
        }
    }
}

/// What a host of the pool is told.
fn told(refusal: Refusal) -> Error {
    match refusal {
        Refusal::TooLarge | Refusal::Full => Error::OutOfMemory,
        Refusal::Stalled => Error::Stalled,
    }
}

impl MemoryCachePool {
    /// Changes the limit on memory; `None` is no limit. A lower one is met by the writes that
    /// follow, each of which evicts two records more than it needs. See
    /// [`CacheConfig::max_memory`](super::CacheConfig::max_memory).
    ///
    /// # Errors
    ///
    /// [`ConfigError::Invalid`] for less than 64 KiB.
    pub fn set_max_memory(&self, size: Option<ByteSize>) -> Result<(), ConfigError> {
        config::check_max_memory(size)?;
        let engine = &*self.engine;
        engine.evictor.set_max_memory(size.map(|size| size.0));
        engine.look_at_size(&engine.pin());
        Ok(())
    }

    /// The limit on memory; `None` is no limit.
    #[must_use]
    pub fn max_memory(&self) -> Option<ByteSize> {
        self.engine.evictor.max_memory().map(ByteSize)
    }

    /// Changes the limit on keys; `None` is no limit. A lower one is met by the inserts that follow,
    /// each of which evicts two keys. In a pool that had no limit before, up to 64 keys of a thread
    /// that inserts no more are not counted.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Invalid`] for 0 or more than 2^31.
    pub fn set_max_keys(&self, keys: Option<usize>) -> Result<(), ConfigError> {
        config::check_keys("max_keys", keys)?;
        self.engine.evictor.set_max_keys(keys);
        Ok(())
    }

    /// Changes what makes room at a limit, for the writes that follow.
    pub fn set_eviction_policy(&self, policy: EvictionPolicy) {
        self.engine.evictor.set_policy(policy);
    }

    /// The policy in force.
    #[must_use]
    pub fn eviction_policy(&self) -> EvictionPolicy {
        self.engine.evictor.policy()
    }

    /// How long ago `key` was read or written (OBJECT IDLETIME); `None` when it does not exist. Known
    /// to a [tick](crate::CacheConfig::eviction_policy): a quarter of a second, or less where much is
    /// inserted. Does not count as a use of the key.
    #[must_use]
    pub fn object_idletime(&self, key: impl AsRef<[u8]>) -> Option<Duration> {
        let engine = &*self.engine;
        engine.read(key.as_ref(), Touch::No, |live| engine.idle(live))
    }

    /// An estimate of how often `key` was read (OBJECT FREQ), from a logarithmic counter; `None` when
    /// it does not exist. Does not count as a use of the key.
    #[must_use]
    pub fn object_freq(&self, key: impl AsRef<[u8]>) -> Option<u32> {
        let engine = &*self.engine;
        engine.read(key.as_ref(), Touch::No, |live| live.usage().access_count())
    }
}
