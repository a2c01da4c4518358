//! Several threads on the same keys: no value is torn, no count is lost, nothing leaks.

use memory_cache_pool::{CacheConfig, Error, EvictionPolicy, MemoryCachePool};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
    thread,
};

/// Rounds of each thread, fewer under tools that slow everything down.
const ROUNDS: u64 = if cfg!(miri) {
    16
} else if cfg!(pool_tsan) {
    2_000
} else {
    30_000
};

fn xorshift(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

fn small_pool() -> MemoryCachePool {
    MemoryCachePool::new(CacheConfig::new().capacity(8)).unwrap_or_default()
}

/// A value of many lengths whose bytes all say the same.
fn value(number: u64) -> Vec<u8> {
    let len = usize::try_from(number % 300).unwrap_or(0) + 1;
    vec![
        u8::try_from(number % 251).unwrap_or(0);
        if number.is_multiple_of(97) { len + 5_000 } else { len }
    ]
}

fn is_whole(value: &[u8]) -> bool {
    value.iter().all(|byte| *byte == value[0])
}

#[test]
fn readers_see_whole_values_while_writers_come_and_go() -> Result<(), Error> {
    let pool = small_pool();
    let has_ended = AtomicBool::new(false);

    thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let (mut seen, mut state) = (0, 7);
            // Once more after the end: the writers' last values have to be there.
            while !has_ended.load(Relaxed) || seen == 0 {
                let key = (xorshift(&mut state) % 16).to_be_bytes();
                seen += u64::from(pool.get_with(key, is_whole)? == Some(true));
                assert_ne!(pool.get_with(key, is_whole)?, Some(false), "a torn value");
            }
            Ok::<_, Error>(seen)
        });
        // Writers end and others take their place, so that bags are left behind and taken over.
        for generation in 0..4 {
            let writers: Vec<_> = (0..2)
                .map(|writer| {
                    let pool = &pool;
                    scope.spawn(move || {
                        let mut state = 0x9E37_79B9 + generation * 2 + writer;
                        for _ in 0..ROUNDS / 4 {
                            let number = xorshift(&mut state);
                            let key = (number % 16).to_be_bytes();
                            match number >> 32 & 7 {
                                0 => drop(pool.delete(key)),
                                1 => drop(pool.expire(key, 100)?),
                                2 => drop(pool.persist(key)),
                                _ => pool.set(key, value(number))?,
                            }
                        }
                        Ok::<_, Error>(())
                    })
                })
                .collect();
            for writer in writers {
                assert_eq!(writer.join().ok(), Some(Ok(())));
            }
        }
        pool.set(0_u64.to_be_bytes(), value(5))?;
        has_ended.store(true, Relaxed);
        assert!(reader.join().is_ok_and(|seen| seen.is_ok_and(|seen| seen > 0)));
        Ok::<_, Error>(())
    })?;
    Ok(())
}

#[test]
fn increments_are_counted_while_the_deadline_changes() -> Result<(), Error> {
    let pool = small_pool();
    let threads = 3;

    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| (0..ROUNDS).try_for_each(|_| pool.incr("n").map(drop)));
        }
        scope.spawn(|| {
            for _ in 0..ROUNDS / 16 {
                pool.expire("n", 1_000)?;
                pool.persist("n")?;
            }
            Ok::<_, Error>(())
        });
    });

    assert_eq!(pool.get("n")?, Some((threads * ROUNDS).to_string().into_bytes()));
    Ok(())
}

/// Counts how often it was dropped.
struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_add(1, Relaxed);
    }
}

#[test]
fn every_object_is_dropped_once_when_the_pool_is() {
    let (made, dropped) = (AtomicUsize::new(0), Arc::new(AtomicUsize::new(0)));
    let pool = small_pool();

    thread::scope(|scope| {
        for thread in 0..3 {
            let (pool, made, dropped) = (&pool, &made, &dropped);
            scope.spawn(move || {
                let mut state = 0x5EED + thread;
                for _ in 0..ROUNDS {
                    let key = (xorshift(&mut state) % 12).to_be_bytes();
                    if xorshift(&mut state).is_multiple_of(4) {
                        pool.delete(key);
                    } else {
                        made.fetch_add(1, Relaxed);
                        assert_eq!(
                            pool.set_object(key, Arc::new(Counted(Arc::clone(dropped)))),
                            Ok(())
                        );
                    }
                }
            });
        }
    });
    let keys = pool.dbsize();
    assert_eq!(pool.keys("*").len(), keys);
    drop(pool);

    assert_eq!(dropped.load(Relaxed), made.load(Relaxed));
}

#[test]
fn the_limit_on_keys_holds_at_every_moment() {
    let config = CacheConfig::new().max_keys(5).eviction_policy(EvictionPolicy::NoEviction);
    let pool = MemoryCachePool::new(config).unwrap_or_default();

    thread::scope(|scope| {
        for thread in 0..3 {
            let pool = &pool;
            scope.spawn(move || {
                let mut state = 0xFEED + thread;
                for _ in 0..ROUNDS {
                    let key = (xorshift(&mut state) % 10).to_be_bytes();
                    if xorshift(&mut state).is_multiple_of(3) {
                        pool.delete(key);
                    } else {
                        let done = pool.set(key, "x");
                        assert!(matches!(done, Ok(()) | Err(Error::OutOfMemory)));
                    }
                }
            });
        }
        for _ in 0..ROUNDS / 100 {
            assert!(pool.keys("*").len() <= 10, "as many as there are names");
        }
    });

    assert!(pool.dbsize() <= 5);
    assert_eq!(pool.keys("*").len(), pool.dbsize());
}
