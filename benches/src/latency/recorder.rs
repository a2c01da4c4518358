//! What one thread has measured, in memory that was there before it began.

use super::{
    interference::{Interference, RunQueue},
    ticks::{self, Rate},
    timeline::Timeline,
};
use hdrhistogram::Histogram;
use std::{hint::black_box, time::Duration};

/// The longest latency that a histogram tells from longer ones: a minute.
const LONGEST: u64 = 60_000_000_000;

/// Significant digits: figures are right to 1 %, and a histogram's used part fits a first-level
/// cache, which it shares with what is measured.
const DIGITS: u8 = 2;

/// An operation, or a gap between two, that is longer than so many nanoseconds may have been
/// interrupted: the run queue is asked.
const SUSPICIOUS: u64 = 20_000;

/// The run queue is asked at least so often, so that many short waits are not taken off the next
/// long operation.
const ASKED_EVERY: u64 = 10_000_000;

/// The latencies of one kind of operation, in nanoseconds.
#[derive(Clone, Debug)]
pub struct Latencies {
    /// From the instant at which it was due (in a closed loop: began) to its end.
    pub response: Histogram<u64>,
    /// From its beginning to its end, less the time for which the thread was kept from running:
    /// what the contender itself took.
    pub own: Histogram<u64>,
}

impl Latencies {
    /// No operation yet.
    #[must_use]
    pub fn new() -> Self {
        Self { response: histogram(), own: histogram() }
    }

    /// Adds the operations of others.
    fn fold(&mut self, other: &Self) {
        // They have the same bounds, so that adding cannot fail.
        let _ = self.response.add(&other.response);
        let _ = self.own.add(&other.own);
    }
}

impl Default for Latencies {
    fn default() -> Self {
        Self::new()
    }
}

/// Creates a histogram, with its memory written to once.
fn histogram() -> Histogram<u64> {
    let created = Histogram::new_with_bounds(1, LONGEST, DIGITS);
    let mut histogram = created.unwrap_or_else(|_| unreachable!("the bounds are valid constants"));
    histogram.saturating_record(1);
    // Writes all counts.
    histogram.reset();
    histogram
}

/// Everything that one or several threads have measured.
#[derive(Clone, Debug)]
pub struct Measured {
    /// By kind of operation.
    pub operations: Vec<Latencies>,
    /// The longest response of all kinds.
    pub responses: Timeline,
    /// The longest own time of all kinds.
    pub own: Timeline,
    /// What else happened to the threads.
    pub interference: Interference,
}

impl Measured {
    /// Adds what another thread has measured.
    pub fn fold(&mut self, other: &Self) {
        for (mine, others) in self.operations.iter_mut().zip(&other.operations) {
            mine.fold(others);
        }
        self.responses.fold(&other.responses);
        self.own.fold(&other.own);
        self.interference += other.interference;
    }
}

/// Measures the operations of one thread.
#[derive(Debug)]
pub struct Recorder {
    rate: Rate,
    queue: RunQueue,
    began: u64,
    until: u64,
    ended: u64,
    /// The tick at which the run queue answered for the last time.
    asked: u64,
    measured: Measured,
}

impl Recorder {
    /// Creates one for so many kinds of operations, in a run of at most this length.
    #[must_use]
    pub fn new(rate: Rate, kinds: usize, length: Duration) -> Self {
        let measured = Measured {
            operations: (0..kinds).map(|_| Latencies::new()).collect(),
            responses: Timeline::new(length),
            own: Timeline::new(length),
            interference: Interference::default(),
        };
        Self {
            rate,
            queue: RunQueue::none(),
            began: 0,
            until: u64::MAX,
            ended: 0,
            asked: 0,
            measured,
        }
    }

    /// Says between which ticks operations count.
    pub fn set_window(&mut self, began: u64, until: u64) {
        (self.began, self.until) = (began, until);
    }

    /// Says that the current thread measures from now on.
    pub fn take_seat(&mut self) {
        self.queue = RunQueue::of_this_thread();
    }

    /// Does an operation of a kind, and measures it; `due` is the tick at which it should have
    /// begun, in an open loop.
    #[inline(always)]
    pub fn time<R>(&mut self, kind: usize, due: Option<u64>, work: impl FnOnce() -> R) -> R {
        let started = ticks::start();
        let result = black_box(work());
        let ended = ticks::end();
        self.record(kind, due, started, ended);
        result
    }

    /// Whether the time is over, as of the end of the last operation.
    #[inline]
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.ended >= self.until
    }

    /// Ticks from the beginning of the window to the end of the last operation.
    #[inline]
    #[must_use]
    pub fn elapsed_ticks(&self) -> u64 {
        self.ended.saturating_sub(self.began)
    }

    /// Writes an operation down. Out of line, so that it disturbs the measured code as little as it
    /// can: allocates nothing, and touches a few lines.
    #[inline(never)]
    fn record(&mut self, kind: usize, due: Option<u64>, started: u64, ended: u64) {
        let since = due.unwrap_or(started);
        let idle = started.saturating_sub(due.unwrap_or(0).max(self.ended).max(self.asked));
        self.ended = ended;
        let service = self.rate.nanos(ended.saturating_sub(started)).max(1);
        let own = self.own_time(service, self.rate.nanos(idle));
        if since < self.began {
            return;
        }
        let response = self.rate.nanos(ended.saturating_sub(since)).max(1);
        let latencies = &mut self.measured.operations[kind];
        latencies.own.saturating_record(own);
        latencies.response.saturating_record(response);
        let from = self.rate.nanos(started - self.began);
        self.measured.responses.mark(from, from + service, response);
        self.measured.own.mark(from, from + service, own);
    }

    /// What is left of an operation's time without that for which the thread was kept from running.
    /// `idle` is the time before it that nobody has waited for on purpose.
    #[inline]
    fn own_time(&mut self, service: u64, idle: u64) -> u64 {
        let since_asked = self.rate.nanos(self.ended.saturating_sub(self.asked));
        if service.max(idle) < SUSPICIOUS && since_asked < ASKED_EVERY {
            return service;
        }
        let waited = self.queue.waited_since_last();
        // The thread may have waited on its way here too, which is in the answer.
        self.asked = ticks::end();
        if service < SUSPICIOUS {
            return service;
        }
        // What was waited for before the operation is not the operation's.
        service.saturating_sub(waited.saturating_sub(idle)).max(1)
    }

    /// What was measured, given what happened to the thread meanwhile.
    #[must_use]
    pub fn finish(mut self, interference: Interference) -> Measured {
        self.measured.interference = interference;
        self.measured
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recorder() -> Recorder {
        let mut recorder = Recorder::new(Rate::of(1, 1), 2, Duration::from_millis(50));
        recorder.set_window(1_000, 40_000_000);
        recorder
    }

    #[test]
    fn an_open_loop_counts_from_the_instant_at_which_an_operation_was_due() {
        let mut recorder = recorder();

        recorder.record(1, Some(2_000), 5_000, 5_100);

        let measured = recorder.finish(Interference::default());
        assert_eq!(measured.operations[0].response.len(), 0);
        assert_eq!(measured.operations[1].own.max(), 100);
        assert!(measured.operations[1].response.max().abs_diff(3_100) < 31);
        assert_eq!(measured.responses.slots(), [3_100]);
        assert_eq!(measured.own.slots(), [100]);
    }

    #[test]
    fn a_closed_loop_counts_from_the_beginning() {
        let mut recorder = recorder();

        recorder.record(0, None, 2_000, 2_050);

        let measured = recorder.finish(Interference::default());
        assert_eq!(measured.operations[0].response.max(), 50);
        assert_eq!(measured.operations[0].own.max(), 50);
    }

    #[test]
    fn what_began_before_the_window_does_not_count() {
        let mut recorder = recorder();

        recorder.record(0, None, 900, 1_100);
        assert!(!recorder.is_over());
        recorder.record(0, Some(999), 2_000, 40_000_000);
        assert!(recorder.is_over());

        let measured = recorder.finish(Interference::default());
        assert!(measured.operations[0].response.is_empty());
        assert_eq!(measured.responses.slots(), [0; 0]);
    }

    #[test]
    fn a_thread_that_is_never_kept_from_running_owns_all_of_its_time() {
        let mut recorder = recorder();

        recorder.record(0, None, 2_000, 9_002_000);

        let measured = recorder.finish(Interference::default());
        assert!(measured.operations[0].own.max().abs_diff(9_000_000) < 90_000);
    }

    #[test]
    fn threads_add_up() {
        let mut one = recorder();
        let mut other = recorder();
        one.record(0, None, 2_000, 2_050);
        other.record(0, None, 2_000, 2_070);

        let mut all = one.finish(Interference { preempted: 1, faults: 2 });
        all.fold(&other.finish(Interference { preempted: 10, faults: 20 }));

        assert_eq!(all.operations[0].response.len(), 2);
        assert_eq!(all.responses.slots(), [70]);
        assert_eq!(all.interference, Interference { preempted: 11, faults: 22 });
    }
}
