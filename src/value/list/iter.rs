//! Walking over the elements of a list, and searching it.

use super::{ListValue, Place, index_in};
use crate::value::{
    element::Element,
    packed::{elements::Elements, run::Side},
    tree::{
        chunks::{self, Chunks, marks::Marks},
        node::{Node, NodeRef},
    },
};

/// Elements of a list, from one of them towards an end.
#[derive(Debug)]
pub(crate) struct ListIter<'g> {
    /// Where it comes from.
    side: Side,
    here: Elements<'g>,
    /// Chunks in front of the middle, the one beside it first.
    near: &'g [Option<Node>],
    middle: Chunks<'g>,
    /// Chunks behind the middle, the one beside it first.
    far: &'g [Option<Node>],
    /// The end that it comes to.
    last: Elements<'g>,
}

impl<'g> ListIter<'g> {
    /// Begins at an index; beyond the list there is nothing.
    pub(super) fn new(list: ListValue<'g>, index: u64, side: Side) -> Self {
        let none = Elements::new(&[]);
        let middle = Chunks::none();
        let mut iter = Self { side, here: none, near: &[], middle, far: &[], last: none };
        let Some((place, index)) = list.place(index) else { return iter };
        if !matches!(place, Place::End(end) if end != side) {
            iter.last = list.end(side.other()).0;
        }
        if !matches!(place, Place::End(at) | Place::Digit(at) if at != side) {
            iter.far = list.digits.chunks(side.other());
        }
        if let (Place::End(at) | Place::Digit(at), Some(root)) = (place, list.middle)
            && at == side
        {
            iter.near = list.digits.chunks(side);
            iter.middle = Chunks::from(root, if side == Side::Left { 0 } else { u64::MAX }, side);
        }
        let (elements, count, start) = match place {
            Place::End(at) => {
                let (elements, count) = list.end(at);
                (elements, count, 0)
            }
            Place::Digit(at) => {
                let Some((chunk, found)) = list.find_in_digit(at, index) else { return iter };
                let chunks = list.digits.chunks(at);
                if at == side {
                    iter.near = &chunks[..chunk];
                } else {
                    iter.far = &chunks[chunk + 1..];
                }
                (Elements::new(found.bytes), found.count, found.start)
            }
            Place::Middle(root) => {
                iter.middle = Chunks::from(root, index, side);
                let start = chunks::find(root, index).map_or(0, |chunk| chunk.start);
                let (bytes, count) = iter.middle.next().unwrap_or_default();
                (Elements::new(bytes), count, start)
            }
        };
        iter.here = iter.begin(elements, index_in(index - start), count);
        iter
    }

    /// The elements of the next chunk, or of the end that it comes to.
    fn next_elements(&mut self) -> Option<Elements<'g>> {
        // SAFETY: alive during `'g`, as whoever made the list has said.
        let content = |node: Node| Elements::new(unsafe { NodeRef::new(node) }.content());
        if let Some((&Some(next), rest)) = self.near.split_last() {
            self.near = rest;
            Some(content(next))
        } else if let Some((bytes, _)) = self.middle.next() {
            Some(Elements::new(bytes))
        } else if let Some((&Some(next), rest)) = self.far.split_first() {
            self.far = rest;
            Some(content(next))
        } else {
            let last = std::mem::replace(&mut self.last, Elements::new(&[]));
            (!last.bytes().is_empty()).then_some(last)
        }
    }

    /// The elements from an index on, towards the other side.
    fn begin(&self, elements: Elements<'g>, index: usize, count: usize) -> Elements<'g> {
        let bytes = elements.bytes();
        let rest = match self.side {
            Side::Left => bytes.get(elements.offset(index, count)..),
            Side::Right => bytes.get(..elements.offset(index + 1, count)),
        };
        Elements::new(rest.unwrap_or_default())
    }
}

impl<'g> Iterator for ListIter<'g> {
    type Item = Element<'g>;

    #[inline]
    fn next(&mut self) -> Option<Element<'g>> {
        loop {
            let next = match self.side {
                Side::Left => self.here.next(),
                Side::Right => self.here.next_back(),
            };
            if next.is_some() {
                return next;
            }
            self.here = self.next_elements()?;
        }
    }
}

/// The indices of the elements that equal one, from an end on.
///
/// Chunks that cannot hold it are passed over.
#[derive(Debug)]
pub(crate) struct Positions<'a, 'g> {
    element: Element<'a>,
    iter: ListIter<'g>,
    /// Elements of the list.
    len: u64,
    /// Elements that were looked at or passed over.
    steps: u64,
}

impl<'a, 'g> Positions<'a, 'g> {
    /// Begins at the end at a side.
    pub(super) fn new(list: ListValue<'g>, text: &'a [u8], side: Side) -> Self {
        let (element, len) = (Element::of(text), list.len());
        let from = if side == Side::Left { 0 } else { len.saturating_sub(1) };
        let mut iter = list.iter_from(from, side);
        iter.middle.seek(Marks::of(element));
        Self { element, iter, len, steps: 0 }
    }
}

impl Iterator for Positions<'_, '_> {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        loop {
            let other = self.iter.next()?;
            let steps = self.steps + self.iter.middle.take_passed();
            // Whatever the bytes are, there is no position beyond the length.
            let last = self.len.checked_sub(steps + 1)?;
            self.steps = steps + 1;
            if other == self.element {
                return Some(if self.iter.side == Side::Left { steps } else { last });
            }
        }
    }
}
