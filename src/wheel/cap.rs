//! How many entries the wheel may hold.
//!
//! One cover for a key does not bound the entries: a key that is deleted and set again in turn is
//! pushed for each time, since a removal forgets the cover. So there is a cap of two entries for each
//! key and some more. A push beyond it is skipped, and a [sweep](super::sweep) is owed.
//!
//! Entries are counted in stripes, one a thread, and the sum is looked at now and then: each thread
//! may go beyond the cap by [`INTERVAL`] entries before it notices.

use super::records::Records;
use crate::{
    reclaim::Guard,
    sync::{AtomicBool, Ordering},
    tally::Tally,
};

/// Entries that are allowed for each key.
const PER_KEY: u64 = 2;

/// Entries that are allowed besides.
const SLACK: u64 = if cfg!(any(miri, pool_loom)) { 4 } else { 4_096 };

/// Pushes of a thread from one look at the sum to the next.
const INTERVAL: u64 = if cfg!(any(miri, pool_loom)) { 8 } else { 64 };

/// Whether there is room for more entries.
#[derive(Debug, Default)]
pub(super) struct Cap {
    is_reached: AtomicBool,
}

impl Cap {
    /// Whether a push should be skipped, as of the last look.
    #[inline]
    pub(super) fn is_reached(&self) -> bool {
        // ORDERING: Relaxed; a bound with some play, nothing is carried.
        self.is_reached.load(Ordering::Relaxed)
    }

    /// Counts a push that was made or skipped, and looks at the sum now and then.
    #[inline]
    pub(super) fn count<R: Records>(&self, records: &R, guard: &Guard<'_>) {
        let attempts = guard.stripe().of(Tally::WheelPushes);
        attempts.add(1);
        if attempts.get().is_multiple_of(INTERVAL) {
            self.look(records);
        }
    }

    /// Compares the entries with what is allowed.
    #[cold]
    pub(super) fn look<R: Records>(&self, records: &R) {
        // A sum over stripes that move may be a little below zero.
        let entries = records.total(Tally::WheelEntries).cast_signed();
        let keys = records.total(Tally::Keys).cast_signed().max(0).cast_unsigned();
        let most = keys.saturating_mul(PER_KEY).saturating_add(SLACK);
        let is_reached = u64::try_from(entries).is_ok_and(|entries| entries >= most);
        // ORDERING: Relaxed; as in `is_reached`. Written only when it changes.
        if self.is_reached.load(Ordering::Relaxed) != is_reached {
            self.is_reached.store(is_reached, Ordering::Relaxed);
        }
    }

    /// Says that the cap is reached, for a model.
    #[cfg(pool_loom)]
    pub(super) fn set_reached(&self, is_reached: bool) {
        // ORDERING: Relaxed; as in `is_reached`.
        self.is_reached.store(is_reached, Ordering::Relaxed);
    }
}
