//! Any schedule of deadlines and of the clock: what has expired is removed in time, and nothing else.

#![no_main]

#[path = "../../tests/support/mod.rs"]
mod support;

use libfuzzer_sys::fuzz_target;
use support::schedule::{Move, Schedule};

fuzz_target!(|moves: Vec<Move>| {
    let mut schedule = Schedule::new();
    for step in moves {
        schedule.step(step);
    }
    schedule.finish();
});
