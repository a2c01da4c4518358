//! A bucket: a control word and seven slots, one cache line.
//!
//! ```text
//! control word: [63:32] version | [31:8] index of the first overflow bucket, 0 = none
//!               | [7:1] position of the last commit | [0] FROZEN: the bucket is being moved
//!
//! position   1..=126  one more than the slot of the last commit, along the chain: the head's slots,
//!                     then those of the first overflow bucket, and so on
//!            127      nothing to finish: a new bucket, or the last change was attach or detach
//!            0        with FROZEN: the bucket has been moved
//! ```
//!
//! The control word 0 is that of a bucket which a migration is filling. No other bucket has it, also
//! when its version has come round to 0: its position is none, or it is frozen.

use super::{word::Word, zeroed::Zeroed};
use crate::sync::{AtomicPtr, AtomicU64, Mutant, Ordering, SLOTS, is_mutant};

/// The position that says that there is nothing to finish.
const NOTHING: u64 = POSITION;
/// The seven bits of a position.
const POSITION: u64 = 0x7F;
/// The bucket is being moved: the control word changes once more, to say that it is done.
const FROZEN: u64 = 1;
/// The bits that a reader who has found nothing in the head has to look into.
const CONCERNS_READERS: u64 = 0xFF_FFFF << 8 | FROZEN;

/// Overflow buckets that an insert attaches to a chain, so that positions fit into seven bits.
pub(crate) const LONGEST_OVERFLOW: usize = 17;

/// The last position that a commit can name.
pub(crate) const LARGEST_POSITION: usize = 125;

/// The version of a new bucket: in models the last one there is, so that all of them see it wrap.
pub(super) const FIRST_VERSION: u32 = if cfg!(pool_loom) { u32::MAX } else { 0 };

/// A control word.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Control(u64);

impl Control {
    /// What a new bucket starts with: no overflow, nothing to finish. Never 0.
    const NEW: Self = Self((FIRST_VERSION as u64) << 32 | NOTHING << 1);
    /// What a bucket starts with that a migration fills.
    pub(crate) const UNFILLED: Self = Self(0);

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

    /// Whether the head is all there is to look at.
    #[inline]
    pub(crate) fn is_head_only(self) -> bool {
        self.0 & CONCERNS_READERS == 0
    }

    /// Whether the bucket is being moved, or has been.
    #[inline]
    pub(crate) fn is_frozen(self) -> bool {
        self.0 & FROZEN != 0
    }

    /// Whether the bucket has been moved.
    pub(crate) fn is_done(self) -> bool {
        self.is_frozen() && self.0 >> 1 & POSITION == 0
    }

    /// Whether a migration has filled the bucket.
    pub(crate) fn is_filled(self) -> bool {
        self != Self::UNFILLED
    }

    /// The same, frozen.
    pub(crate) fn frozen(self) -> Self {
        Self(self.0 | FROZEN)
    }

    /// What a frozen bucket becomes when it has been moved.
    pub(crate) fn done(self) -> Self {
        Self(self.0 & !(POSITION << 1) | FROZEN)
    }

    /// What a bucket becomes that has been filled.
    pub(crate) fn filled(overflow: u32) -> Self {
        Self(u64::from(overflow) << 8 | Self::NEW.0)
    }

    /// Where the last commit was, when it may still need finishing.
    pub(crate) fn position(self) -> Option<usize> {
        let position = self.0 >> 1 & POSITION;
        (1..NOTHING).contains(&position).then(|| position as usize - 1)
    }

    /// The next version, after a commit at a position.
    pub(crate) fn committed(self, position: usize) -> Self {
        debug_assert!(position <= LARGEST_POSITION);
        self.next(self.overflow(), position as u64 + 1)
    }

    /// The next version, with another first overflow bucket.
    pub(crate) fn relinked(self, overflow: u32) -> Self {
        self.next(overflow, NOTHING)
    }

    fn next(self, overflow: u32, position: u64) -> Self {
        let version = self.version().wrapping_add(1);
        let version = if is_mutant(Mutant::NarrowVersion) { version & 1 } else { version };
        Self(u64::from(version) << 32 | u64::from(overflow) << 8 | position << 1)
    }
}

/// Seven slots in a row.
#[derive(Debug)]
#[repr(transparent)]
pub(crate) struct Slots(pub(crate) [AtomicPtr<()>; SLOTS]);

impl Slots {
    /// Slots that a migration fills: their words are zero.
    pub(super) fn unfilled() -> Self {
        Self(std::array::from_fn(|_| AtomicPtr::new(Word::UNFILLED.raw())))
    }

    /// The words as they are now, one after the other.
    #[inline]
    pub(super) fn words(&self) -> [Word; SLOTS] {
        std::array::from_fn(|index| load(&self.0[index]))
    }

    /// Makes all slots free since the version `stamp`; nobody else may use them yet.
    pub(super) fn clear(&self, stamp: u32) {
        for slot in &self.0 {
            // ORDERING: Relaxed; private until a control word or a root leads here.
            slot.store(Word::empty(stamp).raw(), Ordering::Relaxed);
        }
    }
}

/// The head of a chain.
#[derive(Debug)]
#[repr(C, align(64))]
pub(crate) struct Bucket {
    control: AtomicU64,
    pub(crate) slots: Slots,
}

// SAFETY: atomic integers and pointers.
unsafe impl Zeroed for Bucket {
    fn zeroed() -> Self {
        Self { control: AtomicU64::new(Control::UNFILLED.0), slots: Slots::unfilled() }
    }
}

impl Bucket {
    /// Makes an unfilled bucket an empty one; nobody else may use it yet.
    pub(super) fn open(&self) {
        self.slots.clear(FIRST_VERSION);
        // ORDERING: Relaxed; private until the root leads here.
        self.control.store(Control::NEW.0, Ordering::Relaxed);
    }

    /// The control word as it is now.
    #[inline]
    pub(crate) fn control(&self) -> Control {
        // ORDERING: Acquire, edges `commit→snapshot`, `attach→walk` and `done→next`: whoever acts on
        // a version sees every word that was written before the bucket reached it.
        Control(self.control.load(Ordering::Acquire))
    }

    /// Replaces the control word, if it is still the one seen.
    pub(crate) fn advance(&self, seen: Control, next: Control) -> bool {
        self.control
            // ORDERING: AcqRel: Release is edges `commit→snapshot`, `attach→walk` and `done→next`;
            // Acquire keeps what follows a commit (finishing it) behind it. Relaxed on failure: the
            // caller starts again from a fresh load.
            .compare_exchange(seen.0, next.0, Ordering::AcqRel, Ordering::Relaxed)
            .is_ok()
    }

    /// Whether the bucket is unfilled; asked by a write even when it changes nothing.
    ///
    /// A fresh page that is read first is mapped as the shared page of zeros, and the write that
    /// follows then interrupts every other processor.
    pub(super) fn touch(&self) -> bool {
        let unfilled = Control::UNFILLED.0;
        // ORDERING: Acquire on failure, edge `fill→use`: whoever finds a bucket filled goes on to use
        // it, and may have met nothing else that its filler wrote. Relaxed otherwise, nothing is
        // carried.
        let swap =
            self.control.compare_exchange(unfilled, unfilled, Ordering::Relaxed, Ordering::Acquire);
        swap.is_ok()
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
            (FIRST_VERSION.wrapping_add(1), 0xFF_FFFF, None)
        );

        let control = control.committed(125);

        assert_eq!(
            (control.version(), control.overflow(), control.position()),
            (FIRST_VERSION.wrapping_add(2), 0xFF_FFFF, Some(125))
        );
    }

    #[test]
    fn the_version_wraps_and_leaves_the_rest_alone() {
        let last = Control(u64::from(u32::MAX) << 32 | 5 << 8 | 3 << 1);

        let wrapped = last.committed(4);

        assert_eq!((wrapped.version(), wrapped.overflow(), wrapped.position()), (0, 5, Some(4)));
    }

    #[test]
    fn a_version_that_has_come_round_is_not_taken_for_a_bucket_being_filled() {
        let last = Control(u64::from(u32::MAX) << 32 | NOTHING << 1);

        assert!(last.committed(0).is_filled());
        assert!(last.relinked(0).is_filled());
    }

    #[test]
    fn a_bucket_that_has_been_moved_names_no_commit() {
        let moved = Control::NEW.committed(3).frozen().done();

        assert!(moved.is_done());
        assert_eq!(moved.position(), None);
        assert!(!Control::NEW.committed(0).frozen().is_done());
        assert!(!Control::NEW.frozen().is_done());
    }

    #[cfg(not(pool_loom))]
    #[test]
    fn a_bucket_is_one_cache_line() {
        assert_eq!(size_of::<Bucket>(), 64);
    }
}
