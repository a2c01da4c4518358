//! What the evictor asks of the table that it evicts from.

use super::{local::Local, usage::Usage};

/// Why a record goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Cause {
    /// Its deadline had passed.
    Expired,
    /// It had to make room.
    Evicted,
}

/// What the evictor has to know about a record.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts<'h> {
    /// Its access word.
    pub(crate) usage: &'h Usage,
    /// Its deadline; 0 is none.
    pub(crate) deadline: u64,
    /// Whether the deadline has passed.
    pub(crate) has_expired: bool,
    /// Whether it may be removed: it is not the one that is being written, and it has expired or is
    /// not spared.
    pub(crate) may_go: bool,
}

/// A table of records, as one pinned thread sees it during one operation.
///
/// Records lie in buckets at random, which is what makes a bucket a sample; a bucket is named by
/// any number, of which the host takes what its size needs. The host shows records only where they
/// may be decided on: in a table that is growing, where a removal is sure to count.
pub(crate) trait Host {
    /// A record as it was seen: where it lies, and the exact word that led to it.
    type Seen: Copy;

    /// How many buckets there are.
    fn buckets(&self) -> usize;

    /// Shows every record of a bucket.
    fn visit(&self, bucket: usize, see: impl FnMut(Self::Seen));

    /// Shows every record that may have this hash; a few that have another are no harm.
    fn visit_hash(&self, hash: u64, see: impl FnMut(Self::Seen));

    /// Asks the processor for the records of a bucket, and for the two buckets behind it.
    fn prefetch(&self, bucket: usize);

    /// Asks the processor for the bucket of a hash, and for the record of another.
    fn prefetch_hashes(&self, hash: Option<u64>, records_of: Option<u64>);

    /// The facts about a record.
    fn facts(&self, seen: Self::Seen) -> Facts<'_>;

    /// Bytes that the removal of a record sets free.
    fn bytes(&self, seen: Self::Seen) -> usize;

    /// Removes a record, by a CAS of the exact word; false when the slot holds something else by
    /// now. Leaves the accounts to the caller.
    fn remove(&self, seen: Self::Seen, cause: Cause) -> bool;

    /// Replaces the exact word by itself; false when the slot holds something else by now.
    fn confirm(&self, seen: Self::Seen) -> bool;

    /// This thread's part in the accounts.
    fn local(&self) -> &Local;

    /// A random number; for sampling.
    fn random(&self) -> u32;

    /// Bytes in use: everything that counts towards the limit on memory.
    fn used(&self) -> u64;

    /// Bytes in use that are no records, and that no eviction sets free.
    fn fixed_bytes(&self) -> u64;

    /// Bytes that this thread has retired and that are not yet free.
    fn own_retired_bytes(&self) -> u64;

    /// Bytes that are retired and not yet free.
    fn retired_bytes(&self) -> u64;
}
