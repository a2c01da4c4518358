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

/// How many bytes the large values of these tests may take: a twentieth of 8 MiB.
const SHARE: usize = (8 << 20) / 20;

/// A pool that is full of keys that may go, and has the spared key `large`.
fn full_pool(write: Write) -> Result<MemoryCachePool, Error> {
    let config = CacheConfig::new().max_memory(8 << 20).no_evict_percent(5);
    let pool = MemoryCachePool::new(config).unwrap_or_default();
    write(&pool, 0)?;
    assert!(pool.set_no_evict("large", true)?);
    for key in 0..10_000 {
        pool.set(format!("flood:{key}"), [7; 1_000])?;
    }
    assert!(pool.get_stats().evictions > 0);
    Ok(pool)
}

type Write = fn(&MemoryCachePool, usize) -> Result<(), Error>;

/// Commands that make `large` larger, the later the more.
const GROWING: [(&str, Write); 8] = [
    ("HSET", |pool, step| pool.hset("large", step.to_string(), [1; 100]).map(drop)),
    ("SADD", |pool, step| pool.sadd("large", format!("{step:0100}")).map(drop)),
    ("RPUSH", |pool, step| pool.rpush("large", format!("{step:0100}")).map(drop)),
    ("LPUSH", |pool, step| pool.lpush("large", vec![1; 100 + step % 700]).map(drop)),
    ("APPEND", |pool, _| pool.append("large", [1; 300]).map(drop)),
    ("SETRANGE", |pool, step| pool.setrange("large", step * 300, "x").map(drop)),
    ("SET", |pool, step| pool.set("large", vec![1; step * 300])),
    ("COPY", |pool, step| {
        pool.set("source", vec![1; step * 300])?;
        pool.copy("source", "large", true).map(drop)
    }),
];

#[test]
#[cfg_attr(miri, ignore = "writes tens of thousands of keys")]
fn a_spared_value_may_not_outgrow_its_share_and_evicts_nobody_when_it_is_refused()
-> Result<(), Error> {
    for (name, write) in GROWING {
        let pool = full_pool(write)?;
        let mut refused = None;
        for step in 1..20_000 {
            let before = pool.get_stats();
            refused = write(&pool, step).err();
            let after = pool.get_stats();
            assert!(after.no_evict_bytes <= SHARE, "{name}: {} bytes", after.no_evict_bytes);
            if refused.is_some() {
                assert_eq!(refused, Some(Error::NoEvictLimit), "{name}");
                assert_eq!(after.no_evict_bytes, before.no_evict_bytes, "{name}");
                assert!(after.evictions == before.evictions || name == "COPY", "{name}");
                break;
            }
        }

        assert!(refused.is_some(), "{name}");
        let stats = pool.get_stats();
        assert!(stats.no_evict_bytes > SHARE * 9 / 10, "{name}: {} bytes", stats.no_evict_bytes);
        assert_eq!(Some(stats.no_evict_bytes), pool.memory_usage("large"), "{name}");
        assert_eq!(stats.no_evict_keys, 1, "{name}");
    }
    Ok(())
}

#[test]
#[cfg_attr(miri, ignore = "writes tens of thousands of keys")]
fn a_spared_collection_that_is_as_large_as_it_may_be_can_be_changed_and_emptied()
-> Result<(), Error> {
    let fill = |write: Write| -> Result<_, Error> {
        let pool = full_pool(write)?;
        let refused = (1..).find_map(|step| write(&pool, step).err());
        assert_eq!(refused, Some(Error::NoEvictLimit));
        // What there is is too much from now on.
        assert!(pool.set_max_memory(Some((7 << 20).into())).is_ok());
        for key in 0..2_000 {
            pool.set(format!("flood:{key}"), [7; 1_000])?;
        }
        Ok(pool)
    };
    let [hset, sadd, rpush, lpush, ..] = GROWING.map(|(_, write)| write);

    let pool = fill(hset)?;
    for field in 0..pool.hlen("large")? {
        assert_eq!(pool.hset("large", field.to_string(), [2; 100]), Ok(false));
        assert_eq!(pool.hdel("large", field.to_string()), Ok(true), "field {field}");
    }
    assert!(!pool.exists("large"));

    let pool = fill(sadd)?;
    for member in 0..pool.scard("large")? {
        assert_eq!(pool.srem("large", format!("{member:0100}")), Ok(true), "member {member}");
    }
    assert!(!pool.exists("large"));

    for push in [rpush, lpush] {
        let pool = fill(push)?;
        let mut from_left = false;
        while pool.exists("large") {
            from_left = !from_left;
            let popped = if from_left { pool.lpop("large") } else { pool.rpop("large") };
            assert!(popped?.is_some());
        }
        assert_eq!(pool.get_stats().no_evict_bytes, 0);
    }
    Ok(())
}
