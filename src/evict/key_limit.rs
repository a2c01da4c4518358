//! The limit on the number of keys, kept to the key.
//!
//! One word counts the keys, and is touched by inserts and removals, not by overwrites. As long as
//! there is no limit, nobody needs it to the key: each thread counts for itself then, and adds a
//! 128th of all keys at a time, 64 at most. So in a pool that is given a limit later there may be
//! that many keys too many for each thread that has not written since; with its next write they are
//! counted.
//!
//! A key is counted after it was published: whoever counts his own and comes above the limit can see
//! the records that were counted before, and therefore finds a victim other than his own. The right to
//! evict one is taken from the count before the victim is, so that two never evict for the same key
//! too many.

use super::local::Local;
use crate::sync::{AtomicUsize, Ordering};
use crossbeam_utils::CachePadded;

/// The most keys that a thread keeps to itself when there is no limit, and the share of all keys
/// that is no more, as a divisor.
const UNFLUSHED: usize = 64;
const UNFLUSHED_DIVISOR: usize = 128;

/// How many keys there are, and how many there may be.
#[derive(Debug)]
pub(crate) struct KeyLimit {
    /// Below zero, wrapping, while a removal is ahead of the insert that it undoes.
    keys: CachePadded<AtomicUsize>,
    /// `usize::MAX` when there is no limit.
    most: AtomicUsize,
    /// A limit that was lowered and is not met yet; `usize::MAX` when there is none.
    lowered: AtomicUsize,
}

impl KeyLimit {
    /// A limit of so many keys; none is no limit.
    pub(super) fn new(most: Option<usize>) -> Self {
        Self {
            keys: CachePadded::new(AtomicUsize::new(0)),
            most: AtomicUsize::new(most.unwrap_or(usize::MAX)),
            lowered: AtomicUsize::new(usize::MAX),
        }
    }

    /// Changes the limit; inserts that follow evict for it in slices.
    pub(super) fn set_most(&self, most: Option<usize>) {
        let most = most.unwrap_or(usize::MAX);
        // ORDERING: Relaxed; a setting.
        self.most.store(most, Ordering::Relaxed);
        // ORDERING: Relaxed; as above. Marked whether it is lower or not: the first insert that
        // finds it met takes the mark away.
        self.lowered.store(most, Ordering::Relaxed);
    }

    /// Whether there are keys too many that no insert owns, as far as one can tell.
    pub(super) fn is_lowered(&self) -> bool {
        // ORDERING: Relaxed; a setting.
        self.lowered.load(Ordering::Relaxed) == self.most()
    }

    /// Notes that the limit is met.
    pub(super) fn note_met(&self, most: usize) {
        // ORDERING: Relaxed; a setting. A CAS, so that a limit that is lowered again keeps its mark.
        let (to, other) = (Ordering::Relaxed, Ordering::Relaxed);
        let _ = self.lowered.compare_exchange(most, usize::MAX, to, other);
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
        // ORDERING: Relaxed; who has to find what was counted counts himself first.
        not_below_zero(self.keys.load(Ordering::Relaxed))
    }

    /// Whether an insert may take the place of another key without counting: there are as many as
    /// there may be, and no more that nobody owns.
    #[inline]
    pub(super) fn is_full(&self) -> bool {
        let most = self.most();
        most != usize::MAX && self.count() >= most && !self.is_lowered()
    }

    /// Counts a key that has been published; returns how many there are with it.
    #[inline]
    pub(crate) fn add(&self, local: &Local) -> usize {
        self.change(local, 1)
    }

    /// Counts a key that has been removed.
    #[inline]
    pub(super) fn subtract(&self, local: &Local) {
        self.change(local, -1);
    }

    #[inline]
    fn change(&self, local: &Local, delta: i64) -> usize {
        let is_limited = self.most() != usize::MAX;
        let all = if is_limited { 0 } else { self.count() };
        let kept = (all / UNFLUSHED_DIVISOR).min(UNFLUSHED) as u64;
        match local.count_keys(delta, kept) {
            Some(sum) => self.flush(sum),
            None => all,
        }
    }

    /// Adds what a thread has counted; returns how many keys there are with it.
    pub(super) fn flush(&self, sum: i64) -> usize {
        #[expect(clippy::cast_possible_truncation, reason = "a number of keys, or its negative")]
        let sum = sum.cast_unsigned() as usize;
        // ORDERING: AcqRel: Release is edge `count→find` for the records just published, Acquire
        // for those counted before. A removal has nothing to add to it, but must not interrupt the
        // release sequence of those who have counted.
        not_below_zero(self.keys.fetch_add(sum, Ordering::AcqRel).wrapping_add(sum))
    }

    /// Takes the right to evict a key, if the count is still `seen`; tells the count otherwise.
    pub(super) fn take_right(&self, seen: usize) -> Result<(), usize> {
        // ORDERING: Relaxed; a read-modify-write that adds nothing, as a removal. The victim is known
        // already.
        let (to, other) = (Ordering::Relaxed, Ordering::Relaxed);
        let taken = self.keys.compare_exchange(seen, seen.wrapping_sub(1), to, other);
        taken.map(|_| ()).map_err(not_below_zero)
    }

    /// Gives a right back whose victim was gone; returns how many keys there are.
    pub(super) fn give_back(&self) -> usize {
        self.flush(1)
    }
}

/// The count as a number of keys.
fn not_below_zero(count: usize) -> usize {
    usize::try_from(count.cast_signed()).unwrap_or(0)
}
