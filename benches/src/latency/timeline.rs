//! The longest operation of every 10 ms: the picture that shows a pause.

use std::time::Duration;

/// Nanoseconds of a slot.
pub const SLOT_NANOS: u64 = 10_000_000;

/// The longest operation in nanoseconds, slot by slot; 0 where none was under way.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Timeline {
    slots: Vec<u64>,
}

impl Timeline {
    /// Creates an empty one for a run of this length. Its memory has been written to once.
    #[must_use]
    pub fn new(length: Duration) -> Self {
        let slots = length.as_nanos() / u128::from(SLOT_NANOS) + 1;
        // Zeroed memory comes from the kernel page by page, at the first write.
        let mut slots = vec![u64::MAX; usize::try_from(slots).unwrap_or(1)];
        slots.fill(0);
        Self { slots }
    }

    /// One that was measured elsewhere.
    #[must_use]
    pub fn of_slots(slots: Vec<u64>) -> Self {
        Self { slots }
    }

    /// Counts an operation that was under way between two instants (nanoseconds since the run
    /// began) in each slot that it touched. What lies behind the last slot counts in the last.
    #[inline]
    pub fn mark(&mut self, from: u64, to: u64, latency: u64) {
        let last = self.slots.len() - 1;
        let slot = |nanos: u64| usize::try_from(nanos / SLOT_NANOS).unwrap_or(last).min(last);
        for longest in &mut self.slots[slot(from)..=slot(to.max(from))] {
            *longest = latency.max(*longest);
        }
    }

    /// Takes over the longest of each slot of another thread's or kind's.
    pub fn fold(&mut self, other: &Self) {
        if other.slots.len() > self.slots.len() {
            self.slots.resize(other.slots.len(), 0);
        }
        for (longest, others) in self.slots.iter_mut().zip(&other.slots) {
            *longest = (*longest).max(*others);
        }
    }

    /// The slots up to the last in which something was under way.
    #[must_use]
    pub fn slots(&self) -> &[u64] {
        let used = self.slots.iter().rposition(|&longest| longest > 0).map_or(0, |last| last + 1);
        &self.slots[..used]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    #[test]
    fn a_slot_keeps_the_longest_of_its_operations() {
        let mut timeline = Timeline::new(Duration::from_millis(30));

        timeline.mark(MS, MS + 80, 80);
        timeline.mark(2 * MS, 2 * MS + 300, 300);
        timeline.mark(3 * MS, 3 * MS + 90, 90);
        timeline.mark(21 * MS, 21 * MS + 70, 70);

        assert_eq!(timeline.slots(), [300, 0, 70]);
    }

    #[test]
    fn a_pause_fills_every_slot_that_it_covers() {
        let mut timeline = Timeline::new(Duration::from_millis(60));

        timeline.mark(0, 100, 100);
        timeline.mark(9 * MS, 31 * MS, 22 * MS);

        assert_eq!(timeline.slots(), [22 * MS; 4]);
    }

    #[test]
    fn what_ends_after_the_run_counts_in_its_last_slot() {
        let mut timeline = Timeline::new(Duration::from_millis(15));

        timeline.mark(12 * MS, 400 * MS, 388 * MS);

        assert_eq!(timeline.slots(), [0, 388 * MS]);
    }

    #[test]
    fn folding_two_threads_keeps_the_longer_of_each_slot() {
        let mut one = Timeline::new(Duration::from_millis(10));
        let mut other = Timeline::new(Duration::from_millis(20));
        one.mark(0, 50, 50);
        one.mark(10 * MS, 10 * MS + 10, 10);
        other.mark(0, 40, 40);
        other.mark(20 * MS, 20 * MS + 7, 7);

        one.fold(&other);

        assert_eq!(one.slots(), [50, 10, 7]);
    }
}
