//! The two ways into a key: [`read`](Engine::read) and [`write`](Engine::write).
//!
//! Looking up, expiry, the access word, limits, counters and the retry loop live here once; a
//! command is what is left.

use super::{
    audience::Audience, config::CacheConfig, edits::Target, removal::RemovalCause,
    single_flight::SingleFlight,
};
use crate::{
    clock::TimeSource,
    error::Error,
    evict::{Evictor, Place},
    reclaim::{Domain, Guard},
    record::{
        Content, Draft, LONGEST_KEY, LONGEST_VALUE, Live, Origin, Record, bytes_of_object,
        bytes_of_text, collection::retired_alone,
    },
    seed::KeyHasher,
    sync::{AtomicU64, Mutant, Mutex, is_mutant},
    table::{Found, Insert, Table},
    tally::{TALLIES, Tally},
    wheel::Wheel,
};
use crossbeam_utils::CachePadded;
use std::{hash::BuildHasher, hash::Hasher, sync::Arc};

/// Keys that a pool is sized for when nothing else is said: 16 KiB of buckets.
const DEFAULT_CAPACITY: usize = if cfg!(any(miri, pool_loom)) { 4 } else { 1_000 };

/// Bytes that the hash function takes without a call.
const HASHED_INLINE: usize = 16;

/// Buckets that a walk visits before it lets go of its pin.
pub(super) const WALK_SLICE: usize = 64;

/// Whether a read counts as a use of the key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Touch {
    /// GET and every data command.
    Yes,
    /// EXISTS, TTL, TYPE and whatever only inspects.
    No,
}

/// What a write decides on seeing the present value.
#[derive(Debug)]
pub(crate) enum Step<'a, T> {
    /// Nothing changes.
    Keep(T),
    /// The value has been changed where it lies.
    Changed(T),
    /// The key goes.
    Remove(T),
    /// The key gets this content and this deadline (0 is none).
    Write(Content<'a>, u64, T),
    /// The same, and no policy may choose it from now on.
    WriteSpared(Content<'a>, u64, T),
    /// The key keeps its value and gets this deadline (0 is none).
    Redate(u64, T),
    /// The key keeps its value and deadline; whether a policy may choose it changes.
    Spare(bool, T),
}

/// What is behind a [`MemoryCachePool`](crate::MemoryCachePool).
pub(crate) struct Engine {
    pub(super) domain: Arc<Domain>,
    pub(super) table: Table<Record>,
    /// Which records expire when.
    pub(super) wheel: Wheel,
    pub(super) hasher: KeyHasher,
    /// For the second part of a key that is hashed in two.
    rest_hasher: KeyHasher,
    pub(super) clock: TimeSource,
    /// The clock when the pool began; records keep times relative to it.
    pub(super) began: u64,
    /// Milliseconds that a cleanup task may be late before writers do its work; 0 when there is none.
    pub(super) patience: AtomicU64,
    /// What [`elapsed_coarse`](Self::elapsed_coarse) told last, for who has no time to ask.
    pub(super) recent: CachePadded<AtomicU64>,
    pub(super) config: CacheConfig,
    pub(super) default_ttl: Option<u64>,
    pub(super) evictor: Evictor,
    pub(super) counts: bool,
    pub(super) audience: Audience,
    pub(super) flights: SingleFlight,
    /// What the counters stood at when they were last reset.
    pub(super) baseline: Mutex<[u64; TALLIES]>,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("config", &self.config).finish_non_exhaustive()
    }
}

impl Engine {
    /// Builds what a valid configuration asks for.
    pub(super) fn new(config: CacheConfig) -> Self {
        let clock = config.time_source();
        let began = clock.coarse_millis();
        let capacity = config.capacity.or(config.max_keys).unwrap_or(DEFAULT_CAPACITY);
        let most_bytes = config.max_memory.map(|size| size.0);
        let engine = Self {
            domain: Domain::new(),
            table: Table::with_capacity(capacity),
            wheel: Wheel::new(began),
            hasher: KeyHasher::default(),
            rest_hasher: KeyHasher::default(),
            clock,
            began,
            patience: AtomicU64::new(0),
            recent: CachePadded::new(AtomicU64::new(0)),
            default_ttl: config.default_ttl_millis(),
            evictor: Evictor::new(config.eviction_policy, config.max_keys, most_bytes),
            counts: config.enable_stats,
            audience: Audience::new(config.listener.clone()),
            config,
            flights: SingleFlight::new(),
            baseline: Mutex::new([0; TALLIES]),
        };
        if most_bytes.is_some() {
            engine.look_at_size(&engine.pin());
        }
        engine
    }

    /// Pins the current thread.
    #[inline]
    pub(crate) fn pin(&self) -> Guard<'_> {
        self.domain.pin()
    }

    /// The hash of a key.
    #[inline]
    pub(crate) fn hash(&self, key: &[u8]) -> u64 {
        match key.split_at_checked(HASHED_INLINE) {
            // Two hashes that the processor works out side by side, where one would be a call.
            Some((head, rest)) if !rest.is_empty() && rest.len() <= HASHED_INLINE => {
                hash_of(&self.hasher, head) ^ hash_of(&self.rest_hasher, rest)
            }
            _ => hash_of(&self.hasher, key),
        }
    }

    /// Shows the value of `key`, when there is one that has not expired, and counts hit or miss.
    #[inline]
    pub(crate) fn read<R>(
        &self,
        key: &[u8],
        touch: Touch,
        look: impl FnOnce(Live<'_>) -> R,
    ) -> Option<R> {
        let hash = self.hash(key);
        let guard = self.pin();
        self.look_up(&guard, key, hash, touch).map(look)
    }

    /// Finds the value of `key`, when there is one that has not expired, and counts hit or miss.
    #[inline(always)]
    pub(crate) fn look_up<'g>(
        &'g self,
        guard: &'g Guard<'_>,
        key: &[u8],
        hash: u64,
        touch: Touch,
    ) -> Option<Live<'g>> {
        let Some(live) = self.find_live(guard, key, hash) else {
            self.count(guard, Tally::Misses);
            // Who misses a key is likely to set it.
            self.evictor.expect(hash);
            return None;
        };
        // Counted even where nobody asks: lots are drawn by it.
        let reads = guard.stripe().of(Tally::Hits).next();
        if touch == Touch::Yes {
            self.evictor.touch(live.usage(), guard.evict(), reads, || self.elapsed_recent());
        }
        Some(live)
    }

    /// Finds the value of `key`; one that has expired is removed on the way.
    #[inline(always)]
    pub(super) fn find_live<'g>(
        &'g self,
        guard: &'g Guard<'_>,
        key: &[u8],
        hash: u64,
    ) -> Option<Live<'g>> {
        // SAFETY: the table holds records of `Draft`'s only, and the guard outlives the call.
        let has_key = |record| unsafe { Live::new(record) }.has_key(key);
        let record = self.table.find(hash, has_key, guard)?;
        // SAFETY: what is found under a guard lives as long as it.
        let live = unsafe { Live::new(record) };
        if self.is_current(live) {
            return Some(live);
        }
        self.find_past_expired(guard, key, hash)
    }

    /// The rest of [`find_live`](Self::find_live) when it has met an expired value. Looks again, so
    /// that the common path need not keep in memory where it found its record.
    #[cold]
    #[inline(never)]
    fn find_past_expired<'g>(
        &'g self,
        guard: &'g Guard<'_>,
        key: &[u8],
        hash: u64,
    ) -> Option<Live<'g>> {
        // A reader does not move buckets, which a removal may have to.
        while !self.table.is_moving(guard) {
            let found = self.find_for_write(guard, key, hash)?;
            let live = live_of(&found, guard);
            if self.is_current(live) {
                return Some(live);
            }
            if self.remove_expired(guard, &found) {
                return None;
            }
            // Somebody has written the key since we looked: what he wrote may be alive.
        }
        None
    }

    #[inline(always)]
    pub(super) fn find_for_write<'g>(
        &'g self,
        guard: &'g Guard<'_>,
        key: &[u8],
        hash: u64,
    ) -> Option<Found<'g, Record>> {
        // SAFETY: the table holds records of `Draft`'s only, and the guard outlives the call.
        let has_key = |record| unsafe { Live::new(record) }.has_key(key);
        self.table.find_for_write(hash, has_key, guard)
    }

    /// Decides on a write by the present value, and carries it out; decides again when another
    /// write of the key came first. An expired value is shown as none.
    ///
    /// Lock-free: tries again only when another write of the key, or another insert of its bucket,
    /// has succeeded.
    ///
    /// # Errors
    ///
    /// What `decide` returns, `KeyTooLong`, `ValueTooLong`, `OutOfMemory` and `Stalled` at a limit, and
    /// `TableFull`. Nothing has changed then.
    #[inline]
    pub(crate) fn write<'g, T>(
        &'g self,
        guard: &'g Guard<'_>,
        key: &[u8],
        counted_as: Tally,
        mut decide: impl FnMut(Option<Live<'g>>) -> Result<Step<'g, T>, Error>,
    ) -> Result<T, Error> {
        if key.len() > LONGEST_KEY {
            return Err(Error::KeyTooLong);
        }
        let hash = self.hash(key);
        loop {
            let target = self.target_of(guard, key, hash);
            let (done, tally, reply) = match decide(target.live)? {
                Step::Keep(reply) => (true, Tally::OtherOperations, reply),
                Step::Changed(reply) => {
                    self.note_changed(key, hash);
                    (true, counted_as, reply)
                }
                Step::Remove(reply) => {
                    self.elapsed_coarse();
                    (self.clear(guard, &target), Tally::Deletes, reply)
                }
                Step::Redate(deadline, reply) => {
                    (self.remake(guard, &target, Some(deadline), None)?, counted_as, reply)
                }
                Step::Spare(is_spared, reply) => {
                    (self.remake(guard, &target, None, Some(is_spared))?, counted_as, reply)
                }
                Step::Write(content, deadline, reply) => {
                    let gone = gone_by(&content);
                    let draft = self.draft(guard, &target, content, deadline, false)?;
                    (self.place(guard, &target, gone, draft)?, counted_as, reply)
                }
                Step::WriteSpared(content, deadline, reply) => {
                    let gone = gone_by(&content);
                    let draft = self.draft(guard, &target, content, deadline, true)?;
                    (self.place(guard, &target, gone, draft)?, counted_as, reply)
                }
            };
            if done {
                self.count(guard, tally);
                self.upkeep(guard);
                return Ok(reply);
            }
        }
    }

    /// Builds the record that is to take the place of what a target holds.
    #[inline]
    fn draft<'g, 'd>(
        &self,
        guard: &'g Guard<'d>,
        target: &Target<'_, '_>,
        content: Content<'_>,
        deadline: u64,
        is_to_be_spared: bool,
    ) -> Result<Draft<'g, 'd>, Error> {
        let &Target { key, hash, live, .. } = target;
        let len = match &content {
            Content::Bytes(bytes) => bytes.len(),
            Content::Built(bytes) => bytes.len(),
            Content::Shared(_)
            | Content::Integer(_)
            | Content::Object(_)
            | Content::Collection(_) => 0,
        };
        if len > LONGEST_VALUE {
            return Err(Error::ValueTooLong);
        }
        let (block, held) = match &content {
            Content::Object(object) => bytes_of_object(key.len(), object),
            _ => bytes_of_text(key.len(), len),
        };
        let is_spared = self.spares(live, is_to_be_spared, || block + held)?;
        if self.evictor.is_limited() {
            self.make_room(guard, hash, block, held)?;
        }
        let written = self.elapsed_coarse();
        let usage = self.usage_of_successor(live, hash);
        Ok(Draft::new(key, content, Origin { hash, deadline, written, usage, is_spared }, guard))
    }

    /// Gives a key, if it is there, a record with the same value and age, and with another deadline
    /// or mark where one is given; false when another write of the key came first.
    ///
    /// It asks for room as any other write: the record that it replaces comes free no sooner than
    /// theirs do, and whoever goes on changing deadlines while a reader stands still would take all.
    #[inline(never)]
    fn remake(
        &self,
        guard: &Guard<'_>,
        target: &Target<'_, '_>,
        deadline: Option<u64>,
        mark: Option<bool>,
    ) -> Result<bool, Error> {
        self.elapsed_coarse();
        let (Some(found), Some(live)) = (&target.found, target.live) else { return Ok(true) };
        let deadline = deadline.unwrap_or(live.deadline());
        let is_spared = mark.unwrap_or(live.is_spared());
        if is_spared {
            self.check_spared(Some(live), live.memory())?;
        }
        if self.evictor.is_limited() {
            self.make_room(guard, target.hash, live.block(), 0)?;
        }
        let usage = live.usage().copy();
        // An integer is frozen first, so that the time is that of the last value.
        let content = live.content();
        let origin =
            Origin { hash: target.hash, deadline, written: live.written(), usage, is_spared };
        let draft = Draft::new(live.key(), content, origin, guard);
        Ok(self.replace::<true>(guard, found, target.hash, draft, None))
    }

    /// Swaps a record for another of the same key, and tells why the value before is gone, if it is.
    pub(super) fn replace<const MAY_BE_LIMITED: bool>(
        &self,
        guard: &Guard<'_>,
        found: &Found<'_, Record>,
        hash: u64,
        draft: Draft<'_, '_>,
        cause: Option<RemovalCause>,
    ) -> bool {
        let memory = draft.live().memory();
        self.replace_inline::<MAY_BE_LIMITED>(guard, found, hash, (draft, memory), cause)
    }

    /// The same, for where it pays to be spared a call, and to say what memory the draft takes.
    #[inline(always)]
    pub(super) fn replace_inline<const MAY_BE_LIMITED: bool>(
        &self,
        guard: &Guard<'_>,
        found: &Found<'_, Record>,
        hash: u64,
        (draft, memory): (Draft<'_, '_>, usize),
        cause: Option<RemovalCause>,
    ) -> bool {
        debug_assert_eq!(memory, draft.live().memory());
        let record = draft.record();
        let plan = self.plan_successor(&draft, live_of(found, guard));
        if is_mutant(Mutant::SparedCountedFirst) {
            self.note_spared(Some(live_of(found, guard)), Some(draft.live()));
        }
        // SAFETY: the draft is private, of this domain, and has the key that was found under the
        // guard, with its hash.
        let replaced = unsafe { self.table.replace(found, hash, draft.record(), guard) };
        let Some(before) = replaced else {
            if is_mutant(Mutant::LoserTells) {
                self.note_gone(guard, live_of(found, guard), cause);
            }
            return false;
        };
        if MAY_BE_LIMITED && self.evictor.is_limited() {
            self.note_replaced(guard, live_of(found, guard), draft.live());
        }
        let (old, new) = (live_of(found, guard), draft.live());
        if (old.is_spared() || new.is_spared()) && !is_mutant(Mutant::SparedCountedFirst) {
            self.note_spared(Some(old), Some(new));
        }
        draft.publish();
        if cause == Some(RemovalCause::Expired) {
            guard.stripe().of(Tally::Expirations).add(1);
        }
        guard.stripe().of(Tally::RecordBytes).add((memory as u64).wrapping_sub(before));
        self.look_after(plan, hash, record, guard);
        self.note_gone(guard, live_of(found, guard), cause);
        true
    }

    /// Inserts a record whose key was absent; false when another insert came first.
    pub(super) fn insert(
        &self,
        guard: &Guard<'_>,
        key: &[u8],
        hash: u64,
        draft: Draft<'_, '_>,
        is_limited: bool,
    ) -> Result<bool, Error> {
        let place = if is_limited { self.take_place(guard, hash)? } else { Place::Open };
        let memory = draft.live().memory();
        let record = draft.record();
        let plan = self.plan_first(&draft);
        let is_in_trial = draft.live().usage().is_in_trial();
        // SAFETY: the table holds records of `Draft`'s only, and the guard outlives the call.
        let has_key = |record| unsafe { Live::new(record) }.has_key(key);
        // SAFETY: the draft is private, of this domain, and has this key and its hash.
        match unsafe { self.table.insert(hash, draft.record(), has_key, guard) } {
            Insert::Done => {
                if draft.live().is_spared() {
                    self.note_spared(None, Some(draft.live()));
                }
                draft.publish();
                guard.stripe().of(Tally::RecordBytes).add(memory as u64);
                if is_limited {
                    self.note_inserted(guard, hash, is_in_trial, place);
                } else {
                    self.evictor.keys.add(guard.evict());
                }
                self.look_after(plan, hash, record, guard);
                self.note_changed(key, hash);
                return Ok(true);
            }
            Insert::Lost => {
                // SAFETY: the record is out of the table and ours.
                let retired = unsafe { retired_alone(draft.record()) };
                // SAFETY: it lost its commit, so that nobody who pins from now on can reach it.
                unsafe { guard.retire(retired) };
                draft.publish();
            }
            Insert::Present => {}
            Insert::Full => {
                self.leave_place(guard, hash, place);
                return Err(self.refuse_full_table());
            }
        }
        self.leave_place(guard, hash, place);
        Ok(false)
    }

    /// Removes a record, and tells why; false when its slot holds something else by now.
    pub(super) fn remove(
        &self,
        guard: &Guard<'_>,
        found: &Found<'_, Record>,
        cause: RemovalCause,
    ) -> bool {
        let removed = self.unlink(guard, found);
        if removed {
            self.evictor.note_removed(guard.evict());
        }
        if removed || is_mutant(Mutant::LoserTells) {
            self.note_gone(guard, live_of(found, guard), Some(cause));
        }
        removed
    }

    /// As [`remove`](Self::remove), but leaves it to the caller to count the keys and to tell.
    pub(super) fn unlink(&self, guard: &Guard<'_>, found: &Found<'_, Record>) -> bool {
        // SAFETY: found under this guard.
        let Some(bytes) = (unsafe { self.table.remove(found, guard) }) else { return false };
        guard.stripe().of(Tally::RecordBytes).subtract(bytes);
        let live = live_of(found, guard);
        if live.is_spared() {
            self.note_spared(Some(live), None);
        }
        true
    }

    /// Removes the exact record that was seen to have expired.
    pub(super) fn remove_expired(&self, guard: &Guard<'_>, found: &Found<'_, Record>) -> bool {
        let removed = self.remove(guard, found, RemovalCause::Expired);
        if removed {
            guard.stripe().of(Tally::Expirations).add(1);
        }
        removed
    }

    /// Shows every value that has not expired of the bucket that a cursor names, removes those that
    /// have, and returns the next cursor: 0 at the end. See [`Table::scan_bucket`].
    pub(super) fn scan_bucket<'g>(
        &'g self,
        cursor: u64,
        guard: &'g Guard<'_>,
        mut visit: impl FnMut(Live<'g>),
    ) -> u64 {
        self.table.scan_bucket(cursor, guard, &mut |record| {
            // SAFETY: what is found under a guard lives as long as it.
            let live = unsafe { Live::new(record) };
            if self.is_current(live) {
                visit(live);
            } else if self.remove_seen(guard, live, RemovalCause::Expired) {
                guard.stripe().of(Tally::Expirations).add(1);
            }
        })
    }

    /// Shows every value as [`scan_bucket`](Self::scan_bucket) does, in slices between which it lets
    /// go of its pin.
    pub(super) fn walk(&self, mut visit: impl FnMut(&Guard<'_>, Live<'_>)) {
        let mut cursor = 0;
        loop {
            let guard = self.pin();
            for _ in 0..WALK_SLICE {
                cursor = self.scan_bucket(cursor, &guard, |live| visit(&guard, live));
                if cursor == 0 {
                    return;
                }
            }
        }
    }

    /// Removes the very record that a scan has shown; false when it is not there any more.
    pub(super) fn remove_seen(
        &self,
        guard: &Guard<'_>,
        live: Live<'_>,
        cause: RemovalCause,
    ) -> bool {
        let hash = self.hash(live.key());
        while let Some(found) = self.table.find_for_write(hash, |other| live.is(other), guard) {
            if self.remove(guard, &found, cause) {
                return true;
            }
        }
        false
    }

    /// Counts one operation.
    #[inline]
    pub(crate) fn count(&self, guard: &Guard<'_>, tally: Tally) {
        if self.counts {
            guard.stripe().of(tally).add(1);
        }
    }

    #[cold]
    fn refuse_full_table(&self) -> Error {
        #[cfg(feature = "tracing")]
        tracing::warn!("insert refused: a chain is full");
        Error::TableFull
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.give_elements_up();
        // SAFETY: guards borrow the engine, so that none exists any more.
        unsafe { self.domain.close() };
    }
}

/// Why a value is gone in whose place this content is written: a counter goes on counting in another
/// record.
fn gone_by(content: &Content<'_>) -> Option<RemovalCause> {
    (!matches!(content, Content::Integer(_))).then_some(RemovalCause::Replaced)
}

#[inline]
fn hash_of(hasher: &KeyHasher, bytes: &[u8]) -> u64 {
    let mut hasher = hasher.build_hasher();
    hasher.write(bytes);
    hasher.finish()
}

/// The record that was found under a guard.
#[inline]
pub(super) fn live_of<'g>(found: &Found<'_, Record>, _guard: &'g Guard<'_>) -> Live<'g> {
    // SAFETY: the table holds records of `Draft`'s only, and what is found under a guard lives as
    // long as it.
    unsafe { Live::new(found.record) }
}
