//! Finding a record: wait-free, writes nothing.

use super::{Record, Table, bucket, tags::matching_slots, word::Tag, word::Word};
use crate::{
    reclaim::Guard,
    sync::{AtomicPtr, Ordering},
};
use std::ptr::NonNull;

/// A record and the slot that held it.
#[derive(Debug)]
pub(crate) struct Found<'t, R> {
    pub(super) slot: &'t AtomicPtr<()>,
    /// The exact word seen, which a write has to find again.
    pub(super) word: Word,
    pub(super) head: &'t bucket::Bucket,
    /// The record; valid as long as the guard under which it was found.
    pub(crate) record: NonNull<R>,
}

/// A slot and the record's word that was seen in it: what fits into two registers.
type SlotSeen<'t> = (&'t AtomicPtr<()>, Word);

impl<R: Record> Table<R> {
    /// Looks for the record of `hash` that `is_match` accepts.
    ///
    /// Wait-free: at most one pass over the chain, without a write.
    // Always: returned through memory, the four words of `Found` are stored one by one and loaded
    // in pairs, which the processor cannot forward; that stall cost as much as the whole search.
    #[inline(always)]
    pub(crate) fn find<'t>(
        &'t self,
        hash: u64,
        is_match: impl Fn(NonNull<R>) -> bool + Copy,
        _guard: &Guard<'_>,
    ) -> Option<Found<'t, R>> {
        let head = self.bucket(hash);
        let tag = Tag::of(hash);
        let mut matches = matching_slots(head, tag);
        while matches != 0 {
            let slot = &head.slots.0[matches.trailing_zeros() as usize];
            matches &= matches - 1;
            let word = bucket::load(slot);
            if let Some(record) = word.as_record(tag)
                && is_match(record)
            {
                return Some(Found { slot, word, head, record });
            }
        }
        if head.control().overflow() == 0 {
            return None;
        }
        let (slot, word) = self.find_in_overflow(head, tag, is_match)?;
        Some(Found { slot, word, head, record: word.as_record(tag)? })
    }

    /// The part of [`find`](Self::find) that few need.
    #[cold]
    #[inline(never)]
    fn find_in_overflow<'t>(
        &'t self,
        head: &'t bucket::Bucket,
        tag: Tag,
        is_match: impl Fn(NonNull<R>) -> bool + Copy,
    ) -> Option<SlotSeen<'t>> {
        let overflow = self.chain(head, head.control()).skip(1);
        let see = |slot| (slot, bucket::load(slot));
        overflow
            .flat_map(|slots| &slots.0)
            .map(see)
            .find(|(_, word)| word.as_record(tag).is_some_and(is_match))
    }

    /// Asks the processor to fetch the bucket of a hash.
    #[inline]
    pub(crate) fn prefetch_bucket(&self, hash: u64) {
        prefetch(std::ptr::from_ref(self.bucket(hash)).cast());
    }

    /// Asks the processor to fetch the records that a hash may mean: their first line, which has the
    /// key. Asking for a second one fills the queue of misses, and made batches a third slower.
    #[inline]
    pub(crate) fn prefetch_records(&self, hash: u64) {
        let head = self.bucket(hash);
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

/// Asks the processor for a cache line.
#[inline]
fn prefetch(line: *const u8) {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    // SAFETY: a prefetch does not access memory in a way that can fault.
    unsafe {
        std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(line.cast());
    }
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    let _ = line;
}
