//! Putting an entry into a tick.

use super::{
    Level,
    chunk::{self, Chunk, Draft, Filled, Linked},
};
use crate::{
    reclaim::Guard,
    sync::{AtomicPtr, Mutant, is_mutant},
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
        let top = chunk::load(head, guard);
        match fill(top, tick, hint) {
            Filled::Done => true,
            Filled::Ended => false,
            Filled::Full => stack(head, top, tick, hint, guard),
        }
    }
}

/// Writes the entry into the chunk on top of a slot's stack, if there is one of its tick.
#[inline]
fn fill(top: Option<Linked<'_>>, tick: u64, hint: Hint) -> Filled {
    match top {
        Some(top) if top.tick() == tick => top.fill(hint),
        _ => Filled::Full,
    }
}

/// Puts a chunk with the entry on top of a slot's stack, where `top` has no cell for it; false when
/// the tick is being drained.
#[inline(never)]
fn stack<'g>(
    head: &AtomicPtr<Chunk>,
    mut top: Option<Linked<'g>>,
    tick: u64,
    hint: Hint,
    guard: &'g Guard<'_>,
) -> bool {
    // No chunk, a full one, or one of another turn.
    let class = top.filter(|top| top.tick() == tick).map_or(0, |top| top.next_class());
    let mut draft = Draft::new(class, tick, hint, guard);
    loop {
        let bytes = draft.bytes();
        match draft.link(head, top) {
            Ok(()) => {
                guard.stripe().of(Tally::WheelBytes).add(bytes as u64);
                return true;
            }
            Err(unlinked) => draft = unlinked,
        }
        top = chunk::load(head, guard);
        match fill(top, tick, hint) {
            Filled::Done => return true,
            Filled::Ended => return false,
            Filled::Full => {}
        }
    }
}
