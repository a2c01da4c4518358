//! A hash: what the commands on hashes read and edit.

use super::{
    change::{Change, Changes, Wish},
    collection::{Attempt, Collection, Verdict},
    element::Element,
    tree::{fields::FieldTree, store::NodeStore},
};
use crate::error::Error;
use std::hash::BuildHasher;

/// A hash, read where it lies.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HashValue<'g>(Collection<'g>);

impl<'g> HashValue<'g> {
    /// What a key that is not there holds.
    pub(crate) const EMPTY: Self = Self(Collection::EMPTY);

    /// Looks at the bytes of a packed hash.
    #[inline]
    pub(crate) fn packed(bytes: &'g [u8]) -> Self {
        Self(Collection::packed(bytes))
    }

    /// Looks at a hash that is a tree.
    ///
    /// # Safety
    ///
    /// The tree was made by a [`HashEdit`] and all its nodes are alive during `'g`.
    #[inline]
    pub(crate) unsafe fn tree(tree: &'g FieldTree) -> Self {
        // SAFETY: the caller's word.
        Self(unsafe { Collection::tree(tree) })
    }

    /// What it has in common with sets.
    pub(crate) fn collection(self) -> Collection<'g> {
        self.0
    }

    /// The number of fields.
    #[inline]
    pub(crate) fn len(self) -> u64 {
        self.0.len()
    }

    /// The value of a field. Constant time for all that is practical: one compared candidate.
    #[inline]
    pub(crate) fn get<H: BuildHasher>(self, field: &[u8], hasher: &H) -> Option<Element<'g>> {
        Element::read(self.0.find(field, hasher)?).map(|(value, _)| value)
    }

    /// Whether a field is there.
    #[inline]
    pub(crate) fn contains<H: BuildHasher>(self, field: &[u8], hasher: &H) -> bool {
        self.0.find(field, hasher).is_some()
    }

    /// All fields and their values.
    pub(crate) fn iter(self) -> impl Iterator<Item = (Element<'g>, Element<'g>)> {
        self.0.iter()
    }

    /// The field of a number below [`len`](Self::len), and its value.
    pub(crate) fn at(self, number: u64) -> Option<(Element<'g>, Element<'g>)> {
        self.0.at(number)
    }

    /// Shows fields from a cursor on, as [`Collection::scan`] says.
    pub(crate) fn scan(
        self,
        cursor: u64,
        most: usize,
        show: impl FnMut(Element<'g>, Element<'g>),
    ) -> u64 {
        self.0.scan(cursor, most, show)
    }
}

/// Changes of a hash that take effect together.
///
/// They are gathered once and applied at each attempt anew.
#[derive(Debug)]
pub(crate) struct HashEdit<'a, H> {
    changes: Changes<'a>,
    hasher: &'a H,
}

impl<'a, H: BuildHasher> HashEdit<'a, H> {
    /// No changes.
    #[inline]
    pub(crate) const fn new(hasher: &'a H) -> Self {
        Self { changes: Changes::new(), hasher }
    }

    /// Gives a field a value.
    ///
    /// # Errors
    ///
    /// `ValueTooLong`, if one of them has more than 512 MiB; `TooManyElements` after 2³² changes.
    #[inline]
    pub(crate) fn set(&mut self, field: &'a [u8], value: &'a [u8]) -> Result<(), Error> {
        self.changes.push(field, Wish::Set(Element::of(value)), self.hasher)
    }

    /// Removes a field.
    ///
    /// # Errors
    ///
    /// As for [`set`](Self::set).
    pub(crate) fn remove(&mut self, field: &'a [u8]) -> Result<(), Error> {
        self.changes.push(field, Wish::Remove, self.hasher)
    }

    /// Ends the gathering.
    #[inline]
    pub(crate) fn settle(&mut self) -> SettledHashEdit<'_, H> {
        SettledHashEdit { changes: self.changes.settled(), hasher: self.hasher }
    }
}

/// Changes of a hash, each of which is the last one of its field.
#[derive(Debug)]
pub(crate) struct SettledHashEdit<'a, H> {
    changes: &'a [Change<'a>],
    hasher: &'a H,
}

impl<'a, H: BuildHasher> SettledHashEdit<'a, H> {
    /// The changes.
    #[inline]
    pub(crate) fn changes(&self) -> &'a [Change<'a>] {
        self.changes
    }

    /// Makes what a hash becomes by the changes; the attempt has just begun.
    ///
    /// # Errors
    ///
    /// `TooManyElements`, if there could be 2³² of them.
    #[inline]
    pub(crate) fn apply<'g, S: NodeStore>(
        &self,
        hash: HashValue<'g>,
        attempt: &mut Attempt<'g, '_, S>,
    ) -> Result<Verdict, Error>
    where
        'a: 'g,
    {
        hash.0.apply(self.changes, self.hasher, attempt)
    }
}
