//! Reclamation: when memory that a reader may still look at is freed, and by whom.
//!
//! A writer that unlinks a record cannot free it, since a reader may have found it an instant
//! before. So readers [pin](Domain::pin) themselves for the length of an operation, writers
//! [retire](Guard::retire) what they unlinked, and it is freed after a *grace period*: when
//! everybody who was pinned at the moment of retiring has unpinned. This module is a thin seam
//! over crossbeam-epoch, which counts the epochs, and adds what a cache on a hot path needs:
//! garbage comes home to the thread that retired it, is freed one or two items at a time, and
//! becomes that thread's next allocation.
//!
//! # How it works
//!
//! Each pool has a [`Domain`] of its own: its own collector, so that nobody else's stalled reader
//! holds its memory back, and so that dropping the pool can free everything. Each thread that uses
//! the pool has a [`Participant`] in it. A retired item goes into the participant's *bag*. A full
//! bag of [`BAG`](crate::sync::BAG) items becomes **one** deferred call of the collector's, which
//! after the grace period pushes the bag into its owner's *inbox*. The owner frees one item for each
//! item that it retires, two when more than a few bags wait, never a whole bag at once. Plain
//! blocks go to its [magazines](magazine::Magazines), from which the next record is taken: in steady
//! state an overwrite neither calls the allocator nor frees in a burst. (crossbeam's queue itself
//! allocates one node per bag, that is once in 64 retires.)
//!
//! A thread that ends seals its bag, frees what is ready and leaves its participant for the next
//! thread. Bags of its that are still in flight arrive in its inbox; whoever seals a bag next looks
//! for such orphans and takes them.
//!
//! # Life of a retired item
//!
//! | state    | where             | leaves by                          | done by                       |
//! |----------|-------------------|------------------------------------|-------------------------------|
//! | unlinked | nowhere           | `retire`                           | whoever won the unlinking CAS |
//! | bagged   | the owner's bag   | `seal`                             | the owner, when full or leaving |
//! | deferred | the collector     | `deliver`, after the grace period  | any thread that collects      |
//! | home     | the owner's inbox | `take_all`                         | the owner; anyone when it left |
//! | ready    | a private chain   | `free_one`                         | whoever took it               |
//! | free     | a magazine        | `take_block`                       | the same thread               |
//!
//! # Invariants
//!
//! * **I1** An item is retired once, after the CAS that unlinked it, by the thread that won it.
//! * **I2** A bag is in at most one chain, and only its holder touches what is in it.
//! * **I3** `local` and `handle` of a participant are used only by the thread that holds its
//!   `in_use`, or by [`Domain::close`] when no guard exists.
//! * **I4** Participants are freed only by `close`, after every deferred call has run.
//!
//! # Orderings
//!
//! | edge              | from                          | to                             | carries                     |
//! |-------------------|-------------------------------|--------------------------------|-----------------------------|
//! | `deliver→take`    | `Inbox::push` CAS, Release    | `Inbox::take_all` swap, Acquire | the bag and its items      |
//! | `leave→claim`     | `leave` store, Release        | `try_claim` CAS, Acquire       | the participant's `local`   |
//! | `register→search` | `Domain::register` CAS, Release | head load, Acquire           | a new participant's fields  |
//!
//! The edge that matters most is crossbeam's own: the fence in `pin` against the fence in its
//! epoch advance. Either the reader's announcement comes first, and the epoch does not move past
//! it; or the advance comes first, and the reader sees every unlinking that preceded it, and so
//! cannot reach what is being freed.
//!
//! # Reclamation
//!
//! Why a pinned reader's record is not freed: it was unlinked (I1) before its bag was deferred, so
//! the epoch that crossbeam stamps on the bag is at least that of the unlinking; a reader that
//! found the record was pinned before the unlinking, and crossbeam runs the call only when two
//! epochs have passed since the stamp, which that reader's pin prevents.
//!
//! # Progress
//!
//! `pin` and `retire` are wait-free apart from crossbeam's own queue of bags (lock-free, once a
//! bag) and the first use of a pool by a thread (lock-free list, and an allocation). A reader that
//! stays pinned holds back every bag sealed meanwhile: [`Domain::retired_bytes`] tells how much.

mod bag;
mod epoch;
mod local;
#[cfg(all(test, pool_loom))]
mod loom;
pub(crate) mod magazine;
mod participant;
#[cfg(all(test, not(pool_loom)))]
mod tests;

pub(crate) use bag::Retired;
pub(crate) use participant::Participant;

use crate::{
    sync::{AtomicPtr, AtomicU32, Mutex, Ordering, lock},
    tally::{Stripe, Tally},
};
use epoch::{Collector, Guard as EpochGuard};
use std::{marker::PhantomData, mem::ManuallyDrop, ptr, ptr::NonNull, sync::Arc};

/// Times that [`Domain::advance`] tries to move the epoch on; three suffice when nobody is pinned.
const ADVANCES: usize = 4;

/// A pool's own world of reclamation.
pub(crate) struct Domain {
    /// Never reused, unlike an address: tells one domain's thread-local entries from another's.
    id: u64,
    collector: Mutex<Option<Collector>>,
    participants: AtomicPtr<Participant>,
    /// Where the next block of sequence numbers starts.
    sequence: AtomicU32,
    /// Set by `close`. Held by a thread that leaves, so that the two do not cross.
    closed: Mutex<bool>,
}

impl std::fmt::Debug for Domain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Domain").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Domain {
    /// Creates a domain with no participants.
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            id: local::next_domain_id(),
            collector: Mutex::new(Some(Collector::new())),
            participants: AtomicPtr::new(ptr::null_mut()),
            sequence: AtomicU32::new(0),
            closed: Mutex::new(false),
        })
    }

    /// Pins the current thread: what it finds from now on stays until the guard is dropped.
    ///
    /// Guards nest. The first use of a domain by a thread registers it.
    #[inline]
    pub(crate) fn pin(self: &Arc<Self>) -> Guard<'_> {
        let participant = local::participant(self);
        // SAFETY: a participant lives until `close` (I4), which is reached only by dropping what
        // this guard borrows.
        let participant = unsafe { &*participant };
        Guard { epoch: participant.handle.pin(), participant, domain: self, not_send: PhantomData }
    }

    /// Takes over a participant that a thread has left, or adds a new one.
    #[cold]
    fn register(&self) -> *const Participant {
        if let Some(left) = self.participants().find(|p| p.try_claim()) {
            return left;
        }
        let handle = match &*lock(&self.collector) {
            Some(collector) => collector.register(),
            None => unreachable!("I4: the domain is closed"),
        };
        let seed = foldhash::quality::RandomState::default();
        let seed = std::hash::BuildHasher::hash_one(&seed, self.id);
        let new = Participant::new(handle, seed);
        // ORDERING: Relaxed; only linked to here.
        let mut head = self.participants.load(Ordering::Relaxed);
        loop {
            // SAFETY: `new` is private until the CAS below succeeds.
            unsafe { (*new).next = head };
            // ORDERING: Release, edge `register→search`; Relaxed on failure, only linked to.
            match self.participants.compare_exchange_weak(
                head,
                new,
                Ordering::Release,
                Ordering::Relaxed,
            ) {
                Ok(_) => return new,
                Err(current) => head = current,
            }
        }
    }

    /// Registers a participant for an actor of a model, which [sits down](Self::sit) at it later.
    #[cfg(pool_loom)]
    pub(crate) fn reserve_seat(&self) -> Seat {
        Seat(self.register())
    }

    /// Makes the current thread the user of a reserved participant.
    #[cfg(pool_loom)]
    pub(crate) fn sit(self: &Arc<Self>, seat: &Seat) {
        local::take_seat(self, seat.0);
    }

    /// Everyone who is or was registered.
    fn participants(&self) -> impl Iterator<Item = &Participant> {
        // ORDERING: Acquire, edge `register→search`; later registrations extend its release
        // sequence, and `next` does not change after publication.
        let mut next = self.participants.load(Ordering::Acquire).cast_const();
        std::iter::from_fn(move || {
            // SAFETY: the list only grows, and lives until `close` (I4).
            let participant = unsafe { next.as_ref() }?;
            next = participant.next;
            Some(participant)
        })
    }

    /// Sums one counter over all stripes.
    pub(crate) fn total(&self, tally: Tally) -> u64 {
        self.participants().fold(0, |sum, p| sum.wrapping_add(p.stripe().of(tally).get()))
    }

    /// Bytes retired and not yet free.
    pub(crate) fn retired_bytes(&self) -> u64 {
        self.total(Tally::RetiredBytes)
    }

    /// Whether the pool is gone.
    fn is_closed(&self) -> bool {
        *lock(&self.closed)
    }

    /// Lets a thread's participant go.
    fn leave(&self, participant: *const Participant) {
        let closed = lock(&self.closed);
        if !*closed {
            // SAFETY: the domain is not closed, and cannot be while we hold the lock (I4).
            unsafe { &*participant }.leave();
        }
    }

    /// Seals the current thread's bag, moves the epoch on as far as others' pins allow, and frees
    /// what has become safe.
    pub(crate) fn advance(self: &Arc<Self>) {
        for _ in 0..ADVANCES {
            let guard = self.pin();
            guard.participant.seal(&guard.epoch);
            guard.epoch.flush();
        }
        let guard = self.pin();
        guard.adopt_orphans();
        while guard.participant.free_one() {}
    }

    /// Frees everything: what waits for a grace period, what is ready, and the participants.
    ///
    /// Later calls do nothing.
    ///
    /// # Safety
    ///
    /// No guard of this domain exists, and none will.
    pub(crate) unsafe fn close(&self) {
        let mut closed = lock(&self.closed);
        if std::mem::replace(&mut *closed, true) {
            return;
        }
        // ORDERING: Acquire, edge `register→search`.
        let mut next = self.participants.load(Ordering::Acquire);
        let mut all = Vec::new();
        while !next.is_null() {
            all.push(next);
            // SAFETY: participants are valid until the end of this function.
            next = unsafe { (*next).next }.cast_mut();
        }
        for &participant in &all {
            // SAFETY: nobody is pinned (the caller's word), so that the participant is ours.
            let handle = unsafe { &mut (*participant).handle };
            // SAFETY: dropped here only.
            unsafe { ManuallyDrop::drop(handle) };
        }
        // The last handle is gone: dropping the collector runs what was deferred, and the bags
        // come home to participants that still stand.
        drop(lock(&self.collector).take());
        for &participant in &all {
            // SAFETY: valid until the end of this function.
            let participant = unsafe { &*participant };
            // SAFETY: nobody is pinned, and the lock keeps threads from leaving meanwhile.
            unsafe { participant.drain() };
        }
        for participant in all {
            // SAFETY: it came from `Box::into_raw`, and nothing points at it but thread-local
            // entries, which are not followed once `closed` is set or the id no longer matches.
            drop(unsafe { Box::from_raw(participant) });
        }
    }
}

/// A participant that a model has registered for one of its actors.
#[cfg(pool_loom)]
pub(crate) struct Seat(*const Participant);

// SAFETY: it is used by the one actor that it is handed to.
#[cfg(pool_loom)]
unsafe impl Send for Seat {}

/// The right to look at what the table points at; while one exists, nothing seen under it is freed.
///
/// Not `Send`: it belongs to the thread that pinned. It must not be held across anything that
/// blocks, since it holds back the garbage of every thread.
pub(crate) struct Guard<'d> {
    epoch: EpochGuard,
    participant: &'d Participant,
    domain: &'d Arc<Domain>,
    not_send: PhantomData<*const ()>,
}

impl std::fmt::Debug for Guard<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Guard").field("domain", &self.domain.id).finish_non_exhaustive()
    }
}

impl Guard<'_> {
    /// Hands over something unlinked, to be finished when nobody can look at it any more.
    ///
    /// Frees up to two earlier items, which may run a user's `drop`.
    ///
    /// # Safety
    ///
    /// The item is unlinked: no thread that pins from now on can reach it. It is retired once.
    /// Its block came from [`take_block`](Self::take_block) of this domain with that size, and
    /// what its call needs lives until the domain has closed.
    #[inline]
    pub(crate) unsafe fn retire(&self, item: Retired) {
        // SAFETY: the guard holds the participant, and the rest is the caller's word.
        if unsafe { self.participant.retire(&self.epoch, item) } {
            self.adopt_orphans();
        }
    }

    /// Picks up what came home for participants whose threads have ended.
    #[cold]
    fn adopt_orphans(&self) {
        for participant in self.domain.participants() {
            if !participant.is_in_use() && !participant.inbox.is_empty() {
                self.participant.adopt(participant.inbox.take_all());
            }
        }
    }

    /// Takes a block of a class size (see [`magazine::block_bytes`]); its content is arbitrary.
    #[inline]
    pub(crate) fn take_block(&self, bytes: usize) -> NonNull<u8> {
        self.participant.take_block(bytes)
    }

    /// Puts back a block that was never published.
    ///
    /// # Safety
    ///
    /// The block came from [`take_block`](Self::take_block) of this domain with the same size, and
    /// no other thread has seen it.
    #[inline]
    pub(crate) unsafe fn put_block(&self, block: NonNull<u8>, bytes: usize) {
        // SAFETY: the caller's word.
        unsafe { self.participant.put_block(block, bytes) };
    }

    /// The counters of this thread.
    #[inline]
    pub(crate) fn stripe(&self) -> &Stripe {
        self.participant.stripe()
    }

    /// Draws a pseudo-random number; for sampling, not for secrets.
    #[inline]
    pub(crate) fn random(&self) -> u32 {
        self.participant.random()
    }

    /// Draws a number that no other call of this domain gets within the next 2³² draws.
    #[inline]
    pub(crate) fn sequence(&self) -> u32 {
        self.participant.sequence(|| {
            // ORDERING: Relaxed; only uniqueness matters.
            self.domain.sequence.fetch_add(participant::SEQUENCE_BLOCK, Ordering::Relaxed)
        })
    }
}
