//! The hash of a field: its tag, its path through a tree, its place in a scan.

use std::hash::{BuildHasher, Hasher};

/// Levels of a tree that the hash leads through; below them, fields share a leaf.
pub(crate) const DEEPEST: u8 = 10;

/// Bits of the hash that a branch looks at.
const FAN_BITS: u32 = 5;

/// Children of a branch, one for each value of these bits.
pub(crate) const FAN: usize = 1 << FAN_BITS;

/// Bits of a place in a scan.
const PLACE_BITS: u32 = FAN_BITS * DEEPEST as u32;

/// The hash of a field or member.
///
/// ```text
/// [63:14] the path, five bits a level, and so the place in a scan | [7:0] the tag
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct FieldHash(u64);

impl FieldHash {
    /// Hashes a text.
    #[inline]
    pub(crate) fn of<H: BuildHasher>(hasher: &H, text: &[u8]) -> Self {
        let mut state = hasher.build_hasher();
        state.write(text);
        Self(state.finish())
    }

    /// The byte that stands in front of a packed value, where a lookup compares it first.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "the lowest byte is meant")]
    pub(crate) fn tag(self) -> u8 {
        self.0 as u8
    }

    /// Which child of a branch at this depth it belongs to.
    #[inline]
    pub(crate) fn child(self, depth: u8) -> usize {
        Place(self.0 >> (u64::BITS - PLACE_BITS)).child(depth)
    }
}

/// A place in the order of hashes, of which a tree keeps 50 bits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Place(u64);

impl Place {
    /// The first place; none when the cursor is beyond the last.
    pub(crate) fn of_cursor(cursor: u64) -> Option<Self> {
        (cursor >> PLACE_BITS == 0).then_some(Self(cursor))
    }

    /// The cursor that continues here.
    pub(crate) fn cursor(self) -> u64 {
        self.0
    }

    /// Which child of a branch at this depth it lies in.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "five bits are meant")]
    pub(crate) fn child(self, depth: u8) -> usize {
        (self.0 >> Self::shift(depth)) as usize % FAN
    }

    /// The first place of the child of that number, of the branch at this depth on the way here; if
    /// it is the one behind the last, the first place after the branch.
    pub(crate) fn at_child(self, depth: u8, child: usize) -> Option<Self> {
        let shift = Self::shift(depth);
        Self::of_cursor(((self.0 >> shift >> FAN_BITS << FAN_BITS) + child as u64) << shift)
    }

    fn shift(depth: u8) -> u32 {
        PLACE_BITS - FAN_BITS - FAN_BITS * u32::from(depth)
    }
}

#[cfg(all(test, not(pool_loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_the_hash_from_its_highest_bits_down() {
        let path = (0..u64::from(DEEPEST)).fold(0, |path, child| path << 5 | (child + 9));
        let hash = FieldHash(path << 14 | 0xEF);

        let path: Vec<_> = (0..DEEPEST).map(|depth| hash.child(depth)).collect();

        assert_eq!(path, (9..19).collect::<Vec<_>>());
        assert_eq!(hash.tag(), 0xEF);
    }

    #[test]
    fn the_places_after_a_part_of_the_tree_are_the_next_parts() {
        let place = Place(0b00001_00010 << 40);

        assert_eq!(place.at_child(0, 5), Some(Place(0b00101 << 45)));
        assert_eq!(place.at_child(2, 31), Some(Place(0b00001_00010_11111 << 35)));
        assert_eq!(place.at_child(9, 3), Some(Place(place.0 + 3)));
        assert_eq!(place.at_child(2, 32), Some(Place(0b00001_00011 << 40)));
        assert_eq!(place.at_child(9, 32), Some(Place(place.0 + 32)));
        assert_eq!(place.at_child(0, 32), None);
        assert_eq!(Place(0b11111_11111 << 40).at_child(1, 32), None);
    }

    #[test]
    fn a_cursor_beyond_the_last_place_is_none() {
        assert_eq!(Place::of_cursor(1 << 50), None);
        assert_eq!(Place::of_cursor(u64::MAX), None);
        assert_eq!(Place::of_cursor((1 << 50) - 1).map(Place::cursor), Some((1 << 50) - 1));
    }
}
