//! A hash or set, packed or a tree: what the two have in common.

use super::{
    change::Change,
    element::Element,
    field_hash::FieldHash,
    packed::{
        MOST_PACKED, MOST_PACKED_BYTES, Packing, REPACK, REPACK_BYTES, entry::Entry, fields::Fields,
    },
    tree::{
        copy::copy_fields,
        edit::Edit,
        fields::{Apply, FieldIter, FieldTree, Graft, Outcome, entry_at, find, pack, repack, scan},
        store::NodeStore,
    },
};
use crate::error::Error;
use std::hash::BuildHasher;

/// A hash or set as a record keeps it, read where it lies.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Collection<'g> {
    /// A packed value.
    Packed(Fields<'g>),
    /// A tree.
    Tree(&'g FieldTree),
}

impl<'g> Collection<'g> {
    /// What a key that is not there holds.
    pub(crate) const EMPTY: Self = Self::Packed(Fields::EMPTY);

    /// Looks at the bytes of a packed value.
    #[inline]
    pub(crate) fn packed(bytes: &'g [u8]) -> Self {
        Self::Packed(Fields::packed(bytes))
    }

    /// Looks at a tree.
    ///
    /// # Safety
    ///
    /// The tree was made by [`apply`](Self::apply) and all its nodes are alive during `'g`.
    #[inline]
    pub(crate) unsafe fn tree(tree: &'g FieldTree) -> Self {
        Self::Tree(tree)
    }

    /// The number of entries.
    #[inline]
    pub(crate) fn len(self) -> u64 {
        match self {
            Self::Packed(fields) => fields.len() as u64,
            Self::Tree(tree) => tree.len,
        }
    }

    /// Bytes that it takes outside of its record.
    #[cfg(all(test, not(pool_loom)))]
    pub(crate) fn bytes(self) -> u64 {
        self.as_tree().map_or(0, |tree| tree.bytes)
    }

    /// The tree, if it is one.
    pub(crate) fn as_tree(self) -> Option<&'g FieldTree> {
        match self {
            Self::Packed(_) => None,
            Self::Tree(tree) => Some(tree),
        }
    }

    /// Finds a field; returns what follows it in its entry.
    #[inline]
    pub(crate) fn find<H: BuildHasher>(self, field: &[u8], hasher: &H) -> Option<&'g [u8]> {
        let hash = FieldHash::of(hasher, field);
        let field = Element::of(field);
        match self {
            Self::Packed(fields) => fields.find(hash, &field).map(|found| found.rest),
            Self::Tree(tree) => find(tree, hash, field),
        }
    }

    /// All entries: in the order in which they came when packed, else in the order of their hashes.
    pub(crate) fn iter(self) -> FieldIter<'g> {
        match self {
            Self::Packed(fields) => FieldIter::packed(fields),
            Self::Tree(tree) => FieldIter::tree(tree),
        }
    }

    /// The entry of a number below [`len`](Self::len): a random number makes a fair choice.
    pub(crate) fn at(self, number: u64) -> Option<(Element<'g>, Element<'g>)> {
        match self {
            Self::Packed(fields) => fields.pair(usize::try_from(number).ok()?),
            Self::Tree(tree) => entry_at(tree, number),
        }
    }

    /// Shows entries from a cursor on; returns the cursor that continues, 0 at the end.
    ///
    /// What is there from the first call, with cursor 0, to the last one, which returns 0, is shown
    /// at least once. A packed value is shown whole; of a tree `most` entries, and the rest of the
    /// leaf that the last one is in.
    pub(crate) fn scan(
        self,
        cursor: u64,
        most: usize,
        mut show: impl FnMut(Element<'g>, Element<'g>),
    ) -> u64 {
        match self {
            Self::Packed(_) => {
                self.iter().for_each(|(field, value)| show(field, value));
                0
            }
            Self::Tree(tree) => scan(tree, cursor, most.max(1), show),
        }
    }

    /// Makes the value that it becomes by changes; the attempt has just begun.
    ///
    /// # Errors
    ///
    /// `TooManyElements`, if there could be 2³² of them.
    #[inline]
    pub(crate) fn apply<H: BuildHasher, S: NodeStore>(
        self,
        changes: &'g [Change<'g>],
        hasher: &H,
        attempt: &mut Attempt<'g, '_, S>,
    ) -> Result<Verdict, Error> {
        if self.len() + changes.len() as u64 > u64::from(u32::MAX) {
            return Err(Error::TooManyElements);
        }
        Ok(match self {
            Self::Packed(fields) => attempt.apply_to_packed(&fields, changes, hasher),
            Self::Tree(tree) => attempt.apply_to_tree(tree, changes, hasher),
        })
    }
}

/// What becomes of a record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Verdict {
    /// It stays.
    Unchanged,
    /// The key goes, with its record and all that hangs below it.
    Empty,
    /// A record with the packed value of the attempt takes its place.
    Packed,
    /// A record with the tree of the attempt takes its place.
    Tree,
}

/// What an attempt at a new version of a hash or set makes.
///
/// It is given to each attempt of a command in turn, so that nothing need be moved about.
#[derive(Debug)]
pub(crate) struct Attempt<'g, 's, S: NodeStore> {
    edit: Edit<'s, S>,
    packing: Packing<'g>,
    tree: Option<FieldTree>,
    outcome: Outcome,
}

impl<'g, 's, S: NodeStore> Attempt<'g, 's, S> {
    /// Begins the first attempt.
    #[inline]
    pub(crate) const fn new(store: &'s S) -> Self {
        let outcome = Outcome { added: 0, replaced: 0, removed: 0 };
        Self { edit: Edit::new(store), packing: Packing::new(), tree: None, outcome }
    }

    /// What has changed.
    #[inline]
    pub(crate) fn outcome(&self) -> Outcome {
        self.outcome
    }

    /// The packed value, when that is the verdict.
    #[inline]
    pub(crate) fn packing(&self) -> &Packing<'g> {
        &self.packing
    }

    /// The tree, when that is the verdict.
    #[inline]
    pub(crate) fn tree(&self) -> Option<&FieldTree> {
        self.tree.as_ref()
    }

    /// Begins another attempt, since this one has lost.
    #[inline]
    pub(crate) fn begin_again(&mut self) {
        self.edit.begin_again();
        self.packing = Packing::new();
    }

    /// Ends an attempt that has won.
    ///
    /// # Safety
    ///
    /// As for [`Edit::commit`]; the verdict was a packed value or a tree.
    #[inline]
    pub(crate) unsafe fn commit(&mut self) {
        // SAFETY: the caller's word.
        unsafe { self.edit.commit() };
    }

    /// Makes a copy of a tree that shares nothing with it, for a second key; O(n).
    pub(crate) fn copy(&mut self, tree: &FieldTree) -> Verdict {
        self.tree = Some(copy_fields(tree, &mut self.edit));
        Verdict::Tree
    }

    /// Applies changes to a packed value.
    #[inline(always)]
    fn apply_to_packed<H: BuildHasher>(
        &mut self,
        fields: &Fields<'g>,
        changes: &'g [Change<'g>],
        hasher: &H,
    ) -> Verdict {
        if changes.len() <= 2 * MOST_PACKED {
            self.outcome = pack(fields, changes, Entry::New, &mut self.packing);
            let count = self.packing.count();
            if count <= MOST_PACKED && self.packing.encoded_len() <= MOST_PACKED_BYTES {
                return match count {
                    0 => Verdict::Empty,
                    _ if self.outcome.is_nothing() => Verdict::Unchanged,
                    _ => Verdict::Packed,
                };
            }
        }
        self.unpack(fields.sound(), changes, hasher)
    }

    /// Makes a tree of a packed value with changes.
    #[cold]
    fn unpack<H: BuildHasher>(
        &mut self,
        fields: Fields<'g>,
        changes: &'g [Change<'g>],
        hasher: &H,
    ) -> Verdict {
        let mut apply = Apply { edit: &mut self.edit, hasher, outcome: Outcome::default() };
        let located = apply.locate(fields);
        let (children, len) = apply.merge_children(&located, changes, 0);
        self.outcome = apply.outcome;
        if len == 0 {
            return Verdict::Empty;
        }
        let bytes = self.edit.bytes_after(0);
        self.tree = Some(FieldTree { len: len.into(), bytes, children });
        Verdict::Tree
    }

    /// Applies changes to a tree.
    fn apply_to_tree<H: BuildHasher>(
        &mut self,
        old: &'g FieldTree,
        changes: &'g [Change<'g>],
        hasher: &H,
    ) -> Verdict {
        if let [change] = changes
            && let Some(graft) = Graft::new(old, change, &mut self.edit)
        {
            self.outcome = Outcome::of(graft.fate());
            if self.outcome.is_nothing() {
                return Verdict::Unchanged;
            }
            graft.change_root(self.tree.insert(*old));
            return Verdict::Tree;
        }
        let mut apply = Apply { edit: &mut self.edit, hasher, outcome: Outcome::default() };
        let new = self.tree.insert(*old);
        let has_changed = apply.apply(old, changes, new);
        self.outcome = apply.outcome;
        if !has_changed {
            return Verdict::Unchanged;
        }
        new.len = old.len + self.outcome.added as u64 - self.outcome.removed as u64;
        if new.len == 0 {
            return Verdict::Empty;
        }
        if self.outcome.removed > 0 && new.len <= REPACK as u64 {
            // SAFETY: nodes of the new tree are the edit's, or the old tree's.
            if let Some(plan) = unsafe { repack(new, REPACK_BYTES, &mut self.edit) } {
                self.packing = Packing::of(plan);
                return Verdict::Packed;
            }
        }
        new.bytes = self.edit.bytes_after(old.bytes);
        Verdict::Tree
    }
}
