//! Every refusal, and that the pool is afterwards as it was before.

use memory_cache_pool::{
    ByteSize, CacheConfig, ConfigError, Error, EvictionPolicy, Expiry, ManualClock,
    MemoryCachePool, SetOptions,
};
use std::{fmt::Debug, sync::Arc, time::Duration};

/// What can be seen of a pool: each key with its value, deadline, age and size.
fn snapshot(pool: &MemoryCachePool) -> Vec<String> {
    let mut keys: Vec<_> = pool
        .debug_keys()
        .map(|info| {
            let value = pool.get(&info.key);
            let (deadline, age) = (pool.pexpiretime(&info.key), pool.age(&info.key));
            format!("{:?} {value:?} {deadline} {age:?} {:?}", info.key, info.memory_estimate)
        })
        .collect();
    keys.sort();
    keys
}

/// A pool with a text, a number, a counter that was counted up, a deadline and an object.
fn furnished(config: CacheConfig) -> Result<MemoryCachePool, Error> {
    let clock = Arc::new(ManualClock::new(1_000_000));
    let pool = MemoryCachePool::new(config.clock(clock.clone())).unwrap_or_default();
    pool.set("text", "no number")?;
    pool.set("largest", i64::MAX.to_string())?;
    pool.incrby("counter", 5)?;
    pool.incr("counter")?;
    pool.set_options("mortal", "1", SetOptions::new().px(5_000))?;
    pool.set_object("object", Arc::new(7_u64))?;
    clock.advance(Duration::from_millis(10));
    Ok(pool)
}

/// Runs a command that has to be refused, and compares the pool before and after.
fn refuses<T: Debug + PartialEq>(
    pool: &MemoryCachePool,
    expected: Error,
    command: impl FnOnce(&MemoryCachePool) -> Result<T, Error>,
) {
    let before = snapshot(pool);
    assert_eq!(command(pool), Err(expected));
    assert_eq!(snapshot(pool), before, "{expected:?} changed something");
    assert!(!expected.to_string().is_empty());
}

#[test]
fn a_value_of_another_type_stays_as_it_is() -> Result<(), Error> {
    let pool = &furnished(CacheConfig::new())?;
    let wrong = Error::WrongType;

    refuses(pool, wrong, |pool| pool.get("object"));
    refuses(pool, wrong, |pool| pool.getdel("object"));
    refuses(pool, wrong, |pool| pool.getset("object", "x"));
    refuses(pool, wrong, |pool| pool.getex("object", Expiry::InSeconds(5)));
    refuses(pool, wrong, |pool| pool.append("object", "x"));
    refuses(pool, wrong, |pool| pool.strlen("object"));
    refuses(pool, wrong, |pool| pool.getrange("object", 0, -1));
    refuses(pool, wrong, |pool| pool.setrange("object", 0, "x"));
    refuses(pool, wrong, |pool| pool.incr("object"));
    refuses(pool, wrong, |pool| pool.incrbyfloat("object", 1.0));
    refuses(pool, wrong, |pool| pool.set_options("object", "x", SetOptions::new().get()));
    refuses(pool, wrong, |pool| pool.update("object", |_| memory_cache_pool::Update::Remove));
    refuses(pool, wrong, |pool| pool.get_object::<u64>("text"));
    refuses(pool, wrong, |pool| pool.get_object::<i8>("object"));
    Ok(())
}

#[test]
fn a_sum_that_cannot_be_is_not_made() -> Result<(), Error> {
    let pool = &furnished(CacheConfig::new())?;

    refuses(pool, Error::NotAnInteger, |pool| pool.incr("text"));
    refuses(pool, Error::Overflow, |pool| pool.incr("largest"));
    refuses(pool, Error::Overflow, |pool| pool.incrby("counter", i64::MAX));
    refuses(pool, Error::DecrementOverflow, |pool| pool.decrby("counter", i64::MIN));
    refuses(pool, Error::NotAFloat, |pool| pool.incrbyfloat("text", 1.0));
    refuses(pool, Error::NotAFloat, |pool| pool.incrbyfloat("counter", f64::NAN));
    refuses(pool, Error::NotAFloat, |pool| pool.incrbyfloat_text("counter", "one"));
    refuses(pool, Error::NanOrInfinity, |pool| pool.incrbyfloat("counter", f64::INFINITY));
    assert_eq!(pool.incr("counter"), Ok(7));
    Ok(())
}

#[test]
fn a_time_that_cannot_be_is_refused() -> Result<(), Error> {
    let pool = &furnished(CacheConfig::new())?;
    let invalid = Error::InvalidExpire;

    for time in [0, -1, i64::MIN, i64::MAX] {
        refuses(pool, invalid, |pool| pool.setex("text", time, "x"));
        refuses(pool, invalid, |pool| pool.set_options("a", "x", SetOptions::new().ex(time)));
        refuses(pool, invalid, |pool| pool.getex("mortal", Expiry::InSeconds(time)));
    }
    refuses(pool, invalid, |pool| pool.psetex("text", i64::MAX, "x"));
    refuses(pool, invalid, |pool| pool.expire("text", i64::MAX));
    refuses(pool, invalid, |pool| pool.expireat("text", i64::MIN));
    refuses(pool, invalid, |pool| pool.pexpire("text", i64::MAX));
    Ok(())
}

#[test]
fn options_that_contradict_each_other_are_refused() -> Result<(), Error> {
    let pool = &furnished(CacheConfig::new())?;

    let both = SetOptions::new().nx().xx();
    refuses(pool, Error::Syntax, |pool| pool.set_options("text", "x", both));
    let both = SetOptions::new().ex(1).keep_ttl();
    refuses(pool, Error::Syntax, |pool| pool.set_options("text", "x", both));
    Ok(())
}

#[test]
fn keys_and_values_beyond_the_limits_are_refused() -> Result<(), Error> {
    let pool = &furnished(CacheConfig::new())?;
    let long_key = vec![b'k'; 65_536];

    refuses(pool, Error::KeyTooLong, |pool| pool.set(&long_key, "x"));
    refuses(pool, Error::KeyTooLong, |pool| pool.incr(&long_key));
    refuses(pool, Error::ValueTooLong, |pool| pool.setrange("text", 512 << 20, "x"));
    refuses(pool, Error::ValueTooLong, |pool| pool.setrange("text", usize::MAX, "x"));
    assert_eq!(pool.get(&long_key), Ok(None));
    assert!(!pool.delete(&long_key));
    assert_eq!(pool.persist(&long_key), Ok(false));
    pool.set(&long_key[1..], "the longest key")
}

#[cfg(not(miri))]
#[test]
fn a_value_longer_than_512_mib_is_refused() -> Result<(), Error> {
    let pool = &furnished(CacheConfig::new())?;
    let long = vec![0; (512 << 20) + 1];

    refuses(pool, Error::ValueTooLong, |pool| pool.set("text", &long));
    refuses(pool, Error::ValueTooLong, |pool| pool.setnx("new", &long));
    refuses(pool, Error::ValueTooLong, |pool| pool.append("text", &long[1..]));
    Ok(())
}

#[test]
fn a_full_pool_refuses_new_keys_and_serves_the_others() -> Result<(), Error> {
    let config = CacheConfig::new().max_keys(5).eviction_policy(EvictionPolicy::NoEviction);
    let pool = &furnished(config)?;

    refuses(pool, Error::OutOfMemory, |pool| pool.set("new", "x"));
    refuses(pool, Error::OutOfMemory, |pool| pool.incr("new"));
    refuses(pool, Error::OutOfMemory, |pool| pool.mset(&[("new", "x")]));
    pool.set("text", "changed")?;
    assert!(pool.delete("text"));
    pool.set("new", "x")
}

#[test]
fn a_pool_that_was_sized_for_one_key_takes_as_many_as_come() -> Result<(), Error> {
    let pool = &furnished(CacheConfig::new().capacity(1))?;
    let before = pool.dbsize();

    for key in 0..20_000 {
        pool.set(format!("key {key}"), "x")?;
    }

    assert_eq!(pool.dbsize(), before + 20_000);
    assert!((0..20_000).all(|key| pool.exists(format!("key {key}"))));
    Ok(())
}

#[test]
fn a_configuration_names_what_is_wrong_with_it() {
    let invalid = MemoryCachePool::new(CacheConfig::new().max_keys(0));
    let ConfigError::Invalid { field, .. } = invalid.unwrap_err() else { panic!("another error") };
    assert_eq!(field, "max_keys");

    let size: ByteSize = "63kb".parse().unwrap();
    let invalid = MemoryCachePool::new(CacheConfig::new().max_memory(size));
    let ConfigError::Invalid { field, .. } = invalid.unwrap_err() else { panic!("another error") };
    assert_eq!(field, "max_memory");

    let unreadable = "64 parsecs".parse::<ByteSize>().unwrap_err();
    assert!(unreadable.to_string().contains("64 parsecs"));
    assert!("most-loved".parse::<EvictionPolicy>().is_err());
}
