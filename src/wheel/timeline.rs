//! The wheel's own time: the clock's, as long as that does not go backwards.
//!
//! A level's current tick never goes back, which its protocol rests on. So when the clock is set
//! back, the wheel's time goes on from where it was: the difference is added to every time from then
//! on. Entries that wait since before the change fire early by it, find their record's deadline
//! ahead and are pushed again.

use super::position::END;
use crate::sync::{AtomicU64, Ordering};

/// How far behind the wheel a clock may be without having been set back: another thread's reading
/// may be older. The wheel waits for a clock that is behind by less.
pub(super) const TOLERANCE_MILLIS: u64 = 4_096;

/// The last time of a clock that the wheel tells from later ones, 35 000 years; after that many of
/// them the wheel's time still has not come to its [`END`].
const LAST_CLOCK: u64 = 1 << 50;

/// How the wheel's time relates to the clock's.
#[derive(Debug, Default)]
pub(super) struct Timeline {
    /// By how much the wheel's time is ahead of the clock.
    lead: AtomicU64,
}

impl Timeline {
    /// The wheel's time for one of the clock's.
    #[inline]
    pub(super) fn at(&self, clock: u64) -> u64 {
        // ORDERING: Relaxed; with an older lead a time is too early, and so an entry fires early.
        (clock.min(LAST_CLOCK) + self.lead.load(Ordering::Relaxed)).min(END)
    }

    /// As [`at`](Self::at) for a clock that shows a time within the next 35 000 years, for who only
    /// asks whether to look closer.
    #[inline]
    pub(super) fn roughly_at(&self, clock: u64) -> u64 {
        // ORDERING: Relaxed; as in `at`.
        clock.wrapping_add(self.lead.load(Ordering::Relaxed))
    }

    /// When a record with this deadline has expired: a millisecond later.
    #[inline]
    pub(super) fn due(&self, deadline: u64) -> u64 {
        self.at(deadline.saturating_add(1))
    }

    /// The wheel's time for the present, when `latest` is where the wheel has been.
    pub(super) fn follow(&self, clock: u64, latest: u64) -> u64 {
        // ORDERING: Relaxed; the CAS decides.
        let lead = self.lead.load(Ordering::Relaxed);
        let time = (clock.min(LAST_CLOCK) + lead).min(END);
        if time + TOLERANCE_MILLIS < latest {
            // A tick further than where it has been: there lies what was found overdue since the
            // clock was set back.
            let next = (lead + latest + 1 - time).min(END);
            // ORDERING: Relaxed; a time carries nothing. A loss means that another thread has seen
            // the same change.
            let _ = self.lead.compare_exchange(lead, next, Ordering::Relaxed, Ordering::Relaxed);
        }
        self.at(clock)
    }
}

#[cfg(all(test, not(pool_loom)))]
mod tests {
    use super::*;

    const YEAR: u64 = 365 * 24 * 3_600_000;

    #[test]
    fn time_is_the_clocks_until_that_is_set_back() {
        let timeline = Timeline::default();

        assert_eq!(timeline.follow(1_000, 0), 1_000);
        assert_eq!(timeline.follow(5 * YEAR, 1_000), 5 * YEAR);
        assert_eq!(timeline.due(7), 8);
    }

    #[test]
    fn time_goes_on_when_the_clock_is_set_back() {
        let timeline = Timeline::default();

        let before = timeline.follow(50 * YEAR, 0);
        let after = timeline.follow(YEAR, before);

        assert_eq!(after, before + 1);
        assert_eq!(timeline.follow(YEAR + 5, after), after + 5);
        assert_eq!(timeline.due(YEAR + 4), after + 5);
    }

    #[test]
    fn a_reading_that_is_a_little_old_changes_nothing() {
        let timeline = Timeline::default();

        assert_eq!(timeline.follow(10_000 - TOLERANCE_MILLIS, 10_000), 10_000 - TOLERANCE_MILLIS);
        assert_eq!(timeline.at(10_000), 10_000);
    }

    #[test]
    fn the_wildest_clock_does_not_overflow() {
        let timeline = Timeline::default();
        let mut latest = 0;

        for _ in 0..1_000 {
            latest = timeline.follow(u64::MAX, latest);
            assert!(latest < END);
            assert_eq!(timeline.follow(0, latest), latest + 1);
        }
        for _ in 0..10_000 {
            latest = timeline.follow(u64::MAX, latest);
            latest = timeline.follow(0, latest).max(latest);
            assert!(latest <= END);
        }
        assert!(timeline.due(u64::MAX) <= END);
    }
}
