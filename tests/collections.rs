//! What hashes, lists and sets have in common: their life, their memory, and several threads.

use memory_cache_pool::{Error, ListEnd, MemoryCachePool, ScanOptions, ValueType};
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread,
};

type Done = Result<(), Error>;

/// Elements of a value that is not packed.
const MANY: usize = if cfg!(miri) { 150 } else { 3_000 };

/// Rounds of each thread.
const ROUNDS: usize = if cfg!(miri) { 20 } else { 4_000 };

const KEYS: [&str; 6] = ["hash", "list", "set", "small hash", "small list", "small set"];

/// A pool with a large and a small value of each type.
fn filled() -> Result<MemoryCachePool, Error> {
    let pool = MemoryCachePool::default();
    let texts: Vec<_> = (0..MANY).map(|n| format!("element:{n}:{}", "x".repeat(n % 40))).collect();
    let pairs: Vec<_> = texts.iter().map(|text| (text, text)).collect();
    pool.hset_many("hash", &pairs)?;
    pool.hset("hash", "long", "y".repeat(5_000))?;
    pool.rpush_many("list", &texts)?;
    pool.sadd_many("set", &texts)?;
    pool.hset_many("small hash", &pairs[..5])?;
    pool.rpush_many("small list", &texts[..5])?;
    pool.sadd_many("small set", &texts[..5])?;
    Ok(pool)
}

/// All that a key holds, in order.
fn content(pool: &MemoryCachePool, key: &str) -> Result<Vec<Vec<u8>>, Error> {
    let mut all = match pool.type_of(key) {
        Some(ValueType::Hash) => pool.hgetall(key)?.into_iter().flat_map(|(f, v)| [f, v]).collect(),
        Some(ValueType::List) => return pool.lrange(key, 0, -1),
        Some(ValueType::Set) => pool.smembers(key)?,
        _ => Vec::new(),
    };
    all.sort();
    Ok(all)
}

#[test]
fn every_type_is_named_and_measured() -> Done {
    let pool = filled()?;

    let encodings = KEYS.map(|key| pool.object_encoding(key).unwrap());
    assert_eq!(
        encodings,
        ["hashtable", "quicklist", "hashtable", "listpack", "quicklist", "hashtable"]
    );
    let names = KEYS.map(|key| pool.type_of(key).unwrap().to_string());
    assert_eq!(names, ["hash", "list", "set", "hash", "list", "set"]);
    pool.sadd_many("numbers", &["1", "-7"])?;
    assert_eq!(pool.object_encoding("numbers"), Some("intset"));
    for (count, hash, set) in [(128, "listpack", "intset"), (129, "hashtable", "intset")] {
        let numbers: Vec<_> = (0..count).map(|number: u32| number.to_string()).collect();
        let pairs: Vec<_> = numbers.iter().map(|number| (number, "x".repeat(64))).collect();
        pool.hset_many("fields", &pairs)?;
        pool.sadd_many("numbers", &numbers)?;
        assert_eq!(pool.object_encoding("fields"), Some(hash), "{count}");
        assert_eq!(pool.object_encoding("numbers"), Some(set), "{count}");
        pool.delete("fields");
    }
    for (len, encoding) in [(64, "listpack"), (65, "hashtable")] {
        pool.hset("fields", "f", "x".repeat(len))?;
        assert_eq!(pool.object_encoding("fields"), Some(encoding), "{len}");
    }
    pool.delete("numbers");
    pool.sadd_many("numbers", &(0..512).map(|number: u32| number.to_string()).collect::<Vec<_>>())?;
    assert_eq!(pool.object_encoding("numbers"), Some("intset"));
    pool.sadd("numbers", "512")?;
    assert_eq!(pool.object_encoding("numbers"), Some("hashtable"));
    pool.delete("numbers");
    pool.delete("fields");
    for (text, encoding) in [("12", "int"), ("text", "embstr"), (&*"x".repeat(45), "raw")] {
        pool.set("s", text)?;
        assert_eq!(pool.object_encoding("s"), Some(encoding));
    }
    assert_eq!((pool.object_encoding("no"), pool.memory_usage("no")), (None, None));

    let used: usize = pool.debug_keys().map(|info| info.memory_estimate).sum();
    assert_eq!(used, pool.get_stats().record_bytes);
    assert!(pool.memory_usage("hash") > pool.memory_usage("small hash"));
    let hashes = ScanOptions::new().count(1_000).value_type(ValueType::Hash);
    assert_eq!(pool.scan(0, &hashes)?.keys.len(), 2);
    Ok(())
}

#[test]
fn a_hash_of_eight_short_fields_takes_at_most_288_bytes() -> Done {
    let pool = MemoryCachePool::default();
    let pairs: Vec<_> = (0..8).map(|n| (format!("field-{n:02}"), "a value of 16 B.")).collect();

    for (key_len, bytes) in [(8, 272), (16, 288), (24, 288)] {
        let keys = ["a", "b"].map(|letter| letter.repeat(key_len));
        pool.hset_many(&keys[0], &pairs)?;
        pairs.iter().try_for_each(|(field, value)| pool.hset(&keys[1], field, value).map(drop))?;
        assert_eq!(keys.map(|key| pool.memory_usage(key)), [Some(bytes); 2], "{key_len}");
    }
    Ok(())
}

#[test]
fn nothing_is_left_of_what_is_deleted_overwritten_or_flushed() -> Done {
    for round in 0..3 {
        let pool = filled()?;
        match round {
            0 => assert!(KEYS.iter().all(|key| pool.delete(key))),
            1 => {
                for key in KEYS {
                    pool.set(key, "text")?;
                    pool.delete(key);
                }
            }
            _ => pool.flushall(),
        }
        assert_eq!((pool.dbsize(), pool.get_stats().record_bytes), (0, 0), "round {round}");
    }
    Ok(())
}

#[test]
#[cfg_attr(miri, ignore = "takes thousands of writes")]
fn a_large_value_is_freed_in_slices_by_whoever_writes_later() -> Done {
    let pool = filled()?;
    let large = pool.memory_usage("hash").unwrap();
    pool.delete("hash");
    assert!(pool.get_stats().retired_bytes >= large);

    for number in 0..20_000 {
        pool.set("key", number.to_string())?;
    }

    let left = pool.get_stats().retired_bytes;
    assert!(left < large / 4, "{left} of {large} bytes are left");
    Ok(())
}

#[test]
fn a_copy_shares_nothing_with_its_source() -> Done {
    let pool = filled()?;
    for key in KEYS {
        pool.pexpire(key, 100_000)?;
        let before = content(&pool, key)?;

        assert!(pool.copy(key, "copy", true)?);
        assert!(!pool.copy(key, "copy", false)?);
        assert!(pool.ttl("copy") > 0);
        pool.delete(key);

        assert_eq!(content(&pool, "copy")?, before);
    }
    assert_eq!(pool.copy("copy", "copy", true), Err(Error::SameKey));
    assert!(!pool.copy("no", "copy", true)?);
    pool.delete("copy");
    assert_eq!(pool.get_stats().record_bytes, 0);
    Ok(())
}

#[test]
fn a_renamed_key_keeps_its_value_and_its_time_to_live() -> Done {
    let pool = filled()?;
    for key in KEYS {
        pool.pexpire(key, 100_000)?;
        let before = content(&pool, key)?;

        pool.rename(key, "renamed")?;

        assert!(!pool.exists(key) && pool.ttl("renamed") > 0);
        assert_eq!(content(&pool, "renamed")?, before);
    }
    pool.set("other", "x")?;
    assert!(!pool.renamenx("renamed", "other")?);
    assert!(pool.renamenx("renamed", "new")?);
    assert!(!pool.renamenx("new", "new")?);
    assert_eq!(pool.rename("no", "new"), Err(Error::NoSuchKey));
    assert_eq!(pool.rename("no", "no"), Err(Error::NoSuchKey));
    pool.rename("new", "new")?;
    assert_eq!(pool.dbsize(), 2);
    Ok(())
}

#[test]
fn a_deadline_moves_with_a_large_value() -> Done {
    let pool = filled()?;
    for key in KEYS {
        let before = content(&pool, key)?;
        for _ in 0..50 {
            pool.pexpire(key, 1_000_000)?;
            pool.persist(key)?;
        }
        assert_eq!(content(&pool, key)?, before);
        pool.delete(key);
    }
    assert_eq!(pool.get_stats().record_bytes, 0);
    Ok(())
}

#[test]
fn a_snapshot_is_of_one_moment_whatever_is_written_meanwhile() -> Done {
    let pool = MemoryCachePool::default();
    let fields: Vec<_> = (0..100).map(|n| format!("field:{n}")).collect();
    let write = |round: usize| {
        let value = round.to_string();
        let pairs: Vec<_> = fields.iter().map(|field| (field, &value)).collect();
        pool.hset_many("h", &pairs)
    };
    write(0)?;
    let ends = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            for round in 1..ROUNDS / 4 {
                write(round).unwrap();
                if round % 50 == 0 {
                    pool.delete("h");
                    pool.pexpire("h", 100_000).unwrap();
                }
            }
            ends.store(true, Relaxed);
        });
        scope.spawn(|| {
            while !ends.load(Relaxed) {
                let all = pool.hgetall("h").unwrap();
                assert!(all.is_empty() || all.len() == fields.len());
                assert!(all.windows(2).all(|two| two[0].1 == two[1].1), "two moments in one reply");
            }
        });
    });
    Ok(())
}

#[test]
fn no_element_is_lost_between_threads() {
    let pool = Arc::new(MemoryCachePool::default());
    let threads: Vec<_> = (0..3)
        .map(|thread| {
            let pool = Arc::clone(&pool);
            thread::spawn(move || {
                for round in 0..ROUNDS {
                    pool.rpush("queue", format!("{thread}:{round}")).unwrap();
                    pool.sadd("all", format!("{thread}:{round}")).unwrap();
                    pool.hincrby("counts", "all", 1).unwrap();
                    pool.hset("counts", format!("{thread}:{round}"), "x").unwrap();
                    if round % 3 == 0 {
                        let moved = pool.lmove("queue", "done", ListEnd::Left, ListEnd::Right);
                        assert!(moved.unwrap().is_some());
                    }
                    if round % 100 == 0 {
                        pool.pexpire("all", 10_000_000).unwrap();
                        pool.persist("queue").unwrap();
                        pool.copy("counts", "copy", true).unwrap();
                    }
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());

    let all = 3 * ROUNDS;
    assert_eq!(pool.llen("queue").unwrap() + pool.llen("done").unwrap(), all);
    assert_eq!(pool.scard("all").unwrap(), all);
    assert_eq!(pool.hincrby("counts", "all", 0).unwrap(), i64::try_from(all).unwrap());
    assert_eq!(pool.hlen("counts").unwrap(), all + 1);
    pool.flushall();
    assert_eq!(pool.get_stats().record_bytes, 0);
}

/// Fields and values.
type Fields = BTreeMap<Vec<u8>, Vec<u8>>;

/// Sets fields of a hash that others change too, and removes every third; returns what it left there.
fn change_fields(pool: &MemoryCachePool, thread: usize) -> Result<Fields, Error> {
    let mut left = Fields::new();
    for round in 0..ROUNDS * 10 {
        let field = format!("{thread}:{}", round * 7_919 % 200).into_bytes();
        assert_eq!(pool.hget("large", &field)?.as_ref(), left.get(&field));
        if round % 3 == 0 {
            assert_eq!(pool.hdel("large", &field)?, left.remove(&field).is_some());
        } else {
            let value = round.to_string().into_bytes();
            assert_eq!(pool.hset("large", &field, &value)?, !left.contains_key(&field));
            left.insert(field, value);
        }
    }
    Ok(left)
}

#[test]
fn a_large_hash_that_threads_change_field_by_field_has_what_each_left_there() {
    let pool = MemoryCachePool::default();
    let left: Fields = thread::scope(|scope| {
        let change = |thread| {
            scope.spawn({
                let pool = &pool;
                move || change_fields(pool, thread)
            })
        };
        let threads = [0, 1, 2, 3].map(change);
        threads.into_iter().flat_map(|thread| thread.join().unwrap().unwrap()).collect()
    });

    assert_eq!(pool.hgetall("large").unwrap().into_iter().collect::<Fields>(), left);
    pool.delete("large");
    assert_eq!(pool.get_stats().record_bytes, 0);
}

#[test]
fn values_that_come_and_go_between_threads_are_each_freed_once() {
    let pool = Arc::new(MemoryCachePool::default());
    let threads: Vec<_> = (0..4)
        .map(|thread: usize| {
            let pool = Arc::clone(&pool);
            thread::spawn(move || {
                let many: Vec<_> = (0..200).map(|n| format!("{n}")).collect();
                for round in 0..ROUNDS / 4 {
                    match (thread + round) % 9 {
                        0 => drop(pool.delete("key")),
                        1 => pool.set("key", "text").unwrap(),
                        2 => drop(pool.sadd_many("key", &many)),
                        3 => drop(pool.sunionstore("key", &["source"])),
                        4 => drop(pool.pexpire("key", 1_000_000)),
                        5 => drop(pool.rename("key", "source")),
                        6 => drop(pool.spop_count("key", 190)),
                        7 => drop(pool.srem_many("key", &many)),
                        _ => drop(pool.copy("source", "key", true)),
                    }
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());

    pool.flushall();
    assert_eq!(pool.get_stats().record_bytes, 0);
}
