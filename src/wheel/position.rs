//! Where a time lies in the wheel: pure arithmetic.
//!
//! | level | granule | reaches    | fires                |
//! |-------|---------|------------|----------------------|
//! | 0     | 1 ms    | 255 ms     | on time              |
//! | 1     | 32 ms   | 8.2 s      | up to 31 ms late     |
//! | 2     | 1.02 s  | 4.4 min    | up to 1.02 s early   |
//! | 3     | 32.8 s  | 2.3 h      | up to 32.8 s early   |
//! | 4     | 17.5 min | 3.1 days  | up to 17.5 min early |
//! | 5     | 9.3 h   | 99 days    | up to 9.3 h early    |
//! | 6     | 12.4 days | 8.7 years | up to 12.4 days early |
//! | 7     | 1.1 years | 278 years | up to 1.1 years early |
//! | 8     | 35 years | 8900 years | up to 35 years early |
//!
//! An entry that fires early is pushed again, to a finer level: the record's deadline tells. So a
//! deadline that is days ahead is met as sharply as one that is seconds ahead, at the price of one
//! more look at the record per level from the third one up.

use crate::sync::{Mutant, WHEEL_LATE_LEVELS, WHEEL_SHIFT, WHEEL_SLOTS, is_mutant};

/// How many ticks ahead of its current one a level takes entries.
pub(super) const REACH: u64 = WHEEL_SLOTS as u64 - 1;

/// The last time that the wheel knows. It leaves room for a tick's label, and is seventy million
/// years of milliseconds.
pub(super) const END: u64 = 1 << 61;

/// A place for an entry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Position {
    pub(super) level: usize,
    pub(super) tick: u64,
}

impl Position {
    /// The place for what is due at a time: the finest level that reaches so far, never its current
    /// tick or an earlier one. What no level reaches goes as far as the last one does.
    ///
    /// The levels may move on meanwhile. One that has come to the tick by the time it is looked at
    /// would be late by up to a granule, and shows that the finer ones have moved on too, for these
    /// are advanced first: then they are looked at again.
    #[inline]
    pub(super) fn of(due: u64, levels: usize, current: impl Fn(usize) -> u64) -> Self {
        let look = |level| (current(level), target(due, level));
        let mut level = 0;
        let (mut at, mut tick) = look(level);
        while tick > at + REACH && level + 1 < levels {
            level += 1;
            (at, tick) = look(level);
        }
        while level > 0 && tick <= at && !is_mutant(Mutant::StayOnLevel) {
            level -= 1;
            (at, tick) = look(level);
        }
        Self { level, tick: tick.clamp(at + 1, at + REACH) }
    }

    /// When an entry there fires.
    #[inline]
    pub(super) fn time(self) -> u64 {
        begin_of(self.tick, self.level)
    }
}

/// The tick of a level to which a time belongs.
#[inline]
pub(super) fn tick_at(time: u64, level: usize) -> u64 {
    time >> shift(level)
}

/// When a tick of a level begins.
#[inline]
pub(super) fn begin_of(tick: u64, level: usize) -> u64 {
    tick << shift(level)
}

/// The tick at which a level would fire what is due at a time.
#[inline]
fn target(due: u64, level: usize) -> u64 {
    let lateness = if level < WHEEL_LATE_LEVELS { (1 << shift(level)) - 1 } else { 0 };
    (due + lateness) >> shift(level)
}

/// The binary logarithm of a level's granule.
#[inline]
fn shift(level: usize) -> u32 {
    #[expect(clippy::cast_possible_truncation, reason = "there are nine levels")]
    let level = level as u32;
    WHEEL_SHIFT * level
}

#[cfg(all(test, not(pool_loom)))]
mod tests {
    use super::*;

    const LEVELS: usize = 9;

    /// How late a level may fire.
    fn lateness(level: usize) -> u64 {
        if level < WHEEL_LATE_LEVELS { (1 << shift(level)) - 1 } else { 0 }
    }

    /// Where the levels stand that have all been advanced to a time.
    fn advanced_to(now: u64) -> impl Fn(usize) -> u64 {
        move |level| tick_at(now, level)
    }

    /// Times that lie on, before and after every boundary, and random ones.
    fn distances() -> impl Iterator<Item = u64> {
        let boundaries = (0..LEVELS).flat_map(|level| {
            let granule = 1_u64 << shift(level);
            [1, 2, 8, REACH - 1, REACH, REACH + 1, 2 * REACH].map(|ticks| ticks * granule)
        });
        let mut state = 0x9E37_79B9_7F4A_7C15_u64;
        let random = (0..if cfg!(miri) { 200 } else { 50_000 }).map(move |_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state >> (17 + state % 47)
        });
        boundaries.flat_map(|time| [time - 1, time, time + 1]).chain(random)
    }

    #[test]
    fn a_position_is_ahead_within_reach_and_never_too_late() {
        for now in [0, 1, 31, 32, 8_159, 1_700_000_000_000, END - 1] {
            for distance in distances() {
                let due = (now + distance).min(END);
                let position = Position::of(due, LEVELS, advanced_to(now));

                let current = tick_at(now, position.level);
                assert!((1..=REACH).contains(&(position.tick - current)), "{position:?} at {now}");
                let latest = due.max(now + 1) + lateness(position.level);
                assert!(position.time() <= latest, "{position:?} for {due} at {now}");
            }
        }
    }

    #[test]
    fn a_position_is_on_the_finest_level_that_reaches_so_far() {
        for now in [0, 77, 1_700_000_000_123] {
            for distance in distances() {
                let due = now + distance;
                let position = Position::of(due, LEVELS, advanced_to(now));

                for finer in 0..position.level {
                    assert!(target(due, finer) - tick_at(now, finer) > REACH, "{position:?}");
                }
            }
        }
    }

    #[test]
    fn every_early_fire_leads_to_a_finer_level() {
        for distance in distances() {
            let due = 1_700_000_000_123 + distance;
            let mut now = due - distance;
            let mut level = LEVELS;
            // What is farther away than the wheel reaches stays on the last level.
            if distance >= REACH << shift(LEVELS - 1) {
                continue;
            }
            while now < due {
                let position = Position::of(due, LEVELS, advanced_to(now));
                assert!(position.level < level, "{position:?} for {due} at {now}");

                (now, level) = (position.time(), position.level);
            }
            assert!(now <= due + lateness(WHEEL_LATE_LEVELS - 1));
        }
    }

    #[test]
    fn what_is_overdue_fires_at_the_next_tick_of_the_finest_level() {
        for due in [0, 1, 999, 1_000] {
            let position = Position::of(due, LEVELS, advanced_to(1_000));

            assert_eq!(position, Position { level: 0, tick: 1_001 });
        }
    }

    #[test]
    fn a_level_that_has_fallen_behind_is_passed_over() {
        let current = |level| if level == 0 { 0 } else { tick_at(1_000_000, level) };

        let position = Position::of(1_000_005, LEVELS, current);

        assert_eq!(position, Position { level: 1, tick: 1_000_005_u64.div_ceil(32) });
    }

    #[test]
    fn a_level_that_moves_on_while_it_is_looked_for_is_not_late() {
        for rest in [300, 10_000, 300_000, 20_000_000] {
            let (before, now) = (1_700_000_000_000, 1_700_000_000_000 + rest);
            for due in [now + 1, now + 20, now + 900, now + 7_000] {
                for moved in 1..LEVELS {
                    // Levels that were looked at before the wheel moved on show where it was; looked
                    // at again, where it is.
                    let looks = std::cell::Cell::new(0);
                    let current = |level| {
                        looks.set(looks.get() + 1);
                        tick_at(if looks.get() > moved { now } else { before }, level)
                    };

                    let position = Position::of(due, LEVELS, current);

                    assert!(position.time() <= due + lateness(position.level), "{position:?}");
                }
            }
        }
    }

    #[test]
    fn what_no_level_reaches_goes_as_far_as_the_last_one_does() {
        let position = Position::of(END, LEVELS, advanced_to(5));

        assert_eq!(position, Position { level: LEVELS - 1, tick: REACH });
    }
}
