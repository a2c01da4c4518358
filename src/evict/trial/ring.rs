//! The trial ring: hashes of records in the order in which they came.
//!
//! A ring of words that only swaps write, so that no hash is ever lost or handed out twice: each
//! that is pushed leaves once, popped, or displaced by a push one lap later, or it is still in a
//! cell. Nobody waits: a pusher that falls asleep between its ticket and its swap leaves a hole,
//! which poppers pass; its hash comes out one lap later.
//!
//! The ring knows nothing of records. A hash in it may be of a key that is gone or was replaced. But
//! whoever takes a hash out sees the record for which it was put in (edge `push→pop`), or what came
//! after it.

use crate::{
    prefetch::prefetch,
    sync::{AtomicU64, AtomicUsize, Mutant, Ordering, is_mutant},
};
use crossbeam_utils::CachePadded;

/// What a cell holds when it holds nothing.
const HOLE: u64 = 0;

/// Cells in a cache line: so far ahead the processor is asked for what will be swapped, since both ends
/// of a ring that was not looked at for a lap are cold.
const LINE: usize = 8;

/// Holes that a pop passes before it gives up.
const HOLES: usize = 4;

/// A ring of hashes.
#[derive(Debug)]
pub(super) struct Ring {
    /// Tickets given to pushers.
    tail: CachePadded<AtomicUsize>,
    /// Tickets that poppers have passed.
    head: CachePadded<AtomicUsize>,
    /// As many as a power of two.
    cells: Box<[AtomicU64]>,
}

impl Ring {
    /// A ring for `capacity` hashes.
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            tail: CachePadded::new(AtomicUsize::new(0)),
            head: CachePadded::new(AtomicUsize::new(0)),
            cells: zeroed(capacity.next_power_of_two()),
        }
    }

    /// How many hashes it has room for.
    pub(super) fn capacity(&self) -> usize {
        self.cells.len()
    }

    /// How many hashes are in it, holes and lapped ones included.
    pub(super) fn len(&self) -> usize {
        // ORDERING: Relaxed; an estimate. The head is read first, so that it is not ahead.
        let head = self.head.load(Ordering::Relaxed);
        self.tail.load(Ordering::Relaxed).wrapping_sub(head)
    }

    /// Adds a hash. Returns the one that lay in its cell, if the ring has come round: it is now the
    /// caller's, as if popped.
    ///
    /// Wait-free.
    pub(super) fn push(&self, hash: u64) -> Option<u64> {
        let ticket = if is_mutant(Mutant::TicketByLoad) {
            // ORDERING: AcqRel in effect; a mutant's step, which gives one ticket to two.
            let ticket = self.tail.load(Ordering::Acquire);
            self.tail.store(ticket.wrapping_add(1), Ordering::Release);
            ticket
        } else {
            // ORDERING: Relaxed; every ticket is given once, and the hash is in the cell's swap.
            self.tail.fetch_add(1, Ordering::Relaxed)
        };
        let cell = self.cell(ticket);
        prefetch(self.cell(ticket.wrapping_add(LINE)));
        let hash = hash.max(HOLE + 1);
        if is_mutant(Mutant::PushByStore) {
            // ORDERING: Release; a mutant's step, which overwrites what it does not return.
            cell.store(hash, Ordering::Release);
            return None;
        }
        // ORDERING: AcqRel: Release is edge `push→pop` for this hash, Acquire for the displaced one.
        let displaced = cell.swap(hash, Ordering::AcqRel);
        (displaced != HOLE).then_some(displaced)
    }

    /// Takes out the oldest hash, if there are more than `keep`. None also when the next few cells
    /// are holes.
    ///
    /// Lock-free: tries again only when another pop succeeded.
    pub(super) fn pop(&self, keep: usize) -> Option<u64> {
        (0..HOLES).find_map(|_| match self.pop_cell(keep) {
            Popped::Hash(hash) => Some(Some(hash)),
            Popped::Nothing => Some(None),
            Popped::Hole => None,
        })?
    }

    /// Moves the head by one cell and empties it.
    fn pop_cell(&self, keep: usize) -> Popped {
        // ORDERING: Relaxed; the exchange below checks it.
        let mut head = self.head.load(Ordering::Relaxed);
        loop {
            // ORDERING: Relaxed; a ticket whose swap is not seen yet is a hole. A tail that is read
            // too old makes the length negative.
            let tail = self.tail.load(Ordering::Relaxed);
            let len = tail.wrapping_sub(head);
            if len.cast_signed() <= keep.cast_signed() {
                return Popped::Nothing;
            }
            // What the pushers have lapped is theirs to judge.
            let lapped = len.saturating_sub(self.cells.len());
            let next = head.wrapping_add(lapped);
            // ORDERING: Relaxed; it gives the cell to one popper. What is in it is in its swap.
            let (to, same) = (Ordering::Relaxed, Ordering::Relaxed);
            match self.head.compare_exchange(head, next.wrapping_add(1), to, same) {
                Ok(_) => return self.empty(next),
                Err(moved) => head = moved,
            }
        }
    }

    /// Takes what is in a cell.
    fn empty(&self, ticket: usize) -> Popped {
        let cell = self.cell(ticket);
        prefetch(self.cell(ticket.wrapping_add(LINE)));
        let hash = if is_mutant(Mutant::PopByStore) {
            // ORDERING: Acquire and Release; a mutant's steps, between which a push is lost.
            let hash = cell.load(Ordering::Acquire);
            cell.store(HOLE, Ordering::Release);
            hash
        } else {
            // ORDERING: Acquire, edge `push→pop`; the hole that is left carries nothing.
            cell.swap(HOLE, Ordering::Acquire)
        };
        if hash == HOLE { Popped::Hole } else { Popped::Hash(hash) }
    }

    /// The hash that will be popped after `ahead` others, as far as one can tell.
    pub(super) fn peek(&self, ahead: usize) -> Option<u64> {
        // ORDERING: Relaxed; a guess about the future.
        let head = self.head.load(Ordering::Relaxed);
        // ORDERING: Relaxed; as above.
        let hash = self.cell(head.wrapping_add(ahead)).load(Ordering::Relaxed);
        (hash != HOLE).then_some(hash)
    }

    fn cell(&self, ticket: usize) -> &AtomicU64 {
        &self.cells[ticket & (self.cells.len() - 1)]
    }

    /// Every hash that is in a cell.
    #[cfg(test)]
    pub(super) fn rest(&self) -> Vec<u64> {
        // ORDERING: Acquire, edge `push→pop`, as if popped.
        let all = self.cells.iter().map(|cell| cell.load(Ordering::Acquire));
        all.filter(|hash| *hash != HOLE).collect()
    }
}

/// What a pop met.
enum Popped {
    Hash(u64),
    Hole,
    Nothing,
}

/// So many words, all 0, which the allocator need not write.
#[cfg(not(pool_loom))]
pub(super) fn zeroed(count: usize) -> Box<[AtomicU64]> {
    let words: Box<[u64]> = vec![0; count].into_boxed_slice();
    let words = Box::into_raw(words) as *mut [AtomicU64];
    // SAFETY: it came from `Box::into_raw`, and an atomic has the layout of its integer.
    unsafe { Box::from_raw(words) }
}

/// So many words, all 0.
#[cfg(pool_loom)]
pub(super) fn zeroed(count: usize) -> Box<[AtomicU64]> {
    (0..count).map(|_| AtomicU64::new(0)).collect()
}

#[cfg(all(test, not(pool_loom)))]
mod tests {
    use super::*;

    #[test]
    fn hashes_come_out_in_the_order_in_which_they_came() {
        let ring = Ring::new(4);

        for hash in 1..=3 {
            assert_eq!(ring.push(hash), None);
        }

        assert_eq!(ring.len(), 3);
        assert_eq!(ring.peek(1), Some(2));
        assert_eq!(ring.pop(2), Some(1));
        assert_eq!(ring.pop(2), None);
        assert_eq!(ring.pop(0), Some(2));
        assert_eq!(ring.pop(0), Some(3));
        assert_eq!(ring.pop(0), None);
    }

    #[test]
    fn a_ring_that_comes_round_hands_out_what_it_displaces() {
        let ring = Ring::new(2);
        assert_eq!(ring.capacity(), 2);

        let displaced: Vec<_> = (1..=5).filter_map(|hash| ring.push(hash)).collect();

        assert_eq!(displaced, [1, 2, 3]);
        assert_eq!(ring.pop(0), Some(4));
        assert_eq!(ring.pop(0), Some(5));
        assert_eq!(ring.pop(0), None);
    }

    #[test]
    fn a_hash_of_zero_is_no_hole() {
        let ring = Ring::new(2);
        ring.push(0);

        assert_eq!(ring.pop(0), Some(1));
    }

    #[test]
    fn tickets_may_wrap() {
        let ring = Ring::new(4);
        for counter in [&ring.tail, &ring.head] {
            counter.store(usize::MAX - 1, Ordering::Relaxed);
        }

        for hash in 1..=6 {
            ring.push(hash);
        }

        assert_eq!((0..4).filter_map(|_| ring.pop(0)).collect::<Vec<_>>(), [3, 4, 5, 6]);
        assert_eq!(ring.pop(0), None);
    }
}
