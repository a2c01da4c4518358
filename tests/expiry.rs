//! What has expired is removed, by those who write or clean up, whether or not anybody reads it.

mod support;

use memory_cache_pool::{CacheConfig, Clock, Error, ManualClock, MemoryCachePool, SetOptions};
use std::{
    env,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};
use support::{schedule::Schedule, source::Source};

/// When the tests begin, in Unix milliseconds.
const START: u64 = 1_700_000_000_000;

/// How much is done: all of it, or as much as tools have the time for.
const fn size(all: usize, under_tsan: usize, under_miri: usize) -> usize {
    if cfg!(miri) {
        under_miri
    } else if cfg!(pool_tsan) {
        under_tsan
    } else {
        all
    }
}

const KEYS: usize = size(20_000, 2_000, 40);

/// Keys that a writer removes at most on its way, and some more that the table cannot tell from one
/// of them.
const INLINE: usize = 10 + 3;

fn pool_of(keys: usize) -> (MemoryCachePool, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::new(START));
    let config = CacheConfig::new().capacity(keys).clock(Arc::clone(&clock) as _);
    (MemoryCachePool::new(config).unwrap_or_default(), clock)
}

fn set_px(pool: &MemoryCachePool, key: usize, millis: i64) -> Result<(), Error> {
    pool.set_options(key.to_be_bytes(), [7; 100], SetOptions::new().px(millis)).map(|_| ())
}

#[test]
fn a_cleanup_removes_what_has_expired_and_gives_the_memory_back() -> Result<(), Error> {
    let (pool, clock) = pool_of(KEYS);
    let empty = pool.get_stats().memory_usage;
    for key in 0..KEYS {
        set_px(&pool, key, 1_000 + i64::try_from(key % 1_000).unwrap_or(0))?;
    }
    pool.set("stays", "for ever")?;
    let full = pool.get_stats();

    clock.advance(Duration::from_millis(999));
    assert_eq!(pool.cleanup_expired_keys(usize::MAX).removed, 0);
    clock.advance(Duration::from_millis(1_100));
    let cleanup = pool.cleanup_expired_keys(usize::MAX);

    let stats = pool.get_stats();
    assert_eq!((cleanup.removed, cleanup.remaining, pool.dbsize()), (KEYS, false, 1));
    assert_eq!((stats.expirations, stats.wheel_entries), (KEYS as u64, 0));
    assert!(stats.record_bytes < 200, "{stats:?}");
    for _ in 0..200 {
        pool.set("stays", "for ever")?;
    }
    let left = pool.get_stats();
    // What the thread keeps ready for its next writes is bounded by blocks, not by keys.
    let kept = left.memory_usage - left.idle_bytes - empty;
    assert!(KEYS < 20_000 || kept < (full.memory_usage - empty) / 50, "{left:?} of {full:?}");
    assert!(left.idle_bytes < 100_000, "{left:?}");
    Ok(())
}

#[test]
fn a_cleanup_stops_at_its_budget_and_says_so() -> Result<(), Error> {
    let (pool, clock) = pool_of(1_000);
    for key in 0..300 {
        set_px(&pool, key, 50)?;
    }
    clock.advance(Duration::from_millis(200));

    let first = pool.cleanup_expired_keys(100);
    let second = pool.cleanup_expired_keys(usize::MAX);

    assert!((50..=100).contains(&first.removed) && first.remaining, "{first:?}");
    assert_eq!((second.removed, second.remaining), (300 - first.removed, false));
    assert_eq!(pool.cleanup_expired_keys(0).removed, 0);
    Ok(())
}

#[test]
fn writers_remove_what_has_expired_sixteen_keys_at_a_time() -> Result<(), Error> {
    let (pool, clock) = pool_of(KEYS);
    for key in 0..KEYS {
        set_px(&pool, key, 500)?;
    }
    clock.advance(Duration::from_millis(1_000));

    let mut writes = 0;
    while pool.dbsize() > 1 {
        let before = pool.dbsize();
        pool.set("another", "value")?;
        writes += 1;
        assert!(before + 1 - pool.dbsize() <= INLINE + 1, "too much for one write");
        assert!(writes < 100 + KEYS, "expired keys stay");
    }

    assert!(writes <= 100 + KEYS / 8, "{writes} writes for {KEYS} keys");
    Ok(())
}

#[test]
fn every_kind_of_write_helps() -> Result<(), Error> {
    type Write = fn(&MemoryCachePool) -> Result<(), Error>;
    let writes: [Write; 5] = [
        |pool| pool.set("k", "v"),
        |pool| pool.incr("n").map(|_| ()),
        |pool| pool.expire("k", 100).map(|_| ()),
        |pool| pool.append("a", "b").map(|_| ()),
        |pool| {
            pool.delete("d");
            pool.set("d", "v")
        },
    ];
    for write in writes {
        let (pool, clock) = pool_of(100);
        pool.set("k", "v")?;
        pool.set("d", "v")?;
        set_px(&pool, 1, 10)?;
        clock.advance(Duration::from_secs(1));
        for _ in 0..130 {
            write(&pool)?;
        }

        assert_eq!(pool.get_stats().expirations, 1);
    }
    Ok(())
}

#[test]
fn reads_remove_only_what_they_meet() -> Result<(), Error> {
    let (pool, clock) = pool_of(100);
    for key in 0..50 {
        set_px(&pool, key, 10)?;
    }
    clock.advance(Duration::from_secs(1));

    for _ in 0..1_000 {
        assert_eq!(pool.get(7_usize.to_be_bytes())?, None);
    }

    assert_eq!(pool.dbsize(), 49);
    Ok(())
}

#[test]
fn a_storm_of_overwrites_leaves_a_handful_of_entries() -> Result<(), Error> {
    let (pool, clock) = pool_of(100);
    // `OVERWRITES` is how many there are; `.ci/deep` makes it ten million.
    let asked = env::var("OVERWRITES").ok().and_then(|text| text.parse().ok());
    let rounds = asked.unwrap_or(size(300_000, 3_000, 300));
    let mut most = 0;
    for round in 0..rounds {
        set_px(&pool, 1, 60_000)?;
        if round % 100 == 0 {
            clock.advance(Duration::from_millis(1));
            most = most.max(pool.get_stats().wheel_entries);
        }
    }

    assert!((1..=3).contains(&most), "{most} entries");
    clock.advance(Duration::from_secs(61));
    assert_eq!(pool.cleanup_expired_keys(usize::MAX).removed, 1);
    assert_eq!(pool.get_stats().wheel_entries, 0);
    Ok(())
}

#[test]
fn keys_that_come_and_go_do_not_fill_the_wheel_and_are_removed_all_the_same() -> Result<(), Error> {
    let (pool, clock) = pool_of(100);
    for round in 0..size(30_000, 6_000, 200) {
        set_px(&pool, round % 10, 60_000)?;
        assert!(pool.delete((round % 10).to_be_bytes()));
    }
    for key in 0..50 {
        set_px(&pool, key, 1_000)?;
    }

    let stats = pool.get_stats();
    assert!(stats.wheel_entries < 4_096 + 300, "{stats:?}");
    clock.advance(Duration::from_secs(2));
    pool.cleanup_expired_keys(usize::MAX);
    assert_eq!(pool.dbsize(), 0);
    Ok(())
}

#[test]
fn a_deadline_that_is_taken_back_or_moved_is_no_more() -> Result<(), Error> {
    let (pool, clock) = pool_of(100);
    for key in ["persisted", "put off", "brought forward", "overwritten", "kept"] {
        pool.set_options(key, "v", SetOptions::new().px(1_000))?;
    }
    assert!(pool.persist("persisted")?);
    assert!(pool.pexpire("put off", 5_000)?);
    assert!(pool.pexpire("brought forward", 100)?);
    pool.set("overwritten", "without")?;
    pool.set_options("kept", "w", SetOptions::new().keep_ttl())?;
    let left = || {
        pool.cleanup_expired_keys(usize::MAX);
        let mut keys = pool.keys("*");
        keys.sort();
        (pool.dbsize(), keys.concat())
    };

    assert_eq!(left().0, 5);
    clock.advance(Duration::from_millis(200));
    assert_eq!(left(), (4, b"keptoverwrittenpersistedput off".to_vec()));
    clock.advance(Duration::from_millis(900));
    assert_eq!(left(), (3, b"overwrittenpersistedput off".to_vec()));
    clock.advance(Duration::from_millis(4_100));
    assert_eq!(left(), (2, b"overwrittenpersisted".to_vec()));
    clock.advance(Duration::from_secs(100_000_000));
    assert_eq!(left().0, 2);

    assert!(pool.pexpire("persisted", 50)?);
    clock.advance(Duration::from_millis(100));
    assert_eq!(left(), (1, b"overwritten".to_vec()));
    Ok(())
}

#[test]
fn what_was_flushed_is_gone_and_what_comes_after_expires_in_time() -> Result<(), Error> {
    let (pool, clock) = pool_of(100);
    for key in 0..KEYS {
        set_px(&pool, key, 60_000)?;
    }
    pool.flushall();
    for key in 0..100 {
        set_px(&pool, key, 1_000)?;
    }

    clock.advance(Duration::from_millis(1_100));
    pool.cleanup_expired_keys(usize::MAX);
    assert_eq!(pool.dbsize(), 0);
    clock.advance(Duration::from_secs(60));
    pool.cleanup_expired_keys(usize::MAX);
    assert_eq!(pool.get_stats().wheel_entries, 0);
    Ok(())
}

#[test]
fn a_clock_that_is_set_back_removes_nothing_early() -> Result<(), Error> {
    let (pool, clock) = pool_of(100);
    set_px(&pool, 1, 10_000)?;
    clock.set_millis(START - 1_000_000);
    set_px(&pool, 2, 10_000)?;
    for _ in 0..100 {
        pool.set("k", "v")?;
        pool.cleanup_expired_keys(usize::MAX);
    }

    assert_eq!(pool.dbsize(), 3);
    clock.advance(Duration::from_millis(10_100));
    pool.cleanup_expired_keys(usize::MAX);
    assert_eq!(pool.dbsize(), 2);
    clock.set_millis(START + 10_100);
    pool.cleanup_expired_keys(usize::MAX);
    assert_eq!(pool.dbsize(), 1);
    Ok(())
}

#[test]
fn what_was_set_on_a_clock_that_was_set_back_is_removed_by_the_first_cleanup() -> Result<(), Error>
{
    let (pool, clock) = pool_of(100);
    clock.set_millis(START / 2);
    set_px(&pool, 1, 1)?;
    clock.advance(Duration::from_secs(10_000));

    assert_eq!(pool.cleanup_expired_keys(usize::MAX).removed, 1);
    Ok(())
}

#[test]
fn any_schedule_leaves_what_a_plain_map_leaves() {
    for seed in (1..).take(size(40, 2, 1)) {
        let mut source = Source(seed);
        let mut schedule = Schedule::new();
        for step in 0..size(2_000, 500, 100) {
            schedule.step(source.draw());
            if step % 3 == 0 {
                schedule.check();
            }
        }
        schedule.finish();
    }
}

/// What one thread of several does: sets, moves, takes back and removes deadlines, and cleans up.
fn stir(pool: &MemoryCachePool, source: &mut Source) -> Result<(), Error> {
    let (step, key, millis) = source.draw::<(u8, u8, u8)>();
    let (key, millis) = ([key % 64], i64::from(millis % 50) + 1);
    match step % 10 {
        0..=3 => pool.psetex(key, millis, "v")?,
        4 => pool.set(key, "v")?,
        5 => drop(pool.delete(key)),
        6 => drop(pool.persist(key)),
        7 => drop(pool.pexpire(key, millis)?),
        8 => drop(pool.incr([key[0], 0])?),
        _ => drop(pool.cleanup_expired_keys(16)),
    }
    Ok(())
}

#[test]
fn threads_that_write_and_clean_up_lose_no_deadline() -> Result<(), Error> {
    let (pool, clock) = pool_of(1);
    let rounds = size(40_000, 4_000, 60);
    thread::scope(|scope| {
        let pool = &pool;
        let writers: Vec<_> = (1..=3)
            .map(|seed| {
                scope.spawn(move || {
                    let mut source = Source(seed);
                    (0..rounds).try_for_each(|_| stir(pool, &mut source))
                })
            })
            .collect();
        for _ in 0..rounds / 4 {
            clock.advance(Duration::from_millis(1));
            thread::yield_now();
        }
        writers.into_iter().try_for_each(|writer| writer.join().expect("no writer panics"))
    })?;

    // From now on every key has a deadline.
    for key in pool.keys("*") {
        pool.pexpire(key, 10)?;
    }
    clock.advance(Duration::from_secs(60));
    pool.cleanup_expired_keys(usize::MAX);

    let stats = pool.get_stats();
    assert_eq!((pool.dbsize(), stats.wheel_entries, stats.record_bytes), (0, 0, 0));
    Ok(())
}

#[test]
fn the_task_cleans_up_by_itself_and_ends_with_the_pool() -> Result<(), Error> {
    let interval = Duration::from_millis(1);
    let pool =
        MemoryCachePool::new(CacheConfig::new().cleanup_interval(interval)).unwrap_or_default();
    for _ in 0..3 {
        assert!(pool.start_cleanup_task().is_ok());
    }
    for key in 0..100 {
        set_px(&pool, key, 5)?;
    }

    let begin = Instant::now();
    while pool.dbsize() > 0 {
        assert!(begin.elapsed() < Duration::from_secs(60), "nothing is cleaned up");
        thread::yield_now();
    }
    pool.stop_cleanup_task();
    pool.stop_cleanup_task();

    set_px(&pool, 1, 1)?;
    assert!(pool.start_cleanup_task().is_ok());
    let other = pool.clone();
    drop(pool);
    other.set("still", "here")?;
    Ok(())
}

#[test]
fn writers_leave_the_cleanup_to_a_task_that_is_not_late() -> Result<(), Error> {
    const HOUR: Duration = Duration::from_secs(3_600);
    let clock = Arc::new(ManualClock::new(START));
    let config = CacheConfig::new().cleanup_interval(HOUR).clock(Arc::clone(&clock) as _);
    let pool = MemoryCachePool::new(config).unwrap_or_default();
    for key in 0..5 {
        set_px(&pool, key, 5)?;
    }
    assert!(pool.start_cleanup_task().is_ok());

    clock.advance(HOUR);
    pool.set("other", "1")?;
    assert_eq!(pool.dbsize(), 6);

    clock.advance(2 * HOUR);
    pool.set("other", "2")?;
    assert_eq!(pool.dbsize(), 1, "the task is late");

    for key in 0..5 {
        set_px(&pool, key, 5)?;
    }
    pool.stop_cleanup_task();
    clock.advance(HOUR);
    pool.set("other", "3")?;
    assert_eq!(pool.dbsize(), 1, "there is no task any more");
    Ok(())
}

/// A clock whose coarse reading has stood still for a while.
#[derive(Debug)]
struct Stalled {
    precise: ManualClock,
    lag: u64,
}

impl Clock for Stalled {
    fn now_millis(&self) -> u64 {
        self.precise.now_millis()
    }

    fn coarse_millis(&self) -> u64 {
        self.now_millis() - self.lag
    }
}

#[test]
fn nothing_expired_is_returned_while_the_coarse_clock_is_kept_waiting() -> Result<(), Error> {
    for lag in [0, 20, 100, 400] {
        let clock = Arc::new(Stalled { precise: ManualClock::new(START), lag });
        let config = CacheConfig::new().clock(Arc::clone(&clock) as _);
        let pool = MemoryCachePool::new(config).unwrap_or_default();
        pool.psetex("quote", 50, "100.5")?;
        pool.psetex("overwritten", 50, "1")?;

        clock.precise.advance(Duration::from_millis(50));
        assert!(pool.get("quote")?.is_some(), "lost early with a lag of {lag} ms");
        clock.precise.advance(Duration::from_millis(1));

        assert_eq!(pool.get("quote")?, None, "returned late with a lag of {lag} ms");
        assert!(pool.setnx("overwritten", "2")?, "in the way with a lag of {lag} ms");
    }
    Ok(())
}

#[test]
fn a_life_of_half_a_minute_is_counted_from_the_last_tick_and_a_shorter_one_from_now()
-> Result<(), Error> {
    let clock = Arc::new(Stalled { precise: ManualClock::new(START), lag: 7 });
    let config = CacheConfig::new().clock(Arc::clone(&clock) as _);
    let pool = MemoryCachePool::new(config).unwrap_or_default();

    pool.psetex("short", 29_999, "1")?;
    pool.psetex("long", 30_000, "1")?;
    pool.setex("minute", 60, "1")?;
    pool.set_options("options", "1", SetOptions::new().px(30_000))?;
    pool.set_options("absolute", "1", SetOptions::new().pxat(START.cast_signed() + 90_000))?;

    assert_eq!(pool.pttl("short"), 29_999);
    assert_eq!(pool.pttl("long"), 30_000 - 7);
    assert_eq!(pool.pttl("minute"), 60_000 - 7);
    assert_eq!(pool.pttl("options"), 30_000 - 7);
    assert_eq!(pool.pttl("absolute"), 90_000);
    Ok(())
}
