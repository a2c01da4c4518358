//! A branch of a list, which counts the elements below each child.

use super::marks::Marks;
use crate::{
    reclaim::magazine::block_bytes,
    value::{
        field_hash::FAN,
        packed::run::Side,
        tree::{
            edit::{Edit, Part},
            node::{Header, Node, NodeRef},
            store::NodeStore,
        },
    },
};
use std::ops::Deref;

/// A branch of a list: its first children are there, and none of them is empty.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(16))]
pub(crate) struct ListBranch {
    header: Header,
    /// Bytes of all nodes below, and of this one.
    pub(crate) bytes: u64,
    /// Elements below each child.
    pub(crate) counts: [u32; FAN],
    pub(crate) children: [Option<Node>; FAN],
}

/// A branch whose children are chunks: it also knows which elements each of them may hold.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(16))]
pub(crate) struct LowBranch {
    branch: ListBranch,
    marks: [Marks; FAN],
}

/// A branch of a list, of whichever height.
#[derive(Clone, Copy, Debug)]
pub(crate) enum AnyBranch<'g> {
    /// One above chunks.
    Low(&'g LowBranch),
    /// One above other branches.
    High(&'g ListBranch),
}

impl ListBranch {
    /// Levels down to the leaves of a list, one at least.
    pub(crate) fn height(&self) -> u8 {
        self.header.kind
    }

    /// Elements below, of which a value has less than 2³².
    #[inline]
    pub(crate) fn total(&self) -> u32 {
        self.counts.iter().fold(0, |total, &count| total.wrapping_add(count))
    }

    /// The number of children.
    #[inline]
    pub(crate) fn child_count(&self) -> usize {
        usize::from(self.header.count)
    }

    /// Puts nodes in the place of some children, for which there is room. The bytes are the caller's
    /// to count.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "sixteen at most")]
    fn replace(&mut self, at: usize, taken: usize, nodes: &[Part]) {
        let old = self.child_count();
        if taken != nodes.len() {
            let new = old - taken + nodes.len();
            self.children.copy_within(at + taken..old, at + nodes.len());
            self.counts.copy_within(at + taken..old, at + nodes.len());
            self.children[new.min(old)..old].fill(None);
            self.counts[new.min(old)..old].fill(0);
            self.header.count = new as u16;
        }
        for (index, part) in (at..).zip(nodes) {
            (self.children[index], self.counts[index]) = (Some(part.node), part.count);
        }
    }

    /// Puts a child in the place of one.
    #[inline]
    fn set_child(&mut self, at: usize, child: Node, bytes: u64) {
        self.children[at % FAN] = Some(child);
        self.bytes = self.bytes.wrapping_add(bytes);
    }

    /// Puts another child in the place of each one of a branch that is alive.
    fn replace_all(&mut self, mut make: impl FnMut(NodeRef<'_>) -> Node) {
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

impl LowBranch {
    /// A branch without children. One that is higher is made of the same, without the marks.
    pub(super) fn new(height: u8) -> Self {
        let header = Header { kind: height, points: 0, count: 0, length: 0 };
        let size = if height == 1 { size_of::<Self>() } else { size_of::<ListBranch>() };
        let bytes = block_bytes(size) as u64;
        let branch = ListBranch { header, bytes, counts: [0; FAN], children: [None; FAN] };
        Self { branch, marks: [Marks::NONE; FAN] }
    }

    /// Puts a child behind the others, for which there is room, and counts its bytes.
    pub(super) fn push(&mut self, part: &Part) {
        self.replace(self.branch.child_count(), 0, std::slice::from_ref(part));
        self.branch.bytes += part.bytes;
    }

    /// The number of children.
    pub(super) fn child_count(&self) -> usize {
        self.branch.child_count()
    }

    /// Makes a node of it.
    pub(super) fn make<S: NodeStore>(&self, edit: &mut Edit<'_, S>) -> Part {
        let branch = &self.branch;
        let node = if branch.height() == 1 { edit.make(self) } else { edit.make(branch) };
        Part { node, count: branch.total(), bytes: branch.bytes, marks: Marks::ALL }
    }

    /// As for any branch.
    #[inline]
    fn replace(&mut self, at: usize, taken: usize, nodes: &[Part]) {
        if taken != nodes.len() {
            self.marks.copy_within(at + taken..self.branch.child_count(), at + nodes.len());
        }
        for (marks, part) in self.marks.iter_mut().skip(at).zip(nodes) {
            *marks = part.marks;
        }
        self.branch.replace(at, taken, nodes);
    }
}

impl Deref for AnyBranch<'_> {
    type Target = ListBranch;

    #[inline]
    fn deref(&self) -> &ListBranch {
        self.common()
    }
}

impl<'g> AnyBranch<'g> {
    /// What all branches have.
    #[inline]
    pub(crate) fn common(self) -> &'g ListBranch {
        match self {
            Self::Low(low) => &low.branch,
            Self::High(branch) => branch,
        }
    }

    /// Bytes of its block.
    pub(crate) fn block_bytes(self) -> usize {
        block_bytes(match self {
            Self::Low(_) => size_of::<LowBranch>(),
            Self::High(_) => size_of::<ListBranch>(),
        })
    }

    /// What may be among the elements of a child.
    #[inline]
    pub(super) fn marks_of(self, index: usize) -> Marks {
        match self {
            Self::Low(low) => low.marks.get(index).copied().unwrap_or(Marks::ALL),
            Self::High(_) => Marks::ALL,
        }
    }

    /// The first child from one on, coming from a side, that may hold what is sought, and how many
    /// elements are below those that are passed over.
    #[inline]
    pub(super) fn next_with(self, from: usize, side: Side, wanted: Marks) -> (Option<usize>, u64) {
        let branch = self.common();
        let count = branch.child_count().min(FAN);
        let may_hold = |&index: &usize| match self {
            Self::Low(low) => low.marks[index].may_hold(wanted),
            Self::High(_) => true,
        };
        let (found, passed) = match side {
            Side::Left => {
                let found = (from..count).find(may_hold);
                (found, from..found.unwrap_or(count))
            }
            Side::Right => {
                let found = (0..count.min(from + 1)).rev().find(may_hold);
                (found, found.map_or(0, |at| at + 1)..count.min(from + 1))
            }
        };
        let passed = branch.counts.get(passed).unwrap_or_default();
        (found, passed.iter().fold(0, |total: u32, &count| total.wrapping_add(count)).into())
    }

    /// Makes a branch that is this one with nodes in the place of some children.
    #[inline]
    pub(super) fn make_replaced<S: NodeStore>(
        self,
        at: usize,
        taken: usize,
        nodes: &[Part],
        bytes: u64,
        edit: &mut Edit<'_, S>,
    ) -> Node {
        match self {
            Self::Low(low) => edit.make_changed(low, |copy| {
                copy.replace(at, taken, nodes);
                copy.branch.bytes = bytes;
            }),
            Self::High(high) => edit.make_changed(high, |copy| {
                copy.replace(at, taken, nodes);
                copy.bytes = bytes;
            }),
        }
    }

    /// Makes a branch with another child, of as many elements, in the place of one, and kills this
    /// one. So many bytes are added, which may wrap; whoever has marks asks for those of the child.
    #[inline]
    pub(super) fn make_with_child<S: NodeStore>(
        self,
        at: usize,
        child: Node,
        bytes: u64,
        marks: impl FnOnce() -> Marks,
        edit: &mut Edit<'_, S>,
    ) -> Node {
        match self {
            Self::Low(low) => {
                edit.kill_fixed(low);
                edit.make_changed(low, |copy| {
                    copy.branch.set_child(at, child, bytes);
                    copy.marks[at % FAN] = marks();
                })
            }
            Self::High(high) => {
                edit.kill_fixed(high);
                edit.make_changed(high, |copy| copy.set_child(at, child, bytes))
            }
        }
    }

    /// Makes a branch with another child in the place of each one.
    pub(crate) fn make_copy<S: NodeStore>(
        self,
        edit: &mut Edit<'_, S>,
        mut copy_child: impl FnMut(NodeRef<'_>, &mut Edit<'_, S>) -> Node,
    ) -> Node {
        match self {
            Self::Low(low) => {
                let mut copy = *low;
                copy.branch.replace_all(|child| copy_child(child, edit));
                edit.make(&copy)
            }
            Self::High(high) => {
                let mut copy = *high;
                copy.replace_all(|child| copy_child(child, edit));
                edit.make(&copy)
            }
        }
    }
}
