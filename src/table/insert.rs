//! Inserting a record that is not there: place, commit, finish.

use super::{
    BIRTH_BITS, Record, Table,
    bucket::{self, Bucket, Control, FIRST_VERSION, LARGEST_POSITION, LONGEST_OVERFLOW},
    generation::Generation,
    word::{Seen, Tag, Word, bits_of, indices},
};
use crate::{
    reclaim::Guard,
    sync::{AtomicPtr, Mutant, SLOTS, is_mutant},
};
use std::ptr::NonNull;

/// How an insert ended.
#[derive(Debug)]
pub(crate) enum Insert {
    /// The record is in the table.
    Done,
    /// The key is there already; the record is still the caller's.
    Present,
    /// Another insert of the bucket was first. The record is out of the table, but others have seen
    /// it and may still read its birth: the caller retires it and tries again with a fresh one (T2).
    Lost,
    /// The chain is as long as it may get; the record is still the caller's.
    Full,
}

/// What a scan for a free slot found.
enum Scan<'g> {
    Present,
    Free(Place<'g>),
    NoneFree {
        buckets: usize,
    },
    /// The bucket has moved on since the snapshot, or is being moved to the next generation.
    Stale,
}

/// A free slot, and its position along the chain.
#[derive(Clone, Copy)]
struct Place<'g> {
    slot: &'g AtomicPtr<()>,
    word: Word,
    position: usize,
}

/// A bucket, and its control word as an insert has found it.
#[derive(Clone, Copy)]
struct Snapshot<'g> {
    generation: &'g Generation,
    head: &'g Bucket,
    seen: Control,
}

impl<R: Record> Table<R> {
    /// Inserts `record` under `hash`, unless `is_match` accepts a record that is there.
    ///
    /// Lock-free.
    ///
    /// # Safety
    ///
    /// `record` is private to the caller, from this table's domain, and of this hash; `is_match`
    /// tells whether a record has the same key.
    pub(crate) unsafe fn insert(
        &self,
        hash: u64,
        record: NonNull<R>,
        is_match: impl Fn(NonNull<R>) -> bool,
        guard: &Guard<'_>,
    ) -> Insert {
        let tag = Tag::of(hash);
        loop {
            let generation = self.generation_for_write(hash, guard);
            let head = generation.head(hash);
            let at = Snapshot { generation, head, seen: head.control() };
            if at.seen.is_frozen() {
                continue;
            }
            if !is_mutant(Mutant::NoHelp) {
                self.finish_last_commit(generation, head, at.seen);
            }
            let place = match self.scan_for_insert(at, tag, &is_match) {
                Scan::Present => return Insert::Present,
                Scan::Free(place) => place,
                Scan::NoneFree { buckets } if self.make_room(at, hash, buckets, guard) => continue,
                Scan::NoneFree { .. } => return Insert::Full,
                Scan::Stale => continue,
            };
            // SAFETY: the record is private, as long as it has not been placed.
            match unsafe { place_and_commit(at, place, record, tag) } {
                Some(Insert::Done) => {
                    self.note_inserted(generation, guard);
                    return Insert::Done;
                }
                Some(outcome) => return outcome,
                None => {}
            }
        }
    }

    /// Makes the last commit visible, if whoever made it has not got to it yet (T1).
    pub(super) fn finish_last_commit(&self, generation: &Generation, head: &Bucket, seen: Control) {
        let slot = seen.position().and_then(|position| generation.slot(head, seen, position));
        let Some(slot) = slot else { return };
        let word = bucket::load(slot);
        if let Seen::Tentative(record) = word.look::<R>()
            && is_born_before(birth(record), seen.version())
        {
            bucket::swap(slot, word, word.committed());
        }
    }

    /// Step 3: looks for the key, and for a slot to place its record in.
    fn scan_for_insert<'g>(
        &self,
        at: Snapshot<'g>,
        tag: Tag,
        is_match: &impl Fn(NonNull<R>) -> bool,
    ) -> Scan<'g> {
        let Snapshot { generation, head, seen } = at;
        let mut free = None;
        let mut buckets = 0;
        for slots in generation.chain(head, seen) {
            let words = slots.words();
            let of_tag = indices(bits_of(&words, |word| word.has_tag(tag)));
            if of_tag.filter_map(|index| words[index].as_record(tag)).any(is_match) {
                return Scan::Present;
            }
            for index in indices(bits_of(&words, Word::is_unsettled)) {
                let (slot, word) = (&slots.0[index], words[index]);
                match word.look::<R>() {
                    Seen::Tentative(record) => clear_if_doomed(head, seen, slot, word, record),
                    _ => return Scan::Stale,
                }
            }
            let is_new = |word: Word| word.is_empty() & is_newer(word.stamp(), seen.version());
            if bits_of(&words, is_new) != 0
                && !is_mutant(Mutant::StampUnchecked)
                && head.control() != seen
            {
                return Scan::Stale;
            }
            if let Some(index) = indices(bits_of(&words, Word::is_empty)).next() {
                let (slot, word) = (&slots.0[index], words[index]);
                free = free.or(Some(Place { slot, word, position: buckets * SLOTS + index }));
            }
            buckets += 1;
        }
        match free {
            // Two chains that were moved together may be longer than positions reach.
            Some(place) if place.position <= LARGEST_POSITION => Scan::Free(place),
            _ => Scan::NoneFree { buckets },
        }
    }

    /// Makes room in a chain without a free slot: by growth, or by one more overflow bucket; false
    /// when the chain is as long as it may get.
    #[cold]
    fn make_room(&self, at: Snapshot<'_>, hash: u64, buckets: usize, guard: &Guard<'_>) -> bool {
        if self.is_long(buckets + 1, at.generation)
            && self.grow_for_chain(at.generation, hash, guard)
        {
            return true;
        }
        buckets <= LONGEST_OVERFLOW && attach(at)
    }
}

/// Steps 5 to 7: places a record and commits it. `None` when somebody else was first and the record
/// is still private.
///
/// # Safety
///
/// `record` is private to the caller.
unsafe fn place_and_commit<R: Record>(
    at: Snapshot<'_>,
    place: Place<'_>,
    record: NonNull<R>,
    tag: Tag,
) -> Option<Insert> {
    let Snapshot { head, seen, .. } = at;
    // SAFETY: the record is private, and therefore valid.
    let draft = unsafe { record.as_ref() };
    // SAFETY: as above; it is placed by the CAS below.
    unsafe { draft.set_birth(seen.version() & BIRTH_BITS) };
    let committed = Word::record(record, tag);
    if is_mutant(Mutant::FirstFreeSlot) {
        return bucket::swap(place.slot, place.word, committed).then_some(Insert::Done);
    }
    let tentative = committed.tentative();
    if !bucket::swap(place.slot, place.word, tentative) {
        return None;
    }
    if head.advance(seen, seen.committed(place.position)) || is_mutant(Mutant::CommitUnchecked) {
        // Fails when somebody else has finished it; either way it is done.
        bucket::swap(place.slot, tentative, committed);
        return Some(Insert::Done);
    }
    // Out of the table: by our CAS, by that of a thread that found it doomed, or by a migration.
    bucket::swap(place.slot, tentative, empty_now(head));
    if is_mutant(Mutant::RecordPlacedAgain) { None } else { Some(Insert::Lost) }
}

/// Puts an empty overflow bucket at the front of the chain; true also when somebody else changed
/// the bucket first, false when no overflow bucket is left.
fn attach(at: Snapshot<'_>) -> bool {
    let Snapshot { generation, head, seen } = at;
    let Some(index) = generation.arena.take(seen.version(), seen.overflow()) else { return false };
    let attached = if is_mutant(Mutant::NoneIsDone) { seen.done() } else { seen.relinked(index) };
    if !head.advance(seen, attached) {
        // Never linked, so nobody has seen it.
        generation.arena.put(index);
    }
    true
}

/// Takes out a word whose commit can no longer succeed.
fn clear_if_doomed<R: Record>(
    head: &Bucket,
    seen: Control,
    slot: &AtomicPtr<()>,
    word: Word,
    record: NonNull<R>,
) {
    let birth = birth(record);
    // The last commit has been finished already; a word born with this snapshot may yet succeed.
    let is_last_commit = is_born_before(birth, seen.version()) && seen.position().is_some();
    // Shifted, so that what is compared has as many bits as a birth.
    if is_newer(seen.version() << 1, birth << 1) && !(is_last_commit && is_mutant(Mutant::NoHelp)) {
        bucket::swap(slot, word, empty_now(head));
    }
}

/// The version at which a record was placed.
fn birth<R: Record>(record: NonNull<R>) -> u32 {
    // SAFETY: found in a slot under the caller's guard, so it is not freed.
    unsafe { record.as_ref() }.birth()
}

/// Whether a record with this birth is the one that the commit to `version` was about.
fn is_born_before(birth: u32, version: u32) -> bool {
    birth.wrapping_add(1) & BIRTH_BITS == version & BIRTH_BITS
}

/// An empty word with the control word's version, read now (T3).
pub(super) fn empty_now(head: &Bucket) -> Word {
    Word::empty(if is_mutant(Mutant::EmptyWithoutStamp) {
        FIRST_VERSION
    } else {
        head.control().version()
    })
}

/// Whether version `a` comes after version `b`, within half the range.
fn is_newer(a: u32, b: u32) -> bool {
    a.wrapping_sub(b).cast_signed() > 0
}
