//! Which elements a chunk may hold, in sixteen bytes that its branch keeps.

use crate::value::element::Element;

/// Any odd number whose bits look random: what two words are mixed with.
const MIX: [u64; 2] = [0x9E37_79B9_7F4A_7C15, 0xD1B5_4A32_D192_ED03];

/// Four bits for each element, as a Bloom filter sets them: what is sought is where all of its bits
/// are set, or was never there. Bits that are set for nothing cost time, and nothing else.
///
/// Of 14 elements, which is what a queue of 16-byte texts puts into a chunk, one search in 60 finds
/// the bits of an element that is not there; of 28, the most, one in 9.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Marks([u64; 2]);

impl Marks {
    /// Of no elements; as what is sought, of any.
    pub(crate) const NONE: Self = Self([0; 2]);

    /// Of whatever elements there are.
    pub(crate) const ALL: Self = Self([u64::MAX; 2]);

    /// Of one element.
    ///
    /// Looks at its length and at eight bytes at either end: texts that differ between those only
    /// share their marks.
    #[inline]
    pub(crate) fn of(element: Element<'_>) -> Self {
        let word = match element {
            Element::Text(text) => word_of(text),
            Element::Integer(value) => value.cast_unsigned(),
        };
        let product = u128::from(word ^ MIX[0]) * u128::from(MIX[1]);
        #[expect(clippy::cast_possible_truncation, reason = "both halves are meant")]
        let mixed = product as u64 ^ (product >> 64) as u64;
        let bit = |number: u32| 1 << (mixed >> (6 * number) & 63);
        Self([bit(0) | bit(1), bit(2) | bit(3)])
    }

    /// Of the elements of both.
    #[inline]
    pub(crate) fn with(self, other: Self) -> Self {
        Self([self.0[0] | other.0[0], self.0[1] | other.0[1]])
    }

    /// Whether so few bits are set that they may be those of elements that are gone, too: searches
    /// for what is not there find them in one of 16 then.
    #[inline]
    pub(crate) fn are_few(self) -> bool {
        self.0[0].count_ones() + self.0[1].count_ones() <= u64::BITS
    }

    /// Whether an element of these marks may be among those of this one.
    #[inline]
    pub(crate) fn may_hold(self, wanted: Self) -> bool {
        (wanted.0[0] & !self.0[0]) | (wanted.0[1] & !self.0[1]) == 0
    }
}

/// A word for a text.
#[inline]
fn word_of(text: &[u8]) -> u64 {
    let len = text.len() as u64;
    match (text.first_chunk(), text.last_chunk()) {
        (Some(first), Some(last)) => {
            u64::from_le_bytes(*first) ^ u64::from_le_bytes(*last).rotate_left(27) ^ len
        }
        _ => text.iter().fold(len, |word, &byte| word << 8 | u64::from(byte)),
    }
}

#[cfg(all(test, not(pool_loom)))]
mod tests {
    use super::*;

    #[test]
    fn marks_hold_every_element_that_they_were_made_of() {
        let texts: Vec<_> = (0..40).map(|n| format!("{}{n}", "x".repeat(n))).collect();
        let elements = texts.iter().map(|text| Element::of(text.as_bytes()));
        let marks = elements.clone().fold(Marks::NONE, |marks, e| marks.with(Marks::of(e)));

        for element in elements {
            assert!(marks.may_hold(Marks::of(element)));
            assert!(Marks::ALL.may_hold(Marks::of(element)));
            assert!(!Marks::NONE.may_hold(Marks::of(element)));
        }
        assert!(marks.may_hold(Marks::NONE));
    }

    #[test]
    fn marks_of_a_chunk_rule_out_nearly_all_other_elements() {
        let marks_of = |number: u32| {
            let text = format!("field:{number:010}");
            Marks::of(Element::of(text.as_bytes()))
        };
        let chunk = (0..14).fold(Marks::NONE, |marks, number| marks.with(marks_of(number)));

        let taken_for_there = (14..10_014).filter(|&n| chunk.may_hold(marks_of(n))).count();

        assert!(taken_for_there < 400, "{taken_for_there}");
    }
}
