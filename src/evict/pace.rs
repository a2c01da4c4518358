//! The tick: the unit in which the policies measure age, moved on by time and by use.
//!
//! Seconds are no measure of age at the speed of a process: a whole cache can turn over in a
//! millisecond. So in a pool that may have to evict the tick moves on whenever a sixteenth of the records have
//! been used (each counts once a tick, see [`usage`](super::usage)), and an age in ticks is about
//! how often the whole has been used since, times sixteen. As long as no key is new nobody needs
//! that resolution, and the tick moves on with time alone, four times a second at most: so that a
//! small pool that is only read does not run through all the ticks that a word can tell apart.
//!
//! Each thread counts the uses that it notes, and moves the tick on by one when it has counted a
//! batch; the sum of all threads is right, however many there are, and what is shared is written
//! once a batch.

use super::{
    local::Local,
    timeline::Timeline,
    usage::{Noted, Tick},
};
use crate::sync::{AtomicU32, AtomicU64, Ordering};

/// Ticks in which every record has been used once, if each is used.
const TICKS_A_TURN: usize = 16;
/// The shortest tick that time makes.
const TICK_MILLIS: u64 = 256;
/// How long after the last insert uses move the tick on, in ticks.
const CHANGING_TICKS: u32 = 64;

/// Where the tick stands, and what moves it.
#[derive(Debug)]
pub(crate) struct Pace {
    /// How many ticks there have been, wrapping.
    count: AtomicU32,
    /// Uses of one thread that make a tick.
    batch: AtomicU32,
    /// The count at the last insert.
    changed: AtomicU32,
    /// Milliseconds since the pool began when time last made a tick.
    moved: AtomicU64,
    timeline: Timeline,
}

impl Pace {
    /// A pace that time alone keeps.
    pub(super) fn new() -> Self {
        Self {
            count: AtomicU32::new(0),
            batch: AtomicU32::new(u32::MAX),
            changed: AtomicU32::new(0),
            moved: AtomicU64::new(0),
            timeline: Timeline::new(),
        }
    }

    /// The present tick.
    #[inline]
    pub(crate) fn now(&self) -> Tick {
        Tick::new(self.count())
    }

    #[inline]
    fn count(&self) -> u32 {
        // ORDERING: Relaxed; a coarse measure, nothing is carried.
        self.count.load(Ordering::Relaxed)
    }

    /// Counts a use that a read or a write has noted; `millis` is the time since the pool began.
    #[inline]
    pub(crate) fn count_use(&self, noted: Noted, local: &Local, millis: impl FnOnce() -> u64) {
        if noted == Noted::New {
            self.count_new_use(local, millis);
        }
    }

    #[cold]
    fn count_new_use(&self, local: &Local, millis: impl FnOnce() -> u64) {
        // ORDERING: Relaxed; a tuning value.
        let batch = self.batch.load(Ordering::Relaxed);
        if local.count_use(batch) && self.is_changing() {
            self.advance(millis());
        }
    }

    /// Lets time move the tick on; `millis` is the time since the pool began, coarsely. For writes.
    #[inline]
    pub(crate) fn let_time_pass(&self, millis: u64) {
        // ORDERING: Relaxed; coarse time, nothing is carried.
        let moved = self.moved.load(Ordering::Relaxed);
        if millis.wrapping_sub(moved) >= TICK_MILLIS {
            self.pass(moved, millis);
        }
    }

    #[cold]
    fn pass(&self, moved: u64, millis: u64) {
        // ORDERING: Relaxed; it elects one of those who find that a tick is over. Time that goes
        // backwards, as only a clock of the host's can, makes one tick and starts again from there.
        let (to, same) = (Ordering::Relaxed, Ordering::Relaxed);
        if self.moved.compare_exchange(moved, millis, to, same).is_ok() {
            self.advance(millis);
        }
    }

    /// Notes that a key is new: from now on uses move the tick on.
    #[inline]
    pub(super) fn note_insert(&self) {
        let count = self.count();
        // ORDERING: Relaxed; a hint. Written once a tick, not once an insert.
        if self.changed.load(Ordering::Relaxed) != count {
            self.changed.store(count, Ordering::Relaxed);
        }
    }

    /// Fits the batch to a number of records. Until it is called, time alone moves the tick on.
    pub(super) fn fit(&self, keys: usize) {
        let batch = u32::try_from(keys / TICKS_A_TURN).unwrap_or(u32::MAX).max(1);
        // ORDERING: Relaxed; a tuning value.
        self.batch.store(batch, Ordering::Relaxed);
    }

    /// Milliseconds since the pool began when a record was last used, as far as the
    /// [timeline](Timeline) knows: not later than it was.
    pub(crate) fn millis_at(&self, used: Tick) -> u64 {
        let count = self.count();
        let age = Tick::new(count).since(used);
        self.timeline.millis_at(count.wrapping_sub(age), age)
    }

    /// Bytes of the timeline.
    pub(super) fn bytes(&self) -> usize {
        self.timeline.bytes()
    }

    fn is_changing(&self) -> bool {
        // ORDERING: Relaxed; a hint.
        let changed = self.changed.load(Ordering::Relaxed);
        self.count().wrapping_sub(changed) <= CHANGING_TICKS
    }

    fn advance(&self, millis: u64) {
        // ORDERING: Relaxed; every tick is counted, and nothing is carried by it.
        let count = self.count.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
        self.timeline.note(count, millis);
    }
}

#[cfg(all(test, not(pool_loom)))]
mod tests {
    use super::{CHANGING_TICKS, Local, Noted, Pace, TICK_MILLIS, Tick};

    fn uses(pace: &Pace, local: &Local, count: u32) {
        for _ in 0..count {
            pace.count_use(Noted::New, local, || 0);
        }
    }

    #[test]
    fn a_sixteenth_of_the_records_makes_a_tick() {
        let (pace, local) = (Pace::new(), Local::default());

        uses(&pace, &local, 100);
        assert_eq!(pace.count(), 0, "nothing is to be evicted");

        pace.fit(160);
        uses(&pace, &local, 100);
        assert_eq!(pace.count(), 10);

        pace.count_use(Noted::Again, &local, || 0);
        assert_eq!(pace.count(), 10);
    }

    #[test]
    fn uses_stop_making_ticks_when_no_key_is_new_any_more() {
        let (pace, local) = (Pace::new(), Local::default());
        pace.fit(1);

        uses(&pace, &local, 1_000);
        assert_eq!(pace.count(), CHANGING_TICKS + 1);

        pace.note_insert();
        uses(&pace, &local, 10);
        assert_eq!(pace.count(), CHANGING_TICKS + 11);
    }

    #[test]
    fn threads_move_the_tick_on_together() {
        let (pace, one, other) = (Pace::new(), Local::default(), Local::default());
        pace.fit(160);

        uses(&pace, &one, 45);
        uses(&pace, &other, 55);

        assert_eq!(pace.count(), 9);
    }

    #[test]
    fn time_makes_one_tick_however_much_of_it_has_passed() {
        let pace = Pace::new();

        pace.let_time_pass(TICK_MILLIS - 1);
        assert_eq!(pace.count(), 0);
        pace.let_time_pass(TICK_MILLIS);
        pace.let_time_pass(TICK_MILLIS + 1);
        assert_eq!(pace.count(), 1);
        pace.let_time_pass(1_000_000);
        assert_eq!(pace.count(), 2);

        assert_eq!(pace.millis_at(Tick::new(1)), TICK_MILLIS);
        assert_eq!(pace.millis_at(Tick::new(2)), 1_000_000);
    }
}
