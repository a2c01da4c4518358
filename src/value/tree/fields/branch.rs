//! A branch of a hash or set: a place for each value of five bits of the hash, and children, each of
//! which takes one place or several beside each other.

use crate::value::{
    field_hash::FAN,
    tree::node::{BRANCH, Header, Node, NodeRef},
};

/// Places beside each other, as many as a power of two, that the first one's number is a multiple of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Span {
    pub(super) first: usize,
    width: u16,
}

impl Span {
    /// All places of a branch.
    #[expect(clippy::cast_possible_truncation, reason = "few")]
    pub(super) const ALL: Self = Self { first: 0, width: FAN as u16 };

    /// A place alone.
    #[inline]
    pub(super) fn one(index: usize) -> Self {
        Self { first: index, width: 1 }
    }

    /// So many places, of which this is one.
    #[inline]
    pub(super) fn around(index: usize, width: u16) -> Self {
        Self { first: index & !(usize::from(width) - 1), width }
    }

    /// How many places there are.
    #[inline]
    pub(super) fn width(self) -> u16 {
        self.width
    }

    /// The place behind the last one.
    #[inline]
    pub(super) fn end(self) -> usize {
        self.first + usize::from(self.width)
    }

    /// The first half, unless it is a single place.
    pub(super) fn half(self) -> Option<Self> {
        (self.width > 1).then_some(Self { width: self.width / 2, ..self })
    }

    /// As many places as can begin with one of another span, and lie in that.
    pub(super) fn widest(first: usize, within: Self) -> Self {
        let mut span = within;
        while span.width > 1 && !first.is_multiple_of(span.width.into()) {
            span.width /= 2;
        }
        Self { first, ..span }
    }
}

/// What the bits of a hash at some depth lead to: places beside each other that hold the same node
/// have one child.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Children([Option<Node>; FAN]);

impl Children {
    /// No children.
    pub(super) const NONE: Self = Self([None; FAN]);

    /// Puts a child, or none, in some places; it was made for as many.
    #[inline]
    pub(super) fn set(&mut self, span: Span, child: Option<Node>) {
        self.0[span.first % FAN] = child;
        if span.width > 1 {
            self.fill(span, child);
        }
    }

    /// Puts a child in several places.
    #[cold]
    #[inline(never)]
    fn fill(&mut self, span: Span, child: Option<Node>) {
        self.0[span.first..span.end()].fill(child);
    }

    /// Puts another child in the place of each one of what is alive.
    pub(crate) fn replace_all(&mut self, mut make: impl FnMut(NodeRef<'_>) -> Node) {
        let old = *self;
        for index in 0..FAN {
            self.0[index] = match old.child(index) {
                Some(_) if old.continues(index) => self.0[index - 1],
                child => child.map(&mut make),
            };
        }
    }

    /// The places that have the child of one; if that has none, as many others without as there
    /// are around it.
    pub(super) fn span(&self, index: usize) -> Span {
        if let Some(child) = self.child(index) {
            return child.span(index);
        }
        let mut span = Span::one(index);
        while span.width < Span::ALL.width {
            let wider = Span::around(index, 2 * span.width);
            if self.0[wider.first..wider.end()].iter().any(Option::is_some) {
                break;
            }
            span = wider;
        }
        span
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

    /// All children of what is alive, each once.
    pub(crate) fn live(&self) -> impl Iterator<Item = NodeRef<'_>> {
        (0..FAN).filter(|&index| !self.continues(index)).filter_map(|index| self.child(index))
    }

    /// Whether a place has the child of the one before it.
    #[inline]
    fn continues(&self, index: usize) -> bool {
        index > 0 && self.0[index] == self.0[index - 1]
    }
}

/// A node that leads to others.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(16))]
pub(crate) struct Branch {
    header: Header,
    pub(crate) children: Children,
}

impl NodeRef<'_> {
    /// The places of a branch that have this child, of which one is given.
    #[inline]
    pub(super) fn span(self, index: usize) -> Span {
        Span::around(index, self.header().count)
    }
}

impl Branch {
    /// A branch above this many entries.
    #[inline]
    pub(super) fn new(children: Children, total: u32) -> Self {
        Self { header: Header { kind: BRANCH, points: 0, count: 1, length: total }, children }
    }

    /// Puts a child in the places of another one, below which are as many entries more or less.
    #[inline]
    pub(super) fn replace(&mut self, span: Span, child: Node, more: i32) {
        self.children.set(span, Some(child));
        self.header.length = self.header.length.wrapping_add_signed(more);
    }

    /// Entries below.
    #[inline]
    pub(super) fn total(&self) -> u32 {
        self.header.length
    }
}
