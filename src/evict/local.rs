//! What one thread keeps to itself, and adds to what is shared in batches.

use crate::sync::Counter;

/// A thread's part in the count of keys and in the pace.
///
/// Only the owning thread changes it. It stays with the thread's participant: who takes that over
/// goes on counting.
#[derive(Debug, Default)]
pub(crate) struct Local {
    /// Keys counted and not yet flushed, as where nothing limits them.
    keys: Unflushed,
    /// Uses noted since the thread last moved the tick on.
    uses: Counter,
}

impl Local {
    /// Counts a use; true at the end of a batch.
    pub(super) fn count_use(&self, batch: u32) -> bool {
        self.uses.add(1);
        let uses = self.uses.get();
        let is_over = uses >= u64::from(batch);
        if is_over {
            self.uses.subtract(uses);
        }
        is_over
    }

    /// Counts keys, or counts them out; returns what there is to be flushed, if that is `most` or
    /// more either way.
    #[inline]
    pub(super) fn count_keys(&self, delta: i64, most: u64) -> Option<i64> {
        self.keys.add(delta, most)
    }

    /// Keys counted and not yet flushed.
    #[cfg(test)]
    pub(super) fn keys(&self) -> i64 {
        self.keys.sum()
    }
}

/// What was added and is not yet flushed; below zero, wrapping, when more was subtracted.
#[derive(Debug, Default)]
struct Unflushed(Counter);

impl Unflushed {
    /// Adds; returns the sum if it is `most` or more either way, and begins from 0 then.
    #[inline]
    fn add(&self, delta: i64, most: u64) -> Option<i64> {
        self.0.add(delta.cast_unsigned());
        let sum = self.sum();
        if sum.unsigned_abs() < most {
            return None;
        }
        self.0.subtract(sum.cast_unsigned());
        Some(sum)
    }

    #[inline]
    fn sum(&self) -> i64 {
        self.0.get().cast_signed()
    }
}
