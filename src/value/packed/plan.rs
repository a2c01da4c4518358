//! Writing a packed hash or set: the entries of another one, with some replaced, removed or added.

use super::{
    entry::Entry,
    fields::{Fields, MOST_NARROW, WIDE, narrow_front, wide_front},
    single::write_shifted,
};
use crate::value::{change::Change, few::Few, tree::node::Node, writer::Writer};
use std::ops::Range;

/// What happens to an entry that is there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patch<'a> {
    /// Which entry.
    index: usize,
    /// What takes its place, if anything.
    entry: Option<Entry<'a>>,
}

/// An entry that comes behind those that are there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Added<'a> {
    tag: u8,
    /// Entries are added in this order.
    order: u32,
    entry: Entry<'a>,
}

/// A packed value that is yet to be written.
#[derive(Debug)]
pub(crate) struct Plan<'a> {
    old: Fields<'a>,
    patches: Few<Patch<'a>, 1>,
    added: Few<Added<'a>, 1>,
    count: usize,
    entry_bytes: usize,
}

/// A part of a plan: entries that stay, one after another, or one that is new.
enum Part<'p, 'a> {
    Stays(Range<usize>),
    New(u8, &'p Entry<'a>),
}

impl<'a> Plan<'a> {
    /// Begins with the entries of `old`, which is sound.
    pub(crate) fn new(old: Fields<'a>) -> Self {
        let (count, entry_bytes) = (old.len(), old.start(old.len()));
        Self { old, patches: Few::new(), added: Few::new(), count, entry_bytes }
    }

    /// Puts another entry of the same field in the place of one.
    pub(crate) fn replace(&mut self, index: usize, entry: Entry<'a>) {
        self.entry_bytes -= self.old.raw(index).len();
        self.entry_bytes += entry.encoded_len();
        self.patches.push(Patch { index, entry: Some(entry) });
    }

    /// Removes an entry.
    pub(crate) fn remove(&mut self, index: usize) {
        self.entry_bytes -= self.old.raw(index).len();
        self.count -= 1;
        self.patches.push(Patch { index, entry: None });
    }

    /// Adds an entry behind the others, and behind those of a lower order.
    pub(crate) fn add(&mut self, tag: u8, order: u32, entry: Entry<'a>) {
        self.entry_bytes += entry.encoded_len();
        self.count += 1;
        self.added.push(Added { tag, order, entry });
    }

    /// Adds all entries of another value as they lie there.
    pub(crate) fn add_all(&mut self, fields: &Fields<'a>) {
        (0..fields.len()).for_each(|index| self.add_one(fields, index));
    }

    /// Adds an entry of another value as it lies there.
    pub(crate) fn add_one(&mut self, fields: &Fields<'a>, index: usize) {
        self.add(fields.tag(index), 0, Entry::Old(fields.raw(index)));
    }

    /// Puts everything in order; to be called before writing.
    pub(crate) fn arrange(&mut self) {
        self.patches.as_mut_slice().sort_unstable_by_key(|patch| patch.index);
        self.added.as_mut_slice().sort_unstable_by_key(|added| added.order);
    }

    /// Puts every entry that is too long for a leaf outside, by a call that makes its block.
    pub(super) fn put_outside(&mut self, mut make: impl FnMut(&'a Change<'a>) -> Node) {
        let replaced = self.patches.as_mut_slice().iter_mut().filter_map(|p| p.entry.as_mut());
        let added = self.added.as_mut_slice().iter_mut().map(|added| &mut added.entry);
        for entry in replaced.chain(added) {
            if let Entry::Far(change) = *entry {
                *entry = Entry::Outside(make(change));
            }
        }
    }

    /// The entries that the plan began with.
    pub(crate) fn old(&self) -> &Fields<'a> {
        &self.old
    }

    /// Those of them that do not stay.
    pub(super) fn gone(&self) -> impl Iterator<Item = usize> {
        self.patches.iter().map(|patch| patch.index)
    }

    /// Whether an entry may lie outside.
    pub(crate) fn may_point(&self) -> bool {
        let replaced = self.patches.iter().filter_map(|patch| patch.entry.as_ref());
        let added = self.added.iter().map(|added| &added.entry);
        self.old.may_point || replaced.chain(added).any(Entry::points)
    }

    /// The number of entries that will be there.
    #[inline]
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    fn is_wide(&self) -> bool {
        self.count > MOST_NARROW || self.entry_bytes > usize::from(u16::MAX)
    }

    /// Bytes that will be written.
    #[inline]
    pub(crate) fn encoded_len(&self) -> usize {
        let front = if self.is_wide() { wide_front(self.count) } else { narrow_front(self.count) };
        front + self.entry_bytes
    }

    /// Writes the value.
    pub(crate) fn write(&self, to: &mut Writer<'_>) {
        let is_wide = self.is_wide();
        #[expect(clippy::cast_possible_truncation, reason = "compared, or below 2³²")]
        if is_wide {
            to.byte(WIDE);
            to.bytes(&(self.count as u32).to_le_bytes());
        } else {
            to.byte(self.count as u8);
        }
        for part in self.parts() {
            match part {
                Part::Stays(range) => to.bytes(self.old.tags().get(range).unwrap_or_default()),
                Part::New(tag, _) => to.byte(tag),
            }
        }
        self.write_ends(is_wide, to);
        for part in self.parts() {
            match part {
                Part::Stays(range) => to.bytes(self.old.raw_entries(range)),
                Part::New(_, entry) => entry.write(to),
            }
        }
    }

    /// Writes the ends of all entries but the last one.
    fn write_ends(&self, is_wide: bool, to: &mut Writer<'_>) {
        let are_alike = !is_wide && !self.old.is_wide();
        let mut ends = Ends { is_wide, at: 0, is_first: true };
        for part in self.parts() {
            match part {
                Part::Stays(range) if are_alike => {
                    let shift = ends.shift_from(self.old.start(range.start));
                    ends.write_before(self.old.raw_entries(range.clone()).len(), to);
                    write_shifted(self.old.narrow_ends(range.start..range.end - 1), shift, to);
                }
                Part::Stays(range) => {
                    range.for_each(|index| ends.write_before(self.old.raw(index).len(), to));
                }
                Part::New(_, entry) => ends.write_before(entry.encoded_len(), to),
            }
        }
    }

    /// The value in its parts, from the first entry to the last.
    fn parts(&self) -> Parts<'_, 'a> {
        Parts { plan: self, at: 0, patch: 0, added: 0 }
    }
}

/// The ends being written: each where the entry behind it begins, so that the last entry has none.
struct Ends {
    is_wide: bool,
    /// Where the next entry begins.
    at: usize,
    /// Whether that is the first one.
    is_first: bool,
}

#[expect(clippy::cast_possible_truncation, reason = "a narrow layout has ends of 16 bits, else 32")]
impl Ends {
    /// How far the next entries move, which begin there in another value; it is added to ends and
    /// wraps.
    fn shift_from(&self, start: usize) -> u16 {
        (self.at as u16).wrapping_sub(start as u16)
    }

    /// Writes the end that is in front of the next entries, which take so many bytes.
    fn write_before(&mut self, bytes: usize, to: &mut Writer<'_>) {
        if self.is_first {
            self.is_first = false;
        } else if self.is_wide {
            to.bytes(&(self.at as u32).to_le_bytes());
        } else {
            to.bytes(&(self.at as u16).to_le_bytes());
        }
        self.at += bytes;
    }
}

/// The parts of a plan.
struct Parts<'p, 'a> {
    plan: &'p Plan<'a>,
    /// The next entry of `old`.
    at: usize,
    /// The next patch.
    patch: usize,
    /// The next entry that is added.
    added: usize,
}

impl<'p, 'a> Iterator for Parts<'p, 'a> {
    type Item = Part<'p, 'a>;

    fn next(&mut self) -> Option<Part<'p, 'a>> {
        let plan = self.plan;
        loop {
            let patch = plan.patches.get(self.patch);
            let next = patch.map_or(plan.old.len(), |patch| patch.index);
            if self.at < next {
                let stays = self.at..next;
                self.at = next;
                return Some(Part::Stays(stays));
            }
            let Some(patch) = patch else {
                let added = plan.added.get(self.added)?;
                self.added += 1;
                return Some(Part::New(added.tag, &added.entry));
            };
            self.patch += 1;
            self.at += 1;
            if let Some(entry) = &patch.entry {
                return Some(Part::New(plan.old.tag(patch.index), entry));
            }
        }
    }
}
