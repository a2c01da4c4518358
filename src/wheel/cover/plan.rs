//! What a writer does for its record: C1 to C3.

use super::Cover;
use crate::{
    reclaim::Guard,
    sync::{AtomicU32, Mutant, is_mutant},
    wheel::{Wheel, hint::Hint, position::Position, records::Records},
};

/// What a record that is about to be published needs of the wheel.
///
/// Two words, without holes: what is larger, or has some, is handed on through memory piece by piece,
/// which took a writer as long as reading a clock.
#[must_use = "the record's deadline is not met until the plan is fulfilled"]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Plan {
    /// The tick of the cover's entry, in full; 0 when there is none.
    tick: u64,
    cover: Cover,
    step: Step,
}

/// What is left to do when the record has been published.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
enum Step {
    Nothing,
    /// See whether the inherited entry, which is there, has been fired.
    Recheck,
    /// Push an entry.
    Push,
    /// Note that an entry was not pushed.
    Owe,
}

const _: () =
    assert!(size_of::<Plan>() == size_of::<u64>() + size_of::<Cover>() + size_of::<Step>());

impl Plan {
    /// No cover, and nothing to do.
    pub(crate) const NOTHING: Self = Self { cover: Cover::NONE, step: Step::Nothing, tick: 0 };

    /// No cover, and to note that an entry was not pushed.
    const OWING: Self = Self { step: Step::Owe, ..Self::NOTHING };

    /// To inherit a cover whose entry waits there.
    #[inline]
    fn inherit(cover: Cover, entry: Position) -> Self {
        Self { cover, step: Step::Recheck, tick: entry.tick }
    }

    /// To push an entry there.
    #[inline]
    fn push(entry: Position) -> Self {
        Self { cover: Cover::at(entry), step: Step::Push, tick: entry.tick }
    }

    /// Where the cover's entry is.
    #[inline]
    fn entry(&self) -> Option<Position> {
        self.cover.level().map(|level| Position { level, tick: self.tick })
    }

    /// What the record says of itself when it is published, if it has the room: see
    /// [`Wheel::fulfil`].
    #[inline]
    pub(crate) fn cover(&self) -> Cover {
        self.cover
    }
}

impl<const LEVELS: usize> Wheel<LEVELS> {
    /// Plans for a record with this deadline (0 is none) that replaces one with cover `old`, or
    /// [`Cover::NONE`] when there is none.
    ///
    /// Wait-free, at most three loads a level; one for an overwrite with the same deadline or a later
    /// one, none for a record without a deadline that replaces one without a cover.
    #[inline]
    pub(crate) fn plan(&self, old: Cover, deadline: u64) -> Plan {
        if old.is_none() && deadline == 0 {
            return Plan::NOTHING;
        }
        // An entry that fires before the deadline is in time, whatever its level.
        if let Some(entry) = self.ahead(old)
            && deadline != 0
            && entry.time() <= self.timeline.roughly_at(deadline)
        {
            return Plan::inherit(old, entry);
        }
        self.plan_anew(old, deadline)
    }

    /// Plans for a record with this deadline that replaces none, or one without a cover.
    ///
    /// Wait-free, at most two loads a level.
    #[inline]
    pub(crate) fn plan_first(&self, deadline: u64) -> Plan {
        self.plan_own(self.position(self.timeline.due(deadline)))
    }

    /// To have an entry of its own there, unless there are too many.
    #[inline]
    fn plan_own(&self, own: Position) -> Plan {
        if self.cap.is_reached() { Plan::OWING } else { Plan::push(own) }
    }

    /// The rest of [`plan`](Self::plan): what has no deadline, and what may need an entry.
    ///
    /// Looks at the cover's entry again: handed on, it would be written to memory by those who do not
    /// call.
    #[inline(never)]
    fn plan_anew(&self, old: Cover, deadline: u64) -> Plan {
        let inherited = self.ahead(old);
        if deadline == 0 {
            return match inherited {
                Some(entry) if !is_mutant(Mutant::PersistForgetsCover) => Plan::inherit(old, entry),
                _ => Plan::NOTHING,
            };
        }
        let own = self.position(self.timeline.due(deadline));
        match inherited {
            Some(entry) if entry.time() <= own.time() || is_mutant(Mutant::InheritLaterEntry) => {
                Plan::inherit(old, entry)
            }
            _ => self.plan_own(own),
        }
    }

    /// Does what a plan has left to do, after the CAS that has published the record and under the
    /// same guard. `hint` is that of the record's hash, `word` its cover.
    ///
    /// The word holds the plan's cover; or, if that could not be stored before the record was
    /// published, something that says "none".
    ///
    /// Lock-free; nothing is done, most often, for a record that inherits its cover.
    #[inline]
    pub(crate) fn fulfil<R: Records>(
        &self,
        plan: Plan,
        deadline: u64,
        hint: Hint,
        word: &AtomicU32,
        records: &R,
        guard: &Guard<'_>,
    ) {
        // What our publishing CAS has read tells, if the inherited entry has been fired (C3).
        let is_done = if plan.step == Step::Recheck {
            is_mutant(Mutant::NoCoverRecheck) || plan.entry().is_some_and(|entry| self.waits(entry))
        } else {
            plan.step == Step::Nothing
        };
        if !is_done {
            self.fulfil_rest(plan, deadline, hint, word, records, guard);
        }
    }

    /// The rest of [`fulfil`](Self::fulfil): what has something to push.
    #[inline(never)]
    fn fulfil_rest<R: Records>(
        &self,
        plan: Plan,
        deadline: u64,
        hint: Hint,
        word: &AtomicU32,
        records: &R,
        guard: &Guard<'_>,
    ) {
        match plan.step {
            Step::Nothing => {}
            Step::Recheck => {
                self.renew(plan.cover, deadline, hint, word, records, guard);
            }
            Step::Push => self.push_own(plan, deadline, hint, word, records, guard),
            Step::Owe => self.owe(records, guard),
        }
    }

    /// Pushes the entry that a record says it has, once it does.
    #[inline]
    fn push_own<R: Records>(
        &self,
        plan: Plan,
        deadline: u64,
        hint: Hint,
        word: &AtomicU32,
        records: &R,
        guard: &Guard<'_>,
    ) {
        let seen = Cover::of(word);
        if seen.level().is_none() {
            // Whoever gives it another cover between the two has pushed for that, as we do for ours:
            // an entry too many, whichever stays.
            plan.cover.store(word);
        } else if seen != plan.cover {
            // The record was met by a fire, which has pushed for it.
            return;
        }
        if let Some(entry) = plan.entry() {
            self.schedule(hint, deadline, entry, records, guard);
        }
    }

    /// Puts a cover that is ahead in the place of one whose entry has been fired, and pushes for it;
    /// false when the word holds something else by now.
    #[cold]
    #[inline(never)]
    pub(in crate::wheel) fn renew<R: Records>(
        &self,
        seen: Cover,
        deadline: u64,
        hint: Hint,
        word: &AtomicU32,
        records: &R,
        guard: &Guard<'_>,
    ) -> bool {
        let plan = self.plan(Cover::NONE, deadline);
        let won = plan.cover == seen || plan.cover.replace(seen, word);
        if won {
            match plan.entry() {
                Some(entry) => self.schedule(hint, deadline, entry, records, guard),
                None if plan.step == Step::Owe => self.owe(records, guard),
                None => {}
            }
        }
        won
    }
}
