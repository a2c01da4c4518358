//! Models of the millisecond that is shown, over its real code.
//!
//! | model                       | actors | wrong way that must fail    |
//! |-----------------------------|--------|-----------------------------|
//! | `an_old_look_noted_late`    | 2      | `MillisecondByStore`        |
//! | `a_window_that_opens`       | 2      | `WindowBeforeMillisecond`   |

use super::millisecond::Millisecond;
use crate::{
    model::{breaks, holds},
    sync::Mutant,
};
use ::loom::{sync::Arc, thread};
// Time is the same for all, and so no part of what is explored.
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

/// Nanoseconds of a millisecond.
const MILLISECOND: u64 = 1_000_000;

/// A kernel's clock, a counter that shows the same, and the millisecond.
struct Machine {
    nanos: AtomicU64,
    present: Millisecond,
}

impl Machine {
    fn new() -> Arc<Self> {
        let nanos = AtomicU64::new(5 * MILLISECOND);
        Arc::new(Self { nanos, present: Millisecond::new() })
    }

    fn nanos(&self) -> u64 {
        self.nanos.load(SeqCst)
    }

    fn pass_to(&self, millis: u64) {
        self.nanos.store(millis * MILLISECOND, SeqCst);
    }

    /// Asks for the time, and checks that it was this during the call.
    fn ask(&self) -> u64 {
        let begin = self.nanos();
        let shown =
            self.present.show(begin).unwrap_or_else(|| self.present.note(begin, self.nanos()));
        assert!(begin / MILLISECOND <= shown, "broken: behind");
        assert!(shown <= self.nanos() / MILLISECOND, "broken: ahead");
        shown
    }
}

/// A thread has looked at the clock, and notes what it saw when others are in the next millisecond.
fn an_old_look_noted_late() -> (u64, u64) {
    let machine = Machine::new();
    let seen = machine.nanos();
    machine.pass_to(6);
    let late = thread::spawn({
        let machine = Arc::clone(&machine);
        move || machine.present.note(seen, seen)
    });
    let shown = (machine.ask(), machine.ask());
    late.join().unwrap();
    shown
}

#[test]
fn an_old_look_that_is_noted_late_does_not_bring_time_back() {
    holds(5, [(6, 6)], an_old_look_noted_late);
    breaks(Mutant::MillisecondByStore, "broken", an_old_look_noted_late);
}

/// Two threads ask when the next millisecond has begun: one opens its window while the other looks.
fn a_window_that_opens() -> (u64, u64) {
    let machine = Machine::new();
    machine.ask();
    machine.pass_to(6);
    let other = thread::spawn({
        let machine = Arc::clone(&machine);
        move || machine.ask()
    });
    (machine.ask(), other.join().unwrap())
}

#[test]
fn whoever_sees_a_window_sees_its_millisecond() {
    holds(5, [(6, 6)], a_window_that_opens);
    breaks(Mutant::WindowBeforeMillisecond, "broken", a_window_that_opens);
}
