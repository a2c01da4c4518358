//! Keys that no policy chooses, and how many of them there may be.

mod support;

use memory_cache_pool::{
    CacheConfig, Error, EvictionPolicy, ManualClock, MemoryCachePool, SetOptions,
};
use std::{sync::Arc, time::Duration};
use support::policies::{ALL_KEYS, VOLATILE, pool, pool_of};

/// Writes so many keys that whatever may go has gone.
fn flood(pool: &MemoryCachePool, keys: usize) {
    for key in 0..keys {
        let key = format!("flood:{key}");
        drop(pool.set_options(&key, [7; 100], SetOptions::new().px(1_000_000)));
        drop(pool.get(&key));
    }
}

#[test]
fn no_policy_chooses_a_spared_key() -> Result<(), Error> {
    for policy in [&ALL_KEYS[..], &VOLATILE[..]].concat() {
        let limits = [CacheConfig::new().max_keys(100), CacheConfig::new().max_memory(128 << 10)];
        for limit in limits {
            let clock = Arc::new(ManualClock::new(1_000_000));
            let pool = pool(limit.eviction_policy(policy).clock(clock));
            for number in 0..20 {
                let key = format!("position:{number}");
                let options = SetOptions::new().px(500_000).no_evict();
                assert!(pool.set_options(key, "2.5", options)?.was_set);
            }

            flood(&pool, if cfg!(miri) { 300 } else { 3_000 });

            for number in 0..20 {
                assert!(pool.exists(format!("position:{number}")), "{policy}: {number}");
            }
            let stats = pool.get_stats();
            assert_eq!(stats.no_evict_keys, 20, "{policy}");
            assert!(stats.evictions > 0, "{policy}");
        }
    }
    Ok(())
}

#[test]
fn whatever_is_written_to_a_spared_key_keeps_it_spared() -> Result<(), Error> {
    let (pool, clock) = pool_of(100, EvictionPolicy::AllKeysLfu);
    let is_spared = |key: &str| pool.key_info(key).is_some_and(|info| info.no_evict);
    assert_eq!(pool.set_no_evict("absent", true), Ok(false));
    pool.set_options("n", "1", SetOptions::new().no_evict())?;
    pool.hset("hash", "field", "1")?;
    assert!(!is_spared("hash"));
    assert_eq!(pool.set_no_evict("hash", true), Ok(true));

    pool.incr("n")?;
    pool.incr("n")?;
    pool.pexpire("n", 1_000)?;
    assert_eq!(pool.get("n")?.as_deref(), Some(&b"3"[..]));
    pool.persist("n")?;
    pool.append("n", "x")?;
    pool.set("n", [1; 10_000])?;
    for field in 0..200 {
        pool.hset("hash", field.to_string(), "1")?;
    }
    pool.hdel("hash", "7")?;
    pool.copy("hash", "copy", true)?;

    assert!(is_spared("n") && is_spared("hash"));
    assert!(!is_spared("copy"), "the mark is the key's");
    assert_eq!(pool.get_stats().no_evict_keys, 2);
    let bytes = pool.memory_usage("n").zip(pool.memory_usage("hash")).map(|(n, hash)| n + hash);
    assert_eq!(Some(pool.get_stats().no_evict_bytes), bytes);

    assert_eq!(pool.set_no_evict("n", false), Ok(true));
    assert!(!is_spared("n"));
    pool.set("n", "2")?;
    assert!(!is_spared("n"));
    assert!(pool.delete("hash"));
    assert_eq!(pool.get_stats().no_evict_keys, 0);
    assert_eq!(pool.get_stats().no_evict_bytes, 0);

    pool.set_options("soon", "x", SetOptions::new().px(10).no_evict())?;
    clock.advance(Duration::from_millis(11));
    assert_eq!(pool.get("soon"), Ok(None), "its deadline holds all the same");
    pool.set_options("soon", "x", SetOptions::new().px(10).no_evict())?;
    clock.advance(Duration::from_millis(11));
    pool.set("soon", "y")?;
    assert!(!is_spared("soon"), "it is another key's life");
    assert_eq!(pool.get_stats().no_evict_keys, 0);
    Ok(())
}

#[test]
fn a_share_of_the_limits_may_be_spared_and_no_more() -> Result<(), Error> {
    let (pool, _) = pool_of(10, EvictionPolicy::AllKeysLru);
    for key in 0..5 {
        pool.set_options(key.to_string(), "x", SetOptions::new().no_evict())?;
    }
    let sixth = pool.set_options("5", "x", SetOptions::new().no_evict());
    assert_eq!(sixth, Err(Error::NoEvictLimit));
    assert!(!pool.exists("5"));
    pool.set("5", "x")?;
    assert_eq!(pool.set_no_evict("5", true), Err(Error::NoEvictLimit));
    pool.set("4", "what is spared may be written again")?;
    assert!(pool.delete("4"));
    assert_eq!(pool.set_no_evict("5", true), Ok(true));

    let memory = MemoryCachePool::new(CacheConfig::new().max_memory(1 << 20)).unwrap_or_default();
    memory.set_options("large", vec![0; 400 << 10], SetOptions::new().no_evict())?;
    let options = SetOptions::new().no_evict();
    assert_eq!(memory.set_options("other", vec![0; 200 << 10], options), Err(Error::NoEvictLimit));
    assert_eq!(
        memory.set("large", vec![0; 530 << 10]),
        Err(Error::NoEvictLimit),
        "it may not grow"
    );
    assert_eq!(memory.strlen("large"), Ok(400 << 10));
    memory.set("large", vec![0; 100 << 10])?;
    memory.set_options("other", vec![0; 200 << 10], options)?;
    Ok(())
}

#[test]
fn a_pool_of_spared_keys_refuses_what_is_new() -> Result<(), Error> {
    for policy in ALL_KEYS {
        let (pool, clock) = pool_of(100, policy);
        for key in 0..50 {
            let options = SetOptions::new().px(10_000).no_evict();
            pool.set_options(key.to_string(), "x", options)?;
        }

        assert!(pool.set_max_keys(Some(50)).is_ok());
        assert_eq!(pool.set("new", "x"), Err(Error::OutOfMemory), "{policy}");
        assert_eq!(pool.hset("new", "field", "x"), Err(Error::OutOfMemory), "{policy}");
        assert_eq!(pool.dbsize(), 50);
        pool.set("7", "what is there may be written")?;
        pool.pexpire("7", 20_000)?;

        assert!(pool.delete("8"));
        pool.set("new", "x")?;
        pool.set("newer", "x")?;
        assert!(!pool.exists("new"), "{policy}: the only one that may go");
        clock.advance(Duration::from_millis(10_001));
        pool.set("new", "x")?;
        assert!(pool.exists("7"), "{policy}");
    }
    Ok(())
}
