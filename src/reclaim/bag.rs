//! What was retired, in bags; the queue in which a thread keeps its bags; and the stack of those
//! whose threads have ended.

use super::magazine::Magazines;
use crate::sync::{AtomicPtr, BAG, Mutant, Ordering, UnsafeCell, is_mutant};
use std::{
    mem::MaybeUninit,
    panic::{AssertUnwindSafe, catch_unwind},
    ptr::{self, NonNull},
};
/// Something that is unlinked, and what has to be done with it after the grace period.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Retired {
    /// A block of this many bytes that holds nothing to drop.
    Block {
        /// The block.
        block: NonNull<u8>,
        /// Its class size.
        bytes: u32,
    },
    /// A block whose content has to be dropped first.
    Owner {
        /// The block.
        block: NonNull<u8>,
        /// Its class size.
        bytes: u32,
        /// Bytes that the content holds outside of the block.
        held: u32,
        /// Drops the content and leaves the block; may run a user's code, may panic. Returns the
        /// bytes that have become free outside of the block.
        drop_content: unsafe fn(NonNull<u8>) -> usize,
    },
    /// A call that gives something back to where it belongs.
    Return {
        /// The structure that takes it back.
        home: NonNull<u8>,
        /// Which part of it.
        index: u32,
        /// And of which state of it.
        generation: u32,
        /// Gives it back; called by a thread that is pinned.
        give_back: unsafe fn(NonNull<u8>, u32, u32),
    },
    /// Something so large that it is freed a slice at a time.
    Gradual {
        /// What is left of it.
        remains: NonNull<u8>,
        /// Bytes that become free with it.
        bytes: u64,
        /// Whether they were taken from the guard's magazines, and so are counted as taken.
        is_counted: bool,
        /// Frees a slice; true when nothing is left.
        free_slice: unsafe fn(NonNull<u8>) -> bool,
    },
}

impl Retired {
    /// Bytes that become free with it.
    #[inline]
    pub(crate) fn bytes(&self) -> u64 {
        match *self {
            Self::Block { bytes, .. } => u64::from(bytes),
            Self::Owner { bytes, held, .. } => u64::from(bytes) + u64::from(held),
            Self::Return { .. } => 0,
            Self::Gradual { bytes, .. } => bytes,
        }
    }

    /// Frees a slice of what is freed gradually, and returns what is left; anything else is
    /// returned as it is.
    ///
    /// # Safety
    ///
    /// As for [`finish`](Self::finish).
    pub(super) unsafe fn free_slice(self) -> Option<Self> {
        if let Self::Gradual { remains, free_slice, .. } = self {
            // SAFETY: whoever retired it vouched for the pair, and the grace period is over.
            return (!unsafe { free_slice(remains) }).then_some(self);
        }
        Some(self)
    }

    /// Runs what may be a user's code, and says which block is left to be kept, and how many bytes
    /// have become free besides.
    ///
    /// # Safety
    ///
    /// The grace period is over, and this item is finished by nobody else (see
    /// [`Guard::retire`](super::Guard::retire) for the rest of the contract).
    pub(crate) unsafe fn finish(self) -> (Option<(NonNull<u8>, usize)>, usize) {
        match self {
            Self::Block { block, bytes } => (Some((block, bytes as usize)), 0),
            Self::Owner { block, bytes, drop_content, .. } => {
                // A panic in a user's `drop` must not end an operation on another key; the hook
                // has reported it.
                let freed = catch_unwind(AssertUnwindSafe(|| {
                    // SAFETY: whoever retired the block vouched for the pair, and the grace
                    // period is over.
                    unsafe { drop_content(block) }
                }));
                (Some((block, bytes as usize)), freed.unwrap_or(0))
            }
            Self::Return { home, index, generation, give_back } => {
                // SAFETY: whoever retired it vouched for the pair, and the grace period is over.
                unsafe { give_back(home, index, generation) };
                (None, 0)
            }
            Self::Gradual { remains, bytes, free_slice, .. } => {
                // SAFETY: as above.
                while !unsafe { free_slice(remains) } {}
                (None, usize::try_from(bytes).unwrap_or(usize::MAX))
            }
        }
    }
}

/// A fixed number of retired items that share one grace period.
pub(super) struct Bag {
    /// The next bag of the chain that this one is in.
    next: UnsafeCell<*mut Self>,
    /// The epoch after whose grace period the items are free.
    stamp: u64,
    len: usize,
    items: [MaybeUninit<Retired>; BAG],
}

impl Bag {
    /// Allocates an empty bag.
    pub(super) fn new() -> *mut Self {
        let items = [const { MaybeUninit::uninit() }; BAG];
        let next = UnsafeCell::new(ptr::null_mut());
        Box::into_raw(Box::new(Self { next, stamp: 0, len: 0, items }))
    }

    /// Puts an item in; true when the bag is full now.
    #[inline]
    pub(super) fn push(&mut self, item: Retired) -> bool {
        self.items[self.len].write(item);
        self.len += 1;
        self.len == BAG
    }

    /// Takes the item that was put in last, if it is a plain block.
    #[inline]
    pub(super) fn pop_block(&mut self) -> Option<(NonNull<u8>, u32)> {
        let last = self.len.checked_sub(1)?;
        // SAFETY: the items below `len` were written and not read yet.
        let Retired::Block { block, bytes } = *(unsafe { self.items[last].assume_init_ref() })
        else {
            return None;
        };
        self.len = last;
        Some((block, bytes))
    }

    /// Takes the item that was put in last.
    pub(super) fn pop(&mut self) -> Option<Retired> {
        self.len = self.len.checked_sub(1)?;
        // SAFETY: the items below the old `len` were written, and each is read once, since `len`
        // has just gone below it.
        Some(unsafe { self.items[self.len].assume_init_read() })
    }

    /// Whether nothing is in it.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The epoch at which it was sealed.
    pub(super) fn stamp(&self) -> u64 {
        self.stamp
    }

    /// Notes the epoch at which it is sealed.
    pub(super) fn set_stamp(&mut self, stamp: u64) {
        self.stamp = stamp;
    }

    /// The bag behind this one in its chain.
    pub(super) fn next(&self) -> *mut Self {
        // SAFETY: `next` is written only while its bag is private, and was made visible by the
        // push that `take_all` reads from.
        self.next.with(|next| unsafe { *next })
    }

    /// Links a private bag to a chain.
    pub(super) fn set_next(&mut self, chain: *mut Self) {
        // SAFETY: the bag is borrowed exclusively.
        self.next.with_mut(|next| unsafe { *next = chain });
    }

    /// Frees a bag, finishing what is still in it.
    ///
    /// # Safety
    ///
    /// `bag` came from [`Bag::new`], is in no chain, nobody else uses it, and the grace period of
    /// its items is over.
    pub(super) unsafe fn destroy(bag: *mut Self, magazines: &mut Magazines) {
        // SAFETY: by the caller's word the bag is ours alone.
        let mut bag = unsafe { Box::from_raw(bag) };
        while let Some(item) = bag.pop() {
            // SAFETY: popped, so nobody else finishes it; its grace period is over.
            if let (Some((block, bytes)), _) = unsafe { item.finish() } {
                // SAFETY: `finish` leaves the block to us, of the size it was taken with.
                unsafe { magazines.put(block, bytes) };
            }
        }
    }
}

/// Sealed bags of one thread, the oldest first. Owns them.
#[derive(Debug)]
pub(super) struct BagQueue {
    first: *mut Bag,
    last: *mut Bag,
    len: usize,
}

impl BagQueue {
    /// Creates an empty queue.
    pub(super) fn new() -> Self {
        Self { first: ptr::null_mut(), last: ptr::null_mut(), len: 0 }
    }

    /// Number of bags.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The stamp of the oldest bag.
    #[inline]
    pub(super) fn oldest_stamp(&self) -> Option<u64> {
        // SAFETY: the queue owns its bags.
        unsafe { self.first.as_ref() }.map(Bag::stamp)
    }

    /// Adds a bag, which is the caller's alone and in no chain, at the end.
    pub(super) fn push(&mut self, bag: *mut Bag) {
        // SAFETY: the bag is the caller's alone.
        unsafe { (*bag).set_next(ptr::null_mut()) };
        if self.first.is_null() {
            self.first = bag;
        } else {
            // SAFETY: the queue owns its bags.
            unsafe { (*self.last).set_next(bag) };
        }
        self.last = bag;
        self.len += 1;
    }

    /// Takes the oldest bag, or null.
    pub(super) fn pop(&mut self) -> *mut Bag {
        let bag = self.first;
        // SAFETY: the queue owns its bags.
        if let Some(oldest) = unsafe { bag.as_ref() } {
            self.first = oldest.next();
            self.len -= 1;
        }
        bag
    }
}

/// Bags of threads that have ended: a Treiber stack without `pop`.
///
/// Nobody removes a single bag, so an address that comes back does no harm.
#[derive(Debug)]
pub(super) struct Orphans {
    head: AtomicPtr<Bag>,
}

impl Orphans {
    /// Creates an empty stack.
    pub(super) fn new() -> Self {
        Self { head: AtomicPtr::new(ptr::null_mut()) }
    }

    /// Adds a bag that is the caller's alone.
    pub(super) fn push(&self, bag: *mut Bag) {
        // ORDERING: Relaxed; the head is only linked to, never read through.
        let mut head = self.head.load(Ordering::Relaxed);
        loop {
            // SAFETY: the bag is still private to this thread.
            unsafe { (*bag).set_next(head) };
            // ORDERING: Release, edge `orphan→adopt`; Relaxed on failure, as for the load above.
            match self.head.compare_exchange_weak(head, bag, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => return,
                Err(current) => head = current,
            }
        }
    }

    /// Whether there are none.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        // ORDERING: Relaxed; a hint, `take_all` decides.
        self.head.load(Ordering::Relaxed).is_null()
    }

    /// Takes all bags, as a chain that is the caller's alone.
    pub(super) fn take_all(&self) -> *mut Bag {
        if is_mutant(Mutant::TakeByStore) {
            // ORDERING: the mutant takes by two steps; two takers can get the same chain.
            let chain = self.head.load(Ordering::Acquire);
            // ORDERING: as above.
            self.head.store(ptr::null_mut(), Ordering::Release);
            return chain;
        }
        // ORDERING: Acquire, edge `orphan→adopt`: later pushes extend the release sequence of
        // earlier ones, so that one Acquire sees every bag of the chain.
        self.head.swap(ptr::null_mut(), Ordering::Acquire)
    }
}
