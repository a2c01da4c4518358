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
        change::{Change, Wish},
        element::Element,
        list::{ListImage, ListValue},
        packed::{
            MOST_PACKED, MOST_PACKED_BYTES,
            entry::Entry,
            fields::{self, Fields},
            single::{Fate, Overwrite, Single, Successor},
        },
        tree::{
            edit::Edit,
            fields::{FieldTree, Graft},
        },
    },
};

/// Why an end of a list was not changed at once.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Missed {
    /// Another write of the key came first.
    Lost,
    /// It takes nodes.
    TakesNodes,
    /// There is no list, or none might be left.
    TooShort,
}

/// What has come of trying to change a field.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Tried {
    /// This.
    Done(Fate),
    /// Another write of the key came first.
    Lost,
    /// There is more to do than is done here.
    TooLittle,
}

/// Pauses of a writer that steps back: of most processors each takes 10 to 50 ns.
const PAUSES: u32 = if cfg!(any(miri, pool_loom)) { 0 } else { 64 };

/// Bytes of a tree up to which most of its nodes are in the cache of whoever changes it.
const CACHED: u64 = 1 << 20;

/// What an heir takes the place of: the key, its hash, where it is, and what it holds.
type Old<'a> = (&'a [u8], u64, &'a Found<'a, Record>, Live<'a>);

impl Engine {
    /// Tries once to give a list the image that a call makes of it, which has no new nodes. Nearly every
    /// push and pop is this: what others need is a call, so that nothing of this has to be in memory.
    ///
    /// # Errors
    ///
    /// `KeyTooLong`, `OutOfMemory` and `Stalled` at a limit. Nothing has changed then.
    #[inline(always)]
    pub(super) fn try_end<'g, T>(
        &'g self,
        guard: &'g Guard<'_>,
        key: &[u8],
        make: impl FnOnce(ListValue<'g>) -> Option<(ListImage<'g, 'g>, T)>,
    ) -> Result<Result<T, Missed>, Error> {
        if key.len() > LONGEST_KEY {
            return Err(Error::KeyTooLong);
        }
        let hash = self.hash(key);
        let Some(found) = self.find_for_write(guard, key, hash) else {
            return Ok(Err(Missed::TooShort));
        };
        let old = live_of(&found, guard);
        let list = if self.is_current(old) { old.list() } else { None };
        let Some(list) = list else { return Ok(Err(Missed::TooShort)) };
        let Some((image, reply)) = make(list) else {
            return Ok(Err(if list.len() > 1 { Missed::TakesNodes } else { Missed::TooShort }));
        };
        if !self.inherit(guard, (key, hash, &found, old), &image)? {
            return Ok(Err(Missed::Lost));
        }
        self.finish(guard, Tally::Sets);
        Ok(Ok(reply))
    }

    /// Gives a list the image that a call makes of it, for which it may make nodes, until no other
    /// write of the key comes first. None when there is no list, or when the call makes no image.
    ///
    /// Lock-free: tries again only when another write of the key has succeeded, once after a pause.
    ///
    /// # Errors
    ///
    /// As for [`try_end`](Self::try_end).
    #[inline(never)]
    pub(super) fn edit_list_at_once<'g, 'd, T>(
        &'g self,
        guard: &'g Guard<'d>,
        key: &[u8],
        mut has_lost: bool,
        make: impl Fn(ListValue<'g>, &mut Edit<'g, Guard<'d>>) -> Option<(ListImage<'g, 'g>, T)>,
    ) -> Result<Option<T>, Error> {
        if key.len() > LONGEST_KEY {
            return Err(Error::KeyTooLong);
        }
        if has_lost {
            step_back();
        }
        let hash = self.hash(key);
        loop {
            let Target { found: Some(found), live: Some(old), .. } =
                self.target_of(guard, key, hash)
            else {
                return Ok(None);
            };
            let mut edit = Edit::new(guard);
            let Some((image, reply)) = old.list().and_then(|list| make(list, &mut edit)) else {
                return Ok(None);
            };
            if self.inherit(guard, (key, hash, &found, old), &image)? {
                // SAFETY: the heir was built of this edit and has taken the place of the record that
                // the edit began with, which is retired alone.
                unsafe { edit.commit() };
                self.finish(guard, Tally::Sets);
                return Ok(Some(reply));
            }
            if !has_lost {
                step_back();
            }
            has_lost = true;
        }
    }

    /// Gives a field of a hash a value; true when the field is new.
    ///
    /// # Errors
    ///
    /// As for [`edit_hash`](Self::edit_hash).
    #[inline(never)]
    pub(super) fn set_field(&self, key: &[u8], field: &[u8], value: &[u8]) -> Result<bool, Error> {
        let wish = Wish::Set(Element::of(value));
        let change = Change::of(&self.hasher, field, wish, 0)?;
        Ok(self.edit_field(key, Family::Hash, change)? == Fate::Added)
    }

    /// Adds a member to a set; true when it is new.
    ///
    /// # Errors
    ///
    /// As for [`edit_set`](Self::edit_set).
    #[inline(never)]
    pub(super) fn add_member(&self, key: &[u8], member: &[u8]) -> Result<bool, Error> {
        let change = Change::of(&self.hasher, member, Wish::Add, 0)?;
        Ok(self.edit_field(key, Family::Set, change)? == Fate::Added)
    }

    /// Removes a field of a hash, or a member of a set; false when there is none.
    ///
    /// # Errors
    ///
    /// As for [`edit_hash`](Self::edit_hash).
    #[inline(never)]
    pub(super) fn remove_field(
        &self,
        key: &[u8],
        family: Family,
        field: &[u8],
    ) -> Result<bool, Error> {
        let change = Change::of(&self.hasher, field, Wish::Remove, 0)?;
        Ok(self.edit_field(key, family, change)? == Fate::Removed)
    }

    /// Changes a field of a hash or set, until no other write of the key comes first.
    ///
    /// # Errors
    ///
    /// As for [`edit_list_at_once`](Self::edit_list_at_once).
    #[inline(always)]
    fn edit_field(&self, key: &[u8], family: Family, change: Change<'_>) -> Result<Fate, Error> {
        if key.len() > LONGEST_KEY {
            return Err(Error::KeyTooLong);
        }
        let guard = &self.pin_to_write();
        let hash = self.hash(key);
        loop {
            let found = self.find_for_write(guard, key, hash);
            let live = found.as_ref().map(|found| live_of(found, guard));
            let live = live.filter(|live| self.is_current(*live));
            let tried = match (&found, live) {
                (Some(there), Some(old)) => {
                    self.try_field(guard, (key, hash, there, old), family, &change)?
                }
                _ => Tried::TooLittle,
            };
            match tried {
                Tried::Lost => {}
                Tried::Done(Fate::Idle) => {
                    self.finish(guard, Tally::OtherOperations);
                    return Ok(Fate::Idle);
                }
                Tried::Done(fate) => {
                    self.note_field(guard, family, live, change);
                    self.finish(guard, Tally::Sets);
                    return Ok(fate);
                }
                Tried::TooLittle => {
                    let target = Target { key, hash, found, live };
                    let done = self.edit_field_slowly(guard, target, family, change)?;
                    return Ok(done.fate());
                }
            }
        }
    }

    /// Tries once to change a field.
    #[inline(always)]
    fn try_field(
        &self,
        guard: &Guard<'_>,
        target: Old<'_>,
        family: Family,
        change: &Change<'_>,
    ) -> Result<Tried, Error> {
        let (_, _, _, old) = target;
        if let Some(fields) = old.packed(family) {
            let found = fields.find(change.hash, &change.field);
            let Some(overwrite) = Overwrite::new(fields, found, &change.wish) else {
                return self.try_packed(guard, target, family, (fields, found), change);
            };
            let heir = PackedHeir { family, value: &overwrite };
            let is_done = self.inherit(guard, target, &heir)?;
            return Ok(if is_done { Tried::Done(Fate::Replaced) } else { Tried::Lost });
        }
        match old.tree(family) {
            Some(tree) => self.try_tree(guard, target, family, tree, change),
            None => Ok(Tried::TooLittle),
        }
    }

    /// Tries once to change a field of a packed value.
    #[inline(never)]
    fn try_packed<'g>(
        &self,
        guard: &Guard<'_>,
        target: Old<'g>,
        family: Family,
        (old, found): (Fields<'g>, Option<fields::Found<'g>>),
        change: &'g Change<'g>,
    ) -> Result<Tried, Error> {
        let Some(single) = single(&old, found, change) else { return Ok(Tried::TooLittle) };
        let (fate, heir) = (single.fate(), PackedHeir { family, value: &single });
        let is_done = fate == Fate::Idle || self.inherit(guard, target, &heir)?;
        Ok(if is_done { Tried::Done(fate) } else { Tried::Lost })
    }

    /// Tries to change a field of a tree, until another write of the key has changed the same child of
    /// the root. What is below the root is made once.
    #[inline(never)]
    fn try_tree(
        &self,
        guard: &Guard<'_>,
        (key, hash, found, old): Old<'_>,
        family: Family,
        tree: &FieldTree,
        change: &Change<'_>,
    ) -> Result<Tried, Error> {
        let mut edit = Edit::new(guard);
        let Some(graft) = Graft::new(tree, change, &mut edit) else {
            return Ok(Tried::TooLittle);
        };
        if graft.fate() == Fate::Idle {
            return Ok(Tried::Done(Fate::Idle));
        }
        let (mut found, mut old, mut tree) = (*found, old, tree);
        loop {
            let heir = TreeHeir { family, old: tree, graft };
            if self.inherit(guard, (key, hash, &found, old), &heir)? {
                // SAFETY: the heir was built of this edit, and has taken the place of the record that the
                // edit began with, or of another one that the graft fits; it is retired alone.
                unsafe { edit.commit() };
                return Ok(Tried::Done(graft.fate()));
            }
            if tree.bytes <= CACHED {
                step_back();
            }
            let now = self.find_tree(guard, key, hash, family);
            let Some(now) = now.filter(|(.., tree)| graft.fits(tree)) else {
                return Ok(Tried::Lost);
            };
            (found, old, tree) = now;
        }
    }

    /// Finds the tree of a key, when it has one.
    #[cold]
    fn find_tree<'g>(
        &'g self,
        guard: &'g Guard<'_>,
        key: &[u8],
        hash: u64,
        family: Family,
    ) -> Option<(Found<'g, Record>, Live<'g>, &'g FieldTree)> {
        let Target { found, live, .. } = self.target_of(guard, key, hash);
        Some((found?, live?, live?.tree(family)?))
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
        Ok(self.replace_inline::<true>(guard, found, hash, (draft, heir.memory(key.len())), None))
    }
}

/// What becomes of a packed value by a change, if it stays packed.
#[inline(always)]
fn single<'g>(
    old: &Fields<'g>,
    found: Option<fields::Found<'g>>,
    change: &'g Change<'g>,
) -> Option<Single<'g>> {
    let single = Single::new(old, found, change, Entry::New)?;
    let is_small =
        (1..=MOST_PACKED).contains(&single.count()) && single.encoded_len() <= MOST_PACKED_BYTES;
    is_small.then_some(single)
}

/// Lets whoever has changed a value go on for a dozen writes, for which he has all lines in his cache:
/// two threads that push and pop take 1.25 to 1.7 times as long when they pass them to and fro instead,
/// and two or eight that set fields of 10,000 take 1.05 to 1.25 times as long. Those that set fields of a
/// million would wait in vain, since they wait for memory. It takes a microsecond or three whatever
/// others do. Who pushes or pops does it once: when he did it after every loss, one write in a thousand
/// took up to twice as long. The growing steps of `crossbeam_utils::Backoff` gained little, and not each
/// time.
#[cold]
#[inline(never)]
fn step_back() {
    (0..PAUSES).for_each(|_| std::hint::spin_loop());
}
