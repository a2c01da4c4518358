//! One round of a workload on one contender, timed.

use crate::{
    contender::{Contender, Counter, Pool, head},
    keys::{Key, key, value},
};
use std::{
    hint::black_box,
    sync::Barrier,
    thread,
    time::{Duration, Instant},
};

/// The middle one of the figures of several rounds; not a number when there are none.
#[must_use]
pub fn median(mut rounds: Vec<f64>) -> f64 {
    rounds.sort_by(f64::total_cmp);
    rounds.get(rounds.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Creates a contender that holds the keys of the numbers below `keys`.
#[must_use]
pub fn filled<C: Contender>(keys: u64) -> C {
    let contender = C::with_capacity(usize::try_from(keys).unwrap_or(usize::MAX));
    for number in 0..keys {
        contender.set(&key(number), &value(number));
    }
    contender
}

/// Reads keys `ops` times, over and over in their order.
#[must_use]
pub fn get<C: Contender>(contender: &C, keys: &[Key], ops: usize) -> Duration {
    let start = Instant::now();
    let mut sum = 0;
    for key in keys.iter().cycle().take(ops) {
        sum ^= contender.get(key).unwrap_or_default();
    }
    black_box(sum);
    start.elapsed()
}

/// Reads `ops` keys, each of which depends on the value read before.
#[must_use]
pub fn get_dependent<C: Contender>(contender: &C, keys: u64, ops: usize) -> Duration {
    let start = Instant::now();
    let mut number = 0_u64;
    for step in 0..ops as u64 {
        let found = contender.get(&key(number)).unwrap_or_default();
        // A full-period walk would do too; this one also mixes the step in.
        number = (found.wrapping_add(step).wrapping_mul(0x2545_F491_4F6C_DD1D) >> 20) % keys;
    }
    black_box(number);
    start.elapsed()
}

/// Reads keys in batches.
#[must_use]
pub fn get_many(pool: &Pool, keys: &[Key], batch: usize, ops: usize) -> Duration {
    let start = Instant::now();
    let mut sum = 0;
    for keys in keys.chunks(batch).cycle().take(ops / batch) {
        pool.0.get_many_with(keys, |_, value| sum ^= value.map_or(0, head));
    }
    black_box(sum);
    start.elapsed()
}

/// Overwrites keys `ops` times, over and over in their order.
#[must_use]
pub fn set<C: Contender>(contender: &C, keys: &[Key], ops: usize) -> Duration {
    let start = Instant::now();
    for (number, key) in (0..).zip(keys.iter().cycle().take(ops)) {
        contender.set(key, &value(number));
    }
    start.elapsed()
}

/// Sets keys of the pool with a time to live, `ops` times, over and over in their order.
#[must_use]
pub fn set_px(pool: &Pool, keys: &[Key], millis: i64, ops: usize) -> Duration {
    let start = Instant::now();
    for (number, key) in (0..).zip(keys.iter().cycle().take(ops)) {
        let done = pool.0.psetex(key, millis, value(number));
        debug_assert_eq!(done, Ok(()));
    }
    start.elapsed()
}

/// Reads or, one time in `write_every`, overwrites.
#[must_use]
pub fn mix<C: Contender>(contender: &C, keys: &[Key], write_every: usize, ops: usize) -> Duration {
    let start = Instant::now();
    let mut sum = 0;
    for (number, key) in (0..).zip(keys.iter().cycle().take(ops)) {
        if number % write_every == 0 {
            contender.set(key, &value(number as u64));
        } else {
            sum ^= contender.get(key).unwrap_or_default();
        }
    }
    black_box(sum);
    start.elapsed()
}

/// Counts one key up.
#[must_use]
pub fn incr<C: Counter>(contender: &C, key: &Key, ops: usize) -> Duration {
    let start = Instant::now();
    for _ in 0..ops {
        black_box(contender.incr(key));
    }
    start.elapsed()
}

/// Runs `work` on several threads at once, each with its number; from the common start to the end
/// of the last.
pub fn on_threads(threads: usize, work: impl Fn(usize) + Sync) -> Duration {
    if threads == 1 {
        let start = Instant::now();
        work(0);
        return start.elapsed();
    }
    let barrier = Barrier::new(threads + 1);
    let start = thread::scope(|scope| {
        for thread in 0..threads {
            let (barrier, work) = (&barrier, &work);
            scope.spawn(move || {
                barrier.wait();
                work(thread);
            });
        }
        barrier.wait();
        Instant::now()
    });
    start.elapsed()
}
