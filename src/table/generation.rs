//! One size of a table: its buckets, and where they are being moved to.
//!
//! A table that grows or shrinks has two generations for a while: the *root*, which decides about
//! every bucket until that has been moved, and the one that follows it. Only a root, which is
//! complete, ever gets a successor.

use super::{
    bucket::{Bucket, Control, Slots},
    overflow::{Arena, Overflow},
    zeroed::{Backing, ZeroedSlice},
};
use crate::{
    reclaim::Retired,
    sync::{AtomicPtr, AtomicUsize, FreedMark, Mutant, Ordering, SLOTS, is_mutant},
};
use crossbeam_utils::CachePadded;
use std::ptr::{self, NonNull};

/// The buckets of one size.
#[derive(Debug)]
pub(super) struct Generation {
    pub(super) heads: ZeroedSlice<Bucket>,
    /// The generation that this one is being moved to; null as long as it is not.
    next: AtomicPtr<Self>,
    /// Counts generations up, so that what is given back late is not taken for another's.
    pub(super) number: u32,
    pub(super) arena: Arena,
    /// The next bucket that a writer who passes by moves.
    pub(super) cursor: CachePadded<AtomicUsize>,
    /// How many buckets have been moved.
    moved: CachePadded<AtomicUsize>,
    is_freed: FreedMark,
}

impl Generation {
    /// A generation of empty buckets, a power of two of them.
    pub(super) fn open(buckets: usize) -> Box<Self> {
        let generation = Self::with(buckets, 0, Backing::Whole);
        for head in &*generation.heads {
            head.open();
        }
        generation
    }

    /// A generation of buckets that a migration fills.
    pub(super) fn unfilled(buckets: usize, number: u32) -> Box<Self> {
        Self::with(buckets, number, Backing::Gradual)
    }

    fn with(buckets: usize, number: u32, backing: Backing) -> Box<Self> {
        debug_assert!(buckets.is_power_of_two());
        Box::new(Self {
            heads: ZeroedSlice::new(buckets, backing),
            next: AtomicPtr::new(ptr::null_mut()),
            number,
            arena: Arena::new(),
            cursor: CachePadded::new(AtomicUsize::new(0)),
            moved: CachePadded::new(AtomicUsize::new(0)),
            is_freed: FreedMark::default(),
        })
    }

    /// Number of buckets.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.is_freed.check();
        self.heads.len()
    }

    /// The bucket that a hash belongs to.
    #[inline]
    pub(super) fn index(&self, hash: u64) -> usize {
        #[expect(clippy::cast_possible_truncation, reason = "masked to the generation's size")]
        let index = hash as usize & (self.len() - 1);
        index
    }

    /// The head of the chain that a hash belongs to.
    #[inline]
    pub(super) fn head(&self, hash: u64) -> &Bucket {
        // SAFETY: the length is a power of two, and so the mask keeps the index below it.
        unsafe { self.heads.get_unchecked(self.index(hash)) }
    }

    /// The slots of a chain as the control word `control` names it, head first.
    pub(super) fn chain<'g>(
        &'g self,
        head: &'g Bucket,
        control: Control,
    ) -> impl Iterator<Item = &'g Slots> {
        std::iter::once(&head.slots).chain(self.overflow_of(control))
    }

    /// The slots of the overflow buckets that the control word `control` names.
    pub(super) fn overflow_of(&self, control: Control) -> impl Iterator<Item = &Slots> {
        let mut next = control.overflow();
        std::iter::from_fn(move || {
            if next == 0 {
                return None;
            }
            let bucket = self.arena.get(next);
            next = bucket.link();
            Some(&bucket.slots)
        })
    }

    /// The slot at a position along the chain.
    #[inline]
    pub(super) fn slot<'g>(
        &'g self,
        head: &'g Bucket,
        control: Control,
        position: usize,
    ) -> Option<&'g AtomicPtr<()>> {
        head.slots.0.get(position).or_else(|| self.slot_beyond(control, position))
    }

    /// The part of [`slot`](Self::slot) for overflow buckets.
    #[cold]
    fn slot_beyond(&self, control: Control, position: usize) -> Option<&AtomicPtr<()>> {
        let slots = self.overflow_of(control).nth(position / SLOTS - 1)?;
        Some(&slots.0[position % SLOTS])
    }

    /// The generation that this one is being moved to.
    #[inline]
    pub(super) fn next(&self) -> Option<&Self> {
        // SAFETY: a successor is freed only after this generation, which whoever has a reference
        // to it keeps from being freed.
        unsafe { self.next_pointer().as_ref() }
    }

    /// As [`next`](Self::next), as it came from its box: whoever frees it may not go by way of a
    /// shared reference.
    #[inline]
    pub(super) fn next_pointer(&self) -> *mut Self {
        // ORDERING: Acquire, edge `begin→move`: the successor's buckets, and how many there are.
        self.next.load(Ordering::Acquire)
    }

    /// Gives a generation its successor, unless it has one.
    pub(super) fn set_next(&self, next: Box<Self>) {
        let next = Box::into_raw(next);
        if is_mutant(Mutant::NextByStore) {
            // ORDERING: Release; a mutant's step.
            self.next.store(next, Ordering::Release);
            return;
        }
        // ORDERING: Release, edge `begin→move`; Relaxed on failure, ours is dropped then.
        let set =
            self.next.compare_exchange(ptr::null_mut(), next, Ordering::Release, Ordering::Relaxed);
        if set.is_err() {
            // SAFETY: never published.
            drop(unsafe { Box::from_raw(next) });
        }
    }

    /// Notes that one more bucket has been moved; true for the last one.
    pub(super) fn count_moved(&self) -> bool {
        // ORDERING: AcqRel, edge `done→root`: whoever counts the last one has all of them behind him.
        let ordering =
            if is_mutant(Mutant::CountRelaxed) { Ordering::Relaxed } else { Ordering::AcqRel };
        self.moved.fetch_add(1, ordering) + 1 == self.len()
    }

    /// The buckets of the successor that get what is in bucket `source` of this one: two halves of
    /// it when the table grows, one that it shares when it shrinks.
    pub(super) fn targets(
        &self,
        next: &Self,
        source: usize,
    ) -> impl Iterator<Item = usize> + use<> {
        let step = self.len().min(next.len());
        (source & (step - 1)..next.len()).step_by(step)
    }

    /// The buckets of this one whose records go where those of bucket `source` go, in ascending
    /// order.
    pub(super) fn sources(
        &self,
        next: &Self,
        source: usize,
    ) -> impl Iterator<Item = usize> + use<> {
        let step = self.len().min(next.len());
        (source & (step - 1)..self.len()).step_by(step)
    }

    /// Bytes of the buckets, overflow buckets included.
    pub(super) fn bytes(&self) -> usize {
        size_of_val::<[Bucket]>(&self.heads) + self.arena.bytes()
    }
}

/// A generation that nobody can reach any more, being given back slice by slice.
pub(super) struct Remains {
    /// Owned; not a `Box`, which would claim that nobody else looks at it yet.
    generation: NonNull<Generation>,
    #[cfg_attr(pool_loom, expect(dead_code, reason = "a model frees nothing"))]
    segment: Option<ZeroedSlice<Overflow>>,
}

impl Remains {
    /// Puts a generation, which was unlinked, into the form in which it is retired.
    ///
    /// # Safety
    ///
    /// `generation` came from a `Box`, and nobody frees it but through what this returns.
    pub(super) unsafe fn retired(generation: NonNull<Generation>) -> Retired {
        // SAFETY: the caller's word.
        let bytes = unsafe { generation.as_ref() }.bytes();
        let remains = Box::into_raw(Box::new(Self { generation, segment: None }));
        // SAFETY: a box is not null.
        let remains = unsafe { NonNull::new_unchecked(remains) };
        Retired::Gradual {
            remains: remains.cast(),
            bytes: bytes as u64,
            is_counted: false,
            free_slice: Self::free_slice,
        }
    }

    /// Gives a slice back; true when nothing is left.
    ///
    /// # Safety
    ///
    /// `remains` came from [`retired`](Self::retired), the grace period is over, nobody else frees
    /// it, and it is not used again once this has returned true.
    #[cfg(not(pool_loom))]
    unsafe fn free_slice(remains: NonNull<u8>) -> bool {
        let mut remains = remains.cast::<Self>();
        // SAFETY: the caller's word.
        let whole = unsafe { remains.as_mut() };
        // SAFETY: as above.
        let is_gone = unsafe { whole.give_back_slice() };
        if is_gone {
            // SAFETY: as above; allocated by `retired`.
            drop(unsafe { Box::from_raw(remains.as_ptr()) });
        }
        is_gone
    }

    /// Notes that it would be freed.
    ///
    /// # Safety
    ///
    /// As above.
    #[cfg(pool_loom)]
    unsafe fn free_slice(remains: NonNull<u8>) -> bool {
        // SAFETY: the caller's word.
        let remains = unsafe { Box::from_raw(remains.cast::<Self>().as_ptr()) };
        // SAFETY: it is not freed in a model.
        unsafe { remains.generation.as_ref() }.is_freed.set();
        true
    }

    /// Gives a slice back; true when nothing is left.
    ///
    /// # Safety
    ///
    /// The grace period is over.
    #[cfg(not(pool_loom))]
    unsafe fn give_back_slice(&mut self) -> bool {
        // SAFETY: nobody else uses it any more, by the caller's word.
        let generation = unsafe { self.generation.as_mut() };
        self.segment = self.segment.take().or_else(|| generation.arena.take_segment());
        if let Some(segment) = &mut self.segment {
            // SAFETY: the caller's word; a segment that is gone is not kept.
            if unsafe { segment.give_back_slice() } {
                self.segment = None;
            }
            return false;
        }
        // SAFETY: as above.
        let is_gone = unsafe { generation.heads.give_back_slice() };
        if is_gone {
            // SAFETY: it came from a `Box`, as `retired` was told.
            drop(unsafe { Box::from_raw(self.generation.as_ptr()) });
        }
        is_gone
    }
}
