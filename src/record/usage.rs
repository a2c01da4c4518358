//! How often and how lately a record was read, in one advisory word.
//!
//! ```text
//! [31:8] tick of the last read, in units of 256 ms, wrapping | [7:0] logarithmic counter
//! ```
//!
//! The counter is Morris's (1978) as Redis tunes it: each read raises it with probability
//! 1 / (10 · (c − 5) + 1), so that 255 stands for about a million reads. It is written only when it
//! changes, or when the tick does: in steady state a read writes nothing.

use crate::sync::{AtomicU32, Ordering};

/// The length of a tick.
const TICK_MILLIS: u64 = 256;
/// Ticks wrap at 24 bits, which is 49 days.
const TICK_MASK: u32 = (1 << 24) - 1;
/// What a new record starts with, so that it is not the first victim.
const INITIAL_COUNT: u32 = 5;
/// The larger, the slower the counter grows; Redis's `lfu-log-factor`.
const LOG_FACTOR: u32 = 10;
/// The count from which on a read raises the counter once in 21 times or less.
const SETTLED_COUNT: u32 = INITIAL_COUNT + 2;
/// Random numbers above this one never raise a settled counter.
const BEST_LUCK: u32 = u32::MAX / 21;
/// Where the counter stops.
const LARGEST_COUNT: u32 = 255;

/// A point in coarse time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Tick(u32);

impl Tick {
    /// The tick of a time in milliseconds.
    #[inline]
    pub(crate) fn at(millis: u64) -> Self {
        #[expect(clippy::cast_possible_truncation, reason = "ticks wrap")]
        Self((millis / TICK_MILLIS) as u32 & TICK_MASK)
    }

    /// Milliseconds from `earlier` to this tick, up to the wrap.
    pub(crate) fn millis_since(self, earlier: Self) -> u64 {
        u64::from(self.0.wrapping_sub(earlier.0) & TICK_MASK) * TICK_MILLIS
    }
}

/// The access word of a record.
#[derive(Debug)]
pub(crate) struct Usage(AtomicU32);

impl Usage {
    /// A record that was never read, written at `now`.
    #[inline]
    pub(crate) fn new(now: Tick) -> Self {
        Self::with_count(now, INITIAL_COUNT)
    }

    /// The word for a record that replaces this one at `now`: the count stays.
    #[inline]
    pub(crate) fn inherit(&self, now: Tick) -> Self {
        Self::with_count(now, self.word() & 0xFF)
    }

    fn with_count(now: Tick, count: u32) -> Self {
        Self(AtomicU32::new(now.0 << 8 | count))
    }

    /// Notes a read.
    ///
    /// Concurrent reads may lose each other's notes; the word is a statistic.
    #[inline]
    pub(crate) fn touch(&self, now: Tick, random: impl FnOnce() -> u32) {
        let word = self.word();
        let random = random();
        // Most reads of a key that is read much end here: they cannot win whatever the count.
        if word >> 8 != now.0 || random <= BEST_LUCK || word & 0xFF < SETTLED_COUNT {
            self.note(word, now, random);
        }
    }

    #[cold]
    #[inline(never)]
    fn note(&self, word: u32, now: Tick, random: u32) {
        let count = word & 0xFF;
        let count = if count < LARGEST_COUNT && wins(count, random) { count + 1 } else { count };
        let next = now.0 << 8 | count;
        if next != word {
            // ORDERING: Relaxed; an advisory word, nothing is carried.
            self.0.store(next, Ordering::Relaxed);
        }
    }

    /// An estimate of the number of reads.
    pub(crate) fn access_count(&self) -> u32 {
        let count = self.word() & 0xFF;
        // The expected number of reads until the counter gets from i to i + 1 is 10 (i − 5) + 1.
        let above = count.saturating_sub(INITIAL_COUNT);
        above + LOG_FACTOR * above * above.saturating_sub(1) / 2
    }

    /// When it was read last, or written if never.
    pub(crate) fn last_access(&self) -> Tick {
        Tick(self.word() >> 8)
    }

    #[inline]
    fn word(&self) -> u32 {
        // ORDERING: Relaxed; as in `touch`.
        self.0.load(Ordering::Relaxed)
    }
}

/// Whether a read raises the counter, with probability 1 / (10 · (c − 5) + 1).
#[inline]
fn wins(count: u32, random: u32) -> bool {
    let odds = u64::from(LOG_FACTOR * count.saturating_sub(INITIAL_COUNT) + 1);
    u64::from(random) * odds <= u64::from(u32::MAX)
}

#[cfg(all(test, not(pool_loom)))]
mod tests {
    use super::*;

    fn xorshift(state: &mut u32) -> u32 {
        *state ^= *state << 13;
        *state ^= *state >> 17;
        *state ^= *state << 5;
        *state
    }

    #[test]
    fn the_estimate_follows_the_number_of_reads() {
        let mut state = 0x9E37_79B9;
        let all = [1_u32, 100, 10_000];
        for &reads in if cfg!(miri) { &all[..2] } else { &all[..] } {
            let mut sum = 0;
            for _ in 0..40 {
                let usage = Usage::new(Tick::at(0));
                for _ in 0..reads {
                    usage.touch(Tick::at(0), || xorshift(&mut state));
                }
                sum += usage.access_count();
            }

            let mean = f64::from(sum) / 40.0 / f64::from(reads);

            assert!((0.7..1.4).contains(&mean), "{reads} reads are estimated as {mean} times that");
        }
    }

    #[test]
    fn a_successor_keeps_the_count_and_gets_a_new_tick() {
        let usage = Usage::new(Tick::at(0));
        usage.touch(Tick::at(0), || 0);

        let heir = usage.inherit(Tick::at(2_560));

        assert_eq!(heir.access_count(), 1);
        assert_eq!(heir.last_access().millis_since(Tick::at(0)), 2_560);
    }

    #[test]
    fn idle_time_survives_the_wrap_of_the_ticks() {
        let before = Tick(TICK_MASK);
        let after = Tick(1);

        assert_eq!(after.millis_since(before), 2 * TICK_MILLIS);
    }
}
