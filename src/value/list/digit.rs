//! Chunks that lie between an end of a list and its middle.
//!
//! A push whose end is full gives a chunk, a pop whose end is used up takes one. If each were an edit
//! of the middle, it would copy all branches above the chunk. So eight of them wait here, as those in
//! the digits of a finger tree do: the middle gets eight at once, and gives as many.
//!
//! Digits are no more than addresses, which every heir of the record copies.
//!
//! 1. There are chunks here only as long as there is a middle.
//! 2. Every edit but those of a single element at an end, or in the middle, puts them there first.
//! 3. Of the chunk that is an end only the elements that the root counts are there: the last ones at the
//!    left, the first ones at the right. It is no part of what the digit counts.

use crate::value::{
    few::Few,
    packed::run::Side,
    tree::{
        chunks::{self, marks::Marks},
        copy::copy_node,
        edit::{Edit, Part},
        node::{Node, NodeRef},
        store::NodeStore,
    },
};

/// The most chunks of a digit. A branch of the middle holds four times as many, so that it becomes full.
pub(super) const MOST: usize = 8;

/// Chunks at one side.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
struct Digit {
    /// The chunk that the end at this side is a part of, unless the end lies in the record.
    end: Option<Node>,
    /// The one beside the middle comes first.
    chunks: [Option<Node>; MOST],
    /// How many there are.
    len: u32,
    /// Elements in them.
    count: u32,
}

/// The chunks at both sides of the middle.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(16))]
pub(crate) struct Digits([Digit; 2]);

impl Digit {
    const EMPTY: Self = Self { end: None, chunks: [None; MOST], len: 0, count: 0 };

    fn push(&mut self, part: &Part) {
        if let Some(place) = self.chunks.get_mut(self.len as usize) {
            *place = Some(part.node);
            self.len += 1;
            self.count += part.count;
        }
    }

    fn nodes(&self) -> &[Option<Node>] {
        self.chunks.get(..self.len as usize).unwrap_or_default()
    }
}

impl Digits {
    /// No chunks.
    pub(crate) const EMPTY: Self = Self([Digit::EMPTY; 2]);

    #[inline]
    fn at(&self, side: Side) -> &Digit {
        &self.0[usize::from(side == Side::Right)]
    }

    fn at_mut(&mut self, side: Side) -> &mut Digit {
        &mut self.0[usize::from(side == Side::Right)]
    }

    /// Elements at a side.
    #[inline]
    pub(super) fn count(&self, side: Side) -> u64 {
        self.at(side).count.into()
    }

    /// Elements at both sides.
    #[inline]
    pub(super) fn total(&self) -> u64 {
        self.count(Side::Left) + self.count(Side::Right)
    }

    /// The chunks at a side, from the middle to the end.
    #[inline]
    pub(super) fn chunks(&self, side: Side) -> &[Option<Node>] {
        self.at(side).nodes()
    }

    /// The chunk that the end at a side is a part of, if it does not lie in the record.
    #[inline]
    pub(super) fn end(&self, side: Side) -> Option<Node> {
        self.at(side).end
    }

    /// All chunks.
    pub(crate) fn nodes(&self) -> impl Iterator<Item = Node> {
        let below = |digit: &Digit| std::iter::once(digit.end).chain(digit.chunks);
        self.0.iter().flat_map(below).flatten()
    }

    /// Whether there is no room for another chunk at a side.
    pub(super) fn is_full(&self, side: Side) -> bool {
        self.chunks(side).len() == MOST
    }

    /// Adds a chunk beside the end at a side, if there is room.
    pub(super) fn push(&mut self, side: Side, chunk: &Part) {
        self.at_mut(side).push(chunk);
    }

    /// Makes the chunk beside the end at a side the end, and returns it.
    ///
    /// # Safety
    ///
    /// The chunks are alive during `'g`.
    pub(super) unsafe fn open<'g>(&mut self, side: Side) -> Option<NodeRef<'g>> {
        let digit = self.at_mut(side);
        let node = (*digit.nodes().last()?)?;
        // SAFETY: the caller's word.
        let chunk = unsafe { NodeRef::new(node) };
        digit.len -= 1;
        digit.chunks[digit.len as usize] = None;
        digit.count -= chunks::part_of_chunk(chunk, Marks::ALL).count;
        digit.end = Some(node);
        Some(chunk)
    }

    /// Has the end at a side lie in the record, if it does not yet.
    pub(super) fn close<S: NodeStore>(&mut self, side: Side, edit: &mut Edit<'_, S>) {
        if let Some(end) = self.at_mut(side).end.take() {
            // SAFETY: a chunk beside a middle that is alive is so, too.
            edit.discard(unsafe { NodeRef::new(end) });
        }
    }

    /// Fills a side with chunks of the middle; returns what is left of that, or nothing when it has but
    /// one chunk.
    pub(super) fn fill<S: NodeStore>(
        &mut self,
        side: Side,
        middle: NodeRef<'_>,
        edit: &mut Edit<'_, S>,
    ) -> Option<Part> {
        let (taken, rest) = chunks::take::<MOST, _>(middle, side, edit)?;
        let digit = self.at_mut(side);
        match side {
            Side::Left => taken.iter().rev().for_each(|part| digit.push(part)),
            Side::Right => taken.iter().for_each(|part| digit.push(part)),
        }
        Some(rest)
    }

    /// Makes every chunk a copy of itself, and has both ends lie in the record.
    pub(super) fn copy<S: NodeStore>(&mut self, edit: &mut Edit<'_, S>) {
        for digit in &mut self.0 {
            digit.end = None;
            for node in digit.chunks.iter_mut().flatten() {
                // SAFETY: a chunk beside a middle that is alive is so, too.
                *node = copy_node(unsafe { NodeRef::new(*node) }, edit);
            }
        }
    }

    /// Puts all chunks at a side into the middle; returns what that becomes.
    pub(super) fn settle<S: NodeStore>(
        &mut self,
        side: Side,
        middle: NodeRef<'_>,
        edit: &mut Edit<'_, S>,
    ) -> Option<Part> {
        let at = self.at_mut(side);
        let digit = std::mem::replace(at, Digit { end: at.end, ..Digit::EMPTY });
        let mut parts = Few::<Part, MOST>::new();
        let mut add = |node: &Option<Node>| {
            if let Some(node) = *node {
                // SAFETY: a chunk beside the middle is alive as long as that.
                let chunk = unsafe { NodeRef::new(node) };
                parts.push(chunks::part_with_marks(chunk));
            }
        };
        match side {
            Side::Left => digit.nodes().iter().rev().for_each(&mut add),
            Side::Right => digit.nodes().iter().for_each(&mut add),
        }
        chunks::push(Some(middle), side, &parts, edit)
    }
}
