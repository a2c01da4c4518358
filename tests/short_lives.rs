//! Eight threads write values that live for milliseconds, under a checking oracle: none is returned
//! after its deadline, none is lost before it, and what has expired is removed soon.
//!
//! The first two hold on any machine, however busy. How soon is soon depends on when the machine lets a
//! thread run: so a ninth thread, which only wakes at every tick of the cleanup task, tells how late it
//! would have been, and that is the yardstick.
//!
//! `STRESS_SECONDS` is how long it runs, one and a half by default; `.ci/deep` gives it a minute.

#![cfg(not(miri))]
#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use memory_cache_pool::{
    CacheConfig, Clock, MemoryCachePool, Removal, RemovalCause, RemovedValue, SetOptions,
    SystemClock,
};
use std::{
    env,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};

const THREADS: u64 = 8;
/// Keys that each thread writes; all threads read all.
const KEYS: u64 = 200;
/// The longest life, in milliseconds.
const LONGEST: u64 = 20;
/// How often the cleanup task runs.
const TICK: Duration = Duration::from_millis(10);
/// 99 of 100 expired values are to be removed within so many ticks of the task, as long as the machine
/// makes a tick.
const TICKS: usize = 2;

fn xorshift(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

fn key(thread: u64, number: u64) -> [u8; 16] {
    let mut key = [0; 16];
    key[..8].copy_from_slice(&thread.to_be_bytes());
    key[8..].copy_from_slice(&number.to_be_bytes());
    key
}

/// A value that tells its deadline and its number.
fn value(deadline: u64, number: u64) -> Vec<u8> {
    let mut value = deadline.to_be_bytes().to_vec();
    value.extend(number.to_be_bytes());
    value
}

fn deadline_of(value: &[u8]) -> u64 {
    u64::from_be_bytes(value[..8].try_into().unwrap())
}

/// How many values were removed so many milliseconds after their deadline; the last: later still.
struct Lags([AtomicU64; 1_000]);

impl Lags {
    fn new() -> Self {
        Self([const { AtomicU64::new(0) }; 1_000])
    }

    /// Notes how late a thread is that does nothing but wake at every tick, for a value that expires
    /// every millisecond.
    fn note_ticks(&self, clock: &SystemClock, is_over: &AtomicBool) {
        let mut last = clock.now_millis();
        while !is_over.load(Relaxed) {
            thread::sleep(TICK);
            let now = clock.now_millis();
            (last..now).for_each(|deadline| self.note(now - deadline));
            last = now;
        }
    }

    fn note(&self, millis: u64) {
        let place = usize::try_from(millis).unwrap().min(self.0.len() - 1);
        self.0[place].fetch_add(1, Relaxed);
    }

    fn sum(&self) -> u64 {
        self.0.iter().map(|count| count.load(Relaxed)).sum()
    }

    /// The lag that so many of a thousand do not exceed.
    fn of_a_thousand(&self, share: u64) -> usize {
        let most = self.sum() * share / 1_000;
        let mut sum = 0;
        let mut is_below = |count: &AtomicU64| {
            sum += count.load(Relaxed);
            sum < most
        };
        self.0.iter().take_while(|count| is_below(count)).count()
    }

    fn tell(&self, what: &str) -> String {
        let [half, most, p99, p999] = [500, 900, 990, 999].map(|share| self.of_a_thousand(share));
        let sum = self.sum();
        format!("{sum} {what}, ms late: {half} (p50), {most} (p90), {p99} (p99), {p999} (p99.9)")
    }
}

/// What was written last to a key, and when the call had returned.
struct Written {
    value: Vec<u8>,
    at: u64,
}

impl Written {
    /// Whether it may be gone at a time: its deadline has passed, or had come when it was written.
    fn may_be_gone(&self, now: u64) -> bool {
        let deadline = deadline_of(&self.value);
        now > deadline || self.at >= deadline
    }
}

/// What the threads share.
struct Stress {
    pool: MemoryCachePool,
    clock: Arc<SystemClock>,
    /// When it ends, in milliseconds.
    end: u64,
    reads: AtomicU64,
    hits: AtomicU64,
}

impl Stress {
    /// Reads a key; what is returned has not been past its deadline before the read began.
    fn read(&self, key: [u8; 16]) -> Option<Vec<u8>> {
        let begin = self.clock.now_millis();
        let seen = self.pool.get(key).unwrap();
        self.reads.fetch_add(1, Relaxed);
        if let Some(value) = &seen {
            self.hits.fetch_add(1, Relaxed);
            let deadline = deadline_of(value);
            assert!(begin <= deadline, "returned {} ms past its deadline", begin - deadline);
        }
        seen
    }

    /// Reads a key that only this thread writes: it holds what was written last, to the deadline.
    fn read_own(&self, key: [u8; 16], written: Option<&Written>) {
        let seen = self.read(key);
        let end = self.clock.now_millis();
        if seen.is_some() {
            let written = written.map(|written| &written.value);
            assert_eq!(seen.as_ref(), written, "another value than was written");
        } else {
            assert!(written.is_none_or(|written| written.may_be_gone(end)), "lost too early");
        }
    }

    fn run(&self, thread: u64) {
        let mut state = 0x9E37_79B9_7F4A_7C15 ^ thread << 32 | 1;
        let mut written: Vec<_> = (0..KEYS).map(|_| None).collect();
        for number in 0_u64.. {
            let chosen = xorshift(&mut state);
            let own = chosen % KEYS;
            let slot = &mut written[usize::try_from(own).unwrap()];
            match chosen >> 32 & 15 {
                0..=5 => {
                    let deadline = self.clock.now_millis() + (chosen >> 40) % (LONGEST + 1);
                    let value = value(deadline, number);
                    let options = SetOptions::new().pxat(i64::try_from(deadline).unwrap());
                    self.pool.set_options(key(thread, own), &value, options).unwrap();
                    *slot = Some(Written { value, at: self.clock.now_millis() });
                }
                6 => {
                    self.pool.delete(key(thread, own));
                    *slot = None;
                }
                7..=10 => self.read_own(key(thread, own), slot.as_ref()),
                _ => drop(self.read(key((chosen >> 48) % THREADS, own))),
            }
            if number.is_multiple_of(64) && self.clock.now_millis() >= self.end {
                return;
            }
        }
    }
}

fn seconds() -> u64 {
    env::var("STRESS_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// Runs the threads; returns how late a thread was that did nothing else.
fn run(stress: &Stress) -> Lags {
    let (ticks, is_over) = (Lags::new(), AtomicBool::new(false));
    thread::scope(|scope| {
        scope.spawn(|| ticks.note_ticks(&stress.clock, &is_over));
        let running: Vec<_> =
            (0..THREADS).map(|thread| scope.spawn(move || stress.run(thread))).collect();
        let ended: Vec<_> = running.into_iter().map(thread::ScopedJoinHandle::join).collect();
        is_over.store(true, Relaxed);
        assert!(ended.iter().all(Result::is_ok), "a thread found a fault");
    });
    ticks
}

#[test]
fn what_lives_for_milliseconds_is_neither_returned_late_nor_lost_early_nor_kept() {
    let clock = Arc::new(SystemClock::new());
    let lags = Arc::new(Lags::new());
    let (noted, now) = (Arc::clone(&lags), Arc::clone(&clock));
    let note_lag = move |removal: Removal| {
        if let (RemovalCause::Expired, RemovedValue::String(value)) =
            (removal.cause, &removal.value)
        {
            noted.note(now.now_millis().saturating_sub(deadline_of(value)));
        }
    };
    let config = CacheConfig::new().cleanup_interval(TICK).clock(Arc::clone(&clock) as _);
    let pool = MemoryCachePool::new(config.on_removal(note_lag)).unwrap();
    pool.start_cleanup_task().unwrap();
    let length = if seconds() == 0 { 1_500 } else { seconds() * 1_000 };
    let (reads, hits) = (AtomicU64::new(0), AtomicU64::new(0));
    let stress = Stress { end: clock.now_millis() + length, pool, clock, reads, hits };

    let ticks = run(&stress);
    stress.pool.stop_cleanup_task();

    println!("{} reads, {} hits", stress.reads.load(Relaxed), stress.hits.load(Relaxed));
    println!("{}", lags.tell("removals"));
    println!("{}", ticks.tell("milliseconds of a thread that only wakes"));
    assert!(lags.sum() > 0 && stress.hits.load(Relaxed) > 0, "nothing was tested");
    // Not in a short run, whose hundredth part is a tick or two.
    let most = TICKS * ticks.of_a_thousand(990);
    assert!(seconds() == 0 || lags.of_a_thousand(990) <= most, "what has expired stays too long");
}
