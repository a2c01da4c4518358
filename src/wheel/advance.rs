//! Moving the wheel on to the present, in slices that anybody may do.

use super::{
    Wheel,
    hint::Hint,
    level::Help,
    position::{Position, begin_of, tick_at},
    records::Records,
    timeline::TOLERANCE_MILLIS,
};
use crate::{
    reclaim::Guard,
    sync::{CLAIM, Ordering},
};

/// Steps over empty ticks that cost as much of a budget as one entry does. With the budget of a
/// writer three levels catch up at once after a long rest.
const STEPS_PER_ENTRY: usize = 100;

/// A time at which something is due at every later one.
pub(super) const NEVER: u64 = 0;

/// What an advance came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Advanced {
    /// Records that had expired and were removed.
    pub(crate) expired: usize,
    /// Whether more was due when the budget was used up.
    pub(crate) is_more_due: bool,
}

impl<const LEVELS: usize> Wheel<LEVELS> {
    /// Entries that a writer may fire as a part of its operation.
    ///
    /// A SET with sixteen takes ten times as long as one with none, so that it should be few; but each
    /// SET can leave one entry behind, and what expires together has to be gone soon: a million keys
    /// after 100,000 SETs.
    pub(crate) const INLINE: usize = 10;

    /// Moves on to the time `now` of the clock: fires up to `budget` entries that are due, and pays
    /// a little of what a sweep [owes](Self::owes_sweep).
    ///
    /// Any number of threads may do so at the same time. The clock is read just before the call: a
    /// time that is seconds old looks like a clock that was set back. The guard holds back garbage:
    /// large budgets are better spent in several calls with a guard each.
    ///
    /// A load or two when there is nothing to do. Lock-free; what is claimed by a thread that falls
    /// asleep waits for it, up to sixteen entries.
    #[inline]
    pub(crate) fn advance<R: Records>(
        &self,
        now: u64,
        budget: usize,
        records: &R,
        guard: &Guard<'_>,
    ) -> Advanced {
        if self.is_due(now, 0) || self.owes_sweep() {
            self.catch_up(now, budget, records, guard)
        } else {
            Advanced::default()
        }
    }

    /// Whether an [`advance`](Self::advance) to the time `now` of the clock may find something to do
    /// that has waited for longer than `patience`, in milliseconds.
    #[inline]
    pub(crate) fn is_due(&self, now: u64, patience: u64) -> bool {
        // ORDERING: Relaxed; a hint. What is missed waits for the next millisecond.
        let done = self.done.load(Ordering::Relaxed);
        // Wraps when time has gone on. When it is a little behind, somebody has looked at the clock
        // later than the caller has.
        let ahead = done.wrapping_sub(self.timeline.roughly_at(now));
        ahead.wrapping_add(patience) > TOLERANCE_MILLIS + patience
    }

    #[cold]
    fn catch_up<R: Records>(
        &self,
        now: u64,
        budget: usize,
        records: &R,
        guard: &Guard<'_>,
    ) -> Advanced {
        let mut expired = if self.owes_sweep() { self.sweep(now, records, guard) } else { 0 };
        let time = self.timeline.follow(now, self.latest());
        let mut credit = budget.saturating_sub(expired).saturating_mul(STEPS_PER_ENTRY);
        while let Some(level) = self.finest_due(time) {
            if credit == 0 {
                return Advanced { expired, is_more_due: true };
            }
            let (spent, removed) = self.slice(level, time, now, credit, records, guard);
            credit = credit.saturating_sub(spent);
            expired += removed;
        }
        self.note_done(if self.owes_sweep() { NEVER } else { time });
        Advanced { expired, is_more_due: false }
    }

    /// Notes when nothing more was due; [`NEVER`] sees to it that all advances find something to do.
    pub(super) fn note_done(&self, time: u64) {
        // ORDERING: Relaxed; a hint, as in `is_due`.
        self.done.store(time, Ordering::Relaxed);
    }

    /// Helps one level: over empty ticks until there are entries, and fires a batch of these.
    /// Returns what it has cost and how many records were removed.
    fn slice<R: Records>(
        &self,
        level: usize,
        time: u64,
        now: u64,
        credit: usize,
        records: &R,
        guard: &Guard<'_>,
    ) -> (usize, usize) {
        let most = credit.div_ceil(STEPS_PER_ENTRY).min(CLAIM);
        for spent in 1..=credit {
            match self.levels[level].help(tick_at(time, level), most, guard) {
                Help::Idle => return (spent, 0),
                Help::Stepped => {}
                Help::Claimed(batch) => {
                    records.expect(batch.hints(), guard);
                    let fire = |hint: &Hint| self.fire(*hint, now, records, guard);
                    let expired = batch.hints().iter().map(fire).sum();
                    return (spent + batch.hints().len() * STEPS_PER_ENTRY, expired);
                }
            }
        }
        (credit, 0)
    }

    /// The finest level on which something is due at a time.
    ///
    /// The finest first, so that what fires early on a coarser level finds the finer ones at the
    /// present, within reach of its deadline.
    fn finest_due(&self, time: u64) -> Option<usize> {
        (0..LEVELS).find(|level| self.levels[*level].is_due(tick_at(time, *level)))
    }

    /// Where the wheel has been.
    fn latest(&self) -> u64 {
        let begin =
            |(number, level): (usize, &super::level::Level)| begin_of(level.current(), number);
        self.levels.iter().enumerate().map(begin).max().unwrap_or(0)
    }

    /// The place for what is due at a time.
    #[inline]
    pub(super) fn position(&self, due: u64) -> Position {
        Position::of(due, LEVELS, |level| self.levels[level].current())
    }

    /// Pushes an entry for a record with this deadline: to a position that was ahead a moment ago,
    /// or to one that is ahead now.
    #[inline]
    pub(super) fn schedule<R: Records>(
        &self,
        hint: Hint,
        deadline: u64,
        position: Position,
        records: &R,
        guard: &Guard<'_>,
    ) {
        if !self.levels[position.level].push(hint, position.tick, guard) {
            self.schedule_again(hint, deadline, guard);
        }
        self.cap.count(records, guard);
    }

    /// Pushes an entry whose tick has come meanwhile.
    #[cold]
    #[inline(never)]
    fn schedule_again(&self, hint: Hint, deadline: u64, guard: &Guard<'_>) {
        loop {
            let position = self.position(self.timeline.due(deadline));
            if self.levels[position.level].push(hint, position.tick, guard) {
                return;
            }
        }
    }
}
