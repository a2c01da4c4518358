//! When ticks began, for those who ask how long a record has been idle.
//!
//! Ticks are of no fixed length, so their beginnings are written down: each of the last 64, every
//! fourth of the last 256, every sixteenth of the last 1,024, and so on, in 4.5 KiB for all four
//! million that a [word](super::usage) can tell apart. A time is thereby known to the tick when it
//! is recent, and to a sixteenth of the age in ticks when it is old.

use crate::sync::{AtomicU64, Ordering};

/// Beginnings that a level keeps.
const LENGTH: u32 = if cfg!(pool_loom) { 2 } else { 64 };
/// Each level keeps one in four of those of the level below.
const STEP_BITS: usize = 2;
/// Levels, so that the last one covers 2²² ticks.
const LEVELS: usize = if cfg!(pool_loom) { 1 } else { 9 };

/// The beginnings of ticks, in milliseconds since the pool began.
#[derive(Debug)]
pub(super) struct Timeline(Box<[[AtomicU64; LENGTH as usize]; LEVELS]>);

impl Timeline {
    /// A timeline that knows of tick 0 only, which began at 0.
    pub(super) fn new() -> Self {
        let level = |_| std::array::from_fn(|_| AtomicU64::new(0));
        Self(Box::new(std::array::from_fn(level)))
    }

    /// Bytes that it takes.
    pub(super) fn bytes(&self) -> usize {
        size_of_val(&*self.0)
    }

    /// Writes down that a tick has begun.
    pub(super) fn note(&self, tick: u32, millis: u64) {
        for (cells, step) in self.levels() {
            if !tick.is_multiple_of(1 << step) {
                return;
            }
            // ORDERING: Relaxed; a report, nothing is carried.
            cells[(tick >> step) as usize % cells.len()].store(millis, Ordering::Relaxed);
        }
    }

    /// When a tick began that is `age` ticks old: at this time or, if the tick is not recent, up to
    /// a sixteenth of the age later.
    pub(super) fn millis_at(&self, tick: u32, age: u32) -> u64 {
        // One less than there are: the oldest may be overwritten while we look.
        let reaches = |step: u32| age >> step < LENGTH - 1;
        let level = self.levels().find(|(_, step)| reaches(*step));
        let Some((cells, step)) = level.or_else(|| self.levels().last()) else { return 0 };
        // ORDERING: Relaxed; as in `note`.
        cells[(tick >> step) as usize % cells.len()].load(Ordering::Relaxed)
    }

    /// The levels, each with the logarithm of the ticks from one of its beginnings to the next.
    fn levels(&self) -> impl Iterator<Item = (&[AtomicU64], u32)> {
        self.0.iter().map(<[_; _]>::as_slice).zip((0..).step_by(STEP_BITS))
    }
}

#[cfg(all(test, not(pool_loom)))]
mod tests {
    use super::*;

    #[test]
    fn recent_ticks_are_known_exactly_and_old_ones_to_a_sixteenth() {
        let timeline = Timeline::new();
        let now = if cfg!(miri) { 5_000 } else { 1_000_000 };
        for tick in 1..=now {
            timeline.note(tick, u64::from(tick) * 10);
        }

        for age in (0..now).step_by(97).chain(0..100) {
            let known = timeline.millis_at(now - age, age);

            let exact = u64::from(now - age) * 10;
            let error = exact.checked_sub(known).unwrap();
            assert!(error * 16 <= u64::from(age) * 10, "age {age}: {error} ms too early");
            assert!(age >= LENGTH - 1 || error == 0);
        }
    }
}
