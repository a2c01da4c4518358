//! What was retired, in bags, and the inbox through which a bag comes home.

use super::{Participant, magazine::Magazines};
use crate::sync::{AtomicPtr, BAG, Mutant, Ordering, UnsafeCell, is_mutant};
use std::{
    mem::MaybeUninit,
    panic::{AssertUnwindSafe, catch_unwind},
    ptr::{self, NonNull},
};

/// Something that is unlinked, and what has to be done with it after the grace period.
#[derive(Debug)]
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
        /// Drops the content and leaves the block; may run a user's code, may panic.
        drop_content: unsafe fn(NonNull<u8>),
    },
    /// A call that gives something back to where it belongs.
    Return {
        /// The structure that takes it back.
        home: NonNull<u8>,
        /// Which part of it.
        index: u32,
        /// Gives it back.
        give_back: unsafe fn(NonNull<u8>, u32),
    },
}

impl Retired {
    /// Bytes that become free with it.
    #[inline]
    pub(super) fn bytes(&self) -> u64 {
        match *self {
            Self::Block { bytes, .. } => u64::from(bytes),
            Self::Owner { bytes, held, .. } => u64::from(bytes) + u64::from(held),
            Self::Return { .. } => 0,
        }
    }

    /// Runs what may be a user's code, and says which block is left to be kept.
    ///
    /// # Safety
    ///
    /// The grace period is over, and this item is finished by nobody else (see
    /// [`Guard::retire`](super::Guard::retire) for the rest of the contract).
    pub(crate) unsafe fn finish(self) -> Option<(NonNull<u8>, usize)> {
        match self {
            Self::Block { block, bytes } => Some((block, bytes as usize)),
            Self::Owner { block, bytes, drop_content, .. } => {
                // A panic in a user's `drop` must not end an operation on another key; the hook
                // has reported it.
                let _ = catch_unwind(AssertUnwindSafe(|| {
                    // SAFETY: whoever retired the block vouched for the pair, and the grace
                    // period is over.
                    unsafe { drop_content(block) }
                }));
                Some((block, bytes as usize))
            }
            Self::Return { home, index, give_back } => {
                // SAFETY: whoever retired it vouched for the pair, and the grace period is over.
                unsafe { give_back(home, index) };
                None
            }
        }
    }
}

/// A fixed number of retired items that share one grace period.
pub(super) struct Bag {
    /// The next bag of the chain that this one is in.
    next: UnsafeCell<*mut Self>,
    /// Whose inbox it returns to; lives as long as the domain.
    owner: *const Participant,
    len: usize,
    items: [MaybeUninit<Retired>; BAG],
}

impl Bag {
    /// Allocates an empty bag that will return to `owner`.
    pub(super) fn new(owner: *const Participant) -> *mut Self {
        let items = [const { MaybeUninit::uninit() }; BAG];
        Box::into_raw(Box::new(Self {
            next: UnsafeCell::new(ptr::null_mut()),
            owner,
            len: 0,
            items,
        }))
    }

    /// Puts an item in; true when the bag is full now.
    #[inline]
    pub(super) fn push(&mut self, item: Retired) -> bool {
        self.items[self.len].write(item);
        self.len += 1;
        self.len == BAG
    }

    /// Takes the item that was put in last.
    #[inline]
    pub(super) fn pop(&mut self) -> Option<Retired> {
        self.len = self.len.checked_sub(1)?;
        // SAFETY: the items below the old `len` were written, and each is read once, since `len`
        // has just gone below it.
        Some(unsafe { self.items[self.len].assume_init_read() })
    }

    /// Whether nothing is in it.
    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Says whose inbox it returns to from now on.
    pub(super) fn set_owner(&mut self, owner: *const Participant) {
        self.owner = owner;
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

    /// Sends a bag home after its grace period.
    ///
    /// # Safety
    ///
    /// `bag` came from [`Bag::new`], is in no chain, nobody else uses it, and its owner's domain
    /// still stands.
    pub(super) unsafe fn deliver(bag: *mut Self) {
        // SAFETY: the caller says that the bag is valid.
        let owner = unsafe { (*bag).owner };
        // SAFETY: the caller says that its owner's domain stands, and so the owner does.
        unsafe { &*owner }.inbox.push(bag);
    }

    /// Frees a bag, finishing what is still in it.
    ///
    /// # Safety
    ///
    /// As for [`deliver`](Self::deliver), and the grace period of its items is over.
    pub(super) unsafe fn destroy(bag: *mut Self, magazines: &mut Magazines) {
        // SAFETY: by the caller's word the bag is ours alone.
        let mut bag = unsafe { Box::from_raw(bag) };
        while let Some(item) = bag.pop() {
            // SAFETY: popped, so nobody else finishes it; its grace period is over.
            if let Some((block, bytes)) = unsafe { item.finish() } {
                // SAFETY: `finish` leaves the block to us, of the size it was taken with.
                unsafe { magazines.put(block, bytes) };
            }
        }
    }
}

/// Bags whose grace period is over, on their way to their owner: a Treiber stack without `pop`.
///
/// Nobody removes a single bag, so an address that comes back does no harm.
#[derive(Debug)]
pub(super) struct Inbox {
    head: AtomicPtr<Bag>,
}

impl Inbox {
    /// Creates an empty inbox.
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
            // ORDERING: Release, edge `deliver→take`; Relaxed on failure, as for the load above.
            match self.head.compare_exchange_weak(head, bag, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => return,
                Err(current) => head = current,
            }
        }
    }

    /// Whether nothing has arrived.
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
        // ORDERING: Acquire, edge `deliver→take`: later pushes extend the release sequence of
        // earlier ones, so that one Acquire sees every bag of the chain.
        self.head.swap(ptr::null_mut(), Ordering::Acquire)
    }
}
