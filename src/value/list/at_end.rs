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
use crate::{
    reclaim::Guard,
    value::{
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
    },
};

/// The most bytes to which pushes make an end of a list with a middle.
const FULL: usize = 320;

/// Bytes that a full end keeps, so that pushes and pops in turn do not cut it again.
const NEAR: usize = 64;

/// A list that is about to be written: its ends are both pieces, side by side.
struct Next<'g> {
    root: ListRoot,
    digits: Waiting<'g>,
    ends: [&'g [u8]; 2],
}

impl<'g> ListValue<'g> {
    /// The list with an element more at a side, and the one at the other side less if there were
    /// more than `most` then; none when more than the ends changes, or when there is an error to tell.
    #[inline(always)]
    pub(crate) fn pushed(self, side: Side, text: &'g [u8], most: u64) -> Option<ListImage<'g, 'g>> {
        self.pushed_by::<Guard<'_>>(side, text, most, None)
    }

    /// The same, by an edit that may make a chunk or take one; none, and what was made is to be freed,
    /// when that is for a [`ListEdit`](super::ListEdit).
    #[inline(always)]
    pub(crate) fn pushed_by<S: NodeStore>(
        self,
        side: Side,
        text: &'g [u8],
        most: u64,
        edit: Option<&mut Edit<'_, S>>,
    ) -> Option<ListImage<'g, 'g>> {
        let digits = Waiting::Kept(self.digits);
        let mut next = Next { root: self.root, digits, ends: [self.ends, &[]] };
        let mut edit = edit;
        if next.root.len >= most {
            next = self.shortened(side.other(), most, edit.as_deref_mut())?;
        }
        if text.len() > END || next.root.len >= u64::from(u32::MAX) {
            return None;
        }
        let element = Element::of(text);
        let len = packed_len(element);
        if next.is_elsewhere(side) {
            next = self.closed(side, next, edit.as_deref_mut()?)?;
        }
        let mut root = next.root;
        if root.change(side, len, 1, FULL).is_none() {
            next = next.shed(side, len, self.root.bytes, edit?)?;
            root = next.root;
            root.change(side, len, 1, END)?;
        }
        let len = next.ends[0].len() + next.ends[1].len() + len;
        let ends = Ends::Kept(next.ends, Some((side, element)));
        Some(ListImage { root, digits: next.digits, len, ends })
    }

    /// What is left of a list with as many elements as it may have.
    #[cold]
    #[inline(never)]
    fn shortened<S: NodeStore>(
        self,
        side: Side,
        most: u64,
        edit: Option<&mut Edit<'_, S>>,
    ) -> Option<Next<'g>> {
        if self.root.len == most { Some(self.without(side, edit)?.0) } else { None }
    }

    /// The list with an element less at a side, and that element; none as for
    /// [`pushed`](Self::pushed), or when it was the last one.
    #[inline(always)]
    pub(crate) fn popped(self, side: Side) -> Option<(ListImage<'g, 'g>, Kept<'g>)> {
        self.popped_by::<Guard<'_>>(side, None)
    }

    /// The same, as for [`pushed_by`](Self::pushed_by).
    #[inline(always)]
    pub(crate) fn popped_by<S: NodeStore>(
        self,
        side: Side,
        edit: Option<&mut Edit<'_, S>>,
    ) -> Option<(ListImage<'g, 'g>, Kept<'g>)> {
        let (Next { root, digits, ends }, taken) = self.without(side, edit)?;
        let len = ends[0].len() + ends[1].len();
        Some((ListImage { root, digits, len, ends: Ends::Kept(ends, None) }, taken))
    }

    #[inline(always)]
    fn without<S: NodeStore>(
        self,
        side: Side,
        edit: Option<&mut Edit<'_, S>>,
    ) -> Option<(Next<'g>, Kept<'g>)> {
        let mut root = self.root;
        if root.len <= 1 {
            return None;
        }
        if root.end(side).1 == 0 {
            return self.without_one_of_next_chunk(side, edit?);
        }
        let is_elsewhere = self.digits.end(side).is_some();
        let elements = if is_elsewhere { self.end(side).0 } else { Elements::new(self.ends) };
        let (taken, rest) = elements.cut(side)?;
        root.change(side, elements.bytes().len() - rest.bytes().len(), -1, END)?;
        let ends = [if is_elsewhere { self.ends } else { rest.bytes() }, &[]];
        Some((Next { root, digits: Waiting::Kept(self.digits), ends }, taken))
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

impl Next<'_> {
    /// Whether the end at a side does not lie in the record.
    #[inline]
    fn is_elsewhere(&self, side: Side) -> bool {
        self.digits.get().end(side).is_some()
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

    /// Notes bytes and elements of the end at a side of a list with a middle.
    #[expect(clippy::cast_possible_truncation, reason = "an end has 512 bytes at most")]
    fn set_end(&mut self, side: Side, bytes: usize, count: u16) {
        match side {
            Side::Left => (self.head_bytes, self.head_count) = (bytes as u16, count),
            Side::Right => (self.tail_bytes, self.tail_count) = (bytes as u16, count),
        }
    }

    /// Counts one element of so many bytes more or less at a side; none when the list could not stay
    /// divided as it is, or when its end there had more bytes than the most.
    #[inline]
    fn change(&mut self, side: Side, bytes: usize, elements: i16, most: usize) -> Option<()> {
        let bytes = i16::try_from(bytes).ok()? * elements;
        let (end_bytes, end_count) = match side {
            Side::Right if self.middle.is_some() => (&mut self.tail_bytes, &mut self.tail_count),
            Side::Left | Side::Right => (&mut self.head_bytes, &mut self.head_count),
        };
        *end_bytes = end_bytes.checked_add_signed(bytes)?;
        let end = usize::from(*end_bytes);
        *end_count = end_count.checked_add_signed(elements)?;
        self.len = self.len.checked_add_signed(elements.into())?;
        let (head, tail) = (usize::from(self.head_bytes), usize::from(self.tail_bytes));
        let stays = match self.middle {
            None => head <= SHORT,
            Some(_) => end <= most && !Self::is_to_be_folded(head + tail, self.bytes),
        };
        stays.then_some(())
    }
}
