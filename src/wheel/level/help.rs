//! Draining the current tick and stepping to the next, a little at a time.

use super::{
    Level,
    chunk::{self, Chunk, Linked},
};
use crate::{
    reclaim::Guard,
    sync::{AtomicPtr, CLAIM, Mutant, Ordering, WHEEL_SLOTS, is_mutant},
    tally::Tally,
    wheel::hint::Hint,
};
use std::ptr;

/// What a slice of help came to.
#[derive(Debug)]
pub(in crate::wheel) enum Help {
    /// These entries are the caller's to fire; there may be none.
    Claimed(Batch),
    /// The level has moved on.
    Stepped,
    /// There is nothing to do until time moves on.
    Idle,
}

/// Entries that one helper has claimed.
#[derive(Debug)]
pub(in crate::wheel) struct Batch {
    hints: [Hint; CLAIM],
    len: usize,
}

impl Batch {
    fn new() -> Self {
        Self { hints: [Hint::of(0); CLAIM], len: 0 }
    }

    fn push(&mut self, hint: Hint) {
        self.hints[self.len] = hint;
        self.len += 1;
    }

    /// The entries.
    pub(in crate::wheel) fn hints(&self) -> &[Hint] {
        &self.hints[..self.len]
    }
}

impl Level {
    /// Does one slice of what is due at tick `now`: claims up to `most` entries, or steps once, or
    /// jumps.
    ///
    /// Lock-free: tries again only when a push into the slot or another helper has succeeded.
    pub(in crate::wheel) fn help(&self, now: u64, most: usize, guard: &Guard<'_>) -> Help {
        loop {
            let tick = self.current();
            if tick > now {
                return Help::Idle;
            }
            if now - tick > WHEEL_SLOTS as u64 {
                self.jump(tick, now);
                return Help::Stepped;
            }
            let head = self.head(tick);
            let Some(top) = chunk::load(head, guard) else {
                if tick == now {
                    return Help::Idle;
                }
                if leave(head) {
                    self.step(tick, tick + 1);
                    return Help::Stepped;
                }
                continue;
            };
            if top.tick() > tick && !is_mutant(Mutant::IgnoreChunkTick) {
                // We have slept for a turn: the level has moved on, and that is not due.
                continue;
            }
            return Help::Claimed(drain(head, top, most.min(CLAIM), guard));
        }
    }

    /// Moves a level that nobody has advanced for more than a turn to where every slot is still
    /// ahead of the present, so that all are drained within one turn.
    #[cold]
    fn jump(&self, tick: u64, now: u64) {
        let turn = if is_mutant(Mutant::JumpToNow) { 0 } else { WHEEL_SLOTS as u64 };
        self.step(tick, now - turn);
    }

    /// Moves the current tick, unless somebody else has.
    fn step(&self, from: u64, to: u64) {
        // ORDERING: Release, edge `step→look`. Relaxed on failure: somebody else has stepped.
        let _ = self.current.compare_exchange(from, to, Ordering::Release, Ordering::Relaxed);
    }
}

/// Leaves a slot that was seen empty; false when it is not.
fn leave(head: &AtomicPtr<Chunk>) -> bool {
    if is_mutant(Mutant::LeaveByLoad) {
        return true;
    }
    let none = ptr::null_mut();
    // ORDERING: Release, edge `leave→late`: nothing changes, but a push that comes later reads this
    // write, and so sees that its tick has come. One that came earlier makes it fail.
    head.compare_exchange(none, none, Ordering::Release, Ordering::Relaxed).is_ok()
}

/// Claims cells of a chunk, and unlinks it when it has no more.
fn drain(head: &AtomicPtr<Chunk>, top: Linked<'_>, most: usize, guard: &Guard<'_>) -> Batch {
    let first = top.claim(most);
    let end = first + most;
    let mut batch = Batch::new();
    let mut is_at_end = end >= top.cells();
    for index in first..end.min(top.cells()) {
        match top.take(index) {
            Some(hint) => batch.push(hint),
            None => {
                is_at_end = true;
                break;
            }
        }
    }
    guard.stripe().of(Tally::WheelEntries).subtract(batch.len as u64);
    if is_at_end && (top.unlink(head) || is_mutant(Mutant::EveryoneRetires)) {
        guard.stripe().of(Tally::WheelBytes).subtract(top.bytes() as u64);
        // SAFETY: unlinked by us. Helpers that still read cells of theirs are pinned.
        unsafe { top.retire(guard) };
    }
    batch
}
