//! What one thread has measured, in memory that was there before it began.

use super::{
    interference::Interference,
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

/// The latencies of one kind of operation, in nanoseconds.
#[derive(Clone, Debug)]
pub struct Latencies {
    /// From the instant at which it was due (in a closed loop: began) to its end.
    pub response: Histogram<u64>,
    /// From its beginning to its end.
    pub service: Histogram<u64>,
}

impl Latencies {
    fn new() -> Self {
        Self { response: histogram(), service: histogram() }
    }

    fn fold(&mut self, other: &Self) {
        // They have the same bounds, so that adding cannot fail.
        let _ = self.response.add(&other.response);
        let _ = self.service.add(&other.service);
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
    /// Of all kinds.
    pub timeline: Timeline,
    /// What else happened to the threads.
    pub interference: Interference,
}

impl Measured {
    /// Adds what another thread has measured.
    pub fn fold(&mut self, other: &Self) {
        for (mine, others) in self.operations.iter_mut().zip(&other.operations) {
            mine.fold(others);
        }
        self.timeline.fold(&other.timeline);
        self.interference += other.interference;
    }
}

/// Measures the operations of one thread.
#[derive(Debug)]
pub struct Recorder {
    rate: Rate,
    began: u64,
    until: u64,
    ended: u64,
    measured: Measured,
}

impl Recorder {
    /// Creates one for so many kinds of operations, in a run of at most this length.
    #[must_use]
    pub fn new(rate: Rate, kinds: usize, length: Duration) -> Self {
        let measured = Measured {
            operations: (0..kinds).map(|_| Latencies::new()).collect(),
            timeline: Timeline::new(length),
            interference: Interference::default(),
        };
        Self { rate, began: 0, until: u64::MAX, ended: 0, measured }
    }

    /// Says between which ticks operations count.
    pub fn set_window(&mut self, began: u64, until: u64) {
        (self.began, self.until) = (began, until);
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
        self.ended = ended;
        let since = due.unwrap_or(started);
        if since < self.began {
            return;
        }
        let service = self.rate.nanos(ended.saturating_sub(started)).max(1);
        let response = self.rate.nanos(ended.saturating_sub(since)).max(1);
        let latencies = &mut self.measured.operations[kind];
        latencies.service.saturating_record(service);
        if due.is_some() {
            latencies.response.saturating_record(response);
        }
        let from = self.rate.nanos(started - self.began);
        self.measured.timeline.mark(from, from + service, response);
    }

    /// What was measured, given what happened to the thread meanwhile.
    #[must_use]
    pub fn finish(mut self, interference: Interference) -> Measured {
        for latencies in &mut self.measured.operations {
            if latencies.response.is_empty() {
                latencies.response.clone_from(&latencies.service);
            }
        }
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
        assert_eq!(measured.operations[1].service.max(), 100);
        assert!(measured.operations[1].response.max().abs_diff(3_100) < 31);
        assert_eq!(measured.timeline.slots(), [3_100]);
    }

    #[test]
    fn a_closed_loop_has_one_latency() {
        let mut recorder = recorder();

        recorder.record(0, None, 2_000, 2_050);

        let measured = recorder.finish(Interference::default());
        assert_eq!(measured.operations[0].response.max(), 50);
        assert_eq!(measured.operations[0].service.max(), 50);
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
        assert_eq!(measured.timeline.slots(), [0; 0]);
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
        assert_eq!(all.timeline.slots(), [70]);
        assert_eq!(all.interference, Interference { preempted: 11, faults: 22 });
    }
}
