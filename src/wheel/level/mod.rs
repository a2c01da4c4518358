//! One level of the wheel: a ring of slots, each a stack of chunks of entries.
//!
//! Any thread [pushes](Level::push) entries to ticks ahead of the *current* one; any thread
//! [helps](Level::help) to drain the current tick and to step to the next. Nobody owns a tick: were
//! one thread elected to drain it, its sleep would strand the tick's entries.
//!
//! # How it works
//!
//! ```text
//! push(hint, tick), pinned:
//! P1 top = slot[tick].load
//!    top is a chunk of this tick:
//! P2   i = top.filled;  no cell i → P4
//! P3   CAS cell[i] 0 → hint    done → top.filled = i + 1, P5;  TAKEN → false;  a hint → P3 with i + 1
//! P4 private chunk with the entry in cell 0, next = top;  CAS slot[tick] top → chunk   lost → P1
//! P5 current < tick            or false: the caller pushes again, ahead of what is current now
//!
//! help(now, most), pinned:
//! H1 t = current;  t > now → idle;  more than a turn behind → CAS current t → now − turn
//!    top = slot[t].load
//! H2 none: t = now → idle, else CAS slot[t] null → null, then CAS current t → t+1    lost → H1
//! H3 top is of a later turn: we have slept for one → H1
//! H4 i = top.claimed += most
//! H5 every cell from i below i + most: load; 0 → swap TAKEN; it was 0 → the chunk ends here
//! H6 at the chunk's end, or behind its last cell: CAS slot[t] top → top.next;  the winner retires top
//! ```
//!
//! An entry is fired once by whoever claimed its cell. A tick takes chunks of growing size, so that
//! a lone entry costs 64 bytes, and a thousand of them eight more each.
//!
//! Cells are filled in their order, by one CAS each and no reservation: nobody fills a cell before he has
//! seen, or been told by `filled`, that all before it are. So a single cell ends a chunk, the first empty
//! one, when a helper takes it. `filled` only saves the way along the cells; it may be too low.
//!
//! # States of a cell
//!
//! | cell  | leaves by         | done by                                               |
//! |-------|-------------------|-------------------------------------------------------|
//! | 0     | CAS to hint       | a writer, when all cells before it are filled         |
//! | 0     | swap to TAKEN     | the helper that claimed it, before any writer         |
//! | hint  | –                 | claimed once, then freed with its chunk               |
//! | TAKEN | –                 | writers that come to it push again                    |
//!
//! # Invariants
//!
//! * **L1** `current` never goes back.
//! * **L2** An entry's tick is at most [`REACH`](super::position::REACH) ticks ahead of `current`.
//!   So a chunk in the slot of the current tick that is of a later tick was linked when the level
//!   had moved on.
//! * **L3** A chunk is linked once and unlinked once; `next` and `label` do not change in between.
//! * **L4** Before a filled cell all are filled: one that is TAKEN has none behind it, ever.
//! * **L5** A slot is left only by a write to it that finds it empty.
//!
//! Why no entry is lost. A chunk is unlinked when somebody has claimed its last cell, or one that he has
//! made TAKEN, and therefore after all cells before that were claimed: each filled cell (L4) has somebody
//! who looks at it, before it is filled or after. If before, he has made it TAKEN, and then P3 fails. A
//! push whose P4 comes before H2 in the order of its slot makes H2 fail: the chunk is drained. A push that
//! fails at P3, or whose P4 comes after H2, reads what H5 or H2 wrote, by a read-modify-write, and so
//! sees what the helper saw: that its tick has come. A jump leaves slots out; but the turn that follows
//! it visits each of them, and what they hold is of a tick that has come.
//!
//! # Linearization points
//!
//! | operation | takes effect at                                |
//! |-----------|------------------------------------------------|
//! | `push`    | its CAS of the cell or of the slot             |
//! | a claim   | its `fetch_add` of `claimed`                   |
//! | a tick is left | the CAS null → null of its slot           |
//!
//! # Orderings
//!
//! | edge         | from                           | to                            | carries |
//! |--------------|--------------------------------|-------------------------------|---------|
//! | `link→use`   | slot CAS to a chunk, Release   | slot load, Acquire            | the chunk's header and first entry |
//! | `write→fire` | cell CAS, or slot CAS to a chunk, Release | cell load or swap, or slot load, Acquire | the record that the entry is about |
//! | `take→late`  | cell swap to TAKEN, Release    | failed cell CAS, Acquire      | that the tick is current |
//! | `leave→late` | slot CAS null → null, Release  | slot CAS to a chunk, Acquire  | that the tick is current |
//! | `step→look`  | `current` CAS, Release         | `current` load, Acquire       | that finer levels have moved on |
//!
//! What the two edges to *late* carry is that a helper has read `current`: who synchronizes with
//! that helper reads the same value or a later one. The last edge is for economy: without it an entry
//! may be pushed a few times before it finds a tick that is still ahead.
//!
//! # Reclamation
//!
//! A chunk is retired by the helper whose CAS unlinked it, and so outlives every writer and helper
//! that could have found it. A chunk that was never linked goes back at once.
//!
//! # Progress
//!
//! Both operations are lock-free. A helper that falls asleep with a claim keeps up to
//! [`CLAIM`](crate::sync::CLAIM) entries until it wakes; the level moves on without them. A writer
//! that falls asleep holds back nothing, and pushes again if its tick has come when it wakes. Nobody
//! waits for either.

mod chunk;
mod help;
#[cfg(all(test, pool_loom, not(pool_epochs), not(pool_shuttle)))]
mod loom;
mod push;

pub(super) use help::Help;

use crate::sync::{AtomicPtr, AtomicU64, Mutant, Ordering, WHEEL_SLOTS, is_mutant};
use chunk::Chunk;
use crossbeam_utils::CachePadded;
use std::ptr;

/// A ring of slots.
#[derive(Debug)]
pub(super) struct Level {
    /// The tick that is being drained. Entries go to later ones.
    current: CachePadded<AtomicU64>,
    heads: [AtomicPtr<Chunk>; WHEEL_SLOTS],
}

impl Level {
    /// Creates an empty level.
    pub(super) fn new(current: u64) -> Self {
        Self {
            current: CachePadded::new(AtomicU64::new(current)),
            heads: std::array::from_fn(|_| AtomicPtr::new(ptr::null_mut())),
        }
    }

    /// The tick that is being drained, or an earlier one.
    #[inline]
    pub(super) fn current(&self) -> u64 {
        // ORDERING: Acquire, edge `step→look`. Where a value that is old would do harm, another edge
        // forbids it. The mutant looks among ticks that are long past.
        let order =
            if is_mutant(Mutant::LookRelaxed) { Ordering::Relaxed } else { Ordering::Acquire };
        self.current.load(order)
    }

    /// Whether there seems to be something to do at tick `now`: entries, or a step.
    #[inline]
    pub(super) fn is_due(&self, now: u64) -> bool {
        let current = self.current();
        // ORDERING: Relaxed; a hint, only compared.
        current < now || current == now && !self.head(current).load(Ordering::Relaxed).is_null()
    }

    /// The slot of a tick.
    #[inline]
    fn head(&self, tick: u64) -> &AtomicPtr<Chunk> {
        #[expect(clippy::cast_possible_truncation, reason = "below the number of slots")]
        &self.heads[(tick % WHEEL_SLOTS as u64) as usize]
    }
}

impl Drop for Level {
    fn drop(&mut self) {
        for head in &self.heads {
            // ORDERING: Relaxed; the level is ours alone, and came to us by its owner's hand-over.
            let top = head.load(Ordering::Relaxed);
            // SAFETY: nobody else can reach what the level holds.
            unsafe { chunk::free_stack(top) };
        }
    }
}
