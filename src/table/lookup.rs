//! Finding a record: wait-free, writes nothing.

use super::{Record, Table, bucket, word::Tag, word::Word};
use crate::{
    reclaim::Guard,
    sync::{AtomicPtr, Ordering, SLOTS},
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

impl<R: Record> Table<R> {
    /// Looks for the record of `hash` that `is_match` accepts.
    ///
    /// Wait-free: at most one pass over the chain, without a write.
    #[inline]
    pub(crate) fn find<'t>(
        &'t self,
        hash: u64,
        is_match: impl Fn(NonNull<R>) -> bool,
        _guard: &Guard<'_>,
    ) -> Option<Found<'t, R>> {
        let head = self.bucket(hash);
        let tag = Tag::of(hash);
        if let Some(found) = find_in(head, &head.slots, tag, &is_match) {
            return Some(found);
        }
        if head.control().overflow() == 0 {
            None
        } else {
            self.find_in_overflow(head, tag, &is_match)
        }
    }

    /// The part of [`find`](Self::find) that few need.
    #[cold]
    #[inline(never)]
    fn find_in_overflow<'t>(
        &'t self,
        head: &'t bucket::Bucket,
        tag: Tag,
        is_match: &impl Fn(NonNull<R>) -> bool,
    ) -> Option<Found<'t, R>> {
        self.chain(head, head.control())
            .skip(1)
            .find_map(|slots| find_in(head, slots, tag, is_match))
    }

    /// Asks the processor to fetch the bucket of a hash.
    #[inline]
    pub(crate) fn prefetch_bucket(&self, hash: u64) {
        prefetch(std::ptr::from_ref(self.bucket(hash)).cast());
    }

    /// Asks the processor to fetch the first two lines of the records that a hash may mean.
    #[inline]
    pub(crate) fn prefetch_records(&self, hash: u64) {
        let head = self.bucket(hash);
        let mut matches = matching_slots(&head.slots, Tag::of(hash));
        while matches != 0 {
            let slot = &head.slots.0[matches.trailing_zeros() as usize];
            matches &= matches - 1;
            // ORDERING: Relaxed; a hint to the processor, nothing is read through it.
            let word = Word::from_raw(slot.load(Ordering::Relaxed));
            if let Some(record) = word.as_record::<u8>() {
                prefetch(record.as_ptr());
                prefetch(record.as_ptr().wrapping_add(64));
            }
        }
    }
}

/// Looks through one bucket's slots.
#[inline]
fn find_in<'t, R>(
    head: &'t bucket::Bucket,
    slots: &'t bucket::Slots,
    tag: Tag,
    is_match: &impl Fn(NonNull<R>) -> bool,
) -> Option<Found<'t, R>> {
    let mut matches = matching_slots(slots, tag);
    while matches != 0 {
        let slot = &slots.0[matches.trailing_zeros() as usize];
        matches &= matches - 1;
        let word = bucket::load(slot);
        if let Some(record) = word.as_record::<R>()
            && word.has_tag(tag)
            && is_match(record)
        {
            return Some(Found { slot, word, head, record });
        }
    }
    None
}

/// The slots whose tag fits, a bit each; without a branch, since none of them is predictable.
#[inline]
fn matching_slots(slots: &bucket::Slots, tag: Tag) -> u32 {
    let mut matches = 0;
    for index in 0..SLOTS {
        // ORDERING: Relaxed; a slot that looks right is loaded again with Acquire, and one that
        // does not is not followed.
        let word = Word::from_raw(slots.0[index].load(Ordering::Relaxed));
        matches |= u32::from(word.has_tag(tag)) << index;
    }
    matches
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
