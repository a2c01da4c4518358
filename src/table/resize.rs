//! When a table grows or shrinks, and who does the work.
//!
//! A table grows to twice its size at 4.5 records a bucket (at 9, where its
//! [room](Table::set_room) is not enough), or when an insert would need a chain of [`LONG_CHAIN`]
//! buckets ([`LONG_CHAIN_IN_PLACE`] in a table that was made as large, or has no room), and shrinks by
//! half below [`SHRINK_BELOW`] record a bucket. Nobody waits for it: the new generation is allocated
//! by whoever finds that it is time, which takes a system call, and each write from then on moves
//! [`HELPED`] buckets, in their order, so that fresh pages are touched one after the other. A table
//! that doubles has to move one bucket for each 4.5 records that it can take meanwhile, so that two a
//! write are ample. Readers do nothing.

use super::{Record, Table, bucket::Bucket, generation::Generation};
use crate::{
    reclaim::Guard,
    sync::{Mutant, Ordering, is_mutant},
    tally::Tally,
};

/// Records per two buckets at which a table grows.
pub(super) const GROW_AT_TWO: usize = 9;

/// Records per bucket below which a table shrinks.
const SHRINK_BELOW: usize = 1;

/// Buckets of a chain, head included, from which on an insert asks for growth.
const LONG_CHAIN: usize = 3;

/// The same for a table that has the size it was made for, or no room for more: so many that keys
/// which come and go at nine records a bucket do not meet there by chance, or a table in churn would
/// double for a single chain.
const LONG_CHAIN_IN_PLACE: usize = if cfg!(pool_loom) { LONG_CHAIN } else { 6 };

/// Buckets that a write moves besides its own.
const HELPED: usize = if cfg!(pool_loom) { 1 } else { 2 };

/// Buckets on a page of 4 KiB.
const BUCKETS_OF_A_PAGE: usize = 64;

/// Bytes that a thread may have retired before its inserts see to it that they become free.
const MUCH_RETIRED: u64 = 256 << 10;

/// Inserts or removals of a thread after which it counts all records: a sum over all threads.
const COUNTED_AFTER: u64 = 64;

impl<R: Record> Table<R> {
    /// Whether the table is being moved to another size.
    pub(crate) fn is_moving(&self, guard: &Guard<'_>) -> bool {
        self.root(guard).next().is_some()
    }

    /// Moves on a migration that is under way, by a bounded piece.
    #[cold]
    pub(super) fn help(&self, guard: &Guard<'_>) {
        let generation = self.root(guard);
        let Some(next) = generation.next() else { return };
        // ORDERING: Relaxed; only hands out numbers.
        let first = generation.cursor.fetch_add(HELPED, Ordering::Relaxed);
        for source in first..(first + HELPED).min(generation.len()) {
            self.migrate(generation, next, source, guard);
            touch_ahead(generation, next, source);
        }
    }

    /// The generation in which the bucket of `hash` can be written. A bucket that somebody has begun
    /// to move is moved first; others stay where they are, since moving them out of order would take
    /// twice the page faults.
    #[inline]
    pub(super) fn generation_for_write<'g>(
        &'g self,
        hash: u64,
        guard: &'g Guard<'_>,
    ) -> &'g Generation {
        let mut generation = self.root(guard);
        while let Some(next) = generation.next()
            && generation.head(hash).control().is_frozen()
        {
            self.migrate(generation, next, generation.index(hash), guard);
            generation = next;
        }
        generation
    }

    /// Notes an insert, and starts growing when there are enough records.
    #[inline]
    pub(super) fn note_inserted(&self, generation: &Generation, guard: &Guard<'_>) {
        let keys = guard.stripe().of(Tally::Keys);
        keys.add(1);
        if keys.get().is_multiple_of(COUNTED_AFTER) {
            self.note_many_inserted(generation, guard);
        }
    }

    /// What is left to do once in many inserts.
    #[cold]
    #[inline(never)]
    fn note_many_inserted(&self, generation: &Generation, guard: &Guard<'_>) {
        self.grow_if(generation, guard, |records, buckets| {
            records > buckets * GROW_AT_TWO / if self.has_room_beyond(buckets) { 2 } else { 1 }
        });
        // Who only inserts retires nothing but tables, and would never fill a bag with them.
        guard.hurry(MUCH_RETIRED, 1);
    }

    /// Notes a removal, and starts shrinking when there are few records left.
    #[inline]
    pub(super) fn note_removed(&self, guard: &Guard<'_>) {
        let keys = guard.stripe().of(Tally::Keys);
        keys.subtract(1);
        if keys.get().is_multiple_of(COUNTED_AFTER) {
            self.shrink_if_sparse(guard);
        }
    }

    /// Whether a table of so many buckets has room for twice as many.
    fn has_room_beyond(&self, buckets: usize) -> bool {
        // ORDERING: Relaxed; a setting.
        self.room.load(Ordering::Relaxed) >= buckets.saturating_mul(2 * size_of::<Bucket>())
    }

    /// Whether an insert that needs a chain of so many buckets asks for growth.
    pub(super) fn is_long(&self, buckets: usize, generation: &Generation) -> bool {
        let is_free_to_grow =
            generation.len() > self.least && self.has_room_beyond(generation.len());
        buckets >= if is_free_to_grow { LONG_CHAIN } else { LONG_CHAIN_IN_PLACE }
    }

    /// Moves a bucket whose chain is long to a larger generation, which may have to be begun; false
    /// when the table has so few records that more buckets would not make the chain shorter: the
    /// hashes are bad then.
    #[cold]
    pub(super) fn grow_for_chain(
        &self,
        generation: &Generation,
        hash: u64,
        guard: &Guard<'_>,
    ) -> bool {
        let is_moving = self.grow_if(generation, guard, |records, buckets| records >= buckets);
        if let Some(next) = generation.next().filter(|_| is_moving) {
            self.migrate(generation, next, generation.index(hash), guard);
        }
        is_moving
    }

    /// Starts growing if the numbers of records and of buckets ask for it; whether `generation` is
    /// being moved then.
    #[cold]
    fn grow_if(
        &self,
        generation: &Generation,
        guard: &Guard<'_>,
        is_time: impl FnOnce(usize, usize) -> bool,
    ) -> bool {
        let buckets = generation.len();
        if generation.next().is_none() && is_time(self.records(guard), buckets) {
            self.begin(generation, buckets * 2, guard);
        }
        generation.next().is_some()
    }

    /// Starts shrinking if there are few records.
    #[cold]
    pub(crate) fn shrink_if_sparse(&self, guard: &Guard<'_>) {
        let generation = self.root(guard);
        let buckets = generation.len();
        if buckets > self.least
            && generation.next().is_none()
            && self.records(guard) < buckets * SHRINK_BELOW
        {
            self.begin(generation, buckets / 2, guard);
        }
    }

    /// Gives the root a successor of so many buckets, unless it has one.
    pub(super) fn begin(&self, generation: &Generation, buckets: usize, guard: &Guard<'_>) {
        let is_root = std::ptr::eq(generation, self.root(guard));
        // Only a root is complete: a bucket of another one may not be filled yet.
        if (!is_root && !is_mutant(Mutant::GrowBeforeRoot)) || generation.next().is_some() {
            return;
        }
        generation.set_next(Generation::unfilled(buckets, generation.number.wrapping_add(1)));
    }

    /// How many records the table holds; approximate while others write.
    fn records(&self, guard: &Guard<'_>) -> usize {
        usize::try_from(guard.total(Tally::Keys).cast_signed()).unwrap_or(0)
    }
}

/// Touches the pages that are to be filled next, each at another time, so that no write pays for
/// the zeroing of two.
fn touch_ahead(generation: &Generation, next: &Generation, source: usize) {
    let ahead = source + BUCKETS_OF_A_PAGE;
    if ahead >= generation.len() {
        return;
    }
    for (turn, target) in (1..).zip(generation.targets(next, ahead)) {
        if source % BUCKETS_OF_A_PAGE == turn * BUCKETS_OF_A_PAGE / 4 {
            next.heads[target].touch();
        }
    }
}
