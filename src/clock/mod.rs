//! Time, handed in: the system's, or one that a test or a backtest moves by hand.

mod counter;
mod millisecond;

use crate::sync::{AtomicU64, Ordering};
use crossbeam_utils::CachePadded;
use millisecond::Millisecond;
use std::{
    fmt::Debug,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// What time it is, in milliseconds since 1970 UTC.
pub trait Clock: Debug + Send + Sync {
    /// The time as exactly as the clock knows it.
    fn now_millis(&self) -> u64;

    /// The time as it was at most 20 ms ago, if that is cheaper to know. Never ahead of
    /// [`now_millis`](Self::now_millis).
    fn coarse_millis(&self) -> u64 {
        self.now_millis()
    }
}

/// The system's time: Unix time when the clock was created, and monotonic time since.
///
/// It never goes backwards, and does not follow when the system's time is set later.
///
/// Precise and coarse readings are of one and the same clock of the kernel's, which keeps them together
/// however long the process runs. Where the kernel keeps time by the processor's counter, a precise
/// reading asks the counter whether the millisecond of the last one is over, and the kernel only if it
/// may be; it is the kernel's in any case.
#[derive(Clone, Debug)]
pub struct SystemClock {
    /// Unix nanoseconds minus the monotonic clock's reading.
    offset: u64,
    /// What the counter can tell; `None` where it is not trusted.
    present: Option<Arc<CachePadded<Millisecond>>>,
}

impl SystemClock {
    /// Creates a clock that agrees with the system's time now.
    #[must_use]
    pub fn new() -> Self {
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let unix_nanos = u64::try_from(since_1970.as_nanos()).unwrap_or(u64::MAX);
        let present = counter::is_trusted().then(|| Arc::new(CachePadded::new(Millisecond::new())));
        Self { offset: unix_nanos.saturating_sub(monotonic_nanos()), present }
    }

    /// Asks the kernel, and notes for the next who ask how long that holds.
    #[cold]
    #[inline(never)]
    fn look_at_kernel(&self, present: &Millisecond) -> u64 {
        let counter = counter::read();
        present.note(counter, self.offset + monotonic_nanos())
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    #[inline]
    fn now_millis(&self) -> u64 {
        match &self.present {
            Some(present) => match present.show(counter::read()) {
                Some(millis) => millis,
                None => self.look_at_kernel(present),
            },
            None => (self.offset + monotonic_nanos()) / 1_000_000,
        }
    }

    #[inline]
    fn coarse_millis(&self) -> u64 {
        (self.offset + coarse_nanos()) / 1_000_000
    }
}

/// Nanoseconds on the kernel's monotonic clock.
#[cfg(all(target_os = "linux", not(miri)))]
#[inline]
fn monotonic_nanos() -> u64 {
    nanos_on(libc::CLOCK_MONOTONIC)
}

/// The same clock as of the kernel's last tick, at a fifth of the price.
#[cfg(all(target_os = "linux", not(miri)))]
#[inline]
fn coarse_nanos() -> u64 {
    nanos_on(libc::CLOCK_MONOTONIC_COARSE)
}

#[cfg(all(target_os = "linux", not(miri)))]
#[inline]
fn nanos_on(clock: libc::clockid_t) -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a valid place for the answer; the clocks asked for always exist.
    unsafe { libc::clock_gettime(clock, &raw mut time) };
    // A monotonic clock is never negative.
    time.tv_sec.cast_unsigned() * 1_000_000_000 + time.tv_nsec.cast_unsigned()
}

/// Nanoseconds since the first reading.
#[cfg(not(all(target_os = "linux", not(miri))))]
fn monotonic_nanos() -> u64 {
    static START: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
    let start = START.get_or_init(std::time::Instant::now);
    u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

/// Where there is no cheaper clock.
#[cfg(not(all(target_os = "linux", not(miri))))]
fn coarse_nanos() -> u64 {
    monotonic_nanos()
}

/// Milliseconds on a monotonic clock, for ages of the library's own things; as cheap as it gets.
pub(crate) fn monotonic_millis() -> u64 {
    coarse_nanos() / 1_000_000
}

/// A clock that stands still until it is moved.
///
/// ```
/// use memory_cache_pool::{CacheConfig, ManualClock, MemoryCachePool};
/// use std::{sync::Arc, time::Duration};
///
/// let clock = Arc::new(ManualClock::new(0));
/// let pool = MemoryCachePool::new(CacheConfig::new().clock(clock.clone())).unwrap();
/// pool.psetex("quote", 50, "100.5")?;
/// clock.advance(Duration::from_millis(51));
/// assert_eq!(pool.get("quote")?, None);
/// # Ok::<(), memory_cache_pool::Error>(())
/// ```
#[derive(Debug)]
pub struct ManualClock(AtomicU64);

impl ManualClock {
    /// Creates a clock that shows this time.
    #[must_use]
    pub fn new(start_millis: u64) -> Self {
        Self(AtomicU64::new(start_millis))
    }

    /// Moves the clock on, by whole milliseconds.
    pub fn advance(&self, by: Duration) {
        let millis = u64::try_from(by.as_millis()).unwrap_or(u64::MAX);
        // ORDERING: Relaxed; a clock carries nothing but its time.
        self.0.fetch_add(millis, Ordering::Relaxed);
    }

    /// Sets the clock, backwards too.
    pub fn set_millis(&self, millis: u64) {
        // ORDERING: Relaxed; as in `advance`.
        self.0.store(millis, Ordering::Relaxed);
    }
}

impl Clock for ManualClock {
    fn now_millis(&self) -> u64 {
        // ORDERING: Relaxed; as in `advance`.
        self.0.load(Ordering::Relaxed)
    }
}

/// Where a pool takes its time from; the usual case needs no virtual call.
#[derive(Debug)]
pub(crate) enum TimeSource {
    /// The system's time.
    System(SystemClock),
    /// A clock of the host's.
    Custom(Arc<dyn Clock>),
}

impl TimeSource {
    /// Whether it is the host's own clock, which has no cost that we know of.
    #[inline]
    pub(crate) fn is_custom(&self) -> bool {
        matches!(self, Self::Custom(_))
    }

    /// See [`Clock::now_millis`].
    #[inline]
    pub(crate) fn now_millis(&self) -> u64 {
        match self {
            Self::System(clock) => clock.now_millis(),
            Self::Custom(clock) => clock.now_millis(),
        }
    }

    /// See [`Clock::coarse_millis`].
    #[inline]
    pub(crate) fn coarse_millis(&self) -> u64 {
        match self {
            Self::System(clock) => clock.coarse_millis(),
            Self::Custom(clock) => clock.coarse_millis(),
        }
    }
}

#[cfg(all(test, pool_loom, not(pool_shuttle)))]
mod loom;

#[cfg(all(test, not(pool_loom)))]
mod tests {
    use super::*;

    #[test]
    fn the_coarse_reading_is_never_ahead() {
        let clock = SystemClock::new();
        let readings = if cfg!(miri) { 10 } else { 200_000 };

        for _ in 0..readings {
            let coarse = clock.coarse_millis();
            let precise = clock.now_millis();

            assert!(coarse <= precise, "{coarse} is ahead of {precise}");
        }
    }

    #[test]
    fn the_precise_reading_is_the_kernels_on_every_thread() {
        let clock = SystemClock::new();
        let readings = if cfg!(miri) { 10 } else { 200_000 };
        let kernel_millis = || (clock.offset + monotonic_nanos()) / 1_000_000;

        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    for _ in 0..readings {
                        let begin = kernel_millis();
                        let shown = clock.now_millis();
                        let end = kernel_millis();

                        assert!((begin..=end).contains(&shown), "{shown} not in {begin} to {end}");
                    }
                });
            }
        });
    }

    #[test]
    fn a_clock_without_a_counter_asks_the_kernel() {
        let clock = SystemClock { offset: 5_000_000, present: None };

        let begin = 5 + monotonic_nanos() / 1_000_000;
        let shown = clock.now_millis();

        assert!((begin..=5 + monotonic_nanos() / 1_000_000).contains(&shown));
    }

    #[test]
    fn the_system_clock_shows_unix_time() {
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
        let shown = u128::from(SystemClock::new().now_millis());

        assert!(shown.abs_diff(unix) < 1_000);
    }

    #[test]
    fn a_manual_clock_moves_only_when_it_is_moved() {
        let clock = ManualClock::new(100);
        assert_eq!(clock.now_millis(), 100);

        clock.advance(Duration::from_millis(5));
        assert_eq!((clock.now_millis(), clock.coarse_millis()), (105, 105));

        clock.set_millis(7);
        assert_eq!(clock.now_millis(), 7);
    }
}
