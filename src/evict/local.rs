//! What one thread keeps to itself, and adds to what is shared in batches.

use crate::sync::Counter;

/// A thread's part in the accounts and in the pace.
///
/// Only the owning thread changes it. It stays with the thread's participant: who takes that over
/// goes on counting.
#[derive(Debug, Default)]
pub(crate) struct Local {
    /// Bytes charged and not yet added to what is shared; below zero, wrapping, when more were
    /// released.
    bytes: Counter,
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

    /// Adds bytes, or subtracts them; returns what there is to be flushed, if that is `most` or
    /// more either way, and begins from 0 then.
    pub(super) fn charge(&self, delta: i64, most: u64) -> Option<i64> {
        self.bytes.add(delta.cast_unsigned());
        let bytes = self.bytes.get();
        if bytes.cast_signed().unsigned_abs() < most {
            return None;
        }
        self.bytes.subtract(bytes);
        Some(bytes.cast_signed())
    }

    /// Bytes charged and not yet flushed.
    pub(crate) fn bytes(&self) -> i64 {
        self.bytes.get().cast_signed()
    }
}
