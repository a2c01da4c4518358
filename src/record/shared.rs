//! Bytes that several records may hold, one after the other: a large value outlives the record that
//! EXPIRE replaces.

use std::sync::Arc;

/// What the bytes cost beyond themselves: two counts, pointer and length.
pub(super) const OVERHEAD: u32 = 32;

/// A value in an allocation of its own.
///
/// The counts and the bytes are two allocations, so that whoever lets go of the last reference can
/// tell that it was the last.
#[derive(Clone, Debug)]
pub(crate) struct Shared(Arc<Box<[u8]>>);

impl Shared {
    /// A copy of some bytes.
    pub(super) fn new(bytes: &[u8]) -> Self {
        Self(Arc::new(bytes.into()))
    }

    /// The bytes.
    #[inline]
    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// How many bytes are taken for a value of this length.
    pub(super) fn taken(len: usize) -> usize {
        len + OVERHEAD as usize
    }

    /// Lets go; returns how many bytes have become free, which is none unless it was the last.
    pub(super) fn give_up(self) -> usize {
        Arc::into_inner(self.0).map_or(0, |bytes| Self::taken(bytes.len()))
    }
}

#[cfg(all(test, not(pool_loom)))]
mod tests {
    use super::*;

    #[test]
    fn the_last_to_let_go_is_told_what_is_free() {
        let one = Shared::new(b"abc");
        let other = one.clone();

        assert_eq!(one.bytes(), b"abc");
        assert_eq!(one.give_up(), 0);
        assert_eq!(other.give_up(), 35);
    }
}
