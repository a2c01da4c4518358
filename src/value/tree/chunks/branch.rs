//! A branch of a list, which counts the elements below each child.

use super::marks::Marks;
use crate::{
    reclaim::magazine::block_bytes,
    value::{
        field_hash::FAN,
        packed::run::Side,
        tree::{
            edit::Part,
            node::{Header, Node, NodeRef},
        },
    },
};

/// A branch of a list: its first children are there, and none of them is empty.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(16))]
pub(crate) struct ListBranch {
    header: Header,
    /// Bytes of all nodes below, and of this one.
    pub(crate) bytes: u64,
    /// Entries or elements below each child.
    pub(crate) counts: [u32; FAN],
    /// What may be below each child.
    marks: [Marks; FAN],
    pub(crate) children: [Option<Node>; FAN],
}

impl ListBranch {
    /// A branch without children.
    pub(crate) fn new(height: u8) -> Self {
        Self {
            header: Header { kind: height, points: 0, count: 0, length: 0 },
            bytes: block_bytes(size_of::<Self>()) as u64,
            counts: [0; FAN],
            marks: [Marks::NONE; FAN],
            children: [None; FAN],
        }
    }

    /// Levels down to the leaves of a list, one at least.
    pub(crate) fn height(&self) -> u8 {
        self.header.kind
    }

    /// Entries or elements below, of which a value has less than 2³².
    #[inline]
    pub(crate) fn total(&self) -> u32 {
        self.counts.iter().fold(0, |total, &count| total.wrapping_add(count))
    }

    /// The number of children.
    #[inline]
    pub(crate) fn child_count(&self) -> usize {
        usize::from(self.header.count)
    }

    /// Puts a child behind the others, for which there is room.
    pub(crate) fn push(&mut self, node: Node, count: u32, marks: Marks) {
        let last = self.child_count();
        (self.children[last], self.counts[last], self.marks[last]) = (Some(node), count, marks);
        self.header.count += 1;
    }

    /// Puts nodes in the place of a child, for which there is room.
    #[expect(clippy::cast_possible_truncation, reason = "sixteen at most")]
    pub(crate) fn replace(&mut self, index: usize, nodes: &[Part]) {
        let (old, new) = (self.child_count(), self.child_count() - 1 + nodes.len());
        self.children.copy_within(index + 1..old, index + nodes.len());
        self.counts.copy_within(index + 1..old, index + nodes.len());
        self.marks.copy_within(index + 1..old, index + nodes.len());
        self.children[new.min(old)..old].fill(None);
        self.counts[new.min(old)..old].fill(0);
        for (index, part) in (index..).zip(nodes) {
            (self.children[index], self.counts[index], self.marks[index]) =
                (Some(part.node), part.count, part.marks);
        }
        self.header.count = new as u16;
    }

    /// What may be below a child.
    #[inline]
    pub(super) fn marks_of(&self, index: usize) -> Marks {
        self.marks.get(index).copied().unwrap_or(Marks::ALL)
    }

    /// What may be below any child.
    pub(super) fn all_marks(&self) -> Marks {
        let marks = self.marks.iter().take(self.child_count());
        marks.fold(Marks::NONE, |all, &marks| all.with(marks))
    }

    /// The first child from one on, coming from a side, that may hold what is sought, and how many
    /// elements are below those that are passed over.
    #[inline]
    pub(super) fn next_with(&self, from: usize, side: Side, wanted: Marks) -> (Option<usize>, u64) {
        let mut passed = 0;
        let mut may_hold = |index: usize| {
            let may_hold = self.marks[index].may_hold(wanted);
            passed += if may_hold { 0 } else { u64::from(self.counts[index]) };
            may_hold
        };
        let count = self.child_count().min(FAN);
        let found = match side {
            Side::Left => (from..count).find(|&index| may_hold(index)),
            Side::Right => (0..count.min(from + 1)).rev().find(|&index| may_hold(index)),
        };
        (found, passed)
    }

    /// Puts another child in the place of each one of a branch that is alive.
    pub(crate) fn replace_all(&mut self, mut make: impl FnMut(NodeRef<'_>) -> Node) {
        for index in 0..FAN {
            self.children[index] = self.child(index).map(&mut make);
        }
    }

    /// The children of a branch that is alive.
    pub(crate) fn live_children(&self) -> impl Iterator<Item = NodeRef<'_>> {
        (0..FAN).filter_map(|index| self.child(index))
    }

    /// A child of a branch that is alive.
    #[inline]
    pub(crate) fn child(&self, index: usize) -> Option<NodeRef<'_>> {
        let node = (*self.children.get(index)?)?;
        // SAFETY: a live branch's children are alive; one that was never published belongs to an
        // edit, and its children live as long as that.
        Some(unsafe { NodeRef::new(node) })
    }
}
