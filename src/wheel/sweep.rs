//! The debt of skipped pushes, and the rounds through the table that pay it.
//!
//! A record whose push was skipped has a deadline and no cover, and nothing in the wheel leads to it.
//! So whoever skips a push *owes* a round: from then on each writer looks at a few buckets, expired
//! records are removed and the others pushed for, until a whole round has been made that began after
//! the last skip.
//!
//! # How it works
//!
//! ```text
//! cursor: [63:32] round | [31:0] where in the table     owed: the round whose begin pays the debt
//!
//! owe, after publishing the record:   r = round of cursor.fetch_add(0);   owed = max(owed, r + 2)
//! sweep, while round(cursor) < owed:  c = cursor.load;   look at the buckets at c;
//!                                     CAS cursor c → the next place, or (round + 1, 0) at the end
//! ```
//!
//! The cursor moves only after a look, so that nobody's sleep leaves a bucket out; two threads may
//! look at the same one, which is harmless. A round that begins after `owe` has read the cursor sees
//! the record: whoever reads the cursor in that round synchronizes with the `fetch_add`. Rounds wrap
//! at 32 bits; only a thread that sleeps for all of them could move a cursor that is not its own.
//!
//! # Orderings
//!
//! | edge        | from                                  | to                     | carries              |
//! |-------------|---------------------------------------|------------------------|----------------------|
//! | `owe→round` | cursor RMW, Release                   | cursor load, Acquire   | the record           |

use super::{Wheel, advance::NEVER, cover::Cover, records::Records};
use crate::{
    reclaim::Guard,
    sync::{AtomicU32, AtomicU64, Mutant, Ordering, is_mutant},
};

/// Looks at the table that a writer adds to its operation while a round is owed.
const LOOKS: usize = if cfg!(pool_loom) { 1 } else { 2 };

/// How far the sweep is, and how far it has to go.
#[derive(Debug, Default)]
pub(super) struct Sweep {
    cursor: AtomicU64,
    owed: AtomicU32,
}

/// The round of a cursor.
#[inline]
fn round_of(cursor: u64) -> u32 {
    (cursor >> 32) as u32
}

/// Whether round `a` comes before round `b`, within half the range.
#[inline]
fn is_before(a: u32, b: u32) -> bool {
    b.wrapping_sub(a).cast_signed() > 0
}

impl Sweep {
    /// Whether a round is owed.
    #[inline]
    pub(super) fn is_owed(&self) -> bool {
        // ORDERING: Relaxed; a hint, and read again before anything is done.
        let cursor = self.cursor.load(Ordering::Relaxed);
        self.is_owed_at(cursor)
    }

    #[inline]
    fn is_owed_at(&self, cursor: u64) -> bool {
        // ORDERING: Relaxed; an old value delays the sweep until it is read anew.
        is_before(round_of(cursor), self.owed.load(Ordering::Relaxed))
    }

    /// Notes that a round has to be made that begins after now.
    #[cold]
    fn owe(&self) {
        let cursor = if is_mutant(Mutant::OweByLoad) {
            // ORDERING: the mutant may read the cursor of a round that has been over for long.
            self.cursor.load(Ordering::Acquire)
        } else {
            // ORDERING: Release, edge `owe→round`. An RMW, since it has to read the latest value
            // and to be read by all later ones.
            self.cursor.fetch_add(0, Ordering::Release)
        };
        let rounds = if is_mutant(Mutant::OweThisRound) { 1 } else { 2 };
        let round = round_of(cursor).wrapping_add(rounds);
        // ORDERING: Relaxed; the number says all.
        let _ = self.owed.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |owed| {
            is_before(owed, round).then_some(round)
        });
    }

    /// Moves the cursor on, unless somebody else has.
    fn step(&self, seen: u64, next: u32) {
        let round = round_of(seen);
        let round = if next == 0 { round.wrapping_add(1) } else { round };
        let next = u64::from(round) << 32 | u64::from(next);
        // ORDERING: Relaxed; being an RMW, it carries on the edge `owe→round`.
        let _ = self.cursor.compare_exchange(seen, next, Ordering::Relaxed, Ordering::Relaxed);
    }
}

impl<const LEVELS: usize> Wheel<LEVELS> {
    /// Whether pushes were skipped for which no whole round has been made yet.
    #[inline]
    pub(crate) fn owes_sweep(&self) -> bool {
        self.sweep.is_owed()
    }

    /// The round that pays what is owed by now, if anything is.
    pub(crate) fn owed_round(&self) -> Option<u32> {
        // ORDERING: Relaxed; the number says all.
        self.owes_sweep().then(|| self.sweep.owed.load(Ordering::Relaxed))
    }

    /// Whether the rounds before this one have been made.
    pub(crate) fn has_swept(&self, round: u32) -> bool {
        // ORDERING: Relaxed; a hint.
        !is_before(round_of(self.sweep.cursor.load(Ordering::Relaxed)), round)
    }

    /// Notes a skipped push, after its record was published.
    #[cold]
    pub(super) fn owe<R: Records>(&self, records: &R, guard: &Guard<'_>) {
        self.cap.count(records, guard);
        self.sweep.owe();
        self.note_done(NEVER);
    }

    /// Looks at a few buckets for records whose push was skipped, if a round is owed; returns how
    /// many records had expired at `now`, by the clock, and are removed.
    #[cold]
    pub(super) fn sweep<R: Records>(&self, now: u64, records: &R, guard: &Guard<'_>) -> usize {
        self.cap.look(records);
        let mut expired = 0;
        for _ in 0..LOOKS {
            // ORDERING: Acquire, edge `owe→round`.
            let seen = self.sweep.cursor.load(Ordering::Acquire);
            if !self.sweep.is_owed_at(seen) {
                break;
            }
            #[expect(clippy::cast_possible_truncation, reason = "the lower half is the place")]
            let place = seen as u32;
            let next = records.visit_from(place, guard, |found| {
                expired += usize::from(self.look_for_skipped(&found, now, records, guard));
            });
            self.sweep.step(seen, next);
        }
        expired
    }

    /// Pushes for a record that has no cover; true when it had expired and is removed.
    fn look_for_skipped<R: Records>(
        &self,
        found: &R::Found<'_>,
        now: u64,
        records: &R,
        guard: &Guard<'_>,
    ) -> bool {
        let deadline = records.deadline(found, guard);
        if deadline == 0 {
            return false;
        }
        if deadline < now {
            return records.expire(found, guard);
        }
        let word = records.cover(found, guard);
        let cover = Cover::of(word);
        if cover.level().is_none() {
            let hint = records.hint(found, guard);
            // A loss means that somebody else has pushed for it.
            self.renew(cover, deadline, hint, word, records, guard);
        }
        false
    }
}
