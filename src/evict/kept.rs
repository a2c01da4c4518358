//! Records that are never evicted, and the bound on them.
//!
//! Positions and limits must stay whatever happens to prices, and so a record may be marked to be
//! kept. If all were, there would be nothing to evict: so those that are kept may take up half of
//! each limit and no more, and a write that would go beyond is refused. A limit that is lowered
//! later evicts nobody who is kept.

use crate::sync::{AtomicU64, AtomicUsize, Ordering};

/// The share of each limit that kept records may take up, as a divisor.
const KEPT_DIVISOR: usize = 2;

/// How much is kept.
#[derive(Debug)]
pub(super) struct Kept {
    keys: AtomicUsize,
    bytes: AtomicU64,
}

impl Kept {
    pub(super) fn new() -> Self {
        Self { keys: AtomicUsize::new(0), bytes: AtomicU64::new(0) }
    }

    /// Counts a record, if limits of so many keys and bytes allow it.
    pub(super) fn add(&self, bytes: u64, most_keys: usize, most_bytes: u64) -> bool {
        // ORDERING: Relaxed; the counts alone matter, and an RMW always sees the latest.
        let keys = self.keys.fetch_add(1, Ordering::Relaxed);
        // ORDERING: Relaxed; as above.
        let before = self.bytes.fetch_add(bytes, Ordering::Relaxed);
        let fits = keys < most_keys / KEPT_DIVISOR
            && before.saturating_add(bytes) <= most_bytes / KEPT_DIVISOR as u64;
        if !fits {
            self.subtract(bytes);
        }
        fits
    }

    /// Counts a record out.
    pub(super) fn subtract(&self, bytes: u64) {
        // ORDERING: Relaxed; as in `add`.
        self.keys.fetch_sub(1, Ordering::Relaxed);
        // ORDERING: Relaxed; as in `add`.
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
    }
}

#[cfg(all(test, not(pool_loom)))]
mod tests {
    use super::*;

    #[test]
    fn half_of_each_limit_may_be_kept() {
        let kept = Kept::new();

        assert!(kept.add(100, 5, 1_000));
        assert!(kept.add(400, 5, 1_000));
        assert!(!kept.add(0, 5, 1_000));
        assert!(!kept.add(1, 100, 1_000));
        kept.subtract(400);
        assert!(kept.add(399, 5, 1_000));
        assert!(kept.add(u64::MAX / 4, usize::MAX, u64::MAX));
        assert!(!kept.add(0, 1, u64::MAX));
    }
}
