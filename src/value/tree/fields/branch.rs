//! A branch of a hash or set: a child for each value of five bits of the hash.

use crate::value::{
    field_hash::FAN,
    tree::node::{BRANCH, Header, Node, NodeRef},
};

/// What the bits of a hash at some depth lead to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Children([Option<Node>; FAN]);

impl Children {
    /// No children.
    pub(super) const NONE: Self = Self([None; FAN]);

    /// Puts a child, or none, in a place.
    #[inline]
    pub(super) fn set(&mut self, index: usize, child: Option<Node>) {
        self.0[index % FAN] = child;
    }

    /// Puts another child in the place of each one of what is alive.
    pub(crate) fn replace_all(&mut self, mut make: impl FnMut(NodeRef<'_>) -> Node) {
        for index in 0..FAN {
            self.0[index] = self.child(index).map(&mut make);
        }
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().all(Option::is_none)
    }

    /// A child of what is alive.
    ///
    /// Children are looked at through a branch or a tree that somebody has vouched for.
    #[inline]
    pub(super) fn child(&self, index: usize) -> Option<NodeRef<'_>> {
        let node = self.0[index % FAN]?;
        // SAFETY: a live branch's or tree's children are alive; if it was never published it
        // belongs to an edit, and its children live as long as that.
        Some(unsafe { NodeRef::new(node) })
    }

    /// All children of what is alive.
    pub(crate) fn live(&self) -> impl Iterator<Item = NodeRef<'_>> {
        (0..FAN).filter_map(|index| self.child(index))
    }
}

/// A node that leads to others.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(16))]
pub(crate) struct Branch {
    header: Header,
    pub(crate) children: Children,
}

impl Branch {
    /// A branch above this many entries.
    #[inline]
    pub(super) fn new(children: Children, total: u32) -> Self {
        Self { header: Header { kind: BRANCH, points: 0, count: 0, length: total }, children }
    }

    /// Puts a child in the place of another one, below which are as many entries more or less.
    #[inline]
    pub(super) fn replace(&mut self, index: usize, child: Node, more: i32) {
        self.children.set(index, Some(child));
        self.header.length = self.header.length.wrapping_add_signed(more);
    }

    /// Entries below.
    #[inline]
    pub(super) fn total(&self) -> u32 {
        self.header.length
    }
}
