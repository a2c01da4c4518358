//! Keys that no policy may choose, and how much of the pool they take.
//!
//! The sums are changed only by the thread whose CAS has changed a slot (E3), and only where a key
//! is spared: others do not touch them.

use crate::sync::{AtomicU64, Ordering};

/// How many keys are spared, and the bytes of their records.
#[derive(Debug, Default)]
pub(crate) struct Spared {
    keys: AtomicU64,
    bytes: AtomicU64,
}

/// What a slot adds to the sums.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Part {
    pub(crate) keys: u64,
    pub(crate) bytes: u64,
}

impl Spared {
    /// What there is now. Below zero, wrapping, while a removal is ahead of the insert that it
    /// undoes; that is told as none.
    #[inline]
    pub(crate) fn sum(&self) -> Part {
        let at_least_none = |sum: u64| u64::try_from(sum.cast_signed()).unwrap_or(0);
        Part {
            // ORDERING: Relaxed; a sum, nothing is carried.
            keys: at_least_none(self.keys.load(Ordering::Relaxed)),
            // ORDERING: Relaxed; as above.
            bytes: at_least_none(self.bytes.load(Ordering::Relaxed)),
        }
    }

    /// Notes that a slot has changed what it adds.
    pub(crate) fn change(&self, before: Part, after: Part) {
        let (keys, bytes) =
            (after.keys.wrapping_sub(before.keys), after.bytes.wrapping_sub(before.bytes));
        // ORDERING: Relaxed; a sum, nothing is carried.
        self.keys.fetch_add(keys, Ordering::Relaxed);
        // ORDERING: Relaxed; as above.
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Whether so many of all keys are spared that a victim may be hard to find.
    #[inline]
    pub(super) fn is_crowd(&self, of_keys: usize) -> bool {
        self.sum().keys > of_keys as u64 / 2
    }
}

#[cfg(all(test, not(pool_loom)))]
mod tests {
    use super::*;

    #[test]
    fn sums_follow_the_slots_in_whatever_order_they_are_noted() {
        let (spared, some) = (Spared::default(), Part { keys: 1, bytes: 100 });

        spared.change(some, Part::default());
        assert_eq!(spared.sum(), Part::default(), "a removal was ahead");
        spared.change(Part::default(), some);
        spared.change(Part::default(), some);
        spared.change(some, Part { keys: 1, bytes: 40 });

        assert_eq!(spared.sum(), Part { keys: 1, bytes: 40 });
    }

    #[test]
    fn more_than_half_of_the_keys_are_a_crowd() {
        let spared = Spared::default();
        assert!(!spared.is_crowd(0));

        spared.change(Part::default(), Part { keys: 5, bytes: 0 });

        assert!(!spared.is_crowd(10));
        assert!(spared.is_crowd(9));
    }
}
