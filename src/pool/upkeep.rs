//! Deadlines that are kept: what each write does for the [wheel](crate::wheel), and what the wheel
//! asks of the table.
//!
//! Every write plans for its record before it publishes it, does what the plan has left to do after
//! that, and takes the wheel a bounded step further: at most ten keys are removed on the way. While
//! a [cleanup task](super::cleanup) runs, that is left to it, unless it is late. Reads do nothing of
//! this.

use super::engine::{Engine, live_of};
use crate::{
    reclaim::Guard,
    record::{Draft, Live, Record},
    sync::{AtomicU32, Ordering},
    table::Found,
    tally::Tally,
    wheel::{Cover, Hint, Plan, Records, Wheel},
};
use std::ptr::NonNull;

impl Engine {
    /// Plans for a record that is to take the place of another one.
    #[inline(always)]
    pub(super) fn plan_successor(&self, draft: &Draft<'_, '_>, old: Live<'_>) -> Plan {
        let live = draft.live();
        let plan = self.wheel.plan(Cover::of(old.cover()), live.deadline());
        plan.cover().store(live.cover());
        plan
    }

    /// Plans for a record that is to be inserted. Until that is done, its birth lies where the cover
    /// will.
    #[inline]
    pub(super) fn plan_first(&self, draft: &Draft<'_, '_>) -> Plan {
        match draft.live().deadline() {
            0 => Plan::NOTHING,
            deadline => self.wheel.plan_first(deadline),
        }
    }

    /// Does what was planned for a record that was published under this guard.
    #[inline(always)]
    pub(super) fn look_after(
        &self,
        plan: Plan,
        hash: u64,
        record: NonNull<Record>,
        guard: &Guard<'_>,
    ) {
        // SAFETY: published under the guard, and so not freed before it ends.
        let live = unsafe { Live::new(record) };
        self.wheel.fulfil(plan, live.deadline(), Hint::of(hash), live.cover(), self, guard);
    }

    /// Takes the wheel a step further, if time has passed since somebody did.
    ///
    /// Time is that of the last look at the clock, which nearly every write takes.
    #[inline]
    pub(super) fn upkeep(&self, guard: &Guard<'_>) {
        // ORDERING: Relaxed; a setting.
        let patience = self.patience.load(Ordering::Relaxed);
        // Models of commands advance by an actor of their own.
        if cfg!(not(pool_loom)) && self.wheel.is_due(self.began + self.elapsed_recent(), patience) {
            self.advance_wheel(guard);
        }
    }

    #[cold]
    #[inline(never)]
    fn advance_wheel(&self, guard: &Guard<'_>) {
        // The time that others have seen may be later than the clock's, if that was set back.
        self.wheel.advance(self.clock.now_millis(), <Wheel>::INLINE, self, guard);
    }
}

impl Records for Engine {
    type Found<'t> = Found<'t, Record>;

    fn expect(&self, hints: &[Hint], guard: &Guard<'_>) {
        for hint in hints {
            self.table.prefetch_bucket(hint.hash(), guard);
        }
        for hint in hints {
            self.table.prefetch_records(hint.hash(), guard);
        }
    }

    fn visit_hint<'t>(
        &'t self,
        hint: Hint,
        guard: &'t Guard<'_>,
        mut visit: impl FnMut(Self::Found<'t>),
    ) {
        self.table.visit_matching(hint.hash(), guard, &mut visit);
    }

    fn visit_from<'t>(
        &'t self,
        cursor: u32,
        guard: &'t Guard<'_>,
        mut visit: impl FnMut(Self::Found<'t>),
    ) -> u32 {
        let next = self.table.scan_bucket(cursor.into(), guard, &mut |record| {
            // SAFETY: what is found under a guard lives as long as it.
            let live = unsafe { Live::new(record) };
            if live.deadline() == 0 {
                return;
            }
            let hash = self.hash(live.key());
            let found = self.table.find_for_write(hash, |other| live.is(other), guard);
            found.into_iter().for_each(&mut visit);
        });
        // A cursor is below the number of buckets, which has 32 bits.
        u32::try_from(next).unwrap_or(0)
    }

    fn hint(&self, found: &Self::Found<'_>, guard: &Guard<'_>) -> Hint {
        Hint::of(self.hash(live_of(found, guard).key()))
    }

    fn deadline(&self, found: &Self::Found<'_>, guard: &Guard<'_>) -> u64 {
        live_of(found, guard).deadline()
    }

    fn cover<'f>(&self, found: &'f Self::Found<'_>, guard: &'f Guard<'_>) -> &'f AtomicU32 {
        live_of(found, guard).cover()
    }

    fn expire(&self, found: &Self::Found<'_>, guard: &Guard<'_>) -> bool {
        self.remove_expired(guard, found)
    }

    fn confirm(&self, found: &Self::Found<'_>, _guard: &Guard<'_>) -> bool {
        self.table.confirm(found)
    }

    fn total(&self, tally: Tally) -> u64 {
        self.domain.total(tally)
    }
}
