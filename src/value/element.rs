//! One element of a collection: its text, or the number that the text stands for.
//!
//! ```text
//! first byte   then                               stands for
//! 0x00..=0x7F  the text                           a text of that many bytes
//! 0x80..=0xBF  a byte, the text                   a text of up to 16,383 bytes: the six lower bits,
//!                                                 then the byte
//! 0xC1..=0xC8  1 to 8 bytes                       an integer, two's complement, lowest byte first
//! 0xD0         four bytes, lowest first, the text a text of any length
//! 0xFF         –                                  no element: see `tree::fields`
//! ```
//!
//! A text that is the canonical form of a number is kept as the number if that saves two bytes or
//! more, so that an element has one form only and elements are equal if their forms are.

use super::{integer_text::parse_integer, writer::Writer};
use crate::record::LONGEST_VALUE;

/// The longest element, in bytes of text.
pub(crate) const LONGEST_ELEMENT: usize = LONGEST_VALUE;

/// A text's first byte, below which it is its length.
const MEDIUM: u8 = 0x80;
/// One less than the first byte of an integer of one byte.
const INTEGER: u8 = 0xC0;
/// A long text's first byte.
const LONG: u8 = 0xD0;
/// No element's first byte.
pub(crate) const NO_ELEMENT: u8 = 0xFF;

/// The longest text whose length takes one byte.
const LONGEST_SHORT: usize = 0x7F;
/// The longest text whose length takes two bytes.
const LONGEST_MEDIUM: usize = 0x3FFF;
/// Bytes that a number has to save.
const WORTHWHILE: usize = 2;
/// The longest decimal form of a 64-bit number.
const MOST_DIGITS: usize = 20;

/// An element, seen where it lies.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Element<'g> {
    /// A text that is kept as it is.
    Text(&'g [u8]),
    /// A number, which stands for its canonical decimal form.
    Integer(i64),
}

impl<'g> Element<'g> {
    /// The element of a text, in the form that it is kept in.
    #[inline(always)]
    pub(crate) fn of(text: &'g [u8]) -> Self {
        match text {
            [b'-' | b'0'..=b'9', _, _, ..] if text.len() <= MOST_DIGITS => {
                worthwhile(text).map_or(Self::Text(text), Self::Integer)
            }
            _ => Self::Text(text),
        }
    }

    /// Shows the text.
    #[inline]
    pub(crate) fn with_text<R>(self, look: impl FnOnce(&[u8]) -> R) -> R {
        match self {
            Self::Text(text) => look(text),
            Self::Integer(value) => look(itoa::Buffer::new().format(value).as_bytes()),
        }
    }

    /// Copies the text.
    pub(crate) fn to_vec(self) -> Vec<u8> {
        self.with_text(<[u8]>::to_vec)
    }

    /// The length of the text.
    pub(crate) fn text_len(self) -> usize {
        self.with_text(<[u8]>::len)
    }

    /// The number that the text is the canonical form of, if it is one.
    pub(crate) fn as_integer(self) -> Option<i64> {
        match self {
            Self::Text(text) => parse_integer(text),
            Self::Integer(value) => Some(value),
        }
    }

    /// Bytes of the form that it is kept in.
    #[inline]
    pub(crate) fn encoded_len(self) -> usize {
        match self {
            Self::Text(text) if text.len() <= LONGEST_SHORT => 1 + text.len(),
            Self::Text(text) if text.len() <= LONGEST_MEDIUM => 2 + text.len(),
            Self::Text(text) => 5 + text.len(),
            Self::Integer(value) => 1 + width(value),
        }
    }

    /// Writes the form that it is kept in.
    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, reason = "compared just before")]
    pub(crate) fn write(self, to: &mut Writer<'_>) {
        if let Self::Text(text) = self
            && text.len() <= LONGEST_SHORT
        {
            to.byte(text.len() as u8);
            to.text(text);
        } else {
            self.write_special(to);
        }
    }

    #[inline(never)]
    #[expect(clippy::cast_possible_truncation, reason = "each length was compared, or is limited")]
    fn write_special(self, to: &mut Writer<'_>) {
        match self {
            Self::Text(text) => {
                let len = text.len();
                if len <= LONGEST_MEDIUM {
                    to.bytes(&[MEDIUM | (len >> 8) as u8, len as u8]);
                } else {
                    to.byte(LONG);
                    to.bytes(&(len as u32).to_le_bytes());
                }
                to.bytes(text);
            }
            Self::Integer(value) => {
                let width = width(value);
                to.byte(INTEGER + width as u8);
                to.bytes(&value.to_le_bytes()[..width]);
            }
        }
    }

    /// The text that `bytes` begin with, if it is one whose length takes a byte.
    #[inline]
    pub(crate) fn short_text(bytes: &'g [u8]) -> Option<&'g [u8]> {
        let (&first, rest) = bytes.split_first()?;
        if first < MEDIUM { rest.get(..usize::from(first)) } else { None }
    }

    /// Bytes of the element that `bytes` begin with, in the form that it is kept in.
    #[inline]
    pub(crate) fn kept_len(bytes: &[u8]) -> Option<usize> {
        match Element::short_text(bytes) {
            Some(text) => Some(1 + text.len()),
            None => Element::read(bytes).map(|(_, rest)| bytes.len() - rest.len()),
        }
    }

    /// Reads the element that `bytes` begin with, and returns what follows it; none when that is
    /// no element.
    #[inline]
    pub(crate) fn read(bytes: &'g [u8]) -> Option<(Self, &'g [u8])> {
        let (&first, rest) = bytes.split_first()?;
        if first < MEDIUM {
            let (text, rest) = rest.split_at_checked(usize::from(first))?;
            return Some((Self::Text(text), rest));
        }
        Self::read_special(first, rest)
    }

    fn read_special(first: u8, rest: &'g [u8]) -> Option<(Self, &'g [u8])> {
        let (len, rest) = match first {
            MEDIUM..INTEGER => {
                let (&low, rest) = rest.split_first()?;
                (usize::from(first - MEDIUM) << 8 | usize::from(low), rest)
            }
            LONG => {
                let (len, rest) = rest.split_first_chunk()?;
                (u32::from_le_bytes(*len) as usize, rest)
            }
            _ => return Self::read_integer(first.wrapping_sub(INTEGER), rest),
        };
        let (text, rest) = rest.split_at_checked(len)?;
        Some((Self::Text(text), rest))
    }

    fn read_integer(width: u8, rest: &'g [u8]) -> Option<(Self, &'g [u8])> {
        let width = usize::from(width);
        if !(1..=8).contains(&width) {
            return None;
        }
        let (low, rest) = rest.split_at_checked(width)?;
        let mut bytes = [0; 8];
        bytes[8 - width..].copy_from_slice(low);
        // The bytes are the highest ones here; shifting them down carries the sign along.
        let value = i64::from_le_bytes(bytes) >> (64 - 8 * width);
        Some((Self::Integer(value), rest))
    }
}

/// The number that a text is kept as, if it is.
///
/// Not the element, which would be returned in memory, and be read there in other pieces than it was
/// written in: processors wait for that.
fn worthwhile(text: &[u8]) -> Option<i64> {
    parse_integer(text).filter(|&value| width(value) + WORTHWHILE <= text.len())
}

/// Bytes that an integer takes in two's complement, one at least.
fn width(value: i64) -> usize {
    let magnitude = value ^ value >> 63;
    let bits = u64::BITS - magnitude.leading_zeros() + 1;
    bits.div_ceil(8) as usize
}

#[cfg(all(test, not(pool_loom)))]
mod tests {
    use super::*;
    use crate::value::writer::written;

    /// Writes an element and reads it back.
    fn round_trip(text: &[u8]) -> usize {
        let element = Element::of(text);
        let bytes = written(element.encoded_len(), |to| element.write(to));
        assert_eq!(Element::read(&bytes), Some((element, &[][..])));
        element.with_text(|read| assert_eq!(read, text));
        assert_eq!(element.to_vec(), text);
        assert_eq!(element.text_len(), text.len());
        bytes.len()
    }

    #[test]
    fn texts_of_every_length_come_back() {
        for len in [0, 1, 126, 127, 128, 129, 300, 16_383, 16_384, 70_000] {
            let header = if len < 128 {
                1
            } else if len < 16_384 {
                2
            } else {
                5
            };

            assert_eq!(round_trip(&vec![b'x'; len]), header + len);
        }
    }

    #[test]
    fn numbers_come_back_and_take_fewer_bytes() {
        for shift in 0..63 {
            let power = 1_i64 << shift;
            for number in [power - 1, power, power + 1, -power, -power - 1, 1 - power] {
                let text = number.to_string();

                assert!(round_trip(text.as_bytes()) <= 1 + text.len());
                assert_eq!(Element::of(text.as_bytes()).as_integer(), Some(number));
            }
        }
        assert_eq!(round_trip(b"-128"), 2);
        assert_eq!(round_trip(b"128"), 3 + 1);
        assert_eq!(round_trip(b"9223372036854775807"), 9);
        assert_eq!(round_trip(b"-9223372036854775808"), 9);
    }

    #[test]
    fn only_the_canonical_form_of_a_number_is_kept_as_one() {
        for text in ["007", "+12", "1.5", "-0", "12 ", "9223372036854775808", "1e10"] {
            assert_eq!(Element::of(text.as_bytes()), Element::Text(text.as_bytes()));
            round_trip(text.as_bytes());
        }
    }

    #[test]
    fn bytes_that_are_no_element_are_refused() {
        for first in 0..=255 {
            for len in 0..12 {
                let mut bytes = vec![0x55; len];
                bytes.insert(0, first);

                if let Some((element, rest)) = Element::read(&bytes) {
                    assert_eq!(
                        bytes.len() - rest.len(),
                        match first {
                            0..MEDIUM => 1 + element.text_len(),
                            MEDIUM..INTEGER => 2 + element.text_len(),
                            LONG => 5 + element.text_len(),
                            _ => 1 + usize::from(first - INTEGER),
                        }
                    );
                }
            }
        }
        assert_eq!(Element::read(&[]), None);
        assert_eq!(Element::read(&[NO_ELEMENT; 9]), None);
        assert_eq!(Element::read(&[INTEGER; 9]), None);
    }
}
