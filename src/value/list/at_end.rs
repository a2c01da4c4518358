//! One element more or less at an end of a list, or another one in its place: what nearly all edits
//! of lists are.
//!
//! A [`ListEdit`](super::ListEdit) is much ado for that. Both ends lie side by side in the record, so
//! that those of the next record are one copy of a part of them, and perhaps a new element in front of
//! it or behind it. When an end is full, its far part becomes a chunk of the digit beside it. When there
//! is nothing left of it, the next chunk takes its place without being copied: a pop counts less of it,
//! and the first push copies what is left into the record.

use super::{
    END, ListImage, ListRoot, ListValue, Place, SHORT,
    edit::{Ends, Waiting},
};
use crate::value::{
    element::Element,
    packed::{
        elements::{Elements, Kept, packed_len},
        run::Side,
    },
    tree::{
        chunks::{self, CHUNK},
        edit::Edit,
        node::NodeRef,
        store::NodeStore,
    },
};

/// The most bytes to which pushes make an end of a list with a middle.
const FULL: usize = 320;

/// Bytes that a full end keeps, so that pushes and pops in turn do not cut it again.
const NEAR: usize = 64;

/// The most elements of a list.
const MOST_ELEMENTS: u64 = u32::MAX as u64;

/// A list that is about to be written: its ends are both pieces, side by side.
struct Next<'g> {
    root: ListRoot,
    digits: Waiting<'g>,
    ends: [&'g [u8]; 2],
}

impl<'g> ListValue<'g> {
    /// The list with an element more at a side; none when more than the end there changes, or when there
    /// is an error to tell.
    #[inline(always)]
    pub(crate) fn pushed(self, side: Side, text: &'g [u8]) -> Option<ListImage<'g, 'g>> {
        self.with_one((self.root, self.ends), side, text)
    }

    /// The same, with the element at the other side less if there were more than `most` then.
    #[inline]
    pub(crate) fn pushed_to(
        self,
        side: Side,
        text: &'g [u8],
        most: u64,
    ) -> Option<ListImage<'g, 'g>> {
        let mut rest = (self.root, self.ends);
        if self.root.len >= most {
            let (root, ends, _) = self.without_one_of_end(side.other())?;
            rest = (root, ends);
        }
        if rest.0.len < most { self.with_one(rest, side, text) } else { None }
    }

    /// What is left of the list, with an element more.
    #[inline(always)]
    fn with_one(
        self,
        (mut root, ends): (ListRoot, &'g [u8]),
        side: Side,
        text: &'g [u8],
    ) -> Option<ListImage<'g, 'g>> {
        let is_elsewhere = self.digits.end(side).is_some();
        if is_elsewhere || text.len() > END || root.len >= MOST_ELEMENTS {
            return None;
        }
        let element = Element::of(text);
        let len = packed_len(element);
        root.lengthen(side, len, FULL)?;
        let (len, ends) = (ends.len() + len, [ends, &[]]);
        let digits = Waiting::Kept(self.digits);
        Some(ListImage { root, digits, len, ends: Ends::Kept(ends, Some((side, element))) })
    }

    /// As [`pushed_to`](Self::pushed_to), by an edit that may make a chunk or take one; none, and what was
    /// made is to be freed, when that is for a [`ListEdit`](super::ListEdit).
    pub(crate) fn pushed_by<S: NodeStore>(
        self,
        side: Side,
        text: &'g [u8],
        most: u64,
        edit: &mut Edit<'_, S>,
    ) -> Option<ListImage<'g, 'g>> {
        let mut next = if self.root.len == most {
            self.without(side.other(), edit)?.0
        } else {
            Next::of(self)
        };
        if text.len() > END || next.root.len >= most.min(MOST_ELEMENTS) {
            return None;
        }
        let element = Element::of(text);
        let len = packed_len(element);
        if next.digits.get().end(side).is_some() {
            next = self.closed(side, next, edit)?;
        }
        let mut root = next.root;
        if root.lengthen(side, len, FULL).is_none() {
            next = next.shed(side, len, self.root.bytes, edit)?;
            root = next.root;
            root.lengthen(side, len, END)?;
        }
        let len = next.ends[0].len() + next.ends[1].len() + len;
        let ends = Ends::Kept(next.ends, Some((side, element)));
        Some(ListImage { root, digits: next.digits, len, ends })
    }

    /// The list with an element less at a side, and that element; none when more than the end there
    /// changes, or when it was the last one.
    #[inline(always)]
    pub(crate) fn popped(self, side: Side) -> Option<(ListImage<'g, 'g>, Kept<'g>)> {
        let (root, end, taken) = self.without_one_of_end(side)?;
        let digits = Waiting::Kept(self.digits);
        Some((
            ListImage { root, digits, len: end.len(), ends: Ends::Kept([end, &[]], None) },
            taken,
        ))
    }

    /// The same, by an edit, as for [`pushed_by`](Self::pushed_by).
    pub(crate) fn popped_by<S: NodeStore>(
        self,
        side: Side,
        edit: &mut Edit<'_, S>,
    ) -> Option<(ListImage<'g, 'g>, Kept<'g>)> {
        let (Next { root, digits, ends }, taken) = self.without(side, edit)?;
        let len = ends[0].len() + ends[1].len();
        Some((ListImage { root, digits, len, ends: Ends::Kept(ends, None) }, taken))
    }

    fn without<S: NodeStore>(
        self,
        side: Side,
        edit: &mut Edit<'_, S>,
    ) -> Option<(Next<'g>, Kept<'g>)> {
        if self.root.len > 1 && self.root.end(side).1 == 0 {
            return self.without_one_of_next_chunk(side, edit);
        }
        let (root, ends, taken) = self.without_one_of_end(side)?;
        let digits = Waiting::Kept(self.digits);
        Some((Next { root, digits, ends: [ends, &[]] }, taken))
    }

    /// What becomes of the root and of what lies behind it when the end at a side has an element less,
    /// and that element.
    #[inline(always)]
    fn without_one_of_end(self, side: Side) -> Option<(ListRoot, &'g [u8], Kept<'g>)> {
        let mut root = self.root;
        if root.len <= 1 || root.end(side).1 == 0 {
            return None;
        }
        let is_elsewhere = self.digits.end(side).is_some();
        let end = if is_elsewhere { self.end(side).0 } else { Elements::new(self.ends) };
        let (taken, rest) = end.cut(side)?;
        root.shorten(side, end.bytes().len() - rest.bytes().len())?;
        Some((root, if is_elsewhere { self.ends } else { rest.bytes() }, taken))
    }

    /// The same, when there is no end at that side: the next chunk becomes it, where it lies.
    #[cold]
    #[inline(never)]
    fn without_one_of_next_chunk<S: NodeStore>(
        self,
        side: Side,
        edit: &mut Edit<'_, S>,
    ) -> Option<(Next<'g>, Kept<'g>)> {
        let (mut root, mut digits) = (self.root, *self.digits);
        if digits.count(side) == 0 {
            root.middle = Some(digits.fill(side, self.middle?, edit)?.node);
        }
        digits.close(side, edit);
        // SAFETY: the chunk is the list's, which is alive during `'g`.
        let chunk = chunks::found(unsafe { digits.open(side) }?, 0);
        let (taken, rest) = Elements::new(chunk.bytes).cut(side)?;
        let (rest, count) = (rest.bytes(), u16::try_from(chunk.count.checked_sub(1)?).ok()?);
        if rest.len() > END {
            return None;
        }
        root.bytes = edit.bytes_after(root.bytes);
        root.len -= 1;
        root.set_end(side, rest.len(), count);
        if ListRoot::is_to_be_folded(root.end_bytes(), root.bytes) {
            return None;
        }
        let ends = [self.ends, &[]];
        Some((Next { root, digits: Waiting::Changed(Box::new(digits)), ends }, taken))
    }

    /// The same list with the end at a side in the record.
    #[cold]
    #[inline(never)]
    fn closed<S: NodeStore>(
        self,
        side: Side,
        next: Next<'g>,
        edit: &mut Edit<'_, S>,
    ) -> Option<Next<'g>> {
        let ([other, []], mut digits) = (next.ends, *next.digits.get()) else { return None };
        digits.close(side, edit);
        let end = self.end(side).0.bytes();
        let ends = if side == Side::Left { [end, other] } else { [other, end] };
        let root = ListRoot { bytes: edit.bytes_after(self.root.bytes), ..next.root };
        Some(Next { root, digits: Waiting::Changed(Box::new(digits)), ends })
    }

    /// The list with another element in the place of one of the middle's; none as for
    /// [`pushed_by`](Self::pushed_by).
    pub(crate) fn replaced<S: NodeStore>(
        self,
        index: u64,
        text: &'g [u8],
        edit: &mut Edit<'_, S>,
    ) -> Option<ListImage<'g, 'g>> {
        let mut root = self.root;
        let (Place::Middle(middle), index) = self.place(index)? else { return None };
        if text.len() > CHUNK {
            return None;
        }
        root.middle = Some(chunks::set(middle, index, Element::of(text), edit)?);
        root.bytes = edit.bytes_after(root.bytes);
        if ListRoot::is_to_be_folded(root.end_bytes(), root.bytes) {
            return None;
        }
        let digits = Waiting::Kept(self.digits);
        let (len, ends) = (self.ends.len(), Ends::Kept([self.ends, &[]], None));
        Some(ListImage { root, digits, len, ends })
    }
}

impl<'g> Next<'g> {
    /// The list as it is.
    fn of(list: ListValue<'g>) -> Self {
        Self { root: list.root, digits: Waiting::Kept(list.digits), ends: [list.ends, &[]] }
    }

    /// Makes a chunk of the far part of an end that is full when it gets so many bytes more. All nodes
    /// had so many bytes before the edit.
    #[cold]
    #[inline(never)]
    fn shed<S: NodeStore>(
        self,
        side: Side,
        more: usize,
        before: u64,
        edit: &mut Edit<'_, S>,
    ) -> Option<Self> {
        let mut root = self.root;
        let mut digits = *self.digits.get();
        let ([first, second], Some(middle)) = (self.ends, root.middle) else { return None };
        let head = root.inline_head(&digits);
        let is_split = !second.is_empty();
        let (head, tail) = if is_split { (first, second) } else { first.split_at_checked(head)? };
        let end = if side == Side::Left { head } else { tail };
        if end.len() + more <= FULL {
            return None;
        }
        let (mut far, mut near_count) = (Elements::new(end), 0);
        while more + (end.len() - far.bytes().len()) < NEAR {
            let (_, less) = far.cut(side)?;
            if more + (end.len() - less.bytes().len()) > END {
                break;
            }
            (far, near_count) = (less, near_count + 1);
        }
        let far = far.bytes();
        let far_count = root.end(side).1.checked_sub(near_count)?;
        if far_count == 0 || far.len() > CHUNK {
            return None;
        }
        let chunk = chunks::make_of(far, far_count, edit);
        if digits.is_full(side) {
            // SAFETY: the middle is the list's, or was made by the edit.
            let middle = unsafe { NodeRef::new(middle) };
            root.middle = Some(digits.settle(side, middle, edit)?.node);
        }
        digits.push(side, &chunk);
        root.bytes = edit.bytes_after(before);
        root.set_end(side, end.len() - far.len(), near_count);
        let ends = match side {
            Side::Left => [head.get(..head.len() - far.len())?, tail],
            Side::Right => [head, tail.get(far.len()..)?],
        };
        Some(Self { root, digits: Waiting::Changed(Box::new(digits)), ends })
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

    /// Notes bytes and elements of the end at a side.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "an end has 1 KiB at most")]
    fn set_end(&mut self, side: Side, bytes: usize, count: u16) {
        let bytes = bytes as u16;
        match side {
            Side::Right if self.middle.is_some() => {
                (self.tail_bytes, self.tail_count) = (bytes, count);
            }
            Side::Left | Side::Right => (self.head_bytes, self.head_count) = (bytes, count),
        }
    }

    /// Counts one element of so many bytes more at a side; none when the list could not stay divided as
    /// it is, or when its end there had more bytes than the most.
    #[inline(always)]
    fn lengthen(&mut self, side: Side, bytes: usize, most: usize) -> Option<()> {
        let (end_bytes, count) = self.end(side);
        let end_bytes = usize::from(end_bytes) + bytes;
        if end_bytes > if self.middle.is_some() { most } else { SHORT } {
            return None;
        }
        self.len += 1;
        self.set_end(side, end_bytes, count.checked_add(1)?);
        Some(())
    }

    /// The same of one element less.
    #[inline(always)]
    fn shorten(&mut self, side: Side, bytes: usize) -> Option<()> {
        let (end_bytes, count) = self.end(side);
        self.set_end(side, usize::from(end_bytes).checked_sub(bytes)?, count.checked_sub(1)?);
        self.len = self.len.checked_sub(1)?;
        let is_short = self.middle.is_some() && Self::is_to_be_folded(self.end_bytes(), self.bytes);
        (!is_short).then_some(())
    }
}
