//! The processor's time stamps, and how many nanoseconds a tick of theirs is.
//!
//! A stamp has to be taken where it stands in the program. `rdtsc` alone may run before what
//! precedes it has finished, and what follows may run before it, so that a measured stretch begins
//! with `lfence; rdtsc; lfence`; `rdtscp` waits for what precedes it, and an `lfence` behind it
//! keeps what follows out: the stretch ends with `rdtscp; lfence`. Some processors count in steps:
//! on a Zen 4 it is 26 ticks at a time, or 10 ns, which is then the grain of every figure. Elsewhere than on x86-64 the
//! monotonic clock is asked, and a tick is a nanosecond.

use std::{
    hint::spin_loop,
    time::{Duration, Instant},
};

#[cfg(target_arch = "x86_64")]
pub use stamp::{end, start};

#[cfg(not(target_arch = "x86_64"))]
pub use stamp::{now as end, now as start};

#[cfg(target_arch = "x86_64")]
mod stamp {
    use std::arch::x86_64::{__rdtscp, _mm_lfence, _rdtsc};

    /// The time stamp at the beginning of a measured stretch, in ticks.
    #[inline(always)]
    #[must_use]
    pub fn start() -> u64 {
        // SAFETY: every x86-64 processor has SSE2, whose instruction it is.
        unsafe { _mm_lfence() };
        // SAFETY: every x86-64 processor has it; systems that forbid it to programs are rare.
        let ticks = unsafe { _rdtsc() };
        // SAFETY: as above.
        unsafe { _mm_lfence() };
        ticks
    }

    /// The time stamp at the end of a measured stretch, in ticks.
    #[inline(always)]
    #[must_use]
    pub fn end() -> u64 {
        let mut processor = 0;
        // SAFETY: `processor` is a valid place; processors of the last 15 years have it.
        let ticks = unsafe { __rdtscp(&raw mut processor) };
        // SAFETY: as in `start`.
        unsafe { _mm_lfence() };
        ticks
    }
}

#[cfg(not(target_arch = "x86_64"))]
mod stamp {
    use std::{sync::LazyLock, time::Instant};

    static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);

    /// Nanoseconds since the first call.
    #[inline]
    #[must_use]
    pub fn now() -> u64 {
        u64::try_from(BEGAN.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

/// How long a calibration takes.
const CALIBRATION: Duration = Duration::from_millis(20);

/// Readings of which a calibration takes the best.
const READINGS: usize = 32;

/// Nanoseconds per tick and ticks per nanosecond, as multiples of 2⁻³².
#[derive(Clone, Copy, Debug)]
pub struct Rate {
    nanos_per_tick: u64,
    ticks_per_nano: u64,
}

impl Rate {
    /// The rate of a counter that has counted so many ticks in so many nanoseconds.
    #[must_use]
    pub fn of(ticks: u64, nanos: u64) -> Self {
        let ratio = |over: u64, under: u64| {
            let ratio = (u128::from(over) << 32) / u128::from(under.max(1));
            u64::try_from(ratio).unwrap_or(u64::MAX)
        };
        Self { nanos_per_tick: ratio(nanos, ticks), ticks_per_nano: ratio(ticks, nanos) }
    }

    /// Compares the time stamps with the monotonic clock for a short while.
    #[must_use]
    pub fn calibrate() -> Self {
        let began = Instant::now();
        let (first_ticks, first_nanos) = reading(began);
        while began.elapsed() < CALIBRATION {
            spin_loop();
        }
        let (last_ticks, last_nanos) = reading(began);
        Self::of(last_ticks.saturating_sub(first_ticks), last_nanos.saturating_sub(first_nanos))
    }

    /// So many ticks in nanoseconds.
    #[inline]
    #[must_use]
    pub fn nanos(self, ticks: u64) -> u64 {
        scale(ticks, self.nanos_per_tick)
    }

    /// So many nanoseconds in ticks.
    #[inline]
    #[must_use]
    pub fn ticks(self, nanos: u64) -> u64 {
        scale(nanos, self.ticks_per_nano)
    }

    /// A duration in ticks.
    #[must_use]
    pub fn ticks_of(self, duration: Duration) -> u64 {
        self.ticks(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX))
    }

    /// Picoseconds per tick, for the record.
    #[must_use]
    pub fn picos_per_tick(self) -> u64 {
        scale(1_000, self.nanos_per_tick)
    }
}

#[inline]
fn scale(amount: u64, ratio: u64) -> u64 {
    u64::try_from((u128::from(amount) * u128::from(ratio)) >> 32).unwrap_or(u64::MAX)
}

/// One instant by both clocks: the time stamp, and nanoseconds since `began`.
///
/// Of several tries the one that took the fewest ticks: nobody came between its two readings.
fn reading(began: Instant) -> (u64, u64) {
    let tries = (0..READINGS).map(|_| {
        let before = start();
        let nanos = u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let took = end().saturating_sub(before);
        (took, before + took / 2, nanos)
    });
    let (_, ticks, nanos) = tries.min_by_key(|&(took, ..)| took).unwrap_or_default();
    (ticks, nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_turns_ticks_into_nanoseconds_and_back() {
        let rate = Rate::of(2_600_000_000, 1_000_000_000);

        assert_eq!(rate.nanos(26), 9);
        assert!(rate.nanos(2_600_000_000).abs_diff(1_000_000_000) <= 1);
        assert!(rate.ticks(1_000_000_000).abs_diff(2_600_000_000) <= 1);
        assert_eq!(rate.picos_per_tick(), 384);
        // A day passes without an overflow.
        assert!(rate.nanos(2_600_000_000 * 86_400).abs_diff(86_400_000_000_000) < 50_000);
    }

    #[test]
    fn a_counter_that_stood_still_divides_by_nothing() {
        assert_eq!(Rate::of(0, 0).nanos(5), 0);
    }

    #[test]
    fn the_calibrated_rate_agrees_with_the_monotonic_clock() {
        let rate = Rate::calibrate();
        let began = Instant::now();
        let (first, nanos_before) = reading(began);
        while began.elapsed() < Duration::from_millis(20) {
            spin_loop();
        }
        let (last, nanos_after) = reading(began);

        let by_clock = nanos_after - nanos_before;
        assert!(rate.nanos(last - first).abs_diff(by_clock) < by_clock / 100);
    }

    #[test]
    fn stamps_go_forward() {
        let first = start();
        assert!(end() >= first);
    }
}
