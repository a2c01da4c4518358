//! A bucket: a control word and seven slots, one cache line.
//!
//! ```text
//! control word: [63:32] version | [31:8] index of the first overflow bucket, 0 = none
//!               | [7:1] position of the last commit | [0] frozen (reserved for migration)
//!
//! position   0..=125  slot of the last commit, along the chain: the head's slots, then those of
//!                     the first overflow bucket, and so on
//!            126      nothing to finish: a new bucket, or the last change was attach or detach
//!            127      reserved for migration
//! ```

use super::word::Word;
use crate::sync::{AtomicPtr, AtomicU64, Ordering, SLOTS};

/// The position that says that there is nothing to finish.
const NOTHING: u64 = 126;

/// Overflow buckets that a chain may have, so that positions fit into seven bits.
pub(crate) const LONGEST_OVERFLOW: usize = 17;

/// A control word.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Control(u64);

impl Control {
    /// What a new bucket starts with: version 0, no overflow, nothing to finish. Never 0.
    const NEW: Self = Self(NOTHING << 1);

    /// How often the bucket has committed, attached or detached, wrapping.
    #[inline]
    pub(crate) fn version(self) -> u32 {
        (self.0 >> 32) as u32
    }

    /// The first overflow bucket; 0 is none.
    #[inline]
    pub(crate) fn overflow(self) -> u32 {
        ((self.0 >> 8) & 0xFF_FFFF) as u32
    }

    /// Where the last commit was, when it may still need finishing.
    pub(crate) fn position(self) -> Option<usize> {
        let position = (self.0 >> 1) & 0x7F;
        (position < NOTHING).then_some(position as usize)
    }

    /// The next version, after a commit at a position.
    pub(crate) fn committed(self, position: usize) -> Self {
        debug_assert!((position as u64) < NOTHING);
        self.next(self.overflow(), position as u64)
    }

    /// The next version, with another first overflow bucket.
    pub(crate) fn relinked(self, overflow: u32) -> Self {
        self.next(overflow, NOTHING)
    }

    fn next(self, overflow: u32, position: u64) -> Self {
        let version = u64::from(self.version().wrapping_add(1));
        Self(version << 32 | u64::from(overflow) << 8 | position << 1)
    }
}

/// Seven slots in a row.
#[derive(Debug)]
#[repr(transparent)]
pub(crate) struct Slots(pub(crate) [AtomicPtr<()>; SLOTS]);

impl Slots {
    /// Slots that are free since version 0.
    pub(crate) fn new() -> Self {
        Self(std::array::from_fn(|_| AtomicPtr::new(Word::empty(0).raw())))
    }
}

/// The head of a chain.
#[derive(Debug)]
#[repr(C, align(64))]
pub(crate) struct Bucket {
    control: AtomicU64,
    pub(crate) slots: Slots,
}

impl Bucket {
    /// An empty bucket.
    pub(crate) fn new() -> Self {
        Self { control: AtomicU64::new(Control::NEW.0), slots: Slots::new() }
    }

    /// The control word as it is now.
    #[inline]
    pub(crate) fn control(&self) -> Control {
        // ORDERING: Acquire, edges `commit→snapshot` and `attach→walk`: whoever acts on a version
        // sees every word that was written before the bucket reached it.
        Control(self.control.load(Ordering::Acquire))
    }

    /// Replaces the control word, if it is still the one seen.
    pub(crate) fn advance(&self, seen: Control, next: Control) -> bool {
        self.control
            // ORDERING: AcqRel: Release is edges `commit→snapshot` and `attach→walk`; Acquire keeps
            // what follows a commit (finishing it) behind it. Relaxed on failure: the caller
            // starts again from a fresh load.
            .compare_exchange(seen.0, next.0, Ordering::AcqRel, Ordering::Relaxed)
            .is_ok()
    }

    /// Sets the control word without looking; only a mutant does.
    pub(crate) fn force(&self, next: Control) {
        // ORDERING: Release; a mutant's step, as wrong as it is.
        self.control.store(next.0, Ordering::Release);
    }
}

/// Reads a slot.
#[inline]
pub(crate) fn load(slot: &AtomicPtr<()>) -> Word {
    // ORDERING: Acquire, edges `place→find` and `empty→reuse`: the record's content, and the
    // version that an empty word's stamp speaks of.
    Word::from_raw(slot.load(Ordering::Acquire))
}

/// Replaces a slot's word, if it is still the one seen.
#[inline]
pub(crate) fn swap(slot: &AtomicPtr<()>, seen: Word, next: Word) -> bool {
    // ORDERING: AcqRel: Release is edges `place→find` and `empty→reuse`; Acquire orders what
    // follows behind the word's earlier writers. Relaxed on failure: callers load again.
    slot.compare_exchange(seen.raw(), next.raw(), Ordering::AcqRel, Ordering::Relaxed).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_control_word_keeps_its_parts_apart() {
        let control = Control::NEW.relinked(0xFF_FFFF);

        assert_eq!(
            (control.version(), control.overflow(), control.position()),
            (1, 0xFF_FFFF, None)
        );

        let control = control.committed(125);

        assert_eq!(
            (control.version(), control.overflow(), control.position()),
            (2, 0xFF_FFFF, Some(125))
        );
    }

    #[test]
    fn the_version_wraps_and_leaves_the_rest_alone() {
        let last = Control(u64::from(u32::MAX) << 32 | 5 << 8 | 3 << 1);

        let wrapped = last.committed(4);

        assert_eq!((wrapped.version(), wrapped.overflow(), wrapped.position()), (0, 5, Some(4)));
    }

    #[cfg(not(pool_loom))]
    #[test]
    fn a_bucket_is_one_cache_line() {
        assert_eq!(size_of::<Bucket>(), 64);
    }
}
