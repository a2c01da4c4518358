//! Bytes over time, sampled beside a measurement.

use crate::allocation::uncounted;
use std::{
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    thread,
    time::{Duration, Instant},
};

/// Samples that are kept room for.
const ROOM: usize = 1 << 12;

/// What a contender held, as it went on.
#[derive(Clone, PartialEq, Debug)]
pub struct Memory {
    /// Bytes when there was nothing to give back.
    pub baseline: i64,
    /// Bytes that are to be given back, or 0.
    pub owed: i64,
    /// Seconds since the instant that counts, and bytes.
    pub samples: Vec<(f64, i64)>,
}

impl Memory {
    /// The most bytes above the baseline.
    #[must_use]
    pub fn peak(&self) -> i64 {
        self.samples.iter().map(|&(_, bytes)| bytes - self.baseline).max().unwrap_or(0)
    }

    /// The share of what is owed that is still held at a time; `None` when nobody looked.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a share")]
    pub fn share_held_at(&self, seconds: f64) -> Option<f64> {
        let (_, bytes) = self.samples.iter().find(|&&(at, _)| at >= seconds)?;
        (self.owed > 0).then(|| (bytes - self.baseline) as f64 / self.owed as f64)
    }

    /// When at most this share was held for the first time.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a share")]
    pub fn when_held_at_most(&self, share: f64) -> Option<f64> {
        let most = self.owed as f64 * share;
        let is_back = |bytes: i64| (bytes - self.baseline) as f64 <= most;
        self.samples.iter().find(|&&(_, bytes)| is_back(bytes)).map(|&(at, _)| at)
    }
}

/// Samples on another thread while `during` runs; the samples' times are seconds since `origin`,
/// negative before it.
pub fn watch<R>(
    every: Duration,
    origin: Instant,
    mut sample: impl FnMut() -> i64 + Send,
    during: impl FnOnce() -> R,
) -> (R, Vec<(f64, i64)>) {
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let samples = scope.spawn(|| {
            let mut samples = uncounted(|| Vec::with_capacity(ROOM));
            while !is_over.load(Relaxed) {
                let now = Instant::now();
                let seconds = now.saturating_duration_since(origin).as_secs_f64()
                    - origin.saturating_duration_since(now).as_secs_f64();
                samples.push((seconds, sample()));
                thread::sleep(every);
            }
            samples
        });
        let result = during();
        is_over.store(true, Relaxed);
        (result, samples.join().unwrap_or_default())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_still_held_is_that_of_what_was_owed() {
        let samples = vec![(-1.0, 1_100), (0.0, 900), (1.0, 190), (2.0, 100)];
        let memory = Memory { baseline: 100, owed: 1_000, samples };

        assert_eq!(memory.share_held_at(0.0), Some(0.8));
        assert_eq!(memory.share_held_at(1.5), Some(0.0));
        assert_eq!(memory.share_held_at(3.0), None);
        assert_eq!(memory.when_held_at_most(0.1), Some(1.0));
        assert_eq!(memory.when_held_at_most(-1.0), None);
        assert_eq!(memory.peak(), 1_000);
    }

    #[test]
    fn samples_are_taken_until_the_work_is_done() {
        let mut count = 0;
        let sample = || {
            count += 1;
            count
        };

        let (result, samples) = watch(Duration::from_millis(1), Instant::now(), sample, || {
            thread::sleep(Duration::from_millis(20));
            "done"
        });

        assert_eq!(result, "done");
        assert!(samples.len() > 1);
        assert!(samples.is_sorted());
    }
}
