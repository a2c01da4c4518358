//! What an entry of the wheel says: 48 bits of a hash.

/// The bits of a hash that neither choose a bucket, in a table of up to 2³² buckets, nor make a tag.
const UNUSED: u64 = 0xFFFF << 32;

/// Keeps a hint from being 0 or all ones, whatever the hash: those are states of a cell.
const MARK: u64 = 1 << 32;

/// A hash, as far as a table makes use of it: the lower 32 bits, of which the bucket's index is
/// taken, and the upper 16, which are the tag.
///
/// More would not find a record any better, since a slot keeps no more than the tag. It is a hint
/// also in that the record may be gone, replaced, or another one with the same bits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Hint(u64);

impl Hint {
    /// The hint for a hash.
    #[inline]
    pub(crate) fn of(hash: u64) -> Self {
        Self(hash & !UNUSED | MARK)
    }

    /// A hash with the same bucket and the same tag; whatever uses no more finds the record.
    #[inline]
    pub(crate) fn hash(self) -> u64 {
        self.0 & !UNUSED
    }

    /// What a cell keeps.
    #[inline]
    pub(super) fn raw(self) -> u64 {
        self.0
    }

    /// What a cell kept.
    #[inline]
    pub(super) fn from_raw(raw: u64) -> Self {
        Self(raw)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hint_keeps_the_bucket_and_the_tag_of_its_hash() {
        for hash in [0, u64::MAX, 0x0123_4567_89AB_CDEF, UNUSED, !UNUSED] {
            let hint = Hint::of(hash);

            assert_eq!(hint.hash() >> 48, hash >> 48);
            assert_eq!(hint.hash() & 0xFFFF_FFFF, hash & 0xFFFF_FFFF);
            assert_eq!(Hint::from_raw(hint.raw()), hint);
            assert_ne!(hint.raw(), 0);
            assert_ne!(hint.raw(), u64::MAX);
        }
    }
}
