//! The millisecond that the clock has shown last, and how long it surely is the present one.
//!
//! Deadlines are whole milliseconds, so that who asks for the time does not need a clock: it is enough to
//! know that the millisecond of the last look at the kernel's clock has not ended. The processor's counter
//! tells that for less: alone 15 ns instead of 27 on an Intel Xeon in a virtual machine, and in the middle
//! of a write 36 instead of 50, since both keep the processor from working ahead. It is never turned into
//! a time, and so there is nothing to calibrate, and nothing that drifts: a look at the kernel's clock
//! opens a *window* of the counter, and what reads the counter inside it takes the millisecond of that
//! look. Outside of it, the kernel's clock is looked at again.
//!
//! ```text
//! kernel's clock  |-- millisecond m -------------------------------------------|-- m + 1 ---
//! looks               ^ left = what m has still to go
//! window              [ (left - GUARD) / SLOWEST_TICK ]
//!                                                       ^ the next look, and so on; each window is
//!                                                         an eighth of what is left (at 2 GHz)
//! ```
//!
//! A busy program looks at the kernel's clock some fifty times in a millisecond, which is a few
//! thousandths of its time.
//!
//! # Invariants
//!
//! * **T1** `latest` is a millisecond that the kernel's clock has shown, and never goes back.
//! * **T2** While the counter is not past `until`, the millisecond is over in which `until` was set no
//!   sooner than [`GUARD_NANOS`] from now; and `latest` is that one or a later one.
//!
//! T2 rests on the counter making at least a tick in [`SLOWEST_TICK`] nanoseconds of the kernel's clock.
//! It is read before the clock is: what passes in between, be it an hour in which the thread is not let
//! run, only closes the window sooner.
//!
//! # What follows
//!
//! * **Never ahead.** An answer was shown by the kernel's clock before it was given (T1).
//! * **Never behind.** It is no less than what the kernel's clock showed when the call began. The
//!   processor may read the counter early, before instructions that come first have ended, and
//!   processors' counters may differ by the time a signal between them takes: the guard is longer than
//!   both by far, so that the millisecond still was the same when the call began.
//! * **Never back**, for one thread, and for one that was told of another's answer: both go by `latest`,
//!   and who has looked at the kernel's clock has raised it.
//!
//! So an answer is one that the kernel's clock would have given, at some time during the call. A value is
//! not returned past its deadline, and not lost before it, to the millisecond, as if everybody had asked
//! the kernel.
//!
//! # When the counter is not what it should be
//!
//! * The kernel's clock runs faster or slower, since it is being set: by a tenth at most, where a factor
//!   of three and more is allowed for.
//! * The machine was suspended, or the virtual machine stopped, and the counter went on: the window has
//!   passed. It was set back to zero, or a virtual machine moves to another host with another counter:
//!   the counter is farther from `until` than any window is long, and so outside.
//! * It was set back by less than a window, or into one that nobody has replaced since: time stands still
//!   until the window has passed once more, which takes [`LONGEST`] ticks at most: 0.1 ms at 2.5 GHz.
//! * It is slower on the host that the virtual machine has come to: the window that is open then lasts
//!   longer, and is wrong only if the counter is slower than a tick in `SLOWEST_TICK`.
//! * The kernel does not keep time by it, or there is none: see [`counter`](super::counter). Then there is
//!   no window, and every answer is the kernel's.
//!
//! # Orderings
//!
//! | edge        | from                     | to                      | carries                        |
//! |-------------|--------------------------|-------------------------|--------------------------------|
//! | `note→show` | store `until`, Release   | load `until`, Acquire   | that `latest` has been raised  |
//!
//! `latest` is raised by an RMW: of two who look at the same time, the one with the older look may be the
//! later to write. `until` may be set back by him, which closes the window too soon.
//!
//! # Progress
//!
//! Wait-free.

use crate::sync::{AtomicU64, Mutant, Ordering, is_mutant};

/// Nanoseconds of a millisecond.
const MILLISECOND: u64 = 1_000_000;

/// Nanoseconds before the end of a millisecond in which the kernel's clock is looked at always.
///
/// The processor's reading may be early by as long as what it has begun takes it to end, a few hundred
/// nanoseconds, and some microseconds when all of it waits for memory.
const GUARD_NANOS: u64 = 16_000;

/// Nanoseconds in which the counter makes at least one tick. The slowest ones of processors are three
/// times as fast.
const SLOWEST_TICK: u64 = 4;

/// No window is longer, in ticks.
const LONGEST: u64 = MILLISECOND / SLOWEST_TICK;

/// The millisecond that is, as far as the counter can tell.
#[derive(Debug)]
pub(super) struct Millisecond {
    /// The last one that the kernel's clock has shown.
    latest: AtomicU64,
    /// Up to which reading of the counter it lasts.
    until: AtomicU64,
}

impl Millisecond {
    /// One that is over.
    pub(super) fn new() -> Self {
        Self { latest: AtomicU64::new(0), until: AtomicU64::new(0) }
    }

    /// What millisecond it is, if a reading of the counter tells.
    #[inline(always)]
    pub(super) fn show(&self, counter: u64) -> Option<u64> {
        // ORDERING: Acquire, `note→show`: `latest` is no older than the window.
        let until = self.until.load(Ordering::Acquire);
        // Wraps when the counter is past it.
        let is_open = until.wrapping_sub(counter) < LONGEST;
        // ORDERING: Relaxed; at least what the window was opened for, and a later one is as good.
        is_open.then(|| self.latest.load(Ordering::Relaxed))
    }

    /// Takes note of what the kernel's clock has shown, in nanoseconds, after the counter was read.
    /// Returns the millisecond.
    pub(super) fn note(&self, counter: u64, nanos: u64) -> u64 {
        let millis = nanos / MILLISECOND;
        let left = MILLISECOND - nanos % MILLISECOND;
        let until = counter.wrapping_add(left.saturating_sub(GUARD_NANOS) / SLOWEST_TICK);
        if is_mutant(Mutant::WindowBeforeMillisecond) {
            // ORDERING: Release, `note→show`.
            self.until.store(until, Ordering::Release);
        }
        // ORDERING: Relaxed; carried by the store below.
        if self.latest.load(Ordering::Relaxed) < millis {
            if is_mutant(Mutant::MillisecondByStore) {
                // ORDERING: Relaxed; as above.
                self.latest.store(millis, Ordering::Relaxed);
            } else {
                // ORDERING: Relaxed; as above.
                self.latest.fetch_max(millis, Ordering::Relaxed);
            }
        }
        if left > GUARD_NANOS {
            // ORDERING: Release, `note→show`: who sees the window sees its millisecond.
            self.until.store(until, Ordering::Release);
        }
        millis
    }
}

#[cfg(all(test, not(pool_loom)))]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "times and counters are positive, and far below the limits"
)]
mod tests {
    use super::*;

    fn xorshift(state: &mut u64) -> u64 {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        *state
    }

    /// A kernel's clock and a counter that run at different speeds, and who asks for the time.
    struct Machine {
        present: Millisecond,
        /// Of the kernel's clock.
        nanos: f64,
        /// Of the counter.
        ticks: f64,
        /// Ticks in a nanosecond.
        speed: f64,
        /// How often the kernel's clock was looked at.
        looks: usize,
    }

    impl Machine {
        fn new(speed: f64) -> Self {
            let present = Millisecond::new();
            Self { present, nanos: 1_700_000_000_123_456.0, ticks: 5e12, speed, looks: 0 }
        }

        fn pass(&mut self, nanos: f64) {
            self.nanos += nanos;
            self.ticks += nanos * self.speed;
        }

        fn kernel_millis(&self) -> u64 {
            self.nanos as u64 / MILLISECOND
        }

        /// What somebody sees who reads the counter so many nanoseconds early.
        fn millis_read_early(&mut self, by: f64) -> u64 {
            let counter = (self.ticks - by * self.speed) as u64;
            self.present.show(counter).unwrap_or_else(|| {
                self.looks += 1;
                self.present.note(self.ticks as u64, self.nanos as u64)
            })
        }

        fn millis(&mut self) -> u64 {
            self.millis_read_early(0.0)
        }
    }

    const STEPS: usize = if cfg!(miri) { 200 } else { 200_000 };

    #[test]
    fn it_shows_the_kernels_millisecond_however_fast_the_counter_is() {
        let mut state = 0x9E37_79B9_7F4A_7C15;
        for speed in [0.26, 0.8, 1.0, 2.1, 2.999_999, 3.7, 5.0] {
            let mut machine = Machine::new(speed);
            for _ in 0..STEPS {
                let longest = [50, 5_000, 300_000, 3_000_000][(xorshift(&mut state) % 4) as usize];
                machine.pass((xorshift(&mut state) % longest) as f64);

                assert_eq!(machine.millis(), machine.kernel_millis(), "at {speed} ticks");
            }
        }
    }

    #[test]
    fn it_follows_a_kernels_clock_that_is_made_to_run_slower_and_faster() {
        let mut state = 0x2545_F491_4F6C_DD1D;
        let mut machine = Machine::new(2.0);
        for step in 0..STEPS {
            machine.speed = 2.0 + [-0.2, 0.0, 0.2, 0.001][step / 64 % 4];
            machine.pass((xorshift(&mut state) % 20_000) as f64);

            assert_eq!(machine.millis(), machine.kernel_millis());
        }
    }

    #[test]
    fn a_counter_that_is_read_early_by_less_than_the_guard_is_not_behind() {
        let mut state = 0x1234_5678_9ABC_DEF1;
        for speed in [0.26, 2.1, 5.0] {
            let mut machine = Machine::new(speed);
            for _ in 0..STEPS {
                machine.pass((xorshift(&mut state) % 3_000) as f64);
                let early = (xorshift(&mut state) % (GUARD_NANOS - 100)) as f64;

                assert_eq!(machine.millis_read_early(early), machine.kernel_millis());
            }
        }
    }

    #[test]
    fn who_asks_all_the_time_looks_at_the_kernels_clock_a_few_times_in_a_hundred() {
        for speed in [1.0, 2.1, 4.0] {
            let mut machine = Machine::new(speed);
            for _ in 0..100_000 {
                machine.pass(40.0);
                machine.millis();
            }

            assert!(machine.looks < 100_000 / 25, "{} looks at {speed} ticks", machine.looks);
        }
    }

    #[test]
    fn a_counter_that_begins_anew_is_not_believed() {
        let mut machine = Machine::new(2.0);
        machine.millis();

        machine.nanos += 7e9;
        machine.ticks = 1_000.0;

        assert_eq!(machine.millis(), machine.kernel_millis());
        machine.pass(2e6);
        assert_eq!(machine.millis(), machine.kernel_millis());
    }

    #[test]
    fn a_counter_that_jumps_ahead_is_not_believed() {
        let mut machine = Machine::new(2.0);
        machine.millis();

        machine.nanos += 1e6;
        machine.ticks += 1e15;

        assert_eq!(machine.millis(), machine.kernel_millis());
    }

    #[test]
    fn a_counter_that_is_set_back_into_its_window_holds_time_up_for_one_window() {
        let mut machine = Machine::new(2.0);
        let before = machine.millis();
        let begin = machine.ticks;

        machine.pass(9e9);
        machine.ticks = begin;

        assert_eq!(machine.millis(), before, "nothing tells that it was set back");
        machine.pass(LONGEST as f64 / machine.speed);
        assert_eq!(machine.millis(), machine.kernel_millis());
    }

    #[test]
    fn an_old_look_that_is_noted_late_does_not_bring_time_back() {
        let present = Millisecond::new();

        assert_eq!(present.note(2_000_000, 9_100_000), 9);
        assert_eq!(present.note(1_000_000, 8_100_000), 8);

        assert_eq!(present.show(2_000_000), None);
        assert_eq!(present.show(1_000_000), Some(9));
    }

    #[test]
    fn close_to_the_end_of_a_millisecond_only_the_kernel_tells() {
        let present = Millisecond::new();

        assert_eq!(present.note(1_000, 9 * MILLISECOND - GUARD_NANOS), 8);

        assert_eq!(present.show(1_000), None);
    }
}
