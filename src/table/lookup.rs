//! Finding a record: wait-free, writes nothing.

use super::{
    Record, Table,
    bucket::{self, Bucket, Control},
    generation::Generation,
    tags::matching_slots,
    word::{Tag, Word},
};
use crate::{
    prefetch::prefetch,
    reclaim::Guard,
    sync::{AtomicPtr, Mutant, Ordering, is_mutant},
};
use std::ptr::NonNull;

/// A record and the slot that held it, which a write may change.
#[derive(Debug)]
pub(crate) struct Found<'g, R> {
    pub(super) slot: &'g AtomicPtr<()>,
    /// The exact word seen, which a write has to find again.
    pub(super) word: Word,
    pub(super) head: &'g Bucket,
    pub(super) generation: &'g Generation,
    /// The record; valid as long as the guard under which it was found.
    pub(crate) record: NonNull<R>,
}

impl<R> Clone for Found<'_, R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R> Copy for Found<'_, R> {}

/// What one look at a chain has shown.
pub(super) enum Looked<'g> {
    /// A slot with the record's word, which may be frozen.
    Found(&'g AtomicPtr<()>, Word),
    /// The key is not there.
    Absent,
    /// The bucket has been moved to the next generation.
    Moved,
}

impl<R: Record> Table<R> {
    /// Looks for the record of `hash` that `is_match` accepts.
    ///
    /// Wait-free: a pass over the chain without a write, and another one if the bucket has been
    /// moved meanwhile.
    #[inline(always)]
    pub(crate) fn find<'g>(
        &'g self,
        hash: u64,
        is_match: impl Fn(NonNull<R>) -> bool + Copy,
        guard: &'g Guard<'_>,
    ) -> Option<NonNull<R>> {
        let generation = self.root(guard);
        let head = generation.head(hash);
        if let Some((_, _, record)) = look_at_head(head, Tag::of(hash), is_match) {
            return Some(record);
        }
        let control = head.control();
        if control.is_head_only() { None } else { self.find_beyond(hash, is_match, guard) }
    }

    /// The part of [`find`](Self::find) that few need: overflow buckets, and buckets that are being
    /// moved.
    #[cold]
    #[inline(never)]
    fn find_beyond<'g>(
        &'g self,
        hash: u64,
        is_match: impl Fn(NonNull<R>) -> bool + Copy,
        guard: &'g Guard<'_>,
    ) -> Option<NonNull<R>> {
        let mut generation = self.root(guard);
        loop {
            match look(generation, hash, is_match) {
                Looked::Found(_, word) => return word.thawed().as_record(Tag::of(hash)),
                Looked::Absent => return None,
                Looked::Moved => generation = successor(generation),
            }
        }
    }

    /// Looks for the record of `hash` that `is_match` accepts, to be replaced or removed.
    ///
    /// Lock-free: when the table is being moved, it moves two buckets, and the record's own if
    /// somebody has begun to.
    #[inline(always)]
    pub(crate) fn find_for_write<'g>(
        &'g self,
        hash: u64,
        is_match: impl Fn(NonNull<R>) -> bool + Copy,
        guard: &'g Guard<'_>,
    ) -> Option<Found<'g, R>> {
        let generation = self.root(guard);
        let head = generation.head(hash);
        if generation.next().is_none() {
            if let Some((slot, word, record)) = look_at_head(head, Tag::of(hash), is_match) {
                return Some(Found { slot, word, head, generation, record });
            }
            if head.control().is_head_only() {
                return None;
            }
        }
        let found = self.find_for_write_beyond(hash, is_match, guard)?;
        // Taken apart, so that what nearly all find is never in memory.
        let Found { slot, word, head, generation, record } = found;
        Some(Found { slot, word, head, generation, record })
    }

    /// The part of [`find_for_write`](Self::find_for_write) that few need.
    #[cold]
    #[inline(never)]
    fn find_for_write_beyond<'g>(
        &'g self,
        hash: u64,
        is_match: impl Fn(NonNull<R>) -> bool + Copy,
        guard: &'g Guard<'_>,
    ) -> Option<Found<'g, R>> {
        self.help(guard);
        loop {
            let generation = self.generation_for_write(hash, guard);
            match look(generation, hash, is_match) {
                Looked::Found(slot, word) if !word.is_frozen() => {
                    let record = word.as_record(Tag::of(hash))?;
                    return Some(Found {
                        slot,
                        word,
                        head: generation.head(hash),
                        generation,
                        record,
                    });
                }
                Looked::Absent => return None,
                Looked::Found(..) | Looked::Moved => {}
            }
        }
    }

    /// Asks the processor to fetch the bucket of a hash.
    #[inline]
    pub(crate) fn prefetch_bucket(&self, hash: u64, guard: &Guard<'_>) {
        prefetch(self.root(guard).head(hash));
    }

    /// Asks the processor to fetch the records that a hash may mean: their first line, which has the
    /// key. Asking for a second one fills the queue of misses, and made batches a third slower.
    #[inline]
    pub(crate) fn prefetch_records(&self, hash: u64, guard: &Guard<'_>) {
        let head = self.root(guard).head(hash);
        let tag = Tag::of(hash);
        let mut matches = matching_slots(head, tag);
        while matches != 0 {
            let slot = &head.slots.0[matches.trailing_zeros() as usize];
            matches &= matches - 1;
            // ORDERING: Relaxed; a hint to the processor, nothing is read through it.
            let word = Word::from_raw(slot.load(Ordering::Relaxed));
            if let Some(record) = word.as_record::<u8>(tag) {
                prefetch(record.as_ptr());
            }
        }
    }
}

/// Looks for an unfrozen record in the head of a chain: where most are.
// Always: returned through memory, what was found is stored word by word and loaded in pairs, which
// the processor cannot forward; that stall cost as much as the whole search.
#[inline(always)]
fn look_at_head<R>(
    head: &Bucket,
    tag: Tag,
    is_match: impl Fn(NonNull<R>) -> bool + Copy,
) -> Option<(&AtomicPtr<()>, Word, NonNull<R>)> {
    let mut matches = matching_slots(head, tag);
    while matches != 0 {
        let slot = &head.slots.0[matches.trailing_zeros() as usize];
        matches &= matches - 1;
        let word = bucket::load(slot);
        if let Some(record) = word.as_record(tag)
            && is_match(record)
        {
            return Some((slot, word, record));
        }
    }
    None
}

/// Looks through the whole chain of a hash, whatever the state of its bucket.
///
/// The old chain decides until its control word says that it is done; so it is asked first. If it was
/// not done then, what is found was the key's record at some instant since, also if it is frozen. And
/// only then is it safe to follow (T10): the words of a bucket that was moved earlier stay in it, and
/// what they mean may have been freed.
pub(super) fn look<R: Record>(
    generation: &Generation,
    hash: u64,
    is_match: impl Fn(NonNull<R>) -> bool + Copy,
) -> Looked<'_> {
    let (head, tag) = (generation.head(hash), Tag::of(hash));
    let control = head.control();
    if has_moved(control) && !is_mutant(Mutant::ReaderIgnoresDone) {
        return Looked::Moved;
    }
    for slot in generation.chain(head, control).flat_map(|slots| &slots.0) {
        let word = bucket::load(slot);
        if let Some(record) = word.thawed().as_record::<R>(tag)
            && is_match(record)
        {
            return Looked::Found(slot, word);
        }
    }
    Looked::Absent
}

/// Whether a bucket has been moved.
fn has_moved(control: Control) -> bool {
    debug_assert!(control.is_filled(), "a bucket that is not filled yet");
    control.is_done()
}

/// The generation that a bucket has been moved to.
pub(super) fn successor(generation: &Generation) -> &Generation {
    match generation.next() {
        Some(next) => next,
        // Whoever sees a frozen bucket sees the successor, which was there before.
        None => unreachable!("T7: a bucket was frozen without a successor"),
    }
}
