//! What a host has beyond Redis: update, loading, freshness, objects, pinned reads, statistics.

use memory_cache_pool::{
    CacheConfig, Error, LoadError, ManualClock, MemoryCachePool, SetOptions, Ttl, Update, ValueType,
};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Barrier,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    thread,
    time::Duration,
};

fn with_clock() -> (MemoryCachePool, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::new(1_000_000));
    let config = CacheConfig::new().capacity(100).clock(clock.clone());
    (MemoryCachePool::new(config).unwrap_or_default(), clock)
}

#[test]
fn a_closure_that_panics_changes_nothing_and_loses_nothing() -> Result<(), Error> {
    let (pool, _) = with_clock();
    pool.set_options("text", "before", SetOptions::new().px(500))?;
    pool.incr("counter")?;

    for key in ["text", "counter", "missing"] {
        let crash = catch_unwind(AssertUnwindSafe(|| pool.update(key, |_| panic!("by a host"))));
        assert!(crash.is_err());
    }

    assert_eq!(pool.get("text")?.as_deref(), Some(&b"before"[..]));
    assert_eq!(pool.pttl("text"), 500);
    assert_eq!(pool.incr("counter"), Ok(2));
    assert!(!pool.exists("missing"));
    pool.update("text", |_| Update::Set(b"after".to_vec()))?;
    assert_eq!(pool.get("text")?.as_deref(), Some(&b"after"[..]));
    Ok(())
}

#[test]
fn updates_of_several_threads_are_all_counted() -> Result<(), Error> {
    let (pool, _) = with_clock();
    let (threads, rounds) = if cfg!(miri) { (2, 20) } else { (4, 2_000) };
    let add_one = |old: Option<&[u8]>| {
        let old = old.and_then(|old| std::str::from_utf8(old).ok()?.parse().ok()).unwrap_or(0_u64);
        Update::Set((old + 1).to_string().into_bytes())
    };

    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| (0..rounds).try_for_each(|_| pool.update("n", add_one).map(drop)));
        }
    });

    assert_eq!(pool.get("n")?, Some((threads * rounds).to_string().into_bytes()));
    Ok(())
}

#[test]
fn one_thread_loads_a_key_and_the_others_get_its_value() {
    let (pool, _) = with_clock();
    let threads = 4;
    let (loads, barrier) = (AtomicUsize::new(0), Barrier::new(threads));
    let load = || {
        loads.fetch_add(1, SeqCst);
        Ok::<_, Error>(b"loaded".to_vec())
    };

    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                barrier.wait();
                assert_eq!(pool.get_or_insert_with("key", load), Ok(b"loaded".to_vec()));
            });
        }
    });

    assert_eq!(loads.load(SeqCst), 1);
}

#[test]
fn a_load_that_fails_leaves_the_key_absent() {
    let (pool, _) = with_clock();

    let failed = pool.get_or_insert_with("key", || Err("no feed"));

    assert_eq!(failed, Err(LoadError::Load("no feed")));
    assert!(!pool.exists("key"));
}

#[test]
fn a_value_older_than_the_reader_accepts_is_not_returned() -> Result<(), Error> {
    let (pool, clock) = with_clock();
    pool.set("price", "100.5")?;
    pool.incr("ticks")?;
    clock.advance(Duration::from_millis(50));

    assert_eq!(pool.age("price"), Some(Duration::from_millis(50)));
    assert_eq!(pool.get_fresh("price", Duration::from_millis(49))?, None);
    assert!(pool.get_fresh("price", Duration::from_millis(50))?.is_some());
    assert!(pool.get("price")?.is_some(), "it has not expired");

    pool.expire("price", 100)?;
    assert_eq!(pool.age("price"), Some(Duration::from_millis(50)), "EXPIRE writes no value");
    pool.incr("ticks")?;
    assert_eq!(pool.age("ticks"), Some(Duration::ZERO), "INCR writes one");
    Ok(())
}

#[test]
fn a_key_lives_to_the_end_of_its_last_millisecond() -> Result<(), Error> {
    let (pool, clock) = with_clock();
    pool.psetex("quote", 50, "100.5")?;
    assert_eq!(pool.time_to_live("quote"), Ttl::Left(Duration::from_millis(50)));

    clock.advance(Duration::from_millis(50));
    assert!(pool.exists("quote"));
    assert_eq!(pool.pttl("quote"), 0);

    clock.advance(Duration::from_millis(1));
    assert_eq!(pool.dbsize(), 1, "nobody has met it yet");
    assert_eq!(pool.get("quote")?, None);
    assert_eq!(pool.dbsize(), 0);
    assert_eq!(pool.get_stats().expirations, 1);
    Ok(())
}

#[test]
fn an_object_comes_back_by_reference_and_is_dropped_once() -> Result<(), Error> {
    let (pool, _) = with_clock();
    let object = Arc::new(String::from("position"));

    pool.set_object("object", Arc::clone(&object))?;
    let back = pool.get_object::<String>("object")?;
    assert!(back.is_some_and(|back| Arc::ptr_eq(&back, &object)));
    assert_eq!(pool.type_of("object"), Some(ValueType::Object));
    assert!(pool.expire("object", 100)?);
    for _ in 0..if cfg!(miri) { 10 } else { 200 } {
        pool.set_object("object", Arc::clone(&object))?;
    }
    drop(pool);

    assert_eq!(Arc::strong_count(&object), 1);
    Ok(())
}

#[test]
fn a_pinned_value_stays_while_the_key_is_overwritten() -> Result<(), Error> {
    let (pool, _) = with_clock();
    pool.set("key", "first")?;
    let pinned = pool.pin();
    let first = pinned.get("key")?;

    let rounds = if cfg!(miri) { 20 } else { 500 };
    for round in 0..rounds {
        pool.set("key", format!("later {round}"))?;
    }

    assert_eq!(first.as_deref(), Some(&b"first"[..]));
    assert!(pool.get_stats().retired_bytes > 0, "the pin holds back what was retired");
    drop(pinned);
    pool.flushall();
    assert_eq!(pool.get_stats().retired_bytes, 0);
    Ok(())
}

#[test]
fn statistics_count_what_was_done() -> Result<(), Error> {
    let (pool, _) = with_clock();
    pool.set("a", "1")?;
    pool.incr("n")?;
    pool.incr("n")?;
    pool.get("a")?;
    pool.get("a")?;
    pool.get("a")?;
    pool.get("missing")?;
    pool.delete("a");

    let stats = pool.get_stats();
    assert_eq!((stats.hits, stats.misses, stats.sets, stats.deletes), (3, 1, 3, 1));
    assert!((stats.hit_rate - 0.75).abs() < f64::EPSILON);
    assert_eq!((stats.key_count, stats.operations), (1, 8));
    let parts = stats.record_bytes + stats.retired_bytes + stats.idle_bytes;
    let parts = parts + stats.table_bytes + stats.wheel_bytes + stats.eviction_bytes;
    assert_eq!(stats.memory_usage, parts);

    pool.reset_stats();
    let stats = pool.get_stats();
    assert_eq!((stats.hits, stats.operations, stats.key_count), (0, 0, 1));
    assert_eq!(
        pool.info().iter().map(|(name, _)| *name).collect::<Vec<_>>(),
        ["server", "memory", "stats", "keyspace"]
    );
    Ok(())
}

#[test]
fn without_statistics_nothing_is_counted_but_the_keys() -> Result<(), Error> {
    let config = CacheConfig::new().enable_stats(false).capacity(10);
    let pool = MemoryCachePool::new(config).unwrap_or_default();
    pool.set("a", "1")?;
    pool.get("a")?;

    let stats = pool.get_stats();
    assert_eq!((stats.hits, stats.sets, stats.operations, stats.key_count), (0, 0, 0, 1));
    Ok(())
}

#[test]
fn facts_about_a_key_are_told() -> Result<(), Error> {
    let (pool, clock) = with_clock();
    pool.psetex("key", 10_000, "value")?;
    pool.get("key")?;
    clock.advance(Duration::from_millis(2_560));

    let facts: Vec<_> = pool.debug_keys().collect();

    assert_eq!(facts.len(), 1);
    assert_eq!(facts[0].key, b"key");
    assert_eq!(facts[0].value_type, ValueType::String);
    assert_eq!(facts[0].ttl, Ttl::Left(Duration::from_millis(7_440)));
    assert_eq!(facts[0].access_count, 1);
    assert_eq!(facts[0].idle, Duration::from_millis(2_560));
    assert_eq!(facts[0].memory_estimate, 48);
    assert_eq!(pool.key_info("key").as_ref(), facts.first());
    assert_eq!(pool.key_info("missing"), None);
    Ok(())
}

#[test]
fn clones_are_one_keyspace() -> Result<(), Error> {
    let pool = MemoryCachePool::default();
    let clone = pool.clone();

    pool.set("key", "value")?;
    drop(pool);

    assert_eq!(clone.get("key")?.as_deref(), Some(&b"value"[..]));
    Ok(())
}
