//! The overflow buckets of a generation, named by index.
//!
//! They lie in segments that double in size and are never given back while the generation lives,
//! so that an index stays valid for whoever has read it. Free ones form a Treiber stack of indices;
//! its head carries a count, since an index that comes back would otherwise be an ABA.

use super::{
    bucket::Slots,
    zeroed::{Backing, Zeroed, ZeroedSlice},
};
use crate::sync::{AtomicPtr, AtomicU32, AtomicU64, Mutant, Ordering, is_mutant};
use std::ptr::{self, NonNull};

/// Buckets in the first segment.
const FIRST_SEGMENT: u32 = if cfg!(pool_loom) { 2 } else { 64 };

/// Segments; together they hold all indices that fit into 24 bits.
const SEGMENTS: usize = if cfg!(pool_loom) { 3 } else { 19 };

/// The largest index: it has to fit into the control word's 24 bits.
const LARGEST_INDEX: u32 = if cfg!(pool_loom) { 12 } else { (1 << 24) - 1 };

/// The largest index that an insert may attach; the others are for migrations.
const MOST_ATTACHED: u32 = LARGEST_INDEX / 2;

/// Seven more slots for a bucket that is full.
#[derive(Debug)]
#[repr(C, align(64))]
pub(crate) struct Overflow {
    /// The next overflow bucket of the chain, or of the free stack; 0 is none.
    link: AtomicU32,
    pub(crate) slots: Slots,
}

// SAFETY: atomic integers and pointers.
unsafe impl Zeroed for Overflow {
    fn zeroed() -> Self {
        Self { link: AtomicU32::new(0), slots: Slots::unfilled() }
    }
}

impl Overflow {
    /// The bucket behind this one; 0 is none.
    pub(crate) fn link(&self) -> u32 {
        // ORDERING: Relaxed; a chained bucket's link was written before the control word that led
        // here (edge `attach→walk`) and does not change; the free stack checks by its count.
        self.link.load(Ordering::Relaxed)
    }
}

/// The overflow buckets of one generation.
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
    pub(crate) fn new() -> Self {
        Self {
            segments: std::array::from_fn(|_| AtomicPtr::new(ptr::null_mut())),
            fresh: AtomicU32::new(1),
            free: AtomicU64::new(0),
        }
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
    /// `next`; `None` when so many are in use that the rest is needed to move to another size.
    pub(crate) fn take(&self, stamp: u32, next: u32) -> Option<u32> {
        let index = self.pop_free().or_else(|| self.open_fresh(MOST_ATTACHED))?;
        self.prepare(index, stamp, next);
        Some(index)
    }

    /// As [`take`](Self::take), for records that have been in a table already: there is always one.
    ///
    /// A generation is filled with what another one held, in as many overflow buckets at most.
    pub(super) fn take_reserved(&self, stamp: u32, next: u32) -> u32 {
        let Some(index) = self.pop_free().or_else(|| self.open_fresh(LARGEST_INDEX)) else {
            unreachable!("half of the indices are reserved")
        };
        self.prepare(index, stamp, next);
        index
    }

    /// Makes a bucket that was taken ready to be linked.
    fn prepare(&self, index: u32, stamp: u32, next: u32) {
        let bucket = self.get(index);
        bucket.slots.clear(stamp);
        // ORDERING: Relaxed; as above. A stale popper that reads it fails by the count.
        bucket.link.store(next, Ordering::Relaxed);
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
                // ORDERING: Acquire on failure, edge `free→take`: that is the next top. Relaxed on
                // success: what was put below is still one release sequence for later poppers.
                Ordering::Relaxed,
                Ordering::Acquire,
            ) {
                Ok(_) => return Some(index),
                Err(current) => head = current,
            }
        }
    }

    /// Hands out an index for the first time, opening its segment if need be.
    #[cold]
    fn open_fresh(&self, largest: u32) -> Option<u32> {
        // ORDERING: Relaxed; only uniqueness matters, and the buckets come through `open→get`.
        let mut index = self.fresh.load(Ordering::Relaxed);
        loop {
            if index > largest {
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
        // Fresh pages: opening takes a system call, not the writing of all its buckets.
        let buckets = ZeroedSlice::<Overflow>::new(segment_len(segment), Backing::Gradual);
        let base = buckets.into_raw();
        // ORDERING: Release, edge `open→get`; Relaxed on failure, `get` loads for itself.
        let opened = self.segments[segment].compare_exchange(
            ptr::null_mut(),
            base.as_ptr(),
            Ordering::Release,
            Ordering::Relaxed,
        );
        if opened.is_err() {
            // SAFETY: let go above; another thread's segment won, and nobody has seen ours.
            drop(unsafe { ZeroedSlice::from_raw(base, segment_len(segment)) });
        }
    }

    /// Takes a segment out, to be given back; `None` when none is left.
    pub(super) fn take_segment(&mut self) -> Option<ZeroedSlice<Overflow>> {
        self.segments.iter_mut().enumerate().find_map(|(segment, base)| {
            // ORDERING: Relaxed; the arena is ours alone, and came to us by its owner's hand-over.
            let first = NonNull::new(base.load(Ordering::Relaxed))?;
            *base = AtomicPtr::new(ptr::null_mut());
            // SAFETY: let go by `open_segment`, and out of the arena now.
            Some(unsafe { ZeroedSlice::from_raw(first, segment_len(segment)) })
        })
    }
}

impl Drop for Arena {
    fn drop(&mut self) {
        while self.take_segment().is_some() {}
    }
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
    let step = if is_mutant(Mutant::FreeUncounted) { 0 } else { 1 };
    ((head >> 32).wrapping_add(step) << 32) | u64::from(top)
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
