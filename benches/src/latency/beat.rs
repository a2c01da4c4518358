//! When the next operation is to begin: at once, or at its time.
//!
//! In a *closed* loop a thread asks for the next thing as soon as it has the answer. A pause is then
//! counted once, although all who would have come meanwhile had to wait as well ("coordinated
//! omission"). In an *open* loop operations are due at fixed times, whatever became of those
//! before, and the time of each counts from the instant at which it was *due*: a pause of a
//! millisecond at a pace of 5 µs makes two hundred operations late.

use super::ticks::{self, Rate};
use std::{hint::spin_loop, thread, time::Duration};

/// How the operations of a thread follow each other.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Loop {
    /// Each as soon as the one before is done.
    Closed,
    /// One at each multiple of this pace.
    Open(Duration),
}

/// The times at which one thread's operations are due.
#[derive(Clone, Copy, Debug)]
pub struct Beat {
    rate: Rate,
    first: u64,
    /// The tick at which operations begin to count.
    begins: u64,
    /// Nanoseconds between two operations; 0 in a closed loop.
    pace: u64,
    passed: u64,
    /// Whether to let others run while waiting: with more threads than processors, one that spins
    /// away its share would make the others late.
    yields: bool,
}

impl Beat {
    /// The beat of one of several threads, from the first tick of `window` on. The threads of an
    /// open loop are spread evenly over its pace.
    ///
    /// Operations count from the second tick on; those that are due before and have not begun by
    /// then are left out, so that who is slow while he warms up does not begin with a queue.
    #[must_use]
    pub fn new(rate: Rate, kind: Loop, window: (u64, u64), thread: usize, threads: usize) -> Self {
        let pace = match kind {
            Loop::Closed => 0,
            Loop::Open(pace) => u64::try_from(pace.as_nanos()).unwrap_or(u64::MAX).max(1),
        };
        let shift = pace * thread as u64 / threads.max(1) as u64;
        let yields = threads > thread::available_parallelism().map_or(1, usize::from);
        let (first, begins) = (window.0 + rate.ticks(shift), window.1);
        Self { rate, first, begins, pace, passed: 0, yields }
    }

    /// The tick at which the next operation is due; `None` in a closed loop. Each call is one
    /// operation.
    #[inline]
    pub fn next_due(&mut self) -> Option<u64> {
        if self.pace == 0 {
            return None;
        }
        let due = self.first + self.rate.ticks(self.passed * self.pace);
        self.passed += 1;
        Some(due)
    }

    /// Waits until the next operation is due, and returns that tick; in a closed loop does neither.
    #[inline]
    pub fn wait(&mut self) -> Option<u64> {
        let mut due = self.next_due()?;
        if due < self.begins && ticks::start() >= self.begins {
            due = self.first_that_counts();
        }
        while ticks::start() < due {
            if self.yields {
                thread::yield_now();
            } else {
                spin_loop();
            }
        }
        Some(due)
    }

    /// Leaves out what is due before operations begin to count.
    #[cold]
    fn first_that_counts(&mut self) -> u64 {
        let left_out = self.rate.nanos(self.begins - self.first).div_ceil(self.pace);
        self.passed = left_out + 1;
        self.first + self.rate.ticks(left_out * self.pace)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: (u64, u64) = (2, 1);

    #[test]
    fn operations_of_an_open_loop_are_due_at_multiples_of_the_pace() {
        let rate = Rate::of(RATE.0, RATE.1);
        let mut beat = Beat::new(rate, Loop::Open(Duration::from_micros(5)), (1_000, 0), 0, 2);

        let due: Vec<_> = (0..4).map(|_| beat.next_due()).collect();

        assert_eq!(due, [Some(1_000), Some(11_000), Some(21_000), Some(31_000)]);
    }

    #[test]
    fn threads_of_an_open_loop_take_turns() {
        let rate = Rate::of(RATE.0, RATE.1);
        let kind = Loop::Open(Duration::from_micros(8));

        let first = |thread| Beat::new(rate, kind, (0, 0), thread, 8).next_due();

        assert_eq!([first(0), first(1), first(7)], [Some(0), Some(2_000), Some(14_000)]);
    }

    #[test]
    fn a_late_operation_does_not_move_those_after_it() {
        let rate = Rate::of(1, 1);
        let mut beat = Beat::new(rate, Loop::Open(Duration::from_nanos(10)), (0, 0), 0, 1);

        // The first is taken at once and the others are long past, so that no call waits.
        let due: Vec<_> = (0..3).map(|_| beat.wait()).collect();

        assert_eq!(due, [Some(0), Some(10), Some(20)]);
    }

    #[test]
    fn a_queue_from_the_warm_up_is_left_out() {
        let rate = Rate::of(1, 1);
        let mut beat = Beat::new(rate, Loop::Open(Duration::from_nanos(10)), (0, 25), 0, 1);

        // It is long past the beginning: what was due at 0, 10 and 20 does not count any more.
        let due: Vec<_> = (0..3).map(|_| beat.wait()).collect();

        assert_eq!(due, [Some(30), Some(40), Some(50)]);
    }

    #[test]
    fn nothing_is_due_in_a_closed_loop() {
        assert_eq!(
            Beat::new(Rate::of(1, 1), Loop::Closed, (u64::MAX, u64::MAX), 0, 1).wait(),
            None
        );
    }
}
