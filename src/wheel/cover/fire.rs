//! What becomes of the records that an entry may mean: C4 to C6.

use super::Cover;
use crate::{
    reclaim::Guard,
    sync::{Mutant, is_mutant},
    wheel::{Wheel, hint::Hint, records::Records},
};

/// How a look at a record ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Verdict {
    Expired,
    /// It stays, and another entry looks after it, if it has a deadline.
    Left,
    /// Its slot holds something else by now.
    Replaced,
}

impl<const LEVELS: usize> Wheel<LEVELS> {
    /// Looks after every record that a claimed entry may mean; returns how many had expired at
    /// `now`, by the clock, and are removed.
    ///
    /// Lock-free: looks again only when another write of a record, or of its cover, has succeeded.
    pub(in crate::wheel) fn fire<R: Records>(
        &self,
        hint: Hint,
        now: u64,
        records: &R,
        guard: &Guard<'_>,
    ) -> usize {
        let mut expired = 0;
        loop {
            let mut was_replaced = false;
            records.visit_hint(hint, guard, |found| {
                match self.look_after(&found, hint, now, records, guard) {
                    Verdict::Expired => expired += 1,
                    Verdict::Left => {}
                    Verdict::Replaced => was_replaced = true,
                }
            });
            if !was_replaced || is_mutant(Mutant::NoSecondLook) {
                return expired;
            }
        }
    }

    fn look_after<R: Records>(
        &self,
        found: &R::Found<'_>,
        hint: Hint,
        now: u64,
        records: &R,
        guard: &Guard<'_>,
    ) -> Verdict {
        let deadline = records.deadline(found, guard);
        if deadline != 0 && deadline < now {
            return if records.expire(found, guard) { Verdict::Expired } else { Verdict::Replaced };
        }
        let word = records.cover(found, guard);
        let cover = Cover::of(word);
        let is_covered = self.is_ahead(cover) && !is_mutant(Mutant::EveryFirePushes)
            || deadline == 0 && is_mutant(Mutant::KeepStaleCover);
        if !is_covered && !self.renew(cover, deadline, hint, word, records, guard) {
            return Verdict::Replaced;
        }
        // Our entry ends here. A writer that has read the record's cover when it still meant our
        // entry, and replaces the record later, has to see that: its CAS reads this write.
        let is_left =
            is_mutant(Mutant::NoConfirm) || is_covered && is_mutant(Mutant::NoConfirmOfCovered);
        if is_left || records.confirm(found, guard) { Verdict::Left } else { Verdict::Replaced }
    }
}
