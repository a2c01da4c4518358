//! Reclamation: when memory that a reader may still look at is freed, and by whom.
//!
//! A writer that unlinks a record cannot free it, since a reader may have found it an instant
//! before. So readers [pin](Domain::pin) themselves for the length of an operation, writers
//! [retire](Guard::retire) what they unlinked, and it is freed after a *grace period*: when
//! everybody who was pinned at the moment of retiring has unpinned. Time is counted in epochs
//! (Fraser's scheme); garbage stays with the thread that retired it, is freed one or two items at a
//! time, and becomes that thread's next allocation.
//!
//! # How it works
//!
//! Each pool has a [`Domain`] of its own, so that nobody else's stalled reader holds its memory
//! back, and so that dropping the pool can free everything. Each thread that uses the pool has a
//! [`Participant`] in it, and in that a [presence](epoch::Presence): the epoch that it has announced,
//! and how many guards it holds.
//!
//! A retired item goes into the participant's *bag*. A full bag of [`BAG`](crate::sync::BAG) items
//! is *sealed*: stamped with the current epoch and queued. Sealing is also when a thread tries to
//! move the epoch on. [`GRACE`](epoch::GRACE) epochs later the bag is ready, and its owner frees one
//! item for each item that it retires, two when more than a few bags wait, never a whole bag at
//! once. Plain blocks go to its [magazines](magazine::Magazines), from which the next record is
//! taken: in steady state an overwrite neither calls the allocator nor frees in a burst.
//!
//! A pin is two loads and a store. An announcement is not taken back at the end of an operation: it
//! stands, and the next operation finds it standing. Only when the epoch has moved on since does a
//! thread announce itself anew, with a fence. A thread that has stopped working would hold the
//! epoch for ever; after a few attempts the others run a barrier on all processors (Linux's
//! `membarrier`), and revoke its announcement if it is in no operation.
//!
//! A thread that ends leaves its bags to the domain's *orphans*, where the next thread that seals a
//! bag finds them, and its participant to the next thread that comes.
//!
//! # Life of a retired item
//!
//! | state    | where               | leaves by                          | done by                       |
//! |----------|---------------------|------------------------------------|-------------------------------|
//! | unlinked | nowhere             | `retire`                           | whoever won the unlinking CAS |
//! | bagged   | the owner's bag     | `seal`                             | the owner, when full or leaving |
//! | sealed   | the owner's queue, or the orphans | the end of its grace period | the owner, or who adopts it |
//! | ready    | the owner's `ready` | `free_one`                         | the owner                     |
//! | free     | a magazine          | `take_block`                       | the same thread               |
//!
//! # States of a presence
//!
//! | announced     | depth | means                             | leaves by                             | done by     |
//! |---------------|-------|-----------------------------------|---------------------------------------|-------------|
//! | absent        | 0     | in nobody's way                   | `announce`                            | the thread  |
//! | the current epoch | any | in nobody's way                 | the epoch moves on                    | anyone      |
//! | an earlier one | > 0  | inside: holds the epoch           | `exit`, and `announce` at its next `enter` | the thread |
//! | an earlier one | 0    | outside, its announcement stands  | `announce`; or `revoke` to absent     | the thread; who has seen it and then run the barrier |
//!
//! # Invariants
//!
//! * **I1** An item is retired once, after the CAS that unlinked it, by the thread that won it.
//! * **I2** A bag is in at most one chain, and only its holder touches what is in it.
//! * **I3** `local` of a participant is used only by the thread that holds its `in_use`, or by
//!   [`Domain::close`] when no guard exists.
//! * **I4** Participants are freed only by `close`.
//! * **I5** An announcement is revoked only by who has read a later epoch, before the barrier that
//!   precedes the revocation.
//!
//! # Orderings
//!
//! | edge              | from                          | to                             | carries                     |
//! |-------------------|-------------------------------|--------------------------------|-----------------------------|
//! | `exit→advance`    | `exit`, `leave` or `announce` store, `revoke` CAS, Release | `standing` or `revoke` load, Acquire | what a thread did in earlier epochs |
//! | `advance→announce` | `advance` CAS, Release       | `announce` load, and the fence behind it | every unlinking that preceded the epoch |
//! | `advance→free`    | `advance` CAS, Release        | `has_passed` load, Acquire     | what everybody did before the epoch |
//! | `orphan→adopt`    | `Orphans::push` CAS, Release  | `take_all` swap, Acquire       | the bag and its items       |
//! | `leave→claim`     | `leave` store, Release        | `try_claim` CAS, Acquire       | the participant's `local`   |
//! | `register→search` | `Domain::register` CAS, Release | head load, Acquire           | a new participant's fields  |
//!
//! Two races are two-sided, and are settled by fences. *Announcement against advance*: a fence
//! follows the announcement, and one precedes the look at all announcements. If the former comes
//! first, the announcement is seen; if the latter does, the announcing thread sees every unlinking
//! before it. *Entering against revocation*: a [light barrier](barrier::Barriers::light) stands
//! between raising `depth` and comparing the announcement with the epoch, a heavy one between seeing
//! an old announcement and looking at `depth`. If the former comes first, the thread is seen inside;
//! if the latter does, the thread sees the epoch that the revoker had seen, or a later one, and
//! announces that: whether the revocation comes before or after it, it changes nothing. Hence I5: who
//! revoked an announcement of an epoch that he had not seen end would take it from a thread that finds
//! it standing.
//!
//! # Reclamation
//!
//! Why a pinned reader's record is not freed. Let a writer, pinned with announcement *w*, unlink it
//! and seal the bag with stamp *s*. The writer's pin keeps the epoch at *w* + 1 or below, and *s* is
//! at least *w*; so the epoch *s* + 2 begins only after the writer was seen outside or in *s* + 1, that
//! is after the unlinking, and whoever announces *s* + 2 or later sees the unlinking and cannot find
//! the record. A reader that holds it has therefore announced at most *s* + 1. While it is inside, the
//! epoch cannot pass *s* + 2, and so the stamp's grace period of three epochs is not over. A reader
//! whose announcement was missed by the advance to *s* + 3 made it after that advance's fence, and
//! sees the unlinking as well.
//!
//! # Progress
//!
//! `pin`, `retire` and freeing are wait-free, apart from the first use of a pool by a thread
//! (lock-free list, and an allocation) and, once a bag, the attempt to move the epoch on: a look at
//! each participant, and every few failed attempts a system call. A reader that stays inside an
//! operation holds back every bag sealed meanwhile: [`Domain::retired_bytes`] tells how much.
//!
//! Where there are more threads than processors, such a reader or writer mostly is one that was
//! interrupted, and it goes on only when somebody else makes way: until then every record that is
//! written is fresh memory, and cold. So a thread can ask whether it is [held up](Guard::is_held_up),
//! and offer its processor while it is not pinned itself. On eight threads of two processors that took
//! a tenth to four tenths off an HSET.
//!
//! # Why not a library
//!
//! Nanoseconds an operation and, behind the stroke, the 99.9th percentile in cycles: slots of pointers
//! to blocks of 128 bytes, GET reads one under a guard, SET allocates, fills, swaps and retires; medians
//! of five interleaved rounds of one run, mimalloc, 2 cores of an AMD EPYC in a virtual machine,
//! 2026-11-25. "With bags" is crossbeam-epoch under the bags and magazines of this module, which is what
//! this module was before; 0.9.21 and 0.5.1 are the versions.
//!
//! | workload                        | this        | crossbeam-epoch with bags | crossbeam-epoch | seize         |
//! |---------------------------------|------------:|--------------------------:|----------------:|--------------:|
//! | GET, 1k slots, 1 thread         | 2.7 / 26    | 4.6 / 26                  | 4.8 / 26        | 4.8 / 26      |
//! | SET, 1k slots, 1 thread         | 10.7 / 104  | 15.7 / 572                | 18.5 / 1,742    | 33.5 / 1,820  |
//! | SET, 100k slots, 2 threads      | 31 / 702    | 67 / 1,924                | 84 / 16,068     | 608 / 63,076  |
//! | 90 % GET, 100k slots, 2 threads | 15 / 728    | 24 / 1,066                | 32 / 5,590      | 88 / 27,144   |
//! | 90 % GET, 1k slots, 8 threads   | 63 / 1,014  | 135 / 2,132               | 127 / 38,194    | 263 / 24,856  |
//!
//! # References and deviations
//!
//! Fraser, *Practical lock-freedom* (2004), for epochs; crossbeam-epoch for the shape of the
//! interface. Announcements that stand are biased locking's idea (Dice, Moir, Scherer 2003; revoked
//! by a barrier on demand) applied to epochs.

mod bag;
pub(crate) mod barrier;
#[cfg_attr(
    all(pool_loom, not(pool_epochs)),
    expect(dead_code, reason = "the models run on the stand-in")
)]
mod epoch;
pub(crate) mod ledger;
mod local;
#[cfg(all(test, pool_loom, not(pool_shuttle)))]
mod loom;
pub(crate) mod magazine;
mod participant;
#[cfg(all(pool_loom, not(pool_epochs)))]
mod stand_in;
#[cfg(all(test, not(pool_loom)))]
mod tests;
#[cfg(all(debug_assertions, not(pool_loom)))]
mod watch;

pub(crate) use bag::Retired;
pub(crate) use participant::Participant;

#[cfg(any(not(pool_loom), pool_epochs))]
use self::epoch::{Epochs, Presence};
#[cfg(all(pool_loom, not(pool_epochs)))]
use self::stand_in::{Epochs, Presence};
use crate::{
    clock::monotonic_millis,
    evict,
    seed::random_seed,
    sync::{AtomicPtr, Mutex, Ordering, lock},
    tally::{Stripe, Tally},
};
use bag::Orphans;
use ledger::Ledger;
use std::{marker::PhantomData, ptr, ptr::NonNull, sync::Arc};

/// Times that [`Domain::advance`] tries to move the epoch on; three suffice when nobody is pinned.
const ADVANCES: u64 = epoch::GRACE + 1;

/// A pool's own world of reclamation.
pub(crate) struct Domain {
    /// Never reused, unlike an address: tells one domain's thread-local entries from another's.
    id: u64,
    epochs: Epochs,
    participants: AtomicPtr<Participant>,
    /// Bags of threads that have ended.
    orphans: Orphans,
    /// Set by `close`. Held by a thread that leaves, so that the two do not cross.
    closed: Mutex<bool>,
    /// Bytes taken from the allocator.
    pub(crate) ledger: Ledger,
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
            epochs: Epochs::new(),
            participants: AtomicPtr::new(ptr::null_mut()),
            orphans: Orphans::new(),
            closed: Mutex::new(false),
            ledger: Ledger::new(),
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
        participant.presence.enter(&self.epochs);
        Guard {
            participant,
            domain: self,
            #[cfg(all(debug_assertions, not(pool_loom)))]
            _watch: watch::Watch::start(),
            not_send: PhantomData,
        }
    }

    /// Takes over a participant that a thread has left, or adds a new one.
    #[cold]
    fn register(&self) -> *const Participant {
        if let Some(left) = self.participants().find(|p| p.try_claim()) {
            return left;
        }
        let new = Participant::new(random_seed());
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

    /// See [`stand_in::Epochs::show_edges`].
    #[cfg(all(pool_loom, not(pool_epochs)))]
    pub(crate) fn show_edges(&self) {
        self.epochs.show_edges();
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

    /// Everyone's presence.
    fn presences(&self) -> impl Iterator<Item = &Presence> {
        self.participants().map(|participant| &*participant.presence)
    }

    /// Sums one counter over all stripes.
    pub(crate) fn total(&self, tally: Tally) -> u64 {
        self.participants().fold(0, |sum, p| sum.wrapping_add(p.stripe().of(tally).get()))
    }

    /// Bytes retired and not yet free.
    pub(crate) fn retired_bytes(&self) -> u64 {
        self.total(Tally::RetiredBytes)
    }

    /// How long, in milliseconds and at least, the oldest guard has been held that keeps the epoch
    /// from moving on; `None` when none does.
    ///
    /// A guard is noticed only when the epoch has moved on since it was taken, which this call tries
    /// to bring about: the first one may see a guard younger than it is.
    pub(crate) fn oldest_guard_millis(self: &Arc<Self>) -> Option<u64> {
        self.pin().participant.seal_and_insist(self);
        self.epochs.held_since(self.presences()).map(|since| monotonic_millis() - since)
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
            unsafe { &*participant }.leave(self);
        }
    }

    /// Seals the current thread's bag, moves the epoch on as far as others' pins allow, and frees
    /// what has become safe.
    pub(crate) fn advance(self: &Arc<Self>) {
        let mut moved = 0;
        // Each failure moves some of the threads that have stopped working out of the way.
        let mut failures = self.participants().count();
        while moved < ADVANCES && failures > 0 {
            if self.pin().participant.seal_and_insist(self) {
                moved += 1;
            } else {
                failures -= 1;
            }
        }
        let guard = self.pin();
        while guard.participant.free_one(self) {}
    }

    /// Bytes taken from the allocator and not given back, to the byte when nobody writes.
    pub(crate) fn taken_bytes(&self) -> u64 {
        self.participants().fold(0, |sum, p| sum.wrapping_add(p.account.taken()))
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
            // SAFETY: valid until the end of this function.
            let participant = unsafe { &*participant };
            // SAFETY: nobody is pinned, and the lock keeps threads from leaving meanwhile.
            unsafe { participant.drain(self) };
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
    participant: &'d Participant,
    domain: &'d Arc<Domain>,
    #[cfg(all(debug_assertions, not(pool_loom)))]
    _watch: watch::Watch,
    not_send: PhantomData<*const ()>,
}

impl std::fmt::Debug for Guard<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Guard").field("domain", &self.domain.id).finish_non_exhaustive()
    }
}

impl Drop for Guard<'_> {
    #[inline]
    fn drop(&mut self) {
        self.participant.presence.exit();
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
        unsafe { self.participant.retire(self.domain, item) };
    }

    /// As [`retire`](Self::retire), for a block that holds nothing to drop: the usual case, which
    /// writes two words.
    ///
    /// # Safety
    ///
    /// As for `retire`.
    #[inline]
    pub(crate) unsafe fn retire_block(&self, block: NonNull<u8>, bytes: u32) {
        // SAFETY: as above.
        unsafe { self.participant.retire_block(self.domain, block, bytes) };
    }

    /// Takes a block of a class size (see [`magazine::block_bytes`]); its content is arbitrary.
    #[inline]
    pub(crate) fn take_block(&self, bytes: usize) -> NonNull<u8> {
        self.participant.take_block(self.domain, bytes)
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
        unsafe { self.participant.put_block(self.domain, block, bytes) };
    }

    /// Whether others hold up the release of much that this thread has retired; says so once for
    /// each bag that it closes.
    #[inline]
    pub(crate) fn is_held_up(&self) -> bool {
        self.participant.is_held_up()
    }

    /// Whether a block of a class size lies ready, so that it need not be allocated.
    pub(crate) fn has_block(&self, bytes: usize) -> bool {
        self.participant.has_block(bytes)
    }

    /// Counts bytes that a record takes, or gives back, outside of its block.
    pub(crate) fn note_held(&self, delta: i64) {
        self.participant.note_held(self.domain, delta);
    }

    /// This thread's part in eviction.
    #[inline]
    pub(crate) fn evict(&self) -> &evict::local::Local {
        &self.participant.evict
    }

    /// Hurries what this thread has retired, if it is more than so many bytes: closes its bag, tries
    /// to move the epoch on, and frees up to `items` of it, or slices of one that is large.
    pub(crate) fn hurry(&self, most: u64, items: usize) {
        let retired = || self.stripe().of(Tally::RetiredBytes).get().cast_signed();
        let is_much = || retired() > most.cast_signed();
        if is_much() {
            self.participant.seal(self.domain);
            for _ in 0..items {
                if !is_much() || !self.participant.free_one(self.domain) {
                    break;
                }
            }
        }
    }

    /// Gives blocks that lie ready back to the allocator, if they are more than so many bytes.
    pub(crate) fn trim(&self, most: u64) {
        self.participant.trim(self.domain, usize::try_from(most).unwrap_or(usize::MAX));
    }

    /// The counters of this thread.
    #[inline]
    pub(crate) fn stripe(&self) -> &Stripe {
        self.participant.stripe()
    }

    /// Sums one counter over all threads.
    pub(crate) fn total(&self, tally: Tally) -> u64 {
        self.domain.total(tally)
    }

    /// Draws a pseudo-random number; for sampling, not for secrets.
    #[inline]
    pub(crate) fn random(&self) -> u32 {
        self.participant.random()
    }
}
