//! Where `lfu` keeps its trials: the ring of those that are running and the ghosts of those that
//! failed, sized for a number of records.
//!
//! # How it works
//!
//! A new record's hash goes into the [ring](ring::Ring). When it comes out at the other end, the
//! record is judged. If it fails, its fingerprint becomes a [ghost](ghost::Ghosts), and a key whose
//! ghost has not faded when it comes back is not tried again.
//!
//! ```text
//! push:  t = tail.fetch_add(1); d = cell[t].swap(hash); d is not a hole → d is the caller's to judge
//! pop:   h = head; tail − h ≤ keep → nothing; n = max(h, tail − cells)
//!        CAS head h → n + 1, failed: again; x = cell[n].swap(hole); x is a hole → the next (4 at most)
//! ```
//!
//! Nothing is allocated before the pool is nearly full. When the number of records outgrows the
//! ring, a larger one takes its place; the smaller one stays, until its hashes have been judged and
//! then empty, since others may still push into it. Each is at least twice as large as the one
//! before, so that all together are less than twice the last.
//!
//! # Invariants
//!
//! * **I1** A hash that was pushed leaves once: popped, displaced by a push, or it is in a cell.
//! * **I2** Cells are changed by swaps only.
//! * **I3** `older` does not change, and a trial is dropped with the one that points at it.
//!
//! A pusher that sleeps between ticket and swap leaves a hole, which poppers pass; its hash comes
//! out a lap later. A popper that sleeps between its CAS and its swap may take a hash a lap too
//! young. Nobody waits for either. If pushes stop, a late hash stays in its cell: the ring must not
//! be the only way to a record.
//!
//! # Linearization points
//!
//! | operation      | takes effect at          |
//! |----------------|--------------------------|
//! | `push`, `pop`  | the swap of the cell     |
//! | `remember`     | its CAS of the word      |
//! | `take_ghost`   | its CAS of the word, or the load that did not find the fingerprint |
//!
//! # Orderings
//!
//! | edge         | from                     | to                         | carries |
//! |--------------|--------------------------|----------------------------|---------|
//! | `push→pop`   | cell swap, Release       | cell swap, Acquire         | that the record was published |
//! | `grow→trial` | `newest` CAS, Release    | `newest` load, Acquire     | ring and ghosts |
//!
//! Tickets are Relaxed: they choose a cell, and what is in it is in its swap.
//!
//! # Progress
//!
//! `push` is wait-free. `pop`, `remember` and `take_ghost` are lock-free: they try again only when
//! another of their kind has succeeded. Two threads on one ring contend for two counters, at most
//! once an insert each.
//!
//! # References and deviations
//!
//! S3-FIFO (Yang et al., SOSP 2023) has queues of records; here the small queue is a ring of
//! hashes, advisory, and the main one is the table itself. Its ghosts are a queue and a table; here
//! they are 2 bytes each in a set-associative one.

mod ghost;
#[cfg(all(test, pool_loom, not(pool_shuttle)))]
mod loom;
mod ring;

use crate::sync::{AtomicPtr, AtomicUsize, Ordering};
use ghost::Ghosts;
use ring::Ring;
use std::ptr;

/// The share of the records that is in trial, in percent.
const TRIAL_PERCENT: usize = 8;
/// The share that the trials keep when the main part has nothing to give, as a divisor of theirs.
const FLOOR_DIVISOR: usize = 8;
/// How many records' worth of failures a ghost lasts, in percent.
const GHOST_PERCENT: usize = 90;

/// A ring and its ghosts.
#[derive(Debug)]
pub(super) struct Trial {
    ring: Ring,
    ghosts: Ghosts,
    /// The one that this one has outgrown, which may still have hashes to be judged.
    older: *mut Self,
}

// SAFETY: `older` is written before publication and lives as long as the one that points at it; the
// rest is atomic.
unsafe impl Send for Trial {}
// SAFETY: as above.
unsafe impl Sync for Trial {}

impl Trial {
    /// The one that this one has outgrown.
    fn older(&self) -> Option<&Self> {
        // SAFETY: null, or published before us and dropped with us (`Trials::drop`).
        unsafe { self.older.as_ref() }
    }

    /// Adds the hash of a record that is in trial. Returns the one that it displaces, if the ring
    /// has come round: it is now the caller's, as if popped. Wait-free.
    pub(super) fn push(&self, hash: u64) -> Option<u64> {
        self.ring.push(hash)
    }

    /// The two hashes that will be popped next, as far as one can tell.
    pub(super) fn upcoming(&self) -> [Option<u64>; 2] {
        [0, 1].map(|ahead| self.ring.peek(ahead))
    }

    /// Asks the processor for the ghost of a key.
    #[inline]
    pub(super) fn expect_ghost(&self, hash: u64) {
        self.ghosts.expect(hash);
    }

    /// Remembers a key that has failed.
    pub(super) fn remember(&self, hash: u64) {
        self.ghosts.remember(hash);
    }

    /// Whether a key has failed lately; true for one of those who ask.
    pub(super) fn take_ghost(&self, hash: u64) -> bool {
        self.ghosts.take(hash)
    }

    /// Every hash in the ring.
    #[cfg(test)]
    pub(super) fn rest(&self) -> Vec<u64> {
        self.ring.rest()
    }

    /// Takes out the oldest hash, if there are more than `keep` in the ring, or any in an older one.
    pub(super) fn pop(&self, keep: usize) -> Option<u64> {
        let older = self.older().filter(|older| older.ring.len() != 0);
        older.and_then(|older| older.pop(0)).or_else(|| self.ring.pop(keep))
    }

    fn bytes(&self) -> usize {
        size_of::<Self>() + (self.ring.capacity() + self.ghosts.words()) * size_of::<u64>()
    }
}

/// The present ring and ghosts, and the share of the records that is in trial.
#[derive(Debug)]
pub(super) struct Trials {
    newest: AtomicPtr<Trial>,
    /// Records that are in trial when the pool is full.
    share: AtomicUsize,
}

impl Trials {
    pub(super) fn new() -> Self {
        Self { newest: AtomicPtr::new(ptr::null_mut()), share: AtomicUsize::new(1) }
    }

    /// Records that are in trial when the pool is full.
    pub(super) fn share(&self) -> usize {
        // ORDERING: Relaxed; a tuning value.
        self.share.load(Ordering::Relaxed)
    }

    /// Records that stay in trial however much the main part is in use.
    pub(super) fn floor(&self) -> usize {
        (self.share() / FLOOR_DIVISOR).max(1)
    }

    /// Fits the share to a number of records.
    pub(super) fn fit(&self, keys: usize) {
        let share = (keys.saturating_mul(TRIAL_PERCENT) / 100).max(1);
        // ORDERING: Relaxed; a tuning value.
        self.share.store(share, Ordering::Relaxed);
    }

    /// The present ring and ghosts, if there ever was a trial.
    pub(super) fn newest(&self) -> Option<&Trial> {
        // SAFETY: null or published by `grow`, and not dropped before us.
        unsafe { self.newest_pointer().as_ref() }
    }

    /// As [`newest`](Self::newest), as it came from its box: it is freed by way of this pointer, and
    /// never of a shared reference.
    fn newest_pointer(&self) -> *mut Trial {
        // ORDERING: Acquire, edge `grow→trial`.
        self.newest.load(Ordering::Acquire)
    }

    /// A ring and ghosts that are large enough for `keys` records.
    pub(super) fn fitting(&self, keys: usize) -> &Trial {
        let newest = self.newest_pointer();
        // SAFETY: as in `newest`.
        match unsafe { newest.as_ref() } {
            Some(newest) if newest.ring.capacity() > self.share() => newest,
            _ => self.grow(newest, keys),
        }
    }

    /// Puts a larger ring in the place of `older`, which was the newest or null, unless somebody else
    /// has.
    #[cold]
    fn grow(&self, older: *mut Trial, keys: usize) -> &Trial {
        // SAFETY: as in `newest`.
        let outgrown = unsafe { older.as_ref() };
        // Room for half as many again, so that a ring that lags behind does not lap itself.
        let cells = self.share() + self.share() / 2 + 2;
        let twice = outgrown.map_or(0, |outgrown| outgrown.ring.capacity() * 2);
        let new = Box::into_raw(Box::new(Trial {
            ring: Ring::new(cells.max(twice)),
            ghosts: Ghosts::new(keys.saturating_mul(GHOST_PERCENT) / 100),
            older,
        }));
        // ORDERING: Release, edge `grow→trial`; Acquire on failure, the same edge from another's.
        let (to, other) = (Ordering::Release, Ordering::Acquire);
        match self.newest.compare_exchange(older, new, to, other) {
            // SAFETY: published, and not dropped before us.
            Ok(_) => unsafe { &*new },
            Err(others) => {
                // SAFETY: ours, and never published.
                drop(unsafe { Box::from_raw(new) });
                // SAFETY: what `newest` points at is published and not dropped before us; it was
                // not null when it was not `older`, since nobody takes one away.
                unsafe { &*others }
            }
        }
    }

    /// Bytes of all rings and ghosts.
    pub(super) fn bytes(&self) -> usize {
        std::iter::successors(self.newest(), |trial| trial.older()).map(Trial::bytes).sum()
    }
}

impl Drop for Trials {
    fn drop(&mut self) {
        // ORDERING: Relaxed; nobody else is left.
        let mut next = self.newest.load(Ordering::Relaxed);
        while !next.is_null() {
            // SAFETY: each was published once, by `grow`, and is dropped once, here.
            next = unsafe { Box::from_raw(next) }.older;
        }
    }
}

#[cfg(all(test, not(pool_loom)))]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_allocated_before_it_is_asked_for() {
        let trials = Trials::new();
        trials.fit(1_000_000);

        assert!(trials.newest().is_none());
        assert_eq!(trials.bytes(), 0);
        assert_eq!((trials.share(), trials.floor()), (80_000, 10_000));
    }

    #[test]
    fn a_ring_that_is_outgrown_gives_its_hashes_up_first() {
        let trials = Trials::new();
        trials.fit(100);
        let small = trials.fitting(100);
        small.ring.push(1);
        assert!(ptr::eq(small, trials.fitting(100)));

        trials.fit(1_000);
        let large = trials.fitting(1_000);
        large.ring.push(2);
        small.ring.push(3);

        assert!(large.ring.capacity() > 70);
        assert_eq!(large.pop(1), Some(1));
        assert_eq!(large.pop(1), Some(3));
        assert_eq!(large.pop(1), None);
        assert_eq!(large.pop(0), Some(2));
        assert!(trials.bytes() > (128 + 225) * 8);
    }

    #[test]
    fn a_few_records_have_one_trial_at_a_time() {
        let trials = Trials::new();
        trials.fit(3);

        assert_eq!((trials.share(), trials.floor()), (1, 1));
        assert!(trials.fitting(3).ring.capacity() >= 2);
    }
}
