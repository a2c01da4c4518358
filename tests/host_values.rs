//! Strings and objects behind one door: how a host reads and writes a key that may hold either.

use memory_cache_pool::{
    CacheConfig, Error, EvictionPolicy, Expiry, HostEdit, HostRef, HostValue, ManualClock,
    MemoryCachePool, add_decimals,
};
use std::{
    any::Any,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    thread,
    time::Duration,
};

type Done = Result<(), Error>;

/// A pool whose time stands still, and its clock.
fn with_clock() -> (MemoryCachePool, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::new(1_000_000));
    let config = CacheConfig::new().capacity(100).clock(clock.clone());
    (MemoryCachePool::new(config).unwrap_or_default(), clock)
}

fn object(number: u32) -> Arc<dyn Any + Send + Sync> {
    Arc::new(number)
}

/// What was shown, as text.
fn shown(value: HostRef<'_>) -> String {
    match value {
        HostRef::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        HostRef::Object(object) => format!("object {:?}", object.downcast_ref::<u32>()),
    }
}

fn look(pool: &MemoryCachePool, key: &str) -> Result<Option<String>, Error> {
    pool.view_with(key, shown)
}

/// A pool with a key of each type.
fn filled() -> Result<MemoryCachePool, Error> {
    let pool = MemoryCachePool::default();
    pool.set("text", "abc")?;
    pool.set("long", "x".repeat(10_000))?;
    pool.incrby("number", 41)?;
    pool.set_object("object", Arc::new(7_u32))?;
    pool.hset("hash", "f", "v")?;
    Ok(pool)
}

#[test]
fn a_view_shows_strings_numbers_and_objects_and_refuses_collections() -> Done {
    let pool = filled()?;

    assert_eq!(look(&pool, "text")?.as_deref(), Some("abc"));
    assert_eq!(look(&pool, "long")?.map(|text| text.len()), Some(10_000));
    assert_eq!(look(&pool, "number")?.as_deref(), Some("41"));
    assert_eq!(look(&pool, "object")?.as_deref(), Some("object Some(7)"));
    assert_eq!(look(&pool, "missing")?, None);
    assert_eq!(look(&pool, "hash"), Err(Error::WrongType));
    Ok(())
}

#[test]
fn many_keys_are_shown_in_order_each_with_its_position() -> Done {
    let pool = filled()?;
    let mut seen = Vec::new();

    pool.view_many_with(&["object", "missing", "hash", "number"], |index, value| {
        seen.push((index, value.map(shown)));
    });

    let object = Some("object Some(7)".to_owned());
    assert_eq!(seen, [(0, object), (1, None), (2, None), (3, Some("41".to_owned()))]);
    Ok(())
}

#[test]
fn a_view_shows_nothing_that_is_older_than_asked_for() -> Done {
    let (pool, clock) = with_clock();
    pool.set_object("object", Arc::new(7_u32))?;
    clock.advance(Duration::from_millis(50));

    let fresh = |millis| pool.view_fresh_with("object", Duration::from_millis(millis), shown);
    assert_eq!(fresh(50)?.as_deref(), Some("object Some(7)"));
    assert_eq!(fresh(49)?, None);
    Ok(())
}

#[test]
fn an_edit_sees_what_is_there_and_puts_either_in_its_place() -> Done {
    let pool = filled()?;
    let swap = |key: &str, value: HostValue| {
        pool.edit_value(key, false, |before| {
            Ok((HostEdit::Set(value.clone(), None), before.map(shown)))
        })
    };

    let before = swap("text", HostValue::Object(object(1), 100))?;
    assert_eq!(
        (before.as_deref(), look(&pool, "text")?.as_deref()),
        (Some("abc"), Some("object Some(1)"))
    );
    let before = swap("object", HostValue::Bytes(b"now text".to_vec()))?;
    assert_eq!(before.as_deref(), Some("object Some(7)"));
    assert_eq!(pool.get("object")?.as_deref(), Some(&b"now text"[..]));
    assert_eq!(swap("new", HostValue::Object(object(2), 0))?, None);
    assert_eq!(swap("hash", HostValue::Bytes(Vec::new())), Err(Error::WrongType));
    Ok(())
}

#[test]
fn a_blind_edit_replaces_a_collection() -> Done {
    let pool = filled()?;

    pool.edit_value("hash", true, |before| {
        let edit = HostEdit::Set(HostValue::Bytes(b"text".to_vec()), None);
        Ok((edit, assert!(before.is_some())))
    })?;

    assert_eq!(pool.get("hash")?.as_deref(), Some(&b"text"[..]));
    Ok(())
}

#[test]
fn an_edit_decides_on_the_time_to_live() -> Done {
    let (pool, clock) = with_clock();
    let set = |expiry| {
        pool.edit_value("k", false, |_| {
            Ok((HostEdit::Set(HostValue::Object(object(1), 0), expiry), ()))
        })
    };
    let edit = |edit: HostEdit| pool.edit_value("k", false, |_| Ok((edit.clone(), ())));

    set(Some(Expiry::InSeconds(10)))?;
    assert_eq!(pool.pttl("k"), 10_000);
    set(Some(Expiry::Keep))?;
    assert_eq!(pool.pttl("k"), 10_000);
    edit(HostEdit::Expire(Expiry::InMillis(1_500)))?;
    assert_eq!(pool.pttl("k"), 1_500);
    edit(HostEdit::Keep)?;
    edit(HostEdit::Expire(Expiry::Persist))?;
    assert_eq!(pool.pttl("k"), -1);
    assert_eq!(set(Some(Expiry::InSeconds(0))), Err(Error::InvalidExpire));
    assert!(pool.exists("k"));
    clock.advance(Duration::from_secs(1));
    set(Some(Expiry::AtSeconds(1_000)))?;
    assert!(!pool.exists("k"));
    set(None)?;
    edit(HostEdit::Remove)?;
    assert!(!pool.exists("k"));
    Ok(())
}

#[test]
fn edits_of_several_threads_are_all_counted() -> Done {
    let pool = MemoryCachePool::default();
    let (threads, rounds) = if cfg!(miri) { (2, 20) } else { (4, 2_000) };
    let add_one = || {
        pool.edit_value("n", false, |before| {
            let number = match before {
                Some(HostRef::Object(object)) => object.downcast_ref::<u32>().copied().unwrap_or(0),
                _ => 0,
            };
            Ok((HostEdit::Set(HostValue::Object(object(number + 1), 0), None), ()))
        })
    };

    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| (0..rounds).try_for_each(|_| add_one()));
        }
    });

    assert_eq!(look(&pool, "n")?, Some(format!("object Some({})", threads * rounds)));
    Ok(())
}

#[test]
fn what_an_object_is_said_to_hold_counts_until_it_is_let_go() -> Done {
    const HELD: usize = 1 << 20;
    let (pool, _) = with_clock();
    let before = pool.get_stats();

    pool.set_object_sized("k", Arc::new(1_u32), HELD)?;
    assert!(pool.memory_usage("k").is_some_and(|bytes| (HELD..HELD + 200).contains(&bytes)));
    assert!(pool.get_stats().record_bytes >= before.record_bytes + HELD);
    // Its deadline is in another record, which holds the same object.
    pool.expire("k", 100)?;
    assert!(pool.memory_usage("k").is_some_and(|bytes| bytes >= HELD));
    pool.copy("k", "copy", false)?;
    assert!(pool.memory_usage("copy").is_some_and(|bytes| bytes >= HELD));

    pool.flushall();
    for key in 0..1_000_u32 {
        pool.set(key.to_be_bytes(), "v")?;
    }
    let after = pool.get_stats();
    assert!(after.memory_usage < before.memory_usage + HELD, "{after:?}");
    Ok(())
}

#[test]
fn objects_are_evicted_by_what_they_are_said_to_hold() -> Done {
    static ALIVE: AtomicUsize = AtomicUsize::new(0);
    struct Counted;
    impl Drop for Counted {
        fn drop(&mut self) {
            ALIVE.fetch_sub(1, SeqCst);
        }
    }
    let config = CacheConfig::new().max_memory(4 << 20).eviction_policy(EvictionPolicy::AllKeysLru);
    let pool = MemoryCachePool::new(config).unwrap_or_default();

    for key in 0..500_u32 {
        ALIVE.fetch_add(1, SeqCst);
        pool.set_object_sized(key.to_be_bytes(), Arc::new(Counted), 100_000)?;
        assert!(pool.get_stats().memory_usage <= (4 << 20) + 100_000);
    }

    assert!(pool.dbsize() <= 42);
    assert!(ALIVE.load(SeqCst) <= 60, "{ALIVE:?} objects are kept");
    let too_large = pool.set_object_sized("k", Arc::new(1_u32), 8 << 20);
    assert_eq!(too_large, Err(Error::OutOfMemory));
    drop(pool);
    assert_eq!(ALIVE.load(SeqCst), 0);
    Ok(())
}

#[test]
fn a_field_is_changed_by_a_function_of_it() -> Done {
    let pool = filled()?;
    let mut seen = Vec::new();

    for (field, value) in [("f", Some("w")), ("new", Some("x")), ("absent", None)] {
        pool.hupdate("hash", field, |before| {
            seen.push(before.map(<[u8]>::to_vec));
            Ok(value.map(|value| value.as_bytes().to_vec()))
        })?;
    }

    assert_eq!(seen, [Some(b"v".to_vec()), None, None]);
    assert_eq!(pool.hget("hash", "f")?.as_deref(), Some(&b"w"[..]));
    assert_eq!(pool.hget("hash", "new")?.as_deref(), Some(&b"x"[..]));
    assert_eq!(pool.hlen("hash")?, 2);
    assert_eq!(pool.hupdate("hash", "f", |_| Err(Error::NotAFloat)), Err(Error::NotAFloat));
    assert_eq!(pool.hget("hash", "f")?.as_deref(), Some(&b"w"[..]));
    assert_eq!(pool.hupdate("text", "f", |_| Ok(None)), Err(Error::WrongType));
    Ok(())
}

#[test]
fn decimals_are_added_as_redis_adds_them() {
    assert_eq!(add_decimals(b"0.1", b"0.2").as_deref(), Ok(&b"0.3"[..]));
    assert_eq!(add_decimals(b"5.0e3", b"200").as_deref(), Ok(&b"5200"[..]));
    assert_eq!(add_decimals(b"x", b"1"), Err(Error::NotAFloat));
    assert_eq!(add_decimals(b"1e4932", b"1e4932"), Err(Error::NanOrInfinity));
}
