//! Edits of hashes, sets and lists: [`write`](Engine::write) for values that are not replaced as a
//! whole.
//!
//! A new version of a value shares with the old one what has not changed. So an edit that has won
//! its key retires exactly what it has replaced, and one that has lost frees exactly what it has
//! made: see [`tree`](crate::value::tree).

use super::{
    engine::{Engine, live_of},
    removal::RemovalCause,
};
use crate::{
    error::Error,
    reclaim::Guard,
    record::{
        Draft, LONGEST_KEY, Live, Origin, Record, Value,
        collection::{Body, Family},
    },
    seed::KeyHasher,
    table::Found,
    tally::Tally,
    value::{
        change::Change,
        collection::{Attempt, Verdict},
        element::Element,
        hash::{HashEdit, HashValue},
        list::{ListEdit, ListValue},
        set::{SetEdit, SetValue},
        tree::{edit::Edit, fields::Outcome},
    },
};
use std::ops::Range;

/// A key as an edit has found it.
#[derive(Debug)]
pub(super) struct Target<'g, 'k> {
    pub(super) key: &'k [u8],
    pub(super) hash: u64,
    pub(super) found: Option<Found<'g, Record>>,
    /// What it holds, unless that has expired.
    pub(super) live: Option<Live<'g>>,
}

/// What a new value takes the place of.
#[derive(Clone, Copy, Debug)]
pub(super) enum Basis {
    /// The value that it was built from, whose time to live it keeps.
    Present,
    /// Whatever the key holds; the deadline is this one (0 is none).
    Nothing(u64),
}

impl Basis {
    /// Why a value is gone that another one with this basis has taken the place of: not at all when
    /// it was edited.
    fn gone(self) -> Option<RemovalCause> {
        match self {
            Self::Present => None,
            Self::Nothing(_) => Some(RemovalCause::Replaced),
        }
    }
}

/// A hash or set that an edit has made, or what else it found to be done, for a key.
#[derive(Clone, Copy, Debug)]
struct Made<'t, 'g, 'd, 'k> {
    guard: &'t Guard<'d>,
    target: &'t Target<'g, 'k>,
    family: Family,
    basis: Basis,
    verdict: Verdict,
}

/// What steps have done to the elements that a list had.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Changes {
    /// It is as it was.
    No,
    /// All are there still, among others.
    Added,
    /// Those of these indices are.
    Kept(Range<u64>),
    /// Those of these indices are gone.
    Gone(Vec<u64>),
    /// The one of this index is.
    Replaced(u64),
}

/// A hash that a key holds, or the empty one.
#[inline]
pub(super) fn hash_of(live: Option<Live<'_>>) -> Result<HashValue<'_>, Error> {
    match live.map(Live::value) {
        None => Ok(HashValue::EMPTY),
        Some(Value::Hash(hash)) => Ok(hash),
        Some(_) => Err(Error::WrongType),
    }
}

/// A set that a key holds, or the empty one.
#[inline]
pub(super) fn set_of(live: Option<Live<'_>>) -> Result<SetValue<'_>, Error> {
    match live.map(Live::value) {
        None => Ok(SetValue::EMPTY),
        Some(Value::Set(set)) => Ok(set),
        Some(_) => Err(Error::WrongType),
    }
}

/// A list that a key holds, or the empty one.
#[inline]
pub(super) fn list_of(live: Option<Live<'_>>) -> Result<ListValue<'_>, Error> {
    match live.map(Live::value) {
        None => Ok(ListValue::EMPTY),
        Some(Value::List(list)) => Ok(list),
        Some(_) => Err(Error::WrongType),
    }
}

impl Engine {
    /// Finds a key that is to be edited.
    ///
    /// # Errors
    ///
    /// `KeyTooLong`.
    #[inline]
    pub(super) fn target<'g, 'k>(
        &'g self,
        guard: &'g Guard<'_>,
        key: &'k [u8],
    ) -> Result<Target<'g, 'k>, Error> {
        if key.len() > LONGEST_KEY {
            return Err(Error::KeyTooLong);
        }
        Ok(self.target_of(guard, key, self.hash(key)))
    }

    /// The same, for a key that is not too long and whose hash is known.
    #[inline]
    pub(super) fn target_of<'g, 'k>(
        &'g self,
        guard: &'g Guard<'_>,
        key: &'k [u8],
        hash: u64,
    ) -> Target<'g, 'k> {
        let found = self.find_for_write(guard, key, hash);
        let live = found.as_ref().map(|found| live_of(found, guard));
        let live = live.filter(|live| self.is_current(*live));
        Target { key, hash, found, live }
    }

    /// Gives a key a value that was built from what was found, or from nothing; false when another
    /// write of the key came first.
    #[inline]
    pub(super) fn install(
        &self,
        guard: &Guard<'_>,
        target: &Target<'_, '_>,
        body: Body<'_>,
        basis: Basis,
    ) -> Result<bool, Error> {
        let is_spared = self.spares(target.live, false, || body.memory(target.key.len()))?;
        if self.evictor.is_limited() {
            self.make_room(guard, target.hash, body.block_size(target.key.len()), 0)?;
        }
        let origin = Origin { is_spared, ..self.origin(target, basis) };
        let is_heir = matches!(basis, Basis::Present) && target.live.is_some();
        let draft = Draft::with_body(target.key, body, is_heir, origin, guard);
        self.place(guard, target, basis.gone(), draft)
    }

    /// What the header of a new record says.
    #[inline]
    fn origin(&self, target: &Target<'_, '_>, basis: Basis) -> Origin {
        let written = self.elapsed_coarse();
        let usage = self.usage_of_successor(target.live, target.hash);
        let deadline = match (basis, target.live) {
            (Basis::Nothing(deadline), _) => deadline,
            (Basis::Present, None) => self.default_deadline(),
            (Basis::Present, Some(live)) => live.deadline(),
        };
        Origin { hash: target.hash, deadline, written, usage, is_spared: false }
    }

    /// Gives a key a copy of another one's value and its deadline, whatever it held; false when
    /// another write of the key came first. O(elements).
    pub(super) fn install_copy(
        &self,
        guard: &Guard<'_>,
        target: &Target<'_, '_>,
        source: Live<'_>,
    ) -> Result<bool, Error> {
        let is_done = self.try_copy(guard, target, source)?;
        if is_done {
            self.note_copied(guard, source);
        }
        Ok(is_done)
    }

    fn try_copy(
        &self,
        guard: &Guard<'_>,
        target: &Target<'_, '_>,
        source: Live<'_>,
    ) -> Result<bool, Error> {
        let basis = Basis::Nothing(source.deadline());
        let (family, tree) = match source.value() {
            Value::Hash(hash) => (Family::Hash, hash.collection().as_tree()),
            Value::Set(set) => (Family::Set, set.collection().as_tree()),
            Value::List(list) if list.is_long() => {
                let mut edit = Edit::new(guard);
                let mut steps = ListEdit::new(list, &mut edit);
                steps.copy();
                let image = steps.finish();
                let is_done = self.install(guard, target, Body::List(&image), basis)?;
                if is_done {
                    // SAFETY: the copy is published, and has taken nothing from any other record.
                    unsafe { edit.commit() };
                    self.finish(guard, Tally::Sets);
                }
                return Ok(is_done);
            }
            Value::List(_) => (Family::Hash, None),
            Value::Bytes(_) | Value::Integer(_) | Value::Object(_) => {
                let is_spared = self.spares(target.live, false, || source.memory())?;
                if self.evictor.is_limited() {
                    self.make_room(guard, target.hash, source.memory(), 0)?;
                }
                let origin = Origin { is_spared, ..self.origin(target, basis) };
                let draft = Draft::new(target.key, source.content(), origin, guard);
                return self.place(guard, target, basis.gone(), draft);
            }
        };
        match tree {
            None => self.install(guard, target, Body::Same(source), basis),
            Some(tree) => {
                let mut attempt = Attempt::new(guard);
                let verdict = attempt.copy(tree);
                self.carry_out(Made { guard, target, family, basis, verdict }, &mut attempt)
            }
        }
    }

    /// Puts a record in the place of what was found, and tells that the value before is gone for the
    /// cause that is given, if any; false when another write of the key came first.
    #[inline]
    pub(super) fn place(
        &self,
        guard: &Guard<'_>,
        target: &Target<'_, '_>,
        gone: Option<RemovalCause>,
        draft: Draft<'_, '_>,
    ) -> Result<bool, Error> {
        let cause = if target.live.is_none() { Some(RemovalCause::Expired) } else { gone };
        match &target.found {
            Some(found) => Ok(self.replace::<true>(guard, found, target.hash, draft, cause)),
            None => {
                let is_limited = self.evictor.is_limited();
                self.insert(guard, target.key, target.hash, draft, is_limited)
            }
        }
    }

    /// Counts an edit, and does a write's share of the pool's work.
    #[inline(always)]
    pub(super) fn finish(&self, guard: &Guard<'_>, tally: Tally) {
        self.count(guard, tally);
        self.upkeep(guard);
    }

    /// Removes what was found; false when another write of the key came first.
    pub(super) fn clear(&self, guard: &Guard<'_>, target: &Target<'_, '_>) -> bool {
        match &target.found {
            Some(found) if target.live.is_some() => {
                self.remove(guard, found, RemovalCause::Deleted)
            }
            _ => true,
        }
    }

    /// Carries out the verdict on a hash or set; false when another write of the key came first.
    #[inline]
    fn carry_out(
        &self,
        Made { guard, target, family, basis, verdict }: Made<'_, '_, '_, '_>,
        attempt: &mut Attempt<'_, '_, Guard<'_>>,
    ) -> Result<bool, Error> {
        let is_done = match (verdict, attempt.tree()) {
            (Verdict::Unchanged, _) => true,
            (Verdict::Empty, _) => self.clear(guard, target),
            (Verdict::Tree, Some(tree)) => {
                self.install(guard, target, Body::Tree(family, tree), basis)?
            }
            (Verdict::Packed | Verdict::Tree, _) => {
                self.install(guard, target, Body::Packed(family, attempt.packing()), basis)?
            }
        };
        if is_done && matches!(verdict, Verdict::Packed | Verdict::Tree) {
            // SAFETY: the record that was built of this attempt has taken the place of the one that
            // the attempt began with, if it began with one, and is its heir then: so that one is
            // retired alone.
            unsafe { attempt.commit() };
        }
        if is_done {
            let is_nothing = attempt.outcome().is_nothing();
            self.finish(guard, if is_nothing { Tally::OtherOperations } else { Tally::Sets });
        }
        Ok(is_done)
    }

    /// Gives a key the hash or set that a call makes of what it holds, until no other write of the
    /// key comes first; says what has changed.
    #[inline]
    fn edit_fields<'g, 'd>(
        &'g self,
        guard: &'g Guard<'d>,
        mut target: Target<'g, '_>,
        family: Family,
        basis: Basis,
        changes: &[Change<'_>],
        mut apply: impl FnMut(
            Option<Live<'g>>,
            &mut Attempt<'g, 'g, Guard<'d>>,
        ) -> Result<Verdict, Error>,
    ) -> Result<Outcome, Error> {
        let mut attempt = Attempt::new(guard);
        loop {
            let verdict = apply(target.live, &mut attempt)?;
            let made = Made { guard, target: &target, family, basis, verdict };
            if self.carry_out(made, &mut attempt)? {
                self.note_edit(made, changes);
                return Ok(attempt.outcome());
            }
            attempt.begin_again();
            target = self.target(guard, target.key)?;
        }
    }

    /// Notes what an edit of a hash or set has changed that was carried out.
    #[inline]
    fn note_edit(
        &self,
        Made { guard, target, family, basis, verdict }: Made<'_, '_, '_, '_>,
        changes: &[Change<'_>],
    ) {
        // A key that goes is noted with all that it held.
        if matches!(verdict, Verdict::Packed | Verdict::Tree) {
            let before = if matches!(basis, Basis::Present) { target.live } else { None };
            self.note_fields(guard, family, before, changes);
        }
    }

    /// Changes one field of a hash or set that was found, where there is more to do than
    /// [`edit_field`](Self::edit_field) does.
    #[cold]
    #[inline(never)]
    pub(super) fn edit_field_slowly<'g>(
        &'g self,
        guard: &'g Guard<'_>,
        target: Target<'g, '_>,
        family: Family,
        change: Change<'g>,
    ) -> Result<Outcome, Error> {
        let changes = &[change];
        self.edit_fields(guard, target, family, Basis::Present, changes, |live, attempt| {
            let collection = match family {
                Family::Hash => hash_of(live)?.collection(),
                Family::Set => set_of(live)?.collection(),
            };
            collection.apply(changes, &self.hasher, attempt)
        })
    }

    /// Edits a hash; says what has changed. Atomic, and lock-free: tries again only when another
    /// write of the key, or another insert of its bucket, has succeeded.
    #[inline]
    pub(super) fn edit_hash<'k>(
        &'k self,
        key: &[u8],
        gather: impl FnOnce(&mut HashEdit<'k, KeyHasher>) -> Result<(), Error>,
    ) -> Result<Outcome, Error> {
        let mut edit = HashEdit::new(&self.hasher);
        gather(&mut edit)?;
        let edit = edit.settle();
        let guard = &self.pin_to_write();
        let target = self.target(guard, key)?;
        let (family, basis) = (Family::Hash, Basis::Present);
        self.edit_fields(guard, target, family, basis, edit.changes(), |live, attempt| {
            edit.apply(hash_of(live)?, attempt)
        })
    }

    /// Gives a field of a hash the value that a call makes of the present one, unless it makes
    /// none. As [`edit_hash`](Self::edit_hash).
    pub(super) fn update_field(
        &self,
        key: &[u8],
        field: &[u8],
        mut make: impl FnMut(Option<Element<'_>>) -> Result<Option<Vec<u8>>, Error>,
    ) -> Result<(), Error> {
        let guard = &self.pin_to_write();
        loop {
            let target = self.target(guard, key)?;
            let hash = hash_of(target.live)?;
            let Some(value) = make(hash.get(field, &self.hasher))? else {
                self.finish(guard, Tally::OtherOperations);
                return Ok(());
            };
            let mut edit = HashEdit::new(&self.hasher);
            edit.set(field, &value)?;
            let edit = edit.settle();
            let mut attempt = Attempt::new(guard);
            let verdict = edit.apply(hash, &mut attempt)?;
            let (family, basis) = (Family::Hash, Basis::Present);
            let made = Made { guard, target: &target, family, basis, verdict };
            if self.carry_out(made, &mut attempt)? {
                self.note_edit(made, edit.changes());
                return Ok(());
            }
        }
    }

    /// Edits a set. As [`edit_hash`](Self::edit_hash).
    #[inline]
    pub(super) fn edit_set<'k>(
        &'k self,
        key: &[u8],
        gather: impl FnOnce(&mut SetEdit<'k, KeyHasher>) -> Result<(), Error>,
    ) -> Result<Outcome, Error> {
        let mut edit = SetEdit::new(&self.hasher);
        gather(&mut edit)?;
        let edit = edit.settle();
        let guard = &self.pin_to_write();
        let target = self.target(guard, key)?;
        let (family, basis) = (Family::Set, Basis::Present);
        self.edit_fields(guard, target, family, basis, edit.changes(), |live, attempt| {
            edit.apply(set_of(live)?, attempt)
        })
    }

    /// Removes the members of a set that a call chooses, and returns them. As
    /// [`edit_hash`](Self::edit_hash).
    pub(super) fn take_members(
        &self,
        key: &[u8],
        mut choose: impl FnMut(&Guard<'_>, SetValue<'_>) -> Vec<Vec<u8>>,
    ) -> Result<Vec<Vec<u8>>, Error> {
        let guard = &self.pin_to_write();
        loop {
            let target = self.target(guard, key)?;
            let set = set_of(target.live)?;
            let chosen = choose(guard, set);
            if self.remove_members(guard, &target, set, &chosen)? {
                return Ok(chosen);
            }
        }
    }

    /// Tries once to remove members of a set; false when another write of the key came first.
    fn remove_members(
        &self,
        guard: &Guard<'_>,
        target: &Target<'_, '_>,
        set: SetValue<'_>,
        members: &[Vec<u8>],
    ) -> Result<bool, Error> {
        let mut edit = SetEdit::new(&self.hasher);
        for member in members {
            edit.remove(member)?;
        }
        let edit = edit.settle();
        let mut attempt = Attempt::new(guard);
        let verdict = edit.apply(set, &mut attempt)?;
        let (family, basis) = (Family::Set, Basis::Present);
        let made = Made { guard, target, family, basis, verdict };
        let is_done = self.carry_out(made, &mut attempt)?;
        if is_done {
            self.note_edit(made, edit.changes());
        }
        Ok(is_done)
    }

    /// Gives a key a set of these members, whatever it held; no members remove it.
    pub(super) fn put_set(&self, key: &[u8], members: &[Vec<u8>]) -> Result<(), Error> {
        let mut edit = SetEdit::new(&self.hasher);
        for member in members {
            edit.add(member)?;
        }
        let edit = edit.settle();
        let basis = Basis::Nothing(self.default_deadline());
        let guard = &self.pin_to_write();
        let target = self.target(guard, key)?;
        self.edit_fields(guard, target, Family::Set, basis, edit.changes(), |_, attempt| {
            edit.apply(SetValue::EMPTY, attempt)
        })
        .map(drop)
    }

    /// Edits a list by steps that take effect together; the call says whether it has changed
    /// anything. As [`edit_hash`](Self::edit_hash).
    #[inline]
    pub(super) fn edit_list<'g, 'd, T>(
        &'g self,
        guard: &'g Guard<'d>,
        key: &'g [u8],
        mut act: impl FnMut(
            ListValue<'g>,
            &mut ListEdit<'g, '_, 'g, Guard<'d>>,
        ) -> Result<(Changes, T), Error>,
    ) -> Result<T, Error> {
        loop {
            let target = self.target(guard, key)?;
            let list = list_of(target.live)?;
            let mut edit = Edit::new(guard);
            let mut steps = ListEdit::new(list, &mut edit);
            let (changes, reply) = act(list, &mut steps)?;
            if changes == Changes::No {
                self.finish(guard, Tally::OtherOperations);
                return Ok(reply);
            }
            if steps.len() == 0 {
                if self.clear(guard, &target) {
                    self.finish(guard, Tally::Deletes);
                    return Ok(reply);
                }
                continue;
            }
            let image = steps.finish();
            if self.install(guard, &target, Body::List(&image), Basis::Present)? {
                // SAFETY: as in `carry_out`.
                unsafe { edit.commit() };
                self.note_steps(guard, list, &changes);
                self.finish(guard, Tally::Sets);
                return Ok(reply);
            }
        }
    }
}
