//! Limits on keys and memory, whom each policy gives up, and what a full pool refuses.

mod support;

use memory_cache_pool::{
    ByteSize, CacheConfig, Error, EvictionPolicy, MemoryCachePool, SetOptions,
};
use std::{
    collections::HashMap,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    thread,
    time::Duration,
};
use support::policies::{ALL_KEYS, VOLATILE, pool, pool_of};

/// Draws a number; xorshift.
fn draw(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

/// Draws a number below another.
fn below(state: &mut u64, bound: usize) -> usize {
    usize::try_from(draw(state) % bound as u64).unwrap_or_default()
}

#[test]
fn there_are_never_more_keys_than_there_may_be() -> Result<(), Error> {
    for policy in ALL_KEYS {
        for most in [1, 2, 10, 100] {
            let (pool, _) = pool_of(most, policy);
            let mut state = 1;
            for _ in 0..if cfg!(miri) { 50 } else { 5_000 } {
                let key = (draw(&mut state) % 300).to_string();
                pool.set(&key, "x")?;
                assert!(pool.exists(&key), "{policy}: what was set is there");
                assert!(pool.dbsize() <= most, "{policy}: {} of {most}", pool.dbsize());
            }
            assert_eq!(pool.dbsize(), pool.keys("*").len());
            assert!(pool.get_stats().evictions > 0);
        }
    }
    Ok(())
}

#[test]
fn a_default_pool_with_a_limit_evicts() -> Result<(), Error> {
    let pool = pool(CacheConfig::new().max_keys(3));
    assert_eq!(pool.eviction_policy(), EvictionPolicy::AllKeysLfu);

    for key in 0..10 {
        pool.set(key.to_string(), "x")?;
    }

    assert_eq!(pool.dbsize(), 3);
    assert_eq!(pool.get_stats().evictions, 7);
    Ok(())
}

#[test]
fn lru_gives_up_what_was_used_least_lately() -> Result<(), Error> {
    let (pool, clock) = pool_of(4, EvictionPolicy::AllKeysLru);
    for key in ["a", "b", "c", "d"] {
        pool.set(key, "x")?;
        clock.advance(Duration::from_millis(300));
    }
    assert!(pool.get("a")?.is_some());
    clock.advance(Duration::from_millis(300));

    pool.set("e", "x")?;
    pool.set("f", "x")?;

    let mut keys = pool.keys("*");
    keys.sort();
    assert_eq!(keys, [b"a", b"d", b"e", b"f"]);
    Ok(())
}

#[test]
fn lfu_keeps_what_is_used_through_a_scan_of_what_is_used_once() -> Result<(), Error> {
    let (pool, _) = pool_of(1_000, EvictionPolicy::AllKeysLfu);
    let hot: Vec<_> = (0..500).map(|key| format!("hot {key}")).collect();
    for key in &hot {
        pool.set(key, "x")?;
    }

    let mut found = 0;
    for round in 0..if cfg!(miri) { 2 } else { 100 } {
        found = hot.iter().filter(|key| pool.get(key).is_ok_and(|value| value.is_some())).count();
        for key in 0..500 {
            pool.set(format!("scan {round} {key}"), "x")?;
        }
    }

    assert!(found > 490, "{found} of 500 are left");
    Ok(())
}

#[test]
fn volatile_policies_spare_keys_without_a_deadline() -> Result<(), Error> {
    for policy in VOLATILE {
        let (pool, _) = pool_of(20, policy);
        for key in 0..20 {
            let options = SetOptions::new();
            let options = if key % 4 == 0 { options.ex(100 + key) } else { options };
            pool.set_options(key.to_string(), "x", options)?;
        }

        let taken = (100..120).take_while(|key| pool.set(key.to_string(), "x").is_ok()).count();

        assert_eq!(taken, 5, "{policy}: there were five to go");
        assert_eq!(pool.set("new", "x"), Err(Error::OutOfMemory), "{policy}");
        assert!((0..20).all(|key| key % 4 == 0 || pool.exists(key.to_string())), "{policy}");
        assert!(pool.delete("100"));
        assert_eq!(pool.set("new", "x"), Ok(()));
    }
    Ok(())
}

#[test]
fn volatile_ttl_gives_up_the_nearest_deadline() -> Result<(), Error> {
    let (pool, _) = pool_of(4, EvictionPolicy::VolatileTtl);
    for (key, seconds) in [("a", 90), ("b", 30), ("c", 70), ("d", 50)] {
        pool.setex(key, seconds, "x")?;
    }

    pool.set("e", "x")?;
    pool.set("f", "x")?;

    assert!(pool.exists("a") && pool.exists("c"));
    assert!(!pool.exists("b") && !pool.exists("d"));
    Ok(())
}

#[test]
fn what_has_expired_goes_before_what_has_not() -> Result<(), Error> {
    for policy in ALL_KEYS.into_iter().chain(VOLATILE) {
        let (pool, clock) = pool_of(4, policy);
        for key in ["a", "b", "c", "d"] {
            pool.psetex(key, if key == "c" { 1_000 } else { 9_000 }, "x")?;
        }
        clock.advance(Duration::from_millis(1_001));

        pool.set("e", "x")?;

        let stats = pool.get_stats();
        assert_eq!((stats.evictions, stats.expirations), (0, 1), "{policy}");
        assert!(["a", "b", "d", "e"].iter().all(|key| pool.exists(key)));
    }
    Ok(())
}

#[test]
fn noeviction_refuses_what_needs_memory_and_serves_the_rest() -> Result<(), Error> {
    let config = CacheConfig::new().max_memory(256 << 10);
    let pool = pool(config.eviction_policy(EvictionPolicy::NoEviction));
    let taken = (0..).take_while(|key| pool.set(format!("{key:08}"), [0; 1_000]).is_ok()).count();
    assert!((130..250).contains(&taken), "{taken} values of 1,000 bytes in 256 KiB");
    let before = pool.dbsize();

    assert_eq!(pool.set("new", [0; 5_000]), Err(Error::OutOfMemory));
    assert_eq!(pool.append("00000000", [0; 5_000]), Err(Error::OutOfMemory));

    assert_eq!(pool.dbsize(), before);
    assert_eq!(pool.strlen("00000000")?, 1_000);
    assert_eq!(pool.get_stats().evictions, 0);
    for key in 0..20 {
        assert!(pool.delete(format!("{key:08}")));
    }
    assert_eq!(pool.set("new", [0; 5_000]), Ok(()));
    Ok(())
}

#[test]
fn a_value_larger_than_the_limit_is_refused_and_nothing_is_evicted_for_it() -> Result<(), Error> {
    let pool = pool(CacheConfig::new().max_memory(1 << 20));
    for key in 0..100 {
        pool.set(key.to_string(), [0; 1_000])?;
    }

    assert_eq!(pool.set("large", vec![0; 1 << 20]), Err(Error::OutOfMemory));
    assert_eq!(pool.setrange("0", (1 << 20) - 1, "x"), Err(Error::OutOfMemory));

    assert_eq!(pool.dbsize(), 100);
    assert_eq!(pool.strlen("0")?, 1_000);
    assert_eq!(pool.get_stats().evictions, 0);
    Ok(())
}

#[test]
fn memory_stays_within_its_limit_whatever_the_sizes() -> Result<(), Error> {
    for policy in ALL_KEYS {
        let most = 4 << 20;
        let pool = pool(CacheConfig::new().max_memory(most as u64).eviction_policy(policy));
        let mut state = 7;
        let mut least = usize::MAX;
        for round in 0..if cfg!(miri) { 20 } else { 20_000 } {
            let bound = 1 << below(&mut state, 18);
            let len = below(&mut state, bound);
            let key = (draw(&mut state) % 100_000).to_string();
            pool.set(&key, vec![1; len])?;
            let used = pool.get_stats().memory_usage;
            assert!(used <= most + 8_192, "{policy}: {used} bytes in round {round}");
            if round > 10_000 {
                least = least.min(pool.get_stats().record_bytes);
            }
        }
        assert!(cfg!(miri) || least > most / 2, "{policy}: only {least} bytes were of use");
    }
    Ok(())
}

#[cfg(not(miri))]
#[test]
fn limits_and_policy_change_while_the_pool_is_in_use() -> Result<(), Error> {
    let pool = pool(CacheConfig::new());
    for key in 0..1_000 {
        pool.set(key.to_string(), [0; 1_000])?;
    }

    pool.set_max_keys(Some(900)).unwrap();
    pool.set("one more", "x")?;
    assert_eq!(pool.dbsize(), 999, "a write evicts two at most");
    for key in 0..200 {
        pool.set(format!("more {key}"), "x")?;
    }
    assert_eq!(pool.dbsize(), 900);

    pool.set_max_keys(None).unwrap();
    pool.set_max_memory(Some(ByteSize(512 << 10))).unwrap();
    let before = pool.dbsize();
    pool.set("first", [0; 1_000])?;
    assert!(pool.dbsize() >= before - 2, "a write evicts two at most");
    for key in 0..1_000 {
        pool.set(format!("again {key}"), [0; 1_000])?;
    }
    assert!(pool.get_stats().memory_usage <= 512 << 10);

    pool.set_eviction_policy(EvictionPolicy::NoEviction);
    assert_eq!(pool.set("too much", vec![0; 400_000]), Err(Error::OutOfMemory));
    pool.set_max_memory(None).unwrap();
    assert_eq!(pool.set("too much", vec![0; 400_000]), Ok(()));
    assert!(pool.set_max_keys(Some(0)).is_err());
    assert!(pool.set_max_memory(Some(ByteSize(1))).is_err());
    Ok(())
}

#[test]
fn idle_time_and_frequency_are_told_and_asking_is_no_use() -> Result<(), Error> {
    let (pool, clock) = pool_of(10, EvictionPolicy::AllKeysLfu);
    pool.set("a", "x")?;
    for _ in 0..if cfg!(miri) { 1 } else { 1_000 } {
        pool.get("a")?;
    }
    let often = pool.object_freq("a").unwrap_or(0);
    clock.advance(Duration::from_secs(10));
    pool.set("b", "x")?;

    assert!(often >= 1 && (cfg!(miri) || (300..3_000).contains(&often)), "{often} reads");
    assert_eq!(pool.object_idletime("a"), Some(Duration::from_secs(10)));
    assert_eq!(pool.object_idletime("a"), Some(Duration::from_secs(10)));
    assert_eq!(pool.object_idletime("b"), Some(Duration::ZERO));
    assert_eq!((pool.object_idletime("c"), pool.object_freq("c")), (None, None));
    Ok(())
}

/// What is read is what was written last, or nothing, whatever is done to limits and policy.
#[test]
fn a_pool_under_changing_limits_loses_keys_but_never_mixes_them_up() {
    let pool = pool(CacheConfig::new());
    let mut written = HashMap::new();
    let mut state = 99;
    for round in 0..if cfg!(miri) { 100 } else { 50_000_u64 } {
        let key = (draw(&mut state) % 500).to_string();
        let number = below(&mut state, 1 << 30);
        match draw(&mut state) % 100 {
            0 => pool.set_max_keys(Some(1 + number % 300)).unwrap(),
            1 => pool.set_max_keys(None).unwrap(),
            2 => pool.set_max_memory(Some(ByteSize((64 + (number as u64 % 500)) << 10))).unwrap(),
            3 => pool.set_max_memory(None).unwrap(),
            4 => pool.set_eviction_policy(ALL_KEYS[number % 3]),
            5 => pool.set_eviction_policy(VOLATILE[number % 4]),
            6 => pool.set_eviction_policy(EvictionPolicy::NoEviction),
            7..30 => {
                pool.delete(&key);
                assert!(!pool.exists(&key));
                written.remove(&key);
            }
            30..60 => {
                let value = format!("{round}").repeat(number % (1 << (number % 11)));
                let value = value.into_bytes();
                if pool.set(&key, &value).is_ok() {
                    written.insert(key.clone(), value);
                    assert!(pool.exists(&key), "what was set is there");
                }
            }
            _ => {
                let read = pool.get(&key).unwrap();
                assert!(read.is_none() || read == written.get(&key).cloned(), "{key}");
            }
        }
    }
    assert_eq!(pool.dbsize(), pool.keys("*").len());
}

/// Eight threads and values from 1 byte to 1 MiB.
#[cfg(not(miri))]
#[test]
fn limits_hold_at_the_return_of_every_write_of_many_threads() {
    const THREADS: usize = 8;
    const MOST_KEYS: usize = 2_000;
    const LARGEST: usize = 1 << 20;
    let most = 64 << 20;
    let pool = pool(CacheConfig::new().max_memory(most).max_keys(MOST_KEYS));
    let (refused, highest) = (AtomicU64::new(0), AtomicU64::new(0));

    thread::scope(|scope| {
        for thread in 0..THREADS {
            let (pool, refused, highest) = (&pool, &refused, &highest);
            scope.spawn(move || {
                let mut state = 0xFACE + thread as u64;
                for _ in 0..1_500 {
                    let bound = LARGEST >> below(&mut state, 20);
                    let len = 1 + below(&mut state, bound);
                    let key = (draw(&mut state) % 10_000).to_string();
                    let value = vec![0; len];
                    let written = match below(&mut state, 4) {
                        0 => pool.set_options(&key, value, SetOptions::new().px(60_000)).map(drop),
                        1 => pool.append(&key, &value[len / 2..]).map(drop),
                        _ => pool.set(&key, value),
                    };
                    match written {
                        Ok(()) => {}
                        Err(Error::Stalled) => drop(refused.fetch_add(1, Relaxed)),
                        Err(error) => panic!("{error}"),
                    }
                    let stats = pool.get_stats();
                    highest.fetch_max(stats.memory_usage as u64, Relaxed);
                    let slack = THREADS as u64 * ((4 << 10) + LARGEST as u64);
                    assert!(stats.memory_usage as u64 <= most + slack, "{stats:?}");
                    assert!(stats.key_count <= MOST_KEYS + THREADS, "{stats:?}");
                }
            });
        }
    });

    let refused = refused.into_inner();
    assert!(refused < 600, "{refused} of 12,000 writes were refused");
    assert!(highest.into_inner() > most / 2, "the pool was never half full");
}

/// A reader that does not finish keeps what was replaced from being freed: writes fail then, instead
/// of evicting all there is, and go on when it has finished.
#[cfg(not(miri))]
#[test]
fn a_stalled_reader_costs_writes_and_not_the_keys() -> Result<(), Error> {
    for count in [200, 800] {
        let pool = pool(CacheConfig::new().max_memory(1 << 20));
        let keys: Vec<_> = (0..count).map(|key| key.to_string()).collect();
        for key in &keys {
            pool.set(key, [0; 1_000])?;
        }
        let before = pool.dbsize();
        let pinned = pool.pin();

        let mut writes = keys.iter().cycle().take(10_000).map(|key| pool.set(key, [1; 1_000]));
        let refusal = writes.find(Result::is_err);

        assert_eq!(refusal, Some(Err(Error::Stalled)));
        assert!(pool.dbsize() > before / 2, "{} of {before} are left", pool.dbsize());
        let used = pool.get_stats().memory_usage;
        assert!(used <= (1 << 20) + (4 << 10) + 1_100, "{used} bytes");
        assert!(keys.iter().all(|key| pool.get(key).is_ok()));
        let left = pool.keys("*");
        assert!(pool.delete(&left[0]));
        drop(pinned);
        for key in &keys {
            pool.set(key, [2; 1_000])?;
        }
    }
    Ok(())
}

/// What hangs below a record counts while it is there, makes room when it goes, and is not counted
/// any more when it is free.
#[test]
fn hashes_lists_and_sets_are_within_the_limit_too() -> Result<(), Error> {
    const MOST: u64 = 4 << 20;
    let rounds = if cfg!(miri) { 0 } else { 3_000_u32 };
    let pool = pool(CacheConfig::new().max_memory(MOST));
    for round in 0..rounds {
        let element = [b'e'; 200];
        let key = (round % 200).to_string();
        for part in 0..20_u32 {
            let field = (round / 200 * 20 + part).to_be_bytes();
            match round % 3 {
                0 => drop(pool.hset(format!("hash {key}"), field, element)?),
                1 => drop(pool.rpush(format!("list {key}"), element)?),
                _ => drop(pool.sadd(format!("set {key}"), [&element[..], &field].concat())?),
            }
        }
        let stats = pool.get_stats();
        assert!(stats.memory_usage as u64 <= MOST + (4 << 10) + (8 << 10), "{stats:?}");
    }
    let full = pool.get_stats();
    assert!(cfg!(miri) || full.evictions > 0 && full.memory_usage as u64 > MOST / 2, "{full:?}");

    pool.flushall();
    for _ in 0..2_000 {
        pool.set("key", "value")?;
    }

    let stats = pool.get_stats();
    assert!(stats.record_bytes < 200, "{stats:?}");
    assert!(stats.retired_bytes + stats.idle_bytes < 200_000, "{stats:?}");
    Ok(())
}

#[test]
fn changing_deadlines_asks_for_room_while_a_reader_stands_still() -> Result<(), Error> {
    const MOST: usize = 1 << 20;
    let config = CacheConfig::new().max_memory(MOST as u64);
    let pool = pool(config.eviction_policy(EvictionPolicy::NoEviction));
    let keys: Vec<String> = (0..400).map(|key| key.to_string()).collect();
    for key in &keys {
        pool.set(key, [1; 1_000])?;
    }
    let pinned = pool.pin();
    let refused = (0..700).map(|turn| pool.pexpire(&keys[turn % keys.len()], 1_000_000));
    let refused = refused.filter_map(Result::err).collect::<Vec<_>>();

    assert!(!refused.is_empty());
    assert!(refused.iter().all(|error| matches!(error, Error::Stalled | Error::OutOfMemory)));
    assert!(pool.get_stats().memory_usage <= MOST + (4 << 10) + 2_000);
    assert_eq!(pool.dbsize(), keys.len());
    drop(pinned);
    assert_eq!(pool.pexpire("1", 1_000_000), Ok(true));
    Ok(())
}

/// Reads or else sets small keys and large ones in turn, as often, and tells how many of the small
/// ones are there in the end. There is room for two thirds of all bytes, or of all keys.
///
/// The median of five pools: each hashes with a seed of its own, and with one in 200 a good many of the
/// small ones are gone.
fn small_ones_left(config: &CacheConfig) -> Result<usize, Error> {
    let left = (0..5).map(|_| small_ones_left_in(&pool(config.clone())));
    let mut left = left.collect::<Result<Vec<_>, _>>()?;
    left.sort_unstable();
    Ok(left[2])
}

fn small_ones_left_in(pool: &MemoryCachePool) -> Result<usize, Error> {
    const KEYS: usize = 400;
    for _ in 0..30 {
        for key in 0..KEYS {
            let name = format!("{key:04}");
            if pool.get(&name)?.is_none() {
                pool.set(&name, vec![1; if key % 2 == 0 { 4_000 } else { 100 }])?;
            }
        }
    }
    Ok((1..KEYS).step_by(2).filter(|key| pool.exists(format!("{key:04}"))).count())
}

#[test]
#[cfg_attr(miri, ignore = "takes minutes")]
fn where_bytes_are_limited_large_values_have_to_be_used_more_often() -> Result<(), Error> {
    let by_bytes = small_ones_left(&CacheConfig::new().max_memory(640 << 10))?;
    let by_keys = small_ones_left(&CacheConfig::new().max_keys(400 * 2 / 3))?;

    assert!(by_bytes >= 180, "{by_bytes} of 200");
    assert!((80..170).contains(&by_keys), "{by_keys} of 200");
    Ok(())
}

#[test]
#[cfg_attr(miri, ignore = "takes minutes")]
fn a_large_value_that_is_read_all_the_time_stays_among_small_ones() -> Result<(), Error> {
    let pool = pool(CacheConfig::new().max_memory(1 << 20));
    pool.set("large", vec![1; 64 << 10])?;
    for key in 0..20_000 {
        pool.set(key.to_string(), [1; 100])?;
        assert!(pool.get("large")?.is_some(), "gone after {key} others");
    }
    Ok(())
}
