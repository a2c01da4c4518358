//! The overflow buckets of a table, named by index.
//!
//! They lie in segments that double in size and are never given back while the table lives, so
//! that an index stays valid for whoever has read it. Free ones form a Treiber stack of indices;
//! its head carries a count, since an index that comes back would otherwise be an ABA.

use super::{bucket::Slots, word::Word};
use crate::sync::{AtomicPtr, AtomicU32, AtomicU64, Ordering};
use std::{
    ptr::{self, NonNull},
    sync::Arc,
};

/// Buckets in the first segment.
const FIRST_SEGMENT: u32 = if cfg!(pool_loom) { 2 } else { 64 };

/// Segments; together they hold all indices that fit into 24 bits.
const SEGMENTS: usize = if cfg!(pool_loom) { 2 } else { 19 };

/// The largest index: it has to fit into the control word's 24 bits.
const LARGEST_INDEX: u32 = if cfg!(pool_loom) { 6 } else { (1 << 24) - 1 };

/// Seven more slots for a bucket that is full.
#[derive(Debug)]
#[repr(C, align(64))]
pub(crate) struct Overflow {
    /// The next overflow bucket of the chain, or of the free stack; 0 is none.
    link: AtomicU32,
    pub(crate) slots: Slots,
}

impl Overflow {
    fn new() -> Self {
        Self { link: AtomicU32::new(0), slots: Slots::new() }
    }

    /// The bucket behind this one; 0 is none.
    pub(crate) fn link(&self) -> u32 {
        // ORDERING: Relaxed; a chained bucket's link was written before the control word that led
        // here (edge `attach→walk`) and does not change; the free stack checks by its count.
        self.link.load(Ordering::Relaxed)
    }
}

/// The overflow buckets of one table.
#[derive(Debug)]
pub(crate) struct Arena {
    segments: [AtomicPtr<Overflow>; SEGMENTS],
    /// The first index that was never handed out.
    fresh: AtomicU32,
    /// Upper half: count of changes. Lower half: index of the first free bucket, 0 is none.
    free: AtomicU64,
}

impl Arena {
    /// Creates an arena with no buckets.
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            segments: std::array::from_fn(|_| AtomicPtr::new(ptr::null_mut())),
            fresh: AtomicU32::new(1),
            free: AtomicU64::new(0),
        })
    }

    /// The bucket of an index that this arena has handed out.
    #[inline]
    pub(crate) fn get(&self, index: u32) -> &Overflow {
        let (segment, offset) = locate(index);
        // ORDERING: Acquire, edge `open→get`: the buckets as they were initialised.
        let base = self.segments[segment].load(Ordering::Acquire);
        debug_assert!(!base.is_null());
        // SAFETY: an index is handed out after its segment was opened, and `offset` is below the
        // segment's length.
        let bucket = unsafe { base.add(offset) };
        // SAFETY: segments stay until the arena is dropped.
        unsafe { &*bucket }
    }

    /// Takes a bucket that nobody uses, all of whose slots are free since `stamp`, linked to
    /// `next`; `None` when all indices are in use.
    pub(crate) fn take(&self, stamp: u32, next: u32) -> Option<u32> {
        let index = self.pop_free().or_else(|| self.open_fresh())?;
        let bucket = self.get(index);
        for slot in &bucket.slots.0 {
            // ORDERING: Relaxed; the bucket is private until the control word's CAS (edge
            // `attach→walk`).
            slot.store(Word::empty(stamp).raw(), Ordering::Relaxed);
        }
        // ORDERING: Relaxed; as above. A stale popper that reads it fails by the count.
        bucket.link.store(next, Ordering::Relaxed);
        Some(index)
    }

    /// Gives back a bucket that was never linked, or whose grace period is over.
    pub(crate) fn put(&self, index: u32) {
        // ORDERING: Relaxed; only linked to, the CAS decides.
        let mut head = self.free.load(Ordering::Relaxed);
        loop {
            // ORDERING: Relaxed; published by the CAS below (edge `free→take`).
            self.get(index).link.store(first_free(head), Ordering::Relaxed);
            match self.free.compare_exchange_weak(
                head,
                next_free(head, index),
                // ORDERING: Release, edge `free→take`; Relaxed on failure, only linked to.
                Ordering::Release,
                Ordering::Relaxed,
            ) {
                Ok(_) => return,
                Err(current) => head = current,
            }
        }
    }

    /// Gives back a bucket by the address of its arena, as the reclaimer calls it.
    ///
    /// # Safety
    ///
    /// `arena` is the address of a living arena, and `index` is out of use.
    pub(crate) unsafe fn give_back(arena: NonNull<u8>, index: u32) {
        // SAFETY: the caller's word.
        let arena = unsafe { arena.cast::<Self>().as_ref() };
        arena.put(index);
    }

    /// Bytes that the segments take.
    pub(crate) fn bytes(&self) -> usize {
        // ORDERING: Relaxed; a statistic.
        let fresh = self.fresh.load(Ordering::Relaxed);
        let opened = if fresh > 1 { locate(fresh.min(LARGEST_INDEX + 1) - 1).0 + 1 } else { 0 };
        (0..opened).map(|segment| segment_len(segment) * size_of::<Overflow>()).sum()
    }

    fn pop_free(&self) -> Option<u32> {
        // ORDERING: Acquire, edge `free→take`: the link of the bucket on top.
        let mut head = self.free.load(Ordering::Acquire);
        loop {
            let index = first_free(head);
            if index == 0 {
                return None;
            }
            let next = self.get(index).link();
            match self.free.compare_exchange_weak(
                head,
                next_free(head, next),
                // ORDERING: Acquire, edge `free→take`, on both outcomes: a failure gives the next
                // top. Release keeps the stack's release sequence whole for later poppers.
                Ordering::AcqRel,
                Ordering::Acquire,
            ) {
                Ok(_) => return Some(index),
                Err(current) => head = current,
            }
        }
    }

    /// Hands out an index for the first time, opening its segment if need be.
    #[cold]
    fn open_fresh(&self) -> Option<u32> {
        // ORDERING: Relaxed; only uniqueness matters, and the buckets come through `open→get`.
        let mut index = self.fresh.load(Ordering::Relaxed);
        loop {
            if index > LARGEST_INDEX {
                return None;
            }
            // ORDERING: Relaxed; as above.
            match self.fresh.compare_exchange_weak(
                index,
                index + 1,
                Ordering::Relaxed,
                Ordering::Relaxed,
            ) {
                Ok(_) => break,
                Err(current) => index = current,
            }
        }
        let segment = locate(index).0;
        // ORDERING: Relaxed; a hint that saves the allocation, the CAS decides.
        if self.segments[segment].load(Ordering::Relaxed).is_null() {
            self.open_segment(segment);
        }
        Some(index)
    }

    fn open_segment(&self, segment: usize) {
        let buckets: Box<[Overflow]> = (0..segment_len(segment)).map(|_| Overflow::new()).collect();
        let base = Box::into_raw(buckets).cast::<Overflow>();
        // ORDERING: Release, edge `open→get`; Relaxed on failure, `get` loads for itself.
        let opened = self.segments[segment].compare_exchange(
            ptr::null_mut(),
            base,
            Ordering::Release,
            Ordering::Relaxed,
        );
        if opened.is_err() {
            // SAFETY: another thread's segment won, and nobody has seen ours.
            unsafe { drop_segment(base, segment) };
        }
    }
}

impl Drop for Arena {
    fn drop(&mut self) {
        for (segment, base) in self.segments.iter_mut().enumerate() {
            // ORDERING: Relaxed; the arena is ours alone, and came to us by its owner's hand-over.
            let base = base.load(Ordering::Relaxed);
            if !base.is_null() {
                // SAFETY: it came from `open_segment`, and nobody uses the arena any more.
                unsafe { drop_segment(base, segment) };
            }
        }
    }
}

/// Frees a segment.
///
/// # Safety
///
/// `base` is what `open_segment` allocated for `segment`, and nobody uses it.
unsafe fn drop_segment(base: *mut Overflow, segment: usize) {
    let buckets = ptr::slice_from_raw_parts_mut(base, segment_len(segment));
    // SAFETY: the caller's word.
    drop(unsafe { Box::from_raw(buckets) });
}

/// Buckets in a segment.
fn segment_len(segment: usize) -> usize {
    (FIRST_SEGMENT as usize) << segment
}

/// The segment and the offset of an index: segment `s` begins at `FIRST_SEGMENT * (2^s - 1) + 1`.
#[inline]
fn locate(index: u32) -> (usize, usize) {
    let shifted = index - 1 + FIRST_SEGMENT;
    let segment = shifted.ilog2() - FIRST_SEGMENT.ilog2();
    (segment as usize, (shifted - (FIRST_SEGMENT << segment)) as usize)
}

/// The index on top of the free stack.
fn first_free(head: u64) -> u32 {
    #[expect(clippy::cast_possible_truncation, reason = "the lower half is the index")]
    let index = head as u32;
    index
}

/// A head with another top and the next count.
fn next_free(head: u64, top: u32) -> u64 {
    ((head >> 32).wrapping_add(1) << 32) | u64::from(top)
}

#[cfg(all(test, not(pool_loom)))]
mod tests {
    use super::*;

    #[test]
    fn every_index_has_a_place_of_its_own() {
        let mut expected = (0, 0);
        for index in 1..10_000 {
            assert_eq!(locate(index), expected);

            expected.1 += 1;
            if expected.1 == segment_len(expected.0) {
                expected = (expected.0 + 1, 0);
            }
        }
        assert!(locate(LARGEST_INDEX).0 < SEGMENTS);
    }

    #[test]
    fn a_bucket_given_back_is_the_next_one_taken() {
        let arena = Arena::new();
        let first = arena.take(0, 0);
        let second = arena.take(0, 0);
        assert_ne!(first, second);

        arena.put(first.unwrap());

        assert_eq!(arena.take(7, 0), first);
        assert_eq!(arena.bytes(), 64 * 64);
    }
}
