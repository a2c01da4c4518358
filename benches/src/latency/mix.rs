//! Nine reads and a write in ten, over keys drawn by Zipf's law.

use super::drive::Gauge;
use crate::{
    contender::Contender,
    keys::{Key, keys_of, value, zipf},
};
use std::hint::black_box;

/// The kinds of operations.
pub const OPERATIONS: &[&str] = &["get", "set"];

const GET: usize = 0;
const SET: usize = 1;

/// One operation in so many is a write.
pub const WRITE_EVERY: u64 = 10;

/// Keys that a thread draws beforehand, and takes in turn. No multiple of ten, so that reads and
/// writes change places from turn to turn.
const DRAWS: usize = 1 << 15;

/// What each of several threads asks for, each in an order of its own.
#[must_use]
pub fn orders(threads: usize, keys: u64) -> Vec<Vec<Key>> {
    (1..=threads as u64).map(|seed| keys_of(&zipf(keys, DRAWS, seed))).collect()
}

/// Measures the mix until the time is over.
pub fn mix<C: Contender>(contender: &C, order: &[Key], gauge: &mut Gauge) {
    for (number, key) in (0..).zip(order.iter().cycle()) {
        let key = *key;
        if number % WRITE_EVERY == 0 {
            let value = value(number);
            let due = gauge.beat.wait();
            let set = || contender.set(black_box(&key), black_box(&value));
            gauge.recorder.time(SET, due, set);
        } else {
            let due = gauge.beat.wait();
            gauge.recorder.time(GET, due, || contender.get(black_box(&key)));
        }
        if gauge.recorder.is_over() {
            return;
        }
    }
}
