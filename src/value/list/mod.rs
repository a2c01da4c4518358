//! A list: what the commands on lists read and edit.
//!
//! ```text
//! short   head: all elements, up to 1 KiB packed
//! long    head | digit: up to 8 chunks | middle: a tree of chunks | digit: up to 8 chunks | tail
//! ```
//!
//! Head and tail, of up to 512 bytes each, lie in the record itself, so that `LLEN`, `LINDEX 0`,
//! `LINDEX -1` and `LRANGE 0 9` need no further cache line. What a queue does touches only them, apart
//! from one push in about fourteen, which makes a chunk of the far part of an end, and one pop in about
//! fourteen, whose end is used up. The next chunk is the end then, where it lies, until something is
//! pushed there. [Digits] hold chunks that the middle is to get, or has given, eight at once: so one push
//! in about a hundred changes the tree, and one pop.
//!
//! What digits gain, in nanoseconds for a push or a pop of 16 bytes, medians of 11 interleaved rounds of
//! one run on a busy machine of two processors:
//!
//! | elements, threads | without | with |
//! |-------------------|--------:|-----:|
//! | 1,000, one        | 230     | 195  |
//! | a million, one    | 225     | 188  |
//! | 1,000, two        | 308     | 277  |
//! | 1,000, eight      | 475     | 339  |
//! | a million, eight  | 508     | 349  |
//!
//! Ends that are filled to 192 bytes instead of 320 gain nothing, and make small chunks.

mod at_end;
mod digit;
mod edit;
mod iter;

pub(crate) use digit::Digits;
pub(crate) use edit::{ListEdit, ListImage};
pub(crate) use iter::{ListIter, Positions};

use super::{
    element::Element,
    packed::{elements::Elements, run::Side},
    tree::{
        chunks::{self, Found},
        node::{Node, NodeRef},
    },
};

/// The most bytes of a list without a middle.
pub(crate) const SHORT: usize = 1 << 10;

/// The most bytes of an end of a list with a middle.
const END: usize = 512;

/// What a record keeps of a list in front of its ends.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(16))]
pub(crate) struct ListRoot {
    /// The tree of chunks, if the list is long.
    pub(crate) middle: Option<Node>,
    /// The number of elements.
    pub(crate) len: u64,
    /// Bytes of all nodes, those of the digits included.
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

    /// Bytes of both ends, wherever they lie.
    #[inline]
    fn end_bytes(&self) -> usize {
        usize::from(self.head_bytes) + usize::from(self.tail_bytes)
    }

    /// Bytes of the left end that lie in the record.
    #[inline]
    fn inline_head(&self, digits: &Digits) -> usize {
        if digits.end(Side::Left).is_some() { 0 } else { self.head_bytes.into() }
    }

    /// Whether so many bytes in the ends, and the bytes of a middle, are too few for a middle.
    #[inline]
    fn is_to_be_folded(ends: usize, middle: u64) -> bool {
        ends as u64 + middle <= SHORT as u64 / 2
    }

    /// Elements that are in neither end.
    #[inline]
    fn inner_count(&self) -> u64 {
        self.len.saturating_sub(u64::from(self.head_count) + u64::from(self.tail_count))
    }
}

/// A list, read where it lies.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ListValue<'g> {
    root: ListRoot,
    /// Head and tail, side by side.
    ends: &'g [u8],
    digits: &'g Digits,
    middle: Option<NodeRef<'g>>,
}

impl<'g> ListValue<'g> {
    /// What a key that is not there holds.
    pub(crate) const EMPTY: Self =
        Self { root: ListRoot::EMPTY, ends: &[], digits: &Digits::EMPTY, middle: None };

    /// Looks at a list; what its ends do not hold is not there.
    ///
    /// # Safety
    ///
    /// The middle, if there is one, and the chunks in the digits were made by a [`ListEdit`] and are
    /// alive during `'g`.
    #[inline]
    pub(crate) unsafe fn new(root: ListRoot, digits: &'g Digits, ends: &'g [u8]) -> Self {
        // SAFETY: the caller's word.
        let middle = root.middle.map(|node| unsafe { NodeRef::new(node) });
        Self { root, ends, digits, middle }
    }

    /// The elements of the left end.
    #[inline]
    fn head(self) -> &'g [u8] {
        let len = usize::from(self.root.head_bytes);
        match self.digits.end(Side::Left) {
            None => self.ends.get(..len),
            Some(node) => {
                let content = self.chunk(node).content();
                content.get(content.len().saturating_sub(len)..)
            }
        }
        .unwrap_or_default()
    }

    /// The elements of the right end.
    #[inline]
    fn tail(self) -> &'g [u8] {
        match self.digits.end(Side::Right) {
            None => self.ends.get(self.root.inline_head(self.digits)..),
            Some(node) => self.chunk(node).content().get(..usize::from(self.root.tail_bytes)),
        }
        .unwrap_or_default()
    }

    /// A chunk of the digits.
    #[inline]
    fn chunk(self, node: Node) -> NodeRef<'g> {
        // SAFETY: alive during `'g`, as whoever made this has said.
        unsafe { NodeRef::new(node) }
    }

    /// The number of elements.
    #[inline]
    pub(crate) fn len(self) -> u64 {
        self.root.len
    }

    /// Whether anything of it lies outside of its record.
    pub(crate) fn is_long(self) -> bool {
        self.root.middle.is_some()
    }

    /// The nodes that hang directly below its record.
    pub(crate) fn nodes(self) -> impl Iterator<Item = Node> + use<'g> {
        self.root.middle.into_iter().chain(self.digits.nodes())
    }

    /// Bytes that it takes outside of its record.
    #[cfg(all(test, not(pool_loom)))]
    pub(crate) fn bytes(self) -> u64 {
        self.root.bytes
    }

    /// The element of an index. In the ends it is found by walking up to half of an end, in the
    /// middle by O(log n) counts and half a chunk, between them by up to eight counts.
    pub(crate) fn at(self, index: u64) -> Option<Element<'g>> {
        let (place, index) = self.place(index)?;
        let chunk = match place {
            Place::End(side) => {
                let (elements, count) = self.end(side);
                return elements.at(index_in(index), count);
            }
            Place::Digit(side) => self.find_in_digit(side, index)?.1,
            Place::Middle(root) => chunks::find(root, index)?,
        };
        Elements::new(chunk.bytes).at(index_in(index - chunk.start), chunk.count)
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
        let (head, inner) = (u64::from(self.root.head_count), self.root.inner_count());
        if index >= self.root.len {
            None
        } else if index < head {
            Some((Place::End(Side::Left), index))
        } else if index - head >= inner {
            Some((Place::End(Side::Right), index - head - inner))
        } else {
            self.inner_place(index - head)
        }
    }

    /// The same, of the elements that are in neither end.
    #[inline]
    fn inner_place(self, index: u64) -> Option<(Place<'g>, u64)> {
        let (left, right) = (self.digits.count(Side::Left), self.digits.count(Side::Right));
        let behind_middle = self.root.inner_count().saturating_sub(right);
        if index < left {
            Some((Place::Digit(Side::Left), index))
        } else if index >= behind_middle {
            Some((Place::Digit(Side::Right), index - behind_middle))
        } else {
            Some((Place::Middle(self.middle?), index - left))
        }
    }

    /// The elements of the end at a side, and their number.
    #[inline]
    fn end(self, side: Side) -> (Elements<'g>, usize) {
        match side {
            Side::Left => (Elements::new(self.head()), self.root.head_count.into()),
            Side::Right => (Elements::new(self.tail()), self.root.tail_count.into()),
        }
    }

    /// Which chunk of a digit, counted from the middle, an element is in.
    fn find_in_digit(self, side: Side, index: u64) -> Option<(usize, Found<'g>)> {
        let chunks = self.digits.chunks(side);
        let mut start = 0;
        for step in 0..chunks.len() {
            let at = if side == Side::Left { chunks.len() - 1 - step } else { step };
            let found = chunks::found(self.chunk(chunks[at]?), start);
            start += found.count as u64;
            if index < start {
                return Some((at, found));
            }
        }
        None
    }
}

/// A part of a list.
#[derive(Clone, Copy, Debug)]
enum Place<'g> {
    End(Side),
    Digit(Side),
    Middle(NodeRef<'g>),
}

/// An index in an end or in a chunk, which hold fewer elements than a `usize` counts.
#[inline]
fn index_in(index: u64) -> usize {
    usize::try_from(index).unwrap_or(usize::MAX)
}
