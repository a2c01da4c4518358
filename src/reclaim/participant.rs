//! A thread's part in reclamation: its epoch handle, its bags, its magazines and its counters.

use super::{
    bag::{Bag, Inbox, Retired},
    epoch::{Guard as EpochGuard, LocalHandle},
    magazine::Magazines,
};
use crate::{
    sync::{AtomicBool, BAG, Mutant, Ordering, UnsafeCell, is_mutant},
    tally::{Stripe, Tally},
};
use std::{mem::ManuallyDrop, ptr, ptr::NonNull};

/// Bags in the backlog above which a retire frees two items instead of one.
const CALM_BACKLOG: usize = 2 * BAG;

/// Empty bags that are kept for later.
const SPARE_BAGS: usize = 4;

/// Sequence numbers that a thread draws at a time from the domain.
pub(super) const SEQUENCE_BLOCK: u32 = 1 << 10;

/// One thread's part in a domain.
///
/// Participants form a list that only grows; one whose thread has ended is taken over by the next
/// thread that comes. `in_use` is the right to everything below it that is not atomic.
pub(crate) struct Participant {
    /// The next participant of the domain; written before publication.
    pub(super) next: *const Self,
    in_use: AtomicBool,
    /// Bags of this participant whose grace period is over.
    pub(super) inbox: Inbox,
    /// Dropped when the domain closes, by hand, since the bags' way home goes through us.
    pub(super) handle: ManuallyDrop<LocalHandle>,
    local: UnsafeCell<Local>,
    stripe: Stripe,
}

// SAFETY: `handle` and `local` are used only by the thread that holds `in_use`, or by the one that
// closes the domain when no guard exists; the rest is atomic or immutable. crossbeam's handle has
// no tie to the thread that registered it.
unsafe impl Send for Participant {}
// SAFETY: as above.
unsafe impl Sync for Participant {}

/// What only the owning thread touches.
struct Local {
    /// The bag being filled.
    bag: *mut Bag,
    /// Bags whose grace period is over.
    ready: *mut Bag,
    /// Items in `ready`.
    backlog: usize,
    /// Empty bags.
    spare: *mut Bag,
    spares: usize,
    magazines: Magazines,
    /// Set while retired items are being freed: a user's `drop` that comes back in does not free.
    is_freeing: bool,
    random: u64,
    /// Sequence numbers drawn and not yet used.
    sequence: u32,
    sequence_end: u32,
}

impl std::fmt::Debug for Participant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Participant").field("stripe", &self.stripe).finish_non_exhaustive()
    }
}

impl Participant {
    /// Allocates a participant in use by the caller.
    pub(super) fn new(handle: LocalHandle, seed: u64) -> *mut Self {
        let local = Local {
            bag: ptr::null_mut(),
            ready: ptr::null_mut(),
            backlog: 0,
            spare: ptr::null_mut(),
            spares: 0,
            magazines: Magazines::new(),
            is_freeing: false,
            random: seed | 1,
            sequence: 0,
            sequence_end: 0,
        };
        Box::into_raw(Box::new(Self {
            next: ptr::null(),
            in_use: AtomicBool::new(true),
            inbox: Inbox::new(),
            handle: ManuallyDrop::new(handle),
            local: UnsafeCell::new(local),
            stripe: Stripe::default(),
        }))
    }

    /// Takes over a participant whose thread has ended; false when it is in use.
    pub(super) fn try_claim(&self) -> bool {
        // ORDERING: Relaxed; a hint that saves the RMW.
        !self.in_use.load(Ordering::Relaxed)
            && self
                .in_use
                // ORDERING: Acquire, edge `leave→claim`; Relaxed on failure, nothing is read.
                .compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed)
                .is_ok()
    }

    /// Whether a thread holds it.
    pub(super) fn is_in_use(&self) -> bool {
        // ORDERING: Relaxed; a hint for the search for orphaned bags.
        self.in_use.load(Ordering::Relaxed)
    }

    /// Gives up a participant: its bag goes to the collector, its memory to the allocator.
    ///
    /// What is in flight arrives in the inbox, where any thread of the domain picks it up.
    pub(super) fn leave(&self) {
        if !is_mutant(Mutant::ExitKeepsBag) {
            let guard = self.handle.pin();
            self.seal(&guard);
            drop(guard);
        }
        // What is ready goes where an adopter looks: freeing it here could run a user's `drop`
        // while the thread ends.
        let mut ready = self.local(|local| {
            local.magazines.clear();
            local.free_spares();
            local.backlog = 0;
            std::mem::replace(&mut local.ready, ptr::null_mut())
        });
        while !ready.is_null() {
            // SAFETY: the bags in `ready` are this participant's alone.
            let next = unsafe { (*ready).next() };
            self.inbox.push(ready);
            ready = next;
        }
        // ORDERING: Release, edge `leave→claim`: the next owner sees `local` as we leave it.
        self.in_use.store(false, Ordering::Release);
    }

    /// The counters of this thread.
    #[inline]
    pub(crate) fn stripe(&self) -> &Stripe {
        &self.stripe
    }

    /// Puts an item into the bag, and frees one or two that have become safe.
    ///
    /// # Safety
    ///
    /// As for [`Guard::retire`](super::Guard::retire); the caller owns the participant and is
    /// pinned with `guard`. True when the bag was sealed.
    #[inline]
    pub(super) unsafe fn retire(&self, guard: &EpochGuard, item: Retired) -> bool {
        self.stripe.of(Tally::RetiredBytes).add(item.bytes());
        let (is_full, mut frees) = self.local(|local| {
            if local.bag.is_null() {
                local.bag = local.empty_bag(self);
            }
            // SAFETY: `bag` is this participant's own until it is sealed.
            let is_full = unsafe { (*local.bag).push(item) };
            let frees =
                if local.is_freeing { 0 } else { 1 + u32::from(local.backlog > CALM_BACKLOG) };
            (is_full, frees)
        });
        if is_full {
            self.seal(guard);
        }
        while frees > 0 && self.free_one() {
            frees -= 1;
        }
        is_full
    }

    /// Frees one item whose grace period is over; false when there is none.
    #[inline]
    pub(super) fn free_one(&self) -> bool {
        let next = self.local(|local| {
            if local.ready.is_null() {
                if self.inbox.is_empty() {
                    return None;
                }
                local.adopt(self.inbox.take_all());
            }
            local.next_ready()
        });
        match next {
            Some(Retired::Block { block, bytes }) => {
                self.stripe.of(Tally::RetiredBytes).subtract(u64::from(bytes));
                // SAFETY: a retired block whose grace period is over is the finisher's alone, and
                // its size is the one it was taken with.
                self.local(|local| unsafe { local.magazines.put(block, bytes as usize) });
                true
            }
            Some(item) => {
                self.finish(item);
                true
            }
            None => false,
        }
    }

    /// Finishes one item; a user's code may run, with no borrow of ours.
    fn finish(&self, item: Retired) {
        self.stripe.of(Tally::RetiredBytes).subtract(item.bytes());
        self.local(|local| local.is_freeing = true);
        // SAFETY: the item came out of a bag whose grace period is over, and was popped once.
        let left = unsafe { item.finish() };
        self.local(|local| {
            local.is_freeing = false;
            if let Some((block, bytes)) = left {
                // SAFETY: `finish` leaves the block to us, of the size it was taken with.
                unsafe { local.magazines.put(block, bytes) };
            }
        });
    }

    /// Hands the bag to the collector, which sends it to the inbox after its grace period.
    #[cold]
    #[inline(never)]
    pub(super) fn seal(&self, guard: &EpochGuard) {
        let bag = self.local(|local| std::mem::replace(&mut local.bag, ptr::null_mut()));
        if bag.is_null() {
            return;
        }
        self.stripe.of(Tally::BagsSealed).add(1);
        let deliver = move || {
            // SAFETY: the bag is in no chain and nobody else has it; the domain runs every deferred
            // call before it frees its participants.
            unsafe { Bag::deliver(bag) };
        };
        // SAFETY: the bag's items were unlinked before they were retired, so that whoever pins
        // after now cannot reach them; what the call captures stays valid until it runs.
        unsafe { guard.defer_unchecked(deliver) };
        // Without this crossbeam would gather 64 bags before it stamps them.
        guard.flush();
    }

    /// Adds bags of a participant that nobody owns to this one's.
    pub(super) fn adopt(&self, orphans: *mut Bag) {
        self.local(|local| local.adopt(orphans));
    }

    /// Takes a block of a class size from the magazine.
    #[inline]
    pub(super) fn take_block(&self, bytes: usize) -> NonNull<u8> {
        self.local(|local| local.magazines.take(bytes))
    }

    /// Puts back a block that was never shared.
    ///
    /// # Safety
    ///
    /// The block came from [`take_block`](Self::take_block) with the same size, and nobody else
    /// has seen it.
    pub(super) unsafe fn put_block(&self, block: NonNull<u8>, bytes: usize) {
        // SAFETY: the caller's word.
        self.local(|local| unsafe { local.magazines.put(block, bytes) });
    }

    /// Draws a pseudo-random number; for sampling, not for secrets.
    #[inline]
    pub(super) fn random(&self) -> u32 {
        self.local(|local| {
            // A multiplicative generator of Steele and Vigna's (2021); the state is odd, and the
            // upper half is the good one.
            local.random = local.random.wrapping_mul(0xF134_2543_DE82_EF95);
            (local.random >> 32) as u32
        })
    }

    /// Draws a sequence number, from a block of the domain's that `refill` opens when needed.
    #[inline]
    pub(super) fn sequence(&self, refill: impl FnOnce() -> u32) -> u32 {
        self.local(|local| {
            if local.sequence == local.sequence_end {
                local.sequence = refill();
                local.sequence_end = local.sequence.wrapping_add(SEQUENCE_BLOCK);
            }
            let drawn = local.sequence;
            local.sequence = drawn.wrapping_add(1);
            drawn
        })
    }

    /// Frees everything that is left, when the domain closes.
    ///
    /// # Safety
    ///
    /// Nobody is pinned, nobody ever will be, and no thread uses the participant.
    pub(super) unsafe fn drain(&self) {
        loop {
            let chain = self.local(|local| {
                let bag = std::mem::replace(&mut local.bag, ptr::null_mut());
                if !bag.is_null() {
                    local.adopt(bag);
                }
                local.adopt(self.inbox.take_all());
                local.backlog = 0;
                std::mem::replace(&mut local.ready, ptr::null_mut())
            });
            if chain.is_null() {
                break;
            }
            let mut scratch = Magazines::new();
            let mut bag = chain;
            while !bag.is_null() {
                // SAFETY: the chain is ours alone.
                let next = unsafe { (*bag).next() };
                // SAFETY: ours alone; with nobody pinned every grace period is over.
                unsafe { Bag::destroy(bag, &mut scratch) };
                bag = next;
            }
        }
        self.local(Local::free_spares);
    }

    /// Runs `work` on the owner's part. `work` never runs foreign code, so calls do not nest.
    #[inline]
    fn local<R>(&self, work: impl FnOnce(&mut Local) -> R) -> R {
        // SAFETY: only the thread that holds `in_use` (or closes the domain) gets here, and calls
        // do not nest: `work` is a few lines of this file that run nobody else's code.
        self.local.with_mut(|local| work(unsafe { &mut *local }))
    }
}

impl Local {
    /// Takes an item that is safe to free.
    #[inline]
    fn next_ready(&mut self) -> Option<Retired> {
        while !self.ready.is_null() {
            // SAFETY: the bags in `ready` are this participant's alone.
            let bag = unsafe { &mut *self.ready };
            if let Some(item) = bag.pop() {
                self.backlog = self.backlog.saturating_sub(1);
                return Some(item);
            }
            let empty = std::mem::replace(&mut self.ready, bag.next());
            self.keep_spare(empty);
        }
        None
    }

    /// Takes a chain of bags whose grace period is over.
    #[cold]
    fn adopt(&mut self, mut chain: *mut Bag) {
        while !chain.is_null() {
            // SAFETY: whoever hands us a chain owns it alone, as the result of a `take_all`.
            let bag = unsafe { &mut *chain };
            let next = bag.next();
            if bag.is_empty() {
                self.keep_spare(chain);
            } else {
                bag.set_next(self.ready);
                self.ready = chain;
                self.backlog += BAG;
            }
            chain = next;
        }
    }

    /// Keeps an empty bag for later, or frees it.
    fn keep_spare(&mut self, empty: *mut Bag) {
        if self.spares == SPARE_BAGS {
            // SAFETY: an empty bag of ours, in no chain, from `Bag::new`.
            unsafe { Bag::destroy(empty, &mut self.magazines) };
            return;
        }
        // SAFETY: as above.
        unsafe { (*empty).set_next(self.spare) };
        self.spare = empty;
        self.spares += 1;
    }

    /// An empty bag that will return to `owner`: a spare one, or a new one.
    #[cold]
    fn empty_bag(&mut self, owner: *const Participant) -> *mut Bag {
        if self.spare.is_null() {
            return Bag::new(owner);
        }
        let bag = self.spare;
        // SAFETY: spares are this participant's alone.
        let spare = unsafe { &mut *bag };
        self.spare = spare.next();
        self.spares -= 1;
        // It is in no chain from here on: whoever adopts it must not find the other spares.
        spare.set_next(ptr::null_mut());
        // A spare may have been an orphan's.
        spare.set_owner(owner);
        bag
    }

    /// Frees the empty bags.
    fn free_spares(&mut self) {
        while !self.spare.is_null() {
            let bag = self.spare;
            // SAFETY: spares are this participant's alone.
            self.spare = unsafe { (*bag).next() };
            // SAFETY: an empty bag of ours, in no chain any more.
            unsafe { Bag::destroy(bag, &mut self.magazines) };
        }
        self.spares = 0;
    }
}
