//! A set: what the commands on sets read and edit.

use super::{
    change::{Change, Changes, Wish},
    collection::{Attempt, Collection, Verdict},
    element::Element,
    tree::{fields::FieldTree, store::NodeStore},
};
use crate::error::Error;
use std::hash::BuildHasher;

/// A set, read where it lies.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SetValue<'g>(Collection<'g>);

impl<'g> SetValue<'g> {
    /// What a key that is not there holds.
    pub(crate) const EMPTY: Self = Self(Collection::EMPTY);

    /// Looks at the bytes of a packed set.
    #[inline]
    pub(crate) fn packed(bytes: &'g [u8]) -> Self {
        Self(Collection::packed(bytes))
    }

    /// Looks at a set that is a tree.
    ///
    /// # Safety
    ///
    /// The tree was made by a [`SetEdit`] and all its nodes are alive during `'g`.
    #[inline]
    pub(crate) unsafe fn tree(tree: &'g FieldTree) -> Self {
        // SAFETY: the caller's word.
        Self(unsafe { Collection::tree(tree) })
    }

    /// What it has in common with hashes.
    pub(crate) fn collection(self) -> Collection<'g> {
        self.0
    }

    /// The number of members.
    #[inline]
    pub(crate) fn len(self) -> u64 {
        self.0.len()
    }

    /// Whether something is a member.
    #[inline]
    pub(crate) fn contains<H: BuildHasher>(self, member: &[u8], hasher: &H) -> bool {
        self.0.find(member, hasher).is_some()
    }

    /// All members.
    pub(crate) fn iter(self) -> impl Iterator<Item = Element<'g>> {
        self.0.iter().map(|(member, _)| member)
    }

    /// The member of a number below [`len`](Self::len): a random number makes a fair choice.
    pub(crate) fn at(self, number: u64) -> Option<Element<'g>> {
        self.0.at(number).map(|(member, _)| member)
    }

    /// Shows members from a cursor on, as [`Collection::scan`] says.
    pub(crate) fn scan(self, cursor: u64, most: usize, mut show: impl FnMut(Element<'g>)) -> u64 {
        self.0.scan(cursor, most, |member, _| show(member))
    }
}

/// Changes of a set that take effect together.
///
/// They are gathered once and applied at each attempt anew.
#[derive(Debug)]
pub(crate) struct SetEdit<'a, H> {
    changes: Changes<'a>,
    hasher: &'a H,
}

impl<'a, H: BuildHasher> SetEdit<'a, H> {
    /// No changes.
    #[inline]
    pub(crate) const fn new(hasher: &'a H) -> Self {
        Self { changes: Changes::new(), hasher }
    }

    /// Adds a member.
    ///
    /// # Errors
    ///
    /// `ValueTooLong`, if it has more than 512 MiB; `TooManyElements` after 2³² changes.
    #[inline]
    pub(crate) fn add(&mut self, member: &'a [u8]) -> Result<(), Error> {
        self.changes.push(member, Wish::Add, self.hasher)
    }

    /// Removes a member.
    ///
    /// # Errors
    ///
    /// As for [`add`](Self::add).
    pub(crate) fn remove(&mut self, member: &'a [u8]) -> Result<(), Error> {
        self.changes.push(member, Wish::Remove, self.hasher)
    }

    /// Ends the gathering.
    #[inline]
    pub(crate) fn settle(&mut self) -> SettledSetEdit<'_, H> {
        SettledSetEdit { changes: self.changes.settled(), hasher: self.hasher }
    }
}

/// Changes of a set, each of which is the last one of its member.
#[derive(Debug)]
pub(crate) struct SettledSetEdit<'a, H> {
    changes: &'a [Change<'a>],
    hasher: &'a H,
}

impl<'a, H: BuildHasher> SettledSetEdit<'a, H> {
    /// The changes.
    #[inline]
    pub(crate) fn changes(&self) -> &'a [Change<'a>] {
        self.changes
    }

    /// Makes what a set becomes by the changes; the attempt has just begun.
    ///
    /// # Errors
    ///
    /// `TooManyElements`, if there could be 2³² of them.
    #[inline]
    pub(crate) fn apply<'g, S: NodeStore>(
        &self,
        set: SetValue<'g>,
        attempt: &mut Attempt<'g, '_, S>,
    ) -> Result<Verdict, Error>
    where
        'a: 'g,
    {
        set.0.apply(self.changes, self.hasher, attempt)
    }
}
