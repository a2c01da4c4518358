//! What is counted, one stripe of counters a thread.
//!
//! A stripe is written by the thread that owns it and read by whoever sums all stripes, so that
//! counting costs a load and a store and no shared line.

use crate::sync::Counter;

/// A quantity that is counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(usize)]
pub(crate) enum Tally {
    /// Reads that found a value.
    Hits,
    /// Reads that found none.
    Misses,
    /// Values written.
    Sets,
    /// Keys deleted by request.
    Deletes,
    /// Keys removed because their deadline had passed.
    Expirations,
    /// Keys removed to make room.
    Evictions,
    /// Commands that count as neither hit, miss, set nor delete.
    OtherOperations,
    /// Keys in the table: inserted minus removed.
    Keys,
    /// Bytes of the records in the table.
    RecordBytes,
    /// Bytes retired and not yet free.
    RetiredBytes,
    /// Entries pushed to the timing wheel minus those taken out of it.
    WheelEntries,
    /// Pushes to the timing wheel, made or skipped.
    WheelPushes,
    /// Bytes of the timing wheel's chunks.
    WheelBytes,
    /// Bags handed to the collector.
    BagsSealed,
}

/// How many quantities there are.
pub(crate) const TALLIES: usize = Tally::BagsSealed as usize + 1;

/// One thread's counters.
#[derive(Debug, Default)]
pub(crate) struct Stripe([Counter; TALLIES]);

impl Stripe {
    /// The counter of one quantity.
    #[inline]
    pub(crate) fn of(&self, tally: Tally) -> &Counter {
        &self.0[tally as usize]
    }
}
