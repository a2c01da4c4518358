//! A branch of a list, which counts the elements below each child.

use super::{FAN, marks::Marks};
use crate::{
    reclaim::magazine::block_bytes,
    value::{
        packed::run::Side,
        tree::{
            edit::{Edit, Part},
            node::{Header, Node, NodeRef},
            store::NodeStore,
        },
    },
};
use std::ops::Deref;

/// What a branch of a list begins with: how much is below its first children, which are there, and
/// none of which is empty.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct Head {
    header: Header,
    /// Bytes of all nodes below, and of this one.
    pub(crate) bytes: u64,
    /// Elements below each child.
    pub(crate) counts: [u32; FAN],
}

type Children = [Option<Node>; FAN];

/// A branch of a list.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(16))]
pub(crate) struct ListBranch {
    head: Head,
    children: Children,
}

/// A branch whose children are chunks: it also knows which elements each of them may hold. What a
/// search looks at lies side by side.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(16))]
pub(crate) struct LowBranch {
    head: Head,
    marks: [Marks; FAN],
    children: Children,
}

/// A branch of a list, of whichever height.
#[derive(Clone, Copy, Debug)]
pub(crate) enum AnyBranch<'g> {
    /// One above chunks.
    Low(&'g LowBranch),
    /// One above other branches.
    High(&'g ListBranch),
}

impl Head {
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
    #[expect(clippy::cast_possible_truncation, reason = "as many as a branch has, at most")]
    fn replace(&mut self, children: &mut Children, at: usize, taken: usize, nodes: &[Part]) {
        let old = self.child_count();
        if taken != nodes.len() {
            let new = old - taken + nodes.len();
            children.copy_within(at + taken..old, at + nodes.len());
            self.counts.copy_within(at + taken..old, at + nodes.len());
            children[new.min(old)..old].fill(None);
            self.counts[new.min(old)..old].fill(0);
            self.header.count = new as u16;
        }
        for (index, part) in (at..).zip(nodes) {
            (children[index], self.counts[index]) = (Some(part.node), part.count);
        }
    }
}

impl LowBranch {
    /// A branch without children. One that is higher is made of the same, without the marks.
    pub(super) fn new(height: u8) -> Self {
        let header = Header { kind: height, points: 0, count: 0, length: 0 };
        let size = if height == 1 { size_of::<Self>() } else { size_of::<ListBranch>() };
        let bytes = block_bytes(size) as u64;
        let head = Head { header, bytes, counts: [0; FAN] };
        Self { head, marks: [Marks::NONE; FAN], children: [None; FAN] }
    }

    /// Puts a child behind the others, for which there is room, and counts its bytes.
    pub(super) fn push(&mut self, part: &Part) {
        self.replace(self.child_count(), 0, std::slice::from_ref(part));
        self.head.bytes += part.bytes;
    }

    /// The number of children.
    pub(super) fn child_count(&self) -> usize {
        self.head.child_count()
    }

    /// Makes a node of it.
    pub(super) fn make<S: NodeStore>(&self, edit: &mut Edit<'_, S>) -> Part {
        let Self { head, children, .. } = *self;
        let node = if head.height() == 1 {
            edit.make(self)
        } else {
            edit.make(&ListBranch { head, children })
        };
        Part { node, count: head.total(), bytes: head.bytes, marks: Marks::ALL }
    }

    /// As for any branch.
    #[inline]
    fn replace(&mut self, at: usize, taken: usize, nodes: &[Part]) {
        if taken != nodes.len() {
            let old = self.child_count();
            self.marks.copy_within(at + taken..old, at + nodes.len());
        }
        for (marks, part) in self.marks.iter_mut().skip(at).zip(nodes) {
            *marks = part.marks;
        }
        self.head.replace(&mut self.children, at, taken, nodes);
    }
}

impl Deref for AnyBranch<'_> {
    type Target = Head;

    #[inline]
    fn deref(&self) -> &Head {
        match self {
            Self::Low(low) => &low.head,
            Self::High(high) => &high.head,
        }
    }
}

impl<'g> AnyBranch<'g> {
    #[inline]
    fn children(self) -> &'g Children {
        match self {
            Self::Low(low) => &low.children,
            Self::High(high) => &high.children,
        }
    }

    /// A child of a branch that is alive.
    #[inline]
    pub(crate) fn child(self, index: usize) -> Option<NodeRef<'g>> {
        let node = (*self.children().get(index)?)?;
        // SAFETY: a live branch's children are alive; one that was never published belongs to an
        // edit, and its children live as long as that.
        Some(unsafe { NodeRef::new(node) })
    }

    /// The children of a branch that is alive.
    pub(crate) fn live_children(self) -> impl Iterator<Item = NodeRef<'g>> {
        (0..FAN).filter_map(move |index| self.child(index))
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
        let count = self.child_count().min(FAN);
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
        let passed = self.counts.get(passed).unwrap_or_default();
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
                copy.head.bytes = bytes;
            }),
            Self::High(high) => edit.make_changed(high, |copy| {
                copy.head.replace(&mut copy.children, at, taken, nodes);
                copy.head.bytes = bytes;
            }),
        }
    }

    /// Makes a branch with another child, of as many elements, in the place of one, and kills this
    /// one. So many bytes are added, which may wrap; whoever has marks of the child has them changed.
    ///
    /// Where they lie: if the call returned them, they would be written in other pieces than they are
    /// read in, which processors wait for.
    #[inline]
    pub(super) fn make_with_child<S: NodeStore>(
        self,
        at: usize,
        child: Node,
        bytes: u64,
        change_marks: impl FnOnce(&mut Marks),
        edit: &mut Edit<'_, S>,
    ) -> Node {
        match self {
            Self::Low(low) => {
                edit.kill_fixed(low);
                edit.make_changed(low, |copy| {
                    copy.children[at % FAN] = Some(child);
                    copy.head.bytes = copy.head.bytes.wrapping_add(bytes);
                    change_marks(&mut copy.marks[at % FAN]);
                })
            }
            Self::High(high) => {
                edit.kill_fixed(high);
                edit.make_changed(high, |copy| {
                    copy.children[at % FAN] = Some(child);
                    copy.head.bytes = copy.head.bytes.wrapping_add(bytes);
                })
            }
        }
    }

    /// Makes a branch with another child in the place of each one.
    pub(crate) fn make_copy<S: NodeStore>(
        self,
        edit: &mut Edit<'_, S>,
        mut copy_child: impl FnMut(NodeRef<'_>, &mut Edit<'_, S>) -> Node,
    ) -> Node {
        let children = std::array::from_fn(|at| Some(copy_child(self.child(at)?, edit)));
        match self {
            Self::Low(low) => edit.make(&LowBranch { children, ..*low }),
            Self::High(high) => edit.make(&ListBranch { children, ..*high }),
        }
    }
}
