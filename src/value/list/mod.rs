//! A list: what the commands on lists read and edit.
//!
//! ```text
//! short   head: all elements, up to 1 KiB packed
//! long    head: up to 512 bytes | middle: a tree of chunks | tail: up to 512 bytes
//! ```
//!
//! Head and tail lie in the record itself. What a queue does touches only them, apart from one
//! push in about fourteen, which makes a chunk of the far half of an end, and one pop in about
//! fourteen, which makes an end of the next chunk. `LLEN`, `LINDEX 0`, `LINDEX -1` and `LRANGE 0 9`
//! need no further cache line.

mod at_end;
mod edit;
mod iter;

pub(crate) use edit::{ListEdit, ListImage};
pub(crate) use iter::{ListIter, Positions};

use super::{
    element::Element,
    packed::{elements::Elements, run::Side},
    tree::{
        chunks,
        node::{Node, NodeRef},
    },
};

/// The most bytes of a list without a middle.
pub(crate) const SHORT: usize = 1 << 10;

/// The most bytes of an end of a list with a middle.
pub(crate) const END: usize = 512;

/// Bytes that an end keeps when it is cut, so that pushes and pops in turn do not cut it again.
const NEAR: usize = END / 2;

/// What a record keeps of a list in front of its ends.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(16))]
pub(crate) struct ListRoot {
    /// The tree of chunks, if the list is long.
    pub(crate) middle: Option<Node>,
    /// The number of elements.
    pub(crate) len: u64,
    /// Bytes of the middle's nodes.
    pub(crate) bytes: u64,
    /// Bytes of the elements in front of the middle.
    pub(crate) head_bytes: u16,
    /// Elements in front of the middle.
    pub(crate) head_count: u16,
    /// Bytes of the elements behind the middle.
    pub(crate) tail_bytes: u16,
    /// Elements behind the middle.
    pub(crate) tail_count: u16,
}

impl ListRoot {
    /// What a key that is not there holds.
    pub(crate) const EMPTY: Self = Self {
        middle: None,
        len: 0,
        bytes: 0,
        head_bytes: 0,
        head_count: 0,
        tail_bytes: 0,
        tail_count: 0,
    };

    /// Bytes of both ends, which the record keeps behind this.
    #[inline]
    pub(crate) fn end_bytes(&self) -> usize {
        usize::from(self.head_bytes) + usize::from(self.tail_bytes)
    }

    /// Whether so many bytes in the ends, and the bytes of a middle, are too few for a middle.
    #[inline]
    fn is_to_be_folded(ends: usize, middle: u64) -> bool {
        ends as u64 + middle <= SHORT as u64 / 2
    }

    /// Elements of the middle.
    #[inline]
    fn middle_count(&self) -> u64 {
        self.len.saturating_sub(u64::from(self.head_count) + u64::from(self.tail_count))
    }
}

/// A list, read where it lies.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ListValue<'g> {
    root: ListRoot,
    /// Head and tail, side by side.
    ends: &'g [u8],
    middle: Option<NodeRef<'g>>,
}

impl<'g> ListValue<'g> {
    /// What a key that is not there holds.
    pub(crate) const EMPTY: Self = Self { root: ListRoot::EMPTY, ends: &[], middle: None };

    /// Looks at a list; what its ends do not hold is not there.
    ///
    /// # Safety
    ///
    /// The middle, if there is one, was made by a [`ListEdit`] and is alive during `'g`.
    #[inline]
    pub(crate) unsafe fn new(root: ListRoot, ends: &'g [u8]) -> Self {
        let ends = ends.get(..root.end_bytes()).unwrap_or_default();
        // SAFETY: the caller's word.
        let middle = root.middle.map(|node| unsafe { NodeRef::new(node) });
        Self { root, ends, middle }
    }

    /// The elements in front of the middle.
    #[inline]
    fn head(self) -> &'g [u8] {
        self.ends.get(..usize::from(self.root.head_bytes)).unwrap_or_default()
    }

    /// The elements behind the middle.
    #[inline]
    fn tail(self) -> &'g [u8] {
        self.ends.get(usize::from(self.root.head_bytes)..).unwrap_or_default()
    }

    /// The number of elements.
    #[inline]
    pub(crate) fn len(self) -> u64 {
        self.root.len
    }

    /// The tree of chunks, if the list is long.
    pub(crate) fn middle_node(self) -> Option<Node> {
        self.root.middle
    }

    /// Bytes that it takes outside of its record.
    #[cfg(all(test, not(pool_loom)))]
    pub(crate) fn bytes(self) -> u64 {
        self.root.bytes
    }

    /// The element of an index. In the ends it is found by walking up to half of an end, in the
    /// middle by O(log n) counts and half a chunk.
    pub(crate) fn at(self, index: u64) -> Option<Element<'g>> {
        let (place, index) = self.place(index)?;
        match place {
            Place::Head => {
                Elements::new(self.head()).at(index_in(index), self.root.head_count.into())
            }
            Place::Tail => {
                Elements::new(self.tail()).at(index_in(index), self.root.tail_count.into())
            }
            Place::Middle(root) => {
                let chunk = chunks::find(root, index)?;
                Elements::new(chunk.bytes).at(index_in(index - chunk.start), chunk.count)
            }
        }
    }

    /// Elements from an index on, towards the right end, or from the one at the index towards the
    /// left end.
    pub(crate) fn iter_from(self, index: u64, side: Side) -> ListIter<'g> {
        ListIter::new(self, index, side)
    }

    /// All elements, from left to right.
    pub(crate) fn iter(self) -> ListIter<'g> {
        self.iter_from(0, Side::Left)
    }

    /// The indices of the elements that are equal to a text, coming from a side.
    pub(crate) fn positions<'a>(self, text: &'a [u8], side: Side) -> Positions<'a, 'g> {
        Positions::new(self, text, side)
    }

    /// Where the element of an index is, and its index there.
    #[inline]
    fn place(self, index: u64) -> Option<(Place<'g>, u64)> {
        let (head, middle) = (u64::from(self.root.head_count), self.root.middle_count());
        if index >= self.root.len {
            None
        } else if index < head {
            Some((Place::Head, index))
        } else if index - head < middle {
            Some((Place::Middle(self.middle?), index - head))
        } else {
            Some((Place::Tail, index - head - middle))
        }
    }
}

/// A part of a list.
#[derive(Clone, Copy, Debug)]
enum Place<'g> {
    Head,
    Middle(NodeRef<'g>),
    Tail,
}

/// An index in an end or in a chunk, which hold fewer elements than a `usize` counts.
#[inline]
fn index_in(index: u64) -> usize {
    usize::try_from(index).unwrap_or(usize::MAX)
}
