//! The word in which a record says which entry looks after it.
//!
//! ```text
//! [31] 1 | [30:27] level | [26:0] lower bits of the tick      the entry at that position
//! [31] 0 | [30:0]  anything                                   none
//! ```
//!
//! A word whose upper bit is 0 says "none", whatever the rest: a record may keep its
//! [birth](crate::table) there, as long as that has 31 bits.
//!
//! # Why the birth may lie in the same word
//!
//! A birth is asked for while the record's slot says that it is tentative; a cover is written only
//! by who has found the record committed, and a slot does not become tentative again. So whoever
//! reads a cover where he expects a birth has an old word of the slot, and whatever he makes of it
//! ends in a CAS of that word, which fails. Whoever reads a birth where he expects a cover has met
//! the record before its writer came to [`fulfil`](crate::wheel::Wheel::fulfil): it says "none", and
//! he gives it a cover and an entry, which its writer finds, or has an entry too.
//!
//! # Why 27 bits of the tick are enough
//!
//! A cover is asked one thing only: is its tick *ahead*, that is at most
//! [`REACH`] ticks after the level's current one? That is decided
//! modulo 2²⁷, which could make an old tick look new again after 2²⁷ ticks, a day and a half on the
//! finest level. It does no harm, for one of two reasons.
//!
//! * The entry is still waiting, in a level that has rested and then jumped. Since 2²⁷ is a multiple
//!   of the number of slots, the tick that it is mistaken for has the same slot, and when that is
//!   drained neither is ahead. (Only a helper that falls asleep between claiming and firing, after a
//!   rest of that many ticks to the very tick, could take the next turn's for another entry.)
//! * The entry has been fired. Then the record has another cover by now (C3, C5, C6), unless the
//!   thread that would write that is asleep in the middle of its operation, for a day and a half.

use crate::{
    sync::{AtomicU32, COVER_TICK_BITS, Mutant, Ordering, WHEEL_SLOTS, is_mutant},
    wheel::position::{Position, REACH},
};

/// The bits of the tick.
const TICK_MASK: u32 = (1 << COVER_TICK_BITS) - 1;

/// Where the level begins.
const LEVEL_SHIFT: u32 = 27;

/// Says that there is an entry.
const IS_COVER: u32 = 1 << 31;

/// The bits of the level.
const LEVEL_MASK: u32 = (IS_COVER >> LEVEL_SHIFT) - 1;

const _: () = assert!(WHEEL_SLOTS < 1 << COVER_TICK_BITS && COVER_TICK_BITS <= LEVEL_SHIFT);

/// What a cover word says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Cover(u32);

impl Cover {
    /// No entry.
    pub(crate) const NONE: Self = Self(0);

    /// Reads the word of a record that was found.
    #[inline]
    pub(crate) fn of(word: &AtomicU32) -> Self {
        // ORDERING: Relaxed; an older value is dealt with by C3, a newer one carries nothing.
        Self(word.load(Ordering::Relaxed))
    }

    /// Whether there is no entry.
    #[inline]
    pub(crate) fn is_none(self) -> bool {
        self.0 & IS_COVER == 0
    }

    /// The entry at a position.
    #[inline]
    pub(super) fn at(position: Position) -> Self {
        #[expect(clippy::cast_possible_truncation, reason = "masked, and there are nine levels")]
        Self(IS_COVER | (position.level as u32) << LEVEL_SHIFT | position.tick as u32 & TICK_MASK)
    }

    /// The level of the entry, if there is one.
    #[inline(always)]
    pub(in crate::wheel) fn level(self) -> Option<usize> {
        let is_cover = self.0 & IS_COVER != 0 || is_mutant(Mutant::BirthAsCover);
        // Not `then_some`: that computes the level of "none" too.
        if is_cover { Some((self.0 >> LEVEL_SHIFT & LEVEL_MASK) as usize) } else { None }
    }

    /// How many ticks the entry's is ahead of the level's current one; `None` when it is not ahead.
    #[inline]
    pub(super) fn distance_from(self, current: u64) -> Option<u64> {
        #[expect(clippy::cast_possible_truncation, reason = "masked to the tick's bits")]
        let beyond_next =
            u64::from(self.0.wrapping_sub(current as u32).wrapping_sub(1) & TICK_MASK);
        if beyond_next < REACH { Some(beyond_next + 1) } else { None }
    }

    /// Writes this into the word of a record: one that is still private, or by its writer, who pushes
    /// for it then.
    #[inline]
    pub(crate) fn store(self, word: &AtomicU32) {
        // ORDERING: Relaxed; the record is published after it, or nothing is carried.
        word.store(self.0, Ordering::Relaxed);
    }

    /// Puts this in the place of `seen`, if that is still there.
    #[inline]
    pub(super) fn replace(self, seen: Self, word: &AtomicU32) -> bool {
        // ORDERING: Relaxed; who wins owes the entry, nothing is carried.
        word.compare_exchange(seen.0, self.0, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }
}

#[cfg(all(test, not(pool_loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_cover_gives_back_the_position_it_was_made_of() {
        for level in 0..9 {
            for current in [0, 5, u64::from(TICK_MASK) - 3, 1 << 40, (1 << 40) + 77] {
                for ahead in [1, 2, REACH] {
                    let position = Position { level, tick: current + ahead };
                    let cover = Cover::at(position);

                    assert_eq!(cover.level(), Some(level));
                    assert_eq!(cover.distance_from(current), Some(ahead));
                }
            }
        }
    }

    #[test]
    fn a_tick_that_has_come_is_not_ahead() {
        for tick in [1_u64, 300, 1 << 27, (1 << 40) + 5] {
            let cover = Cover::at(Position { level: 3, tick });

            for passed in [0, 1, REACH, REACH + 1, 1 << 20, (1 << 27) - REACH - 1] {
                assert_eq!(cover.distance_from(tick + passed), None, "{tick} at {passed} more");
            }
        }
    }

    #[test]
    fn a_tick_is_mistaken_only_for_one_of_the_same_slot() {
        let tick = 1_000_000;
        let cover = Cover::at(Position { level: 0, tick });

        for current in (1 << 27)..(1 << 27) + 2 * tick {
            if let Some(distance) = cover.distance_from(current) {
                let taken_for = current + distance;
                assert_eq!(taken_for % WHEEL_SLOTS as u64, tick % WHEEL_SLOTS as u64);
            }
            if cfg!(miri) && current > (1 << 27) + 300 {
                break;
            }
        }
    }

    #[test]
    fn a_birth_says_none() {
        for word in [0, 1, u32::MAX >> 1] {
            assert_eq!(Cover::of(&AtomicU32::new(word)).level(), None);
        }
    }
}
