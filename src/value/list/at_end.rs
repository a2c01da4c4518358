//! One element more or less at an end of a list, or another one in its place: what nearly all edits
//! of lists are.
//!
//! A [`ListEdit`](super::ListEdit) is much ado for that. Both ends lie side by side in the record, so
//! that those of the next record are one copy of a part of them, and perhaps a new element in front of
//! it or behind it. When an end has become too long, its far half becomes a chunk; when there is
//! nothing left of it, the next chunk takes its place.

use super::{END, ListImage, ListRoot, ListValue, NEAR, Place, SHORT, edit::Ends};
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

/// Bytes of a middle from which on no single chunk matters for whether it stays.
const LASTING: u64 = 4 * (CHUNK + SHORT) as u64;

/// A list that is about to be written: its ends are both pieces, side by side.
#[derive(Clone, Copy)]
struct Next<'g> {
    root: ListRoot,
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
        let (mut next, mut edit) = (Next { root: self.root, ends: [self.ends, &[]] }, edit);
        if next.root.len >= most {
            next = self.shortened(side.other(), most, edit.as_deref_mut())?;
        }
        if text.len() > END || next.root.len >= u64::from(u32::MAX) {
            return None;
        }
        let element = Element::of(text);
        let len = packed_len(element);
        let mut root = next.root;
        if root.change(side, len, 1).is_none() {
            next = next.shed(side, len, edit?)?;
            root = next.root;
            root.change(side, len, 1)?;
        }
        Some(ListImage { root, ends: Ends::Kept(next.ends, Some((side, element))) })
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
        let (Next { root, ends }, taken) = self.without(side, edit)?;
        Some((ListImage { root, ends: Ends::Kept(ends, None) }, taken))
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
        let (taken, rest) = Elements::new(self.ends).cut(side)?;
        let ends = rest.bytes();
        root.change(side, self.ends.len() - ends.len(), -1)?;
        Some((Next { root, ends: [ends, &[]] }, taken))
    }

    /// The same, when there is no end at that side: the next chunk becomes it.
    #[cold]
    #[inline(never)]
    fn without_one_of_next_chunk<S: NodeStore>(
        self,
        side: Side,
        edit: &mut Edit<'_, S>,
    ) -> Option<(Next<'g>, Kept<'g>)> {
        let mut root = self.lasting()?;
        let (chunk, middle) = chunks::take(self.middle?, side, edit)?;
        let (taken, rest) = Elements::new(chunk.bytes).cut(side)?;
        let (rest, count) = (rest.bytes(), u16::try_from(chunk.count.checked_sub(1)?).ok()?);
        if rest.len() > END {
            return None;
        }
        (root.middle, root.bytes) = (Some(middle.node), middle.bytes);
        root.len -= 1;
        root.set_end(side, rest.len(), count);
        let ends = if side == Side::Left { [rest, self.tail()] } else { [self.head(), rest] };
        Some((Next { root, ends }, taken))
    }

    /// The list with another element in the place of one of the middle's; none as for
    /// [`pushed_by`](Self::pushed_by).
    pub(crate) fn replaced<S: NodeStore>(
        self,
        index: u64,
        text: &'g [u8],
        edit: &mut Edit<'_, S>,
    ) -> Option<ListImage<'g, 'g>> {
        let mut root = self.lasting()?;
        let (Place::Middle(middle), index) = self.place(index)? else { return None };
        if text.len() > CHUNK {
            return None;
        }
        root.middle = Some(chunks::set(middle, index, Element::of(text), edit)?);
        root.bytes = edit.bytes_after(root.bytes);
        Some(ListImage { root, ends: Ends::Kept([self.ends, &[]], None) })
    }

    /// The root, if the middle is so large that it stays whatever becomes of a chunk.
    fn lasting(self) -> Option<ListRoot> {
        (self.root.bytes >= LASTING).then_some(self.root)
    }
}

impl Next<'_> {
    /// Makes a chunk of the far half of an end that is too long when it gets so many bytes more.
    #[cold]
    #[inline(never)]
    fn shed<S: NodeStore>(self, side: Side, more: usize, edit: &mut Edit<'_, S>) -> Option<Self> {
        let mut root = self.root;
        let ([ends, []], Some(middle)) = (self.ends, root.middle) else { return None };
        let (head, tail) = ends.split_at_checked(root.head_bytes.into())?;
        let end = if side == Side::Left { head } else { tail };
        if end.len() + more <= END {
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
        // SAFETY: the middle is the list's, or was made by the edit.
        let middle = unsafe { NodeRef::new(middle) };
        let middle = chunks::push(Some(middle), side, &[chunk], edit)?;
        (root.middle, root.bytes) = (Some(middle.node), middle.bytes);
        root.set_end(side, end.len() - far.len(), near_count);
        let ends = match side {
            Side::Left => [head.get(..head.len() - far.len())?, tail],
            Side::Right => [head, tail.get(far.len()..)?],
        };
        Some(Self { root, ends })
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
