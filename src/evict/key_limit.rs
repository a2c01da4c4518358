//! The limit on the number of keys, kept to the key.
//!
//! One word counts the keys, and is touched by inserts and removals, not by overwrites. A key is
//! counted after it was published: whoever reads a count above the limit can see the record that
//! made it so, and therefore finds a victim other than its own. The right to evict one is taken
//! from the count before the victim is, so that two never evict for the same key too many.

use crate::sync::{AtomicUsize, Ordering};
use crossbeam_utils::CachePadded;

/// How many keys there are, and how many there may be.
#[derive(Debug)]
pub(crate) struct KeyLimit {
    /// Below zero, wrapping, while a removal is ahead of the insert that it undoes.
    keys: CachePadded<AtomicUsize>,
    /// `usize::MAX` when there is no limit.
    most: AtomicUsize,
}

impl KeyLimit {
    /// A limit of so many keys; none is no limit.
    pub(super) fn new(most: Option<usize>) -> Self {
        Self {
            keys: CachePadded::new(AtomicUsize::new(0)),
            most: AtomicUsize::new(most.unwrap_or(usize::MAX)),
        }
    }

    /// Changes the limit; inserts that follow evict for it in slices.
    pub(super) fn set_most(&self, most: Option<usize>) {
        // ORDERING: Relaxed; a setting.
        self.most.store(most.unwrap_or(usize::MAX), Ordering::Relaxed);
    }

    /// How many keys there may be, `usize::MAX` when there is no limit.
    #[inline]
    pub(crate) fn most(&self) -> usize {
        // ORDERING: Relaxed; a setting.
        self.most.load(Ordering::Relaxed)
    }

    /// How many keys there are, those included that are being inserted or removed.
    #[inline]
    pub(crate) fn count(&self) -> usize {
        // ORDERING: Acquire, edge `count→find`.
        not_below_zero(self.keys.load(Ordering::Acquire))
    }

    /// Counts a key that has been published; returns how many there are with it.
    #[inline]
    pub(super) fn add(&self) -> usize {
        // ORDERING: AcqRel: Release is edge `count→find` for the record just published, Acquire
        // for those counted before.
        not_below_zero(self.keys.fetch_add(1, Ordering::AcqRel).wrapping_add(1))
    }

    /// Counts a key that has been removed.
    #[inline]
    pub(super) fn subtract(&self) {
        // ORDERING: AcqRel; it stays in the chain of edge `count→find`.
        self.keys.fetch_sub(1, Ordering::AcqRel);
    }

    /// Takes the right to evict a key, if the count is still `seen`; tells the count otherwise.
    pub(super) fn take_right(&self, seen: usize) -> Result<(), usize> {
        let (to, other) = (Ordering::AcqRel, Ordering::Acquire);
        // ORDERING: AcqRel; it stays in the chain of edge `count→find`; Acquire on failure, the
        // same edge for the search that follows.
        let taken = self.keys.compare_exchange(seen, seen.wrapping_sub(1), to, other);
        taken.map(|_| ()).map_err(not_below_zero)
    }

    /// Gives a right back whose victim was gone; returns how many keys there are.
    pub(super) fn give_back(&self) -> usize {
        self.add()
    }
}

/// The count as a number of keys.
fn not_below_zero(count: usize) -> usize {
    usize::try_from(count.cast_signed()).unwrap_or(0)
}
