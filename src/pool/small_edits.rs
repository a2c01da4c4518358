//! Edits that change a key's record and nothing below it, or one leaf of a tree, which nearly all are:
//! straight from the lookup to the compare-and-swap, at half of the instructions of [the
//! others](super::edits).

use super::{
    edits::Target,
    engine::{Engine, live_of},
};
use crate::{
    error::Error,
    reclaim::Guard,
    record::{
        LONGEST_KEY, Live, Origin, Record,
        collection::Family,
        heir::{Heir, PackedHeir, TreeHeir},
    },
    table::Found,
    tally::Tally,
    value::{
        change::Change,
        list::{ListImage, ListValue},
        packed::{
            MOST_PACKED, MOST_PACKED_BYTES,
            entry::Entry,
            single::{Fate, Single},
        },
        tree::{edit::Edit, fields::Graft},
    },
};

/// Whether an edit was a small one.
#[derive(Debug)]
pub(super) enum Small<'g, 'k> {
    /// It was, and has done this.
    Done(Fate),
    /// It is not; the key as it was found.
    No(Target<'g, 'k>),
}

/// Pauses of a writer that steps back: of most processors each takes 10 to 50 ns.
const PAUSES: u32 = if cfg!(any(miri, pool_loom)) { 0 } else { 64 };

/// What an heir takes the place of: the key, its hash, where it is, and what it holds.
type Old<'a> = (&'a [u8], u64, &'a Found<'a, Record>, Live<'a>);

impl Engine {
    /// Gives a list the image that a call makes of it, until no other write of the key comes first.
    /// The first call makes one that has no new nodes; when it makes none, the other one is asked.
    /// None when there is no list, or when neither call makes an image.
    ///
    /// Lock-free: tries again only when another write of the key has succeeded, once after a pause.
    ///
    /// # Errors
    ///
    /// `KeyTooLong`, `OutOfMemory` and `Stalled` at a limit. Nothing has changed then.
    #[inline(always)]
    pub(super) fn edit_list_at_once<'g, 'd, T>(
        &'g self,
        guard: &'g Guard<'d>,
        key: &[u8],
        with_ends: impl Fn(ListValue<'g>) -> Option<(ListImage<'g, 'g>, T)>,
        with_nodes: impl Fn(ListValue<'g>, &mut Edit<'g, Guard<'d>>) -> Option<(ListImage<'g, 'g>, T)>,
    ) -> Result<Option<T>, Error> {
        if key.len() > LONGEST_KEY {
            return Err(Error::KeyTooLong);
        }
        let hash = self.hash(key);
        let mut has_lost = false;
        loop {
            let Some(found) = self.find_for_write(guard, key, hash) else { return Ok(None) };
            let old = live_of(&found, guard);
            if !self.is_current(old) {
                return Ok(None);
            }
            let Some(list) = old.list() else { return Ok(None) };
            let target = (key, hash, &found, old);
            let (is_done, reply) = match with_ends(list) {
                Some((image, reply)) => (self.inherit(guard, target, &image)?, reply),
                None => {
                    let make = |edit: &mut Edit<'g, Guard<'d>>| with_nodes(list, edit);
                    let Some(tried) = self.inherit_with_nodes(guard, target, make)? else {
                        return Ok(None);
                    };
                    tried
                }
            };
            if is_done {
                self.finish(guard, Tally::Sets);
                return Ok(Some(reply));
            }
            if !has_lost {
                step_back();
            }
            has_lost = true;
        }
    }

    /// Puts an image of a list in its place for which nodes are made.
    #[cold]
    #[inline(never)]
    fn inherit_with_nodes<'g, 'd, T>(
        &'g self,
        guard: &'g Guard<'d>,
        target: Old<'_>,
        make: impl FnOnce(&mut Edit<'g, Guard<'d>>) -> Option<(ListImage<'g, 'g>, T)>,
    ) -> Result<Option<(bool, T)>, Error> {
        let mut edit = Edit::new(guard);
        let Some((image, reply)) = make(&mut edit) else { return Ok(None) };
        let is_done = self.inherit(guard, target, &image)?;
        if is_done {
            // SAFETY: the heir was built of this edit and has taken the place of the record that the
            // edit began with, which is retired alone.
            unsafe { edit.commit() };
        }
        Ok(Some((is_done, reply)))
    }

    /// Changes a field of a hash or set, until no other write of the key comes first.
    ///
    /// # Errors
    ///
    /// As for [`edit_list_at_once`](Self::edit_list_at_once).
    #[inline(always)]
    pub(super) fn edit_field<'g, 'k>(
        &'g self,
        guard: &'g Guard<'_>,
        key: &'k [u8],
        family: Family,
        changes: &'g [Change<'g>],
    ) -> Result<Small<'g, 'k>, Error> {
        if key.len() > LONGEST_KEY {
            return Err(Error::KeyTooLong);
        }
        let hash = self.hash(key);
        let change = if let [change] = changes { Some(change) } else { None };
        loop {
            let found = self.find_for_write(guard, key, hash);
            let live = found.as_ref().map(|found| live_of(found, guard));
            let live = live.filter(|live| self.is_current(*live));
            let (Some(there), Some(old), Some(change)) = (&found, live, change) else {
                return Ok(Small::No(Target { key, hash, found, live }));
            };
            let fate = if let Some(single) = &single(old, family, change) {
                let (fate, heir) = (single.fate(), PackedHeir { family, single });
                if fate != Fate::Idle && !self.inherit(guard, (key, hash, there, old), &heir)? {
                    continue;
                }
                fate
            } else if let Some(tree) = old.tree(family) {
                let mut edit = Edit::new(guard);
                let Some(graft) = Graft::new(tree, change, &mut edit) else {
                    return Ok(Small::No(Target { key, hash, found, live }));
                };
                let (fate, heir) = (graft.fate(), TreeHeir { family, old: tree, graft });
                if fate != Fate::Idle && !self.inherit(guard, (key, hash, there, old), &heir)? {
                    continue;
                }
                // SAFETY: the heir was built of this edit and has taken the place of the record that
                // the edit began with, which is retired alone; or nothing was made.
                unsafe { edit.commit() };
                fate
            } else {
                return Ok(Small::No(Target { key, hash, found, live }));
            };
            if fate == Fate::Idle {
                self.finish(guard, Tally::OtherOperations);
            } else {
                self.note_fields(guard, family, live, changes);
                self.finish(guard, Tally::Sets);
            }
            return Ok(Small::Done(fate));
        }
    }

    /// Puts an heir in the place of a record; false when another write of the key came first.
    #[inline(always)]
    fn inherit(
        &self,
        guard: &Guard<'_>,
        (key, hash, found, old): Old<'_>,
        heir: &impl Heir,
    ) -> Result<bool, Error> {
        let is_spared = self.spares(Some(old), false, || heir.memory(key.len()))?;
        if self.evictor.is_limited() {
            self.make_room(guard, hash, heir.block_size(key.len()), 0)?;
        }
        let written = self.elapsed_coarse();
        let usage = old.usage().inherit(self.evictor.pace.now());
        let origin = Origin { hash, deadline: old.deadline(), written, usage, is_spared };
        let draft = heir.draft(key, origin, guard);
        Ok(self.replace_inline::<true>(guard, found, hash, draft, None))
    }
}

/// What becomes of a packed value by a change, if it stays packed.
#[inline(always)]
fn single<'g>(live: Live<'g>, family: Family, change: &'g Change<'g>) -> Option<Single<'g>> {
    let single = Single::new(&live.packed(family)?, change, Entry::New)?;
    let is_small =
        (1..=MOST_PACKED).contains(&single.count()) && single.encoded_len() <= MOST_PACKED_BYTES;
    is_small.then_some(single)
}

/// Lets whoever has changed a list go on for a dozen writes, for which he has all lines in his cache: two
/// threads that push and pop take 1.25 to 1.7 times as long when they pass them to and fro instead. It
/// takes a microsecond or three whatever others do. A writer does it once: when he did it after every
/// loss, one write in a thousand took up to twice as long. The growing steps of `crossbeam_utils::Backoff`
/// gained little, and not each time.
#[cold]
#[inline(never)]
fn step_back() {
    (0..PAUSES).for_each(|_| std::hint::spin_loop());
}
