//! The limit on memory.
//!
//! What counts towards it is the [host's](super::host::Host::used) affair: everything that it has
//! taken and not given back, retired records included. What was retired comes free only when every
//! reader has moved on, and so a sixteenth of the limit is kept as a *reserve*: evicting begins when
//! the rest is in use, and in the reserve writes go on as long as some reader is slow.

use crate::sync::{AtomicU64, Ordering};

/// The part of the limit that is the reserve, as a divisor.
const RESERVE_DIVISOR: u64 = 16;

/// Retired bytes that are worth freeing before a write, as a divisor of the limit: half of the reserve.
const MUCH_DIVISOR: u64 = 32;

/// How many bytes may be in use.
#[derive(Debug)]
pub(crate) struct Budget {
    /// `u64::MAX` when there is no limit.
    most: AtomicU64,
    /// Retired bytes that the last attempt to free them has left.
    held: AtomicU64,
}

impl Budget {
    /// A budget of so many bytes; none is no limit.
    pub(super) fn new(most: Option<u64>) -> Self {
        Self { most: AtomicU64::new(most.unwrap_or(u64::MAX)), held: AtomicU64::new(0) }
    }

    /// Changes the limit; writes that follow make room for it in slices.
    pub(super) fn set_most(&self, most: Option<u64>) {
        // ORDERING: Relaxed; a setting.
        self.most.store(most.unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Bytes that may be in use, `u64::MAX` when there is no limit.
    #[inline]
    pub(crate) fn most(&self) -> u64 {
        // ORDERING: Relaxed; a setting.
        self.most.load(Ordering::Relaxed)
    }

    /// Bytes that may be in use before somebody has to go.
    #[inline]
    pub(crate) fn comfortable(&self) -> u64 {
        let most = self.most();
        most - most / RESERVE_DIVISOR
    }

    /// Whether so much more is retired than the last attempt has left that another one pays. A reader
    /// who stands still is tried a few times, not by every write.
    pub(crate) fn is_much_retired(&self, retired: u64) -> bool {
        // ORDERING: Relaxed; a tuning value.
        retired.saturating_sub(self.held.load(Ordering::Relaxed)) > self.most() / MUCH_DIVISOR
    }

    /// Notes what an attempt to free what is retired has left.
    pub(crate) fn note_retired(&self, retired: u64) {
        // ORDERING: Relaxed; a tuning value.
        self.held.store(retired, Ordering::Relaxed);
    }
}

#[cfg(all(test, not(pool_loom)))]
mod tests {
    use super::*;

    #[test]
    fn what_could_not_be_freed_is_not_tried_again_by_every_write() {
        let budget = Budget::new(Some(32_000));
        assert!(!budget.is_much_retired(1_000) && budget.is_much_retired(1_001));

        budget.note_retired(1_001);
        assert!(!budget.is_much_retired(2_001) && budget.is_much_retired(2_002));
        budget.note_retired(0);
        assert!(budget.is_much_retired(1_001));
    }

    #[test]
    fn a_sixteenth_is_kept_as_a_reserve() {
        let budget = Budget::new(Some(16_000));
        assert_eq!((budget.most(), budget.comfortable()), (16_000, 15_000));

        budget.set_most(None);
        assert_eq!(budget.most(), u64::MAX);
        assert!(budget.comfortable() > u64::MAX / 2);
    }
}
