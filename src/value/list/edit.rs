//! Editing a list: any number of steps that take effect together.

use super::{Digits, END, ListRoot, ListValue, SHORT, index_in};
use crate::{
    error::Error,
    value::{
        element::{Element, LONGEST_ELEMENT},
        packed::{
            elements::write_packed,
            run::{Run, Side},
        },
        tree::{
            chunks::{self, CHUNK, Parts, Split, marks::Marks},
            copy::copy_node,
            edit::{Edit, Part},
            node::NodeRef,
            store::NodeStore,
        },
        writer::Writer,
    },
};

/// Bytes that an end keeps when it is cut.
const NEAR: usize = END / 2;

/// A list that is being edited.
#[derive(Debug)]
pub(crate) struct ListEdit<'a, 'e, 's, S: NodeStore> {
    head: Run<'a>,
    digits: Digits,
    middle: Option<Part>,
    tail: Run<'a>,
    /// Bytes of the old list's nodes.
    before: u64,
    edit: &'e mut Edit<'s, S>,
}

/// What becomes of a record: the ends are yet to be written behind the root.
#[derive(Debug)]
pub(crate) struct ListImage<'r, 'a> {
    /// The new root; when the list is empty, the key goes with its record and all that hangs below.
    pub(crate) root: ListRoot,
    pub(super) digits: Waiting<'r>,
    /// Bytes of the ends, as far as they are to lie in the record.
    pub(super) len: usize,
    pub(super) ends: Ends<'r, 'a>,
}

/// The digits of a list.
#[derive(Debug)]
pub(super) enum Waiting<'r> {
    /// As they are.
    Kept(&'r Digits),
    /// As they become; elsewhere, since nearly all images keep theirs, and are moved.
    Changed(Box<Digits>),
}

/// Both ends of a list.
#[derive(Debug)]
pub(super) enum Ends<'r, 'a> {
    /// What steps have made of them.
    Edited(&'r Run<'a>, &'r Run<'a>),
    /// Two pieces of what lies there already, and a new element beside them.
    Kept([&'a [u8]; 2], Option<(Side, Element<'a>)>),
}

impl Waiting<'_> {
    #[inline]
    pub(super) fn get(&self) -> &Digits {
        match self {
            Self::Kept(digits) => digits,
            Self::Changed(digits) => digits,
        }
    }
}

impl ListImage<'_, '_> {
    /// The chunks that the record keeps besides the root, if the list is long.
    #[inline]
    pub(crate) fn digits(&self) -> &Digits {
        self.digits.get()
    }

    /// Bytes that [`write`](Self::write) writes.
    #[inline]
    pub(crate) fn encoded_len(&self) -> usize {
        self.len
    }

    /// Writes both ends.
    #[inline(always)]
    pub(crate) fn write(&self, to: &mut Writer<'_>) {
        match self.ends {
            Ends::Edited(head, tail) => {
                head.write(to);
                tail.write(to);
            }
            Ends::Kept([first, second], new) => {
                let at = |side| new.and_then(|(at, new)| (at == side).then_some(new));
                if let Some(new) = at(Side::Left) {
                    write_packed(new, to);
                }
                to.bytes(first);
                if !second.is_empty() {
                    to.bytes(second);
                }
                if let Some(new) = at(Side::Right) {
                    write_packed(new, to);
                }
            }
        }
    }
}

impl<'a, 'e, 's, S: NodeStore> ListEdit<'a, 'e, 's, S> {
    /// Begins with a list, and with an edit that has just begun.
    #[inline]
    pub(crate) fn new(list: ListValue<'a>, edit: &'e mut Edit<'s, S>) -> Self {
        let root = list.root;
        #[expect(clippy::cast_possible_truncation, reason = "a list has less than 2³² elements")]
        let middle = root.middle.map(|node| Part {
            node,
            count: root.inner_count().saturating_sub(list.digits.total()) as u32,
            bytes: 0,
            marks: Marks::ALL,
        });
        Self {
            head: Run::of(list.head(), root.head_count.into()),
            digits: *list.digits,
            middle,
            tail: Run::of(list.tail(), root.tail_count.into()),
            before: root.bytes,
            edit,
        }
    }

    /// Makes it a copy that shares nothing with the list, for a second key; O(n).
    pub(crate) fn copy(&mut self) {
        if let (Some(root), Some(middle)) = (self.middle(), &mut self.middle) {
            middle.node = copy_node(root, self.edit);
            self.digits.copy(self.edit);
            self.before = 0;
        }
    }

    /// Puts all chunks into the middle.
    #[inline]
    fn settle(&mut self) {
        if self.digits.total() > 0 {
            self.settle_digits();
        }
    }

    #[cold]
    fn settle_digits(&mut self) {
        for side in [Side::Left, Side::Right] {
            if let Some(root) = self.middle() {
                self.middle = self.digits.settle(side, root, self.edit);
            }
        }
    }

    /// The number of elements.
    #[inline]
    pub(crate) fn len(&self) -> u64 {
        let ends = self.head.count() + self.tail.count();
        ends as u64 + self.digits.total() + self.middle_count()
    }

    #[inline]
    fn middle_count(&self) -> u64 {
        self.middle.map_or(0, |middle| middle.count.into())
    }

    /// The middle's root.
    #[inline]
    fn middle(&self) -> Option<NodeRef<'a>> {
        // SAFETY: the middle is the old list's, which is alive during `'a`, or was made by this
        // edit, whose nodes are freed when it ends; what it lends goes no further than the image,
        // which ends before it.
        self.middle.map(|middle| unsafe { NodeRef::new(middle.node) })
    }

    /// Adds an element at an end.
    ///
    /// # Errors
    ///
    /// `ValueTooLong`, if it has more than 512 MiB; `TooManyElements`, if it were the 2³²th.
    #[inline]
    pub(crate) fn push(&mut self, side: Side, text: &'a [u8]) -> Result<(), Error> {
        let element = self.admit(text)?;
        match side {
            Side::Left => self.head.push(side, element),
            Side::Right => self.tail.push(side, element),
        }
        Ok(())
    }

    /// Checks an element against the limits.
    #[inline]
    fn admit(&self, text: &'a [u8]) -> Result<Element<'a>, Error> {
        if text.len() > LONGEST_ELEMENT {
            return Err(Error::ValueTooLong);
        }
        if self.len() >= u64::from(u32::MAX) {
            return Err(Error::TooManyElements);
        }
        Ok(Element::of(text))
    }

    /// Gives the element of an index another text; false when there is none.
    ///
    /// # Errors
    ///
    /// As for [`push`](Self::push).
    pub(crate) fn set(&mut self, index: u64, text: &'a [u8]) -> Result<bool, Error> {
        let element = Element::of(text);
        if text.len() > LONGEST_ELEMENT {
            return Err(Error::ValueTooLong);
        }
        if index >= self.len() {
            return Ok(false);
        }
        self.splice(index, 1, element);
        Ok(true)
    }

    /// Puts an element in front of the one at an index, or at the right end.
    ///
    /// # Errors
    ///
    /// As for [`push`](Self::push).
    pub(crate) fn insert(&mut self, index: u64, text: &'a [u8]) -> Result<(), Error> {
        let element = self.admit(text)?;
        if index >= self.len() {
            self.tail.push(Side::Right, element);
        } else {
            self.splice(index, 0, element);
        }
        Ok(())
    }

    /// Puts an element in the place of none or one at the index of one that is there.
    fn splice(&mut self, index: u64, taken: usize, element: Element<'a>) {
        self.settle();
        let (head, middle) = (self.head.count() as u64, self.middle_count());
        if index < head {
            self.head = spliced(&self.head, index_in(index), taken, element);
        } else if index - head < middle {
            self.splice_middle(index - head, taken, element);
        } else {
            self.tail = spliced(&self.tail, index_in(index - head - middle), taken, element);
        }
    }

    fn splice_middle(&mut self, index: u64, taken: usize, element: Element<'a>) {
        let Some(root) = self.middle() else { return };
        let mut change = |edit: &mut Edit<'s, S>, chunk: (NodeRef<'_>, Marks), index: usize| {
            splice_chunk(chunk, index, taken, element, edit)
        };
        self.middle = chunks::rewrite(root, index, Split::Evenly, self.edit, &mut change);
    }

    /// Keeps the elements `from..to` only.
    pub(crate) fn trim(&mut self, from: u64, to: u64) {
        self.settle();
        let to = to.min(self.len());
        let from = from.min(to);
        let head = self.head.count() as u64;
        let tail = head + self.middle_count();
        let place = |index: u64, start: u64| index_in(index.saturating_sub(start));
        self.head.keep(place(from, 0), place(to, 0));
        self.tail.keep(place(from, tail), place(to, tail));
        let (from, to) = (from.clamp(head, tail) - head, to.clamp(head, tail) - head);
        if to - from < tail - head {
            self.trim_middle(from, to);
        }
    }

    /// Keeps the elements `from..to` of the middle only. A chunk that is cut becomes an end, which
    /// has no elements left on that side.
    fn trim_middle(&mut self, from: u64, to: u64) {
        let Some(root) = self.middle() else { return };
        let cut = |index: u64| chunks::find(root, index).filter(|chunk| chunk.start < index);
        let (left, right) = (cut(from), if to < self.middle_count() { cut(to) } else { None });
        let part = |chunk: chunks::Found<'a>, from: u64, to: u64| {
            let (from, to) = (index_in(from - chunk.start), index_in(to - chunk.start));
            Run::of(chunk.bytes, chunk.count).part(from, to.min(chunk.count))
        };
        let (mut first, mut last) = (from, to);
        if let Some(chunk) = left {
            self.head = part(chunk, from, to);
            first = chunk.start + chunk.count as u64;
        }
        if let Some(chunk) = right {
            last = chunk.start;
            if first <= last {
                self.tail = part(chunk, chunk.start, to);
            }
        }
        if first < last {
            self.middle = chunks::keep(root, first, last, self.edit);
        } else {
            chunks::drop_tree(root, self.edit);
            self.middle = None;
        }
    }

    /// Removes the elements of these indices, which ascend.
    pub(crate) fn remove(&mut self, indices: &[u64]) {
        self.settle();
        let head = self.head.count() as u64;
        let tail = head + self.middle_count();
        let (in_head, rest) = indices.split_at(indices.partition_point(|&index| index < head));
        let (in_middle, in_tail) = rest.split_at(rest.partition_point(|&index| index < tail));
        let in_tail = &in_tail[..in_tail.partition_point(|&index| index < self.len())];
        if !in_head.is_empty() {
            self.head = chunks::without(&self.head, in_head, 0);
        }
        if let Some(root) = self.middle()
            && !in_middle.is_empty()
        {
            self.middle = chunks::remove(root, in_middle, head, self.edit);
        }
        if !in_tail.is_empty() {
            self.tail = chunks::without(&self.tail, in_tail, tail);
        }
    }

    /// Makes the list that the steps have led to.
    #[inline]
    pub(crate) fn finish(&mut self) -> ListImage<'_, 'a> {
        let ends = self.head.bytes() + self.tail.bytes();
        match self.middle {
            None if ends > SHORT => self.spread(),
            None => {}
            Some(_) if ListRoot::is_to_be_folded(ends, self.bytes()) => self.fold(),
            Some(_) => {
                self.shed(Side::Left);
                self.shed(Side::Right);
            }
        }
        self.digits.close(Side::Left, self.edit);
        self.digits.close(Side::Right, self.edit);
        let (root, digits) = (self.root(), Waiting::Kept(&self.digits));
        let len = self.head.bytes() + self.tail.bytes();
        ListImage { root, digits, len, ends: Ends::Edited(&self.head, &self.tail) }
    }

    /// Bytes of all nodes.
    fn bytes(&self) -> u64 {
        self.edit.bytes_after(self.before)
    }

    /// The root of a list whose ends are short enough.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "of two bytes at least, 1 KiB in all")]
    fn root(&self) -> ListRoot {
        let (mut head_bytes, mut head_count) = (self.head.bytes(), self.head.count());
        let (mut tail_bytes, mut tail_count) = (self.tail.bytes(), self.tail.count());
        if self.middle.is_none() {
            head_bytes += std::mem::take(&mut tail_bytes);
            head_count += std::mem::take(&mut tail_count);
        }
        ListRoot {
            middle: self.middle.map(|middle| middle.node),
            len: self.len(),
            bytes: self.bytes(),
            head_bytes: head_bytes as u16,
            head_count: head_count as u16,
            tail_bytes: tail_bytes as u16,
            tail_count: tail_count as u16,
        }
    }

    /// Makes a middle of all but the ends of a list that had none.
    #[cold]
    fn spread(&mut self) {
        let mut all = std::mem::take(&mut self.head);
        all.extend(&self.tail, 0, self.tail.count());
        let left = all.measure(Side::Left, NEAR, END);
        let right = all.count() - all.measure(Side::Right, NEAR, END);
        let chunks = chunks::make_all(&all.part(left, right), self.edit);
        self.middle = chunks::push(None, Side::Right, &chunks, self.edit);
        self.head = all.part(0, left);
        self.tail = all.part(right, all.count());
    }

    /// Makes an end of a middle that is hardly there.
    #[cold]
    fn fold(&mut self) {
        self.settle();
        let Some(root) = self.middle() else { return };
        for (bytes, count) in chunks::Chunks::from(root, 0, Side::Left) {
            self.head.extend(&Run::of(bytes, count), 0, count);
        }
        chunks::drop_tree(root, self.edit);
        self.middle = None;
    }

    /// Makes chunks of the far half of an end that has become too long.
    #[inline]
    fn shed(&mut self, side: Side) {
        let end = if side == Side::Left { &self.head } else { &self.tail };
        if end.bytes() > END {
            self.shed_far_half(side);
        }
    }

    #[cold]
    fn shed_far_half(&mut self, side: Side) {
        self.settle();
        let end = if side == Side::Left { &self.head } else { &self.tail };
        let (near, all) = (end.measure(side, NEAR, END), end.count());
        let (near, far) = match side {
            Side::Left => (end.part(0, near), end.part(near, all)),
            Side::Right => (end.part(all - near, all), end.part(0, all - near)),
        };
        let chunks = chunks::make_all(&far, self.edit);
        self.middle = chunks::push(self.middle(), side, &chunks, self.edit);
        match side {
            Side::Left => self.head = near,
            Side::Right => self.tail = near,
        }
    }
}

/// A run with an element in the place of none or one at an index.
fn spliced<'a>(run: &Run<'a>, index: usize, taken: usize, element: Element<'a>) -> Run<'a> {
    let mut spliced = run.part(0, index);
    spliced.push(Side::Right, element);
    spliced.extend(run, index + taken, run.count());
    spliced
}

/// Puts an element in the place of none or one at an index of a chunk.
fn splice_chunk<S: NodeStore>(
    (chunk, marks): (NodeRef<'_>, Marks),
    index: usize,
    taken: usize,
    element: Element<'_>,
    edit: &mut Edit<'_, S>,
) -> Parts {
    let there = chunks::part_of_chunk(chunk, marks);
    if taken == 0 && chunk.content().len() > CHUNK {
        // The chunk is one long element, which need not be copied to get a neighbour.
        let mut new = Run::new();
        new.push(Side::Right, element);
        let mut parts = chunks::make_all(&new, edit);
        parts.push(there);
        return parts;
    }
    let old = Run::of(chunk.content(), there.count as usize);
    edit.discard(chunk);
    chunks::make_all(&spliced(&old, index, taken, element), edit)
}
