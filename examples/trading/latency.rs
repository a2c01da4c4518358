//! How long each command took, in one histogram a command.

use hdrhistogram::{AdditionError, Histogram};
use std::time::Instant;

/// The commands that are timed.
#[derive(Clone, Copy)]
pub(crate) enum Timed {
    Set,
    Get,
    MultiGet,
    Incr,
    Update,
    Keys,
}

/// Their names, in the order of the table.
pub(crate) const NAMES: [&str; 6] = ["SET EX", "GET", "MGET (all)", "INCR", "update", "KEYS"];

/// A histogram of nanoseconds for each command.
pub(crate) struct Latencies(pub(crate) [Histogram<u64>; NAMES.len()]);

impl Latencies {
    /// Empty histograms with three digits, up to a minute.
    pub(crate) fn new() -> Self {
        const MINUTE: u64 = 60_000_000_000;
        Self(std::array::from_fn(|_| {
            // Fails only for more digits than five.
            Histogram::new_with_max(MINUTE, 3)
                .unwrap_or_else(|_| unreachable!("three digits are allowed"))
        }))
    }

    /// Runs a command and notes its time, that of the clock included.
    #[inline]
    pub(crate) fn time<R>(&mut self, command: Timed, run: impl FnOnce() -> R) -> R {
        let began = Instant::now();
        let result = run();
        let nanos = u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.0[command as usize].saturating_record(nanos);
        result
    }

    /// Adds another thread's.
    pub(crate) fn add(&mut self, other: &Self) -> Result<(), AdditionError> {
        self.0.iter_mut().zip(&other.0).try_for_each(|(to, from)| to.add(from))
    }
}

/// What two readings of the clock, back to back, cost: the median, in nanoseconds.
pub(crate) fn cost_of_the_clock() -> f64 {
    const BATCH: u32 = 1_000;
    let mut rounds: Vec<f64> = (0..101)
        .map(|_| {
            let began = Instant::now();
            for _ in 0..BATCH {
                std::hint::black_box(Instant::now().elapsed());
            }
            began.elapsed().as_secs_f64() * 1e9 / f64::from(BATCH)
        })
        .collect();
    rounds.sort_by(f64::total_cmp);
    rounds[rounds.len() / 2]
}
