//! The limit on memory, and what counts towards it.
//!
//! Each thread charges what it takes and releases to its own [`Local`], and adds it to the shared
//! sum when that makes 4 KiB either way. So the sum that a limit is tested against is one load, and
//! wrong by less than 4 KiB a thread. Sums are signed: a thread may release what another has
//! charged and not flushed yet.

use super::local::Local;
use crate::sync::{AtomicU64, FLUSH, Mutant, Ordering, is_mutant};
use crossbeam_utils::CachePadded;

/// Bytes in use, and how many may be.
#[derive(Debug)]
pub(crate) struct Budget {
    used: CachePadded<AtomicU64>,
    /// `u64::MAX` when there is no limit.
    most: AtomicU64,
}

impl Budget {
    /// A budget of so many bytes; none is no limit.
    pub(super) fn new(most: Option<u64>) -> Self {
        Self {
            used: CachePadded::new(AtomicU64::new(0)),
            most: AtomicU64::new(most.unwrap_or(u64::MAX)),
        }
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

    /// Adds bytes that have come into use, or subtracts some that are free.
    ///
    /// By the thread that knows it first hand: whose CAS put a record in or took it out (R20), who
    /// allocated or freed. Wait-free.
    #[inline]
    pub(crate) fn charge(&self, local: &Local, delta: i64) {
        if let Some(sum) = local.charge(delta, FLUSH) {
            self.flush(sum);
        }
    }

    #[cold]
    fn flush(&self, sum: i64) {
        if is_mutant(Mutant::FlushByStore) {
            // ORDERING: AcqRel in effect; a mutant's steps, between which another's flush is lost.
            let used = self.used.load(Ordering::Acquire);
            self.used.store(used.wrapping_add_signed(sum), Ordering::Release);
            return;
        }
        // ORDERING: Relaxed; a sum, nothing is carried.
        self.used.fetch_add(sum.cast_unsigned(), Ordering::Relaxed);
    }

    /// Bytes in use, less than 4 KiB a thread off.
    #[inline]
    pub(crate) fn used(&self) -> u64 {
        // ORDERING: Relaxed; as in `flush`.
        u64::try_from(self.used.load(Ordering::Relaxed).cast_signed()).unwrap_or(0)
    }

    /// Bytes that are over the limit once `more` are taken, as this thread sees it.
    #[inline]
    pub(super) fn excess(&self, local: &Local, more: u64) -> u64 {
        let used = self.used().saturating_add_signed(local.bytes());
        used.saturating_add(more).saturating_sub(self.most())
    }
}

#[cfg(all(test, not(pool_loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_thread_keeps_less_than_a_flush_to_itself() {
        let (budget, one, other) = (Budget::new(None), Local::default(), Local::default());

        budget.charge(&one, 4_000);
        budget.charge(&other, 4_000);
        assert_eq!((budget.used(), one.bytes()), (0, 4_000));

        budget.charge(&one, 96);
        assert_eq!((budget.used(), one.bytes()), (4_096, 0));
        budget.charge(&other, -8_000);
        assert_eq!((budget.used(), other.bytes()), (4_096, -4_000));
        budget.charge(&other, -4_000);
        assert_eq!((budget.used(), other.bytes()), (0, 0));
    }

    #[test]
    fn the_excess_counts_what_the_thread_has_not_flushed() {
        let (budget, local) = (Budget::new(Some(10_000)), Local::default());
        budget.charge(&local, 9_000);
        budget.charge(&local, 500);

        assert_eq!(budget.excess(&local, 500), 0);
        assert_eq!(budget.excess(&local, 700), 200);
        assert_eq!(budget.excess(&Local::default(), 700), 0);

        budget.set_most(Some(1_000));
        assert_eq!(budget.excess(&local, 0), 8_500);
        budget.set_most(None);
        assert_eq!(budget.excess(&local, u64::MAX), 0);
    }
}
