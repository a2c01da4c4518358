//! An entry that is to be written.

use super::fields::OUTSIDE_LEN;
use crate::value::{change::Change, element::NO_ELEMENT, tree::node::Node, writer::Writer};

/// The longest entry of a leaf, in bytes; a longer one gets a block of its own.
const LONGEST_INSIDE: usize = 256;

/// An entry to be written.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Entry<'a> {
    /// The entry that a change makes.
    New(&'a Change<'a>),
    /// The same, to be put into a block of its own before it is written.
    Far(&'a Change<'a>),
    /// What lies in a block of its own.
    Outside(Node),
    /// An entry as it lies elsewhere.
    Old(&'a [u8]),
}

impl<'a> Entry<'a> {
    /// The entry that a change makes in a leaf, which must not be long.
    #[inline]
    pub(crate) fn of_leaf(change: &'a Change<'a>) -> Self {
        if change.entry_len() > LONGEST_INSIDE { Self::Far(change) } else { Self::New(change) }
    }

    /// Whether it will be a pointer to a block of its own.
    #[inline]
    pub(super) fn points(&self) -> bool {
        match self {
            Self::Far(_) | Self::Outside(_) => true,
            Self::Old(bytes) => bytes.first() == Some(&NO_ELEMENT),
            Self::New(_) => false,
        }
    }

    /// Bytes that will be written.
    #[inline]
    pub(super) fn encoded_len(&self) -> usize {
        match *self {
            Self::New(change) => change.entry_len(),
            Self::Far(_) | Self::Outside(_) => OUTSIDE_LEN,
            Self::Old(bytes) => bytes.len(),
        }
    }

    /// Writes it.
    #[inline]
    pub(super) fn write(&self, to: &mut Writer<'_>) {
        match *self {
            Self::New(change) => change.write_entry(to),
            Self::Far(_) => unreachable!("a long entry is put outside before it is written"),
            Self::Outside(node) => {
                to.byte(NO_ELEMENT);
                let place = to.skip(size_of::<Node>()).as_mut_ptr().cast::<Node>();
                // SAFETY: the place is as long as a node, at no particular address, and borrowed
                // exclusively.
                unsafe { place.write_unaligned(node) };
            }
            Self::Old(bytes) => to.bytes(bytes),
        }
    }
}
