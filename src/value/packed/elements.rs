//! Reading packed elements of a list, in both directions.

use super::run::Side;
use crate::value::{element::Element, writer::Writer};

/// Bits of the length that a byte of the way back holds.
const BACK_BITS: u32 = 7;
/// Set in a byte of the way back when another one lies in front of it.
const BACK_MORE: u8 = 0x80;
/// Bytes of the longest way back.
const MOST_BACK: usize = 5;

/// Bytes that tell the length of an element to whoever comes from behind.
#[inline]
fn back_len(len: usize) -> usize {
    if len < 1 << BACK_BITS {
        return 1;
    }
    let bits = usize::BITS - len.leading_zeros();
    bits.div_ceil(BACK_BITS) as usize
}

/// Writes the length of an element for whoever comes from behind: the lowest bits in the last byte.
#[inline(never)]
#[expect(clippy::cast_possible_truncation, reason = "seven bits at a time are meant")]
fn write_back(len: usize, to: &mut Writer<'_>) {
    for byte in (0..back_len(len) as u32).rev() {
        let bits = (len >> (byte * BACK_BITS)) as u8 & !BACK_MORE;
        let is_first = len >> (byte * BACK_BITS) >> BACK_BITS == 0;
        to.byte(if is_first { bits } else { bits | BACK_MORE });
    }
}

/// Reads the length of the last element, and how many bytes that takes.
fn read_back(bytes: &[u8]) -> Option<(usize, usize)> {
    let (mut len, mut taken) = (0, 0);
    for &byte in bytes.iter().rev().take(MOST_BACK) {
        len |= usize::from(byte & !BACK_MORE) << (BACK_BITS as usize * taken);
        taken += 1;
        if byte & BACK_MORE == 0 {
            return Some((len, taken));
        }
    }
    None
}

/// Bytes of a packed element.
#[inline(always)]
pub(crate) fn packed_len(element: Element<'_>) -> usize {
    let len = element.encoded_len();
    len + back_len(len)
}

/// Writes a packed element.
#[inline(always)]
pub(crate) fn write_packed(element: Element<'_>, to: &mut Writer<'_>) {
    element.write(to);
    match u8::try_from(element.encoded_len()) {
        Ok(len) if len < BACK_MORE => to.byte(len),
        _ => write_back(element.encoded_len(), to),
    }
}

/// An element in the form that it is kept in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kept<'g>(&'g [u8]);

impl<'g> Kept<'g> {
    /// What it means; none when that is no element.
    #[inline]
    pub(crate) fn element(self) -> Option<Element<'g>> {
        Element::read(self.0).map(|(element, _)| element)
    }

    /// Copies the text; of what is no element there is none.
    #[inline]
    pub(crate) fn to_vec(self) -> Vec<u8> {
        match Element::short_text(self.0) {
            Some(text) => text.to_vec(),
            None => self.element().map_or_else(Vec::new, Element::to_vec),
        }
    }
}

/// Packed elements, taken from either end.
///
/// Whatever the bytes are, reading is safe; at what cannot be decoded, the elements end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Elements<'g>(&'g [u8]);

impl<'g> Elements<'g> {
    /// Looks at bytes.
    #[inline]
    pub(crate) fn new(bytes: &'g [u8]) -> Self {
        Self(bytes)
    }

    /// The bytes that are left.
    #[inline]
    pub(crate) fn bytes(self) -> &'g [u8] {
        self.0
    }

    /// Goes over elements at the front; returns how many there were.
    pub(crate) fn skip_front(&mut self, elements: usize) -> usize {
        (0..elements).take_while(|_| self.next().is_some()).count()
    }

    /// Goes over elements at the back; returns how many there were.
    pub(crate) fn skip_back(&mut self, elements: usize) -> usize {
        (0..elements).take_while(|_| self.next_back().is_some()).count()
    }

    /// Cuts off the element at a side, which is left in the form that it is kept in: what it means
    /// need not be known for that.
    #[inline]
    pub(crate) fn cut(self, side: Side) -> Option<(Kept<'g>, Self)> {
        let all = self.0;
        match side {
            Side::Left => {
                let len = Element::kept_len(all)?;
                let rest = all.get(len + back_len(len)..)?;
                Some((Kept(all.get(..len)?), Self(rest)))
            }
            Side::Right => {
                let (len, taken) = read_back(all)?;
                let (rest, last) = all.split_at_checked(all.len().checked_sub(len + taken)?)?;
                Some((Kept(last.get(..len)?), Self(rest)))
            }
        }
    }

    /// Where the element of an index begins among `count`, or the end.
    pub(crate) fn offset(self, index: usize, count: usize) -> usize {
        let mut rest = self;
        if 2 * index <= count {
            rest.skip_front(index);
            self.0.len() - rest.0.len()
        } else {
            rest.skip_back(count.saturating_sub(index));
            rest.0.len()
        }
    }

    /// The element of an index among `count`.
    pub(crate) fn at(self, index: usize, count: usize) -> Option<Element<'g>> {
        if index >= count {
            return None;
        }
        let offset = self.offset(index, count);
        Element::read(self.0.get(offset..)?).map(|(element, _)| element)
    }
}

impl<'g> Iterator for Elements<'g> {
    type Item = Element<'g>;

    #[inline]
    fn next(&mut self) -> Option<Element<'g>> {
        let all = std::mem::take(&mut self.0);
        let (element, rest) = Element::read(all)?;
        self.0 = rest.get(back_len(all.len() - rest.len())..)?;
        Some(element)
    }
}

impl DoubleEndedIterator for Elements<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        let all = std::mem::take(&mut self.0);
        let (len, taken) = read_back(all)?;
        let (before, last) = all.split_at_checked(all.len().checked_sub(len + taken)?)?;
        let (element, _) = Element::read(last)?;
        self.0 = before;
        Some(element)
    }
}
