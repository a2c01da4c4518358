//! Small hashes, sets and lists.
//!
//! A hash or a set is packed up to 64 entries and 1,200 bytes, and becomes packed again at half of
//! both. An HSET of a packed hash copies all of it, one of a tree makes a leaf and perhaps a branch.
//! With fields and values of 16 bytes, the instructions of a packed one are 0.91 times those of a tree
//! at 40 fields and 0.94 to 1 times at 52 to 64, and it misses two lines more in the nearest cache; a
//! tree takes more memory. Reading costs the same up to there. The bytes are what a thread keeps ready
//! for its next records. They are those of the layout below: 64 entries may take 1,009 of them, since
//! tags and ends take the rest.
//!
//! A packed value lies in its record, in one piece, and is written anew by every change:
//!
//! ```text
//! narrow   count u8 (0..=254) | tags u8 each | ends u16 | entries
//! wide     0xFF | count u32   | tags u8 each | ends u32 | entries           leaves of a tree only
//! entry    field element | value element (of a set: nothing)                see `element`
//! ```
//!
//! A tag is eight bits of the field's hash, so that a lookup looks at the tags, many at once, and
//! compares about one entry. An end is where an entry ends among the entries; the last one ends with
//! the value, so that there is an end less than there are entries. Fields keep the order in which
//! they came.
//!
//! A list's elements lie one behind the other, each with its length once more behind it, for whoever
//! comes from the right:
//!
//! ```text
//! element | its length, seven bits a byte, the lowest in the last byte
//! ```
//!
//! Whatever the bytes are, reading them is safe: every offset is checked, and what cannot be decoded
//! is not there.

pub(crate) mod elements;
pub(crate) mod entry;
pub(crate) mod fields;
pub(crate) mod plan;
pub(crate) mod run;
pub(crate) mod single;

use super::{
    change::Change,
    tree::node::{Node, NodeRef},
    writer::Writer,
};
use entry::Entry;
use fields::Fields;
use plan::Plan;
use single::{Fate, Single, Successor};

/// The most entries of a packed hash or set.
pub(crate) const MOST_PACKED: usize = 64;

/// The most bytes of a packed value.
pub(crate) const MOST_PACKED_BYTES: usize = 1200;

/// The most entries of a tree that becomes packed again.
pub(crate) const REPACK: usize = MOST_PACKED / 2;

/// The most bytes of a tree that becomes packed again.
pub(crate) const REPACK_BYTES: usize = MOST_PACKED_BYTES / 2;

/// A packed hash or set that is yet to be written: in a record, or in a leaf.
#[derive(Debug)]
pub(crate) struct Packing<'a> {
    /// One entry of another value is changed.
    single: Option<Single<'a>>,
    /// Any number of entries are.
    plan: Option<Box<Plan<'a>>>,
}

impl<'a> Packing<'a> {
    /// Nothing.
    #[inline]
    pub(crate) const fn new() -> Self {
        Self { single: None, plan: None }
    }

    /// What a plan says.
    pub(crate) fn of(plan: Plan<'a>) -> Self {
        Self { single: None, plan: Some(Box::new(plan)) }
    }

    /// Applies one change to a packed value or leaf, if it is as simple as most are; `make` makes
    /// the new entry.
    #[inline(always)]
    pub(crate) fn apply_one(
        &mut self,
        old: &Fields<'a>,
        change: &'a Change<'a>,
        make: impl FnOnce(&'a Change<'a>) -> Entry<'a>,
    ) -> Option<Fate> {
        self.single = Single::new(old, old.find(change.hash, &change.field), change, make);
        self.single.as_ref().map(Single::fate)
    }

    /// The number of entries that will be there.
    #[inline]
    pub(crate) fn count(&self) -> usize {
        match &self.single {
            Some(single) => single.count(),
            None => self.plan.as_ref().map_or(0, |plan| plan.count()),
        }
    }

    /// Bytes that will be written.
    #[inline]
    pub(crate) fn encoded_len(&self) -> usize {
        match &self.single {
            Some(single) => single.encoded_len(),
            None => self.plan.as_ref().map_or(0, |plan| plan.encoded_len()),
        }
    }

    /// Writes the value.
    #[inline]
    pub(crate) fn write(&self, to: &mut Writer<'_>) {
        match (&self.single, &self.plan) {
            (Some(single), _) => single.write(to),
            (None, Some(plan)) => plan.write(to),
            (None, None) => {}
        }
    }

    /// Whether an entry may lie outside.
    #[inline]
    pub(crate) fn may_point(&self) -> bool {
        match &self.single {
            Some(single) => single.may_point(),
            None => self.plan.as_ref().is_some_and(|plan| plan.may_point()),
        }
    }

    /// Puts every entry that is too long for a leaf outside, by a call that makes its block.
    #[inline]
    pub(crate) fn put_outside(&mut self, mut make: impl FnMut(&'a Change<'a>) -> Node) {
        if let Some(single) = &mut self.single {
            if let Some(entry) = single.entry_mut()
                && let Entry::Far(change) = *entry
            {
                *entry = Entry::Outside(make(change));
            }
        } else if let Some(plan) = &mut self.plan {
            plan.put_outside(make);
        }
    }

    /// Shows the blocks of the old value's entries that do not stay and lie outside.
    #[inline]
    pub(crate) fn for_each_gone_outside(&self, mut show: impl FnMut(NodeRef<'a>)) {
        if let Some(single) = &self.single {
            if let Some(outside) = single.gone().and_then(|(old, index)| old.outside(index)) {
                show(outside);
            }
        } else if let Some(plan) = &self.plan {
            plan.gone().filter_map(|index| plan.old().outside(index)).for_each(show);
        }
    }
}
