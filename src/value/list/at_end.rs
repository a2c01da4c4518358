//! An element more or less at an end of a list, when nothing but the record changes by that.
//!
//! This is what a queue does nearly always, and a [`ListEdit`](super::ListEdit) is much ado for it:
//! both ends lie side by side in the record, so that those of the next record are one copy of a part
//! of them, and perhaps a new element in front of it or behind it.

use super::{END, ListImage, ListRoot, ListValue, SHORT, edit::Ends};
use crate::value::{
    element::Element,
    packed::{
        elements::{Elements, Kept, packed_len},
        run::Side,
    },
};

/// What is left of a list's ends, and the element that was taken off.
struct Shortened<'g> {
    root: ListRoot,
    ends: &'g [u8],
    taken: Kept<'g>,
}

impl<'g> ListValue<'g> {
    /// The list with an element more at a side, and the one at the other side less if there were
    /// more than `most` then; none when more than the ends changes, or when there is an error to
    /// tell: that is for a [`ListEdit`](super::ListEdit).
    #[inline]
    pub(crate) fn pushed(self, side: Side, text: &'g [u8], most: u64) -> Option<ListImage<'g, 'g>> {
        let (mut root, mut ends) = (self.root, self.ends);
        if root.len >= most {
            (root, ends) = self.shortened(side.other(), most)?;
        }
        if text.len() > END || root.len >= u64::from(u32::MAX) {
            return None;
        }
        let element = Element::of(text);
        root.change(side, packed_len(element), 1)?;
        Some(ListImage { root, ends: Ends::Kept(ends, Some((side, element))) })
    }

    /// What is left of a list with as many elements as it may have.
    #[cold]
    #[inline(never)]
    fn shortened(self, side: Side, most: u64) -> Option<(ListRoot, &'g [u8])> {
        let rest = if self.root.len == most { self.without(side)? } else { return None };
        Some((rest.root, rest.ends))
    }

    /// The list with an element less at a side, and that element; none as for
    /// [`pushed`](Self::pushed), or when it was the last one.
    #[inline]
    pub(crate) fn popped(self, side: Side) -> Option<(ListImage<'g, 'g>, Kept<'g>)> {
        let Shortened { root, ends, taken } = self.without(side)?;
        Some((ListImage { root, ends: Ends::Kept(ends, None) }, taken))
    }

    #[inline]
    fn without(self, side: Side) -> Option<Shortened<'g>> {
        let mut root = self.root;
        if root.len <= 1 || root.end(side).1 == 0 {
            return None;
        }
        let (taken, rest) = Elements::new(self.ends).cut(side)?;
        let ends = rest.bytes();
        root.change(side, self.ends.len() - ends.len(), -1)?;
        Some(Shortened { root, ends, taken })
    }
}

impl ListRoot {
    /// Bytes and elements of the end at a side; a list without a middle has one only.
    #[inline]
    fn end(&self, side: Side) -> (u16, u16) {
        match side {
            Side::Right if self.middle.is_some() => (self.tail_bytes, self.tail_count),
            Side::Left | Side::Right => (self.head_bytes, self.head_count),
        }
    }

    /// Counts one element of so many bytes more or less at a side; none when the list could not stay
    /// divided as it is.
    #[inline]
    fn change(&mut self, side: Side, bytes: usize, elements: i16) -> Option<()> {
        let bytes = i16::try_from(bytes).ok()? * elements;
        let (end_bytes, end_count) = match side {
            Side::Right if self.middle.is_some() => (&mut self.tail_bytes, &mut self.tail_count),
            Side::Left | Side::Right => (&mut self.head_bytes, &mut self.head_count),
        };
        *end_bytes = end_bytes.checked_add_signed(bytes)?;
        *end_count = end_count.checked_add_signed(elements)?;
        self.len = self.len.checked_add_signed(elements.into())?;
        let (head, tail) = (usize::from(self.head_bytes), usize::from(self.tail_bytes));
        let stays = match self.middle {
            None => head <= SHORT,
            Some(_) => {
                head <= END && tail <= END && !Self::is_to_be_folded(head + tail, self.bytes)
            }
        };
        stays.then_some(())
    }
}
