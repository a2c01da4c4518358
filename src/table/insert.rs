//! Inserting a record that is not there: place, commit, finish.

use super::{
    Record, Table,
    bucket::{self, Bucket, Control, LONGEST_OVERFLOW},
    word::{Seen, Tag, Word},
};
use crate::{
    reclaim::Guard,
    sync::{AtomicPtr, Mutant, is_mutant},
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
enum Scan<'t> {
    Present,
    Free {
        slot: &'t AtomicPtr<()>,
        word: Word,
        position: usize,
    },
    NoneFree {
        buckets: usize,
    },
    /// The bucket has moved on since the snapshot.
    Stale,
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
        _guard: &Guard<'_>,
    ) -> Insert {
        let head = self.bucket(hash);
        let tag = Tag::of(hash);
        loop {
            let seen = head.control();
            if !is_mutant(Mutant::NoHelp) {
                self.finish_last_commit(head, seen);
            }
            let (slot, free, position) = match self.scan_for_insert(head, seen, tag, &is_match) {
                Scan::Present => return Insert::Present,
                Scan::Free { slot, word, position } => (slot, word, position),
                Scan::NoneFree { buckets } => {
                    if buckets > LONGEST_OVERFLOW || !self.attach(head, seen) {
                        return Insert::Full;
                    }
                    continue;
                }
                Scan::Stale => continue,
            };
            // SAFETY: the record is private; `birth` is written by us only, before the CAS below.
            unsafe { record.as_ref() }.birth().with_mut(|birth| unsafe { *birth = seen.version() });
            let committed = Word::record(record, tag);
            if is_mutant(Mutant::FirstFreeSlot) {
                if bucket::swap(slot, free, committed) {
                    return Insert::Done;
                }
                continue;
            }
            let tentative = committed.tentative();
            if !bucket::swap(slot, free, tentative) {
                continue;
            }
            if head.advance(seen, seen.committed(position)) || is_mutant(Mutant::CommitUnchecked) {
                // Fails when somebody else has finished it; either way it is done.
                bucket::swap(slot, tentative, committed);
                return Insert::Done;
            }
            // Out of the table, by our CAS or by that of a thread that found it doomed.
            bucket::swap(slot, tentative, empty_now(head));
            if !is_mutant(Mutant::RecordPlacedAgain) {
                return Insert::Lost;
            }
        }
    }

    /// Makes the last commit visible, if whoever made it has not got to it yet (T1).
    pub(super) fn finish_last_commit(&self, head: &Bucket, seen: Control) {
        let Some(slot) = seen.position().and_then(|position| self.slot(head, seen, position))
        else {
            return;
        };
        let word = bucket::load(slot);
        if let Seen::Tentative(record) = word.look::<R>()
            && birth(record).wrapping_add(1) == seen.version()
        {
            bucket::swap(slot, word, word.committed());
        }
    }

    /// Step 3: looks for the key, and for a slot to place its record in.
    fn scan_for_insert<'t>(
        &'t self,
        head: &'t Bucket,
        seen: Control,
        tag: Tag,
        is_match: &impl Fn(NonNull<R>) -> bool,
    ) -> Scan<'t> {
        let mut free = None;
        let mut position = 0;
        let mut buckets = 0;
        for slots in self.chain(head, seen) {
            buckets += 1;
            for slot in &slots.0 {
                let word = bucket::load(slot);
                match word.look::<R>() {
                    Seen::Record(record) if word.has_tag(tag) && is_match(record) => {
                        return Scan::Present;
                    }
                    Seen::Record(_) => {}
                    Seen::Tentative(record) => clear_if_doomed(head, seen, slot, word, record),
                    Seen::Empty(stamp) => {
                        if is_newer(stamp, seen.version())
                            && !is_mutant(Mutant::StampUnchecked)
                            && head.control() != seen
                        {
                            return Scan::Stale;
                        }
                        free = free.or(Some((slot, word, position)));
                    }
                }
                position += 1;
            }
        }
        match free {
            Some((slot, word, position)) => Scan::Free { slot, word, position },
            None => Scan::NoneFree { buckets },
        }
    }

    /// Puts an empty overflow bucket at the front of the chain; true also when somebody else
    /// changed the bucket first, false when no overflow bucket is left.
    fn attach(&self, head: &Bucket, seen: Control) -> bool {
        let Some(index) = self.arena.take(seen.version(), seen.overflow()) else { return false };
        if !head.advance(seen, seen.relinked(index)) {
            // Never linked, so nobody has seen it.
            self.arena.put(index);
        }
        true
    }
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
    let is_last_commit = birth.wrapping_add(1) == seen.version() && seen.position().is_some();
    if is_newer(seen.version(), birth) && !(is_last_commit && is_mutant(Mutant::NoHelp)) {
        bucket::swap(slot, word, empty_now(head));
    }
}

/// The version at which a record was placed.
fn birth<R: Record>(record: NonNull<R>) -> u32 {
    // SAFETY: found in a slot under the caller's guard, so it is not freed.
    let record = unsafe { record.as_ref() };
    // SAFETY: written before the record was placed (T5), and not since (T2).
    record.birth().with(|birth| unsafe { *birth })
}

/// An empty word with the control word's version, read now (T3).
pub(super) fn empty_now(head: &Bucket) -> Word {
    Word::empty(if is_mutant(Mutant::EmptyWithoutStamp) { 0 } else { head.control().version() })
}

/// Whether version `a` comes after version `b`, within half the range.
fn is_newer(a: u32, b: u32) -> bool {
    a.wrapping_sub(b).cast_signed() > 0
}
