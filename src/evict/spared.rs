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
        // ORDERING: Relaxed; a sum, nothing is carried.
        Part { keys: self.keys(), bytes: at_least_none(self.bytes.load(Ordering::Relaxed)) }
    }

    /// How many keys there are now.
    #[inline]
    pub(super) fn keys(&self) -> u64 {
        // ORDERING: Relaxed; as above.
        at_least_none(self.keys.load(Ordering::Relaxed))
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
}

/// A sum as it is told.
fn at_least_none(sum: u64) -> u64 {
    u64::try_from(sum.cast_signed()).unwrap_or(0)
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
}
