//! Moving a bucket to the next generation, by as many threads as come by.
//!
//! ```text
//! sources of a bucket: growing, itself; shrinking, all that share its target
//!  F1 every source: CAS control c → c|FROZEN           from here: no commit, attach, detach in it
//!     any source done → its records are copied already, on to F5
//!  F2 every source: finish the last commit that the frozen control names
//!  F3 every slot of every chain: TENT → EMPTY|FROZEN, anything else → the same|FROZEN
//!  F4 the records of the frozen chains, in one order for everybody; per target:
//!       head slot i: CAS unfilled → the i-th of its records, or EMPTY(0)
//!       the others go to overflow buckets; CAS control unfilled → filled
//!  F5 every source: CAS control frozen → done           == linearization point of its move
//!       the winner counts it; who counts the last one: CAS root, retire the generation
//! ```
//!
//! What F4 reads never changes again, so that all helpers write the same; what it writes it writes
//! once, from unfilled, so that a helper who comes late (after the target was filled, changed, emptied
//! or even moved on) only fails.

use super::{
    Record, Table,
    bucket::{self, Bucket, Control, FIRST_VERSION},
    generation::{Generation, Remains},
    word::{Seen, Word},
};
use crate::{
    prefetch::prefetch,
    reclaim::Guard,
    sync::{AtomicPtr, Mutant, Ordering, SLOTS, is_mutant},
};
use std::ptr::NonNull;

/// Sources that share a target: two, when a table shrinks by half.
const MOST_SOURCES: usize = 2;

/// A source bucket and its control word, frozen.
type Source<'g> = (&'g Bucket, Control);

impl<R: Record> Table<R> {
    /// Moves bucket `source` of the root `generation` to its successor `next`; on return it has
    /// been moved, whoever did it.
    ///
    /// Lock-free: a CAS fails only when another write of the bucket, or another helper, succeeded.
    pub(super) fn migrate(
        &self,
        generation: &Generation,
        next: &Generation,
        source: usize,
        guard: &Guard<'_>,
    ) {
        if generation.heads[source].control().is_done() {
            return;
        }
        let mut sources: [Option<Source<'_>>; MOST_SOURCES] = [None; MOST_SOURCES];
        for (place, index) in sources.iter_mut().zip(self.sources(generation, next, source)) {
            let head = &generation.heads[index];
            if is_mutant(Mutant::SlotsFrozenFirst) {
                freeze_slots::<R>(generation, (head, head.control()));
            }
            *place = Some((head, freeze_control(head)));
        }
        let sources = || sources.iter().flatten().copied();
        if !sources().any(|(_, control)| control.is_done()) {
            for (head, control) in sources() {
                if !is_mutant(Mutant::MoveWithoutHelp) {
                    self.finish_last_commit(generation, head, control);
                }
                freeze_slots::<R>(generation, (head, control));
            }
            for target in generation.targets(next, source) {
                fill::<R>(generation, sources(), next, target);
            }
        }
        let finished = if is_mutant(Mutant::OtherSourceDone) { 1 } else { MOST_SOURCES };
        for (head, control) in sources().take(finished) {
            self.finish_move(generation, head, control, guard);
        }
    }

    /// The buckets that have to be moved together with bucket `source`.
    fn sources(
        &self,
        generation: &Generation,
        next: &Generation,
        source: usize,
    ) -> impl Iterator<Item = usize> + use<R> {
        let all = generation.sources(next, source);
        all.filter(move |index| !is_mutant(Mutant::OneSourceFrozen) || *index == source)
    }

    /// F5: says that a bucket has been moved, and ends the move after the last one.
    fn finish_move(
        &self,
        generation: &Generation,
        head: &Bucket,
        control: Control,
        guard: &Guard<'_>,
    ) {
        if control.is_done() || !head.advance(control, control.done()) {
            return;
        }
        if !generation.count_moved() {
            return;
        }
        // ORDERING: AcqRel, edges `done→root` and `begin→move`; Relaxed on failure, which cannot
        // be: the last bucket of a root is counted once.
        let swapped = self.root.generation.compare_exchange(
            std::ptr::from_ref(generation).cast_mut(),
            generation.next_pointer(),
            Ordering::AcqRel,
            Ordering::Relaxed,
        );
        debug_assert!(swapped.is_ok(), "the root moves one generation at a time");
        // What was swapped out came from a box; `generation` is a shared reference to it, through
        // which nothing may be freed.
        let Some(old) = swapped.ok().and_then(NonNull::new) else { return };
        // SAFETY: generations come from boxes, and this one is retired once, here.
        let retired = unsafe { Remains::retired(old) };
        if is_mutant(Mutant::FreedAtOnce) {
            // SAFETY: none; it is what the mutant does wrong.
            unsafe { retired.finish() };
            return;
        }
        // SAFETY: the CAS above unlinked it.
        unsafe { guard.retire(retired) };
    }
}

/// F1: stops commits, attaches and detaches.
fn freeze_control(head: &Bucket) -> Control {
    loop {
        let control = head.control();
        if control.is_frozen() {
            return control;
        }
        if head.advance(control, control.frozen()) {
            return control.frozen();
        }
    }
}

/// F3: stops overwrites, removals and placements. A tentative word is not the last commit, which
/// has been finished: it cannot succeed any more, and its owner takes its record back.
fn freeze_slots<R: Record>(generation: &Generation, (head, control): Source<'_>) {
    for slot in generation.chain(head, control).flat_map(|slots| &slots.0) {
        loop {
            let word = bucket::load(slot);
            let frozen = match word.look::<R>() {
                Seen::Frozen => break,
                Seen::Tentative(_) if !is_mutant(Mutant::TentativeMoved) => {
                    Word::empty(control.version()).frozen()
                }
                Seen::Tentative(_) => word.committed().frozen(),
                Seen::Record(record) => {
                    // Where it goes is in its header: one wait for all of them instead of seven.
                    prefetch(record.as_ptr());
                    word.frozen()
                }
                Seen::Empty(_) => word.frozen(),
            };
            if bucket::swap(slot, word, frozen) {
                break;
            }
        }
    }
}

/// F4: fills one bucket of the successor, unless somebody has.
fn fill<'g, R: Record>(
    generation: &'g Generation,
    sources: impl Iterator<Item = Source<'g>>,
    next: &Generation,
    target: usize,
) {
    let head = &next.heads[target];
    if !head.touch() && !is_mutant(Mutant::ControlStored) {
        return;
    }
    let mut free = head.slots.0.iter();
    let mut overflow = 0;
    let mut room = 0;
    for word in words(generation, sources) {
        let Seen::Record(record) = word.look::<R>() else { continue };
        // SAFETY: the chains are frozen, and what they hold is not retired before they are done.
        if next.index(u64::from(unsafe { record.as_ref() }.bucket_hash())) != target {
            continue;
        }
        if let Some(slot) = free.next() {
            fill_slot(slot, word);
            continue;
        }
        if room == 0 {
            (overflow, room) = (next.arena.take_reserved(FIRST_VERSION, overflow), SLOTS);
        }
        room -= 1;
        // ORDERING: Relaxed; private until the control word's CAS (edge `attach→walk`).
        next.arena.get(overflow).slots.0[room].store(word.raw(), Ordering::Relaxed);
    }
    for slot in free {
        fill_slot(slot, Word::empty(FIRST_VERSION));
    }
    if is_mutant(Mutant::ControlStored) {
        head.force(Control::filled(overflow));
    } else if !head.advance(Control::UNFILLED, Control::filled(overflow)) {
        put_back(next, overflow);
    }
}

/// The words of frozen chains, thawed, in an order that is the same for everybody.
fn words<'g>(
    generation: &'g Generation,
    sources: impl Iterator<Item = Source<'g>>,
) -> impl Iterator<Item = Word> {
    sources
        .flat_map(|(head, control)| generation.chain(head, control))
        .flat_map(|slots| &slots.0)
        .map(|slot| bucket::load(slot).thawed())
}

/// Writes a slot that nobody has written yet.
fn fill_slot(slot: &AtomicPtr<()>, word: Word) {
    let unfilled = if is_mutant(Mutant::FilledFromEmpty) {
        Word::empty(FIRST_VERSION)
    } else {
        Word::UNFILLED
    };
    bucket::swap(slot, unfilled, word);
}

/// Gives back overflow buckets that were never linked.
fn put_back(generation: &Generation, mut overflow: u32) {
    while overflow != 0 {
        let link = generation.arena.get(overflow).link();
        generation.arena.put(overflow);
        overflow = link;
    }
}
