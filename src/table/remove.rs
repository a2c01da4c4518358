//! Replacing and removing the exact record that was found, and detaching what has become empty.

use super::{
    Record, Root, Table,
    bucket::{self, Bucket},
    generation::Generation,
    insert::empty_now,
    lookup::Found,
    word::{Seen, Tag, Word},
};
use crate::{
    reclaim::{Guard, Retired},
    sync::{Mutant, is_mutant},
};
use std::{ptr::NonNull, sync::Arc};

impl<R: Record> Table<R> {
    /// Puts `record` where `found` was, and retires that; returns the bytes that will be free with
    /// it. `None` when the slot holds something else by now: the record is still the caller's then.
    ///
    /// One CAS; fails only if another write of the key succeeded.
    ///
    /// # Safety
    ///
    /// `record` is private to the caller, from this table's domain, and has the same key and `hash`
    /// as the one found, which was found under `guard`.
    #[inline(always)]
    pub(crate) unsafe fn replace(
        &self,
        found: &Found<'_, R>,
        hash: u64,
        record: NonNull<R>,
        guard: &Guard<'_>,
    ) -> Option<u64> {
        if !bucket::swap(found.slot, found.word, Word::record(record, Tag::of(hash))) {
            return None;
        }
        // SAFETY: our CAS unlinked it; it was found under the guard.
        Some(unsafe { R::retire_replaced(found.record, record, guard) })
    }

    /// Removes the record that was found, and retires it; returns the bytes that will be free with
    /// it. `None` when the slot holds something else by now.
    ///
    /// One CAS; fails only if another write of the key succeeded.
    ///
    /// # Safety
    ///
    /// The record was found under `guard`.
    pub(crate) unsafe fn remove(&self, found: &Found<'_, R>, guard: &Guard<'_>) -> Option<u64> {
        let (word, record) = match bucket::load(found.slot) {
            now if is_mutant(Mutant::RemoveByKey) => match now.look() {
                Seen::Record(record) => (now, record),
                Seen::Tentative(_) | Seen::Empty(_) | Seen::Frozen => return None,
            },
            _ => (found.word, found.record),
        };
        // The version is read here, after the record was seen (T3).
        if !bucket::swap(found.slot, word, empty_now(found.head)) {
            return None;
        }
        // SAFETY: as in `replace`.
        let bytes = unsafe { R::retire(record, guard) };
        if found.head.control().overflow() != 0 {
            self.try_detach(found.generation, found.head, guard);
        }
        self.note_removed(guard);
        Some(bytes)
    }

    /// Unlinks the first overflow bucket of a chain, if it is empty.
    #[cold]
    pub(super) fn try_detach(&self, generation: &Generation, head: &Bucket, guard: &Guard<'_>) {
        let seen = head.control();
        let index = seen.overflow();
        if index == 0 || seen.is_frozen() {
            return;
        }
        if !is_mutant(Mutant::DetachWithoutHelp) {
            // Without this a committed insert that is not finished would be lost (T1).
            self.finish_last_commit(generation, head, seen);
        }
        let bucket = generation.arena.get(index);
        let is_empty = |slot| matches!(bucket::load(slot).look::<R>(), Seen::Empty(_));
        if !bucket.slots.0.iter().all(is_empty) {
            return;
        }
        let next = seen.relinked(bucket.link());
        if is_mutant(Mutant::DetachByStore) {
            head.force(next);
        } else if !head.advance(seen, next) {
            return;
        }
        let home = NonNull::from(Arc::as_ref(&self.root)).cast();
        let generation = generation.number;
        let give_back = Root::give_back;
        // SAFETY: our CAS unlinked the bucket; the root lives until the table is dropped, which
        // comes after its domain has closed.
        unsafe { guard.retire(Retired::Return { home, index, generation, give_back }) };
    }
}

impl Root {
    /// Gives an overflow bucket back to its generation, if that still exists.
    ///
    /// # Safety
    ///
    /// `root` is the address of a living root, the caller is pinned or alone, and the bucket is out
    /// of use.
    unsafe fn give_back(root: NonNull<u8>, index: u32, number: u32) {
        // SAFETY: the caller's word.
        let root = unsafe { root.cast::<Self>().as_ref() };
        // SAFETY: the caller's pin keeps the root's generation, and that its successor.
        let generation = unsafe { root.get().as_ref() };
        let both = std::iter::once(generation).chain(generation.next());
        for generation in both.filter(|generation| generation.number == number) {
            generation.arena.put(index);
        }
    }
}
