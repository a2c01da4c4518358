//! A thread's part in reclamation: its presence, its bags, its magazines and its counters.

use super::{
    Domain, Epochs, Presence,
    bag::{Bag, BagQueue, Retired},
    ledger::Account,
    magazine::{self, Magazines},
};
use crate::{
    evict,
    sync::{AtomicBool, Mutant, Ordering, UnsafeCell, is_mutant},
    tally::{Stripe, Tally},
};
use crossbeam_utils::CachePadded;
use std::{ptr, ptr::NonNull};

/// Sealed bags above which a retire frees two items instead of one. A lone writer has four.
const CALM_BAGS: usize = 6;

/// Sealed bags from which on a thread that finds the epoch held gives way.
const HELD_UP_BAGS: usize = 16;

/// Times that a thread finds the epoch held before it moves idle threads out of the way.
const PATIENCE: u32 = 4;

/// Empty bags that are kept for later.
const SPARE_BAGS: usize = 4;

/// One thread's part in a domain.
///
/// Participants form a list that only grows; one whose thread has ended is taken over by the next
/// thread that comes. `in_use` is the right to everything below it that is not atomic.
pub(crate) struct Participant {
    /// The next participant of the domain; written before publication.
    pub(super) next: *const Self,
    in_use: AtomicBool,
    pub(super) presence: CachePadded<Presence>,
    local: UnsafeCell<Local>,
    stripe: Stripe,
    /// What this thread has taken from the allocator.
    pub(super) account: Account,
    /// This thread's part in eviction.
    pub(super) evict: evict::local::Local,
}

// SAFETY: `local` is used only by the thread that holds `in_use`, or by the one that closes the
// domain when no guard exists; the rest is atomic or immutable.
unsafe impl Send for Participant {}
// SAFETY: as above.
unsafe impl Sync for Participant {}

/// What only the owning thread touches.
struct Local {
    /// The bag being filled, or null.
    bag: *mut Bag,
    /// Bags that wait for their grace period.
    sealed: BagQueue,
    /// A bag whose grace period is over, being emptied, or null.
    ready: *mut Bag,
    /// How often in a row the epoch was held.
    stuck: u32,
    /// Set when a bag is closed while others hold up many.
    is_held_up: bool,
    /// Empty bags.
    spare: *mut Bag,
    spares: usize,
    magazines: Magazines,
    /// Set while retired items are being freed: a user's `drop` that comes back in does not free.
    is_freeing: bool,
    random: u64,
}

impl std::fmt::Debug for Participant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Participant").field("stripe", &self.stripe).finish_non_exhaustive()
    }
}

impl Participant {
    /// Allocates a participant in use by the caller.
    pub(super) fn new(seed: u64) -> *mut Self {
        let local = Local {
            bag: ptr::null_mut(),
            sealed: BagQueue::new(),
            ready: ptr::null_mut(),
            stuck: 0,
            is_held_up: false,
            spare: ptr::null_mut(),
            spares: 0,
            magazines: Magazines::new(),
            is_freeing: false,
            random: seed | 1,
        };
        let account = Account::default();
        account.note(signed(size_of::<Self>()));
        Box::into_raw(Box::new(Self {
            next: ptr::null(),
            in_use: AtomicBool::new(true),
            presence: CachePadded::new(Presence::new()),
            local: UnsafeCell::new(local),
            stripe: Stripe::default(),
            account,
            evict: evict::local::Local::default(),
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

    /// Gives up a participant: its bags go to the domain's orphans, its memory to the allocator.
    pub(super) fn leave(&self, domain: &Domain) {
        let (mut bags, given_back) = self.local(|local| {
            let given_back = local.magazines.clear() + local.free_spares();
            (local.take_bags(&domain.epochs), given_back)
        });
        self.charge(domain, -signed(given_back));
        while !is_mutant(Mutant::ExitKeepsBag) {
            let bag = bags.pop();
            if bag.is_null() {
                break;
            }
            domain.orphans.push(bag);
        }
        self.presence.leave();
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
    /// pinned.
    pub(super) unsafe fn retire(&self, domain: &Domain, item: Retired) {
        if let Retired::Gradual { bytes, is_counted: false, .. } = item {
            // Until now it was part of a table, which counts itself.
            self.charge(domain, i64::try_from(bytes).unwrap_or(i64::MAX));
        }
        self.put_into_bag(domain, item);
    }

    /// As [`retire`](Self::retire), for a plain block, whose words go straight into the bag: an item
    /// that is written first and copied then is read in other pieces than it was written in, which
    /// processors wait for.
    ///
    /// # Safety
    ///
    /// As for `retire`.
    pub(super) unsafe fn retire_block(&self, domain: &Domain, block: NonNull<u8>, bytes: u32) {
        self.put_into_bag(domain, Retired::Block { block, bytes });
    }

    /// Puts an item that is retired into the bag, and frees one or two others.
    #[inline(always)]
    fn put_into_bag(&self, domain: &Domain, item: Retired) {
        self.stripe.of(Tally::RetiredBytes).add(item.bytes());
        let (is_full, frees) = self.local(|local| {
            if local.bag.is_null() {
                local.bag = local.empty_bag(&self.account);
            }
            // SAFETY: `bag` is this participant's own until it is sealed.
            let is_full = unsafe { (*local.bag).push(item) };
            let frees =
                if local.is_freeing { 0 } else { 1 + u32::from(local.sealed.len() > CALM_BAGS) };
            (is_full, frees)
        });
        if is_full {
            self.seal(domain);
        }
        for _ in 0..frees {
            if !self.free_one(domain) {
                break;
            }
        }
    }

    /// Counts bytes that were taken from the allocator or given back.
    #[cold]
    #[inline(never)]
    fn charge(&self, domain: &Domain, delta: i64) {
        domain.ledger.charge(&self.account, delta);
    }

    /// Frees one item whose grace period is over; false when there is none.
    // Always: every retire does it, and saving registers is a sixth of its work.
    #[inline(always)]
    pub(super) fn free_one(&self, domain: &Domain) -> bool {
        let freed = self.local(
            #[inline(always)]
            |local| {
                let (block, bytes) =
                    local.next_ready(&domain.epochs, &self.account, Bag::pop_block)?;
                // SAFETY: a retired block whose grace period is over is the finisher's alone, and
                // its size is the one it was taken with.
                let change = unsafe { local.magazines.put(block, bytes as usize) };
                Some((bytes, change))
            },
        );
        let Some((bytes, change)) = freed else { return self.free_other(domain) };
        self.stripe.of(Tally::RetiredBytes).subtract(u64::from(bytes));
        if change != 0 {
            self.charge(domain, change);
        }
        true
    }

    /// The part of [`free_one`](Self::free_one) for what is more than a block.
    #[cold]
    #[inline(never)]
    fn free_other(&self, domain: &Domain) -> bool {
        let next = |local: &mut Local| local.next_ready(&domain.epochs, &self.account, Bag::pop);
        let Some(item) = self.local(next) else { return false };
        // SAFETY: out of a bag whose grace period is over, and popped once.
        match unsafe { item.free_slice() } {
            None => {
                self.stripe.of(Tally::RetiredBytes).subtract(item.bytes());
                self.charge(domain, -i64::try_from(item.bytes()).unwrap_or(0));
            }
            Some(rest @ Retired::Gradual { .. }) => {
                self.local(|local| local.put_back(rest, &self.account));
            }
            Some(item) => self.finish(domain, item),
        }
        true
    }

    /// Finishes one item; a user's code may run, with no borrow of ours.
    fn finish(&self, domain: &Domain, item: Retired) {
        self.stripe.of(Tally::RetiredBytes).subtract(item.bytes());
        self.local(|local| local.is_freeing = true);
        // SAFETY: the item came out of a bag whose grace period is over, and was popped once.
        let (left, freed) = unsafe { item.finish() };
        let change = self.local(|local| {
            local.is_freeing = false;
            // SAFETY: `finish` leaves the block to us, of the size it was taken with.
            left.map_or(0, |(block, bytes)| unsafe { local.magazines.put(block, bytes) })
        });
        self.charge(domain, change - signed(freed));
    }

    /// Closes the bag, takes in what threads that have ended left, and tries to move the epoch on;
    /// false when somebody holds it.
    #[cold]
    #[inline(never)]
    pub(super) fn seal(&self, domain: &Domain) -> bool {
        let insists = self.local(|local| {
            local.seal(&domain.epochs);
            local.stuck >= PATIENCE
        });
        self.adopt_orphans(domain);
        let moved = domain.epochs.advance(domain.presences(), insists);
        self.local(|local| {
            local.stuck = if moved { 0 } else { local.stuck.saturating_add(1) };
            local.is_held_up = !moved && local.sealed.len() >= HELD_UP_BAGS;
        });
        moved
    }

    /// As [`seal`](Self::seal), but moves idle threads out of the way at once.
    pub(super) fn seal_and_insist(&self, domain: &Domain) -> bool {
        self.local(|local| local.stuck = PATIENCE);
        self.seal(domain)
    }

    /// Whether others hold up the release of much that this thread has retired; says so once for
    /// each bag that it closes.
    #[inline]
    pub(super) fn is_held_up(&self) -> bool {
        self.local(|local| std::mem::take(&mut local.is_held_up))
    }

    /// Takes in the bags of threads that have ended.
    fn adopt_orphans(&self, domain: &Domain) {
        if domain.orphans.is_empty() {
            return;
        }
        let mut chain = domain.orphans.take_all();
        while !chain.is_null() {
            // SAFETY: what `take_all` returns is the taker's alone.
            let next = unsafe { (*chain).next() };
            self.local(|local| local.sealed.push(chain));
            chain = next;
        }
    }

    /// Takes a block of a class size, from the magazine if one lies ready.
    #[inline]
    pub(super) fn take_block(&self, domain: &Domain, bytes: usize) -> NonNull<u8> {
        let ready = self.local(|local| local.magazines.take(bytes));
        ready.unwrap_or_else(|| self.allocate(domain, bytes))
    }

    /// Asks the global allocator for a block.
    #[cold]
    #[inline(never)]
    fn allocate(&self, domain: &Domain, bytes: usize) -> NonNull<u8> {
        self.charge(domain, signed(bytes));
        magazine::allocate(bytes)
    }

    /// Whether a block of a class size lies ready.
    pub(super) fn has_block(&self, bytes: usize) -> bool {
        self.local(|local| local.magazines.has(bytes))
    }

    /// Counts bytes that a record takes, or gives back, outside of its block.
    pub(super) fn note_held(&self, domain: &Domain, delta: i64) {
        self.charge(domain, delta);
    }

    /// Gives what lies ready back to the allocator, if that is more than so many bytes.
    pub(super) fn trim(&self, domain: &Domain, most: usize) {
        let given_back = self.local(|local| {
            if local.magazines.held_bytes() > most { local.magazines.clear() } else { 0 }
        });
        self.charge(domain, -signed(given_back));
    }

    /// Puts back a block that was never shared.
    ///
    /// # Safety
    ///
    /// The block came from [`take_block`](Self::take_block) with the same size, and nobody else
    /// has seen it.
    pub(super) unsafe fn put_block(&self, domain: &Domain, block: NonNull<u8>, bytes: usize) {
        // SAFETY: the caller's word.
        let change = self.local(|local| unsafe { local.magazines.put(block, bytes) });
        if change != 0 {
            self.charge(domain, change);
        }
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

    /// Frees everything that is left, when the domain closes.
    ///
    /// # Safety
    ///
    /// Nobody is pinned, nobody ever will be, and no thread uses the participant.
    pub(super) unsafe fn drain(&self, domain: &Domain) {
        self.adopt_orphans(domain);
        let mut scratch = Magazines::new();
        let mut bags = self.local(|local| local.take_bags(&domain.epochs));
        loop {
            let bag = bags.pop();
            if bag.is_null() {
                break;
            }
            // SAFETY: ours alone; with nobody pinned every grace period is over.
            unsafe { Bag::destroy(bag, &mut scratch) };
        }
        self.local(|local| local.free_spares());
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
    /// Takes an item that is safe to free, by a method of its bag.
    #[inline]
    fn next_ready<T>(
        &mut self,
        epochs: &Epochs,
        account: &Account,
        pop: impl FnOnce(&mut Bag) -> Option<T>,
    ) -> Option<T> {
        if self.ready.is_null() {
            self.open_next(epochs)?;
        }
        // SAFETY: `ready` is this participant's alone, and not null here.
        let bag = unsafe { &mut *self.ready };
        let item = pop(bag);
        if bag.is_empty() {
            let empty = std::mem::replace(&mut self.ready, ptr::null_mut());
            self.keep_spare(empty, account);
        }
        item
    }

    /// Opens the oldest sealed bag, if its grace period is over.
    #[inline]
    fn open_next(&mut self, epochs: &Epochs) -> Option<()> {
        let stamp = self.sealed.oldest_stamp()?;
        if !epochs.has_passed(stamp) {
            return None;
        }
        self.ready = self.sealed.pop();
        Some(())
    }

    /// Puts back an item of which a part was freed, to be the next one again.
    fn put_back(&mut self, item: Retired, account: &Account) {
        if self.ready.is_null() {
            self.ready = self.empty_bag(account);
        }
        // SAFETY: `ready` is this participant's alone, and has room for what came out of it.
        unsafe { (*self.ready).push(item) };
    }

    /// Closes the bag with the epoch as its stamp.
    fn seal(&mut self, epochs: &Epochs) {
        // SAFETY: `bag` is this participant's alone.
        if let Some(bag) = unsafe { self.bag.as_mut() } {
            bag.set_stamp(epochs.now());
            self.sealed.push(std::mem::replace(&mut self.bag, ptr::null_mut()));
        }
    }

    /// Takes all bags, whatever their state.
    fn take_bags(&mut self, epochs: &Epochs) -> BagQueue {
        self.seal(epochs);
        if !self.ready.is_null() {
            self.sealed.push(std::mem::replace(&mut self.ready, ptr::null_mut()));
        }
        std::mem::replace(&mut self.sealed, BagQueue::new())
    }

    /// Keeps an empty bag for later, or frees it.
    #[cold]
    fn keep_spare(&mut self, empty: *mut Bag, account: &Account) {
        if self.spares == SPARE_BAGS {
            account.note(-signed(size_of::<Bag>()));
            // SAFETY: an empty bag of ours, in no chain, from `Bag::new`.
            unsafe { Bag::destroy(empty, &mut self.magazines) };
            return;
        }
        // SAFETY: as above.
        unsafe { (*empty).set_next(self.spare) };
        self.spare = empty;
        self.spares += 1;
    }

    /// An empty bag: a spare one, or a new one.
    #[cold]
    fn empty_bag(&mut self, account: &Account) -> *mut Bag {
        if self.spare.is_null() {
            account.note(signed(size_of::<Bag>()));
            return Bag::new();
        }
        let bag = self.spare;
        // SAFETY: spares are this participant's alone.
        self.spare = unsafe { (*bag).next() };
        self.spares -= 1;
        bag
    }

    /// Frees the empty bags; returns how many bytes those were.
    fn free_spares(&mut self) -> usize {
        let given_back = self.spares * size_of::<Bag>();
        while !self.spare.is_null() {
            let bag = self.spare;
            // SAFETY: spares are this participant's alone.
            self.spare = unsafe { (*bag).next() };
            // SAFETY: an empty bag of ours, in no chain any more.
            unsafe { Bag::destroy(bag, &mut self.magazines) };
        }
        self.spares = 0;
        given_back
    }
}

/// A size as a change of the accounts.
fn signed(bytes: usize) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}
