//! Writing packed elements: pieces of other ones, and new elements between them.

use super::elements::{Elements, packed_len, write_packed};
use crate::value::{element::Element, few::Few, tree::chunks::marks::Marks, writer::Writer};

/// Elements one after another.
#[derive(Clone, Copy, Debug)]
enum Piece<'a> {
    /// Elements as they lie elsewhere.
    Old(&'a [u8], usize),
    /// One that is new.
    New(Element<'a>),
}

impl Piece<'_> {
    #[inline]
    fn count(&self) -> usize {
        match *self {
            Self::Old(_, count) => count,
            Self::New(_) => 1,
        }
    }

    #[inline]
    fn len(&self) -> usize {
        match *self {
            Self::Old(bytes, _) => bytes.len(),
            Self::New(element) => packed_len(element),
        }
    }
}

/// An end of something.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Side {
    /// Where the element of index 0 is.
    Left,
    /// Where the last element is.
    Right,
}

impl Side {
    /// The other one.
    #[inline]
    pub(crate) fn other(self) -> Self {
        match self {
            Self::Left => Self::Right,
            Self::Right => Self::Left,
        }
    }
}

/// Elements that are yet to be written.
#[derive(Debug)]
pub(crate) struct Run<'a> {
    /// Pieces that came at the left, the first one last.
    left: Few<Piece<'a>, 1>,
    right: Few<Piece<'a>, 3>,
    bytes: usize,
    count: usize,
}

impl Default for Run<'_> {
    fn default() -> Self {
        Self::new()
    }
}

impl<'a> Run<'a> {
    /// No elements.
    #[inline]
    pub(crate) const fn new() -> Self {
        Self { left: Few::new(), right: Few::new(), bytes: 0, count: 0 }
    }

    /// Elements as they lie elsewhere.
    #[inline]
    pub(crate) fn of(bytes: &'a [u8], count: usize) -> Self {
        let mut run = Self::new();
        run.push_piece(Side::Right, Piece::Old(bytes, count));
        run
    }

    /// The number of elements.
    #[inline]
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// Bytes that will be written.
    #[inline]
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Adds an element at an end.
    #[inline]
    pub(crate) fn push(&mut self, side: Side, element: Element<'a>) {
        self.push_piece(side, Piece::New(element));
    }

    #[inline]
    fn push_piece(&mut self, side: Side, piece: Piece<'a>) {
        if piece.count() == 0 {
            return;
        }
        self.bytes += piece.len();
        self.count += piece.count();
        match side {
            Side::Left => self.left.push(piece),
            Side::Right => self.right.push(piece),
        }
    }

    /// The pieces from left to right.
    #[inline]
    fn pieces(&self) -> impl DoubleEndedIterator<Item = Piece<'a>> {
        self.left.iter().rev().chain(&*self.right).copied()
    }

    /// Adds a part of another run at the right.
    #[inline]
    pub(crate) fn extend(&mut self, other: &Self, from: usize, to: usize) {
        let mut start = 0;
        for piece in other.pieces() {
            let count = piece.count();
            let (first, last) = (from.saturating_sub(start), to.saturating_sub(start).min(count));
            start += count;
            if first < last {
                self.push_piece(Side::Right, cut(piece, first, last));
            }
        }
    }

    /// A part of the run.
    #[inline]
    pub(crate) fn part(&self, from: usize, to: usize) -> Self {
        let mut part = Self::new();
        part.extend(self, from, to);
        part
    }

    /// Keeps a part of the run only.
    #[inline]
    pub(crate) fn keep(&mut self, from: usize, to: usize) {
        if from == 0 && to >= self.count {
            return;
        }
        match (&*self.left, self.right.as_mut_slice()) {
            ([], [piece]) => {
                *piece = cut(*piece, from.min(to), to.min(self.count));
                (self.bytes, self.count) = (piece.len(), piece.count());
            }
            _ => *self = self.part(from, to),
        }
    }

    /// How many elements at an end take `enough` bytes together, and no more than `most`.
    pub(crate) fn measure(&self, side: Side, enough: usize, most: usize) -> usize {
        let mut measured = Measured { enough, most, bytes: 0, count: 0 };
        match side {
            Side::Left => self.pieces().all(|piece| measured.take(piece, side)),
            Side::Right => self.pieces().rev().all(|piece| measured.take(piece, side)),
        };
        measured.count
    }

    /// Cuts the run into parts that take `enough` bytes and no more than `most`, unless a single
    /// element does.
    pub(crate) fn cut(&self, enough: usize, most: usize, mut show: impl FnMut(&Self)) {
        if self.bytes <= enough.min(most) {
            return show(self);
        }
        let mut part = Self::new();
        for piece in self.pieces() {
            let mut rest = piece;
            while rest.count() > 0 {
                let mut measured = Measured { enough, most, bytes: part.bytes, count: 0 };
                measured.take(rest, Side::Left);
                if measured.count == 0 && part.count == 0 {
                    measured.count = 1;
                }
                let (count, all) = (measured.count, rest.count());
                if count > 0 {
                    part.push_piece(Side::Right, cut(rest, 0, count));
                    rest = cut(rest, count, all);
                }
                if rest.count() > 0 || part.bytes >= enough {
                    show(&part);
                    part = Self::new();
                }
            }
        }
        if part.count > 0 {
            show(&part);
        }
    }

    /// What may be among the elements, for whoever searches.
    pub(crate) fn marks(&self) -> Marks {
        let mut marks = Marks::NONE;
        let mut add = |element| marks = marks.with(Marks::of(element));
        for piece in self.pieces() {
            match piece {
                Piece::Old(bytes, _) => Elements::new(bytes).for_each(&mut add),
                Piece::New(element) => add(element),
            }
        }
        marks
    }

    /// Writes the elements.
    #[inline]
    pub(crate) fn write(&self, to: &mut Writer<'_>) {
        for piece in self.pieces() {
            match piece {
                Piece::Old(bytes, _) => to.bytes(bytes),
                Piece::New(element) => write_packed(element, to),
            }
        }
    }
}

/// A part of a piece; of one new element it is that element or nothing.
#[inline]
fn cut(piece: Piece<'_>, from: usize, to: usize) -> Piece<'_> {
    match piece {
        Piece::Old(bytes, count) if from > 0 || to < count => {
            let elements = Elements::new(bytes);
            let end = if to < count { elements.offset(to, count) } else { bytes.len() };
            let start = if from > 0 { elements.offset(from, count) } else { 0 };
            Piece::Old(bytes.get(start..end).unwrap_or_default(), to.saturating_sub(from))
        }
        Piece::New(_) if from >= to => Piece::Old(&[], 0),
        whole => whole,
    }
}

/// Elements that were taken so far.
struct Measured {
    enough: usize,
    most: usize,
    bytes: usize,
    count: usize,
}

impl Measured {
    /// Takes elements of a piece, beginning at a side; false when no more are to be taken.
    fn take(&mut self, piece: Piece<'_>, side: Side) -> bool {
        let Piece::Old(bytes, count) = piece else { return self.take_one(piece.len()) };
        if self.bytes + bytes.len() < self.enough {
            self.bytes += bytes.len();
            self.count += count;
            return true;
        }
        let mut rest = Elements::new(bytes);
        (0..count).all(|_| {
            let before = rest.bytes().len();
            match side {
                Side::Left => rest.next(),
                Side::Right => rest.next_back(),
            };
            self.take_one(before - rest.bytes().len())
        })
    }

    fn take_one(&mut self, len: usize) -> bool {
        if self.bytes >= self.enough || self.bytes + len > self.most {
            return false;
        }
        self.bytes += len;
        self.count += 1;
        true
    }
}
