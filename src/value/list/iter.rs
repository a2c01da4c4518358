//! Walking over the elements of a list, and searching it.

use super::{ListValue, Place, index_in};
use crate::value::{
    element::Element,
    packed::{elements::Elements, run::Side},
    tree::chunks::{self, Chunks, marks::Marks},
};

/// Elements of a list, from one of them towards an end.
#[derive(Debug)]
pub(crate) struct ListIter<'g> {
    /// Where it comes from.
    side: Side,
    here: Elements<'g>,
    middle: Chunks<'g>,
    /// The end that it comes to.
    last: Elements<'g>,
}

impl<'g> ListIter<'g> {
    /// Begins at an index; beyond the list there is nothing.
    pub(super) fn new(list: ListValue<'g>, index: u64, side: Side) -> Self {
        let none = Elements::new(&[]);
        let mut iter = Self { side, here: none, middle: Chunks::none(), last: none };
        let Some((place, index)) = list.place(index) else { return iter };
        let (head, tail) = (Elements::new(list.head()), Elements::new(list.tail()));
        let (head_count, tail_count) =
            (usize::from(list.root.head_count), usize::from(list.root.tail_count));
        let whole_middle = || {
            let first = if side == Side::Left { 0 } else { u64::MAX };
            list.middle.map_or(Chunks::none(), |root| Chunks::from(root, first, side))
        };
        match (place, side) {
            (Place::Head, Side::Left) => {
                iter.here = iter.begin(head, index_in(index), head_count);
                iter.middle = whole_middle();
                iter.last = tail;
            }
            (Place::Head, Side::Right) => iter.here = iter.begin(head, index_in(index), head_count),
            (Place::Tail, Side::Right) => {
                iter.here = iter.begin(tail, index_in(index), tail_count);
                iter.middle = whole_middle();
                iter.last = head;
            }
            (Place::Tail, Side::Left) => iter.here = iter.begin(tail, index_in(index), tail_count),
            (Place::Middle(root), _) => {
                iter.middle = Chunks::from(root, index, side);
                let start = chunks::find(root, index).map_or(0, |chunk| chunk.start);
                let (bytes, count) = iter.middle.next().unwrap_or_default();
                iter.here = iter.begin(Elements::new(bytes), index_in(index - start), count);
                iter.last = if side == Side::Left { tail } else { head };
            }
        }
        iter
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
            self.here = match self.middle.next() {
                Some((bytes, _)) => Elements::new(bytes),
                None if self.last.bytes().is_empty() => return None,
                None => std::mem::replace(&mut self.last, Elements::new(&[])),
            };
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
