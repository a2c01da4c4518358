//! Every value that goes is told once, with what it was and why; what stays is not.

use memory_cache_pool::{
    CacheConfig, Error, EvictionPolicy, ListEnd, ManualClock, MemoryCachePool, PushOptions,
    Removal,
    RemovalCause::{self, Deleted, Evicted, Expired, Flushed, Replaced},
    Removals, RemovedValue, SetOptions, Update,
};
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, OnceLock, PoisonError, Weak,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    thread,
    time::Duration,
};

const START: u64 = 1_700_000_000_000;

/// A pool whose removals come out of a channel, and its clock.
fn pool_of(config: CacheConfig) -> (MemoryCachePool, Removals, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::new(START));
    let (config, removals) =
        config.capacity(100).clock(Arc::clone(&clock) as _).removal_channel(10_000);
    (MemoryCachePool::new(config).unwrap_or_default(), removals, clock)
}

fn text_of(removal: &Removal) -> String {
    match &removal.value {
        RemovedValue::String(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        other => format!("{other:?}"),
    }
}

/// What has come out of a channel: keys, values and causes.
fn told(removals: &Removals) -> Vec<(String, String, RemovalCause)> {
    std::iter::from_fn(|| removals.try_next())
        .map(|one| (String::from_utf8_lossy(&one.key).into_owned(), text_of(&one), one.cause))
        .collect()
}

fn event(key: &str, value: &str, cause: RemovalCause) -> (String, String, RemovalCause) {
    (key.to_owned(), value.to_owned(), cause)
}

#[test]
fn each_way_in_which_a_value_goes_has_its_cause() -> Result<(), Error> {
    let (pool, removals, clock) = pool_of(CacheConfig::new());

    pool.set("k", "1")?;
    pool.set("k", "2")?;
    pool.delete("k");
    pool.psetex("k", 10, "3")?;
    clock.advance(Duration::from_millis(11));
    pool.cleanup_expired_keys(usize::MAX);
    pool.set("k", "4")?;
    pool.flushall();

    let expected = [
        event("k", "1", Replaced),
        event("k", "2", Deleted),
        event("k", "3", Expired),
        event("k", "4", Flushed),
    ];
    assert_eq!(told(&removals), expected);
    Ok(())
}

#[test]
fn an_expired_value_is_told_as_expired_whoever_meets_it() -> Result<(), Error> {
    type Meet = fn(&MemoryCachePool) -> Result<(), Error>;
    let meetings: [(&str, Meet); 8] = [
        ("get", |p| p.get("k").map(drop)),
        ("set", |p| p.set("k", "new")),
        ("set with an option", |p| p.setnx("k", "new").map(drop)),
        ("an edit", |p| p.hset("k", "field", "value").map(drop)),
        ("an increment", |p| p.incr("k").map(drop)),
        ("a walk", |p| {
            let _ = p.keys("*");
            Ok(())
        }),
        ("cleanup", |p| {
            p.cleanup_expired_keys(usize::MAX);
            Ok(())
        }),
        ("a write of another key", |p| p.set("other", "x")),
    ];
    for (name, meet) in meetings {
        let (pool, removals, clock) = pool_of(CacheConfig::new());
        pool.psetex("k", 10, "old")?;
        clock.advance(Duration::from_millis(100));

        meet(&pool)?;

        assert_eq!(told(&removals), [event("k", "old", Expired)], "met by {name}");
    }
    Ok(())
}

#[test]
fn an_evicted_value_is_told_as_evicted() -> Result<(), Error> {
    let config = CacheConfig::new().max_keys(1).eviction_policy(EvictionPolicy::AllKeysRandom);
    let (pool, removals, _) = pool_of(config);

    pool.set("first", "1")?;
    pool.set("second", "2")?;

    assert_eq!(told(&removals), [event("first", "1", Evicted)]);
    Ok(())
}

#[test]
fn what_writes_a_string_anew_replaces_it() -> Result<(), Error> {
    type Write = fn(&MemoryCachePool) -> Result<(), Error>;
    let writes: [(&str, Write); 8] = [
        ("GETSET", |p| p.getset("k", "x").map(drop)),
        ("SET KEEPTTL", |p| p.set_options("k", "x", SetOptions::new().keep_ttl()).map(drop)),
        ("APPEND", |p| p.append("k", "x").map(drop)),
        ("SETRANGE", |p| p.setrange("k", 0, "x").map(drop)),
        ("INCRBYFLOAT", |p| p.incrbyfloat("k", 1.5).map(drop)),
        ("update", |p| p.update("k", |_| Update::Set(b"x".to_vec())).map(drop)),
        ("an object", |p| p.set_object("k", Arc::new(1))),
        ("SINTERSTORE", |p| {
            p.sadd("set", "member")?;
            p.sinterstore("k", &["set"]).map(drop)
        }),
    ];
    for (name, write) in writes {
        let (pool, removals, _) = pool_of(CacheConfig::new());
        pool.set("k", "7")?;

        write(&pool)?;

        assert_eq!(told(&removals), [event("k", "7", Replaced)], "by {name}");
    }
    Ok(())
}

#[test]
fn what_changes_a_value_that_stays_is_not_told() -> Result<(), Error> {
    let (pool, removals, _) = pool_of(CacheConfig::new());
    pool.set("number", "7")?;
    pool.hset("hash", "a", "1")?;
    pool.sadd("set", "a")?;
    pool.rpush("list", "a")?;

    pool.incr("number")?;
    pool.incr("number")?;
    pool.expire("number", 100)?;
    pool.persist("number")?;
    pool.hset("hash", "a", "2")?;
    pool.sadd("set", "b")?;
    pool.lpush("list", "b")?;
    pool.rpop("list")?;
    pool.setnx("number", "refused")?;
    pool.delete("missing");

    assert_eq!(told(&removals), []);
    Ok(())
}

#[test]
fn collections_are_told_with_their_size_and_objects_by_reference() -> Result<(), Error> {
    let (pool, removals, _) = pool_of(CacheConfig::new());
    let fields: Vec<_> = (0..2_000).map(|n| (format!("field {n}"), "value")).collect();
    pool.hset_many("hash", &fields)?;
    pool.sadd_many("set", &["a", "b"])?;
    pool.rpush("list", "a")?;
    let object = Arc::new(42_u8);
    pool.set_object("object", Arc::clone(&object))?;

    pool.set("hash", "x")?;
    pool.delete("set");
    pool.lpop("list")?;
    pool.delete("object");

    let seen: Vec<_> = std::iter::from_fn(|| removals.try_next()).collect();
    assert!(matches!(seen[0].value, RemovedValue::Hash(2_000)), "{seen:?}");
    assert!(matches!(seen[1].value, RemovedValue::Set(2)), "{seen:?}");
    assert!(matches!(seen[2].value, RemovedValue::List(1)) && seen[2].cause == Deleted, "{seen:?}");
    let RemovedValue::Object(told) = &seen[3].value else { panic!("{seen:?}") };
    assert_eq!(told.downcast_ref::<u8>(), Some(&42));
    Ok(())
}

#[test]
fn a_rename_deletes_its_source_and_replaces_its_destination() -> Result<(), Error> {
    let (pool, removals, _) = pool_of(CacheConfig::new());
    pool.set("from", "1")?;
    pool.set("to", "2")?;

    pool.rename("from", "to")?;

    assert_eq!(told(&removals), [event("to", "2", Replaced), event("from", "1", Deleted)]);
    Ok(())
}

#[test]
fn a_full_channel_drops_and_counts() -> Result<(), Error> {
    let (config, removals) = CacheConfig::new().removal_channel(2);
    let pool = MemoryCachePool::new(config).unwrap_or_default();

    for number in 0..6 {
        pool.set("k", number.to_string())?;
    }

    assert_eq!(removals.dropped(), 3);
    assert_eq!(told(&removals), [event("k", "0", Replaced), event("k", "1", Replaced)]);
    pool.delete("k");
    assert_eq!(told(&removals), [event("k", "5", Deleted)]);
    drop(pool);
    assert_eq!(removals.iter().count(), 0, "what goes with the pool is not told");
    Ok(())
}

/// What a listener was told: values and causes.
type Told = Mutex<Vec<(String, RemovalCause)>>;

/// A pool whose listener is handed the pool, and what it was told.
fn pool_with_listener(
    config: CacheConfig,
    listen: impl Fn(&MemoryCachePool, &Removal) + Send + Sync + 'static,
) -> (Arc<MemoryCachePool>, Arc<Told>) {
    let seen: Arc<Told> = Arc::default();
    let slot: Arc<OnceLock<Weak<MemoryCachePool>>> = Arc::default();
    let (noted, handle) = (Arc::clone(&seen), Arc::clone(&slot));
    let config = config.on_removal(move |removal| {
        let text = text_of(&removal);
        noted.lock().unwrap_or_else(PoisonError::into_inner).push((text, removal.cause));
        if let Some(pool) = handle.get().and_then(Weak::upgrade) {
            listen(&pool, &removal);
        }
    });
    let pool = Arc::new(MemoryCachePool::new(config).unwrap_or_default());
    let _ = slot.set(Arc::downgrade(&pool));
    (pool, seen)
}

fn taken(seen: &Told) -> Vec<(String, RemovalCause)> {
    std::mem::take(&mut *seen.lock().unwrap_or_else(PoisonError::into_inner))
}

#[test]
fn a_listener_may_read_write_and_delete_the_key_that_it_is_told_of() -> Result<(), Error> {
    let depth = Arc::new(AtomicUsize::new(0));
    let inside = Arc::clone(&depth);
    let (pool, seen) = pool_with_listener(CacheConfig::new(), move |pool, removal| {
        assert_eq!(inside.fetch_add(1, SeqCst), 0, "called from within itself");
        let now = pool.get(&removal.key).unwrap_or_default();
        if text_of(removal) == "1" {
            assert_eq!(now.as_deref(), Some(&b"2"[..]));
            let _ = pool.set(&removal.key, "3");
            pool.delete(&removal.key);
            let _ = pool.set(&removal.key, "4");
        }
        inside.fetch_sub(1, SeqCst);
    });
    pool.set("k", "1")?;

    pool.set("k", "2")?;

    assert_eq!(pool.get("k")?.as_deref(), Some(&b"4"[..]));
    let told = [("1", Replaced), ("2", Replaced), ("3", Deleted)];
    assert_eq!(taken(&seen), told.map(|(value, cause)| (value.to_owned(), cause)));
    Ok(())
}

#[test]
fn a_listener_may_write_while_keys_expire_are_evicted_and_flushed() -> Result<(), Error> {
    let clock = Arc::new(ManualClock::new(START));
    let config = CacheConfig::new().max_keys(50).clock(Arc::clone(&clock) as _);
    let (pool, seen) = pool_with_listener(config, |pool, removal| {
        // What it writes for each eviction, or over what it has written, would never come to an end.
        if matches!(removal.cause, Expired | Flushed) && removal.key.len() == 4 {
            let _ = pool.incr("counter");
            let _ = pool.set("last", &removal.key);
        }
    });
    for round in 0..20 {
        for key in 0..200_u32 {
            pool.psetex(key.to_be_bytes(), i64::from(key % 20) + 1, "value")?;
        }
        clock.advance(Duration::from_millis(10));
        pool.cleanup_expired_keys(usize::MAX);
        if round % 5 == 4 {
            pool.flushall();
        }
    }

    let told = taken(&seen);
    for cause in [Expired, Evicted, Flushed, Replaced] {
        assert!(told.iter().any(|(_, other)| *other == cause), "nothing was {cause:?}");
    }
    Ok(())
}

#[test]
fn a_listener_that_panics_loses_nothing() -> Result<(), Error> {
    let (pool, seen) = pool_with_listener(CacheConfig::new(), |_, removal| {
        assert!(text_of(removal) != "1", "by the listener, on purpose");
    });
    pool.set("k", "1")?;

    pool.set("k", "2")?;
    pool.set("k", "3")?;

    assert_eq!(pool.get("k")?.as_deref(), Some(&b"3"[..]));
    assert_eq!(taken(&seen).len(), 2);
    Ok(())
}

#[test]
fn two_pools_may_listen_to_each_other() -> Result<(), Error> {
    let second: Arc<OnceLock<Weak<MemoryCachePool>>> = Arc::default();
    let other = Arc::clone(&second);
    let (first, seen_first) = pool_with_listener(CacheConfig::new(), move |_, removal| {
        if let Some(other) = other.get().and_then(Weak::upgrade) {
            let _ = other.set(&removal.key, text_of(removal));
        }
    });
    let back = Arc::clone(&first);
    let (pool, seen_second) = pool_with_listener(CacheConfig::new(), move |_, removal| {
        let _ = back.delete(&removal.key);
    });
    let _ = second.set(Arc::downgrade(&pool));

    first.set("k", "1")?;
    first.set("k", "2")?;
    first.set("k", "3")?;

    let [first_told, second_told] = [taken(&seen_first), taken(&seen_second)];
    assert_eq!(first_told.len(), 3, "{first_told:?}");
    assert_eq!(second_told.len(), 2, "{second_told:?}");
    assert!(!first.exists("k"));
    Ok(())
}

/// Rounds of each thread.
const ROUNDS: u64 = if cfg!(miri) {
    20
} else if cfg!(pool_tsan) {
    2_000
} else {
    8_000
};

/// Writes, reads and removes keys at random; returns how many values were written, no two alike.
fn churn(pool: &MemoryCachePool, clock: &ManualClock, thread: u64) -> usize {
    let (mut state, mut written) = (0x9E37_79B9 + thread, 0);
    for round in 0..ROUNDS {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let (key, value) = ((state % 32).to_be_bytes(), format!("{thread}:{round}"));
        match state >> 32 & 15 {
            0 => drop(pool.delete(key)),
            1 => drop(pool.get(key)),
            2 if round % 64 == 0 => pool.flushall(),
            3..=5 => written += usize::from(pool.psetex(key, 5, value).is_ok()),
            _ => written += usize::from(pool.set(key, value).is_ok()),
        }
        if thread == 1 && round % 8 == 0 {
            clock.advance(Duration::from_millis(1));
        }
    }
    written
}

#[test]
fn each_value_that_was_written_is_there_or_was_told_once() {
    let clock = Arc::new(ManualClock::new(START));
    let told: Arc<Mutex<BTreeMap<String, Vec<RemovalCause>>>> = Arc::default();
    let noted = Arc::clone(&told);
    let config = CacheConfig::new().max_keys(24).clock(Arc::clone(&clock) as _);
    let config = config.on_removal(move |removal| {
        let mut told = noted.lock().unwrap_or_else(PoisonError::into_inner);
        told.entry(text_of(&removal)).or_default().push(removal.cause);
    });
    let pool = MemoryCachePool::new(config).unwrap_or_default();

    let written: usize = thread::scope(|scope| {
        let (pool, clock) = (&pool, &clock);
        let threads: Vec<_> =
            (0..4).map(|thread| scope.spawn(move || churn(pool, clock, thread))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap_or(0)).sum()
    });

    let left: Vec<_> = pool.keys("*").iter().filter_map(|key| pool.get(key).ok()?).collect();
    let told = told.lock().unwrap_or_else(PoisonError::into_inner);
    for (value, causes) in &*told {
        assert_eq!(causes.len(), 1, "{value} was told to be gone by {causes:?}");
    }
    for value in &left {
        let value = String::from_utf8_lossy(value);
        assert!(!told.contains_key(&*value), "{value} is there, and was told to be gone");
    }
    assert_eq!(told.len() + left.len(), written, "a value is gone, and was not told to be");
    for cause in [Expired, Evicted, Deleted, Flushed, Replaced] {
        assert!(
            cfg!(miri) || told.values().any(|causes| causes[0] == cause),
            "{cause:?} is missing"
        );
    }
}

#[test]
fn push_options_that_trim_a_list_remove_no_value() -> Result<(), Error> {
    let (pool, removals, _) = pool_of(CacheConfig::new());
    pool.rpush_many("ring", &["a", "b"])?;

    pool.push_options("ring", &["c"], PushOptions::at(ListEnd::Right).max_len(2))?;

    assert_eq!(told(&removals), []);
    Ok(())
}
