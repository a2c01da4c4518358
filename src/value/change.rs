//! What an edit of a hash or set is to do to its fields.

use super::{
    element::{Element, LONGEST_ELEMENT},
    few::Few,
    field_hash::FieldHash,
    writer::Writer,
};
use crate::error::Error;
use std::hash::BuildHasher;

/// What is to happen to a field.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Wish<'a> {
    /// It has this value.
    Set(Element<'a>),
    /// It is a member.
    Add,
    /// It is gone.
    Remove,
}

impl Wish<'_> {
    /// Whether it is a value of more than 512 MiB.
    #[inline(always)]
    fn is_too_long(self) -> bool {
        matches!(self, Self::Set(Element::Text(value)) if value.len() > LONGEST_ELEMENT)
    }
}

/// One field's change.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Change<'a> {
    pub(crate) hash: FieldHash,
    /// Fields that are new to a packed value come in this order.
    pub(crate) order: u32,
    /// Bytes of the entry that there is to be.
    entry_len: u32,
    pub(crate) field: Element<'a>,
    pub(crate) wish: Wish<'a>,
}

impl<'a> Change<'a> {
    /// A change of a field, which comes in this order among others.
    ///
    /// # Errors
    ///
    /// `ValueTooLong`, for a field or value of more than 512 MiB.
    #[inline(always)]
    pub(crate) fn of<H: BuildHasher>(
        hasher: &H,
        field: &'a [u8],
        wish: Wish<'a>,
        order: u32,
    ) -> Result<Self, Error> {
        if field.len() > LONGEST_ELEMENT || wish.is_too_long() {
            return Err(Error::ValueTooLong);
        }
        Ok(Self::new(FieldHash::of(hasher, field), order, Element::of(field), wish))
    }

    /// A change of a field and a value that are not too long.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "two elements take less than 2 GiB")]
    fn new(hash: FieldHash, order: u32, field: Element<'a>, wish: Wish<'a>) -> Self {
        let value_len = match wish {
            Wish::Set(value) => value.encoded_len(),
            Wish::Add | Wish::Remove => 0,
        };
        let entry_len = (field.encoded_len() + value_len) as u32;
        Self { hash, order, entry_len, field, wish }
    }

    /// Whether there is to be an entry.
    #[inline]
    pub(crate) fn makes_entry(&self) -> bool {
        !matches!(self.wish, Wish::Remove)
    }

    /// Bytes of the entry that there is to be.
    #[inline]
    pub(crate) fn entry_len(&self) -> usize {
        self.entry_len as usize
    }

    /// Writes the entry that there is to be.
    #[inline]
    pub(crate) fn write_entry(&self, to: &mut Writer<'_>) {
        self.field.write(to);
        if let Wish::Set(value) = self.wish {
            value.write(to);
        }
    }
}

/// Changes of fields, each of which is the last one of its field.
#[derive(Debug)]
pub(crate) struct Changes<'a> {
    list: Few<Change<'a>, 1>,
    is_settled: bool,
}

impl<'a> Changes<'a> {
    /// No changes.
    #[inline]
    pub(crate) const fn new() -> Self {
        Self { list: Few::new(), is_settled: true }
    }

    /// Adds a change.
    ///
    /// # Errors
    ///
    /// `ValueTooLong`, for a field or value of more than 512 MiB; `TooManyElements`, for more than
    /// 2³² changes.
    #[inline(always)]
    pub(crate) fn push<H: BuildHasher>(
        &mut self,
        field: &'a [u8],
        wish: Wish<'a>,
        hasher: &H,
    ) -> Result<(), Error> {
        let order = u32::try_from(self.list.len()).map_err(|_| Error::TooManyElements)?;
        self.list.push(Change::of(hasher, field, wish, order)?);
        self.is_settled = order == 0;
        Ok(())
    }

    /// The changes in the order of their hashes, and of each field the last.
    #[inline]
    pub(crate) fn settled(&mut self) -> &[Change<'a>] {
        if !self.is_settled {
            self.settle();
        }
        &self.list
    }

    #[cold]
    fn settle(&mut self) {
        self.list.as_mut_slice().sort_unstable_by_key(|change| (change.hash, change.order));
        let mut settled = Few::<Change<'a>, 1>::new();
        for change in &*self.list {
            let same_hash = settled.iter().rev().take_while(|other| other.hash == change.hash);
            match same_hash.enumerate().find(|(_, other)| other.field == change.field) {
                None => settled.push(*change),
                Some((back, first)) => {
                    let index = settled.len() - 1 - back;
                    let last = Change::new(change.hash, first.order, change.field, change.wish);
                    settled.as_mut_slice()[index] = last;
                }
            }
        }
        self.list = settled;
        self.is_settled = true;
    }
}
