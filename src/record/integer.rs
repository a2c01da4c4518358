//! An integer that INCR changes in place, under a bit that stops it.
//!
//! ```text
//! value word = value << 1 | FROZEN        63-bit values; larger integers are ordinary text
//! ```
//!
//! While FROZEN is clear, INCR is one CAS of the value word. Once it is set, the record is like any
//! other: it never changes again, and every writer replaces it in its slot. It is never cleared.
//!
//! Whoever must know the last value of what he replaces, or needs it to stand still (EXPIRE,
//! PERSIST, GETEX, GETSET, GETDEL, APPEND, …), freezes it and uses what the freezing returned. A
//! plain SET, a removal and an expiry need not: an increment that lands in a record that is already
//! unlinked had found it before, and so takes effect just before the unlinking.
//!
//! # Orderings
//!
//! | edge        | from                   | to                                     | carries           |
//! |-------------|------------------------|----------------------------------------|-------------------|
//! | `add→tell`  | `try_add` CAS, Release | loads of `get` and `try_add`, `freeze` RMW, Acquire | what preceded the increment, for whoever is told of its sum |
//!
//! All changes of the word are read-modify-writes, so that a sum tells of every increment in it. That a
//! cell is frozen tells of nothing. Model: `pool/loom.rs`.

use crate::sync::{AtomicU64, Mutant, Ordering, is_mutant};
use crossbeam_utils::Backoff;

/// Set once, never cleared.
const FROZEN: u64 = 1;

/// A value word, and when it was written.
#[derive(Debug)]
pub(crate) struct IntegerCell {
    value: AtomicU64,
    /// Milliseconds, as the record's own time of writing; advisory.
    written: AtomicU64,
}

/// How an attempt to add ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Added {
    /// The sum, which the cell holds now.
    Done(i64),
    /// The cell is frozen with this value.
    Frozen(i64),
    /// The sum, which does not fit into 63 bits; the cell is unchanged.
    TooWide(i64),
    /// The sum does not fit into 64 bits; the cell is unchanged.
    Overflow,
}

impl IntegerCell {
    /// Whether a value can be kept in a cell.
    pub(crate) fn fits(value: i64) -> bool {
        decode(encode(value)) == value
    }

    /// A cell that is not frozen.
    pub(crate) fn new(value: i64, written: u64) -> Self {
        debug_assert!(Self::fits(value));
        Self { value: AtomicU64::new(encode(value)), written: AtomicU64::new(written) }
    }

    /// The value as it is now.
    #[inline]
    pub(crate) fn get(&self) -> i64 {
        // ORDERING: Acquire, edge `add→tell`.
        decode(self.value.load(Ordering::Acquire))
    }

    /// Adds `delta`, unless the cell is frozen or the sum does not fit.
    ///
    /// Lock-free: tries again only when another increment succeeded.
    #[inline]
    pub(crate) fn try_add(&self, delta: i64, now: impl FnOnce(i64) -> u64) -> Added {
        // ORDERING: Acquire, edge `add→tell`.
        let mut word = self.value.load(Ordering::Acquire);
        let backoff = Backoff::new();
        loop {
            let value = decode(word);
            if word & FROZEN != 0 && !is_mutant(Mutant::IncrementFrozen) {
                return Added::Frozen(value);
            }
            let Some(sum) = value.checked_add(delta) else { return Added::Overflow };
            if !Self::fits(sum) {
                return Added::TooWide(sum);
            }
            let next = encode(sum) | (word & FROZEN);
            // ORDERING: Release, edge `add→tell`; Relaxed on failure, the word is loaded again.
            let (success, failure) = (Ordering::Release, Ordering::Relaxed);
            match self.value.compare_exchange_weak(word, next, success, failure) {
                Ok(_) => {
                    self.note_written(now(sum));
                    return Added::Done(sum);
                }
                Err(_) => {
                    // Whoever holds the line now counts on for a while, instead of both passing it
                    // to and fro: a third less time for two threads.
                    backoff.spin();
                    // ORDERING: Acquire, edge `add→tell`.
                    word = self.value.load(Ordering::Acquire);
                }
            }
        }
    }

    /// Returns the last value that the cell will ever have: from here on nobody changes it.
    pub(crate) fn freeze(&self) -> i64 {
        if is_mutant(Mutant::CopyWithoutFreeze) {
            return self.get();
        }
        if is_mutant(Mutant::ReadThenFreeze) {
            let early = self.get();
            // ORDERING: Acquire; a mutant's step, whose reading comes too early.
            self.value.fetch_or(FROZEN, Ordering::Acquire);
            return early;
        }
        // ORDERING: Acquire, edge `add→tell`.
        decode(self.value.fetch_or(FROZEN, Ordering::Acquire))
    }

    /// When it was written, in milliseconds.
    pub(crate) fn written(&self) -> u64 {
        // ORDERING: Relaxed; advisory.
        self.written.load(Ordering::Relaxed)
    }

    #[inline]
    fn note_written(&self, now: u64) {
        // ORDERING: Relaxed; advisory. Written only when it changes, which is rare for a hot cell.
        if self.written.load(Ordering::Relaxed) < now {
            self.written.store(now, Ordering::Relaxed);
        }
    }
}

fn encode(value: i64) -> u64 {
    value.cast_unsigned() << 1
}

fn decode(word: u64) -> i64 {
    word.cast_signed() >> 1
}

#[cfg(all(test, not(pool_loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_frozen_cell_refuses_to_add_and_tells_its_value() {
        let cell = IntegerCell::new(-5, 0);

        assert_eq!(cell.try_add(3, |_| 0), Added::Done(-2));
        assert_eq!(cell.freeze(), -2);
        assert_eq!(cell.try_add(1, |_| 0), Added::Frozen(-2));
        assert_eq!(cell.get(), -2);
    }

    #[test]
    fn sums_that_do_not_fit_are_told_apart_and_change_nothing() {
        let largest = i64::MAX >> 1;
        let cell = IntegerCell::new(largest, 0);

        assert_eq!(cell.try_add(1, |_| 0), Added::TooWide(largest + 1));
        assert_eq!(cell.try_add(i64::MAX, |_| 0), Added::Overflow);
        assert_eq!(cell.get(), largest);
        assert!(!IntegerCell::fits(i64::MIN));
        assert!(IntegerCell::fits(i64::MIN >> 1));
    }
}
