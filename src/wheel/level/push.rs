//! Putting an entry into a tick.

use super::{
    Level,
    chunk::{self, Draft, Reserved},
};
use crate::{
    reclaim::Guard,
    sync::{Mutant, is_mutant},
    tally::Tally,
    wheel::hint::Hint,
};

impl Level {
    /// Puts an entry into a tick ahead of the current one. False when helpers may be past that
    /// tick: then the entry has to be pushed again, to one ahead of the tick that is current by now.
    ///
    /// After a false there may be an entry all the same, which fires within a turn.
    ///
    /// Lock-free: tries again only when another push into the slot, or a helper's unlinking or
    /// leaving, has succeeded.
    #[inline]
    pub(in crate::wheel) fn push(&self, hint: Hint, tick: u64, guard: &Guard<'_>) -> bool {
        if !self.place(hint, tick, guard) {
            return false;
        }
        guard.stripe().of(Tally::WheelEntries).add(1);
        self.current() < tick || is_mutant(Mutant::PushWithoutSecondLook)
    }

    /// Writes the entry into a cell; false when the tick is being drained.
    #[inline]
    fn place(&self, hint: Hint, tick: u64, guard: &Guard<'_>) -> bool {
        let head = self.head(tick);
        let mut spare = None;
        loop {
            let top = chunk::load(head, guard);
            let mut class = 0;
            if let Some(top) = top
                && top.tick() == tick
            {
                match top.reserve() {
                    Reserved::Cell(index) => return top.write(index, hint),
                    Reserved::Closed => return false,
                    Reserved::Full => class = top.next_class(),
                }
            }
            // No chunk, a full one, or one of another turn.
            let draft = spare.take().unwrap_or_else(|| Draft::new(class, tick, hint, guard));
            let bytes = draft.bytes();
            match draft.link(head, top) {
                Ok(()) => {
                    guard.stripe().of(Tally::WheelBytes).add(bytes as u64);
                    return true;
                }
                Err(draft) => spare = Some(draft),
            }
        }
    }
}
