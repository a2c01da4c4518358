//! What the wheel asks of whoever keeps the records.

use super::hint::Hint;
use crate::{reclaim::Guard, sync::AtomicU32, tally::Tally};

/// A keyspace whose records the wheel looks after.
///
/// Everything is called under a guard, and what was found under one is used under it. Nothing here
/// may panic: a fire that is cut short forgets the entries that it has claimed.
pub(crate) trait Records {
    /// A record, with the slot that held it and the exact word seen there.
    type Found<'t>
    where
        Self: 't;

    /// Says that these hints will be looked up next, so that their lines can be fetched.
    fn expect(&self, hints: &[Hint], guard: &Guard<'_>);

    /// Shows every committed record that a hint may mean.
    ///
    /// One that is there throughout is shown, wherever growth of the table moves it meanwhile.
    fn visit_hint<'t>(
        &'t self,
        hint: Hint,
        guard: &'t Guard<'_>,
        visit: impl FnMut(Self::Found<'t>),
    );

    /// Shows the records of a few buckets, and says where to go on; 0 begins and ends a round.
    ///
    /// In a round every record that is there throughout is shown at least once, as SCAN promises it.
    fn visit_from<'t>(
        &'t self,
        cursor: u32,
        guard: &'t Guard<'_>,
        visit: impl FnMut(Self::Found<'t>),
    ) -> u32;

    /// The hint of a record's hash.
    fn hint(&self, found: &Self::Found<'_>, guard: &Guard<'_>) -> Hint;

    /// A record's deadline in the clock's milliseconds; 0 is none. At the deadline itself the record
    /// has not expired.
    fn deadline(&self, found: &Self::Found<'_>, guard: &Guard<'_>) -> u64;

    /// A record's cover.
    fn cover<'f>(&self, found: &'f Self::Found<'_>, guard: &'f Guard<'_>) -> &'f AtomicU32;

    /// Removes a record that has expired, by a CAS of the exact word seen; false when its slot holds
    /// something else by now.
    fn expire(&self, found: &Self::Found<'_>, guard: &Guard<'_>) -> bool;

    /// Writes the slot without changing it, by a CAS from the exact word seen to the same, with
    /// Release; false when it holds something else by now.
    fn confirm(&self, found: &Self::Found<'_>, guard: &Guard<'_>) -> bool;

    /// The sum of a counter over all threads.
    fn total(&self, tally: Tally) -> u64;
}
